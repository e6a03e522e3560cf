"""The teacher of a study's base: its vectors of the English texts of `align`, made once."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from hf_hybrid.errors import InputError
from hf_hybrid.studies.design import ArmsDesign
from hf_hybrid.studies.jobs import Jobs

VECTORS = "teacher.safetensors"


def teacher_flags(design: ArmsDesign, jobs: Jobs, mix: Path, output: Path, teacher: str | None = None) -> list[str]:
    """Flags by which the base is trained with the design's teacher, whose vectors are made unless they are there.

    Args:
        design: Without a teacher there are no flags.
        jobs: Runs the command.
        mix, output: Folders of the mix and of the study.
        teacher: Folder or Hub name of the teacher, instead of the design's.

    Raises:
        InputError: The design's package is not installed, or the command failed.
    """
    if teacher is None and design.teacher is None:
        return []
    vectors = output / VECTORS
    if not vectors.is_file():
        output.mkdir(parents=True, exist_ok=True)
        data = ["--dataset_name_or_path", str(mix), "--dataset_config", "align"]
        jobs.call(["teacher-vectors", *_model(design, teacher), *data, "--output", str(vectors)])
    return ["--teacher_vectors", str(vectors)]


def _model(design: ArmsDesign, teacher: str | None) -> list[str]:
    if teacher is not None:
        return [teacher]
    if design.teacher_package is None:
        return [str(design.teacher)]
    # Cards quote the name: that of the model, not of the folder that the package has on this machine.
    return [packaged_teacher(design.teacher_package), "--name", str(design.teacher)]


def packaged_teacher(package: str) -> str:
    """Folder of the model in an installed package.

    Raises:
        InputError: The package is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise InputError(f"no teacher: `pip install {package.replace('_', '-')}`, or name one with --teacher")
    return str(Path(found.origin).with_name("model"))
