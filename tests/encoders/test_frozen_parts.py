"""Frozen parts: no gradient, no optimiser state, the same bits at the end; runs resume, ranks agree."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.frozen_parts import has_frozen_word_table
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.encoders.saved_folder import save_folder
from hf_hybrid.encoders.tokenizer_training import train_tokenizer
from hf_hybrid.errors import InputError
from hf_hybrid.train import main
from hf_hybrid.training.trainer import HybridTrainer
from tests.encoders.test_lora import MODES, TEXTS, arguments
from tests.launching import finish, start
from tests.test_train import write_splits

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
WORDS = "0.model.embeddings.word_embeddings.weight"


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bases")
    tokenizer = train_tokenizer(TEXTS, vocab_size=300, max_length=48)
    ids = {"vocab_size": len(tokenizer), "max_position_embeddings": 64, "pad_token_id": 1}
    for name, model, config in (("bert", BertModel, BertConfig), ("xlmr", XLMRobertaModel, XLMRobertaConfig)):
        torch.manual_seed(0)
        model(config(**SIZES, **ids)).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


def frozen(base: Path, **kwargs):
    return build_encoder(ModelArguments(model_name_or_path=str(base), freeze_word_table=True, **kwargs))


def lower_frozen(base: Path, number: int = 1, **kwargs):
    return build_encoder(ModelArguments(model_name_or_path=str(base), freeze_layers=number, **kwargs))


def straight_and_resumed(make, base: Path, parallel_pairs, folder: Path, mode: str):
    """What a run in one go, and one from its checkpoint 4, start from and end with; each with its trainer."""
    settings = {**MODES[mode], "save_strategy": "steps", "save_steps": 2}
    for checkpoint in (None, "checkpoint-4"):
        model = make(base)
        before = state(model)
        trainer = HybridTrainer(model, arguments(folder, **settings), parallel_pairs)
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(folder / checkpoint))
        yield before, state(model), trainer


def state(model) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def test_only_the_word_table_is_frozen(bases):
    whole = build_encoder(ModelArguments(model_name_or_path=str(bases / "xlmr")))
    assert not has_frozen_word_table(whole)
    model = frozen(bases / "xlmr")
    assert has_frozen_word_table(model)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {name for name, parameter in whole.named_parameters() if parameter.requires_grad} - trained == {WORDS}
    assert "0.model.embeddings.position_embeddings.weight" in trained


@pytest.mark.parametrize("base", ["bert", "xlmr"])
def test_everything_below_a_layer_is_frozen(bases, base):
    """Embeddings, their norm and the lower one of two layers; the upper one is trained whole."""
    model = lower_frozen(bases / base)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    upper = {name for name, _ in model.named_parameters() if ".encoder.layer.1." in name}
    assert upper and trained == upper and has_frozen_word_table(model)


@pytest.mark.parametrize("make", [frozen, lower_frozen])
@pytest.mark.parametrize("mode", MODES)
def test_gradients_of_all_else_are_those_of_plain_training(bases, parallel_pairs, tmp_path, mode, make):
    gradients = []
    for model in (build_encoder(ModelArguments(model_name_or_path=str(bases / "bert"))), make(bases / "bert")):
        trainer = HybridTrainer(model, arguments(tmp_path, **MODES[mode]), parallel_pairs)
        if trainer.args.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        batch = next(iter(trainer.get_train_dataloader()))
        model.train()
        torch.manual_seed(3)
        trainer.compute_loss(model, batch).backward()
        gradients.append({name: each.grad for name, each in model.named_parameters() if each.grad is not None})
    whole, without = gradients
    left = {WORDS} if make is frozen else {name for name in whole if "embeddings" in name or ".layer.0." in name}
    assert set(whole) - set(without) == left
    for name, gradient in without.items():
        torch.testing.assert_close(gradient, whole[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mode", ["plain", "cached", "checkpointing"])
def test_a_resumed_run_with_frozen_layers_is_the_straight_one(bases, parallel_pairs, tmp_path, mode):
    ends = []
    for before, after, trainer in straight_and_resumed(lower_frozen, bases / "xlmr", parallel_pairs, tmp_path, mode):
        ends.append(after)
        kept = {name: torch.equal(weight, before[name]) for name, weight in after.items()}
        trained = {name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad}
        assert all(same for name, same in kept.items() if name not in trained)
        assert not any(kept[name] for name in trained if name.endswith("dense.weight") and "pooler" not in name)
    straight, resumed = ends
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


@pytest.mark.parametrize("adapter", [False, True])
def test_a_run_from_an_encoder_without_a_pooler_resumes_and_its_folder_has_none(
    bases, parallel_pairs, tmp_path, adapter
):
    whole = frozen(bases / "bert")
    whole[0].auto_model.pooler = None
    save_folder(whole, tmp_path / "base")
    make = partial(frozen, use_peft=adapter)
    ends = []
    for _, after, trainer in straight_and_resumed(make, tmp_path / "base", parallel_pairs, tmp_path / "run", "plain"):
        ends.append(after)
        trainer.save_model(str(tmp_path / "run" / "model"))
        assert state(SentenceTransformer(str(tmp_path / "run" / "model"), device="cpu")).keys() == after.keys()
    straight, resumed = ends
    assert not any("pooler" in name for name in straight)
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


@pytest.mark.parametrize("mode", ["plain", "cached"])
def test_a_resumed_run_is_the_straight_one_and_the_table_keeps_its_bits(bases, parallel_pairs, tmp_path, mode):
    ends = []
    for before, after, trainer in straight_and_resumed(frozen, bases / "xlmr", parallel_pairs, tmp_path, mode):
        model = trainer.model
        ends.append(after)
        table = dict(model.named_parameters())[WORDS]
        assert torch.equal(table, before[WORDS]) and table.grad is None and has_frozen_word_table(model)
        optimised = {id(each) for group in trainer.optimizer.param_groups for each in group["params"]}
        assert id(table) not in optimised
        assert optimised == {id(each) for each in model.parameters() if each.requires_grad}
    straight, resumed = ends
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert not torch.equal(
        straight["0.model.embeddings.position_embeddings.weight"],
        before["0.model.embeddings.position_embeddings.weight"],
    )
    # The optimiser's file has no moments of the table's size; the model's has the table.
    moments = torch.load(tmp_path / "checkpoint-4" / "optimizer.pt", weights_only=True)["state"].values()
    assert all(each["exp_avg"].shape != before[WORDS].shape for each in moments)
    assert any(
        before[WORDS].shape == each.shape
        for each in load_file(tmp_path / "checkpoint-4" / "model.safetensors").values()
    )


def test_a_run_does_not_go_on_with_a_table_that_is_trained(bases, parallel_pairs, tmp_path):
    settings = arguments(tmp_path, max_steps=2, save_strategy="steps", save_steps=1)
    HybridTrainer(frozen(bases / "bert"), settings, parallel_pairs).train()
    other = HybridTrainer(
        build_encoder(ModelArguments(model_name_or_path=str(bases / "bert"))), settings, parallel_pairs
    )
    with pytest.raises(InputError, match="word_table_is_frozen was True, is False"):
        other.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))


def test_a_run_does_not_go_on_with_other_layers(bases, parallel_pairs, tmp_path):
    settings = arguments(tmp_path, max_steps=2, save_strategy="steps", save_steps=1)
    HybridTrainer(lower_frozen(bases / "bert"), settings, parallel_pairs).train()
    other = HybridTrainer(frozen(bases / "bert"), settings, parallel_pairs)
    with pytest.raises(InputError, match="trained_parameters was"):
        other.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))


def test_wrong_numbers_of_layers_are_refused(bases):
    with pytest.raises(InputError, match="freeze_layers: 2 of 2 layers leaves none to train; give fewer"):
        lower_frozen(bases / "bert", 2)
    with pytest.raises(InputError, match="freeze_layers: -1 is below 0"):
        lower_frozen(bases / "bert", -1)
    with pytest.raises(InputError, match="freeze_layers: encoder 'transformer' starts from random weights"):
        ModelArguments(encoder="transformer", freeze_layers=1)


@pytest.mark.parametrize("make", [frozen, lower_frozen])
def test_an_adapter_leaves_them_alone_anyway(bases, make):
    plain, both = (
        make(bases / "bert", use_peft=True),
        build_encoder(ModelArguments(model_name_or_path=str(bases / "bert"), use_peft=True)),
    )
    names = [{name for name, each in model.named_parameters() if each.requires_grad} for model in (plain, both)]
    assert names[0] == names[1]


def test_encoders_without_anything_else_are_refused(tmp_path):
    with pytest.raises(InputError, match="freeze_word_table: encoder 'static' starts from random vectors"):
        ModelArguments(encoder="static", freeze_word_table=True)
    static = build_encoder(ModelArguments(encoder="static", vocab_size=320), ["hello world", "hallo Welt"] * 50)
    save_encoder(static, tmp_path / "static")
    with pytest.raises(InputError, match="freeze_word_table: this encoder reads texts by StaticEmbedding"):
        frozen(tmp_path / "static")
    with pytest.raises(InputError, match="freeze_layers: this encoder reads texts by StaticEmbedding"):
        lower_frozen(tmp_path / "static")


COMMAND = (
    "--encoder auto --freeze_word_table true --dropout 0 --global_batch_size 12 --max_steps 4 --warmup_steps 0 "
    "--learning_rate 0.01 --logging_steps 1 --save_strategy no --use_cpu --disable_tqdm true --adam_epsilon 1e-3 "
    "--gradient_cache --gradient_cache_memory 0 --chunk_tokens 128 --dev_split none --test_split none"
).split()


def test_two_ranks_train_what_one_does(bases, tmp_path, unused_port):
    data = write_splits(tmp_path)
    flags = [*COMMAND, "--model_name_or_path", str(bases / "xlmr"), "--dataset_name_or_path", str(data)]
    assert main([*flags, "--output_dir", str(tmp_path / "one")]) == 0
    launcher = ["--multi_gpu", "--num_processes", "2", "--main_process_port", str(unused_port)]
    [(status, output)] = finish(start(launcher, [*flags, "--output_dir", str(tmp_path / "two")]))
    assert status == 0, output
    one, two = (load_file(tmp_path / run / "model" / "model.safetensors") for run in ("one", "two"))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-3, atol=1e-5)
    table = WORDS.removeprefix("0.model.")
    assert torch.equal(one[table], two[table]) and torch.equal(
        one[table], load_file(bases / "xlmr" / "model.safetensors")[table]
    )
