"""Search in vectors on disk: seconds and memory of the exact search, and what FAISS's indexes lose and gain.

    python benchmarks/bench_search.py [--passages 500000] [--dimension 128] [--queries 200] [--k 100] [--block_mb 64]

The vectors are random but clustered, as those of texts are; queries lie near passages. Memory is the process's peak
above what it had when the vectors were opened (Linux). IVF-PQ's figures depend on the vectors: measure on your own
with `hf-hybrid search --index ivfpq`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from hf_hybrid.retrieval.search import recall_against, search_exactly
from hf_hybrid.retrieval.search_faiss import build_index, search_index
from hf_hybrid.retrieval.shards import Shards, ShardSettings, ShardWriter


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--passages", type=int, default=500_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--block_mb", type=float, default=64)
    parser.add_argument("--rows_per_shard", type=int, default=65_536)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shards = write_vectors(Path(folder) / "vectors", arguments)
        size = sum(file.stat().st_size for file in shards.folder.iterdir()) / 2**20
        print(
            f"{shards.num_rows:,} passages x {shards.dimension}: {size:,.0f} MiB in {len(shards.rows_of_shard)} files"
        )
        queries = near_passages(shards, arguments.queries)
        start = resident_peak(reset=True)
        started = time.perf_counter()
        exact = search_exactly(queries, shards, arguments.k, max_memory_mb=arguments.block_mb)
        print(
            f"exact   search {time.perf_counter() - started:6.2f} s, {resident_peak() - start:6.0f} MiB more "
            f"(blocks of {arguments.block_mb:.0f} MiB)"
        )
        for kind in ("flat", "ivfpq"):
            started = time.perf_counter()
            index = build_index(shards, kind)
            built = time.perf_counter()
            found = search_index(index, queries, shards, arguments.k)
            seconds = time.perf_counter() - built
            recall = recall_against(found, exact)
            print(
                f"{kind:7} search {seconds:6.2f} s, build {built - started:6.2f} s, "
                f"recall of the exact best {arguments.k}: {recall:.3f} (lost {1 - recall:.3f})"
            )


def write_vectors(folder: Path, arguments: argparse.Namespace) -> Shards:
    """Clustered unit vectors, made and written shard by shard."""
    settings = ShardSettings(
        model="random",
        revision=None,
        weights_sha256="",
        kind="passage",
        prompt=None,
        max_seq_length=None,
        data_sha256="",
        dimension=arguments.dimension,
        dtype="float32",
        rows_per_shard=arguments.rows_per_shard,
    )
    writer = ShardWriter(folder, settings)
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(2000, arguments.dimension, generator=generator)
    starts = range(0, arguments.passages, arguments.rows_per_shard)
    for shard, start in enumerate(starts):
        rows = min(arguments.rows_per_shard, arguments.passages - start)
        vectors = centres[torch.randint(2000, (rows,), generator=generator)]
        vectors = vectors + 0.7 * torch.randn(rows, arguments.dimension, generator=generator)
        ids = [str(start + row) for row in range(rows)]
        writer.write(shard, ids, torch.nn.functional.normalize(vectors, dim=1))
    writer.finish(len(starts))
    return Shards.open(folder)


def near_passages(shards: Shards, count: int) -> torch.Tensor:
    _, vectors = next(shards.blocks(count))
    noise = 0.05 * torch.randn(vectors.shape, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.normalize(vectors + noise, dim=1)


def resident_peak(reset: bool = False) -> float:
    """Largest resident memory of the process so far, in MiB; ``reset`` starts anew."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
