"""`hf-hybrid decontaminate`: find evaluation text in a training set, report it, leave it out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError


class DecontaminateCommand(Command):
    """Keep evaluation text out of a training set."""

    name = "decontaminate"
    help = "find evaluation text in a training set, report it, leave it out"
    description = """\
Find text of evaluation sets in a training set: questions and passages in every language, and article titles where both
have them. Report it, and write the training set without it. Needs datasketch: `pip install "hf_hybrid[data]"`.
"""
    epilog = """\
examples:
  hf-hybrid decontaminate --train mix/qa --against xquad_r=lareqa/xquad-r
  hf-hybrid decontaminate --train mix/qa --against xquad_r=lareqa/xquad-r facts=world_facts/text --output clean/
  hf-hybrid decontaminate --train mix/align --against lareqa/xquad-r --encoder MODEL --report report.json

checks (--checks), from the surest to the least sure:
  exact           equal after NFKC, without case, accents, punctuation and white space
  ngram_13        13 words in a row in common (GPT-3: Brown et al., 2020, appendix C)
  whole_inside    an evaluation text of 5 to 7 words is in it as a whole
  ngram_8_share   70 % of the 8-word runs of the shorter text in common (PaLM: Chowdhery et al., 2022, section 8)
  near_duplicate  Jaccard similarity of character 5-grams of at least 0.6, found by MinHash LSH
  title           the title of an article of the evaluation, compared with a column `title`

Where words are not written apart (Chinese, Japanese, Thai, ...), n-grams are of as many characters as the words take
on average.

Either side is a file or folder: renditions (Parquet, JSONL), BEIR's corpus.jsonl and queries.jsonl, LAReQA's or
SQuAD's JSON. Strings cannot show a text that was translated anew; --encoder lists candidates for that, from a
multilingual encoder, and removes none. Where the indexes need more than --max_memory_mb, the training set is read
several times.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Both sides, outputs, and how texts are compared."""
        parser.add_argument(
            "--train", required=True, metavar="PATH", help="check the training set in this file or folder"
        )
        parser.add_argument(
            "--against",
            required=True,
            nargs="+",
            metavar="[NAME=]PATH",
            help="look for text of the evaluation sets in these files or folders",
        )
        parser.add_argument(
            "--report", metavar="FILE", help="write a report to this JSON file, and as Markdown beside it"
        )
        flags.add_output(parser, "the training set without overlaps", "folder")
        parser.add_argument(
            "--remove",
            default="example",
            metavar="UNIT",
            help="leave out the `example`, in all its languages, or the `rendition` (default: %(default)s)",
        )
        parser.add_argument("--checks", nargs="+", metavar="CHECK", help="run these checks only (default: all)")
        parser.add_argument(
            "--min_letters",
            type=float,
            default=15,
            metavar="N",
            help="compare no texts of fewer letters; a Chinese character counts 2.6 (default: %(default)s)",
        )
        parser.add_argument(
            "--short_share",
            type=float,
            default=0.7,
            metavar="X",
            help="take this share in common for an overlap in ngram_8_share (default: %(default)s)",
        )
        parser.add_argument(
            "--similarity",
            type=float,
            default=0.6,
            metavar="X",
            help="take this similarity for an overlap in near_duplicate (default: %(default)s)",
        )
        parser.add_argument("--encoder", metavar="MODEL", help="list candidates across languages with this encoder")
        parser.add_argument(
            "--min_cosine",
            type=float,
            default=0.8,
            metavar="X",
            help="list candidates of at least this cosine (default: %(default)s)",
        )
        flags.add_device(parser)
        flags.add_max_memory(parser, default=1024)
        flags.add_overwrite(parser)
        flags.add_quiet(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """Compare, report, write."""
        against = named_paths(arguments.against)
        for flag in ("short_share", "similarity"):
            if not 0 < getattr(arguments, flag) <= 1:
                raise InputError(f"--{flag} must be above 0 and at most 1, got {getattr(arguments, flag)}")
        from hf_hybrid.overlap.index import CHECKS, Thresholds
        from hf_hybrid.overlap.report import report_markdown
        from hf_hybrid.overlap.run import decontaminate

        encoder = None
        if arguments.encoder:
            from hf_hybrid.retrieval.encode import load_encoder

            encoder = load_encoder(arguments.encoder, None, None, arguments.device)
        report = decontaminate(
            arguments.train,
            against,
            report=arguments.report,
            output=arguments.output,
            unit=arguments.remove,
            thresholds=Thresholds(arguments.min_letters, arguments.short_share, arguments.similarity),
            checks=arguments.checks or CHECKS,
            encoder=encoder,
            min_cosine=arguments.min_cosine,
            max_memory_mb=arguments.max_memory_mb,
            overwrite=arguments.overwrite,
            show_progress=not arguments.quiet,
        )
        sys.stdout.write(report_markdown(report))
        for written in filter(None, (arguments.report, arguments.output)):
            sys.stdout.write(f"\nWritten to {written}\n")


def named_paths(values: list[str], flag: str = "--against") -> dict[str, str]:
    """`NAME=PATH` or `PATH` (named after its last part) -> name and path.

    Raises:
        InputError: Two of one name.

    Example:
        >>> named_paths(["facts=world_facts/text", "lareqa/xquad-r/"])
        {'facts': 'world_facts/text', 'xquad-r': 'lareqa/xquad-r/'}
    """
    paths: dict[str, str] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or Path(value).exists():
            name, path = Path(value).resolve().name, value
        if name in paths:
            raise InputError(f"{flag}: two sets are called {name}; write NAME=PATH with another name")
        paths[name] = path
    return paths
