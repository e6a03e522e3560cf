"""XQuAD-R (LAReQA): 1,190 questions and the same 240 paragraphs in 11 languages, answered by sentences (CC BY-SA 4.0).

11 x 1,190 questions, 13,014 candidate sentences, 11 relevant ones for each question: one in every language.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.lareqa_files import LareqaSource

# language -> (questions, candidate sentences); 13,014 sentences in all. As in Table 10 of the paper.
PUBLISHED_COUNTS = {
    "ar": (1190, 1222),
    "de": (1190, 1276),
    "el": (1190, 1234),
    "en": (1190, 1180),
    "es": (1190, 1215),
    "hi": (1190, 1244),
    "ru": (1190, 1219),
    "th": (1190, 852),
    "tr": (1190, 1167),
    "vi": (1190, 1209),
    "zh": (1190, 1196),
}
HOW_TO_GET = (
    "clone the GitHub repository google-research-datasets/lareqa and pass its folder xquad-r as --data_dir, or a "
    "folder that hub_datasets/xquad_r/build.py made of it, or pass as --hub_id a dataset repository that holds either"
)
SOURCE = LareqaSource("xquad_r", "xquad-r", PUBLISHED_COUNTS, HOW_TO_GET)


def load_xquad_r(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    candidate_text: str = "sentence",
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Load XQuAD-R from a folder, or from a dataset repository on the Hub.

    It holds LAReQA's files ``ar.json`` ... ``zh.json``, or the Parquet files that ``hub_datasets/xquad_r/build.py``
    makes of them.

    Args:
        data_dir: folder with the files.
        hub_id: dataset repository with the files, at its root or in a folder ``xquad-r``.
        revision: revision of the dataset repository.
        candidate_text: ``sentence`` or ``sentence_in_context``, see `hf_hybrid.benchmarks.lareqa.read_lareqa`.
        languages: a part of the 11 languages; all by default.

    Raises:
        InputError: neither or both of ``data_dir`` and ``hub_id``, a missing or damaged file, an unknown language.

    Example:
        >>> load_xquad_r("path/to/lareqa/xquad-r").num_candidates  # doctest: +SKIP
        13014
    """
    return SOURCE.load(data_dir, hub_id, revision, languages, candidate_text)
