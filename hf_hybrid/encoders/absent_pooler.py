"""Encoders without the pooler that their class would have: a saved one says so, and loads without a report of missing
weights.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sentence_transformers.base.modules import Transformer

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
    if not isinstance(model[0], Transformer) or not path.is_file():
        return
    transformer = model[0].auto_model
    takes_switch = SWITCH in inspect.signature(type(transformer).__init__).parameters
    if takes_switch and getattr(transformer, "pooler", transformer) is None:
        settings = json.loads(path.read_text(encoding="utf-8"))
        settings["model_args"] = {**settings.get("model_args", {}), SWITCH: False}
        write_bytes(path, (json.dumps(settings, indent=4) + "\n").encode(), overwrite=True)
