"""Our pool of mixed languages as a task for `mteb` (extra ``mteb``): any model that mteb runs can be evaluated on it.

What mteb's interface allows: the queries of each language are a subset, and every subset searches the one pool of all
languages, so that ``map_at_1000`` is the Mul of `hf_hybrid` with rankings cut at 1,000. What it does not: rankings
longer than the cutoff (it keeps each query's passages in a dictionary), the L x L matrix in one task (a subset has one
corpus; make one task per candidate language), rank distance and the other measures that need the ranks of all relevant
candidates. Ties are broken by mteb, not averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from mteb.abstasks.retrieval import AbsTaskRetrieval

SPLIT = "test"


def mteb_task(benchmark: Benchmark, candidate_language: str | None = None, cutoff: int = 1000) -> AbsTaskRetrieval:
    """Offer a benchmark to ``mteb.evaluate``.

    Args:
        benchmark: any of ours.
        candidate_language: search the candidates of this language only: a column of the matrix (Mo and Cr); by default
            the pool of all languages (Mul).
        cutoff: passages kept of each ranking; mAP counts relevant passages below as not found.

    Returns:
        The task; its main score is ``map_at_<cutoff>``, one subset per query language.

    Raises:
        InputError: mteb is not installed, or the benchmark has no such language.

    Example:
        >>> import mteb  # doctest: +SKIP
        >>> mteb.evaluate(model, mteb_task(load_benchmark("cldr_qa")), cache=None)  # doctest: +SKIP
    """
    try:
        from mteb.abstasks.retrieval import AbsTaskRetrieval
        from mteb.abstasks.task_metadata import TaskMetadata
    except ImportError as error:
        raise InputError("a task for mteb needs mteb: `pip install 'hf_hybrid[mteb]'`") from error
    if candidate_language is not None and candidate_language not in benchmark.languages:
        raise InputError(
            f"benchmark {benchmark.name} has no language {candidate_language!r}: choose among "
            f"{', '.join(benchmark.languages)}"
        )
    splits = _splits(benchmark, candidate_language)
    pool = "Mixed" if candidate_language is None else candidate_language.replace("-", "")
    metadata = TaskMetadata(
        name=f"HfHybrid{benchmark.name.title().replace('_', '')}{pool}Retrieval",
        description=f"{benchmark.name}: queries of each language against "
        + ("one pool of all languages." if candidate_language is None else f"the candidates in {candidate_language}."),
        # The data are handed over below; nothing is downloaded.
        dataset={"path": benchmark.name, "revision": benchmark.data_sha256[:40]},
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=[SPLIT],
        eval_langs={tag: [_mteb_language(tag)] for tag in splits},
        main_score=f"map_at_{cutoff}",
    )

    def load_data(self: AbsTaskRetrieval, *args: Any, **kwargs: Any) -> None:
        if not self.data_loaded:
            self.dataset = {tag: {SPLIT: dict(splits[tag])} for tag in self.hf_subsets}
            self.data_loaded = True

    members = {
        "metadata": metadata,
        "k_values": tuple(sorted({1, 10, 100, cutoff})),
        "load_data": load_data,
        "__doc__": metadata.description,
    }
    return type(metadata.name, (AbsTaskRetrieval,), members)()


def _splits(benchmark: Benchmark, candidate_language: str | None) -> dict[str, dict[str, Any]]:
    """Query language -> corpus, queries and relevant passages as mteb holds them; languages without a query are left
    out.
    """
    from datasets import Dataset

    kept = np.ones(benchmark.num_candidates, dtype=bool)
    if candidate_language is not None:
        kept = benchmark.candidate_languages == benchmark.languages.index(candidate_language)
    rows = np.flatnonzero(kept).tolist()
    corpus = Dataset.from_dict(
        {
            "id": [benchmark.candidate_ids[row] for row in rows],
            "title": [""] * len(rows),
            "text": [benchmark.candidates[row] for row in rows],
        }
    )
    splits: dict[str, dict[str, Any]] = {}
    offsets = benchmark.relevance_offsets
    for code, tag in enumerate(benchmark.languages):
        relevant = {}
        for query in np.flatnonzero(benchmark.query_languages == code).tolist():
            found = benchmark.relevance_candidates[offsets[query] : offsets[query + 1]]
            grades = {benchmark.candidate_ids[candidate]: 1 for candidate in found[kept[found]].tolist()}
            if grades:
                relevant[query] = grades
        if relevant:
            splits[tag] = {
                "corpus": corpus,
                "queries": Dataset.from_dict(
                    {
                        "id": [benchmark.query_ids[query] for query in relevant],
                        "text": [benchmark.queries[query] for query in relevant],
                    }
                ),
                "relevant_docs": {benchmark.query_ids[query]: grades for query, grades in relevant.items()},
                "top_ranked": None,
            }
    return splits


def _mteb_language(tag: str) -> str:
    """mteb writes ISO 639-3 and script: ``deu-Latn``."""
    import langcodes

    language = langcodes.Language.get(tag)
    return f"{language.to_alpha3()}-{language.maximize().script}"
