"""The teacher of a study's base: from its package or as the user names it, or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hf_hybrid.cli.main import main
from hf_hybrid.errors import InputError
from hf_hybrid.studies import jobs
from hf_hybrid.studies.design import ArmsDesign
from hf_hybrid.studies.jobs import Jobs
from hf_hybrid.studies.teacher import packaged_teacher, teacher_flags
from tests.studies.conftest import Commands


def test_the_teacher_comes_from_its_package(monkeypatch, tmp_path):
    (tmp_path / "a_teacher").mkdir()
    (tmp_path / "a_teacher/__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert packaged_teacher("a_teacher") == str(tmp_path / "a_teacher/model")
    with pytest.raises(InputError, match="`pip install no-such-teacher`, or name one with --teacher"):
        packaged_teacher("no_such_teacher")
    commands = Commands()
    monkeypatch.setattr(jobs, "call", commands)
    design = replace(ArmsDesign.load("static"), teacher_package="a_teacher")
    vectors = str(tmp_path / "out/teacher.safetensors")
    assert teacher_flags(design, Jobs(), tmp_path, tmp_path / "out") == ["--teacher_vectors", vectors]
    # The card quotes the model's name, not its folder on this machine.
    assert commands.called[0][1:4] == [str(tmp_path / "a_teacher/model"), "--name", design.teacher]


def test_without_its_package_a_study_says_how_to_get_it(mix, tmp_path, capsys):
    design = tmp_path / "mine.yaml"
    design.write_text(
        "{base: static_base, arm: static_arm, arms: {x-y: {arm: x-y}}, seeds: [1], teacher: a/b, "
        "teacher_package: no_such}"
    )
    assert main(["study", "arms", "--config", str(design), "--mix", str(mix), "--output", str(tmp_path / "out")]) == 2
    assert "`pip install no-such`, or name one with --teacher" in capsys.readouterr().err


def test_a_study_may_have_no_teacher(tmp_path):
    design = replace(ArmsDesign.load("static"), teacher=None, teacher_package=None)
    assert teacher_flags(design, Jobs(), tmp_path, tmp_path / "out") == []
