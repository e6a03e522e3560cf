"""Trim an encoder: which pieces stay, its word table and tokenizer cut to them, and the folder that is written."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sentence_transformers.base.modules import Transformer

from hf_hybrid.encoders.prompts import prompt_texts
from hf_hybrid.encoders.saved_folder import save_folder
from hf_hybrid.encoders.text_inputs import input_modules
from hf_hybrid.encoders.trimming.vocabulary import cut_tokenizer, new_order, required_pieces, unknown_id, vocabulary
from hf_hybrid.encoders.trimming.weights import keep_rows, padding_of_positions, special_ids
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.output_files import new_directory, write_bytes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

REPORT, PIECES = "trimming.json", "kept_pieces.npy"


class TrimmableEncoder:
    """An encoder whose vocabulary can be cut, in place.

    Args:
        model: A transformer with a fast tokenizer, Unigram or WordPiece.

    Raises:
        InputError: It is another encoder.

    Attributes:
        model: The encoder.
        tokenizer_json: Content of its `tokenizer.json`.
        pieces: The vocabulary.
        unknown_id: Of the token for what no piece spells, where there is one.
    """

    def __init__(self, model: SentenceTransformer):
        modules = input_modules(model)
        if len(modules) != 1 or not isinstance(modules[0], Transformer):
            kinds = ", ".join(type(module).__name__ for module in modules)
            raise InputError(
                f"model: only an encoder with one transformer can be trimmed; this one reads texts by {kinds}"
            )
        self.model, self._module = model, modules[0]
        tokenizer = self._module.tokenizer
        if not getattr(tokenizer, "is_fast", False):
            raise InputError(
                f"model: {type(tokenizer).__name__} is no fast tokenizer; save it with its tokenizer.json"
            )
        self.tokenizer_json: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
        self.pieces = vocabulary(self.tokenizer_json)
        named = special_ids(self._module.auto_model.config).values()
        prompts = {text for text in (*prompt_texts(model), *model.prompts.values()) if text}
        spelt = [number for text in prompts for number in tokenizer(text, add_special_tokens=False)["input_ids"]]
        ids = (*named, *spelt, *tokenizer.all_special_ids)
        self._ids = sorted({number for number in ids if number < len(self.pieces)})
        self.unknown_id = unknown_id(self.tokenizer_json)

    def required(self, seen: np.ndarray | None = None) -> np.ndarray:
        """bool `[vocabulary]`, what stays in any case: special tokens, pieces of the prompts, single characters.

        Args:
            seen: bool `[vocabulary]`, pieces of texts: only the characters of these stay then.
        """
        return required_pieces(self.tokenizer_json, self._ids, seen)

    @property
    def tokenizer(self) -> Any:
        """The `tokenizers.Tokenizer`, of its own: whoever has it may change its settings."""
        return type(self._module.tokenizer.backend_tokenizer).from_str(json.dumps(self.tokenizer_json))

    @property
    def parameters(self) -> int:
        """Number of parameters, shared ones counted once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def trim(self, kept: np.ndarray) -> np.ndarray:
        """Cut word table and tokenizer; texts all of whose pieces are kept have the same vectors as before.

        A pooler that the vectors do not pass is left out.

        Args:
            kept: bool `[vocabulary]`, with all that is required.

        Returns:
            Old ids of the pieces, in the order of their new ids.

        Raises:
            InputError: The tokenizer cannot be written so that it loads with these pieces.
        """
        transformer = self._module.auto_model
        order = new_order(kept, padding_of_positions(transformer))
        cut = cut_tokenizer(self.tokenizer_json, order)
        self._module.processor = _reloaded(self._module.tokenizer, cut)
        keep_rows(transformer, order)
        if self._module.module_output_name == "token_embeddings" and getattr(transformer, "pooler", None) is not None:
            transformer.pooler = None
        self.tokenizer_json = cut
        self.pieces = [self.pieces[old] for old in order]
        return order


def save_trimmed(
    model: SentenceTransformer,
    directory: str | Path,
    report: Mapping[str, Any],
    order: np.ndarray,
    dtype: torch.dtype = torch.float32,
    overwrite: bool = False,
) -> Path:
    """Write an encoder with `trimming.json` (the report) and `kept_pieces.npy` (old ids by the new ones), whole or not
    at all.

    Args:
        model: A trimmed encoder; it is converted in place.
        directory: Where to.
        report: What was kept and what it covers; sizes of files are added.
        order: Of `TrimmableEncoder.trim`.
        dtype: Of the stored weights.
        overwrite: Replace an encoder that is there.

    Raises:
        InputError: The directory is in use.
    """
    with new_directory(directory, overwrite) as fresh:
        save_folder(model.to(dtype), fresh)
        np.save(fresh / PIECES, order.astype(np.uint32), allow_pickle=False)
        sizes = {**report["weights_bytes"], "after": weights_bytes(fresh)}
        text = json.dumps({**report, "weights_bytes": sizes}, ensure_ascii=False, indent=1)
        write_bytes(fresh / REPORT, (text + "\n").encode())
    return Path(directory).expanduser()


def weights_bytes(folder: str | Path) -> int:
    """Bytes of the weights in a model's folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*.safetensors"))


def read_kept_pieces(path: str | Path, size: int) -> np.ndarray:
    """Pieces that a file `kept_pieces.npy` names, as bool `[size]`.

    Raises:
        InputError: It is no such file, or of another vocabulary.
    """
    try:
        ids = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"kept_pieces: cannot read {path} ({first_line(error)}); name a {PIECES}") from error
    if not isinstance(ids, np.ndarray) or ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise InputError(f"kept_pieces: {path} holds no list of whole numbers; name a {PIECES}")
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < size:
        raise InputError(f"kept_pieces: {path} has ids up to {ids.max()}, and the vocabulary {size:,} pieces")
    kept = np.zeros(size, bool)
    kept[ids.astype(np.int64)] = True
    return kept


def _reloaded(tokenizer: Any, content: Mapping[str, Any]) -> Any:
    """The tokenizer with another `tokenizer.json`, as a user loads it."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        (Path(folder) / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        path = Path(folder) / "tokenizer_config.json"
        settings = json.loads(path.read_text(encoding="utf-8"))
        # Old ids; `tokenizer.json` has the new ones.
        settings.pop("added_tokens_decoder", None)
        path.write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")
        loaded = type(tokenizer).from_pretrained(folder)
    if vocabulary(json.loads(loaded.backend_tokenizer.to_str())) != vocabulary(dict(content)):
        raise InputError(
            f"model: {type(tokenizer).__name__} does not load its cut vocabulary as written; save its tokenizer "
            "as PreTrainedTokenizerFast"
        )
    return loaded
