"""An encoder's folder as it is published: whole, and readable by the versions of the libraries that people have.

sentence-transformers 6 and transformers 5 write names of classes that their predecessors do not know; old names are
known to both. Weights, tokens and settings are the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from hf_hybrid.encoders.absent_pooler import note_absent_pooler
from hf_hybrid.output_files import write_bytes

# In `sentence_transformers.models` of version 5, where version 6 finds them, too.
OLD_MODULES = ("Transformer", "Pooling", "Normalize", "Dense", "StaticEmbedding", "Router", "LayerNorm", "Dropout")
# Known to transformers 4, too, and the same thing.
OLD_TOKENIZER = {"TokenizersBackend": "PreTrainedTokenizerFast"}


def save_folder(model: SentenceTransformer, folder: Path) -> None:
    """Save into a folder that is new; the card is written from results files, by `hf_hybrid.publishing.cards`."""
    model.save_pretrained(str(folder), create_model_card=False)
    note_absent_pooler(model, folder)
    name_classes_as_before(folder)
    compute_in_float32(folder)
    write_tokenizer_compactly(folder)


def write_tokenizer_compactly(folder: Path) -> None:
    """Leave out the white space of `tokenizer.json`, which is half of it."""
    path = folder / "tokenizer.json"
    if path.is_file():
        content = json.dumps(_read(path), ensure_ascii=False, separators=(",", ":"))
        write_bytes(path, content.encode(), overwrite=True)


def compute_in_float32(folder: Path) -> None:
    """Let float16 weights be read as float32 where nobody asks for another type.

    transformers takes the type from the configuration. Most CPUs have no arithmetic in float16: the released
    transformer was four times slower there than in float32. `dtype="float16"` on loading still gives float16.
    """
    path = folder / "config.json"
    if path.is_file() and (settings := _read(path)).get("dtype") == "float16":
        _rewrite(path, {**settings, "dtype": "float32"})


def name_classes_as_before(folder: Path) -> None:
    """Put the names that sentence-transformers 5 and transformers 4 know where there are such names."""
    modules = folder / "modules.json"
    if modules.is_file():
        _rewrite(modules, [{**module, "type": old_name(module["type"])} for module in _read(modules)])
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.is_file() and (settings := _read(tokenizer)).get("tokenizer_class") in OLD_TOKENIZER:
        _rewrite(tokenizer, {**settings, "tokenizer_class": OLD_TOKENIZER[settings["tokenizer_class"]]})


def old_name(module: str) -> str:
    """The name of a module's class before version 6; a class that is newer, or a user's own, keeps its name.

    Example:
        >>> old_name("sentence_transformers.base.modules.normalize.Normalize")
        'sentence_transformers.models.Normalize'
        >>> old_name("my_package.Normalize")
        'my_package.Normalize'
    """
    package, _, name = module.rpartition(".")
    known = package.startswith("sentence_transformers.") and name in OLD_MODULES
    return f"sentence_transformers.models.{name}" if known else module


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _rewrite(path: Path, content: object) -> None:
    write_bytes(path, (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode(), overwrite=True)
