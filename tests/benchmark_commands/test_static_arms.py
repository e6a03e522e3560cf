"""The experiment with arms and seeds: which commands are called, with flags the trainer knows, and what a second call does again."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import arm_runs
import static_arms as runner


class Commands:
    """Stands for the processes: keeps the commands and leaves the files they would."""

    def __init__(self) -> None:
        self.called: list[list[str]] = []

    def __call__(self, words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
        self.called.append(words)
        if words[0] in ("evaluate", "teacher-vectors"):
            Path(flag(words, "output")).write_text("{}")
        else:
            (Path(flag(words, "output_dir")) / "model").mkdir(parents=True)

    def of(self, verb: str) -> list[list[str]]:
        return [words for words in self.called if words[0] == verb]


def flag(words: list[str], name: str) -> str:
    return words[words.index(f"--{name}") + 1]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the experiment with stand-ins for the processes; returns the commands."""
    (tmp_path / "mix").mkdir()
    (tmp_path / "mix" / "mix.json").write_text("{}")
    where = ["--mix", str(tmp_path / "mix"), "--output", str(tmp_path / "out"), "--xquad_r", str(tmp_path / "xquad")]
    where += ["--teacher", "teacher/"]

    def call(*flags: str) -> Commands:
        commands = Commands()
        monkeypatch.setattr(arm_runs, "call", commands)
        assert runner.main([*where, *flags]) == 0
        return commands

    return call


def test_every_arm_and_seed_starts_from_one_base(run, tmp_path):
    commands = run("--seeds", "1", "2", "--extra", "--max_steps", "9")
    base, *arms = commands.of("train")
    assert len(arms) == 2 * 8 and {flag(words, "model_name_or_path") for words in arms} == {
        str(tmp_path / "out/base/model")
    }
    assert [words[1] for words in commands.of("teacher-vectors")] == ["teacher/"]
    assert parse_arguments(base[1:])[2].teacher_vectors == str(tmp_path / "out/teacher.safetensors")
    assert flag(base, "dataset_config") == "align" and {flag(words, "dataset_config") for words in arms} == {"qa"}
    seen = set()
    for words in (base, *arms):
        _, data, training = parse_arguments(words[1:])
        assert data.eval_dataset_name_or_path == str(tmp_path / "mix" / "qa")
        if words is not base:
            assert training.max_steps == 9
            seen.add((training.arm, training.mono_probability, training.seed))
    points = {("x-x", 0.5), ("x-x-mono", 0.5), ("x-y", 0.5), *(("hybrid", a) for a in (0.1, 0.25, 0.5, 0.75, 0.9))}
    assert seen == {(*point, seed) for point in points for seed in (1, 2)}
    targets = {
        Path(flag(words, "output")).relative_to(tmp_path / "out/results").as_posix()
        for words in commands.of("evaluate")
    }
    scored = {Path(flag(words, "output")).stem[-1] for words in commands.of("evaluate") if "--seed" in words}
    assert scored == {"1", "2"}
    assert len(targets) == 2 * 17 and {"base/xquad_r_0.json", "alpha_0.25/world_facts_2.json"} <= targets


def test_what_is_there_is_not_made_again(run, tmp_path):
    first = run("--arms", "hybrid", "--seeds", "1")
    assert (len(first.of("train")), len(first.of("evaluate"))) == (2, 4)
    assert run("--arms", "hybrid", "--seeds", "1").called == []
    (tmp_path / "out/results/hybrid/xquad_r_1.json").unlink()
    assert [words[0] for words in run("--arms", "hybrid", "--seeds", "1").called] == ["evaluate"]
    # Interrupted after a whole checkpoint: it goes on; before one: it begins anew.
    folder = tmp_path / "out/arms/hybrid/seed_2"
    (folder / "checkpoint-7").mkdir(parents=True)
    (folder / "checkpoint-7/manifest.json").write_text(json.dumps({}))
    (tmp_path / "out/arms/hybrid/seed_3/checkpoint-7").mkdir(parents=True)
    again = run("--arms", "hybrid", "--seeds", "2", "3").of("train")
    assert ["--resume" in words for words in again] == [True, False]


def test_the_mix_must_be_there(tmp_path, capsys):
    assert runner.main(["--mix", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "no mix.json; build it with" in capsys.readouterr().err


def test_a_budget_ends_a_command_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(arm_runs, "COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"])
    started = time.monotonic()
    with pytest.raises(arm_runs.OutOfTime):
        arm_runs.call([], deadline=started + 0.3)
    with pytest.raises(arm_runs.OutOfTime):
        arm_runs.call([], deadline=started)
    assert time.monotonic() - started < 30


def test_a_command_that_fails_is_a_mistake(monkeypatch):
    monkeypatch.setattr(arm_runs, "COMMAND", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(InputError, match="ended with status 3"):
        arm_runs.call(["train"])


def test_out_of_time_keeps_what_was_spent(tmp_path, monkeypatch, capsys):
    """Training that the budget ends is gone on with, and its time counts."""
    (tmp_path / "mix").mkdir()
    (tmp_path / "mix" / "mix.json").write_text("{}")

    def call(words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
        checkpoint = Path(flag(words, "output_dir")) / "checkpoint-1"
        checkpoint.mkdir(parents=True)
        (checkpoint / "manifest.json").write_text("{}")
        raise arm_runs.OutOfTime

    monkeypatch.setattr(arm_runs, "call", call)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "teacher.safetensors").write_bytes(b"")
    flags = ["--mix", str(tmp_path / "mix"), "--output", str(tmp_path / "out"), "--minutes", "5"]
    assert runner.main(flags) == 143
    assert "the 5 minutes are over" in capsys.readouterr().err
    assert arm_runs.spent(tmp_path / "out/base") > 0
    assert not (tmp_path / "out/base/seconds.json").exists()
