"""Encoders: built, loaded, saved and loaded again by plain sentence-transformers and plain transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    ModernBertConfig,
    ModernBertModel,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.checkpoints import find_checkpoint
from hf_hybrid.encoders.models import build_encoder, is_static, model_parameter_count, save_encoder
from hf_hybrid.encoders.prompts import prompt_texts
from hf_hybrid.encoders.tokenizer_training import train_tokenizer
from hf_hybrid.errors import InputError

TEXTS = ["where is the river?", "wo ist der Fluss?", "แม่น้ำอยู่ที่ไหน", "河在哪里？", "где река?"]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
SCRATCH = {**SIZES, "vocab_size": 340, "embedding_dimension": 12}


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS * 20, vocab_size=340, max_length=32)


def architectures(vocab_size: int) -> dict[str, tuple[type[PreTrainedModel], PretrainedConfig]]:
    ids = {"vocab_size": vocab_size, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    # XLM-R's positions start after the padding index: 34 of them hold 32 tokens.
    return {
        "xlm-roberta": (XLMRobertaModel, XLMRobertaConfig(**SIZES, **ids, max_position_embeddings=34)),
        "bert": (BertModel, BertConfig(**SIZES, **ids, max_position_embeddings=32)),
        "modernbert": (
            ModernBertModel,
            ModernBertConfig(**SIZES, **ids, max_position_embeddings=32, cls_token_id=0, sep_token_id=2),
        ),
    }


@pytest.fixture
def checkpoint(tmp_path: Path, tokenizer: PreTrainedTokenizerFast):
    """Return a function that stores a tiny random `transformers` checkpoint and returns its folder."""

    def store(architecture: str = "xlm-roberta") -> Path:
        folder = tmp_path / architecture
        model_class, config = architectures(len(tokenizer))[architecture]
        torch.manual_seed(0)
        model_class(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return store


@pytest.fixture
def labse_like(checkpoint, tmp_path: Path) -> Path:
    """Store a sentence-transformers model with LaBSE's modules: CLS pooling, a Dense with tanh, unit vectors."""
    folder = tmp_path / "labse"
    transformer = Transformer(str(checkpoint("bert")))
    torch.manual_seed(1)
    modules = [transformer, Pooling(16, pooling_mode="cls"), Dense(16, 16), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder))
    return folder


