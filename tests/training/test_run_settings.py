"""A resumed run goes on with the settings it was begun with, or says what differs; allowed changes apply and are
written down.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
import yaml

from hf_hybrid.errors import InputError
from hf_hybrid.training.run_settings import CHANGES, different_settings, set_rates
from hf_hybrid.training.trainer import HybridTrainer
from tests.conftest import make_pairs, renditions
from tests.training.test_trainer import arguments, encoder, weights

SAVED = {"save_strategy": "steps", "save_steps": 2, "max_steps": 8, "learning_rate": 1e-2, "logging_steps": 1}


@pytest.fixture(scope="module")
def begun(parallel_pairs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("begun")
    HybridTrainer(encoder(), arguments(folder, **SAVED), parallel_pairs).train()
    return folder


def resume(pairs, folder: Path, checkpoint: Path, model=None, **settings) -> HybridTrainer:
    trainer = HybridTrainer(model or encoder(), arguments(folder, **{**SAVED, **settings}), pairs)
    trainer.train(resume_from_checkpoint=str(checkpoint))
    return trainer


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"learning_rate": 3e-3}, "learning_rate was 0.01, is 0.003"),
        ({"lr_scheduler_type": "cosine"}, "lr_scheduler_type was 'linear', is 'cosine'"),
        ({"warmup_steps": 3}, "warmup_steps was 0, is 3"),
        ({"max_steps": 20}, "max_steps was 8, is 20"),
        ({"scale": 50.0}, "scale was 20.0, is 50.0"),
        ({"symmetric": True}, "symmetric was False, is True"),
        ({"max_tokens": 9}, "max_tokens was None, is 9"),
        ({"weight_decay": 0.1}, "weight_decay was 0.0, is 0.1"),
        ({"max_grad_norm": 0.5}, "max_grad_norm was 1.0, is 0.5"),
        ({"gradient_accumulation_steps": 2}, "gradient_accumulation_steps was 1, is 2"),
    ],
)
def test_other_settings_are_refused(begun, parallel_pairs, tmp_path, change, said):
    with pytest.raises(InputError, match="resume: the run was begun with other settings") as error:
        resume(parallel_pairs, tmp_path, begun / "checkpoint-4", **change)
    assert said in str(error.value)


def test_other_negatives_are_refused(tmp_path):
    pairs = make_pairs(renditions(negatives=["one", "two"]))
    HybridTrainer(encoder(), arguments(tmp_path, **SAVED), pairs).train()
    for change, said in (
        ({"negatives": "in_batch"}, "negatives was 'in_batch+hard', is 'in_batch'; num_negatives was 1, is 0"),
        ({"num_negatives": 2}, "num_negatives was 1, is 2"),
    ):
        with pytest.raises(InputError) as error:
            resume(pairs, tmp_path, tmp_path / "checkpoint-4", **change)
        assert said in str(error.value)


@pytest.mark.parametrize("allowed", [False, True])
def test_another_encoder_or_prompt_is_refused(begun, parallel_pairs, tmp_path, allowed):
    asked = encoder()
    asked.prompts["query"] = "Frage: "
    other = encoder()
    with torch.no_grad():
        next(other.parameters())[0] += 1
    flags = {"resume": allowed, "resume_with_changes": allowed}
    for model, said in (
        (asked, "query_prompt was 'Query: ', is 'Frage: '"),
        (other, "base model was 'an encoder without a Hub name (weights"),
    ):
        with pytest.raises(InputError) as error:
            resume(parallel_pairs, tmp_path, begun / "checkpoint-4", model, **flags)
        assert said in str(error.value) and "--resume_with_changes" not in str(error.value)


def test_allowed_changes_apply_and_are_written_down(begun, parallel_pairs, tmp_path):
    flags = {"resume": True, "resume_with_changes": True}
    changed = resume(parallel_pairs, tmp_path, begun / "checkpoint-4", learning_rate=4e-3, max_steps=12, **flags)
    rates = [
        entry["learning_rate"] for entry in changed.state.log_history if entry.get("step", 0) > 4 and "loss" in entry
    ]
    # The linear schedule of the new run, from where the old one stopped.
    assert rates == pytest.approx([4e-3 * (12 - step) / 12 for step in range(4, 12)])
    expected = [
        {
            "step": 4,
            "changes": {"learning_rate": {"was": 0.01, "is": 0.004}, "max_steps": {"was": 8, "is": 12}},
        }
    ]
    assert yaml.safe_load((tmp_path / CHANGES).read_text()) == expected
    # The next one goes on with the new settings and remembers the change.
    again = resume(parallel_pairs, tmp_path, tmp_path / "checkpoint-6", learning_rate=4e-3, max_steps=12)
    assert again.settings.changes == expected
    with pytest.raises(InputError, match=r"learning_rate was 0\.004, is 0\.01; max_steps was 12, is 8"):
        resume(parallel_pairs, tmp_path, tmp_path / "checkpoint-6")


def test_another_schedule_applies_at_once(begun, parallel_pairs, tmp_path):
    flags = {"resume": True, "resume_with_changes": True, "lr_scheduler_type": "constant"}
    changed = resume(parallel_pairs, tmp_path, begun / "checkpoint-4", **flags)
    logs = [entry for entry in changed.state.log_history if "loss" in entry]
    # Before the change the linear schedule fell; the new one does not know of it.
    assert [entry["learning_rate"] for entry in logs[4:]] == [1e-2] * 4 and logs[3]["learning_rate"] < 1e-2


def test_a_schedule_that_depends_on_its_way_cannot_be_taken_over():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(
        InputError, match="resume_with_changes: the rate of a schedule of kind ReduceLROnPlateau depends"
    ):
        set_rates(optimizer, plateau, [0.5])


def test_changes_of_what_cannot_change_are_refused(begun, parallel_pairs, tmp_path):
    with pytest.raises(InputError) as error:
        resume(
            parallel_pairs,
            tmp_path,
            begun / "checkpoint-4",
            learning_rate=3e-3,
            scale=30.0,
            resume=True,
            resume_with_changes=True,
        )
    assert "scale was 20.0, is 30.0" in str(error.value) and "learning_rate" not in str(error.value)
    assert not (tmp_path / CHANGES).exists()


def test_checkpoints_without_settings_still_resume(begun, parallel_pairs, tmp_path, caplog):
    """Those of runs that began before settings were stored."""
    straight = resume(parallel_pairs, tmp_path / "a", begun / "checkpoint-4")
    path = begun / "checkpoint-8" / "trainer_state.json"
    old = tmp_path / "checkpoint-4"
    old.mkdir()
    for file in (begun / "checkpoint-4").iterdir():
        (old / file.name).write_bytes(file.read_bytes()) if file.is_file() else None
    state = json.loads((old / path.name).read_text())
    del state["stateful_callbacks"]["RunSettings"]
    (old / path.name).write_text(json.dumps(state))
    with caplog.at_level(logging.WARNING):
        resumed = resume(parallel_pairs, tmp_path / "b", old)
    assert caplog.text.count("they are not compared") == 1
    for expected, got in zip(weights(straight.model), weights(resumed.model), strict=True):
        assert torch.equal(expected, got)


def test_a_moved_base_model_is_the_same():
    before = {"base_model": "a/b", "base_weights_sha256": "1" * 64, "scale": 20.0}
    assert different_settings(before, {**before, "base_model": "/mnt/b", "new_setting": 3}) == {}
    found = different_settings(before, {**before, "base_weights_sha256": "2" * 64, "base_model": None})
    assert found == {
        "base model": {
            "was": "a/b (weights 111111111111)",
            "is": "an encoder without a Hub name (weights 222222222222)",
        }
    }


def test_changes_need_a_resumed_run(tmp_path):
    with pytest.raises(InputError, match="resume_with_changes: has no effect without resume"):
        arguments(tmp_path, resume_with_changes=True)
