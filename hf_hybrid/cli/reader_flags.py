"""What `hf-hybrid evaluate` takes about a reader, and the reader and the options made of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hf_hybrid.cli import flags
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from hf_hybrid.benchmarks import Benchmark, CorpusBenchmark
    from hf_hybrid.evaluation.reading.evaluate import ReadingOptions
    from hf_hybrid.evaluation.reading.kept import KeptSpans
    from hf_hybrid.reading.reader import Reader


def add_reader_flags(parser: flags.Parser) -> None:
    """Add the flags that say which reader answers, and from what."""
    parser.add_argument(
        "--reader",
        metavar="MODEL",
        help="ask this model for extractive question answering, a folder or a Hub name, for the answers in what was "
        "found",
    )
    parser.add_argument("--reader_revision", metavar="REV", help="take this branch, tag or commit of a Hub reader")
    parser.add_argument(
        "--reader_k",
        type=int,
        default=5,
        metavar="K",
        help="read the best K passages of each pool (default: %(default)s)",
    )
    parser.add_argument(
        "--retriever_weight",
        type=float,
        default=0.0,
        metavar="W",
        help="add W times a passage's similarity to the reader's score where passages compete (default: %(default)s)",
    )
    parser.add_argument(
        "--readings",
        metavar="DIR",
        help="keep in this folder what the reader said of each passage, for other retrievers and to resume",
    )
    flags.add_windows(parser)
    parser.add_argument(
        "--max_answer_tokens",
        type=int,
        default=30,
        metavar="N",
        help="look for answers of at most N tokens (default: %(default)s)",
    )


def reader_of_flags(arguments: argparse.Namespace, benchmarks: Sequence[Benchmark | CorpusBenchmark]) -> Reader | None:
    """The reader, once every benchmark is known to have answers; None where none is named.

    Raises:
        InputError: a benchmark without answers, a reader that cannot be loaded, flags that do not fit it.
    """
    if arguments.reader is None:
        return None
    from hf_hybrid.benchmarks import CorpusBenchmark
    from hf_hybrid.evaluation.reading.evaluate import check_answers
    from hf_hybrid.reading.reader import load_reader

    for benchmark in benchmarks:
        if isinstance(benchmark, CorpusBenchmark):
            raise InputError(f"--reader: benchmark {benchmark.name} has no answers to compare with; leave it out")
        check_answers(benchmark)
    reader = load_reader(arguments.reader, arguments.reader_revision, arguments.device, arguments.compute_dtype)
    reading_options(arguments).check(reader)
    return reader


def reading_options(arguments: argparse.Namespace) -> ReadingOptions:
    """How the reader is to look for answers."""
    from hf_hybrid.evaluation.reading.evaluate import ReadingOptions
    from hf_hybrid.reading.reader import ReadingSettings
    from hf_hybrid.reading.windows import WindowSettings

    windows = WindowSettings(arguments.max_length, arguments.stride)
    settings = ReadingSettings(windows, n_best=1, max_answer_tokens=arguments.max_answer_tokens)
    return ReadingOptions(arguments.reader_k, arguments.retriever_weight, settings)


def kept_readings(arguments: argparse.Namespace, reader: Reader, benchmark: Benchmark) -> KeptSpans | None:
    """What the reader said before of this benchmark's passages; None where nothing is to be kept."""
    if arguments.readings is None:
        return None
    from hf_hybrid.evaluation.reading.kept import KeptSpans

    return KeptSpans(arguments.readings, reader, benchmark, reading_options(arguments).settings)
