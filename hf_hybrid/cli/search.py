"""`hf-hybrid search`: search vectors on disk, exactly or through an index."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    import torch

    from hf_hybrid.retrieval.search import TopK
    from hf_hybrid.retrieval.shards import Shards


class SearchCommand(Command):
    """Search a corpus."""

    name = "search"
    help = "search vectors made by `hf-hybrid encode`"
    description = "Search vectors made by `hf-hybrid encode`, exactly or through an index of FAISS."
    epilog = """\
examples:
  hf-hybrid search runs/my_run/model --vectors vectors/ --query "Wo liegt Quito?"
  hf-hybrid search MODEL --vectors vectors/ --queries topics.tsv --k 100 --output run.trec
  hf-hybrid search MODEL --vectors vectors/ --queries topics.tsv --index ivfpq --output run.trec
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The encoder, the vectors, the questions, and the way to search."""
        flags.add_model(parser)
        parser.add_argument(
            "--vectors",
            required=True,
            metavar="DIR",
            help="search the vectors in this folder, made by `hf-hybrid encode`",
        )
        asked = parser.add_mutually_exclusive_group(required=True)
        asked.add_argument("--query", nargs="+", metavar="TEXT", help="ask these questions")
        asked.add_argument(
            "--queries", metavar="FILE", help="ask the questions of this file, one a line: id, tab, text"
        )
        flags.add_prompt(parser)
        parser.add_argument(
            "--k", type=int, default=10, metavar="K", help="find K passages for each question (default: %(default)s)"
        )
        parser.add_argument(
            "--index",
            metavar="KIND",
            help="search through `flat` or `ivfpq` of FAISS, instead of exactly block by block; the index is kept "
            "beside the vectors, and what it loses is printed",
        )
        parser.add_argument("--probes", type=int, metavar="N", help="search N cells of ivfpq (default: a sixteenth)")
        flags.add_max_memory(parser)
        flags.add_output(parser, "the rankings", "TREC run file")
        flags.add_overwrite(parser)
        flags.add_model_revision(parser)
        flags.add_pooling(parser)
        flags.add_device(parser)
        flags.add_compute_dtype(parser)
        flags.add_quiet(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """Encode the questions, search, write or print a TREC run."""
        from hf_hybrid.benchmarks.miracl import read_topics
        from hf_hybrid.output_files import check_output, write_bytes
        from hf_hybrid.retrieval.encode import load_encoder
        from hf_hybrid.retrieval.encode_texts import encode_texts
        from hf_hybrid.retrieval.provenance import check_encoder
        from hf_hybrid.retrieval.search import search_exactly, trec_run
        from hf_hybrid.retrieval.shards import Shards

        if arguments.output:
            check_output(arguments.output, arguments.overwrite)
        shards = Shards.open(arguments.vectors)
        if arguments.queries and not Path(arguments.queries).is_file():
            raise InputError(f"--queries {arguments.queries}: no such file; give lines `id<TAB>text`")
        asked = (
            read_topics(Path(arguments.queries)) if arguments.queries else dict(enumerate(arguments.query, start=1))
        )
        model = load_encoder(
            arguments.model,
            arguments.model_revision,
            arguments.pooling,
            arguments.device,
            arguments.compute_dtype,
        )
        check_encoder(model, arguments.model, shards)
        queries = encode_texts(
            model,
            list(asked.values()),
            kind="query",
            prompt=arguments.prompt,
            normalise=shards.settings.similarity == "cosine",
        )
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
        f"The {arguments.index} index finds {100 * recall:.1f} % of the exact best {arguments.k}: "
        f"it loses {100 * (1 - recall):.1f} %\n"
    )
    return search_index(index, queries, shards, arguments.k)
