"""The test split of the embedded data set cldr_qa: a benchmark that needs no download."""

from __future__ import annotations

from pathlib import Path

from hf_hybrid.benchmarks.benchmark import Benchmark


def load_cldr_qa(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    split: str = "test",
    max_examples: int | None = None,
    seed: int = 0,
) -> Benchmark:
    """Load a split of cldr_qa: the embedded copy, or another one in the same layout.

    Args:
        data_dir: folder of a copy; the embedded one by default.
        hub_id: dataset repository with a copy.
        revision: its revision.
        split: ``train``, ``dev`` or ``test``.
        max_examples: see `hf_hybrid.benchmarks.parallel.fields_of_pairs`.
        seed: likewise.
    """
    from hf_hybrid.data.pairs import ParallelPairs, embedded_dataset_path

    path = hub_id or data_dir or embedded_dataset_path()
    pairs = ParallelPairs.load(str(path), split=split, revision=revision)
    return Benchmark.from_pairs(pairs, name="cldr_qa", max_examples=max_examples, seed=seed)
