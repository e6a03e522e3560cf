"""One training step of either side, as the GPU benchmark times it: from token ids to a loss that is not yet
propagated.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from bench_gpu_batches import Batch
from bench_gpu_encoders import Encoder
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.util import cos_sim, dot_score

from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.fixed_chunks import choose_chunk_size
from hf_hybrid.data.tokenised import Ragged
from hf_hybrid.encoders.compiled import compile_packed, keep_gradients
from hf_hybrid.encoders.packed import first_position, take_packed, why_padded
from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.training.pass_cost import PassCost, measure_pass_cost

LAYOUTS = ("padded", "packed", "compiled")
FLASH = "flash_attention_2"
Step = Callable[[Batch], torch.Tensor]


class Unavailable(Exception):
    """A variant cannot be run here; says why."""


def exact_dot_score(queries: torch.Tensor, passages: torch.Tensor) -> torch.Tensor:
    """Products in float32, as our loss makes them: under mixed precision the other's scores have eight bits."""
    with torch.autocast(queries.device.type, enabled=False):
        return dot_score(queries.float(), passages.float())


SIMILARITIES = {"cos_sim": cos_sim, "dot_score": exact_dot_score}


def our_step(
    encoder: Encoder,
    device: torch.device,
    layout: str,
    chunk_tokens: int,
    budget: float | None,
    overhead: int,
    mode: str | None = None,
    sample: Batch | None = None,
) -> Step:
    """Collate, embed in chunks, loss: as the trainer does.

    Args:
        encoder: What is trained; for `compiled` one of its own, since it is changed for good.
        device: Where.
        layout: Of `LAYOUTS`: padded, laid end to end, or that in chunks of one shape for a compiled encoder.
        chunk_tokens: Most tokens in a chunk.
        budget: Bytes of activations to keep; None keeps all.
        overhead: What a pass costs, in tokens.
        mode: Of `torch.compile`.
        sample: A batch by which the shape of compiled chunks is chosen.

    Raises:
        Unavailable: The encoder cannot do it.
    """
    model, training = encoder.model, encoder.training
    collator = HybridCollator.of(model, chunk_tokens, 8 if device.type == "cuda" else None)
    collator.chunk_overhead = overhead
    if layout != "padded":
        if reason := why_padded(model):
            raise Unavailable(f"texts end to end: {reason}")
        take_packed(model)
        collator.packed_from = first_position(model)
    if layout == "compiled":
        _compile(encoder, collator, sample, mode)
    loss = HybridContrastiveLoss(training.scale, "in_batch", training.symmetric)

    def step(batch: Batch) -> torch.Tensor:
        chunks, positions = collator.chunks(batch.texts())
        ids = torch.arange(len(batch.query.lengths), device=device)
        inputs = {
            "chunks": [_moved(chunk, device) for chunk in chunks],
            "positions": torch.from_numpy(positions).to(device),
            "example_ids": ids,
            "passage_ids": ids,
            "cache_budget": budget,
        }
        return loss(model, inputs)[0]

    return step


def _compile(encoder: Encoder, collator: HybridCollator, sample: Batch | None, mode: str | None) -> None:
    """Compile once for chunks of one shape; a second call takes what the first has made."""
    if sample is None:
        raise ValueError("compiled chunks get their shape from a batch")
    size = choose_chunk_size(
        [sample.texts().lengths], encoder.max_tokens, collator.chunk_tokens, collator.chunk_overhead
    )
    collator.chunk_size = size
    done = vars(encoder.model).setdefault("_compiled_for", [])
    if size not in done:
        compile_packed(encoder.model, size, **({} if mode is None else {"mode": mode}))
        if mode is not None:
            keep_gradients(encoder.model.parameters())
        done.append(size)


