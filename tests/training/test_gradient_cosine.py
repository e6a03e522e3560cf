"""The cosine of monolingual and cross-lingual gradients: what an ordinary backward pass gives, and a run that does not
notice.
"""

from __future__ import annotations

import json

import pytest
import torch

from hf_hybrid.errors import InputError
from hf_hybrid.losses.protocol import call_loss
from hf_hybrid.training.gradient_cosine import GradientCosine, probe_settings
from hf_hybrid.training.trainer import HybridTrainer
from tests.training.test_trainer import arguments, encoder, weights

STEPS = {"max_steps": 4, "logging_steps": 1}


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_a_run_that_is_measured_is_the_run_that_is_not(kind, parallel_pairs, tmp_path):
    trained = {}
    for every in (0, 2):
        torch.manual_seed(3)
        args = arguments(tmp_path / str(every), gradient_cosine_steps=every, **STEPS)
        trainer = HybridTrainer(encoder(kind), args, parallel_pairs)
        if kind == "transformer":
            for module in trainer.model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.1
        trainer.train()
        trained[every] = trainer
    assert all(torch.equal(*pair) for pair in zip(*(weights(one.model) for one in trained.values()), strict=True))
    losses = [[entry["loss"] for entry in one.state.log_history if "loss" in entry] for one in trained.values()]
    assert losses[0] == losses[1] and len(losses[0]) == 4
    assert not (tmp_path / "0/gradient_cosine.json").exists()
    found = json.loads((tmp_path / "2/gradient_cosine.json").read_text())
    assert found["step"] == [0, 2, 4] and all(-1 <= cosine <= 1 for cosine in found["gradient_cosine"])
    logged = [entry["gradient_cosine"] for entry in trained[2].state.log_history if "gradient_cosine" in entry]
    assert logged == found["gradient_cosine"]
    assert min(found["gradient_norm_mono"] + found["gradient_norm_cross"]) > 0


def test_gradients_are_those_of_a_backward_pass(parallel_pairs, tmp_path):
    args = arguments(tmp_path, arm="x-x-mono", gradient_cosine_steps=1, **STEPS)
    trainer = HybridTrainer(encoder(), args, parallel_pairs)
    callback = GradientCosine(trainer, 1, "none")
    plan = callback._data.plan
    assert plan.settings == probe_settings(trainer.plan.settings) and plan.settings.seed != trainer.plan.settings.seed
    step = callback._step(1, "x-y")
    assert [plan.arm_of(one) for one in range(step + 1)].count("x-y") == 2 and plan.arm_of(step) == "x-y"
    found = callback.gradient(1, "x-y")
    from hf_hybrid.plan.types import BatchSlice

    inputs = trainer.data_collator(callback._data.__getitems__(BatchSlice(0, step, 0, args.global_batch_size)))
    trainer.model.zero_grad()
    call_loss(trainer.loss, trainer.model, {**inputs, "cache_budget": None})[0].backward()
    parameters = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]
    torch.testing.assert_close(found, torch.cat([parameter.grad.ravel() for parameter in parameters]))


def test_what_cannot_be_measured_is_refused(parallel_pairs, tmp_path):
    with pytest.raises(InputError, match="gradient_cosine_steps: -1 is negative; 0 is never"):
        arguments(tmp_path, gradient_cosine_steps=-1)
    trainer = HybridTrainer(encoder(), arguments(tmp_path, **STEPS), parallel_pairs)
    with pytest.raises(InputError, match="gradient_cosine_steps: FSDP2 takes gradients in its own way"):
        GradientCosine(trainer, 1, "FSDP2")
