"""A reader: a model for extractive question answering with its tokenizer, and what it finds in passages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm.auto import tqdm

from hf_hybrid.encoders.checkpoints import find_checkpoint, refuse_unsafe_weights, snapshot_commit
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.reading.spans import Span, WindowSpans, best_spans_of_windows, spans_of_passage
from hf_hybrid.reading.windows import Window, WindowSettings, cut_windows
from hf_hybrid.retrieval.compute_dtype import cast_weights, check_compute_dtype, choose_compute_dtype
from hf_hybrid.retrieval.encode_texts import batches_of
from hf_hybrid.retrieval.provenance import model_sha256

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Padded tokens of a batch: a CPU's caches hold the activations of so many; a GPU wants more.
CPU_BATCH_TOKENS = 4096
GPU_BATCH_TOKENS = 65536
# Pairs that are tokenised and sorted together.
PAIRS_AT_ONCE = 512


@dataclass(frozen=True)
class ReadingSettings:
    """How passages are read.

    Attributes:
        windows: how they are cut.
        n_best: spans kept of a passage.
        max_answer_tokens: tokens of an answer at most.
    """

    windows: WindowSettings = field(default_factory=WindowSettings)
    n_best: int = 5
    max_answer_tokens: int = 30

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            InputError: names the setting.
        """
        for name, value in (("n_best", self.n_best), ("max_answer_tokens", self.max_answer_tokens)):
            if value < 1:
                raise InputError(f"--{name} must be at least 1, got {value}")


@dataclass(frozen=True)
class Reader:
    """A model for extractive question answering.

    Attributes:
        name: as the user named it.
        model: of `AutoModelForQuestionAnswering`, in evaluation mode on its device.
        tokenizer: a fast one.
        revision: the commit that was loaded, where it has one.
        weights_sha256: of its weights as they were loaded.
    """

    name: str
    model: PreTrainedModel = field(repr=False)
    tokenizer: PreTrainedTokenizerBase = field(repr=False)
    revision: str | None
    weights_sha256: str

    def describe(self) -> dict[str, Any]:
        """What a results file keeps of it."""
        return {
            "name": self.name,
            "revision": self.revision,
            "weights_sha256": self.weights_sha256,
            "compute_dtype": str(self.model.dtype).removeprefix("torch."),
        }

    def read(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        settings: ReadingSettings | None = None,
        *,
        batch_tokens: int | None = None,
        show_progress: bool = False,
    ) -> list[list[Span]]:
        """Look for the answer to each question in its passage.

        Args:
            questions: the questions.
            passages: of each question a passage of any length.
            settings: how to read.
            batch_tokens: padded tokens of a batch; by default what suits the device.
            show_progress: show a progress bar.

        Returns:
            Of each pair the best spans, best first; none where the passage has no token.

        Raises:
            InputError: settings that do not fit the reader, or scores that are not finite.

        Example:
            >>> reader = load_reader("deepset/xlm-roberta-base-squad2")  # doctest: +SKIP
            >>> reader.read(["Wo liegt Quito?"], ["Quito liegt in Ecuador."])[0][0].text  # doctest: +SKIP
            'in Ecuador'
        """
        settings = settings or ReadingSettings()
        settings.check()
        settings.windows.check(self.tokenizer)
        if batch_tokens is None:
            batch_tokens = CPU_BATCH_TOKENS if self.model.device.type == "cpu" else GPU_BATCH_TOKENS
        found: list[list[Span]] = []
        with tqdm(total=len(questions), desc="Reading", unit="passage", disable=not show_progress) as bar:
            for start in range(0, len(questions), PAIRS_AT_ONCE):
                part = slice(start, start + PAIRS_AT_ONCE)
                found += self._read(questions[part], passages[part], settings, batch_tokens, bar.update)
        return found

    def _read(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        settings: ReadingSettings,
        batch_tokens: int,
        progress: Callable[[int], object],
    ) -> list[list[Span]]:
        windows = cut_windows(self.tokenizer, questions, passages, settings.windows)
        spans: list[WindowSpans | None] = [None] * len(windows)
        waiting = np.bincount([window.pair for window in windows], minlength=len(questions))
        for rows in batches_of(np.array([len(window) for window in windows]), batch_tokens, max_batch_size=1024):
            batch = [windows[row] for row in rows]
            for row, found in zip(rows, self._spans(batch, settings), strict=True):
                spans[row] = found
                waiting[windows[row].pair] -= 1
                progress(int(waiting[windows[row].pair] == 0))
        of_pair: list[list[tuple[Window, WindowSpans]]] = [[] for _ in questions]
        for window, of_window in zip(windows, spans, strict=True):
            of_pair[window.pair].append((window, of_window))
        return [
            spans_of_passage(passage, parts, settings.n_best) for passage, parts in zip(passages, of_pair, strict=True)
        ]

    def _spans(self, windows: list[Window], settings: ReadingSettings) -> list[WindowSpans]:
        inputs = padded(windows, self.tokenizer.pad_token_id or 0, self.model.device)
        with torch.inference_mode():
            output = self.model(**inputs)
        starts, ends = output.start_logits, output.end_logits
        if not bool(torch.isfinite(starts).all() & torch.isfinite(ends).all()):
            raise InputError(
                f"reader {self.name}: scores are not finite; check its weights, or read in float32 (--compute_dtype)"
            )
        return best_spans_of_windows(starts, ends, windows, settings.n_best, settings.max_answer_tokens)


