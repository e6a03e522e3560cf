"""`hf-hybrid encode`: vectors of a corpus of any size, on disk."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.retrieval.language_offsets import LanguageOffset


class EncodeCommand(Command):
    """Encode a corpus."""

    name = "encode"
    help = "encode a corpus of any size into vectors on disk"
    description = "Encode a corpus of any size into vectors on disk, in one process or in many."
    epilog = """\
examples:
  hf-hybrid encode runs/my_run/model --corpus corpus.jsonl --output vectors/
  accelerate launch --multi_gpu -m hf_hybrid.cli encode MODEL --corpus docs-*.jsonl.gz --output vectors/

Shift (arXiv 2606.18801) moves a corpus of one language to where the source language's texts are; questions stay.

A run that was stopped goes on where it stopped: give the same command again. A folder of other vectors is never
touched.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The encoder, the corpus, and the form of the vectors."""
        flags.add_model(parser)
        parser.add_argument(
            "--corpus",
            nargs="+",
            required=True,
            metavar="FILE",
            help="read texts from these files, .jsonl or .jsonl.gz: docid (or _id, id), title, text",
        )
        flags.add_output(parser, "the vectors", "folder", required=True)
        parser.add_argument(
            "--kind",
            default="passage",
            metavar="KIND",
            help="encode texts as `passage` or as `query` (default: %(default)s)",
        )
        flags.add_prompt(parser)
        flags.add_dtype(parser)
        parser.add_argument(
            "--rows_per_shard",
            type=int,
            default=65536,
            metavar="N",
            help="put N vectors into a file (default: %(default)s)",
        )
        parser.add_argument(
            "--corpus_language",
            metavar="TAG",
            help="take from every vector what this language of the corpus adds, found on --parallel_text (Shift)",
        )
        flags.add_parallel_text(parser)
        flags.add_batch_size(parser)
        flags.add_model_revision(parser)
        flags.add_pooling(parser)
        flags.add_similarity(parser)
        flags.add_device(parser)
        flags.add_compute_dtype(parser)
        flags.add_quiet(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """Encode, or go on where a run stopped."""
        from hf_hybrid.retrieval.encode import load_encoder
        from hf_hybrid.retrieval.encode_corpus import encode_corpus
        from hf_hybrid.retrieval.encode_sources import JsonlCorpus

        corpus = JsonlCorpus(tuple(Path(file) for file in arguments.corpus))
        if (arguments.corpus_language is None) != (arguments.parallel_text is None):
            raise InputError("--corpus_language and --parallel_text belong together: give both, or neither")
        model = load_encoder(
            arguments.model,
            arguments.model_revision,
            arguments.pooling,
            arguments.device,
            arguments.compute_dtype,
        )
        shards = encode_corpus(
            model,
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
            similarity=arguments.similarity,
            offset=None if arguments.corpus_language is None else _offset(arguments, model),
        )
        if shards is not None:
            size = f"{shards.num_rows:,} vectors of {shards.dimension} dimensions"
            sys.stdout.write(f"{size} in {len(shards.rows_of_shard)} files: {arguments.output}\n")


def _offset(arguments: argparse.Namespace, model: SentenceTransformer) -> LanguageOffset:
    """What the corpus's language adds, estimated with this encoder."""
    from hf_hybrid.data.pairs import ParallelPairs
    from hf_hybrid.evaluation.remove_language import language_offset

    return language_offset(
        model, ParallelPairs.load(arguments.parallel_text), arguments.corpus_language, arguments.source_language
    )
