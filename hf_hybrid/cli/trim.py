"""`hf-hybrid trim`: count the pieces of a corpus, choose some, cut the encoder's vocabulary to them, write it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.cli.export import DTYPES
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hf_hybrid.encoders.trimming.encoder import TrimmableEncoder
    from hf_hybrid.encoders.trimming.piece_counts import PieceCounts


class TrimCommand(Command):
    """Cut a vocabulary."""

    name = "trim"
    help = "cut an encoder's vocabulary to the languages of a corpus"
    description = """\
Cut the vocabulary of a multilingual transformer to the pieces that the texts of some languages need, so that its word
table, most of a small model, shrinks. Vectors of texts all of whose pieces are kept stay as they are. Pieces are
chosen so that the language that is covered least is covered best.

Special tokens, the pieces of the model's prompts and single characters stay, so that other texts can still be
spelled. The folder loads with sentence-transformers and transformers alone; `trimming.json` in it says what is
covered, and `kept_pieces.npy` which pieces were kept.
"""
    epilog = """\
examples:
  hf-hybrid trim FacebookAI/xlm-roberta-base --texts renditions/ --coverage 0.99 --output xlmr-trimmed
  hf-hybrid trim intfloat/multilingual-e5-small --texts de=de.txt th=th.txt --pieces 40000 --output e5-trimmed
  hf-hybrid trim intfloat/multilingual-e5-small --kept_pieces e5-trimmed/kept_pieces.npy --output again

