"""`hf-hybrid export`: load an encoder, turn and convert it, write it."""

from __future__ import annotations

import argparse
import sys

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command

DTYPES = ("float32", "float16", "bfloat16")


class ExportCommand(Command):
    """Write a smaller copy."""

    name = "export"
    help = "write a smaller copy of an encoder to publish"
    description = """\
Write a copy of an encoder to publish: with smaller numbers, and, for a static one, with its vectors turned onto their
principal axes, so that their first dimensions are the best to keep (`truncate_dim`). Similarities of whole vectors
change by rounding only.

Keep with --layers only some of a transformer's layers: smaller encoders of one family, to be trained on.
"""
    epilog = """\
examples:
  hf-hybrid export runs/my_run/model my-retriever --dtype float16
  hf-hybrid export runs/my_run/model my-retriever --dtype float16 --principal_axes renditions/dev.parquet
  hf-hybrid export intfloat/multilingual-e5-small e5-small-6 --layers 6 --which_layers spaced
  hf-hybrid export my-retriever for-onnx --add_pooler
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The encoder, the copy, and what becomes smaller."""
        flags.add_model(parser)
        parser.add_argument("output", metavar="OUTPUT", help="write the copy to this folder")
        flags.add_model_revision(parser)
        flags.add_dtype(parser, DTYPES)
        parser.add_argument(
            "--principal_axes",
            nargs="+",
            metavar="FILE",
            help="turn a static encoder's vectors by these typical texts: Parquet or JSONL (columns lang, and query, "
            "passage or text)",
        )
        parser.add_argument(
            "--characters",
            type=int,
            default=200_000,
            metavar="N",
            help="read N characters of every language of these texts (default: %(default)s)",
        )
        parser.add_argument("--layers", type=int, metavar="N", help="keep N layers of a transformer (default: all)")
        parser.add_argument(
            "--which_layers",
            default="first",
            metavar="CHOICE",
            help="keep the `first` ones, or evenly `spaced` ones, among them the last (default: %(default)s)",
        )
        parser.add_argument(
            "--max_seq_length",
            type=int,
            metavar="N",
            help="let N tokens of a text count, as far as the positions reach (default: as in training)",
        )
        parser.add_argument(
            "--add_pooler",
            action="store_true",
            help="give a transformer without a pooler one of zeros, which no vector passes: exporters to ONNX want it",
        )
        flags.add_overwrite(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """`hf-hybrid export`: load, turn, convert, write."""
        import torch

        from hf_hybrid.encoders.models import save_encoder
        from hf_hybrid.retrieval.encode import load_encoder

        model = load_encoder(arguments.model, arguments.model_revision, device="cpu")
        if arguments.layers is not None:
            from hf_hybrid.encoders.layers import keep_layers

            kept = keep_layers(model, arguments.layers, arguments.which_layers)
            sys.stdout.write(f"layers kept, from 0: {', '.join(map(str, kept))}\n")
        if arguments.principal_axes:
            from hf_hybrid.data.tokenizer_texts import load_tokenizer_texts
            from hf_hybrid.encoders.principal_axes import turn_to_principal_axes

            texts = load_tokenizer_texts(arguments.principal_axes, characters=arguments.characters)
            held = turn_to_principal_axes(model, list(texts)).cumsum(0)
            kept = {size: held[size - 1].item() for size in (32, 64, 128, 256, 512) if size < len(held)}
            shares = ", ".join(f"{size}: {share:.1%}" for size, share in kept.items())
            sys.stdout.write(f"mean squared length in the first dimensions: {shares or 'all of it'}\n")
        if arguments.max_seq_length is not None:
            from hf_hybrid.encoders.max_length import set_max_length

            set_max_length(model, arguments.max_seq_length)
        if arguments.add_pooler:
            from hf_hybrid.encoders.absent_pooler import add_pooler

            add_pooler(model)
        model.to(getattr(torch, arguments.dtype))
        sys.stdout.write(f"Written to {save_encoder(model, arguments.output, arguments.overwrite)}\n")
