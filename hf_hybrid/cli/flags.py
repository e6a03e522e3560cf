"""Arguments that several verbs take, each declared once. Verbs differ in names of results and in defaults only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

# argparse gives parsers and their groups the same method.
Parser = argparse.ArgumentParser | argparse._ArgumentGroup


def add_model(parser: Parser) -> None:
    """The encoder, by position."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="load this encoder of sentence-transformers or transformers: a folder or a Hub name",
    )


def add_model_revision(parser: Parser) -> None:
    """Which revision of the encoder."""
    parser.add_argument("--model_revision", metavar="REV", help="take this branch, tag or commit of a Hub model")


def add_pooling(parser: Parser) -> None:
    """How token vectors become one."""
    parser.add_argument("--pooling", metavar="KIND", help="pool by `mean` or `cls` (default: what the model says)")


def add_similarity(parser: Parser) -> None:
    """How vectors are compared."""
    parser.add_argument(
        "--similarity",
        metavar="NAME",
        help="compare vectors by `cosine`, `dot`, `euclidean` or `manhattan` (default: what the model says)",
    )


def add_device(parser: Parser) -> None:
    """Where the encoder runs."""
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="run the encoder on this device: cpu, cuda, cuda:1 (default: this process's GPU where there is one)",
    )


def add_batch_size(parser: Parser) -> None:
    """How many texts are encoded at once."""
    parser.add_argument(
        "--batch_size",
        type=int,
        default=128,
        metavar="N",
        help="encode N texts of 512 tokens at once, of shorter ones more (default: %(default)s)",
    )


def add_prompt(parser: Parser) -> None:
    """A text before all others."""
    parser.add_argument(
        "--prompt", metavar="TEXT", help="put this before every text (default: the prompt saved with the model)"
    )


def add_dtype(parser: Parser, choices: Sequence[str] | None = None) -> None:
    """The type of numbers on disk; with `choices` the parser checks it, else the verb does."""
    parser.add_argument(
        "--dtype",
        choices=choices,
        default="float32",
        metavar="TYPE",
        help="store numbers as float32, float16 or bfloat16 (default: %(default)s)",
    )


def add_compute_dtype(parser: Parser) -> None:
    """The type of numbers that an encoder computes in."""
    parser.add_argument(
        "--compute_dtype",
        default="float32",
        metavar="TYPE",
        help="run the encoder in float32, float16 or bfloat16, of which the last is the fastest on a GPU and on a CPU "
        "with AMX or AVX512-BF16, and slow on other CPUs; auto: bfloat16 where it is fast, else float32 "
        "(default: %(default)s)",
    )


def add_windows(parser: Parser, recipe: bool = False) -> None:
    """How a reader cuts passages; with a recipe, a flag that is not given leaves it to that."""
    parser.add_argument(
        "--max_length",
        type=int,
        default=None if recipe else 384,
        metavar="N",
        help="cut passages for the reader into windows of N tokens, question included (default: 384)",
    )
    parser.add_argument(
        "--stride",
        type=int,
        default=None if recipe else 128,
        metavar="N",
        help="share N tokens between consecutive windows (default: 128)",
    )


def add_parallel_text(parser: Parser) -> None:
    """Where Shift's relative language vectors come from."""
    parser.add_argument("--parallel_text", metavar="DATA", help="find what languages add on this parallel data set")
    parser.add_argument(
        "--source_language",
        default="en",
        metavar="TAG",
        help="take this language for the one that Shift moves passages to (default: %(default)s)",
    )


def add_max_memory(parser: Parser, default: int = 256) -> None:
    """A limit on memory."""
    parser.add_argument(
        "--max_memory_mb",
        type=float,
        default=default,
        metavar="MB",
        help="keep scores and indexes within this many megabytes at a time (default: %(default)s)",
    )


def add_output(parser: Parser, what: str, kind: str = "JSON file", required: bool = False) -> None:
    """Where a verb writes its result.

    Args:
        parser: of the verb.
        what: the result.
        kind: what is written: a kind of file, or "folder".
        required: whether it must be given.
    """
    metavar = "DIR" if kind == "folder" else "FILE"
    parser.add_argument("--output", required=required, metavar=metavar, help=f"write {what} to this {kind}")


def add_overwrite(parser: Parser) -> None:
    """Leave to replace outputs."""
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that exist")


def add_quiet(parser: Parser) -> None:
    """No bars."""
    parser.add_argument("--quiet", action="store_true", help="show no progress bars")


def add_plot(parser: Parser, what: str) -> None:
    """Files of a picture."""
    parser.add_argument(
        "--plot",
        nargs="+",
        default=[],
        metavar="FILE",
        help=f"draw {what} to this file, .png or .svg, or to one of each",
    )


def add_resampling(parser: Parser) -> None:
    """How results files are compared: margin, confidence and draws."""
    parser.add_argument(
        "--margin",
        type=float,
        default=0.01,
        metavar="X",
        help="allow a loss of mAP (of corpora nDCG@10, of a reader F1) up to X (default: %(default)s, one point)",
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.95,
        metavar="X",
        help="give intervals this confidence (default: %(default)s)",
    )
    parser.add_argument(
        "--resamples", type=int, default=10_000, metavar="N", help="draw N resamples (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed the draws with N (default: %(default)s)"
    )


def add_repository_kind(parser: Parser) -> None:
    """Model, dataset or Space."""
    parser.add_argument(
        "--kind",
        choices=("model", "dataset", "space"),
        help="take it for a model, dataset or Space (default: what its card, its folder or the Hub says)",
    )


def add_repository(parser: Parser) -> None:
    """A repository of the Hub, by position."""
    parser.add_argument("repo_id", metavar="REPO_ID", help="name the repository of the Hub: NAMESPACE/NAME")


def add_exclude(parser: Parser) -> None:
    """Files that are left out."""
    parser.add_argument(
        "--exclude",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="leave out files of these patterns; `*` also matches slashes",
    )


def add_connection(parser: Parser) -> None:
    """Patience with the Hub."""
    parser.add_argument(
        "--attempts",
        type=int,
        default=4,
        metavar="N",
        help="try a step N times while the Hub or the network fails (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=120,
        metavar="SECONDS",
        help="give a silent connection up after this time (default: %(default)s)",
    )
