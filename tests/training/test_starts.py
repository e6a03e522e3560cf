"""How a run begins and fails to: folders stay usable, data that changed is named, the Hub is asked first."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub.errors import OfflineModeIsEnabled

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.results import Results
from hf_hybrid.train import main
from hf_hybrid.training.trainer import HybridTrainer
from tests.conftest import renditions
from tests.test_train import SMALL, fails, write_splits
from tests.training.test_trainer import arguments, encoder


@pytest.fixture
def data(tmp_path) -> Path:
    (tmp_path / "data").mkdir()
    return write_splits(tmp_path / "data")


def command(data: Path, output: Path, *more: str) -> list[str]:
    return [*SMALL, "--dataset_name_or_path", str(data), "--output_dir", str(output), *more]


def interrupt(monkeypatch, step: int, error: BaseException) -> None:
    compute = HybridTrainer.compute_loss

    def failing(self, *args, **kwargs):
        if self.state.global_step == step:
            raise error
        return compute(self, *args, **kwargs)

    monkeypatch.setattr(HybridTrainer, "compute_loss", failing)


def test_a_start_that_failed_leaves_the_folder_usable(data, tmp_path, monkeypatch):
    output = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt(patch, 0, RuntimeError("a defect"))
        with pytest.raises(RuntimeError):
            main(command(data, output))
    assert (output / "arguments.yaml").is_file() and (output / "before.json").is_file()
    assert main(command(data, output, "--max_steps", "4")) == 0
    assert yaml.safe_load((output / "arguments.yaml").read_text())["max_steps"] == 4
    assert Results.load(output / "results.json").further["training"]["steps"] == 4


@pytest.mark.parametrize(
    "mistake", [["--languages", "en", "fr"], ["--scale", "-1"], ["--model_name_or_path", "no/such"]]
)
def test_mistakes_leave_it_usable(mistake, data, tmp_path, capsys):
    output = tmp_path / "run"
    said = fails(capsys, *command(data, output, *mistake))
    assert "in use" not in said
    assert fails(capsys, *command(data, output, *mistake)) == said


def test_a_folder_with_anything_else_stays_in_use(data, tmp_path, capsys):
    for name in ("checkpoint-4", "eval", "model", "thesis.txt"):
        folder = tmp_path / f"with {name}"
        folder.mkdir()
        (folder / "before.json").write_text("{}")
        (folder / name).write_text("") if "." in name else (folder / name).mkdir()
        assert "is in use" in fails(capsys, *command(data, folder))
        assert (folder / "before.json").read_text() == "{}"


def test_an_encoder_from_scratch_does_not_go_on_with_other_data(data, tmp_path, capsys, monkeypatch):
    output = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt(patch, 5, RuntimeError("a defect"))
        with pytest.raises(RuntimeError):
            main(command(data, output))
    rows = [{**row, "query": f"quite other words {row['query']}"} for row in renditions(140)[:400]]
    write_splits(data, train=rows)
    said = fails(capsys, *command(data, output, "--resume"))
    assert "the checkpoint is of another run (data_sha256 was" in said
    write_splits(data)
    assert "vocab_size" not in (
        said := fails(capsys, *command(data, output, "--resume", "--embedding_dimension", "16"))
    )
    assert "base model was 'an encoder without a Hub name (weights" in said
    said = fails(capsys, *command(data, output, "--resume", "--learning_rate", "0.5", "--scale", "3"))
    assert "learning_rate was 0.02, is 0.5" in said and "scale was 20.0, is 3.0" in said
    before = (output / "arguments.yaml").read_text()
    changed = command(data, output, "--resume", "--resume_with_changes", "--learning_rate", "0.01")
    assert main(changed) == 0
    assert (output / "arguments.yaml").read_text() == before
    expected = [{"step": 4, "changes": {"learning_rate": {"was": 0.02, "is": 0.01}}}]
    assert yaml.safe_load((output / "changes.yaml").read_text()) == expected
    assert json.loads((output / "results.json").read_text())["training"]["changes"] == expected


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "x", "run/arguments.tmp"),
            "cannot write run/arguments.tmp (No space left on device): make room",
        ),
        (PermissionError(errno.EACCES, "x", "run/arguments.tmp"), "cannot use run/arguments.tmp (Permission denied)"),
    ],
)
def test_a_full_or_read_only_output(error, said, data, tmp_path, capsys, monkeypatch):
    def refuse(*args) -> None:
        raise error

    monkeypatch.setattr("hf_hybrid.training.run_folder.RunFolder.write_arguments", refuse)
    assert said in fails(capsys, *command(data, tmp_path / "run"))


def test_a_folder_that_cannot_be_written(data, capsys):
    assert "output_dir: cannot write to /proc/run" in fails(capsys, *command(data, Path("/proc/run")))


def test_no_connection_for_push_to_hub(parallel_pairs, tmp_path):
    with pytest.raises(
        InputError, match=r"push_to_hub: cannot make me/model on the Hub .*`hf auth login`.*`hf-hybrid push`"
    ):
        HybridTrainer(encoder(), arguments(tmp_path, push_to_hub=True, hub_model_id="me/model"), parallel_pairs)


@pytest.mark.parametrize(
    "error", [OfflineModeIsEnabled("offline"), ConnectionError("refused"), OSError("Token is required")]
)
def test_other_ways_to_have_no_hub(error, parallel_pairs, tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise error

    monkeypatch.setattr("transformers.Trainer.init_hf_repo", refuse)
    with pytest.raises(InputError, match="push_to_hub: cannot make the run's repository on the Hub"):
        HybridTrainer(encoder(), arguments(tmp_path, push_to_hub=True), parallel_pairs)
