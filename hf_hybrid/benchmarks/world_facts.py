"""World Facts, 104 parallel questions in 11 languages: a benchmark that needs no download and that nothing trains
on.
"""

from __future__ import annotations

from pathlib import Path

from hf_hybrid.benchmarks.benchmark import Benchmark


def load_world_facts(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    split: str = "test",
    max_examples: int | None = None,
    seed: int = 0,
) -> Benchmark:
    """Load World Facts: the embedded copy, or another one in the same layout.

    Args:
        data_dir: folder of a copy; the embedded one by default.
        hub_id: dataset repository with a copy.
        revision: its revision.
        split: there is only ``test``.
        max_examples: see `hf_hybrid.benchmarks.parallel.fields_of_pairs`.
        seed: likewise.
    """
    from hf_hybrid.data.pairs import ParallelPairs, embedded_dataset_path

    path = hub_id or data_dir or embedded_dataset_path("world_facts")
    pairs = ParallelPairs.load(str(path), split=split, revision=revision)
    return Benchmark.from_pairs(pairs, name="world_facts", max_examples=max_examples, seed=seed)
