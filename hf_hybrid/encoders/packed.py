"""Padding-free passes: the texts of a chunk laid end to end as one sequence, and an attention that keeps them apart.

sentence-transformers can flatten texts, too, where the `flash_attn` package is installed. torch brings such an
attention itself (`torch.nn.attention.varlen`, CUDA, 16-bit numbers); `transformers` lets anybody register an attention
function, and pooling by segment is sentence-transformers' own. So an encoder needs nothing but another attention
function, which the same weights run with; what it saves does not name it. On a CPU and in float32 the texts are kept
apart by an explicit mask, tokens x tokens: slow, and exact, for tests.

The varlen kernels have no dropout on attention weights: packed passes train without it (other dropout stays).
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

logger = logging.getLogger(__name__)

ATTENTION = "hf_hybrid_packed"
# Encoders of which it is known, by tests, that they take positions and need nothing else of the padded layout.
MODEL_TYPES = ("bert", "xlm-roberta", "roberta", "distilbert", "modernbert")
POOLING_MODES = ("cls", "mean", "lasttoken")
# Between attention layers hidden states are multiplied by matrices whose rows are tokens: eight fit tensor cores.
KEYS = ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")


def why_padded(model: SentenceTransformer) -> str | None:
    """Why an encoder cannot take packed texts, in words; None where it can.

    Example:
        >>> why_padded(SentenceTransformer("intfloat/multilingual-e5-small")) is None  # doctest: +SKIP
        True
    """
    first = model[0]
    if not isinstance(first, Transformer):
        return f"its first module is {type(first).__name__}, no transformer"
    kind = first.model.config.model_type
    if kind not in MODEL_TYPES:
        return f"packed passes are tested for {', '.join(MODEL_TYPES)} only, and this is {kind}"
    if not getattr(first.model, "is_backend_compatible", lambda: False)():
        return "its attention cannot be replaced"
    pooling = next((module for module in model if isinstance(module, Pooling)), None)
    if pooling is None:
        return "it pools in a way of its own"
    modes = (pooling.pooling_mode,) if isinstance(pooling.pooling_mode, str) else tuple(pooling.pooling_mode)
    if not set(modes) <= set(POOLING_MODES):
        return f"pooling {'+'.join(modes)} is not among {', '.join(POOLING_MODES)}"
    return None


def kernel_is_there(device: torch.device) -> bool:
    """Whether torch has the attention for texts laid end to end on this device."""
    if device.type != "cuda":
        return False
    try:
        from torch.nn.attention.varlen import varlen_attn  # noqa: F401  # torch 2.10 and later
    except ImportError:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


def take_packed(model: SentenceTransformer) -> None:
    """Let an encoder take packed texts beside padded ones. Changes no weight and nothing that is saved.

    Raises:
        ValueError: It cannot; ask `why_padded` first.
    """
    if reason := why_padded(model):
        raise ValueError(f"packed texts: {reason}")
    register()
    module = model[0]
    if module.model.config._attn_implementation != ATTENTION:
        module.model.set_attn_implementation(ATTENTION)
    if module.model_forward_params is not None:
        module.model_forward_params |= {"position_ids", *KEYS}


def register() -> None:
    """Make the attention known to `transformers`; repeating it changes nothing."""
    AttentionInterface.register(ATTENTION, packed_attention)
    AttentionMaskInterface.register(ATTENTION, _mask)


def first_position(model: SentenceTransformer) -> int:
    """The position of a text's first token: behind the padding id in RoBERTa's family, else 0."""
    embeddings = getattr(model[0].model, "embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    return padding + 1 if isinstance(padding, int) and hasattr(embeddings, "position_embeddings") else 0


def spans(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Indices of the spans `[start, start + length)`, end to end.

    Example:
        >>> spans(np.array([4, 0]), np.array([2, 3])).tolist()
        [4, 5, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def pack(values: np.ndarray, lengths: np.ndarray, first: int = 0) -> dict[str, Any]:
    """Features of one packed chunk.

    Args:
        values: Token ids of all texts, end to end.
        lengths: Tokens of each text, int `[n]`; none is empty.
        first: Position of a text's first token, see `first_position`.

    Returns:
        `input_ids`, `position_ids` int64 `[1, tokens]`; `cu_seq_lens_q`, `cu_seq_lens_k` int32 `[n + 1]`;
        `max_length_q`, `max_length_k`; `seq_idx` int32 `[1, tokens]`, the text of each token, as
        sentence-transformers' pooling takes them.

    Example:
        >>> pack(np.array([5, 6, 7]), np.array([1, 2]))["position_ids"].tolist()
        [[0, 0, 1]]
    """
    ends = np.cumsum(lengths)
    positions = np.arange(int(ends[-1])) - np.repeat(ends - lengths, lengths) + first
    offsets = torch.from_numpy(np.concatenate([[0], ends]).astype(np.int32))
    longest = int(lengths.max())
    return {
        "input_ids": torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))[None],
        "position_ids": torch.from_numpy(positions)[None],
        "seq_idx": torch.from_numpy(np.repeat(np.arange(len(lengths), dtype=np.int32), lengths))[None],
        "cu_seq_lens_q": offsets,
        "cu_seq_lens_k": offsets,
        "max_length_q": longest,
        "max_length_k": longest,
    }


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """An attention function of `transformers`: `[1, heads, tokens, d]` of packed texts, or ordinary padded ones."""
    if cu_seq_lens_q is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    # transformers counts the token itself, as flash attention's callers do: a window of w sees w - 1 tokens to each
    # side.
    reach = -1 if sliding_window is None else sliding_window - 1
    if torch.is_autocast_enabled(query.device.type):
        # Rotary positions leave float32 behind, which torch's own attention would be given in half precision, too.
        half = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(half), key.to(half), value.to(half)
    if _kernel_takes(query):
        return _varlen(query, key, value, cu_seq_lens_q, int(max_length_q), scaling, reach), None
    mask = _block_mask(cu_seq_lens_q, query.shape[2], reach)
    return sdpa_attention_forward(module, query, key, value, mask, 0.0, scaling, is_causal=False)


def _kernel_takes(query: torch.Tensor) -> bool:
    return query.device.type == "cuda" and query.dtype in (torch.float16, torch.bfloat16)


def _varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    offsets: torch.Tensor,
    longest: int,
    scaling: float | None,
    reach: int,
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    if scaling is not None and scaling != query.shape[-1] ** -0.5:
        # Not every version takes a scale: it goes into the queries.
        query = query * (scaling * query.shape[-1] ** 0.5)
    q, k, v = (part[0].transpose(0, 1).contiguous() for part in (query, key, value))
    window = {} if reach < 0 else {"window_size": (reach, reach)}
    return varlen_attn(q, k, v, offsets, offsets, longest, longest, **window)[None]


def _block_mask(offsets: torch.Tensor, tokens: int, reach: int) -> torch.Tensor:
    """Which token sees which, bool `[1, 1, tokens, tokens]`: those of its own text, within reach."""
    place = torch.arange(tokens, device=offsets.device)
    text = torch.searchsorted(offsets[1:].contiguous(), place, right=True)
    seen = text[:, None] == text[None, :]
    if reach >= 0:
        seen &= (place[:, None] - place[None, :]).abs() <= reach
    return seen[None, None]


def _mask(*args: Any, attention_mask: torch.Tensor | None = None, **kwargs: Any) -> torch.Tensor | None:
    """Padded texts have a mask, packed ones make theirs from the offsets."""
    return None if attention_mask is None else sdpa_mask(*args, attention_mask=attention_mask, **kwargs)
