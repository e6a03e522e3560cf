"""Gradient caching: the gradients of plain training, dropout included, for every budget and kind of encoder."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import BertConfig, BertModel

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.tokenised import TokenisedPairs
from hf_hybrid.encoders.models import build_encoder, is_static
from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.losses.gradient_cache import embed_chunks, measure_graph, measure_layer, run_inside, split_chunks
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, PlanSettings
from tests.conftest import make_pairs, renditions

SIZES = {"vocab_size": 400, "embedding_dimension": 16, "hidden_size": 16, "num_hidden_layers": 2}
SIZES |= {"num_attention_heads": 2, "intermediate_size": 32, "dropout": 0.2}


@pytest.fixture(scope="module")
def pairs():
    return make_pairs(renditions(60, negatives=["a wrong answer", "another, longer wrong answer"]))


@pytest.fixture(params=["static", "transformer"], scope="module")
def encoder(request):
    texts = [str(row[side]) for row in renditions() for side in ("query", "passage")]
    model = build_encoder(ModelArguments(encoder=request.param, **SIZES), texts).double()
    return model.train()


def batch_of(model, pairs, chunk_tokens: int) -> dict:
    data = TokenisedPairs(HybridBatchPlan(pairs, PlanSettings(global_batch_size=16)), model, num_negatives=2)
    collator = HybridCollator.of(model, chunk_tokens)
    return collator(data.__getitems__(BatchSlice(0, 1, 0, 16)))


def step(model, batch, budget, seed: int = 5):
    """Loss, gradients and the next random number of one step with dropout."""
    model = copy.deepcopy(model)
    torch.manual_seed(seed)
    loss, _ = HybridContrastiveLoss(negatives="in_batch+hard", symmetric=True)(
        model, {**batch, "cache_budget": budget}
    )
    loss.backward()
    return loss.item(), [p.grad.clone() for p in model.parameters()], torch.rand(1).item()


@pytest.mark.parametrize("budget", [0.0, 2e5, 1e12])
def test_every_budget_gives_the_plain_gradients(encoder, pairs, budget):
    batch = batch_of(encoder, pairs, chunk_tokens=150)
    assert len(batch["chunks"]) == (1 if is_static(encoder) else pytest.approx(8, abs=4))
    loss, gradients, following = step(encoder, batch, None)
    cached_loss, cached_gradients, cached_following = step(encoder, batch, budget)
    # The forward passes draw the same dropout in the same order; embedding again draws nothing new.
    assert (cached_loss, cached_following) == (loss, following)
    for expected, found in zip(gradients, cached_gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_dropout_matters_here(encoder, pairs):
    """Were dropout off, the test above could not see wrong random states."""
    batch = batch_of(encoder, pairs, 150)
    losses = {step(encoder, batch, 0.0, seed)[0] for seed in (5, 6)}
    assert len(losses) == (1 if is_static(encoder) else 2)


def test_chunks_do_not_change_the_gradients(encoder, pairs):
    model = copy.deepcopy(encoder).eval()
    whole, cut = (step(model, batch_of(model, pairs, tokens), 0.0) for tokens in (10**6, 60))
    assert whole[0] == pytest.approx(cut[0], abs=1e-12)
    for one, other in zip(whole[1], cut[1], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


class Counting(torch.nn.Module):
    """One row of weights; remembers which chunks it embedded and what autograd held then."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(4))
        self.seen: list[float] = []

    def forward(self, features):
        self.seen.append(features["input_ids"][0, 0].item())
        return {"sentence_embedding": (features["input_ids"] * self.weight).exp()}


def numbered_chunks(count: int, rows: int = 2) -> list[dict[str, torch.Tensor]]:
    return [{"input_ids": torch.full((rows, 4), float(i))} for i in range(count)]


