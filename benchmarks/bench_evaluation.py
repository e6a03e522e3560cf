"""Evaluation from given vectors, side by side with the bare matrix product, with pytrec_eval and with ranx.

    python benchmarks/bench_evaluation.py [--threads 2] [--repeats 5] [--oracle_queries 256] [--output
    benchmarks/results]

Random unit vectors in the shape of XQuAD-R: 11 x 1,190 queries, 13,014 candidates, 11 relevant ones for each query,
768 dimensions; parallel texts share a direction, so that the relevant ones are found about as well as by a real
encoder. No data needed.

Prints, and writes to `evaluation.json`: seconds of the bare product and of the whole evaluation (Mo, Cr, Mul, matrix,
recall, MRR, nDCG and all bias measures), interleaved, medians and their ratio; peak memory above the vectors; the
largest difference of AP from pytrec_eval over the full ranking, with and without ties; and the time of pytrec_eval on
the full ranking and on the top 1,000 and of ranx (where installed) on the top 1,000, from a part of the queries, all
for the multilingual pool only. Random vectors: their rank distance against the theory.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytrec_eval
import torch
from bench_training_common import RESULTS, command_line, summary, write_results

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.evaluation.evaluate import evaluate_embeddings

CANDIDATES = {
    "ar": 1222,
    "de": 1276,
    "el": 1234,
    "en": 1180,
    "es": 1215,
    "hi": 1244,
    "ru": 1219,
    "th": 852,
    "tr": 1167,
    "vi": 1209,
    "zh": 1196,
}
QUESTIONS, ANSWERS, PARAGRAPHS = 1190, 787, 240
BLOCK = 256


def xquad_shape(dimension: int, seed: int) -> tuple[Benchmark, torch.Tensor, torch.Tensor]:
    """A benchmark of XQuAD-R's shape and vectors for it."""
    generator = np.random.default_rng(seed)
    languages = tuple(CANDIDATES)
    starts = np.concatenate([[0], np.cumsum(list(CANDIDATES.values()))])
    answer = generator.permutation(
        np.concatenate([np.arange(ANSWERS), generator.integers(0, ANSWERS, QUESTIONS - ANSWERS)])
    )
    relevant = np.tile(answer[:, None] + starts[:-1], (len(languages), 1))
    total = QUESTIONS * len(languages)
    benchmark = Benchmark(
        name="xquad_r_shape",
        languages=languages,
        query_ids=[f"q{i}" for i in range(total)],
        queries=["-"] * total,
        query_languages=np.repeat(np.arange(len(languages)), QUESTIONS),
        query_examples=np.tile(np.arange(QUESTIONS), len(languages)),
        candidate_ids=[f"d{i}" for i in range(starts[-1])],
        candidates=["-"] * int(starts[-1]),
        candidate_languages=np.repeat(np.arange(len(languages)), list(CANDIDATES.values())),
        relevance_offsets=np.arange(total + 1) * len(languages),
        relevance_candidates=relevant.ravel(),
        clusters=np.tile(np.arange(QUESTIONS) % PARAGRAPHS, len(languages)),
    )
    torch.manual_seed(seed)
    meanings = torch.randn(max(CANDIDATES.values()), dimension)
    of_language = 0.7 * torch.randn(len(languages), dimension)
    sentence = torch.cat([torch.arange(count) for count in CANDIDATES.values()])
    candidates = meanings[sentence] + of_language[torch.from_numpy(benchmark.candidate_languages)]
    queries = (
        meanings[torch.from_numpy(np.tile(answer, len(languages)))]
        + of_language[torch.from_numpy(benchmark.query_languages)]
    )
    noisy = [vectors + 2.2 * torch.randn_like(vectors) for vectors in (queries, candidates)]
    return benchmark, *(torch.nn.functional.normalize(vectors, dim=1) for vectors in noisy)


def bare_product(queries: torch.Tensor, candidates: torch.Tensor) -> None:
    """All scores, block by block, thrown away: what any exact evaluation has to compute."""
    scores = torch.empty(BLOCK, len(candidates))
    for block in queries.split(BLOCK):
        torch.mm(block, candidates.T, out=scores[: len(block)])


def seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


