"""Records of steps: which is the first that is not finite, which batches they stand for, and what is reported of
one.
"""

from __future__ import annotations

import math

import pytest
import torch

from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import ARMS, PlanSettings
from hf_hybrid.training.step_records import StepRecords, batch_report, weights_are_finite


@pytest.fixture(scope="module")
def plan(parallel_pairs):
    return HybridBatchPlan(parallel_pairs, PlanSettings(global_batch_size=12))


def address(plan, step: int) -> list[int]:
    return [0, step, ARMS.index(plan.arm_of(step))]


def records(plan, losses: list[list[float]], step_norms: list, **options) -> StepRecords:
    """Steps 1, 2, ... of the given micro-batches."""
    made, batch = StepRecords(plan, **options), 0
    for number, (own, norm) in enumerate(zip(losses, step_norms, strict=True), start=1):
        for loss in own:
            made.add_batch(number, address(plan, batch), torch.tensor(loss))
            batch += 1
        made.add_norm(number, norm)
    return made


@pytest.mark.parametrize(
    ("losses", "norms", "bad"),
    [
        ([[1.0], [2.0]], [torch.tensor(1.0), 0.5], None),
        ([[1.0, 2.0], [1.0, math.nan], [math.nan]], [torch.tensor(1.0)] * 3, 2),
        ([[1.0], [math.inf]], [None, None], 2),
        ([[1.0], [1.0], [1.0]], [torch.tensor(1.0), torch.tensor(math.inf), 1.0], 2),
        ([[1.0], [1.0]], [1.0, math.nan], 2),
    ],
)
def test_the_first_step_that_is_not_finite(plan, losses, norms, bad):
    assert records(plan, losses, norms).first_bad() == bad


def test_norms_do_not_count_where_a_loss_scale_finds_its_way_by_them(plan):
    assert records(plan, [[1.0]], [torch.tensor(math.inf)], norms=False).first_bad() is None
    assert StepRecords(plan).first_bad() is None


def test_the_code_stands_for_all_batches_and_the_rows_of_the_last(plan, parallel_pairs):
    code = records(plan, [[1.0], [2.0]], [1.0, 1.0]).code()
    assert code == records(plan, [[5.0], [math.nan]], [None, 2.0]).code() and 0 <= code < 1 << 60
    other_rows = HybridBatchPlan(parallel_pairs, PlanSettings(global_batch_size=12, seed=2))
    assert (
        len({code, records(plan, [[1.0, 2.0]], [1.0]).code(), records(other_rows, [[1.0], [2.0]], [1.0, 1.0]).code()})
        == 3
    )


def test_the_last_step_stays_after_a_check(plan):
    made = records(plan, [[1.0], [2.0]], [1.0, 1.0])
    made.clear()
    assert made.get(1).batches == [] and made.get(2).losses == [torch.tensor(2.0)]
    assert made.describe().startswith(f"epoch 0, batch 1, {plan.arm_of(1)}, ")
    assert StepRecords(plan).describe() == "nothing"


def test_the_report_of_a_batch_is_that_of_the_plan(plan):
    batch, report = plan.batch(3), batch_report(plan, address(plan, 3), [1.5, math.nan])
    assert report["loss_by_rank"] == [1.5, "nan"] and report["arm"] == batch.arm and report["batch"] == 3
    rows = plan.pairs.dataset.select(batch.query_rows.tolist())
    assert report["ids"] == list(rows["id"]) and report["query_languages"] == list(rows["lang"])
    assert report["passage_languages"] == list(plan.pairs.dataset.select(batch.passage_rows.tolist())["lang"])


def test_weights():
    model = torch.nn.Linear(2, 2)
    model.register_parameter("whole_numbers", torch.nn.Parameter(torch.tensor([1]), requires_grad=False))
    assert weights_are_finite(model) and weights_are_finite(torch.nn.Identity())
    with torch.no_grad():
        model.weight[0, 1] = math.inf
    assert not weights_are_finite(model)
