"""`hf-hybrid export`: the verb's arguments, and its steps."""

from __future__ import annotations

import argparse
import sys

EXPORT_DESCRIPTION = """\
Write a copy of an encoder to publish: with smaller numbers, and, for a static one, with its vectors turned onto their principal axes, so
that their first dimensions are the best to keep (`truncate_dim`). Similarities of whole vectors change by rounding only.
"""
EXPORT_EPILOG = """\
examples:
  hf-hybrid export runs/my_run/model my-retriever --dtype float16
  hf-hybrid export runs/my_run/model my-retriever --dtype float16 --principal_axes renditions/dev.parquet
"""
DTYPES = ("float32", "float16", "bfloat16")


def add_export(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "export",
        help="write a smaller copy of an encoder to publish",
        description=EXPORT_DESCRIPTION,
        epilog=EXPORT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_export)
    parser.add_argument("model", metavar="MODEL", help="folder or Hub name of an encoder")
    parser.add_argument("output", metavar="OUTPUT", help="folder to write")
    parser.add_argument("--model_revision", metavar="REV", help="branch, tag or commit of a Hub model")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of the weights (default: %(default)s)")
    parser.add_argument(
        "--principal_axes",
        nargs="+",
        metavar="FILE",
        help="turn a static encoder's vectors; Parquet/JSONL files of typical texts (columns lang, and query, passage or text)",
    )
    parser.add_argument(
        "--characters", type=int, default=200_000, help="of every language of these texts (default: %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an encoder that is there")


def _export(arguments: argparse.Namespace) -> None:
    """`hf-hybrid export`: load, turn, convert, write."""
    import torch

    from hf_hybrid.encoders.models import save_encoder
    from hf_hybrid.retrieval.encode import load_encoder

    model = load_encoder(arguments.model, arguments.model_revision, device="cpu")
    if arguments.principal_axes:
        from hf_hybrid.data.tokenizer_texts import load_tokenizer_texts
        from hf_hybrid.encoders.principal_axes import turn_to_principal_axes

        texts = load_tokenizer_texts(arguments.principal_axes, characters=arguments.characters)
        held = turn_to_principal_axes(model, list(texts)).cumsum(0)
        kept = {size: held[size - 1].item() for size in (32, 64, 128, 256, 512) if size < len(held)}
        shares = ", ".join(f"{size}: {share:.1%}" for size, share in kept.items())
        sys.stdout.write(f"mean squared length in the first dimensions: {shares or 'all of it'}\n")
    model.to(getattr(torch, arguments.dtype))
    sys.stdout.write(f"Written to {save_encoder(model, arguments.output, arguments.overwrite)}\n")
