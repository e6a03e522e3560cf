"""Parallel queries and the cosine of gradients on two real ranks (gloo): the numbers of one process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import renditions
from tests.distributed.test_own_loss import FLAGS, KINDS, trajectory
from tests.forked_ranks import Ranks

MEASURED = ["--parallel_weight", "0.4", "--gradient_cosine_steps", "3"]


@pytest.mark.parametrize("kind", KINDS)
def test_one_rank_equals_two(kind, tmp_path, unused_port):
    data = tmp_path / "train.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in renditions(60)) + "\n")
    flags = [*FLAGS, *KINDS[kind], *MEASURED, "--dataset_name_or_path", str(data)]
    found: dict[int, tuple[list[dict[str, float]], dict[str, list[float]]]] = {}
    for count in (1, 2):
        folder: Path = tmp_path / str(count)
        log = tmp_path / f"{count}.log"
        ranks = Ranks([*flags, "--output_dir", str(folder)], log, count, unused_port)
        assert ranks.finish() == [0] * count, ranks.output()[-3000:]
        found[count] = trajectory(folder), json.loads((folder / "gradient_cosine.json").read_text())
    (one, cosines), (two, others) = found.values()
    assert len(one) == 6
    for name, tolerance in (("loss", 2e-5), ("ranking_divergence", 2e-7), ("positive_similarity", 1e-5)):
        assert [entry[name] for entry in two] == pytest.approx([entry[name] for entry in one], abs=tolerance), name
    assert cosines["step"] == others["step"] == [0, 3, 6]
    for name in ("gradient_cosine", "gradient_norm_mono", "gradient_norm_cross"):
        assert others[name] == pytest.approx(cosines[name], rel=5e-3, abs=1e-4), name
