"""The InfoNCE core against a plain autograd oracle: loss, gradients, masks, modes, tiles."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.losses import Candidates, contrastive_loss, info_nce


def oracle(queries, candidates, positives, examples, passages, hard, scale, literal, query_examples, query_passages):
    """InfoNCE by loops over rows: the definition, slowly."""
    total = queries.new_zeros(())
    n = len(candidates)
    for i, query in enumerate(queries):
        own = int(positives[i])
        kept = [own]
        for j in range(n):
            is_hard = j >= n - hard
            same = not is_hard and (examples[j] == query_examples[i] or passages[j] == query_passages[i])
            if j != own and not same and not (literal and not is_hard):
                kept.append(j)
        logits = scale * candidates[kept] @ query
        total = total + torch.logsumexp(logits, 0) - logits[0]
    return total / len(queries)


def unit(*shape, generator):
    return torch.nn.functional.normalize(torch.randn(*shape, dtype=torch.float64, generator=generator), dim=-1)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_loss_and_gradients_equal_the_oracle(data):
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 10**6)))
    m, d = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 6))
    offset = data.draw(st.integers(0, 3))
    hard = data.draw(st.integers(0, 5))
    literal = hard > 0 and data.draw(st.booleans())
    scale = data.draw(st.sampled_from([0.5, 1.0, 20.0]))
    positives_count = m + offset
    queries, embeddings = unit(m, d, generator=generator), unit(positives_count + hard, d, generator=generator)
    examples = torch.randint(0, 6, (positives_count,), generator=generator)
    passages = torch.randint(0, 6, (positives_count,), generator=generator)
    none = torch.full((hard,), -1)
    positives = torch.arange(offset, offset + m)
    ids = (positives, examples[positives], passages[positives])
    queries.requires_grad_(), embeddings.requires_grad_()

    expected = oracle(
        queries,
        embeddings,
        positives,
        examples,
        passages,
        hard,
        scale,
        literal,
        examples[positives],
        passages[positives],
    )
    expected_gradients = torch.autograd.grad(expected, (queries, embeddings))
    candidates = Candidates(embeddings, torch.cat([examples, none]), torch.cat([passages, none]), hard)
    tile = data.draw(st.sampled_from([1, 7, 40, 10**6]))
    loss, _, _ = contrastive_loss(queries, candidates, *ids, scale, literal, tile)
    gradients = torch.autograd.grad(3 * loss, (queries, embeddings))

    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-10)
    for got, want in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(got, 3 * want, rtol=1e-10, atol=1e-10)


def test_hand_computed():
    """Two orthogonal pairs at scale 1: log(1 + e^-1); the positive's cosine is 1, the negative's 0."""
    eye, ids = torch.eye(2), torch.arange(2)
    result = info_nce(eye, Candidates(eye, ids, ids), ids, ids, ids, scale=1.0)
    assert result.loss.item() == pytest.approx(math.log(1 + math.exp(-1)))
    assert result.positive_similarity.item() == 1.0
    assert result.hardest_negative_similarity.item() == 0.0


def test_the_papers_loss_has_a_floor_without_temperature():
    """PAPER §1: with 100 rows and scale 1 the loss cannot go below ln(1 + 99 e^-2) = 2.67."""
    queries = torch.tensor([[1.0, 0.0]]).repeat(100, 1)
    passages = torch.cat([torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]]).repeat(99, 1)])
    ids = torch.arange(100)
    candidates = Candidates(passages, ids, ids)
    result = info_nce(queries[:1], candidates, ids[:1], ids[:1], ids[:1], scale=1.0)
    assert result.loss.item() == pytest.approx(math.log(1 + 99 * math.exp(-2)), abs=1e-5)
    assert round(result.loss.item(), 2) == 2.67


def test_rows_of_one_passage_are_not_negatives():
    eye = torch.eye(3)
    examples, passages = torch.arange(3), torch.tensor([5, 5, 6])
    result = info_nce(eye, Candidates(eye, examples, passages), examples, examples, passages, scale=1.0)
    only, both = math.log(1 + math.exp(-1)), math.log(1 + 2 * math.exp(-1))
    assert result.loss.item() == pytest.approx((only + only + both) / 3)


def test_everything_masked_costs_nothing():
    eye, ids = torch.eye(2), torch.zeros(2, dtype=torch.long)
    result = info_nce(eye, Candidates(eye, ids, ids), torch.arange(2), ids, ids)
    assert result.loss.item() == 0.0
    assert not result.query_gradient.any()
    assert result.hardest_negative_similarity.isnan()


def test_hard_negatives_are_never_masked():
    """A hard negative has no id; even the row it was mined for keeps it."""
    eye = torch.eye(3)
    ids = torch.zeros(2, dtype=torch.long)
    candidates = Candidates(eye, torch.tensor([0, 0, -1]), torch.tensor([0, 0, -1]), hard=1)
    result = info_nce(eye[:2], candidates, torch.arange(2), ids, ids, scale=1.0)
    assert result.loss.item() == pytest.approx(math.log(1 + math.exp(-1)))


def test_half_precision_is_raised():
    generator = torch.Generator().manual_seed(0)
    queries, ids = unit(8, 4, generator=generator), torch.arange(8)
    half = queries.to(torch.bfloat16)
    result = info_nce(half, Candidates(half, ids, ids), ids, ids, ids)
    exact = info_nce(half.double(), Candidates(half.double(), ids, ids), ids, ids, ids)
    assert result.loss.dtype == torch.float32 and result.query_gradient.dtype == torch.bfloat16
    assert result.loss.item() == pytest.approx(exact.loss.item(), abs=1e-6)


def test_autocast_does_not_reach_the_loss():
    generator = torch.Generator().manual_seed(0)
    queries, ids = unit(64, 32, generator=generator).float(), torch.arange(64)
    plain = info_nce(queries, Candidates(queries, ids, ids), ids, ids, ids)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = info_nce(queries, Candidates(queries, ids, ids), ids, ids, ids)
    assert torch.equal(plain.loss, mixed.loss) and torch.equal(plain.query_gradient, mixed.query_gradient)


def test_memory_is_that_of_a_tile():
    """No temporary holds queries x candidates: the largest matrix the core makes is a tile."""
    rows, seen = torch.randn(512, 4), []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            seen.extend(t.numel() for t in (out if isinstance(out, tuple) else (out,)) if isinstance(t, torch.Tensor))
            return out

    ids = torch.arange(512)
    with Watch():
        info_nce(rows, Candidates(rows, ids, ids), ids, ids, ids, tile_elements=4096)
    assert max(seen) == 4096


def test_gradients_are_handed_out_once():
    """The backward pass scales them in place: a second one would scale them again."""
    rows, ids = torch.eye(3, requires_grad=True), torch.arange(3)
    loss, _, _ = contrastive_loss(rows, Candidates(torch.eye(3), ids, ids), ids, ids, ids)
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="handed out already"):
        loss.backward()
