"""Whether the texts of a run are laid end to end or padded, and why."""

from __future__ import annotations

from typing import NamedTuple

from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.encoders.packed import kernel_is_there, why_padded
from hf_hybrid.errors import InputError

_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")


class Layout(NamedTuple):
    """Whether texts are laid end to end, and why, in words."""

    packed: bool
    reason: str


def choose_layout(
    model: SentenceTransformer, args: HybridTrainingArguments, collator: HybridCollator, sharded: bool
) -> Layout:
    """End to end or padded, as `padding_free` says; by itself end to end where that is fast and known to be equal.

    Raises:
        InputError: It is asked for and cannot be.
    """
    if args.padding_free is False:
        return Layout(False, "padding_free is false")
    obstacle = _obstacle(model, collator, sharded)
    if args.padding_free is True:
        if obstacle:
            raise InputError(f"padding_free: {obstacle}; give auto or false")
        return Layout(True, "padding_free is true" if _is_fast(args) else "by an explicit mask, which is slow")
    if obstacle:
        return Layout(False, obstacle)
    if not kernel_is_there(args.device):
        return Layout(False, f"torch has no attention for texts laid end to end on {args.device.type} here")
    if not args.bf16 and not args.fp16:
        return Layout(False, "attention for texts laid end to end needs bf16 or fp16")
    return Layout(True, f"on {args.device.type} in {'bf16' if args.bf16 else 'fp16'}")


def describe_layout(model: SentenceTransformer, layout: Layout) -> str:
    """For the log.

    Example:
        >>> describe_layout(model, Layout(True, "on cuda in bf16"))  # doctest: +SKIP
        'Texts: end to end, without padding (on cuda in bf16); without the dropout of attention weights (0.1)'
    """
    if not layout.packed:
        return f"Texts: padded ({layout.reason})"
    config = model[0].model.config
    dropout = next((value for name in _DROPOUTS if (value := getattr(config, name, 0))), 0)
    without = f"; without the dropout of attention weights ({dropout:g})" if dropout else ""
    return f"Texts: end to end, without padding ({layout.reason}){without}"


def _obstacle(model: SentenceTransformer, collator: HybridCollator, sharded: bool) -> str | None:
    if sharded:
        return "the engine keeps weights in pieces, and its chunks have to be cut into as many on every rank"
    if collator.query_layout != collator.layout:
        return "queries and passages enter the encoder in different ways"
    return why_padded(model)


def _is_fast(args: HybridTrainingArguments) -> bool:
    return kernel_is_there(args.device) and (args.bf16 or args.fp16)