def load_reader(
    name: str, revision: str | None = None, device: str | None = None, compute_dtype: str = "float32"
) -> Reader:
    """Load a reader: a folder or a Hub name of a model for extractive question answering.

    Weights are read from safetensors only, and no code of the checkpoint is run.

    Args:
        name: local directory or Hub name.
        revision: branch, tag or commit of a Hub model.
        device: ``cpu``, ``cuda``, ...; by default a GPU where there is one.
        compute_dtype: what it computes in: ``float32``, ``float16``, ``bfloat16`` or ``auto``.

    Raises:
        InputError: it cannot be found or loaded, or is no reader but an encoder alone.
    """
    check_compute_dtype(compute_dtype)
    folder = find_checkpoint(name, revision, argument="reader")
    model, missing = load_qa_model(folder, name, torch.float32)
    if missing:
        raise InputError(
            f"reader: {name} has no weights for {', '.join(missing)}, so it has not learned to find answers; train it "
            f"with `hf-hybrid train-reader {name}`, or name a model for extractive question answering"
        )
    digest = model_sha256(model)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model = model.to(place).eval()
    cast_weights(model, choose_compute_dtype(compute_dtype, place))
    return Reader(name, model, load_qa_tokenizer(folder, name), snapshot_commit(folder), digest)


def load_qa_model(folder: Path, name: str, dtype: torch.dtype) -> tuple[PreTrainedModel, list[str]]:
    """A model for extractive question answering from a checkpoint, and the names of weights that it lacks and that are
    random now: those of the last layer, where it is an encoder.

    Raises:
        InputError: it cannot be loaded, or has pickled weights only.
    """
    from transformers import AutoModelForQuestionAnswering
    from transformers.utils import logging as transformers_logging

    refuse_unsafe_weights(folder, name)
    verbosity = transformers_logging.get_verbosity()
    # Its report of weights that are missing is what the caller says in a line, or what is wanted.
    transformers_logging.set_verbosity_error()
    try:
        model, report = AutoModelForQuestionAnswering.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, output_loading_info=True, dtype=dtype
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise InputError(
            f"cannot load {name} for question answering ({first_line(error)}); give a transformer that "
            "`AutoModelForQuestionAnswering` loads, stored as safetensors"
        ) from error
    finally:
        transformers_logging.set_verbosity(verbosity)
    return model, sorted(report["missing_keys"])


def load_qa_tokenizer(folder: Path, name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a reader.

    Raises:
        InputError: it cannot be loaded, or is not a fast one.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"cannot load the tokenizer of {name} ({first_line(error)})") from error
    if not tokenizer.is_fast:
        raise InputError(f"{name} has no fast tokenizer, which knows the characters of each token; choose another")
    return tokenizer


def padded(windows: Sequence[Window], pad: int, device: torch.device | str = "cpu") -> dict[str, torch.Tensor]:
    """The inputs of a batch of windows, filled to the longest, with ``attention_mask``: int64 ``[B, T]`` each."""
    length = max(len(window) for window in windows)
    fillings = {**dict.fromkeys(windows[0].inputs, 0), "input_ids": pad}
    inputs = {
        name: torch.tensor([_filled(window.inputs[name], length, filling) for window in windows])
        for name, filling in fillings.items()
    }
    mask = torch.tensor([_filled([1] * len(window), length, 0) for window in windows])
    return {name: value.to(device) for name, value in {**inputs, "attention_mask": mask}.items()}


def _filled(values: list[int], length: int, filling: int) -> list[int]:
    return values + [filling] * (length - len(values))
