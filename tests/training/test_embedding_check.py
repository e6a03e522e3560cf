"""Training embeds as `encode` embeds: routes, prompts, padding; and an encoder for which it does not is refused."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Module, Normalize
from sentence_transformers.sentence_transformer.modules import BoW, Pooling
from torch.nn.functional import normalize

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.encoders.padding import positions_ignore_padding
from hf_hybrid.errors import InputError
from hf_hybrid.losses.batch import embed_batch
from hf_hybrid.retrieval.encode_texts import encode_texts
from hf_hybrid.training.embedding_check import check_embedding
from hf_hybrid.training.trainer import HybridTrainer
from tests.training.test_trainer import arguments
from tests.unusual_encoders import (
    PROMPTS,
    distilbert,
    gpt2_folder,
    late_router,
    rotary_folder,
    routed,
    without_pooled_prompt,
)


def loaded(folder, **settings) -> SentenceTransformer:
    return build_encoder(
        ModelArguments(model_name_or_path=str(folder), query_prompt="", passage_prompt="", **settings)
    )


MAKERS = {
    "routes": routed,
    "static queries": lambda folder: routed(folder, "static queries"),
    "router after the transformer": late_router,
    "prompt not pooled": without_pooled_prompt,
    "prompt not pooled, weighted": lambda folder: without_pooled_prompt(folder, "weightedmean"),
    "no padding token": lambda folder: loaded(gpt2_folder(folder)),
    "padded left, rotary": lambda folder: loaded(rotary_folder(folder, "left")),
    "no padding token, first token": lambda folder: loaded(gpt2_folder(folder), pooling="cls"),
}


@pytest.fixture(params=MAKERS, scope="module")
def unusual(request, tmp_path_factory):
    return MAKERS[request.param](tmp_path_factory.mktemp("unusual"))


def vectors_of_a_batch(trainer) -> tuple[torch.Tensor, torch.Tensor]:
    """The trainer's own vectors of its first batch, and those of `encode_query` and `encode_document`,
    unnormalised.
    """
    batch = next(iter(trainer.get_train_dataloader()))
    rows = trainer.train_dataset.__getitems__(next(iter(trainer.get_train_dataloader().batch_sampler))).rows
    data, model = trainer.plan.pairs.dataset, trainer.model.eval()
    with torch.no_grad():
        found = embed_batch(model, batch, normalise=False)
    queries = model.encode_query([data[int(row)]["query"] for row in rows.query_rows], convert_to_tensor=True)
    passages = model.encode_document([data[int(row)]["passage"] for row in rows.passage_rows], convert_to_tensor=True)
    return found, torch.cat([queries, passages])


def test_a_batch_is_embedded_as_encode_does(unusual, parallel_pairs, tmp_path):
    trainer = HybridTrainer(unusual, arguments(tmp_path), parallel_pairs)
    found, expected = vectors_of_a_batch(trainer)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["transformers", "static queries"])
def test_both_routes_are_trained(kind, parallel_pairs, tmp_path):
    model = routed(tmp_path, kind)
    before = {name: value.clone() for name, value in model.named_parameters()}
    HybridTrainer(model, arguments(tmp_path / "run", max_steps=3, warmup_steps=0), parallel_pairs).train()
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    still = {name for name in set(before) - changed if "position_embeddings" not in name}
    assert not still
    assert {name.split(".")[2] for name in changed} == {"query", "document"}


def test_routes_survive_the_gradient_cache(parallel_pairs, tmp_path):
    losses = []
    for settings in ({}, {"gradient_cache": True, "gradient_cache_memory": 0.0}):
        trainer = HybridTrainer(routed(tmp_path), arguments(tmp_path, chunk_tokens=200, **settings), parallel_pairs)
        trainer.model.eval()
        loss = trainer.compute_loss(trainer.model, next(iter(trainer.get_train_dataloader())))
        loss.backward()
        losses.append([loss.detach(), *(p.grad for p in trainer.model.parameters() if p.grad is not None)])
    assert len(losses[0]) == len(losses[1])
    for plain, cached in zip(*losses, strict=True):
        torch.testing.assert_close(plain, cached, atol=1e-5, rtol=1e-4)


def test_a_trained_router_is_saved_and_loaded(parallel_pairs, tmp_path):
    model = routed(tmp_path)
    HybridTrainer(model, arguments(tmp_path / "run", max_steps=2), parallel_pairs).train()
    again = SentenceTransformer(str(save_encoder(model, tmp_path / "saved")), device="cpu")
    for name in ("encode_query", "encode_document"):
        np.testing.assert_allclose(
            getattr(again, name)(["one", "two"]), getattr(model, name)(["one", "two"]), atol=1e-6
        )


def test_the_prompt_is_left_out_where_the_model_leaves_it_out(parallel_pairs, tmp_path):
    model = without_pooled_prompt(tmp_path)
    trainer = HybridTrainer(model, arguments(tmp_path / "run"), parallel_pairs)
    found, expected = vectors_of_a_batch(trainer)
    model.set_pooling_include_prompt(True)
    pooled = model.encode_query(["question 1 in de"], convert_to_tensor=True)
    model.set_pooling_include_prompt(False)
    apart = model.encode_query(["question 1 in de"], convert_to_tensor=True)
    assert torch.cosine_similarity(pooled, apart).item() < 0.99
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("side", ["right", "left"])
def test_without_a_padding_token_the_end_of_a_text_pads(side, parallel_pairs, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        model = loaded(gpt2_folder(tmp_path / "gpt2", side))
    assert "has no padding token" in caplog.text and model.tokenizer.pad_token_id == model.tokenizer.eos_token_id
    assert ("its positions ignore padding" in caplog.text) == (side == "left")
    trainer = HybridTrainer(model, arguments(tmp_path / "run", max_steps=1), parallel_pairs)
    batch = next(iter(trainer.get_train_dataloader()))["chunks"][0]
    short = batch["attention_mask"].sum(dim=1) < batch["attention_mask"].shape[1]
    edge = 0 if side == "left" else -1
    assert short.any() and not batch["attention_mask"][short, edge].any()
    assert batch["attention_mask"][:, -1 if side == "left" else 0].all()
    trainer.train()


def test_left_padding_of_other_models(parallel_pairs, tmp_path):
    """DistilBERT's positions ignore padding too, so a left-padded batch equals `encode` only where it is padded
    alike.
    """
    model = SentenceTransformer(modules=[distilbert(tmp_path), Pooling(16), Normalize()], device="cpu")
    model.tokenizer.padding_side = "left"
    trainer = HybridTrainer(model, arguments(tmp_path / "run"), parallel_pairs)
    mask = next(iter(trainer.get_train_dataloader()))["chunks"][0]["attention_mask"]
    assert mask[:, -1].all() and not mask[:, 0].all()
    assert positions_ignore_padding(model[0])


def test_neither_padding_nor_end(tmp_path):
    with pytest.raises(InputError, match="has neither a padding token nor one for the end of a text; add a pad_token"):
        loaded(gpt2_folder(tmp_path, eos=False))


@pytest.mark.parametrize("side", ["right", "left"])
def test_evaluation_encodes_without_a_padding_token(side, tmp_path):
    model = loaded(gpt2_folder(tmp_path, side))
    texts = ["passage 3 in de", "passage 3 in de, answer 5, a longer one"]
    found = encode_texts(model, texts)
    expected = normalize(model.encode_document(texts, convert_to_tensor=True, batch_size=2), dim=1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


class Twice(Module):
    """Doubles the vectors of queries, unless it is told that they are none."""

    forward_kwargs = {"task"}

    def forward(self, features, task=None):
        if task == "query":
            features["sentence_embedding"] = features["sentence_embedding"].flip(1)
        return features

    def save(self, *args, **kwargs) -> None: ...


class Shift(Module):
    """Adds what it is told beside the tokens."""

    def forward(self, features, **kwargs):
        features["sentence_embedding"] = features["sentence_embedding"] + features.get("prompt_length", 100)
        return features

    def save(self, *args, **kwargs) -> None: ...


@pytest.mark.parametrize("module", [Twice(), Shift()])
def test_what_training_does_not_do_is_refused_by_name(module, parallel_pairs, tmp_path):
    modules = [distilbert(tmp_path), Pooling(16), module]
    model = SentenceTransformer(modules=modules, prompts=dict(PROMPTS), device="cpu")
    with pytest.raises(
        InputError, match=rf"{type(module).__name__}: training embeds a query otherwise than `encode_query`"
    ):
        HybridTrainer(model, arguments(tmp_path / "run"), parallel_pairs)


def test_a_dimension_that_encode_cuts_to_is_refused(tmp_path):
    model = SentenceTransformer(modules=[distilbert(tmp_path), Pooling(16)], device="cpu", truncate_dim=8)
    with pytest.raises(InputError, match="truncate_dim: training embeds a query otherwise"):
        check_embedding(model)


def test_other_ways_in_are_refused_by_name(parallel_pairs, tmp_path):
    model = SentenceTransformer(modules=[BoW(["question", "answer"])], device="cpu")
    with pytest.raises(InputError, match="BoW: texts enter this encoder through a module that training does not know"):
        HybridTrainer(model, arguments(tmp_path), parallel_pairs)


def test_the_check_leaves_the_model_as_it_was(tmp_path):
    model = routed(tmp_path).train()
    state = torch.random.get_rng_state()
    check_embedding(model)
    assert model.training and torch.equal(torch.random.get_rng_state(), state)
