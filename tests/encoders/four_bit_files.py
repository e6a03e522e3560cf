"""A small encoder in four bits, made of random numbers."""

from __future__ import annotations

import numpy as np

from hf_hybrid.encoders.four_bit import BLOCK, FourBitEncoder, Sizes, SpecialIds

PIECES = ("<s>", "<pad>", "</s>", "<unk>", "▁", "a", "b", "▁ab", "ü", "中", "▁a", "<mask>")


def quantised(matrix: np.ndarray) -> np.ndarray:
    """Blocks of the nearest numbers that four bits hold, uint8 `[rows, n, 18]`."""
    blocks = matrix.reshape(len(matrix), -1, BLOCK)
    scale = (np.abs(blocks).max(-1, keepdims=True) / 7).astype("<f2")
    numbers = np.clip(np.round(blocks / np.maximum(scale.astype(np.float32), 1e-8)) + 8, 0, 15).astype(np.uint8)
    packed = numbers[..., :16] | numbers[..., 16:] << 4
    return np.concatenate([scale.view(np.uint8), packed], axis=-1)


def small_encoder(pieces: tuple[str, ...] = PIECES, extra_rows: int = 3) -> FourBitEncoder:
    """2 layers x 32; the word table has more rows than pieces, as E5's has."""
    rng = np.random.default_rng(0)
    width, inner, layers, positions = 32, 64, 2, 16
    words = len(pieces) + extra_rows

    def floats(count: int, around: float = 0.0) -> np.ndarray:
        return (around + 0.1 * rng.standard_normal(count)).astype("<f4")

    def matrix(rows: int, columns: int) -> np.ndarray:
        return quantised(0.1 * rng.standard_normal((rows, columns)).astype(np.float32))

    tensors = {"emb.word": matrix(words, width), "emb.pos": floats(positions * width), "emb.type": floats(2 * width)}
    tensors |= {"emb.ln.w": floats(width, 1), "emb.ln.b": floats(width)}
    for layer in range(layers):
        for name, rows, columns in (
            *((short, width, width) for short in ("q", "k", "v", "ao")),
            ("fi", inner, width),
            ("fo", width, inner),
        ):
            tensors[f"l{layer}.{name}.w"] = matrix(rows, columns)
            tensors[f"l{layer}.{name}.b"] = floats(rows)
        for name in ("aln", "oln"):
            tensors |= {f"l{layer}.{name}.w": floats(width, 1), f"l{layer}.{name}.b": floats(width)}
    scores = np.linspace(0, -5, len(pieces)).astype("<f4")
    sizes = Sizes(width, layers, 4, inner, words, positions, 2, 1e-12, BLOCK)
    return FourBitEncoder(sizes, SpecialIds(0, 2, 1, 3), pieces, scores, (1, b"map"), tensors)