def plain_vectors(folder: Path, texts: list[str], pooling: str) -> np.ndarray:
    """Encode with `transformers` alone, as a user without sentence-transformers would."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    pooled = states[:, 0] if pooling == "cls" else (states * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(pooled, dim=-1).numpy()


@pytest.mark.parametrize("architecture", ["xlm-roberta", "bert", "modernbert"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_saved_pretrained_encoder_gives_the_same_vectors_everywhere(checkpoint, tmp_path, architecture, pooling):
    encoder = build_encoder(ModelArguments(model_name_or_path=str(checkpoint(architecture)), pooling=pooling))
    vectors = encoder.encode_query(TEXTS)
    saved = save_encoder(encoder, tmp_path / "saved")
    again = SentenceTransformer(str(saved), device="cpu")
    np.testing.assert_allclose(again.encode_query(TEXTS), vectors, atol=1e-6)
    np.testing.assert_allclose(plain_vectors(saved, ["Query: " + text for text in TEXTS], pooling), vectors, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert again.similarity_fn_name == "cosine"


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_transformer_from_scratch_loads_in_plain_transformers(tmp_path, pooling):
    args = ModelArguments(encoder="transformer", pooling=pooling, max_seq_length=24, **SCRATCH)
    encoder = build_encoder(args, TEXTS * 20)
    vectors = encoder.encode_document(TEXTS)
    saved = save_encoder(encoder, tmp_path / "saved")
    np.testing.assert_allclose(
        SentenceTransformer(str(saved), device="cpu").encode_document(TEXTS), vectors, atol=1e-6
    )
    np.testing.assert_allclose(
        plain_vectors(saved, ["Passage: " + text for text in TEXTS], pooling), vectors, atol=1e-6
    )
    assert vectors.shape == (5, 16)
    assert encoder.max_seq_length == 24


def test_transformer_from_scratch_truncates_at_its_last_position():
    args = ModelArguments(encoder="transformer", max_seq_length=24, **SCRATCH)
    encoder = build_encoder(args, TEXTS * 20)
    assert encoder.preprocess(["river " * 100])["input_ids"].shape == (1, 24)
    assert encoder.encode(["river " * 100]).shape == (1, 16)


def test_static_encoder_is_the_unit_mean_of_its_rows(tmp_path):
    encoder = build_encoder(ModelArguments(encoder="static", **SCRATCH), TEXTS * 20)
    vector = encoder.encode(["wo ist der Fluss?"])[0]
    ids = encoder.tokenizer.encode("wo ist der Fluss?", add_special_tokens=False).ids
    mean = encoder[0].embedding.weight[ids].mean(0)
    np.testing.assert_allclose(vector, (mean / mean.norm()).detach().numpy(), atol=1e-6)
    again = SentenceTransformer(str(save_encoder(encoder, tmp_path / "saved")), device="cpu")
    np.testing.assert_array_equal(again.encode_query(TEXTS), encoder.encode_query(TEXTS))
    assert prompt_texts(again) == ("Query: ", "Passage: ")
    assert (is_static(again), type(again[0]), type(again[-1])) == (True, StaticEmbedding, Normalize)


def test_static_encoder_keeps_its_length_limit(tmp_path):
    encoder = build_encoder(ModelArguments(encoder="static", max_seq_length=3, **SCRATCH), TEXTS * 20)
    again = SentenceTransformer(str(save_encoder(encoder, tmp_path / "saved")), device="cpu")
    assert again.preprocess(["wo ist der Fluss?"])["input_ids"].shape == (3,)


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_seed_decides_the_weights_and_leaves_the_global_generator_alone(kind):
    args = ModelArguments(encoder=kind, **SCRATCH)
    state = torch.get_rng_state()
    one, same, other = (build_encoder(args, TEXTS * 20, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    weights = [next(encoder.parameters()) for encoder in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_encoder_from_scratch_reuses_a_tokenizer(tmp_path, tokenizer):
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    for kind in ("static", "transformer"):
        args = ModelArguments(encoder=kind, tokenizer_name_or_path=str(tmp_path / "tokenizer"), **SCRATCH)
        encoder = build_encoder(args)
        assert next(encoder.parameters()).shape[0] == len(tokenizer)


def test_existing_sentence_transformers_model_keeps_its_modules(labse_like):
    encoder = build_encoder(ModelArguments(model_name_or_path=str(labse_like), query_prompt="", passage_prompt=""))
    assert [type(module) for module in encoder] == [Transformer, Pooling, Dense, Normalize]
    assert encoder[1].pooling_mode == "cls"
    expected = SentenceTransformer(str(labse_like), device="cpu").encode(TEXTS)
    np.testing.assert_array_equal(encoder.encode_query(TEXTS), expected)


@pytest.mark.parametrize("architecture", ["xlm-roberta", "bert", "modernbert"])
def test_every_trained_parameter_gets_a_gradient(checkpoint, architecture):
    encoder = build_encoder(ModelArguments(model_name_or_path=str(checkpoint(architecture)))).train()
    encoder(encoder.preprocess(TEXTS))["sentence_embedding"].sum().backward()
    assert [name for name, value in encoder.named_parameters() if value.requires_grad and value.grad is None] == []


def test_every_trained_parameter_from_scratch_gets_a_gradient():
    encoder = build_encoder(ModelArguments(encoder="transformer", **SCRATCH), TEXTS * 20).train()
    encoder(encoder.preprocess(TEXTS))["sentence_embedding"].sum().backward()
    assert [name for name, value in encoder.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize(
    ("saved", "given", "expected"),
    [
        ({}, {}, ("Query: ", "Passage: ")),
        ({"query": "query: ", "passage": "passage: "}, {}, ("query: ", "passage: ")),
        ({"query": "query: ", "document": ""}, {}, ("query: ", "")),
        ({"query": "query: ", "passage": "passage: "}, {"query_prompt": "Q ", "passage_prompt": ""}, ("Q ", "")),
        ({"query": None, "document": None}, {}, ("Query: ", "Passage: ")),
    ],
)
def test_prompts_are_the_users_else_the_checkpoints_else_the_papers(labse_like, tmp_path, saved, given, expected):
    path = labse_like / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prompts": saved}))
    encoder = build_encoder(ModelArguments(model_name_or_path=str(labse_like), **given))
    again = SentenceTransformer(str(save_encoder(encoder, tmp_path / "saved")), device="cpu")
    query, passage = expected
    assert prompt_texts(again) == expected
    np.testing.assert_array_equal(again.encode_query(TEXTS), again.encode([query + text for text in TEXTS]))
    np.testing.assert_array_equal(again.encode_document(TEXTS), again.encode([passage + text for text in TEXTS]))


def test_dropout_and_length_of_a_checkpoint_can_be_changed(checkpoint):
    args = ModelArguments(model_name_or_path=str(checkpoint()), dropout=0.25, max_seq_length=20)
    encoder = build_encoder(args)
    assert {module.p for module in encoder.modules() if isinstance(module, torch.nn.Dropout)} == {0.25}
    assert encoder[0].config.attention_probs_dropout_prob == 0.25
    assert encoder.max_seq_length == 20


def test_xlm_roberta_length_leaves_room_for_its_position_offset(checkpoint, tokenizer):
    folder = checkpoint()
    tokenizer.model_max_length = int(1e30)
    tokenizer.save_pretrained(folder)
    tokenizer.model_max_length = 32
    encoder = build_encoder(ModelArguments(model_name_or_path=str(folder)))
    assert encoder.max_seq_length == 32
    assert encoder.encode(["река " * 100]).shape == (1, 16)


@pytest.mark.parametrize(("dtype", "expected"), [("bfloat16", torch.bfloat16), ("float32", torch.float32)])
def test_dtype_of_the_weights(checkpoint, dtype, expected):
    for args in (
        ModelArguments(model_name_or_path=str(checkpoint()), dtype=dtype),
        ModelArguments(encoder="transformer", dtype=dtype, **SCRATCH),
        ModelArguments(encoder="static", dtype=dtype, **SCRATCH),
    ):
        encoder = build_encoder(args, TEXTS * 20)
        assert {parameter.dtype for parameter in encoder.parameters()} == {expected}


def test_attention_implementation_reaches_the_model(checkpoint):
    encoder = build_encoder(ModelArguments(model_name_or_path=str(checkpoint()), attn_implementation="eager"))
    assert encoder[0].config._attn_implementation == "eager"


def test_parameter_count_is_exact():
    encoder = build_encoder(ModelArguments(encoder="static", **SCRATCH), TEXTS * 20)
    assert model_parameter_count(encoder) == encoder.tokenizer.get_vocab_size() * 12


def test_a_directory_in_use_is_not_overwritten_unasked(tmp_path):
    encoder = build_encoder(ModelArguments(encoder="static", **SCRATCH), TEXTS * 20)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="other"):
            save_encoder(encoder, tmp_path / "other", overwrite=overwrite)
    saved = save_encoder(encoder, tmp_path / "saved")
    (saved / "stale.txt").write_text("of the old encoder")
    with pytest.raises(InputError, match="already in use"):
        save_encoder(encoder, saved)
    save_encoder(encoder, saved, overwrite=True)
    assert not (saved / "stale.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "saved"]


def test_a_failed_save_leaves_nothing_and_keeps_the_old(tmp_path, monkeypatch):
    encoder = build_encoder(ModelArguments(encoder="static", **SCRATCH), TEXTS * 20)
    saved = save_encoder(encoder, tmp_path / "saved")
    before = (saved / "model.safetensors").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Normalize, "save", fail)
    with pytest.raises(OSError, match="no space"):
        save_encoder(encoder, saved, overwrite=True)
    assert (saved / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_saved_files_hold_no_path_of_the_machine(checkpoint, tmp_path):
    encoder = build_encoder(ModelArguments(model_name_or_path=str(checkpoint())))
    saved = save_encoder(encoder, tmp_path / "saved")
    texts = {path.name: path.read_text() for path in saved.rglob("*.json")}
    assert [name for name, text in texts.items() if str(tmp_path) in text] == []


def test_pickled_weights_are_refused(checkpoint, labse_like):
    folder = checkpoint("bert")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pickled weights \(pytorch_model.bin\).*save_pretrained"):
        build_encoder(ModelArguments(model_name_or_path=str(folder)))
    (labse_like / "2_Dense" / "model.safetensors").rename(labse_like / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickled weights"):
        build_encoder(ModelArguments(model_name_or_path=str(labse_like)))


def test_code_of_a_checkpoint_is_not_run(checkpoint):
    folder = checkpoint("bert")
    path = folder / "config.json"
    own = {"model_type": "own-model", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **own}))
    (folder / "own.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")
    with pytest.raises(InputError, match="without code of its own"):
        build_encoder(ModelArguments(model_name_or_path=str(folder)))
    assert not (folder / "ran").exists()


def test_damaged_weights_are_named(checkpoint):
    folder = checkpoint("bert")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(InputError, match="bert"):
        build_encoder(ModelArguments(model_name_or_path=str(folder)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "model_name_or_path: encoder auto needs one"),
        ({"model_name_or_path": "./absent"}, "no directory ./absent"),
        ({"model_name_or_path": "not a name"}, "neither a directory nor a Hub name"),
        ({"model_name_or_path": "a/b", "encoder": "static"}, "would be ignored"),
        ({"encoder": "static"}, "needs a tokenizer"),
        ({"encoder": "static", "pooling": "cls"}, "no cls token"),
        ({"encoder": "static", "tokenizer_name_or_path": "."}, "cannot load a tokenizer"),
    ],
)
def test_mistakes_are_named(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as error:
        build_encoder(ModelArguments(**arguments))
    assert "\n" not in str(error.value)


def test_hub_name_without_a_network_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="no directory someone/encoder.*network"):
        build_encoder(ModelArguments(model_name_or_path="someone/encoder"))


def test_limits_of_a_checkpoint_are_named(checkpoint):
    folder = str(checkpoint())
    with pytest.raises(InputError, match="max_seq_length: 33 is above the checkpoint's limit of 32"):
        build_encoder(ModelArguments(model_name_or_path=folder, max_seq_length=33))
    with pytest.raises(InputError, match="model_revision"):
        build_encoder(ModelArguments(model_name_or_path=folder, model_revision="main"))


@pytest.mark.parametrize(
    "arguments", [{"encoder": "huge"}, {"pooling": "max"}, {"dropout": 1.0}, {"vocab_size": 0}, {"hidden_size": 10}]
)
def test_values_out_of_range_are_named(arguments):
    with pytest.raises(InputError, match=next(iter(arguments))):
        ModelArguments(**arguments)


def test_models_that_travel_with_the_package_are_known_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hf_hybrid.encoders.checkpoints.EMBEDDED_MODELS", (tmp_path / "wheel", tmp_path / "checkout"))
    args = ModelArguments(encoder="static", vocab_size=320, embedding_dimension=8)
    folder = save_encoder(build_encoder(args, ["hello world"] * 50), tmp_path / "checkout" / "our-model")
    assert find_checkpoint("our-model", None) == folder
    with pytest.raises(InputError, match="has no meaning for the local directory our-model"):
        find_checkpoint("our-model", "main")
    # What the user has under that name comes first.
    (tmp_path / "our-model").mkdir()
    assert find_checkpoint("our-model", None) == Path("our-model")


@pytest.fixture
def home_with_models(tmp_path, monkeypatch):
    """A home folder with an encoder, the same as one that travels with the package, and in the cache of the Hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("hf_hybrid.encoders.checkpoints.EMBEDDED_MODELS", (tmp_path / "wheel",))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    args = ModelArguments(encoder="static", vocab_size=320, embedding_dimension=8)
    model = build_encoder(args, ["hello world"] * 50)
    cached = tmp_path / "hub" / "models--someone--encoder"
    for folder in (tmp_path / "run" / "model", tmp_path / "wheel" / "our-model", cached / "snapshots" / COMMIT):
        save_encoder(model, folder)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)
    return tmp_path


COMMIT = "0123456789" * 4


@pytest.mark.parametrize(
    ("name", "base", "revision"),
    [
        ("run/model", None, None),
        ("run/model/", None, None),
        ("./run/model", None, None),
        ("~/run/model", None, None),
        ("our-model", "our-model", None),
        ("someone/encoder", "someone/encoder", COMMIT),
        (f"hub/models--someone--encoder/snapshots/{COMMIT}/", None, COMMIT),
    ],
)
def test_only_a_commit_of_the_hub_is_a_revision(home_with_models, name, base, revision):
    card = build_encoder(ModelArguments(model_name_or_path=name)).model_card_data
    assert card.base_model == base and card.base_model_revision == revision
