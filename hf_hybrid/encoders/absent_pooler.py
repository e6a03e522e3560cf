"""Encoders without the pooler that their class would have: a saved one says so, and loads without a report of missing
weights; a copy gets one of zeros for tools that expect it.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sentence_transformers.base.modules import Transformer

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_bytes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SETTINGS, SWITCH = "sentence_bert_config.json", "add_pooling_layer"


def note_absent_pooler(model: SentenceTransformer, folder: Path) -> None:
    """Tell sentence-transformers to make no pooler when it loads this folder, where the encoder has none.

    It would be made of random numbers, which no vector passes, and reported. `AutoModel` alone still does so.

    Args:
        model: The encoder that was saved.
        folder: Where.
    """
    path = folder / SETTINGS
    if path.is_file() and has_no_pooler(model):
        settings = json.loads(path.read_text(encoding="utf-8"))
        settings["model_args"] = {**settings.get("model_args", {}), SWITCH: False}
        write_bytes(path, (json.dumps(settings, indent=4) + "\n").encode(), overwrite=True)


def has_no_pooler(model: SentenceTransformer) -> bool:
    """Whether the transformer's class would have a pooler and this one has none."""
    if not isinstance(model[0], Transformer):
        return False
    transformer = model[0].auto_model
    takes_switch = SWITCH in inspect.signature(type(transformer).__init__).parameters
    return takes_switch and getattr(transformer, "pooler", transformer) is None


def add_pooler(model: SentenceTransformer) -> None:
    """Give a transformer without a pooler one of zeros, in place: no vector passes it.

    Exporters to ONNX build the class as it is, and stop at the setting that a folder without a pooler needs.

    Raises:
        InputError: It lacks none.
    """
    if not has_no_pooler(model):
        raise InputError("--add_pooler: this encoder lacks no pooler; leave the flag out")
    transformer = model[0].auto_model
    # Of the same class with no layers below: only the pooler is wanted.
    config = type(transformer.config).from_dict({**transformer.config.to_dict(), "num_hidden_layers": 0})
    pooler = type(transformer)(config).pooler
    for weight in pooler.parameters():
        weight.data.zero_()
    transformer.pooler = pooler.to(device=transformer.device, dtype=transformer.dtype)
