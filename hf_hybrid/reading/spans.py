"""The best spans of a passage, from a model's scores for the first and the last token of an answer.

All spans of at most so many tokens are scored at once: what the search over the n best starts and ends of SQuAD's
examples approximates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from hf_hybrid.reading.windows import Window


@dataclass(frozen=True)
class Span:
    """A span that may answer.

    Attributes:
        text: of the passage, without white space around it.
        start: its first character's place in the passage.
        score: sum of the two scores; compares spans of one passage.
        null: the same sum for "no answer here", of the window that the span is from.
    """

    text: str
    start: int
    score: float
    null: float

    @property
    def evidence(self) -> float:
        """How much more the reader believes in this span than in no answer: compares spans of different passages."""
        return self.score - self.null


@dataclass(frozen=True)
class WindowSpans:
    """The best spans of a window: places of tokens among those of the passage, best first."""

    firsts: list[int]
    lasts: list[int]
    scores: list[float]
    null: float


def best_spans_of_windows(
    starts: torch.Tensor, ends: torch.Tensor, windows: list[Window], n_best: int, max_tokens: int
) -> list[WindowSpans]:
    """The best spans of each window of a batch.

    Args:
        starts: float ``[B, T]``, scores of each token as an answer's first; T the longest window.
        ends: float ``[B, T]``, as its last.
        windows: the B windows.
        n_best: spans wanted of a window.
        max_tokens: tokens of an answer at most.
    """
    starts, ends = starts.float(), ends.float()
    batch, length = starts.shape
    inside = torch.zeros(batch, length, dtype=torch.bool, device=starts.device)
    for row, window in enumerate(windows):
        inside[row, window.first : window.first + len(window.offsets)] = True
    never = -torch.inf
    last = torch.nn.functional.pad(ends.masked_fill(~inside, never), (0, max_tokens - 1), value=never)
    # [B, T, max_tokens]: first token, and how many tokens later the last one is.
    scores = starts.masked_fill(~inside, never).unsqueeze(2) + last.unfold(1, max_tokens, 1)
    top = scores.flatten(1).topk(min(n_best, length * max_tokens), dim=1)
    found = []
    for row, window in enumerate(windows):
        kept = [(s, i) for s, i in zip(top.values[row].tolist(), top.indices[row].tolist(), strict=True) if s > never]
        firsts = [index // max_tokens for _, index in kept]
        lasts = [index // max_tokens + index % max_tokens for _, index in kept]
        null = (starts[row, window.null] + ends[row, window.null]).item()
        found.append(
            WindowSpans(
                [place - window.first for place in firsts],
                [place - window.first for place in lasts],
                [score for score, _ in kept],
                null,
            )
        )
    return found


def spans_of_passage(passage: str, parts: Iterable[tuple[Window, WindowSpans]], n_best: int) -> list[Span]:
    """The best spans of a passage from those of its windows: each text at each place once, best first.

    Args:
        passage: the text that the windows are cut from.
        parts: its windows with their spans.
        n_best: spans wanted; a passage of white space has none.
    """
    found: dict[tuple[int, str], Span] = {}
    for window, spans in parts:
        for first, last, score in zip(spans.firsts, spans.lasts, spans.scores, strict=True):
            start, end = int(window.offsets[first, 0]), int(window.offsets[last, 1])
            text = passage[start:end]
            start += len(text) - len(text.lstrip())
            text = text.strip()
            held = found.get((start, text))
            if text and (held is None or score > held.score):
                found[start, text] = Span(text, start, score, spans.null)
    return sorted(found.values(), key=lambda span: (-span.score, span.start, span.text))[:n_best]
