"""How a text enters an encoder: which module reads a query or a passage, with which prompt, padded how.

Most encoders read both alike. A `Router` sends them to modules of their own, and a pooling that leaves the prompt out
has to know how long the prompt is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding

from hf_hybrid.encoders.prompts import prompt_texts
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InputLayout:
    """What makes features of token ids.

    Attributes:
        static: Ids lie end to end, with offsets, instead of row by row.
        pad_token_id: Fills short rows.
        pad_left: Rows are filled from the left.
        constants: What features hold besides their tokens, the same for all texts of a kind: names and values.
    """

    static: bool = False
    pad_token_id: int = 0
    pad_left: bool = False
    constants: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class TextInput:
    """Where queries, or passages, enter an encoder.

    Attributes:
        module: The module that reads them.
        prompt: Put before every text; "" for none.
        layout: What becomes of their token ids.
    """

    module: Transformer | StaticEmbedding
    prompt: str
    layout: InputLayout

    @property
    def is_static(self) -> bool:
        """Whether texts are bags of tokens."""
        return self.layout.static

    @property
    def max_length(self) -> int | None:
        """Longest text in tokens; None where there is no limit, or where the tokenizer knows it."""
        return None if self.is_static else self.module.max_seq_length

    @property
    def fast_tokenizer(self) -> Any:
        """The `tokenizers.Tokenizer` that cuts the texts."""
        return self.module.tokenizer if self.is_static else self.module.tokenizer.backend_tokenizer


def text_inputs(model: SentenceTransformer) -> tuple[TextInput, TextInput]:
    """Where queries and where passages enter an encoder, in this order.

    Raises:
        InputError: A module that reads texts is of an unknown kind or has no fast tokenizer or padding token.
    """
    query, passage = prompt_texts(model)
    return _text_input(model, "query", query), _text_input(model, "document", passage)


def input_modules(model: SentenceTransformer) -> list[Any]:
    """The modules that read texts: one, or with a `Router` in front one for each of its routes."""
    return list(dict.fromkeys(_first_modules(model[0])))


def transformers_of(model: SentenceTransformer) -> list[Transformer]:
    """All transformers of an encoder, in every route."""
    return [module for module in model.modules() if isinstance(module, Transformer)]


def ensure_padding(model: SentenceTransformer, name: str = "the encoder") -> None:
    """Let every transformer of an encoder have a padding token: where there is none, the end of a text serves as one.

    Padding is masked, so which token it is does not matter; GPT-2 and its like come without.

    Raises:
        InputError: The tokenizer has no end of text either.
    """
    for module in transformers_of(model):
        tokenizer = module.tokenizer
        if tokenizer is None or getattr(tokenizer, "pad_token_id", 0) is not None:
            continue
        if tokenizer.eos_token is None:
            raise InputError(
                f"model_name_or_path: the tokenizer of {name} has neither a padding token nor one for the end of a "
                "text; add a pad_token to its tokenizer_config.json"
            )
        logger.warning("%s has no padding token: %r, the end of a text, fills short rows", name, tokenizer.eos_token)
        tokenizer.pad_token = tokenizer.eos_token


def _text_input(model: SentenceTransformer, task: str, prompt: str) -> TextInput:
    module = model[0]
    routed = any(isinstance(each, Router) for each in model.modules())
    constants: dict[str, Any] = {"task": task, "modality": "text"} if routed else {}
    while isinstance(module, Router):
        module = module.sub_modules[_route(module, task)][0]
    if isinstance(module, StaticEmbedding):
        return TextInput(module, prompt, InputLayout(static=True, constants=tuple(constants.items())))
    if not isinstance(module, Transformer):
        raise InputError(
            f"{type(module).__name__}: texts enter this encoder through a module that training does not know; it "
            "knows Transformer, StaticEmbedding, and a Router to these"
        )
    if not getattr(module.tokenizer, "is_fast", False):
        raise InputError(
            f"{type(module.tokenizer).__name__}: training needs a fast tokenizer; save the encoder with its "
            "tokenizer.json"
        )
    if module.tokenizer.pad_token_id is None:
        raise InputError(f"{type(module.tokenizer).__name__}: has no padding token; set one (`ensure_padding`)")
    if prompt and any(isinstance(each, Pooling) and not each.include_prompt for each in model.modules()):
        length = module.preprocess(["a"], prompt=prompt).get("prompt_length")
        constants |= {} if length is None else {"prompt_length": int(length)}
    left = module.tokenizer.padding_side == "left"
    layout = InputLayout(False, module.tokenizer.pad_token_id, left, tuple(constants.items()))
    return TextInput(module, prompt, layout)


def _route(router: Router, task: str) -> str:
    try:
        return router._resolve_route(task=task, modality="text")
    except ValueError as error:
        raise InputError(f"Router: has no route for a {task} ({', '.join(router.sub_modules)}): {error}") from error


def _first_modules(module: Any) -> Iterator[Any]:
    if isinstance(module, Router):
        for route in module.sub_modules.values():
            yield from _first_modules(route[0])
    else:
        yield module
