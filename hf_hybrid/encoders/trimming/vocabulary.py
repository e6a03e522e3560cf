"""The vocabulary of a fast tokenizer, Unigram or WordPiece, by its `tokenizer.json`: what has to stay, and the cut."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError

KINDS = ("Unigram", "WordPiece")
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


def vocabulary(tokenizer: dict[str, Any]) -> list[str]:
    """The pieces by their ids, added tokens included.

    Args:
        tokenizer: Content of a `tokenizer.json`.

    Raises:
        InputError: The tokenizer is of another kind.

    Example:
        >>> vocabulary({"model": {"type": "WordPiece", "vocab": {"b": 1, "a": 0}}, "added_tokens": []})
        ['a', 'b']
    """
    model = tokenizer["model"]
    kind = model.get("type")
    if kind not in KINDS:
        raise InputError(
            f"model: its tokenizer is of the kind {kind}; only those of the kinds {' and '.join(KINDS)} can be trimmed"
        )
    pieces = dict(enumerate(piece for piece, _ in model["vocab"])) if kind == "Unigram" else _by_id(model["vocab"])
    pieces |= {token["id"]: token["content"] for token in tokenizer.get("added_tokens", [])}
    if sorted(pieces) != list(range(len(pieces))):
        raise InputError("model: its tokenizer leaves out some ids; it cannot be trimmed")
    return [pieces[number] for number in range(len(pieces))]


def unknown_id(tokenizer: dict[str, Any]) -> int | None:
    """Id of the token for what no piece spells."""
    model = tokenizer["model"]
    return model.get("unk_id") if model["type"] == "Unigram" else model["vocab"].get(model.get("unk_token"))


def required_pieces(tokenizer: dict[str, Any], ids: Iterable[int] = (), seen: np.ndarray | None = None) -> np.ndarray:
    """What stays whatever the texts are: added and special tokens, single characters, bytes; and `ids`.

    A single character is also kept as the continuation of a word (`##a`). The least likely piece of a Unigram model
    stays, too: the penalty for what is unknown is measured from it.

    Args:
        tokenizer: Content of a `tokenizer.json`.
        ids: Further pieces.
        seen: bool `[vocabulary]`, pieces of some texts: only their characters stay then.

    Returns:
        bool `[vocabulary]`.

    Example:
        >>> model = {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##a": 2, "aa": 3}, "unk_token": "[UNK]"}
        >>> required_pieces({"model": model, "added_tokens": []}).tolist()
        [True, True, True, False]
    """
    model = tokenizer["model"]
    prefix = model.get("continuing_subword_prefix", "##") if model["type"] == "WordPiece" else ""
    pieces = vocabulary(tokenizer)
    singles = np.array([len(piece.removeprefix(prefix)) == 1 for piece in pieces])
    if seen is not None:
        spelt = {character for number in np.flatnonzero(seen) for character in pieces[number].removeprefix(prefix)}
        singles &= np.array([piece.removeprefix(prefix) in spelt for piece in pieces])
    required = singles | np.array([bool(_BYTE.fullmatch(piece)) for piece in pieces])
    required[[token["id"] for token in tokenizer.get("added_tokens", [])]] = True
    required[[*_template_ids(tokenizer), *ids]] = True
    if (unknown := unknown_id(tokenizer)) is not None:
        required[unknown] = True
    if model["type"] == "Unigram":
        required[min(range(len(model["vocab"])), key=lambda number: model["vocab"][number][1])] = True
    return required


def new_order(kept: np.ndarray, padding: int | None) -> np.ndarray:
    """Old ids of the kept pieces, in the order of their new ids: as before, and padding keeps its id.

    RoBERTa counts positions from the padding's id on, so that another one would shift them all.

    Args:
        kept: bool `[vocabulary]`.
        padding: Id of the padding token; it is kept.

    Raises:
        InputError: Padding has an id that is too high for the vocabulary that is left.

    Example:
        >>> new_order(np.array([False, True, False, True, True]), padding=1).tolist()
        [3, 1, 4]
    """
    order = np.flatnonzero(kept)
    if padding is None:
        return order
    order = order[order != padding]
    if padding > len(order):
        raise InputError(f"pieces: padding has the id {padding}, which is to stay; keep more than {padding} pieces")
    return np.insert(order, padding, padding)


def cut_tokenizer(tokenizer: dict[str, Any], order: np.ndarray) -> dict[str, Any]:
    """The content of a `tokenizer.json` with the pieces of `order` only, under their new ids.

    Args:
        tokenizer: Of the whole vocabulary; it is left as it is.
        order: Old ids in the order of the new ones; see `new_order`.
    """
    new = {int(old): number for number, old in enumerate(order)}
    model = dict(tokenizer["model"])
    if model["type"] == "Unigram":
        size = len(model["vocab"])
        model["vocab"] = [model["vocab"][old] for old in order if old < size]
        if any(old >= size for old in order[: len(model["vocab"])]):
            raise InputError("model: an added token would come before a piece; the tokenizer cannot be trimmed")
        if model.get("unk_id") is not None:
            model["unk_id"] = new[model["unk_id"]]
    else:
        model["vocab"] = {
            piece: new[old] for piece, old in sorted(model["vocab"].items(), key=lambda item: item[1]) if old in new
        }
    cut = {**tokenizer, "model": model}
    cut["added_tokens"] = sorted(
        ({**token, "id": new[token["id"]]} for token in tokenizer.get("added_tokens", [])),
        key=lambda token: token["id"],
    )
    if tokenizer.get("padding"):
        cut["padding"] = {**tokenizer["padding"], "pad_id": new[tokenizer["padding"]["pad_id"]]}
    if tokenizer.get("post_processor"):
        cut["post_processor"] = _renumbered(tokenizer["post_processor"], new)
    return cut


def _by_id(vocab: dict[str, int]) -> dict[int, str]:
    return {number: piece for piece, number in vocab.items()}


def _template_ids(tokenizer: dict[str, Any]) -> list[int]:
    found: list[int] = []
    if tokenizer.get("post_processor"):
        _renumbered(tokenizer["post_processor"], _Recorder(found))
    return found


class _Recorder(dict):
    """Takes every id for itself, and notes it."""

    def __init__(self, found: list[int]):
        super().__init__()
        self._found = found

    def __missing__(self, number: int) -> int:
        self._found.append(number)
        return number


def _renumbered(processor: dict[str, Any], new: dict[int, int]) -> dict[str, Any]:
    """A post-processor that puts special tokens around a text, under their new ids."""
    changed = dict(processor)
    if processor["type"] == "Sequence":
        changed["processors"] = [_renumbered(each, new) for each in processor["processors"]]
    elif processor["type"] == "TemplateProcessing":
        changed["special_tokens"] = {
            name: {**token, "ids": [new[number] for number in token["ids"]]}
            for name, token in processor["special_tokens"].items()
        }
    else:
        for side in ("sep", "cls"):
            if side in processor:
                piece, number = processor[side]
                changed[side] = [piece, new[number]]
    return changed