def test_budget_decides_what_is_embedded_twice():
    # Each chunk saves its input and its result: 2 x 2 x 4 x 4 bytes.
    for budget, kept in ((None, 5), (0, 0), (1, 0), (64, 1), (3 * 64 + 1, 3), (5 * 64, 5)):
        model = Counting()
        embed_chunks(model, numbered_chunks(5), budget).sum().backward()
        # The backward pass goes from the last chunk to the first. A first chunk beyond the budget is kept all the
        # same.
        first_again = max(kept, 1) if budget else kept
        assert model.seen == [*range(5), *range(4, first_again - 1, -1)]


def test_measure_counts_shared_storage_once_and_no_parameters():
    weight, rows = torch.nn.Linear(8, 8), torch.randn(10, 8)
    with measure_graph(weight) as size:
        hidden = weight(rows)
        (hidden.exp() * hidden).sum()
    # rows (of the weight's gradient), the result of exp and its input as factors; `exp` saves its result, which is the
    # factor.
    assert size() == 3 * rows.nbytes


@pytest.fixture
def checkpointed():
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertModel(BertConfig(vocab_size=50, **sizes), add_pooling_layer=False).train()
    return model, torch.randint(0, 50, (4, 8))


@pytest.mark.parametrize("reentrant", [False, True])
def test_of_checkpointed_layers_the_inputs_are_kept(checkpointed, reentrant):
    model, ids = checkpointed

    def kept() -> int:
        with measure_graph(model) as size:
            model(input_ids=ids)
        return size()

    a_layer = 4 * 16 * ids.numel()
    everything = kept()
    model.gradient_checkpointing_enable({"use_reentrant": reentrant})
    checkpointed_size = kept()
    with measure_graph(model.embeddings) as size:
        model.embeddings(input_ids=ids)
    # Three inputs of layers, the first of which is also what the embeddings' dropout gives; a generator's state beside
    # them where it is kept as a tensor.
    assert 0 <= checkpointed_size - size() - 3 * a_layer < a_layer < everything - checkpointed_size


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_layer_made_again_is_what_is_missing(checkpointed, reentrant):
    """Layers are alike: with what is kept of each, three make the whole."""
    model, ids = checkpointed
    with measure_layer(model) as nothing, measure_graph(model) as everything:
        model(input_ids=ids)
    assert nothing() == 0
    model.gradient_checkpointing_enable({"use_reentrant": reentrant})
    torch.manual_seed(3)
    expected = model(input_ids=ids).last_hidden_state
    following = torch.rand(1)
    torch.manual_seed(3)
    with measure_layer(model) as layer, measure_graph(model) as kept:
        found = model(input_ids=ids).last_hidden_state
    # Measuring changes neither the pass nor the numbers that dropout is drawn from.
    assert torch.equal(found, expected) and torch.equal(torch.rand(1), following)
    assert layer() > 4 * 4 * 16 * ids.numel()
    assert kept() + 3 * layer() == pytest.approx(everything(), rel=0.02)
    assert all(not module._forward_pre_hooks for module in model.modules())


def test_nothing_is_kept_without_gradients():
    model = Counting()
    with torch.no_grad():
        assert not embed_chunks(model, numbered_chunks(3), 0).requires_grad
    assert model.seen == [0, 1, 2]


def test_split_chunks_keeps_the_rows_in_order():
    chunks = [{"input_ids": torch.arange(30).view(10, 3)}, {"input_ids": torch.arange(30, 36).view(2, 3)}]
    split = split_chunks(chunks, 5)
    assert [len(chunk["input_ids"]) for chunk in split] == [2, 3, 2, 3, 2]
    assert torch.cat([chunk["input_ids"] for chunk in split]).flatten().tolist() == list(range(36))
    assert split_chunks(chunks, 1) == chunks
    with pytest.raises(ValueError, match="12 chunks cannot be cut into 13"):
        split_chunks(chunks, 13)


def test_forward_is_put_back_after_an_error():
    model = Counting()
    with pytest.raises(KeyError):
        run_inside(model, lambda encode, _: encode({}))
    assert "forward" not in vars(model) and model(numbered_chunks(1)[0])["sentence_embedding"].shape == (2, 4)
