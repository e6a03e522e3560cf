"""What a run is made of, from its arguments and data: the plan of its batches, its tokenised texts, its negatives; and
what does not fit together is refused.
"""

from __future__ import annotations

import logging
from dataclasses import fields

from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.data.teacher_targets import TeacherTargets
from hf_hybrid.data.teacher_vectors import TeacherVectors
from hf_hybrid.data.tokenised import TokenisedPairs
from hf_hybrid.errors import InputError
from hf_hybrid.losses import HybridContrastiveLoss, ParallelRankingLoss
from hf_hybrid.plan.batch_plan import HybridBatchPlan

logger = logging.getLogger(__name__)


def make_plan(pairs: ParallelPairs, args: HybridTrainingArguments) -> HybridBatchPlan:
    """The plan of a run's batches; a schedule of the arms runs over the whole training."""
    plan = HybridBatchPlan(pairs, args.plan_settings(total_batches=1))
    if args.mono_probability_end is None:
        return plan
    accumulation = args.gradient_accumulation_steps
    total = args.max_steps * accumulation if args.max_steps > 0 else int(len(plan) * args.num_train_epochs)
    return HybridBatchPlan(pairs, args.plan_settings(total_batches=max(total, 1)))


def tokenise_plan(
    plan: HybridBatchPlan,
    model: SentenceTransformer,
    args: HybridTrainingArguments,
    num_negatives: int,
    teacher: TeacherVectors | None,
) -> TokenisedPairs:
    """The plan's texts as token ids, with a teacher's vectors where there is one."""
    targets = None if teacher is None else TeacherTargets(teacher, plan.pairs, model.get_embedding_dimension())
    return TokenisedPairs(plan, model, args.max_tokens, num_negatives, targets, args.parallel_weight > 0)


def default_loss(
    args: HybridTrainingArguments, negatives: str, teacher_weight: float, similarity: str | None
) -> HybridContrastiveLoss:
    """The loss that the arguments describe."""
    settings = {
        "scale": args.scale,
        "negatives": negatives,
        "symmetric": args.symmetric,
        "teacher_weight": teacher_weight,
        "similarity": similarity,
    }
    if args.parallel_weight:
        return ParallelRankingLoss(args.parallel_weight, **settings)
    return HybridContrastiveLoss(**settings)


def warn_of_scale(model: SentenceTransformer, args: HybridTrainingArguments) -> None:
    """The default scale is one for cosines."""
    if model.similarity_fn_name == "dot" and args.scale == type(args).scale and not isinstance(model[-1], Normalize):
        logger.warning(
            "scale: %g is meant for cosines, and this encoder compares by dot product, where 1 is usual", args.scale
        )


def refuse_settings_of_the_default(args: HybridTrainingArguments) -> None:
    """Flags that a loss of the user's own would not hear of are not passed over in silence.

    Raises:
        InputError: One is given.
    """
    defaults = {field.name: field.default for field in fields(args)}
    for name in ("scale", "symmetric"):
        if getattr(args, name) != defaults[name]:
            raise InputError(
                f"{name}: is a setting of the default loss; leave it out, and give your own loss what it needs"
            )


def choose_negatives(args: HybridTrainingArguments, pairs: ParallelPairs | None) -> tuple[str, int]:
    """The default loss's negatives and how many hard ones a row brings.

    Raises:
        InputError: Hard ones are asked for, and the data has none.
    """
    has = pairs is not None and pairs.has_negatives
    chosen = args.negatives if args.negatives != "auto" else ("in_batch+hard" if has else "in_batch")
    if chosen != "in_batch" and not has:
        raise InputError(f"negatives: '{chosen}' needs a column 'negatives' in the training data, which has none")
    return chosen, 0 if chosen == "in_batch" else args.num_negatives
