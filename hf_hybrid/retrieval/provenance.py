"""Which encoder vectors are from: by the digest of its weights and what it is made of, since a name says little."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.base.modules import Router
from sentence_transformers.sentence_transformer.modules import Pooling

from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.retrieval.shards import Shards


# Where a model that was cast keeps the digest of the weights that it was loaded with.
_LOADED = "_hf_hybrid_weights_sha256"


def model_sha256(model: torch.nn.Module) -> str:
    """sha256 of a model's weights, by their names; of one that was cast those that it was loaded with."""
    if loaded := getattr(model, _LOADED, None):
        return loaded
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().to("cpu").contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def remember_weights(model: torch.nn.Module) -> None:
    """Keep the digest of a model's weights through a change of their type."""
    setattr(model, _LOADED, model_sha256(model))


def modules_of(model: SentenceTransformer) -> str:
    """What an encoder is made of, in the order that texts pass it, with what its weights do not tell.

    Example:
        >>> modules_of(SentenceTransformer("intfloat/multilingual-e5-small"))  # doctest: +SKIP
        'Transformer > Pooling(mean) > Normalize'
    """
    return _described(model)


def check_encoder(model: SentenceTransformer, name: str, shards: Shards) -> None:
    """Refuse to search vectors of passages with queries of another encoder, whose vectors mean something else.

    Args:
        model: the encoder of the queries.
        name: what the user calls it.
        shards: what is searched.

    Raises:
        InputError: names both encoders; or the vectors are those of queries.
    """
    made_by = shards.settings
    if made_by.kind != "passage":
        raise InputError(
            f"{shards.folder}: these vectors were encoded as {made_by.kind} and are searched as passages: encode the "
            "corpus again with --kind passage"
        )
    remedy = f"search with {made_by.model}, or encode the corpus with {name}"
    if (digest := model_sha256(model)) != made_by.weights_sha256:
        raise InputError(
            f"{shards.folder} was encoded with {_named(made_by.model, made_by.revision)} (weights "
            f"{made_by.weights_sha256[:12]}), and the queries with {name} (weights {digest[:12]}): {remedy}"
        )
    modules = modules_of(model)
    if made_by.modules is not None and made_by.modules != modules:
        raise InputError(
            f"{shards.folder} was encoded with {made_by.model} as {made_by.modules}, and the queries with {name} as "
            f"{modules}: give the same --pooling"
        )


def _named(name: str, revision: str | None) -> str:
    return name if revision is None else f"{name} at {revision}"


def _described(modules: Iterable[Any]) -> str:
    return " > ".join(map(_described_module, modules))


def _described_module(module: Any) -> str:
    name = type(module).__name__
    if isinstance(module, Router):
        return f"{name}({'; '.join(f'{route}: {_described(parts)}' for route, parts in module.sub_modules.items())})"
    if isinstance(module, Pooling):
        modes = [module.pooling_mode] if isinstance(module.pooling_mode, str) else list(module.pooling_mode)
        return f"{name}({'+'.join(modes)}{'' if module.include_prompt else ', prompt left out'})"
    return name
