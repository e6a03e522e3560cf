"""Arguments that would change nothing are refused with what to give instead; what is reported to has to be
installed.
"""

from __future__ import annotations

import dataclasses
import importlib.util

import pytest

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.arguments.reporting import PACKAGES, check_reporting
from hf_hybrid.arguments.without_effect import FORMER, WITHOUT_EFFECT
from hf_hybrid.errors import InputError

VALUES = {
    "batch_sampler": "no_duplicates",
    "multi_dataset_batch_sampler": "round_robin",
    "train_sampling_strategy": "group_by_length",
    "average_tokens_across_devices": "false",
    "dataloader_in_order": "false",
    "dataloader_multiprocessing_context": "spawn",
    "eval_accumulation_steps": "2",
    "eval_do_concat_batches": "false",
    "include_for_metrics": "inputs",
    "label_names": "labels",
    "label_smoothing_factor": "0.1",
    "length_column_name": "size",
    "neftune_noise_alpha": "5",
    "per_device_eval_batch_size": "64",
    "per_device_train_batch_size": "64",
    "prompts": "query: ",
    "remove_unused_columns": "false",
    "resume_from_checkpoint": "checkpoint-4",
    "router_mapping": '{"query": "query"}',
}


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_flags_without_effect_are_refused(name, tmp_path):
    flags = ["--encoder", "static", "--output_dir", str(tmp_path), "--use_cpu", f"--{name}", VALUES.get(name, "true")]
    with pytest.raises(InputError) as error:
        parse_arguments(flags)
    assert str(error.value).startswith(f"{name}: has no effect here; ") and WITHOUT_EFFECT[name] in str(error.value)


def test_every_name_is_an_argument():
    assert set(WITHOUT_EFFECT) <= {each.name for each in dataclasses.fields(HybridTrainingArguments)}
    assert not set(FORMER) & {each.name for each in dataclasses.fields(HybridTrainingArguments)}


def test_the_default_of_transformers_is_noticed_too(tmp_path):
    with pytest.raises(InputError, match="per_device_train_batch_size: has no effect here; give global_batch_size"):
        HybridTrainingArguments(str(tmp_path), use_cpu=True, per_device_train_batch_size=8)


def test_a_copy_of_complete_arguments_is_no_mistake(tmp_path):
    first = HybridTrainingArguments(
        str(tmp_path), use_cpu=True, global_batch_size=24, eval_strategy="steps", eval_steps=2
    )
    assert first.per_device_train_batch_size == 24
    assert dataclasses.replace(first, seed=3).per_device_train_batch_size == 24


@pytest.mark.parametrize(
    ("name", "instead"), [("group_by_length", "chunk_tokens"), ("evaluation_strategy", "eval_strategy")]
)
def test_names_of_earlier_versions(name, instead, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"{name}: true\n")
    for flags in ([f"--{name}", "true"], ["--config", str(recipe)]):
        with pytest.raises(InputError, match=f"{name}: is not known any more.*{instead}"):
            parse_arguments(flags)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_reporting_to_what_is_not_installed(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(InputError, match=rf"report_to: {name} is not installed; `pip install {PACKAGES[name][1]}`"):
        check_reporting([name])


def test_reporting_by_flag(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(InputError, match="report_to: wandb is not installed"):
        parse_arguments(["--encoder", "static", "--output_dir", str(tmp_path), "--use_cpu", "--report_to", "wandb"])


@pytest.mark.parametrize(("name", "said"), [("wandbb", "did you mean wandb?"), ("xyzzy", "choose of azure_ml")])
def test_unknown_reporting(name, said):
    with pytest.raises(InputError, match="report_to: .* is not known") as error:
        check_reporting(name)
    assert said in str(error.value)


def test_what_is_known_here_is_what_transformers_knows():
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    assert set(PACKAGES) == set(INTEGRATION_TO_CALLBACK)
