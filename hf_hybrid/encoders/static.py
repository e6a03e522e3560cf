"""Static encoders from scratch: a text is the mean of its tokens' vectors, of unit length.

Vectors start random. Scaled by smooth inverse frequency, `a / (a + p)` for a token of relative frequency `p` (Arora et
al., 2017), a text is near those that share its rare words before anything is learnt, which is where monolingual
retrieval starts.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

BATCH = 10_000


def random_static_encoder(
    tokenizer: Tokenizer, dimension: int, factors: torch.Tensor | None = None, dtype: torch.dtype = torch.float32
) -> SentenceTransformer:
    """Build a static encoder of random token vectors, whose expected length is one, or the token's factor.

    Args:
        tokenizer: Its vocabulary is the table's height.
        dimension: Of the vectors.
        factors: `[vocabulary]`, by which the vectors are multiplied.
        dtype: Of the table.

    Returns:
        The encoder, on the CPU; drawn from torch's global generator.
    """
    weights = torch.randn(tokenizer.get_vocab_size(), dimension) / dimension**0.5
    if factors is not None:
        weights *= factors[:, None]
    module = StaticEmbedding(tokenizer, embedding_weights=weights.to(dtype))
    return SentenceTransformer(modules=[module, Normalize()], device="cpu")


def sif_factors(tokenizer: Tokenizer, texts: Iterable[str], coefficient: float) -> torch.Tensor:
    """Smooth inverse frequency of every token: `a / (a + p)`, 1 for a token that never occurs.

    Args:
        tokenizer: Special tokens are not counted, as static encoders do not add them.
        texts: Where frequencies are counted.
        coefficient: `a`; tokens much rarer than it keep their length. Arora et al. use 1e-4 to 1e-3.

    Returns:
        Float32 `[vocabulary]`, in (0, 1].
    """
    counts = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == BATCH:
            _count(tokenizer, batch, counts)
            batch = []
    _count(tokenizer, batch, counts)
    frequency = counts / max(counts.sum(), 1)
    return torch.from_numpy(coefficient / (coefficient + frequency)).float()


def _count(tokenizer: Tokenizer, texts: list[str], counts: np.ndarray) -> None:
    for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
        np.add.at(counts, encoding.ids, 1)
