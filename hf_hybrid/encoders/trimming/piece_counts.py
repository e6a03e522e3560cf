"""How often each piece of a vocabulary stands in the texts of each language, and which texts need which pieces."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Texts are looked through in blocks of about so many pieces.
BLOCK = 1 << 22


@dataclass(frozen=True)
class PieceCounts:
    """Pieces of the texts of several languages, as the whole vocabulary segments them.

    Attributes:
        languages: Their tags, sorted.
        counts: int64 `[languages, vocabulary]`, unknown tokens left out.
        unknown: int64 `[languages]`, unknown tokens.
        texts: int64 `[languages]`, number of texts.
    """

    languages: tuple[str, ...]
    counts: np.ndarray
    unknown: np.ndarray
    texts: np.ndarray
    _segments: _Segments

    def coverage(self, kept: np.ndarray) -> np.ndarray:
        """float64 `[languages]`: the share of known tokens whose piece is kept.

        Args:
            kept: bool `[vocabulary]`.
        """
        return (self.counts @ kept.astype(np.int64)) / np.maximum(self.counts.sum(1), 1)

    def table(self, kept: np.ndarray) -> dict[str, dict[str, float]]:
        """Texts, tokens, unknown tokens, coverage and share of whole texts of every language.

        Args:
            kept: bool `[vocabulary]`.
        """
        columns = {
            "texts": self.texts,
            "tokens": self.counts.sum(1),
            "unknown": self.unknown,
            "coverage": self.coverage(kept),
            "whole_texts": self.whole_texts(kept),
        }
        return {
            language: {name: column[number].item() for name, column in columns.items()}
            for number, language in enumerate(self.languages)
        }

    def whole_texts(self, kept: np.ndarray) -> np.ndarray:
        """float64 `[languages]`: the share of texts that have no unknown token and all of whose pieces are kept, so
        that the cut vocabulary segments them alike.

        Args:
            kept: bool `[vocabulary]`.
        """
        whole = np.zeros(len(self.languages), np.int64)
        for language, pieces, starts in self._segments.blocks():
            lost = np.add.reduceat(~kept[pieces], starts) if len(starts) else np.zeros(0, np.int64)
            whole += np.bincount(language[lost == 0], minlength=len(whole))
        return whole / np.maximum(self.texts, 1)


def count_pieces(
    tokenizer: Tokenizer,
    batches: Iterable[tuple[str, Sequence[str]]],
    unknown_id: int | None = None,
    show_progress: bool = True,
) -> PieceCounts:
    """Segment texts, without special tokens, and count; the pieces of all texts are kept in a temporary file.

    Args:
        tokenizer: The whole one; truncation and padding are switched off on it.
        batches: Tag of a language and some texts in it, over and over.
        unknown_id: Of the unknown token, where there is one.
        show_progress: A bar over texts.

    Raises:
        InputError: There is no text.

    Example:
        >>> from tokenizers import Tokenizer, models, pre_tokenizers
        >>> tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "b": 2}, unk_token="[UNK]"))
        >>> tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        >>> found = count_pieces(tokenizer, [("en", ["a b a", "c"])], 0, show_progress=False)
        >>> found.counts.tolist(), found.unknown.tolist(), found.texts.tolist()
        ([[0, 2, 1]], [1], [2])
    """
    size = tokenizer.get_vocab_size()
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts: dict[str, np.ndarray] = {}
    texts: dict[str, int] = {}
    segments = _Segments()
    with tqdm(desc="Segmenting", unit=" texts", disable=not show_progress) as bar:
        for language, batch in batches:
            if language not in counts:
                counts[language], texts[language] = np.zeros(size, np.int64), 0
            number = list(counts).index(language)
            encodings = tokenizer.encode_batch_fast(list(batch), add_special_tokens=False)
            found = [np.array(encoding.ids, np.int32) for encoding in encodings]
            found = [pieces for pieces in found if len(pieces)]
            if found:
                counts[language] += np.bincount(np.concatenate(found), minlength=size)
            texts[language] += len(found)
            segments.add(number, found)
            bar.update(len(batch))
    if not any(texts.values()):
        raise InputError("texts: there is no text in these languages; give other files or languages")
    order = sorted(counts)
    table = np.stack([counts[language] for language in order])
    unknown = np.zeros(len(order), np.int64)
    if unknown_id is not None:
        unknown, table[:, unknown_id] = table[:, unknown_id].copy(), 0
    segments.rename([order.index(language) for language in counts], unknown_id)
    return PieceCounts(tuple(order), table, unknown, np.array([texts[language] for language in order]), segments)


class _Segments:
    """Pieces of texts end to end, in a temporary file that goes with this object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._lengths: list[np.ndarray] = []
        self._languages: list[np.ndarray] = []
        self._names: np.ndarray | None = None
        self._unknown: int | None = None

    def add(self, language: int, texts: Sequence[np.ndarray]) -> None:
        """Texts of a language; none of them is empty."""
        for pieces in texts:
            self._file.write(pieces.tobytes())
        self._lengths.append(np.array([len(pieces) for pieces in texts], np.int64))
        self._languages.append(np.full(len(texts), language, np.int16))

    def rename(self, languages: Sequence[int], unknown: int | None) -> None:
        """Give languages other numbers, and say which piece is the unknown one."""
        self._names, self._unknown = np.array(languages), unknown

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Language of each text, pieces of all, first piece of each text; texts with an unknown token left out."""
        self._file.flush()
        self._file.seek(0)
        lengths, languages = np.concatenate(self._lengths), np.concatenate(self._languages)
        first = 0
        while first < len(lengths):
            ends = np.cumsum(lengths[first : first + BLOCK])
            last = first + max(int(np.searchsorted(ends, BLOCK, "right")), 1)
            block = lengths[first:last]
            pieces = np.frombuffer(self._file.read(int(block.sum()) * 4), np.int32)
            starts = np.cumsum(block) - block
            names = self._names[languages[first:last]]
            if self._unknown is not None:
                known = np.add.reduceat(pieces == self._unknown, starts) == 0
                pieces, block, names = pieces[np.repeat(known, block)], block[known], names[known]
                starts = np.cumsum(block) - block
            yield names, pieces, starts
            first = last
