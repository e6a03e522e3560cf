"""The plan: every invariant of a global batch, declared shares, independence of ranks, workers, epochs and
restarts.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.plan.batch_plan import HybridBatchPlan, HybridBatchSampler
from hf_hybrid.plan.statistics import declared_statistics, drawn_statistics
from hf_hybrid.plan.types import ARMS, BatchSlice, PlanSettings
from tests.conftest import make_pairs, renditions

ALL_SETTINGS = [
    *({"arm": arm} for arm in ARMS),
    {"arm": "x-y", "one_pair_per_batch": True},
    {"one_pair_per_batch": True, "language_sampling": "size"},
    {"language_sampling": "temperature"},
    {"distinct_passages": True},
    {"arm": "x-y", "distinct_passages": True, "one_pair_per_batch": True},
    {"arm": "x-x", "distinct_passages": True},
    {"mono_probability": 1.0},
    {"mono_probability": 0.0},
]


def plan_of(pairs, **kwargs) -> HybridBatchPlan:
    return HybridBatchPlan(pairs, PlanSettings(**{"global_batch_size": 24, **kwargs}))


def check_batch(plan, batch) -> None:
    """What holds for every global batch."""
    pairs, size = plan.pairs, plan.settings.global_batch_size
    assert len(batch) == size
    assert len(set(batch.examples.tolist())) == size
    assert (batch.query_rows >= 0).all() and (batch.passage_rows >= 0).all()
    assert np.array_equal(pairs.example_of_row[batch.query_rows], batch.examples)
    assert np.array_equal(pairs.example_of_row[batch.passage_rows], batch.examples)
    assert np.array_equal(pairs.language_of_row[batch.query_rows], batch.query_languages)
    assert np.array_equal(pairs.language_of_row[batch.passage_rows], batch.passage_languages)
    same = batch.query_languages == batch.passage_languages
    assert same.all() if batch.arm in ("x-x", "x-x-mono") else not same.any()
    if batch.arm == "x-x-mono" or (batch.arm == "x-y" and plan.settings.one_pair_per_batch):
        assert len(set(batch.query_languages.tolist())) == len(set(batch.passage_languages.tolist())) == 1
    if plan.settings.distinct_passages:
        assert len(set(batch.passages.tolist())) == size


@pytest.mark.parametrize("kwargs", ALL_SETTINGS, ids=str)
@pytest.mark.parametrize("source_per_batch", [False, True])
def test_every_batch_is_full_distinct_and_of_its_arm(ragged_pairs, kwargs, source_per_batch):
    plan = plan_of(ragged_pairs, source_per_batch=source_per_batch, **kwargs)
    for epoch in (0, 3):
        for step in range(len(plan)):
            batch = plan.batch(step, epoch)
            check_batch(plan, batch)
            if source_per_batch:
                assert len(set(ragged_pairs.source_of_example[batch.examples].tolist())) == 1
    assert len(list(HybridBatchSampler(plan))) == len(plan)


def test_many_small_groups():
    """Renditions missing at random make about as many presence groups as examples."""
    rng = np.random.default_rng(0)
    rows = [row for row in renditions(900, ("de", "en", "es", "fr", "hi", "th")) if rng.random() < 0.6]
    pairs = make_pairs(rows)
    for arm in ("x-x", "x-y"):
        plan = plan_of(pairs, arm=arm, batches_per_epoch=100)
        for step in range(100):
            check_batch(plan, plan.batch(step))
        assert np.abs(drawn_statistics(plan).pairs - declared_statistics(plan).pairs).max() < 5 * np.sqrt(0.25 / 2400)


@given(
    seed=st.integers(0, 10**9),
    epoch=st.integers(0, 4),
    arm=st.sampled_from(ARMS),
    world_size=st.sampled_from([1, 2, 3, 4, 6]),
)
@settings(max_examples=25, deadline=None)
def test_ranks_slice_one_global_batch(parallel_pairs, seed, epoch, arm, world_size):
    plan = plan_of(parallel_pairs, seed=seed, arm=arm)
    samplers = [
        HybridBatchSampler(plan_of(parallel_pairs, seed=seed, arm=arm), r, world_size) for r in range(world_size)
    ]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    for step, addresses in enumerate(zip(*samplers, strict=True)):
        whole = plan.batch(step, epoch)
        parts = [sampler.plan.take(address) for sampler, address in zip(samplers, addresses, strict=True)]
        assert all(part.arm == whole.arm for part in parts)
        assert np.array_equal(np.concatenate([part.query_rows for part in parts]), whole.query_rows)
        assert np.array_equal(np.concatenate([part.passage_rows for part in parts]), whole.passage_rows)


# accelerate's test_data_loader idea: the exact addresses for every (ranks, rank), as a table.
@pytest.mark.parametrize(
    ("world_size", "rank", "expected"),
    [
        (1, 0, [(0, 24), (0, 24), (0, 24)]),
        (2, 0, [(0, 12), (0, 12), (0, 12)]),
        (2, 1, [(12, 24), (12, 24), (12, 24)]),
        (4, 3, [(18, 24), (18, 24), (18, 24)]),
    ],
)
def test_addresses(parallel_pairs, world_size, rank, expected):
    sampler = HybridBatchSampler(plan_of(parallel_pairs, batches_per_epoch=3), rank, world_size)
    sampler.set_epoch(7)
    assert len(sampler) == 3
    assert list(sampler) == [BatchSlice(7, step, *span) for step, span in enumerate(expected)]


@pytest.mark.parametrize("arm", ARMS)
def test_jump_equals_walk(ragged_pairs, arm):
    walked = plan_of(ragged_pairs, arm=arm)
    digests = [walked.digest(step, epoch) for epoch in range(3) for step in range(len(walked))]
    assert len(set(digests)) == len(digests)
    for epoch, step in [(2, 5), (0, 1), (1, len(walked) - 1)]:
        assert plan_of(ragged_pairs, arm=arm).digest(step, epoch) == digests[epoch * len(walked) + step]


def test_plan_survives_pickling(parallel_pairs):
    plan = plan_of(parallel_pairs)
    assert pickle.loads(pickle.dumps(plan)).digest(3, 1) == plan.digest(3, 1)


def test_monolingual_pools_visit_every_row_once_per_pass():
    pairs = make_pairs(renditions(100, ("en",)))
    plan = plan_of(pairs, arm="x-x-mono", global_batch_size=10, batches_per_epoch=7)
    examples = np.concatenate([plan.batch(step, epoch).examples for epoch in range(10) for step in range(7)])
    # 70 batches of 10 rows: seven passes over 100 rows, which also run over the ends of epochs.
    for pass_ in range(7):
        assert sorted(examples[pass_ * 100 : (pass_ + 1) * 100].tolist()) == list(range(100))


@pytest.mark.parametrize("arm", ["x-x", "x-y"])
def test_mixed_pools_visit_every_example_once_per_pass(arm):
    pairs = make_pairs(renditions(100))
    plan = plan_of(pairs, arm=arm, global_batch_size=16, batches_per_epoch=50)
    examples = np.concatenate([plan.batch(step).examples for step in range(50)])
    counts = np.stack([np.bincount(examples[: n * 100], minlength=100) for n in range(1, 8)])
    # Rows of a batch are shuffled for the ranks, so a pass may end inside a batch: off by one at its edge, never more.
    assert (np.abs(counts - np.arange(1, 8)[:, None]) <= 1).all()
    assert np.bincount(examples).tolist() == [8] * 100


@pytest.mark.parametrize(
    "kwargs",
    [
        {"arm": "x-x"},
        {"arm": "x-x-mono"},
        {"arm": "x-y"},
        {"arm": "x-y", "one_pair_per_batch": True},
        {"mono_probability": 0.25},
        {"language_sampling": "size"},
        {"language_sampling": "temperature", "language_temperature": 3.0, "one_pair_per_batch": True},
        {"mono_probability": 0.0, "mono_probability_end": 1.0, "schedule_batches": 4000},
        {"source_per_batch": True, "arm": "x-y"},
    ],
    ids=str,
)
def test_drawn_shares_meet_declared_probabilities(ragged_pairs, kwargs):
    plan = plan_of(ragged_pairs, batches_per_epoch=4000, **kwargs)
    declared, drawn = declared_statistics(plan), drawn_statistics(plan)
    assert set(declared.arms) == set(drawn.arms)
    # Five standard errors of a share over batches, the unit that is drawn independently.
    for arm, share in declared.arms.items():
        assert abs(drawn.arms[arm] - share) <= 5 * np.sqrt(share * (1 - share) / 4000)
    assert np.abs(drawn.pairs - declared.pairs).max() <= 5 * np.sqrt(0.25 / 4000)
    assert ((declared.pairs > 0) == (drawn.pairs > 0)).all()
    assert sum(declared.query_languages.values()) == pytest.approx(1)


def test_uniform_shares_do_not_follow_size(ragged_pairs):
    """Thai has half the examples of the others and the same share; Yoruba has no passage and only crosses."""
    plan = plan_of(ragged_pairs, arm="x-y")
    tags = plan.pairs.languages
    shares = declared_statistics(plan).pairs
    assert tags == ("de", "en", "th", "yo")
    assert shares[:, tags.index("yo")].sum() == 0
    assert np.allclose(shares[shares > 0], 1 / 9)


def test_linear_schedule(parallel_pairs):
    plan = plan_of(parallel_pairs, mono_probability=0.2, mono_probability_end=0.8, schedule_batches=7)
    assert plan.mono_probability(np.array([0, 3, 6, 99])).tolist() == pytest.approx([0.2, 0.5, 0.8, 0.8])


def test_seed_changes_the_batches(parallel_pairs):
    assert plan_of(parallel_pairs, seed=1).digest(0) != plan_of(parallel_pairs, seed=2).digest(0)


def test_plan_is_pinned(parallel_pairs):
    """A published run must find the same batches in a later release: these rows are the definition."""
    batch = plan_of(parallel_pairs, global_batch_size=8, seed=42).batch(1)
    assert (batch.arm, batch.query_rows.tolist(), batch.passage_rows.tolist()) == (
        "x-x-mono",
        [428, 376, 396, 132, 332, 280, 448, 24],
        [428, 376, 396, 132, 332, 280, 448, 24],
    )


def test_fingerprint_names_settings_and_data(parallel_pairs):
    first, second = plan_of(parallel_pairs).fingerprint(), plan_of(parallel_pairs, mono_probability=0.4).fingerprint()
    assert [key for key in first if first[key] != second[key]] == ["mono_probability"]
    assert first["data_sha256"] == parallel_pairs.sha256


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"arm": "x-x-mono", "global_batch_size": 121},
            r"language 'ar' has 120 examples, fewer than the global batch of 121; lower",
        ),
        ({"arm": "x-y", "global_batch_size": 121}, r"pair ar-de has 120 examples in common, too few for its share"),
        ({"arm": "sideways"}, "unknown arm 'sideways'; choose one of x-x"),
        ({"mono_probability": 1.5}, r"mono_probability: must lie in \[0, 1\]"),
        ({"mono_probability_end": 0.5}, "needs schedule_batches"),
        ({"global_batch_size": 0}, "at least 1"),
    ],
)
def test_errors_name_the_culprit(parallel_pairs, kwargs, message):
    with pytest.raises(InputError, match=message):
        plan_of(parallel_pairs, **kwargs)


def test_cross_lingual_arm_needs_two_languages():
    with pytest.raises(InputError, match="arm 'x-y' needs examples in two languages"):
        plan_of(make_pairs(renditions(50, ("en",))), arm="x-y")


def test_too_few_passages_for_distinct_passages():
    pairs = make_pairs(renditions(60, per_passage=6))
    with pytest.raises(InputError, match="distinct_passages: .* too few distinct passages"):
        plan_of(pairs, distinct_passages=True).batch(0)


def test_ranks_must_divide_the_batch(parallel_pairs):
    with pytest.raises(InputError, match="24 rows cannot be divided over 5 ranks"):
        HybridBatchSampler(plan_of(parallel_pairs), 0, 5)


def test_step_outside_the_epoch(parallel_pairs):
    with pytest.raises(IndexError, match="outside an epoch"):
        plan_of(parallel_pairs).batch(10**6)
