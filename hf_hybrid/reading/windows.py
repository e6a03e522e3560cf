"""A question and a passage of any length to windows of tokens, and places in the passage to places in a window.

A window is the question and a part of the passage; consecutive windows overlap by a stride. Tokenizers of
`transformers` cut them (``return_overflowing_tokens``) and say which characters each token stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from hf_hybrid.data.squad import Answer

# A question is cut to so many tokens, so that a window has room for its passage.
QUESTION_TOKENS = 64


@dataclass(frozen=True)
class WindowSettings:
    """How passages are cut.

    Attributes:
        max_length: tokens of a window, question and special tokens included.
        stride: tokens that two consecutive windows share.
    """

    max_length: int = 384
    stride: int = 128

    def check(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Refuse what cannot be cut.

        Raises:
            InputError: names the setting.
        """
        if not tokenizer.is_fast:
            raise InputError("a reader needs a fast tokenizer, which knows the characters of each token")
        if self.max_length > tokenizer.model_max_length:
            raise InputError(
                f"--max_length {self.max_length} is above the reader's limit of {tokenizer.model_max_length} tokens"
            )
        # A question that was cut between two characters may come out a few tokens longer.
        least = self.stride + QUESTION_TOKENS + tokenizer.num_special_tokens_to_add(pair=True) + 8
        if self.stride < 0 or self.max_length < least:
            raise InputError(
                f"--max_length {self.max_length} has no room for a question of {QUESTION_TOKENS} tokens and a stride "
                f"of {self.stride}: give {least} or more, or a shorter --stride"
            )


@dataclass(frozen=True)
class Window:
    """A window.

    Attributes:
        pair: which question and passage it is of.
        inputs: name -> token-wise input of the model: ``input_ids``, ``token_type_ids`` where it has them.
        first: place of the passage's first token in it.
        offsets: int64 ``[n, 2]``, characters of the passage that its n tokens from ``first`` on stand for: from, to.
        null: place of the token that stands for "no answer here".
    """

    pair: int
    inputs: dict[str, list[int]]
    first: int
    offsets: np.ndarray
    null: int

    def __len__(self) -> int:
        return len(self.inputs["input_ids"])

    def labels(self, answer: Answer | None) -> tuple[int, int]:
        """Places of the answer's first and last token; the null token's where this window does not hold all of it.

        Tokens of SentencePiece hold the space before a word: the token that holds a character is what counts.
        """
        if answer is None:
            return self.null, self.null
        ends = answer.start, answer.start + len(answer.text) - 1
        places = [np.flatnonzero((self.offsets[:, 0] <= end) & (end < self.offsets[:, 1])) for end in ends]
        if not all(len(found) for found in places):
            return self.null, self.null
        return self.first + int(places[0][0]), self.first + int(places[1][-1])


def cut_windows(
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[str],
    passages: Sequence[str],
    settings: WindowSettings | None = None,
) -> list[Window]:
    """Windows of pairs of a question and a passage, in their order; a pair has at least one.

    Args:
        tokenizer: a fast one.
        questions: the questions; white space around them, of which some data sets are full, is left out.
        passages: of each question its passage.
        settings: how to cut.

    Example:
        >>> tokenizer = AutoTokenizer.from_pretrained("deepset/xlm-roberta-base-squad2")  # doctest: +SKIP
        >>> [len(window) for window in cut_windows(tokenizer, ["Wo?"], ["In Quito. " * 200])]  # doctest: +SKIP
        [384, 384, 159]
    """
    settings = settings or WindowSettings()
    if not questions:
        return []
    encoded = tokenizer(
        _cut_questions(tokenizer, questions),
        list(passages),
        truncation="only_second",
        max_length=settings.max_length,
        stride=settings.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    pairs = encoded["overflow_to_sample_mapping"]
    names = [name for name in ("input_ids", "token_type_ids") if name in encoded]
    windows = []
    for row, pair in enumerate(pairs):
        of_passage = [place for place, part in enumerate(encoded.sequence_ids(row)) if part == 1]
        first = of_passage[0] if of_passage else 0
        inputs = {name: encoded[name][row] for name in names}
        offsets = np.array(encoded["offset_mapping"][row], dtype=np.int64).reshape(-1, 2)
        offsets = offsets[first : first + len(of_passage)]
        null = (
            inputs["input_ids"].index(tokenizer.cls_token_id) if tokenizer.cls_token_id in inputs["input_ids"] else 0
        )
        windows.append(Window(pair, inputs, first, offsets, null))
    return windows


def _cut_questions(tokenizer: PreTrainedTokenizerBase, questions: Sequence[str]) -> list[str]:
    stripped = [question.strip() for question in questions]
    encoded = tokenizer(
        stripped, add_special_tokens=False, truncation=True, max_length=QUESTION_TOKENS, return_offsets_mapping=True
    )
    ends = (offsets[-1][1] if offsets else 0 for offsets in encoded["offset_mapping"])
    return [
        question[:end] if len(offsets) == QUESTION_TOKENS else question
        for question, end, offsets in zip(stripped, ends, encoded["offset_mapping"], strict=True)
    ]
