"""The experiment with the transformer's arms: which commands are called, with flags the trainer knows, and the teacher before them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.cli.main import make_parser
from tests.benchmark_commands.test_static_arms import Commands, arm_runs, flag

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import arm_teacher
import mini_arms


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the experiment with stand-ins for the processes; returns the commands."""
    (tmp_path / "mix").mkdir()
    (tmp_path / "mix" / "mix.json").write_text("{}")
    where = ["--mix", str(tmp_path / "mix"), "--output", str(tmp_path / "out"), "--xquad_r", str(tmp_path / "xquad")]

    def call(*flags: str) -> Commands:
        commands = Commands()
        monkeypatch.setattr(arm_runs, "call", commands)
        assert mini_arms.main([*where, "--teacher", "teacher/", *flags]) == 0
        return commands

    return call


def test_a_teacher_then_a_base_then_twelve_arms(run, tmp_path):
    commands = run()
    assert [words[0] for words in commands.called[:3]] == ["teacher-vectors", "train", "evaluate"]
    teacher = make_parser().parse_args(commands.called[0])
    assert (teacher.model, teacher.dataset_config, teacher.language) == ("teacher/", "align", "en")
    base, *arms = commands.of("train")
    _, _, training = parse_arguments([*base[1:], "--bf16", "false"])
    assert training.teacher_vectors == str(tmp_path / "out/teacher.safetensors") and training.teacher_weight > 0
    assert training.arm == "x-y" and training.gradient_cache
    seen = set()
    for words in arms:
        _, _, training = parse_arguments([*words[1:], "--bf16", "false"])
        assert training.teacher_vectors is None and flag(words, "model_name_or_path") == str(
            tmp_path / "out/base/model"
        )
        seen.add((training.arm, training.seed, training.max_steps, training.global_batch_size))
    assert seen == {(arm, seed, 300, 1024) for arm in ("x-x", "x-x-mono", "x-y", "hybrid") for seed in (1, 2, 3)}
    targets = {
        Path(flag(words, "output")).name for words in commands.of("evaluate") if "hybrid/" in flag(words, "output")
    }
    names = ("world_facts", "xquad_r", "xquad_r_sentence_in_context")
    assert targets == {f"{name}_{seed}.json" for name in names for seed in (1, 2, 3)}
    assert run().called == []


def test_the_teacher_comes_from_its_package(monkeypatch, tmp_path, capsys):
    (tmp_path / "a_teacher").mkdir()
    (tmp_path / "a_teacher/__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(arm_teacher, "TEACHER_PACKAGE", "a_teacher")
    assert arm_teacher.packaged_teacher() == str(tmp_path / "a_teacher/model")
    monkeypatch.setattr(arm_teacher, "TEACHER_PACKAGE", "no_such_teacher")
    (tmp_path / "mix.json").write_text("{}")
    assert mini_arms.main(["--mix", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "`pip install no-such-teacher`, or name one with --teacher" in capsys.readouterr().err
