"""A transformer encoder with fewer of its layers: smaller models of one family, from one checkpoint.

Embeddings, tokenizer, prompts and pooling stay. What is left is a start for training, not a finished model: whatever
comes after a layer that went never saw the states that it is given now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from hf_hybrid.encoders.text_inputs import transformers_of
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel

CHOICES = ("first", "spaced")


def kept_layers(layers: int, wanted: int, which: str = "first") -> list[int]:
    """Which of so many layers are kept: the ``first``, or evenly ``spaced`` ones, among them the last.

    Raises:
        InputError: fewer than one, more than there are, or another choice.

    Example:
        >>> kept_layers(12, 3), kept_layers(12, 3, "spaced"), kept_layers(12, 9, "spaced")
        ([0, 1, 2], [3, 7, 11], [0, 1, 3, 4, 5, 7, 8, 9, 11])
    """
    if which not in CHOICES:
        raise InputError(f"--which_layers is {which!r}: choose one of {', '.join(CHOICES)}")
    if not 1 <= wanted <= layers:
        raise InputError(f"--layers {wanted}: the encoder has {layers}; give 1 to {layers}")
    if which == "first":
        return list(range(wanted))
    return [(place + 1) * layers // wanted - 1 for place in range(wanted)]


def keep_layers(model: SentenceTransformer, wanted: int, which: str = "first") -> list[int]:
    """Keep so many layers of an encoder, in place, and say so in its configuration.

    Args:
        model: an encoder with transformers in it; each of several loses the same layers.
        wanted: how many.
        which: see `kept_layers`.

    Returns:
        The layers that are left, counted from 0.

    Raises:
        InputError: the encoder has no transformer, or one whose layers are not in one list; a wrong number.
    """
    modules = transformers_of(model)
    if not modules:
        raise InputError("--layers: a static encoder has none; leave it out")
    kept: list[int] = []
    for module in modules:
        kept = _keep(module.auto_model, wanted, which)
    return kept


def _keep(transformer: PreTrainedModel, wanted: int, which: str) -> list[int]:
    config = transformer.config
    parent, name, layers = layers_of(transformer, "--layers")
    kept = kept_layers(len(layers), wanted, which)
    if set(layers[kept[0]].state_dict()) != set(layers[0].state_dict()):
        raise InputError(
            f"--which_layers {which}: the first layer of {type(transformer).__name__} is unlike the others and has to "
            "stay; take the first ones"
        )
    setattr(parent, name, nn.ModuleList(layers[place] for place in kept))
    # Architectures that call it otherwise (DistilBERT: n_layers) know this name, too.
    config.num_hidden_layers = wanted
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[place] for place in kept]
    return kept


def layers_of(transformer: PreTrainedModel, asked_by: str) -> tuple[nn.Module, str, nn.ModuleList]:
    """The module that has the list of the layers, its name there, and the list.

    Args:
        transformer: Any encoder whose configuration says how many layers it has.
        asked_by: The flag or argument that an error names.

    Raises:
        InputError: There is no such list, or more than one.
    """
    number = getattr(transformer.config, "num_hidden_layers", None)
    found = [
        (parent, name, child)
        for parent in transformer.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == number
    ]
    if len(found) != 1:
        raise InputError(
            f"{asked_by}: {type(transformer).__name__} has {len(found)} lists of {number} layers instead of one, and "
            "which are its layers is not known; leave it out"
        )
    return found[0]