Tokenizers are Unigram (XLM-R, E5) or WordPiece (mBERT, LaBSE). Coverage is the share of tokens, as the whole
vocabulary segments the texts, whose piece is kept; a text that lost a piece is segmented into other pieces.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The encoder, the texts, how much is kept, and the folder."""
        flags.add_model(parser)
        parser.add_argument(
            "--texts",
            nargs="+",
            default=[],
            metavar="[LANG=]FILE",
            help="count the pieces of these texts: Parquet or JSONL, or folders of them (columns lang, and query, "
            "passage or text), or LANG=FILE of plain text, a text a line",
        )
        parser.add_argument(
            "--languages", nargs="+", metavar="TAG", help="count texts in these languages only (default: all of them)"
        )
        parser.add_argument(
            "--coverage",
            type=float,
            metavar="X",
            help="keep the fewest pieces that cover this share of every language",
        )
        parser.add_argument(
            "--pieces", type=int, metavar="N", help="keep the N pieces that cover the least covered language best"
        )
        parser.add_argument(
            "--single_characters",
            choices=("all", "texts"),
            default="all",
            metavar="WHICH",
            help="keep `all` single characters of the vocabulary, or those of the `texts` (default: %(default)s)",
        )
        parser.add_argument(
            "--kept_pieces",
            metavar="FILE",
            help="keep the pieces of this kept_pieces.npy of an encoder that was trimmed",
        )
        flags.add_output(parser, "the trimmed encoder", "folder", required=True)
        flags.add_overwrite(parser)
        flags.add_dtype(parser, DTYPES)
        flags.add_model_revision(parser)
        flags.add_quiet(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """Load, count, choose, cut, compare, write."""
        _check(arguments)
        import torch

        from hf_hybrid.encoders.checkpoints import find_checkpoint
        from hf_hybrid.encoders.trimming.encoder import TrimmableEncoder, save_trimmed, weights_bytes
        from hf_hybrid.encoders.trimming.piece_counts import count_pieces
        from hf_hybrid.encoders.trimming.same_vectors import first_texts, greatest_difference, texts_of_kept_pieces
        from hf_hybrid.output_files import check_new_directory
        from hf_hybrid.retrieval.encode import load_encoder

        check_new_directory(arguments.output, arguments.overwrite)
        folder = find_checkpoint(arguments.model, arguments.model_revision)
        encoder = TrimmableEncoder(load_encoder(arguments.model, arguments.model_revision, device="cpu"))
        sizes = {"pieces": len(encoder.pieces), "parameters": encoder.parameters}
        counts, sample = None, {}
        if arguments.texts:
            from hf_hybrid.data.language_texts import language_texts

            batches = first_texts(language_texts(arguments.texts, arguments.languages), sample)
            counts = count_pieces(encoder.tokenizer, batches, encoder.unknown_id, not arguments.quiet)
        required, kept = _chosen(arguments, encoder, counts)
        texts = [text for language in sorted(sample) for text in sample[language]]
        texts = texts_of_kept_pieces(encoder.tokenizer, texts, kept, encoder.unknown_id)
        vectors = encoder.model.encode_document(texts, show_progress_bar=False)
        order = encoder.trim(kept)
        difference = greatest_difference(vectors, encoder.model.encode_document(texts, show_progress_bar=False))
        report = {
            "model": arguments.model,
            "revision": encoder.model.model_card_data.base_model_revision,
            "texts": arguments.texts,
            "languages": {} if counts is None else counts.table(kept),
            "pieces": {"before": sizes["pieces"], "after": len(order), "required": int(required.sum())},
            "parameters": {"before": sizes["parameters"], "after": encoder.parameters},
            "weights_bytes": {"before": weights_bytes(folder)},
            "dtype": arguments.dtype,
            "same_vectors": {"texts": len(texts), "greatest_difference": difference},
        }
        dtype = getattr(torch, arguments.dtype)
        written = save_trimmed(encoder.model, arguments.output, report, order, dtype, arguments.overwrite)
        report["weights_bytes"]["after"] = weights_bytes(written)
        sys.stdout.write(f"{report_text(report)}\n\nWritten to {written}\n")


def report_text(report: Mapping[str, Any]) -> str:
    """What was kept, for the terminal.

    Example:
        >>> sizes = {"pieces": {"before": 9, "after": 4, "required": 3}, "parameters": {"before": 90, "after": 40}}
        >>> print(report_text({**sizes, "weights_bytes": {"before": 400, "after": 200}, "languages": {}}))
        pieces      9 -> 4 (3 stay in any case)
        parameters  90 -> 40
        weights     400 -> 200 bytes
    """
    pieces, parameters, size = (report[name] for name in ("pieces", "parameters", "weights_bytes"))
    lines = [
        f"pieces      {pieces['before']:,} -> {pieces['after']:,} ({pieces['required']:,} stay in any case)",
        f"parameters  {parameters['before']:,} -> {parameters['after']:,}",
        f"weights     {size['before']:,} -> {size['after']:,} bytes",
    ]
    if report["languages"]:
        texts, apart = (report["same_vectors"][name] for name in ("texts", "greatest_difference"))
        lines += [
            f"vectors     of {texts} texts all of whose pieces are kept: {apart:.1e} apart",
            "",
            "language  texts      tokens       coverage  whole texts",
        ]
    for language, row in report["languages"].items():
        shares = f"{row['coverage']:<9.3%} {row['whole_texts']:.1%}"
        lines.append(f"{language:<9} {row['texts']:<10,} {row['tokens']:<12,} {shares}")
    return "\n".join(lines)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse flags that do not go together, before anything is loaded."""
    given = [name for name in ("coverage", "pieces", "kept_pieces") if getattr(arguments, name) is not None]
    if len(given) != 1:
        said = " and ".join(f"--{name}" for name in given) or "none"
        raise InputError(f"give one of --coverage, --pieces and --kept_pieces; {said} is given")
    if not arguments.texts and given != ["kept_pieces"]:
        raise InputError(f"--{given[0]} needs texts to count: give --texts FILE")
    if arguments.coverage is not None and not 0 < arguments.coverage <= 1:
        raise InputError(f"--coverage is {arguments.coverage}: give a share above 0 and at most 1")


def _chosen(
    arguments: argparse.Namespace, encoder: TrimmableEncoder, counts: PieceCounts | None
) -> tuple[np.ndarray, np.ndarray]:
    """What stays in any case, and all that is kept."""
    import numpy as np

    from hf_hybrid.encoders.trimming.choice import best_pieces, fewest_pieces
    from hf_hybrid.encoders.trimming.encoder import read_kept_pieces

    if arguments.kept_pieces is not None:
        named = read_kept_pieces(arguments.kept_pieces, len(encoder.pieces))
        # Which characters stay is the file's choice.
        required = encoder.required(seen=np.zeros_like(named))
        return required, required | named
    required = encoder.required(None if arguments.single_characters == "all" else counts.counts.any(0))
    if arguments.pieces is not None:
        return required, best_pieces(counts.counts, arguments.pieces, required)
    return required, fewest_pieces(counts.counts, arguments.coverage, required)
