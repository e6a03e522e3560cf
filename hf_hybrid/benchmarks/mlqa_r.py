"""MLQA-R (LAReQA): questions in 7 languages, each with answers in 2 to 4 of them (CC BY-NC 4.0: not for commercial
use).

7 same-language and 42 cross-language cells. The queries of a cell are the questions that have an answer in the other
language: about 510 from or to English, 161 to 207 between two others, so that single cells have wide intervals.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.lareqa_files import LareqaSource

logger = logging.getLogger(__name__)

# language -> (questions, candidate sentences); 20,534 sentences in all. As in Table 10 of the paper.
PUBLISHED_COUNTS = {
    "ar": (517, 2545),
    "de": (512, 2362),
    "en": (1148, 6264),
    "es": (500, 1787),
    "hi": (507, 2426),
    "vi": (511, 2828),
    "zh": (504, 2322),
}
HOW_TO_GET = (
    "clone the GitHub repository google-research-datasets/lareqa, whose history still has the files (CC BY-NC 4.0): "
    "`for l in ar de en es hi vi zh; do git show b91469b^:mlqa-r/$l.json > DIR/$l.json; done`, and pass --data_dir DIR"
)
SOURCE = LareqaSource("mlqa_r", "mlqa-r", PUBLISHED_COUNTS, HOW_TO_GET)


def load_mlqa_r(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    candidate_text: str = "sentence",
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Load MLQA-R from a folder, or from a dataset repository of your own.

    It holds LAReQA's files ``ar.json`` ... ``zh.json``, or the Parquet files that ``hub_datasets/mlqa_r/build.py``
    makes of them.

    The setting ``published_counts`` of the benchmark says whether the numbers of questions and sentences are those of
    the publication; a warning says where they are not.

    Args:
        data_dir: folder with the files.
        hub_id: dataset repository with the files, at its root or in a folder ``mlqa-r``.
        revision: revision of the dataset repository.
        candidate_text: ``sentence`` or ``sentence_in_context``, see `hf_hybrid.benchmarks.lareqa.read_lareqa`.
        languages: a part of the 7 languages; all by default.

    Raises:
        InputError: neither or both of ``data_dir`` and ``hub_id``, a missing or damaged file, an unknown language.

    Example:
        >>> load_mlqa_r("path/to/mlqa-r").num_candidates  # doctest: +SKIP
        20534
    """
    benchmark = SOURCE.load(data_dir, hub_id, revision, languages, candidate_text)
    described = benchmark.describe()
    counts = zip(described["queries_per_language"], described["candidates_per_language"], strict=True)
    different = SOURCE.differences(dict(zip(benchmark.languages, counts, strict=True)))
    for difference in different:
        logger.warning("%s; figures are not comparable with published ones", difference)
    return replace(benchmark, settings={**benchmark.settings, "published_counts": not different})
