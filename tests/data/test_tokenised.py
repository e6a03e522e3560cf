"""Tokenising once: the same token ids as `encode` makes, ragged gathers, negatives, collating."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.tokenised import TokenColumn, TokenisedPairs
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.encoders.text_inputs import InputLayout
from hf_hybrid.errors import InputError
from hf_hybrid.losses.batch import embed_batch
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, PlanSettings
from tests.conftest import make_pairs, renditions

SIZES = {"vocab_size": 400, "embedding_dimension": 16, "hidden_size": 16, "num_hidden_layers": 1}
SIZES |= {"num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module", params=["static", "transformer"])
def encoder(request):
    texts = [str(row[side]) for row in renditions() for side in ("query", "passage")]
    return build_encoder(ModelArguments(encoder=request.param, **SIZES), texts).eval()


def collator_of(encoder) -> HybridCollator:
    return HybridCollator.of(encoder)


def plan_of(pairs) -> HybridBatchPlan:
    return HybridBatchPlan(pairs, PlanSettings(arm="x-y", global_batch_size=16))


def test_batches_embed_as_encode_does(encoder, parallel_pairs):
    """Prompt, truncation and padding are those of the saved model: training sees what inference will."""
    data = TokenisedPairs(plan_of(parallel_pairs), encoder)
    item = data.__getitems__(BatchSlice(0, 2, 4, 12))
    batch = collator_of(encoder)(item)
    with torch.no_grad():
        queries, passages = embed_batch(encoder, batch).split(len(batch["example_ids"]))
    rows = parallel_pairs.dataset
    expected_q = encoder.encode_query([rows[int(r)]["query"] for r in item.rows.query_rows], normalize_embeddings=True)
    expected_p = encoder.encode_document(
        [rows[int(r)]["passage"] for r in item.rows.passage_rows], normalize_embeddings=True
    )
    np.testing.assert_allclose(queries.numpy(), expected_q, atol=1e-6)
    np.testing.assert_allclose(passages.numpy(), expected_p, atol=1e-6)
    assert batch["passage_ids"].tolist() == item.rows.passages.tolist()
    assert batch["address"].tolist() == [0, 2, 2]
    assert not {"labels", "label"} & set(batch)


def test_negatives_follow_their_row(encoder):
    rows = renditions(60)
    for row in rows:
        row["negatives"] = [f"wrong {row['id']} {row['lang']} {k}" for k in range(3)]
    pairs = make_pairs(rows)
    data = TokenisedPairs(plan_of(pairs), encoder, num_negatives=2)
    item = data.__getitems__(BatchSlice(0, 1, 0, 8))
    with torch.no_grad():
        found = embed_batch(encoder, collator_of(encoder)(item))[2 * len(item.rows) :]
    texts = [text for r in item.rows.passage_rows for text in pairs.dataset[int(r)]["negatives"][:2]]
    expected = encoder.encode_document(texts, normalize_embeddings=True)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_uneven_negatives_name_the_row(encoder):
    rows = renditions(30, ("en", "de"), negatives=["n"])
    rows[7]["negatives"] = []
    with pytest.raises(InputError, match=r"row 7: 0 negatives, fewer than num_negatives=1; give every row as many"):
        TokenisedPairs(plan_of(make_pairs(rows)), encoder, num_negatives=1)


@pytest.mark.parametrize(
    ("negatives", "message"),
    [
        (None, "row 7: 0 negatives, fewer than num_negatives=1"),
        ([], "row 7: 0 negatives"),
        ([None], "row 7: negative 1 is null or empty; fill it in, or train with negatives=in_batch"),
        ([""], "row 7: negative 1 is null or empty"),
        ([" \t"], "row 7: negative 1 is null or empty"),
    ],
)
def test_negatives_without_a_text_are_refused_where_they_are_used(encoder, negatives, message):
    """An empty text would be a zero vector for a negative."""
    rows = renditions(30, ("en", "de"), negatives=["n"])
    rows[7]["negatives"] = negatives
    plan = plan_of(make_pairs(rows))
    with pytest.raises(InputError, match=message):
        TokenisedPairs(plan, encoder, num_negatives=1)
    assert len(TokenisedPairs(plan, encoder).__getitems__(BatchSlice(0, 0, 0, 8)).rows) == 8


def test_only_the_negatives_that_are_used_are_checked(encoder):
    rows = renditions(30, ("en", "de"), negatives=["n", ""])
    TokenisedPairs(plan_of(make_pairs(rows)), encoder, num_negatives=1)
    with pytest.raises(InputError, match="row 0: negative 2 is null or empty"):
        TokenisedPairs(plan_of(make_pairs(rows)), encoder, num_negatives=2)


def test_no_row_has_negatives(encoder):
    rows = renditions(30, ("en", "de"), negatives=None)
    with pytest.raises(InputError, match="row 0: 0 negatives"):
        TokenisedPairs(plan_of(make_pairs(rows)), encoder, num_negatives=1)


def test_long_texts_are_cut(encoder, parallel_pairs):
    data = TokenisedPairs(plan_of(parallel_pairs), encoder, max_length=5)
    assert data.lengths("passage").max() == 5


def test_tokenising_is_cached(encoder, tmp_path, parallel_pairs):
    parallel_pairs.dataset.to_parquet(tmp_path / "train.parquet")
    from hf_hybrid.data.pairs import ParallelPairs
    from hf_hybrid.data.tokenised import tokenise

    dataset = ParallelPairs.load(str(tmp_path)).dataset
    first, second = tokenise(dataset, encoder), tokenise(dataset, encoder)
    assert first.cache_files == second.cache_files != []
    assert tokenise(dataset, encoder, max_length=4).cache_files != first.cache_files


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=30), st.data())
@settings(max_examples=60, deadline=None)
def test_token_column_gathers_across_chunks(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    chunks = [pa.array(part, pa.list_(pa.int32())) for part in (texts[:cut], texts[cut:]) if part]
    rows = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=20)), dtype=np.int64)
    column = TokenColumn(pa.chunked_array(chunks))
    expected = [token for r in rows for token in texts[r]]
    assert column.take(rows).values.tolist() == expected
    assert column.lengths().tolist() == [len(t) for t in texts]
    separate = TokenColumn(pa.chunked_array(chunks), contiguous_bytes=0)
    assert separate.take(rows).values.tolist() == expected
    assert separate.take(rows).lengths.tolist() == [len(texts[r]) for r in rows]


def test_padding_to_a_multiple():
    from hf_hybrid.data.tokenised import Ragged

    collator = HybridCollator(InputLayout(pad_token_id=7), pad_to_multiple_of=4)
    (features,), positions = collator.chunks(Ragged(np.arange(5), np.array([3, 2])))
    assert positions.tolist() == [0, 1]
    assert features["input_ids"].tolist() == [[0, 1, 2, 7], [3, 4, 7, 7]]
    assert features["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]