class PeakMemory:
    """Largest resident memory while the block runs, above that at its start, in MiB, looked at every 2 ms."""

    def __enter__(self) -> PeakMemory:
        self.start = self.peak = self._resident()
        self.running = True
        self.watcher = threading.Thread(target=self._watch)
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.running = False
        self.watcher.join()

    @property
    def extra(self) -> float:
        return self.peak - self.start

    def _watch(self) -> None:
        while self.running:
            self.peak = max(self.peak, self._resident())
            time.sleep(0.002)

    @staticmethod
    def _resident() -> float:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS in /proc/self/status")


def pytrec_average_precision(
    scores: np.ndarray, benchmark: Benchmark, rows: np.ndarray, depth: int | None
) -> np.ndarray:
    """pytrec_eval's map of some queries, from the full ranking or from the best ``depth`` candidates."""
    names, offsets = benchmark.candidate_ids, benchmark.relevance_offsets
    qrels, run = {}, {}
    for row, query in enumerate(rows):
        found = benchmark.relevance_candidates[offsets[query] : offsets[query + 1]]
        qrels[str(query)] = {names[index]: 1 for index in found}
        kept = range(len(names)) if depth is None else np.argpartition(-scores[row], depth)[:depth]
        run[str(query)] = {names[index]: float(scores[row, index]) for index in kept}
    values = pytrec_eval.RelevanceEvaluator(qrels, {"map"}).evaluate(run)
    return np.array([values[str(query)]["map"] for query in rows])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--oracle_queries", type=int, default=256, help="queries given to pytrec_eval")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder of the results file (default: %(default)s)"
    )
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    benchmark, queries, candidates = xquad_shape(args.dimension, args.seed)
    print(
        f"{benchmark.num_queries:,} queries x {benchmark.num_candidates:,} candidates, {args.dimension} dimensions, "
        f"{args.threads} threads"
    )

    with PeakMemory() as memory:
        evaluation = evaluate_embeddings(queries, candidates, benchmark)
    print(
        f"Mo {evaluation.mo:.4f}  Cr {evaluation.cr:.4f}  Mul {evaluation.mul:.4f}  rank distance "
        f"{evaluation.rank_distance.mean:,.1f}"
    )
    print(f"peak memory above the vectors: {memory.extra:,.0f} MiB (target < 1,024)")

    product, whole, trec = [], [], []
    bare_product(queries, candidates)
    for _ in range(args.repeats):
        product.append(seconds(lambda: bare_product(queries, candidates)))
        whole.append(seconds(lambda: evaluate_embeddings(queries, candidates, benchmark)))
        trec.append(seconds(lambda: evaluate_embeddings(queries, candidates, benchmark, ties="trec")))
    ratio = statistics.median(whole) / statistics.median(product)
    ratios = sorted(b / a for a, b in zip(product, whole, strict=True))
    timed = {"bare matrix product": product, "whole evaluation": whole, "whole evaluation, trec ties": trec}
    for name, times in timed.items():
        print(f"{name:<28} {statistics.median(times):7.2f} s (from {min(times):.2f} to {max(times):.2f})")
    print(f"ratio {ratio:.2f} (single repeats {ratios[0]:.2f} to {ratios[-1]:.2f}; target <= 2)")

    rows = np.sort(np.random.default_rng(1).choice(benchmark.num_queries, args.oracle_queries, replace=False))
    scores = (queries[rows] @ candidates.T).numpy()
    factor = benchmark.num_queries / len(rows)
    started = time.perf_counter()
    oracle = pytrec_average_precision(scores, benchmark, rows, depth=None)
    full = (time.perf_counter() - started) * factor
    started = time.perf_counter()
    cut = pytrec_average_precision(scores, benchmark, rows, depth=1000)
    top = (time.perf_counter() - started) * factor
    others = {"pytrec_eval, full ranking": full, "pytrec_eval, top 1,000": top}
    if importlib.util.find_spec("ranx"):
        others["ranx, top 1,000"] = ranx_seconds(scores, benchmark, rows) * factor
    whole_time = statistics.median(whole)
    difference = np.abs(evaluation.per_query["map_pool"][rows] - oracle).max()
    print(
        f"AP against pytrec_eval, full ranking, {len(rows)} queries: largest difference {difference:.1e} (target <= "
        "1e-12)"
    )
    tied = tied_difference(benchmark, queries, candidates, rows)
    print(f"  and on scores rounded to ties, trec rule: {tied:.1e}")
    product_time = statistics.median(product)
    compared = {}
    for name, time_of in others.items():
        total = time_of + product_time
        compared[name] = {"seconds": total, "times_ours": total / whole_time}
        print(
            f"{name}: {total:,.1f} s with the product, extrapolated: {total / whole_time:.1f} times ours, and Mul only"
        )
    print(f"mAP of these queries: full ranking {oracle.mean():.5f}, top 1,000 {cut.mean():.5f}")
    found = {
        "queries": benchmark.num_queries,
        "candidates": benchmark.num_candidates,
        "peak_memory_mib": memory.extra,
        "seconds": {name: summary(times) for name, times in timed.items()},
        "ratio": {"median": ratio, "min": ratios[0], "max": ratios[-1]},
        "largest_difference_of_ap": {"full ranking": float(difference), "trec rule": tied},
        "extrapolated": compared,
        "map": {"full ranking": float(oracle.mean()), "top 1,000": float(cut.mean())},
        "random_rank_distance": random_distance(benchmark, args.dimension),
    }
    settings = {key: value for key, value in vars(args).items() if key != "output"}
    content = {"command": command_line(__file__, argv), "results": found}
    print(write_results("evaluation", args.output, settings, content))


