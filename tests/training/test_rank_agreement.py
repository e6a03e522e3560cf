"""When ranks agree, and what one rank makes of it alone; several real ranks are in `distributed/test_agreement.py`."""

from __future__ import annotations

import pytest
import torch

from hf_hybrid.training.rank_agreement import Agreement, RankAgreement, by_rank, compare_ranks, exchange, steps_apart


@pytest.mark.parametrize(("milliseconds", "steps"), [(0, 50), (99, 50), (250, 20), (4999, 1), (60_000, 1)])
def test_agreements_are_five_seconds_apart(milliseconds, steps):
    assert steps_apart(milliseconds) == steps


def test_one_rank_agrees_with_itself():
    assert exchange(3) == [3]
    compare_ranks({"seed": 1})
    assert by_rank(["a", "b", "a"]) == "a on rank 0, 2; b on rank 1"


def test_the_time_of_a_step_decides_when_the_next_agreement_is_due():
    now = [0.0]
    agreement = RankAgreement(torch.device("cpu"), lambda: now[0])

    def agree(step, seconds, **known):
        now[0] += seconds
        return agreement.agree(step, 1, **{"stop": False, "first_bad": None, **known}, describe=lambda: "")

    assert agreement.due(1)
    assert agree(1, 30) == Agreement(False, None)
    # Nothing is known of the duration yet.
    assert not agreement.due(1) and agreement.due(2)
    agree(2, 0.5)
    assert not agreement.due(11) and agreement.due(12)
    # Once more in the same step, because it is saved: the time of saving is no step's.
    agree(12, 5)
    assert agree(12, 0.01, stop=True, first_bad=7) == Agreement(True, 7)
    assert not agreement.due(21) and agreement.due(22)
    agree(22, 200)
    assert agreement.due(23)
