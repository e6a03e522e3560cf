"""LoRA: nothing else is trained, adapters load with the ecosystem's own tools, runs resume, merging keeps the
vectors.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from hf_hybrid.arguments import HybridTrainingArguments, ModelArguments
from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.encoders.lora import adapted_layers, has_adapter, load_adapter_weights, merge_adapter, save_adapter
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.encoders.tokenizer_training import train_tokenizer
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import HybridEvaluator
from hf_hybrid.train import main
from hf_hybrid.training.trainer import HybridTrainer
from tests.conftest import renditions
from tests.encoders.test_models import plain_vectors
from tests.launching import finish, start
from tests.test_train import write_splits

TEXTS = [str(row[side]) for row in renditions(20) for side in ("query", "passage")]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
DROPOUT = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> Path:
    """Folders of tiny random checkpoints; BERT and XLM-R with a pooler that no vector passes."""
    folder = tmp_path_factory.mktemp("bases")
    tokenizer = train_tokenizer(TEXTS, vocab_size=300, max_length=48)
    ids = {**IDS, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    distilbert = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24}
    for name, model in {
        "bert": lambda: BertModel(BertConfig(**SIZES, **ids, **DROPOUT)),
        "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**SIZES, **ids, **DROPOUT)),
        "distilbert": lambda: DistilBertModel(DistilBertConfig(**distilbert, **ids)),
    }.items():
        torch.manual_seed(0)
        model().save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    torch.manual_seed(1)
    labse = [Transformer(str(folder / "bert")), Pooling(16, pooling_mode="cls"), Dense(16, 16), Normalize()]
    SentenceTransformer(modules=labse, device="cpu").save_pretrained(str(folder / "labse"))
    save_encoder(build_encoder(ModelArguments(encoder="static", vocab_size=300), TEXTS), folder / "static")
    return folder


def lora(base: Path, **kwargs) -> SentenceTransformer:
    return build_encoder(ModelArguments(model_name_or_path=str(base), use_peft=True, **{"lora_r": 4, **kwargs}))


def stirred(model: SentenceTransformer) -> SentenceTransformer:
    """The model as training would leave it: with an adapter that changes the vectors."""
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in trained(model).values():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def trained(model: SentenceTransformer) -> dict[str, torch.nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


ATTENTION_AND_FEED_FORWARD = {
    "bert": {"query", "key", "value", "dense"},
    "labse": {"query", "key", "value", "dense"},
    "xlm-roberta": {"query", "key", "value", "dense"},
    "distilbert": {"q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"},
}


@pytest.mark.parametrize("base", ATTENTION_AND_FEED_FORWARD)
def test_a_fresh_adapter_changes_no_vector_and_is_all_that_is_trained(bases, base, caplog):
    plain = build_encoder(ModelArguments(model_name_or_path=str(bases / base)))
    caplog.set_level(logging.INFO, "hf_hybrid.encoders.lora")
    model = lora(bases / base)
    np.testing.assert_array_equal(model.encode_query(TEXTS), plain.encode_query(TEXTS))
    assert {name.rpartition(".")[2] for name in adapted_layers(model)} == ATTENTION_AND_FEED_FORWARD[base]
    assert len(adapted_layers(model)) == 12 and not any("pooler" in name for name in adapted_layers(model))
    assert all("lora_" in name for name in trained(model))
    # Two layers: four of 16 x 16, 16 -> 24 and 24 -> 16, of rank 4 each.
    count = 2 * 4 * (4 * (16 + 16) + 2 * (16 + 24))
    every = sum(parameter.numel() for parameter in model.parameters())
    assert sum(parameter.numel() for parameter in trained(model).values()) == count
    assert f"{count:,} of {every:,} parameters are trained ({100 * count / every:.2f} %)" in caplog.text


def test_the_seed_makes_the_adapter(bases):
    args = ModelArguments(model_name_or_path=str(bases / "bert"), use_peft=True)
    state = torch.random.get_rng_state()
    one, same, other = (trained(build_encoder(args, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("base", "settings"),
    [
        ("bert", {}),
        ("xlm-roberta", {"use_rslora": True}),
        ("distilbert", {"lora_target_modules": ["q_lin", "word_embeddings"]}),
        ("bert", {"lora_target_modules": [r".*layer\.1\..*dense"], "lora_modules_to_save": ["LayerNorm"]}),
    ],
)
def test_adapter_and_merged_model_give_the_trained_vectors_everywhere(bases, tmp_path, base, settings):
    plain = build_encoder(ModelArguments(model_name_or_path=str(bases / base)))
    model = stirred(lora(bases / base, **settings))
    vectors = model.encode_query(TEXTS)
    assert np.abs(vectors - plain.encode_query(TEXTS)).max() > 0.01
    adapter = save_adapter(model, tmp_path / "adapter", base=str(bases / base))
    merge_adapter(model)
    assert not has_adapter(model) and not adapted_layers(model)
    merged = save_encoder(model, tmp_path / "model")
    # The merged model: plain sentence-transformers, plain transformers.
    assert (merged / "model.safetensors").is_file() and not (merged / "adapter_config.json").exists()
    np.testing.assert_allclose(SentenceTransformer(str(merged), device="cpu").encode_query(TEXTS), vectors, atol=3e-6)
    prompted = ["Query: " + text for text in TEXTS]
    np.testing.assert_allclose(plain_vectors(merged, prompted, "mean"), vectors, atol=3e-6)
    # The adapter: sentence-transformers by itself and onto a loaded base, and peft, whose merge is ours.
    np.testing.assert_allclose(SentenceTransformer(str(adapter), device="cpu").encode_query(TEXTS), vectors, atol=3e-6)
    plain.load_adapter(str(adapter))
    np.testing.assert_allclose(plain.encode_query(TEXTS), vectors, atol=3e-6)
    expected = PeftModel.from_pretrained(AutoModel.from_pretrained(bases / base), adapter).merge_and_unload()
    stored = load_file(merged / "model.safetensors")
    for name, weight in expected.state_dict().items():
        torch.testing.assert_close(stored[name], weight, rtol=0, atol=0)


def test_adapter_folder_holds_no_weight_of_the_base(bases, tmp_path):
    model = lora(bases / "bert", lora_modules_to_save=["layer.1.output.LayerNorm"])
    adapter = save_adapter(model, tmp_path / "adapter", base=str(bases / "bert"))
    weights = list(adapter.rglob("*.safetensors"))
    assert [path.name for path in weights] == ["adapter_model.safetensors"] and not list(adapter.rglob("*.bin"))
    names = load_file(weights[0])
    assert len(names) == len(trained(model)) and all("lora_" in n or "layer.1.output.LayerNorm" in n for n in names)
    assert not [path for path in tmp_path.iterdir() if path != adapter]
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (str((bases / "bert").resolve()), None)
    assert config["task_type"] == "FEATURE_EXTRACTION" and config["exclude_modules"] == ["pooler.dense"]
    with pytest.raises(InputError, match="already in use"):
        save_adapter(model, adapter, base=str(bases / "bert"))


def test_adapter_of_a_hub_model_names_it_and_its_commit(bases, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--someone--encoder" / "snapshots" / commit
    shutil.copytree(bases / "bert", snapshot)
    model = lora(snapshot)
    adapter = save_adapter(model, tmp_path / "adapter", base="someone/encoder")
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("someone/encoder", commit)


def test_an_adapters_folder_is_trained_as_a_whole_or_refused_as_a_base(bases, tmp_path):
    model = stirred(lora(bases / "bert"))
    adapter = save_adapter(model, tmp_path / "adapter", base=str(bases / "bert"))
    whole = build_encoder(ModelArguments(model_name_or_path=str(adapter)))
    np.testing.assert_allclose(whole.encode_query(TEXTS), model.encode_query(TEXTS), atol=3e-6)
    frozen = [name for name, parameter in whole.named_parameters() if not parameter.requires_grad]
    assert frozen and all("pooler" in name for name in frozen)
    with pytest.raises(InputError, match="use_peft: the encoder is itself a base with an adapter"):
        lora(adapter)


@pytest.mark.parametrize(
    ("base", "settings", "message"),
    [
        ("static", {}, "use_peft: an adapter needs a transformer, and this encoder is a StaticEmbedding"),
        ("bert", {"lora_target_modules": ["qurey"]}, "no layer 'qurey' in BertModel; did you mean 'query'?"),
        (
            "bert",
            {"lora_target_modules": ["query", "zzz"]},
            "no layer 'zzz' in BertModel; It has dense, key, position",
        ),
        ("bert", {"lora_target_modules": [".*[dense"]}, r"no layer '.*[dense' in BertModel"),
        ("bert", {"lora_target_modules": ["pooler.dense"]}, "the vectors do not pass 'pooler.dense'"),
        ("bert", {"lora_target_modules": ["attention"]}, "no layer 'attention' in BertModel"),
        (
            "bert",
            {"lora_modules_to_save": ["LayerNrom"]},
            "no module 'LayerNrom' in BertModel; did you mean 'LayerNorm'?",
        ),
        ("bert", {"lora_modules_to_save": ["pooler"]}, "the vectors do not pass 'pooler'"),
    ],
)
def test_what_cannot_be_adapted_is_named(bases, base, settings, message):
    with pytest.raises(InputError) as caught:
        lora(bases / base, **settings)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": "static", "use_peft": True}, "use_peft: an adapter needs a pretrained transformer"),
        ({"encoder": "transformer", "use_peft": True}, "encoder 'transformer' starts from random weights"),
        ({"lora_r": 0}, "lora_r: 0 is below 1"),
        ({"lora_dropout": 1.0}, "lora_dropout: 1.0 is outside"),
    ],
)
def test_arguments_are_checked(settings, message):
    with pytest.raises(InputError, match=message):
        ModelArguments(**settings)


def test_flags_are_those_of_trl(bases, caplog):
    argv = "--model_name_or_path x --use_peft --lora_r 8 --lora_alpha 16 --lora_target_modules query value --use_cpu"
    model, _, _ = parse_arguments(argv.split())
    assert (model.use_peft, model.lora_r, model.lora_alpha, model.lora_dropout) == (True, 8, 16, 0.05)
    assert model.lora_target_modules == ["query", "value"] and not model.use_rslora
    build_encoder(ModelArguments(model_name_or_path=str(bases / "bert"), lora_r=8, use_rslora=True))
    assert "Without use_peft, lora_r, use_rslora change nothing" in caplog.text


# -- training ---------------------------------------------------------------------------------------------------------


def arguments(folder: Path, **kwargs) -> HybridTrainingArguments:
    defaults = {
        "max_steps": 6,
        "global_batch_size": 12,
        "batches_per_epoch": 4,
        "learning_rate": 1e-2,
        "use_cpu": True,
    }
    defaults |= {
        "logging_steps": 1,
        "save_strategy": "no",
        "disable_tqdm": True,
        "warmup_steps": 0,
        "chunk_tokens": 128,
    }
    return HybridTrainingArguments(str(folder), **{**defaults, **kwargs})


MODES = {
    "plain": {},
    "checkpointing": {"gradient_checkpointing": True},
    "cached": {"gradient_cache": True, "gradient_cache_memory": 0},
    "both": {"gradient_cache": True, "gradient_cache_memory": 1e-4, "gradient_checkpointing": True},
}


def test_gradients_are_those_of_plain_training_in_every_mode(bases, parallel_pairs, tmp_path):
    """Also with the adapter's and the base's dropout, under the same random state; every trained parameter gets a
    gradient.
    """
    gradients = {}
    for mode, settings in MODES.items():
        model = stirred(lora(bases / "bert", lora_dropout=0.2))
        trainer = HybridTrainer(model, arguments(tmp_path, **settings), parallel_pairs)
        if trainer.args.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        batch = next(iter(trainer.get_train_dataloader()))
        assert len(batch["chunks"]) > 2
        model.train()
        torch.manual_seed(3)
        trainer.compute_loss(model, batch).backward()
        gradients[mode] = {name: parameter.grad for name, parameter in trained(model).items()}
        assert all(
            parameter.grad is None for name, parameter in model.named_parameters() if name not in trained(model)
        )
    assert all(gradient.abs().max() > 0 for gradient in gradients["plain"].values())
    for mode in MODES:
        for name, expected in gradients["plain"].items():
            torch.testing.assert_close(gradients[mode][name], expected, rtol=1e-4, atol=1e-6, msg=f"{mode} {name}")


@pytest.mark.parametrize("mode", ["checkpointing", "cached"])
def test_checkpoints_hold_the_adapter_alone_and_resume_bit_for_bit(bases, parallel_pairs, tmp_path, mode):
    settings = {**MODES[mode], "save_strategy": "steps", "save_steps": 2}
    weights = []
    for checkpoint in (None, "checkpoint-4"):
        model = lora(bases / "xlm-roberta", lora_dropout=0.2, lora_modules_to_save=["LayerNorm"])
        frozen = {name: p.clone() for name, p in model.named_parameters() if not p.requires_grad}
        trainer = HybridTrainer(model, arguments(tmp_path, **settings), parallel_pairs)
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(tmp_path / checkpoint))
        weights.append(trained(model))
        now = dict(model.named_parameters())
        assert all(torch.equal(weight, now[name]) for name, weight in frozen.items())
    straight, resumed = weights
    assert straight.keys() == resumed.keys() and all(torch.equal(straight[name], resumed[name]) for name in straight)
    start = trained(lora(bases / "xlm-roberta", lora_modules_to_save=["LayerNorm"]))
    assert all(not torch.equal(straight[name], start[name]) for name in straight)
    stored = load_file(tmp_path / "checkpoint-4" / "adapter_model.safetensors")
    assert len(stored) == len(straight) and not (tmp_path / "checkpoint-4" / "model.safetensors").exists()


def test_resuming_with_another_adapter_is_refused(bases, parallel_pairs, tmp_path):
    settings = arguments(tmp_path, max_steps=2, save_strategy="steps", save_steps=1)
    HybridTrainer(lora(bases / "bert"), settings, parallel_pairs).train()
    other = HybridTrainer(lora(bases / "bert", lora_alpha=8), settings, parallel_pairs)
    with pytest.raises(InputError, match="lora_alpha was 32, is 8"):
        other.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))


def test_the_best_adapter_is_loaded_at_the_end(bases, parallel_pairs, tmp_path):
    best = {"eval_strategy": "steps", "eval_steps": 1, "save_strategy": "steps", "save_steps": 1, "max_steps": 3}
    best |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_mean_map", "greater_is_better": False}
    model = lora(bases / "bert")
    evaluator = HybridEvaluator(Benchmark.from_pairs(parallel_pairs, max_examples=20))
    trainer = HybridTrainer(model, arguments(tmp_path, **best), parallel_pairs, evaluator)
    trainer.train()
    # The worst, in truth, so that it is not the last.
    assert not trainer.state.best_model_checkpoint.endswith("checkpoint-3")
    stored = load_file(Path(trainer.state.best_model_checkpoint) / "adapter_model.safetensors")
    for name, parameter in trained(model).items():
        key = name.replace("0.model.", "base_model.model.").replace(".default", "")
        assert torch.equal(stored[key], parameter)


def test_a_base_of_16_bits_has_an_adapter_of_32(bases, parallel_pairs, tmp_path):
    model = lora(bases / "bert", dtype="bfloat16")
    assert {parameter.dtype for parameter in trained(model).values()} == {torch.float32}
    before = {name: parameter.clone() for name, parameter in trained(model).items()}
    HybridTrainer(model, arguments(tmp_path, max_steps=2), parallel_pairs).train()
    assert all(not torch.equal(before[name], parameter) for name, parameter in trained(model).items())
    # Adapter and result of a checkpoint, bit for bit; merging rounds to 16 bits.
    again = lora(bases / "bert", dtype="bfloat16")
    load_adapter_weights(again, save_adapter(model, tmp_path / "adapter", base=str(bases / "bert")))
    assert all(torch.equal(trained(again)[name], parameter) for name, parameter in trained(model).items())
    vectors = model.eval().encode(TEXTS)
    merge_adapter(model)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    np.testing.assert_allclose(model.encode(TEXTS), vectors, atol=0.01)


def test_weights_of_another_adapter_are_refused(bases, tmp_path):
    model = stirred(lora(bases / "bert", lora_alpha=8))
    adapter = save_adapter(model, tmp_path / "adapter", base=str(bases / "bert"))
    same, other = lora(bases / "bert", lora_alpha=8), lora(bases / "bert", lora_alpha=16, lora_r=2)
    load_adapter_weights(same, adapter)
    np.testing.assert_array_equal(same.encode(TEXTS), model.encode(TEXTS))
    before = {name: parameter.clone() for name, parameter in trained(other).items()}
    with pytest.raises(InputError, match=r"other settings \(r was 4, is 2; lora_alpha was 8, is 16\); restore these"):
        load_adapter_weights(other, adapter)
    assert all(torch.equal(before[name], parameter) for name, parameter in trained(other).items())
    with pytest.raises(InputError, match="no adapter can be read from it"):
        load_adapter_weights(same, bases / "bert")
    (adapter / "adapter_model.safetensors").write_bytes(b"cut short")
    with pytest.raises(InputError, match="no adapter can be read from it"):
        load_adapter_weights(same, adapter)


COMMAND = (
    "--encoder auto --use_peft --lora_r 4 --lora_dropout 0 --dropout 0 --global_batch_size 12 --max_steps 4 "
    "--warmup_steps 0 --learning_rate 0.02 --logging_steps 1 --save_strategy no --use_cpu --disable_tqdm true "
    "--gradient_cache --gradient_cache_memory 0 --chunk_tokens 128 --dev_split none"
).split()


def test_two_ranks_train_the_adapter_of_one(bases, tmp_path, unused_port):
    """The command on two processes (gloo) and BERT, whose unused pooler would stop DDP if an adapter were put on
    it.
    """
    data = write_splits(tmp_path)
    flags = [*COMMAND, "--model_name_or_path", str(bases / "bert"), "--dataset_name_or_path", str(data)]
    assert main([*flags, "--output_dir", str(tmp_path / "one")]) == 0
    launcher = ["--multi_gpu", "--num_processes", "2", "--main_process_port", str(unused_port)]
    [(status, output)] = finish(start(launcher, [*flags, "--output_dir", str(tmp_path / "two")]))
    assert status == 0, output
    assert f"adapter: {tmp_path / 'two' / 'adapter'}" in output
    one, two = (load_file(tmp_path / run / "adapter" / "adapter_model.safetensors") for run in ("one", "two"))
    assert one.keys() == two.keys()
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-3, atol=1e-5)
    folders = [tmp_path / "two" / name for name in ("model", "adapter")]
    merged, adapted = (SentenceTransformer(str(folder), device="cpu").encode_query(TEXTS) for folder in folders)
    np.testing.assert_allclose(merged, adapted, atol=3e-6)
    plain = build_encoder(ModelArguments(model_name_or_path=str(bases / "bert"))).encode_query(TEXTS)
    assert np.abs(merged - plain).max() > 0.01
    # What was measured afterwards is the merged model, and before it the base.
    before, after = (json.loads((tmp_path / "two" / f"{name}.json").read_text()) for name in ("before", "results"))
    assert before["summary"] != after["summary"]
