"""Pairs to batches of windows with the places of their answers, cut once, each of windows of about one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from hf_hybrid.reading.reader import PAIRS_AT_ONCE, padded
from hf_hybrid.reading.windows import Window, WindowSettings, cut_windows
from hf_hybrid.training.reader.questions import Pair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class WindowBatches(Dataset):
    """Batches as a data set: an item is a batch, so that the trainer's own order of items, which it knows how to
    resume, is an order of batches.

    Args:
        windows: with the places of their answers' first and last token.
        rows: windows of a batch; the last one has what is left.
        pad: fills short rows.
        seed: of which windows of about one length come together.
    """

    def __init__(self, windows: Sequence[tuple[Window, int, int]], rows: int, pad: int, seed: int = 0) -> None:
        self.windows = list(windows)
        self.pad = pad
        lengths = np.array([len(window) for window, _, _ in self.windows])
        # Windows of one length in any order, lengths in pieces of 8 tokens: batches differ in more than their length.
        order = np.lexsort((np.random.default_rng(seed).random(len(lengths)), lengths // 8))
        self.batches = [order[start : start + rows] for start in range(0, len(order), rows)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        rows = [self.windows[row] for row in self.batches[index]]
        inputs = padded([window for window, _, _ in rows], self.pad)
        places = {
            "start_positions": torch.tensor([first for _, first, _ in rows]),
            "end_positions": torch.tensor([last for _, _, last in rows]),
        }
        return inputs | places

    @property
    def tokens(self) -> int:
        """Tokens of all batches, padding included."""
        return sum(len(rows) * max(len(self.windows[row][0]) for row in rows) for rows in self.batches)


def labelled_windows(
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    settings: WindowSettings,
    seed: int = 0,
    show_progress: bool = False,
) -> list[tuple[Window, int, int]]:
    """The windows of all pairs that hold their answer, and of each pair at most one that does not: long passages would
    otherwise teach little but "not here".

    Args:
        tokenizer: of the reader.
        pairs: questions, passages and answers.
        settings: how to cut.
        seed: of which window without an answer is kept.
        show_progress: show a progress bar.
    """
    generator = np.random.default_rng((seed, 2))
    kept: list[tuple[Window, int, int]] = []
    with tqdm(total=len(pairs), desc="Cutting windows", unit="question", disable=not show_progress) as bar:
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            part = pairs[start : start + PAIRS_AT_ONCE]
            without: dict[int, list[Window]] = {}
            texts = [pair.question for pair in part], [pair.passage for pair in part]
            for window in cut_windows(tokenizer, *texts, settings):
                first, last = window.labels(part[window.pair].answer)
                if first == window.null:
                    without.setdefault(window.pair, []).append(window)
                else:
                    kept.append((window, first, last))
            for windows in without.values():
                window = windows[generator.integers(len(windows))]
                kept.append((window, window.null, window.null))
            bar.update(len(part))
    return kept
