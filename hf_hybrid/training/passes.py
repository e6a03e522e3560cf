"""How the texts of a step go through the encoder: end to end or padded, in chunks cut by what a pass costs here, and
how much of their activations is kept.

The layout is chosen when the trainer is made. The rest is settled once before the first step, by a few passes of made
up texts: what a pass costs (module `pass_cost`), and what a token's activations take (module `memory_plan`).
"""

from __future__ import annotations

import itertools
import logging
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.data.chunks import CHUNK_OVERHEAD
from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.tokenised import TokenisedPairs
from hf_hybrid.encoders.compiled import GRAPH_MODES, compile_packed, keep_gradients
from hf_hybrid.encoders.fixed_chunk import ChunkSize
from hf_hybrid.encoders.packed import first_position, take_packed
from hf_hybrid.encoders.text_inputs import text_inputs
from hf_hybrid.losses.gradient_cache import GIB, measure_graph, measure_layer
from hf_hybrid.plan.batch_plan import HybridBatchSampler
from hf_hybrid.training.chunk_size import (
    ChunkSizeState,
    chunk_size_of,
    describe_chunk_size,
    sampled_lengths,
    stored_chunk_size,
    text_lengths,
)
from hf_hybrid.training.layout import choose_layout, describe_layout
from hf_hybrid.training.memory_plan import plan_memory
from hf_hybrid.training.out_of_memory import advice, explain_out_of_memory
from hf_hybrid.training.pass_cost import SIZES, PassCostState, measure_pass_cost, stored_pass_cost
from hf_hybrid.training.rank_agreement import exchange

logger = logging.getLogger(__name__)

# What a pass is taken to cost where weights are in pieces and one rank alone cannot make a pass.
ASSUMED = {"cuda": 16_384, "cpu": CHUNK_OVERHEAD}
# Batches of the plan by which passes and padding are told.
SAMPLED = 3


class StepSize(NamedTuple):
    """What a step of one rank holds, by a few of its batches: passes and share of padding (or filler) on average, the
    most tokens of a batch and of a chunk.
    """

    passes: float
    padding: float
    tokens: int
    chunk: int