def pass_cost(encoder: Encoder, device: torch.device, packed: bool, mixed: bool) -> PassCost:
    """What a pass costs here, as the trainer measures it before the first step."""
    model, vocabulary = encoder.model, encoder.shape.vocabulary
    collator = HybridCollator.of(model, 1 << 20, 8 if device.type == "cuda" else None)
    if packed:
        take_packed(model)
        collator.packed_from = first_position(model)

    def features(texts: int, length: int) -> dict[str, Any]:
        ids = np.random.default_rng(0).integers(10, vocabulary, texts * length)
        chunks, _ = collator.chunks(Ragged(ids, np.full(texts, length)))
        return _moved(chunks[0], device)

    return measure_pass_cost(
        lambda inputs: model(inputs)["sentence_embedding"],
        features,
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        device,
        partial(torch.autocast, device.type, torch.bfloat16) if mixed else nullcontext,
    )


def their_step(
    encoder: Encoder,
    device: torch.device,
    cached: bool,
    similarity: str = "cos_sim",
    presorted: bool = False,
    flat: bool = False,
    **loss_settings: Any,
) -> Step:
    """Pad each side to its longest text, as the other library's collator does, and its loss; tokenising is left out.

    Args:
        encoder, device: What is trained, and where.
        cached: Its gradient cache.
        similarity: Of `SIMILARITIES`.
        presorted: Give it rows in order of length.
        flat: Its own texts end to end, through flash attention.
        loss_settings: Of its loss.

    Raises:
        Unavailable: `flat` without its kernels.
    """
    if flat:
        flatten(encoder)
    loss_class = CachedMultipleNegativesRankingLoss if cached else MultipleNegativesRankingLoss
    settings = {"scale": encoder.training.scale, "similarity_fct": SIMILARITIES[similarity], **loss_settings}
    loss, pad = loss_class(encoder.model, **settings), encoder.model.tokenizer.pad_token_id

    def step(batch: Batch) -> torch.Tensor:
        rows = np.argsort(-batch.passage.lengths, kind="stable") if presorted else np.arange(len(batch.query.lengths))
        sides = (batch.query, batch.passage)
        features = [_flat(encoder, side, rows) if flat else _padded(side, rows, pad) for side in sides]
        return loss([_moved(each, device) for each in features], None)

    return step


def flatten(encoder: Encoder) -> None:
    """Let sentence-transformers lay texts end to end, as it does by itself where flash attention is installed.

    Raises:
        Unavailable: It does not here.
    """
    module = encoder.model[0]
    try:
        module.model.set_attn_implementation(FLASH)
    except (ImportError, ValueError) as error:
        raise Unavailable(f"its texts end to end: {' '.join(str(error).split())[:160]}") from None
    module.unpad_inputs = True
    if not getattr(module, "can_flatten_inputs", False):
        raise Unavailable("its texts end to end: its prerequisites are not met")


def as_it_comes(encoder: Encoder, attention: str) -> None:
    """Undo what a variant has set: attention as the library chose it, padded texts."""
    module = encoder.model[0]
    if module.model.config._attn_implementation != attention:
        module.model.set_attn_implementation(attention)
    module.unpad_inputs = False


def _flat(encoder: Encoder, texts: Ragged, rows: np.ndarray) -> dict[str, Any]:
    """What its `preprocess` gives, from token ids."""
    module, ends = encoder.model[0], np.cumsum(texts.lengths)
    samples = [{"input_ids": texts.values[ends[row] - texts.lengths[row] : ends[row]].tolist()} for row in rows]
    features = dict(module.data_collator(samples))
    features.pop("labels", None)
    offset = getattr(module, "_flatten_position_offset", 0)
    return {**features, "position_ids": features["position_ids"] + offset} if offset else features


def _padded(texts: Ragged, rows: np.ndarray, pad: int) -> dict[str, torch.Tensor]:
    starts = (np.cumsum(texts.lengths) - texts.lengths)[rows]
    lengths = texts.lengths[rows]
    column = np.arange(int(lengths.max()))
    mask = column < lengths[:, None]
    ids = np.full(mask.shape, pad, dtype=np.int64)
    ids[mask] = texts.values[(starts[:, None] + column)[mask]]
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}


def _moved(features: dict[str, Any], device: torch.device) -> dict[str, Any]:
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in features.items()}
