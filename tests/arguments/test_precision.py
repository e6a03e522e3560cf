"""`bf16` and `padding_free` as flags, in recipes and in programs: true, false, or left to the device."""

from __future__ import annotations

import os

import pytest
import torch

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.arguments import training as arguments_module
from hf_hybrid.arguments.parsing import parse_arguments, read_recipe, recipe_names
from hf_hybrid.engines.precision import Precision
from hf_hybrid.errors import InputError
from hf_hybrid.training.trainer import HybridTrainer
from tests.training.test_trainer import arguments, encoder


def parse(*flags: str) -> HybridTrainingArguments:
    return parse_arguments(["--encoder", "static", *flags])[2]


@pytest.fixture(autouse=True)
def environment():
    """The training arguments pass precision on through the environment."""
    before = os.environ.get("ACCELERATE_MIXED_PRECISION")
    yield
    os.environ.pop("ACCELERATE_MIXED_PRECISION", None)
    if before is not None:
        os.environ["ACCELERATE_MIXED_PRECISION"] = before


@pytest.fixture(params=[True, False])
def device_has_bf16(request, monkeypatch):
    reason = "this CPU has AMX" if request.param else "this CPU has neither"
    monkeypatch.setattr(arguments_module, "choose_precision", lambda use_cpu: Precision(request.param, reason))
    return request.param


def test_auto_follows_the_device_and_says_why(device_has_bf16):
    args = parse("--bf16", "auto")
    assert args.bf16 is device_has_bf16
    assert args.precision == ("bf16 (this CPU has AMX)" if device_has_bf16 else "float32 (this CPU has neither)")


def test_a_recipe_leaves_it_to_the_device(device_has_bf16, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("arm: x-y\nbf16: auto\npadding_free: false\n")
    args = parse_arguments(["--config", str(recipe)])[2]
    assert args.bf16 is device_has_bf16 and args.padding_free is False
    assert parse_arguments(["--config", str(recipe), "--bf16", "false"])[2].bf16 is False


def test_packaged_recipes_run_anywhere(device_has_bf16):
    given = [name for name in recipe_names() if "bf16" in read_recipe(name)]
    assert "xlmr_base" in given
    for name in given:
        assert read_recipe(name)["bf16"] == "auto"
        assert parse_arguments(["--config", name])[2].bf16 is device_has_bf16


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator")
@pytest.mark.parametrize("flags", [["--bf16"], ["--bf16", "true"], ["--bf16", "yes"]])
def test_an_explicit_wish_is_granted_on_a_cpu(flags):
    args = parse(*flags)
    assert args.bf16 is True and args.precision == "bf16 (as asked for)"
    # Written down with the run, this would keep a repeated one off a GPU.
    assert args.use_cpu is False and args.device.type == "cpu"


def test_without_a_wish_it_is_float32():
    args = parse()
    assert args.bf16 is False and args.padding_free == "auto" and args.precision == "float32 (as asked for)"


@pytest.mark.parametrize("name", ["bf16", "padding_free"])
def test_other_words_are_refused(name):
    with pytest.raises(InputError, match=f"{name}: 'perhaps' is none of auto, true, false"):
        parse(f"--{name}", "perhaps")


def test_fp16_beside_it(device_has_bf16):
    with pytest.raises(InputError, match="bf16: fp16 is set too"):
        parse("--bf16", "--fp16")
    assert parse("--bf16", "auto", "--fp16").bf16 is False


def test_an_accelerator_without_it(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(arguments_module, "is_torch_bf16_gpu_available", lambda: False)
    with pytest.raises(InputError, match="bf16: this accelerator has none; give false, or fp16"):
        HybridTrainingArguments("out", bf16=True)


@pytest.mark.parametrize("packed", [False, True])
def test_it_trains_to_the_losses_of_float32(packed, parallel_pairs, tmp_path):
    losses = {}
    for bf16 in (True, False):
        settings = {"max_steps": 3, "logging_steps": 1, "bf16": bf16, "padding_free": packed}
        model = encoder("transformer")
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        trainer = HybridTrainer(model, arguments(tmp_path, **settings), parallel_pairs)
        trainer.train()
        losses[bf16] = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[True] == pytest.approx(losses[False], abs=3e-2) and losses[True] != losses[False]