class Passes:
    """The passes of one run.

    Args:
        model: The encoder, before an engine has wrapped it.
        args: Of the run; `chunk_overhead` is filled in when it is settled.
        collator: Cuts the batches; its layout and its cost of a chunk are set here.
        sharded: An engine keeps the weights in pieces.

    Attributes:
        cost: The cost that chunks are cut by, to be kept with checkpoints.
        budget: Bytes of activations that the gradient cache keeps; None without the cache.
        layout: Of the texts.
        fixed: The one shape of all chunks of a compiled run, to be kept with checkpoints.
        compiling: Settings of `torch.compile` for packed chunks; None where they are not compiled.

    Raises:
        InputError: `padding_free` is asked for, and the encoder or the engine cannot do it.
    """

    def __init__(
        self, model: SentenceTransformer, args: HybridTrainingArguments, collator: HybridCollator, sharded: bool
    ):
        self.model, self.args, self.collator, self.sharded = model, args, collator, sharded
        self.cost = PassCostState(args.chunk_overhead)
        self.budget = _given_budget(args)
        self.fixed = ChunkSizeState()
        self.compiling: dict[str, Any] | None = None
        # Whatever is given is taken for too little to keep everything, unless memory is planned.
        self._settled, self._kept = False, 0.0
        self.static = collator.layout.static and collator.query_layout.static
        self.layout = choose_layout(model, args, collator, sharded)
        if self.layout.packed:
            take_packed(model)
            collator.packed_from = first_position(model)
        if not self.static and args.process_index == 0:
            logger.info("%s", describe_layout(model, self.layout))

    def compile_when_settled(self, settings: dict[str, Any]) -> bool:
        """Give packed chunks one shape and compile for it, once the passes are settled.

        Args:
            settings: Of `torch.compile`.

        Returns:
            Whether it will be done: padded chunks have shapes of their own.
        """
        self.compiling = settings if self.layout.packed else None
        return self.layout.packed

    def settle(self, checkpoint: str | None, data: TokenisedPairs) -> None:
        """Find what a pass costs and what memory there is, once; every rank must call it.

        Args:
            checkpoint: What the run goes on from: its chunks are cut as they were.
            data: Of the run, to tell how many passes a step has.
        """
        if self._settled or self.collator.layout.static:
            return
        self._settled = True
        tokens, origin = self._tokens(checkpoint)
        tokens = exchange(tokens)[0]
        self.cost.tokens = self.collator.chunk_overhead = self.args.chunk_overhead = tokens
        if self.compiling is not None:
            self._fix_size(checkpoint, data)
        step = self._step(data)
        first = self.args.process_index == 0
        if first:
            logger.info(
                "A pass costs %s tokens' worth (%s); %.1f passes a step, %.0f %% padding",
                f"{tokens:,}",
                origin,
                step.passes,
                100 * step.padding,
            )
        if self.args.gradient_cache_memory is None and self._can_be_measured:
            self._plan_memory(step, say=first)
        if self.compiling is not None and self.fixed.size is not None:
            # After the trials, which are of other shapes.
            self._compile(self.fixed.size, self.compiling)

    def _tokens(self, checkpoint: str | None) -> tuple[int, str]:
        if self.args.chunk_overhead is not None:
            return self.args.chunk_overhead, "as given"
        if checkpoint is not None:
            # Runs of before there was a measurement were cut by the constant.
            return stored_pass_cost(checkpoint) or CHUNK_OVERHEAD, "as the run began"
        if not self._can_be_measured:
            return ASSUMED["cuda" if self.args.device.type == "cuda" else "cpu"], "assumed"
        with _Trial(self) as trial:
            cost = measure_pass_cost(trial.encode, self.features, trial.parameters, self.args.device, self._precision)
        return cost.tokens, "measured"

    @property
    def _can_be_measured(self) -> bool:
        reentrant = (_checkpointing(self.args) or {}).get("use_reentrant", False)
        trained = any(parameter.requires_grad for parameter in self.model.parameters())
        return trained and not self.sharded and not reentrant

    def _precision(self) -> AbstractContextManager:
        half = torch.float16 if self.args.fp16 else torch.bfloat16
        return torch.autocast(self.args.device.type, dtype=half, enabled=self.args.bf16 or self.args.fp16)

    def features(self, texts: int, length: int) -> dict[str, Any]:
        """Features of so many made up texts of so many tokens, or of as many tokens in more texts where the encoder
        takes no texts as long.
        """
        side = text_inputs(self.model)[1]
        limit = min([most for most in (length, side.max_length, self.args.max_tokens) if most])
        lengths = np.full(-(-texts * length // limit), limit)
        vocabulary = side.fast_tokenizer.get_vocab_size(with_added_tokens=False)
        ids = np.random.default_rng(0).integers(0, vocabulary, int(lengths.sum()))
        padding = side.layout.pad_token_id
        ids[ids == padding] = (padding + 1) % vocabulary
        make = self.collator.padded if self.collator.packed_from is None else self.collator.packed
        features = make(ids, np.cumsum(lengths) - lengths, lengths, self.collator.layout)
        return {name: value.to(self.args.device) if _is_tensor(value) else value for name, value in features.items()}

    def _step(self, data: TokenisedPairs) -> StepSize:
        sampler = HybridBatchSampler(data.plan, self.args.process_index, self.args.world_size)
        texts, sizes = 0, []
        for address in itertools.islice(sampler, SAMPLED):
            batch = data.__getitems__(address)
            texts += int(text_lengths(batch).sum())
            sizes.append([chunk["input_ids"].numel() for chunk in self.collator(batch)["chunks"]])
        passes, tokens = [len(chunks) for chunks in sizes], [sum(chunks) for chunks in sizes]
        accumulation = self.args.gradient_accumulation_steps
        return StepSize(
            accumulation * sum(passes) / len(passes),
            1 - texts / max(sum(tokens), 1),
            max(tokens),
            max(chunk for chunks in sizes for chunk in chunks),
        )

    def _fix_size(self, checkpoint: str | None, data: TokenisedPairs) -> None:
        """Give all chunks of the run one shape, that which it was begun with."""
        sampler = HybridBatchSampler(data.plan, self.args.process_index, self.args.world_size)
        size = stored_chunk_size(checkpoint) if checkpoint else None
        size = size or chunk_size_of(data, sampler, self.collator.chunk_tokens, self.cost.tokens)
        self.fixed.size = self.collator.chunk_size = exchange(size)[0]
        if self.args.process_index == 0:
            logger.info("%s", describe_chunk_size(self.fixed.size, sampled_lengths(data, sampler)))

    def _compile(self, size: ChunkSize, settings: dict[str, Any]) -> None:
        compile_packed(self.model, size, **settings)
        if settings.get("mode") in GRAPH_MODES:
            keep_gradients(self.model.parameters())
            if self.budget is not None:
                # A graph that is replayed for a chunk embedded again overwrites what others have kept: all or nothing.
                self.budget = None if self._kept == 1 else 0.0

    def _plan_memory(self, step: StepSize, say: bool) -> None:
        args = self.args
        with _Trial(self) as trial:
            size, layer = trial.bytes_a_token()
        if args.device.type == "cuda":
            # What the trial has freed counts as free.
            torch.cuda.empty_cache()
        plan = plan_memory(size, step.tokens, args.device, self.model.parameters(), step.chunk, layer)
        if args.gradient_cache:
            self.budget, self._kept = plan.room, plan.kept
            if say:
                logger.info("Memory: %s; %.0f %% of the chunks are kept, others made twice", plan, 100 * plan.kept)
        elif say and plan.kept < 1:
            logger.warning("Memory: %s. It may not suffice: %s", plan, "; ".join(advice(args)))


class _Trial:
    """Passes before training: in the state of training, explained where memory is not enough, and without a trace."""

    def __init__(self, passes: Passes):
        self.passes, self.model, self.args = passes, passes.model, passes.args
        self.parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self._explain = explain_out_of_memory(self.args, static=False)

    def __enter__(self) -> _Trial:
        self._explain.__enter__()
        # Where an engine places the weights, it has not yet.
        self.model.to(self.args.device)
        if (settings := _checkpointing(self.args)) is not None:
            self.model.gradient_checkpointing_enable(settings or None)
        self._was_training = self.model.training
        self.model.train()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        self.model.train(self._was_training)
        return self._explain.__exit__(*error)

    def encode(self, features: dict[str, Any]) -> torch.Tensor:
        return self.model.forward(features)["sentence_embedding"]

    def bytes_a_token(self) -> tuple[float, float]:
        """Kept for the backward pass, and made again by it a layer at a time: by the difference of two passes, since
        weights in another precision are kept once.
        """
        device, sizes = self.args.device, []
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
            for size in SIZES["cuda" if device.type == "cuda" else "cpu"]:
                features = self.passes.features(*size)
                tokens = features["input_ids"].numel()
                with measure_layer(self.model) as layer, measure_graph(self.model) as count:
                    with self.passes._precision():
                        kept = self.encode(features)
                    sizes.append((tokens, count(), layer()))
                del kept
        (few, *small), (many, *large) = sizes
        kept_bytes, layer_bytes = (max(b - a, 0) / max(many - few, 1) for a, b in zip(small, large, strict=True))
        return kept_bytes, layer_bytes


def make_collator(model: SentenceTransformer, args: HybridTrainingArguments) -> HybridCollator:
    """The collator of a run, as it is until its passes are settled."""
    # Tensor cores take widths of eight; a CPU takes them as they come.
    multiple = 8 if args.device.type == "cuda" else None
    return HybridCollator.of(model, args.chunk_tokens, multiple)


def _checkpointing(args: HybridTrainingArguments) -> dict[str, Any] | None:
    """Settings of the layers' own checkpoints, by the name of transformers 5 or 6; None without."""
    for name in ("activation_checkpointing", "gradient_checkpointing"):
        if getattr(args, name, None):
            return dict(getattr(args, f"{name}_kwargs", None) or {})
    return None


def _given_budget(args: HybridTrainingArguments) -> float | None:
    """The gradient cache's bytes until memory is planned, and where that cannot be; None without the cache."""
    if not args.gradient_cache:
        return None
    if args.gradient_cache_memory is not None:
        return args.gradient_cache_memory * GIB
    return torch.cuda.mem_get_info(args.device)[0] / 2 if args.device.type == "cuda" else GIB


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)
