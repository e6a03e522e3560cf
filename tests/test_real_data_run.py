"""The real-data run: which commands are called, with flags the trainer knows, and what an interrupted run does again."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.parsing import parse_arguments

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import real_data_run as runner

SUMMARY = {key: 0.25 for key in runner.COLUMNS.values()} | {"rank_distance": 5087.0}


@pytest.fixture
def settings(tmp_path: Path) -> runner.Settings:
    (tmp_path / "mix").mkdir()
    (tmp_path / "mix/mix.json").write_text(json.dumps({"outputs": {"text.parquet": "00"}}))
    words = [f"Word{n} und{n % 7} Стол{n % 5}" for n in range(300)]
    pq.write_table(pa.table({"lang": ["de"] * 300, "text": words}), tmp_path / "mix/text.parquet")
    (tmp_path / "xquad").mkdir()
    (tmp_path / "xquad/en.json").write_text("{}")
    return runner.Settings(
        mix=tmp_path / "mix",
        output=tmp_path / "run",
        benchmark_dir=tmp_path / "xquad",
        arms=("x-x", "hybrid"),
        vocab_size=400,
        dimension=8,
        base_steps=7,
        arm_steps=3,
    )


class Commands:
    """Stands for the processes: keeps the commands and leaves the files they would."""

    def __init__(self, fail_at: int | None = None):
        self.called: list[list[str]] = []
        self.fail_at = fail_at

    def __call__(self, command: list[str]) -> None:
        self.called.append(command)
        if command[3] == "evaluate":
            Path(command[command.index("--output") + 1]).write_text(json.dumps({"summary": SUMMARY}))
            return
        folder = Path(command[command.index("--output_dir") + 1])
        if len(self.called) == self.fail_at:
            (folder / "checkpoint-1").mkdir(parents=True)
            (folder / "checkpoint-1/trainer_state.json").write_text("{}")
            raise InputError("stopped")
        (folder / "model").mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps({"summary": SUMMARY}))


def flag(command: list[str], name: str) -> str:
    return command[command.index(f"--{name}") + 1]


def test_arms_start_from_one_base_with_valid_flags(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands()
    monkeypatch.setattr(runner, "_call", commands)
    table = runner.run(settings)
    assert [command[3] for command in commands.called] == ["train", "evaluate"] * 3
    base, *arms = [command for command in commands.called if command[3] == "train"]
    assert flag(base, "arm") == "x-y" and flag(base, "max_steps") == "7"
    assert [flag(command, "arm") for command in arms] == ["x-x", "hybrid"]
    assert {flag(command, "model_name_or_path") for command in arms} == {str(settings.output / "base/model")}
    assert {flag(command, "max_steps") for command in arms} == {"3"}
    assert {flag(command, "dataset_name_or_path") for command in arms} == {str(settings.mix / "qa")}
    for command in (base, *arms):
        model, data, training = parse_arguments(command[4:])
        assert data.dev_split == "dev" and training.arm == flag(command, "arm") and model.encoder == "auto"
    rows = table.splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["base", "x-x", "hybrid"]
    assert "5,087" in rows[1] and "0.250" in rows[1]


def test_finished_parts_are_not_run_again(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Commands(fail_at=3)
    monkeypatch.setattr(runner, "_call", stopped)
    with pytest.raises(InputError, match="stopped"):
        runner.run(settings)
    again = Commands()
    monkeypatch.setattr(runner, "_call", again)
    # The stand-in leaves its own files: an interrupted arm is continued, not begun again.
    runner.run(settings)
    trained = [(flag(c, "arm"), flag(c, "resume")) for c in again.called if c[3] == "train"]
    assert trained == [("x-x", "True"), ("hybrid", "False")]
    third = Commands()
    monkeypatch.setattr(runner, "_call", third)
    runner.run(settings)
    assert third.called == []


def test_start_is_lower_cased_and_scaled_by_frequency(settings) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    runner._make_start(settings, settings.output / "start")
    model = SentenceTransformer(str(settings.output / "start"), device="cpu")
    assert torch.equal(*torch.tensor(model.encode(["WORD17 СТОЛ", "word17 стол"])))
    lengths = model[0].embedding.weight.norm(dim=1)
    vocabulary = model[0].tokenizer.get_vocab()
    frequent = [vocabulary[piece] for piece in vocabulary if piece in ("▁word", "▁und", "▁стол")]
    unused = vocabulary["<mask>"]
    assert frequent and lengths[frequent].max() < 0.2 * lengths[unused]


def test_other_settings_need_another_folder(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_call", Commands())
    runner.run(settings)
    settings.arm_steps = 4
    with pytest.raises(InputError, match=r"other settings \(arm_steps\)"):
        runner.run(settings)
    settings.mix = settings.mix / "nowhere"
    with pytest.raises(InputError, match="build the mix first"):
        runner.run(settings)