def ranx_seconds(scores: np.ndarray, benchmark: Benchmark, rows: np.ndarray) -> float:
    """Time of ranx from scores to the map of the best 1,000 candidates, without compiling."""
    from ranx import Qrels, Run, evaluate

    names, offsets = benchmark.candidate_ids, benchmark.relevance_offsets

    def measure(number: int) -> None:
        qrels, run = {}, {}
        for row, query in enumerate(rows[:number]):
            found = benchmark.relevance_candidates[offsets[query] : offsets[query + 1]]
            qrels[str(query)] = {names[index]: 1 for index in found}
            kept = np.argpartition(-scores[row], 1000)[:1000]
            run[str(query)] = {names[index]: float(scores[row, index]) for index in kept}
        evaluate(Qrels(qrels), Run(run), "map@1000")

    measure(8)
    return seconds(lambda: measure(len(rows)))


def random_distance(benchmark: Benchmark, dimension: int) -> dict[str, float]:
    """Rank distance of random vectors against (R - 1) / (R + 1) * (N + 1), with the standard error over questions."""
    torch.manual_seed(1)
    vectors = [
        torch.nn.functional.normalize(torch.randn(count, dimension), dim=1)
        for count in (benchmark.num_queries, benchmark.num_candidates)
    ]
    evaluation = evaluate_embeddings(*vectors, benchmark)
    # Questions with the same answer share their relevant candidates: those are the independent units.
    answer = benchmark.relevance_candidates[benchmark.relevance_offsets[:-1]]
    distances = evaluation.per_query["rank_distance"]
    number = np.bincount(answer)
    residuals = np.bincount(answer, weights=distances - distances.mean())[number > 0]
    error = float(np.sqrt((residuals**2).sum()) / len(distances))
    relevant = len(CANDIDATES)
    theory = (relevant - 1) / (relevant + 1) * (benchmark.num_candidates + 1)
    found = evaluation.rank_distance.mean
    errors = (found - theory) / error
    print(f"rank distance of random vectors {found:,.1f}, theory {theory:,.1f}: {errors:+.2f} standard errors")
    return {"found": float(found), "theory": theory, "standard_errors": float(errors)}


def tied_difference(benchmark: Benchmark, queries: torch.Tensor, candidates: torch.Tensor, rows: np.ndarray) -> float:
    """Largest difference of AP where most scores are shared: integer vectors of few dimensions have exact, equal
    products.
    """
    coarse = [torch.round(vectors[:, :12] * 40) for vectors in (queries, candidates)]
    ours = evaluate_embeddings(*coarse, benchmark, ties="trec").per_query["map_pool"][rows]
    scores = (coarse[0][rows] @ coarse[1].T).numpy()
    return float(np.abs(ours - pytrec_average_precision(scores, benchmark, rows, depth=None)).max())


if __name__ == "__main__":
    main()
