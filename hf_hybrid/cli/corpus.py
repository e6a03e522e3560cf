"""`hf-hybrid encode` and `hf-hybrid search`: corpora on disk. Thin; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import CorpusBenchmark
    from hf_hybrid.retrieval.search import TopK
    from hf_hybrid.retrieval.shards import Shards

ENCODE_EPILOG = """\
examples:
  hf-hybrid encode runs/my_run/model --corpus corpus.jsonl --output vectors/
  accelerate launch --multi_gpu -m hf_hybrid.cli.main encode MODEL --corpus docs-*.jsonl.gz --output vectors/ --dtype float16

A run that was stopped goes on where it stopped: give the same command again. A folder of other vectors is never touched.
"""
SEARCH_EPILOG = """\
examples:
  hf-hybrid search runs/my_run/model --vectors vectors/ --query "Wo liegt Quito?"
  hf-hybrid search MODEL --vectors vectors/ --queries topics.tsv --k 100 --output run.trec
  hf-hybrid search MODEL --vectors vectors/ --queries topics.tsv --index ivfpq --output run.trec
"""


def add_corpus_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add `encode` and `search`."""
    _add_encode(verbs)
    _add_search(verbs)


def _add_encode(verbs: argparse._SubParsersAction) -> None:
    parser = _verb(verbs, "encode", "encode a corpus of any size into vectors on disk", ENCODE_EPILOG, _encode)
    parser.add_argument(
        "--corpus",
        nargs="+",
        required=True,
        metavar="FILE",
        help=".jsonl or .jsonl.gz: docid (or _id, id), title, text",
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the vectors")
    parser.add_argument(
        "--kind", default="passage", metavar="KIND", help="`passage` or `query` (default: %(default)s)"
    )
    parser.add_argument("--prompt", metavar="TEXT", help="put before every text instead of the model's own prompt")
    parser.add_argument(
        "--dtype",
        default="float32",
        metavar="TYPE",
        help="float32, float16 or bfloat16, on disk (default: %(default)s)",
    )
    parser.add_argument(
        "--rows_per_shard", type=int, default=65536, metavar="N", help="vectors of a file (default: %(default)s)"
    )
    parser.add_argument(
        "--batch_size",
        type=int,
        default=128,
        metavar="N",
        help="texts of 512 tokens in a batch (default: %(default)s)",
    )
    _add_encoder(parser)


def _add_search(verbs: argparse._SubParsersAction) -> None:
    parser = _verb(verbs, "search", "search vectors made by `hf-hybrid encode`", SEARCH_EPILOG, _search)
    parser.add_argument("--vectors", required=True, metavar="DIR", help="folder made by `hf-hybrid encode`")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--query", nargs="+", metavar="TEXT", help="questions")
    asked.add_argument("--queries", metavar="FILE", help="questions, one a line: id, tab, text")
    parser.add_argument("--prompt", metavar="TEXT", help="put before every question instead of the model's own prompt")
    parser.add_argument(
        "--k", type=int, default=10, metavar="K", help="passages for each question (default: %(default)s)"
    )
    parser.add_argument(
        "--index",
        metavar="KIND",
        help="`flat` or `ivfpq` of FAISS, instead of an exact search block by block; kept beside the vectors; what it loses is printed",
    )
    parser.add_argument("--probes", type=int, metavar="N", help="ivfpq: cells searched (default: a sixteenth)")
    parser.add_argument(
        "--max_memory_mb", type=float, default=256, metavar="MB", help="memory for a block (default: %(default)s)"
    )
    parser.add_argument("--output", metavar="FILE", help="write a TREC run file instead of printing")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing run file")
    _add_encoder(parser)


def evaluate_corpus_benchmark(
    arguments: argparse.Namespace, benchmark: CorpusBenchmark, model: SentenceTransformer
) -> None:
    """`hf-hybrid evaluate` on a benchmark whose corpora are on disk: measure, print, write."""
    from hf_hybrid.engines.first_rank import is_first_rank
    from hf_hybrid.errors import InputError
    from hf_hybrid.evaluation.corpus import corpus_results, evaluate_corpora

    if arguments.plots:
        raise InputError(f"--plots: {benchmark.name} has no language matrix to draw; leave it out")
    vectors = arguments.vectors or (arguments.output and f"{Path(arguments.output).with_suffix('')}_vectors")
    if not vectors:
        raise InputError(f"--vectors: {benchmark.name} needs a folder for its passages' vectors; name one")
    evaluation = evaluate_corpora(
        model,
        benchmark,
        vectors,
        model_name=arguments.model,
        revision=arguments.model_revision,
        query_prompt=arguments.query_prompt,
        passage_prompt=arguments.passage_prompt,
        batch_size=arguments.batch_size,
        max_memory_mb=arguments.max_memory_mb,
        show_progress=not arguments.quiet,
    )
    if not is_first_rank():
        return
    sys.stdout.write(f"{arguments.model} on {benchmark.name}\n\n{evaluation.table()}\n")
    if arguments.output:
        from hf_hybrid.evaluation.results import write_results

        revision = model.model_card_data.base_model_revision or arguments.model_revision
        results = corpus_results(evaluation, benchmark, arguments.model, revision, arguments.seed)
        written = write_results(arguments.output, results, arguments.overwrite)
        sys.stdout.write(f"Written to {written}\n")


def _verb(
    verbs: argparse._SubParsersAction, name: str, what: str, epilog: str, run: object
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        name,
        help=what,
        description=what.capitalize() + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="folder or Hub name of the encoder")
    return parser


def _add_encoder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model_revision", metavar="REV", help="branch, tag or commit of a Hub model")
    parser.add_argument("--pooling", metavar="KIND", help="`mean` or `cls`, instead of what the model says")
    parser.add_argument(
        "--device", metavar="NAME", help="cpu, cuda, ... (default: this process's GPU where there is one)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def _encode(arguments: argparse.Namespace) -> None:
    """`hf-hybrid encode`."""
    from hf_hybrid.retrieval.encode_corpus import encode_corpus
    from hf_hybrid.retrieval.encode_sources import JsonlCorpus

    corpus = JsonlCorpus(tuple(Path(file) for file in arguments.corpus))
    shards = encode_corpus(
        _load(arguments),
        corpus,
        arguments.output,
        model_name=arguments.model,
        revision=arguments.model_revision,
        kind=arguments.kind,
        prompt=arguments.prompt,
        dtype=arguments.dtype,
        rows_per_shard=arguments.rows_per_shard,
        batch_size=arguments.batch_size,
        show_progress=not arguments.quiet,
    )
    if shards is not None:
        sys.stdout.write(
            f"{shards.num_rows:,} vectors of {shards.dimension} dimensions in {len(shards.rows_of_shard)} files: {arguments.output}\n"
        )


def _search(arguments: argparse.Namespace) -> None:
    """`hf-hybrid search`."""
    from hf_hybrid.benchmarks.miracl import read_topics
    from hf_hybrid.errors import InputError
    from hf_hybrid.output_files import check_output, write_bytes
    from hf_hybrid.retrieval.encode_texts import encode_texts
    from hf_hybrid.retrieval.search import search_exactly, trec_run
    from hf_hybrid.retrieval.shards import Shards

    if arguments.output:
        check_output(arguments.output, arguments.overwrite)
    shards = Shards.open(arguments.vectors)
    if arguments.queries and not Path(arguments.queries).is_file():
        raise InputError(f"--queries {arguments.queries}: no such file; give lines `id<TAB>text`")
    asked = read_topics(Path(arguments.queries)) if arguments.queries else dict(enumerate(arguments.query, start=1))
    queries = encode_texts(_load(arguments), list(asked.values()), kind="query", prompt=arguments.prompt)
    if arguments.index:
        found = _search_index(arguments, queries, shards)
    else:
        found = search_exactly(
            queries,
            shards,
            arguments.k,
            max_memory_mb=arguments.max_memory_mb,
            device=queries.device,
            show_progress=not arguments.quiet,
        )
    lines = trec_run(found, [str(name) for name in asked], shards)
    if arguments.output:
        written = write_bytes(arguments.output, ("\n".join(lines) + "\n").encode(), arguments.overwrite)
        sys.stdout.write(f"Written to {written}\n")
    else:
        sys.stdout.write("\n".join(lines) + "\n")


def _search_index(arguments: argparse.Namespace, queries: torch.Tensor, shards: Shards) -> TopK:
    from hf_hybrid.retrieval.search_faiss import build_index, load_index, measured_recall, save_index, search_index

    path = Path(arguments.vectors) / f"{arguments.index}.faiss"
    if path.is_file():
        index = load_index(path, shards)
    else:
        index = build_index(shards, arguments.index, show_progress=not arguments.quiet)
        save_index(index, path, shards)
    if arguments.probes and hasattr(index, "nprobe"):
        index.nprobe = arguments.probes
    recall = measured_recall(index, queries, shards, arguments.k)
    sys.stderr.write(
        f"The {arguments.index} index finds {100 * recall:.1f} % of the exact best {arguments.k}: it loses {100 * (1 - recall):.1f} %\n"
    )
    return search_index(index, queries, shards, arguments.k)


def _load(arguments: argparse.Namespace) -> SentenceTransformer:
    from hf_hybrid.retrieval.encode import load_encoder

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    return load_encoder(arguments.model, arguments.model_revision, arguments.pooling, arguments.device)
