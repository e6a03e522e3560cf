"""Encoders: a pretrained checkpoint, a small transformer from a config, or static embeddings; all are
`SentenceTransformer`s.

Every encoder ends in unit vectors or is compared by cosine, carries its query and passage prompts, and is stored as
safetensors that plain sentence-transformers loads, and plain `transformers` where it is a transformer. No code of a
checkpoint is ever run (`trust_remote_code` stays off) and no pickled weights are ever read.
"""

from __future__ import annotations

import inspect
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from transformers import AutoTokenizer, DistilBertConfig, DistilBertModel, PreTrainedTokenizerBase

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.checkpoints import find_checkpoint, load_checkpoint, saved_prompts
from hf_hybrid.encoders.frozen_parts import freeze_layers, freeze_word_table
from hf_hybrid.encoders.lora import add_lora, merge_adapter
from hf_hybrid.encoders.max_length import DEFAULT_LENGTH, set_max_length
from hf_hybrid.encoders.prompts import PROMPT_NAMES
from hf_hybrid.encoders.saved_folder import save_folder
from hf_hybrid.encoders.static import random_static_encoder, sif_factors
from hf_hybrid.encoders.text_inputs import transformers_of
from hf_hybrid.encoders.tokenizer_training import train_tokenizer
from hf_hybrid.engines.whole_weights import whole_loading
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.output_files import new_directory

logger = logging.getLogger(__name__)

QUERY_PROMPT = "Query: "
PASSAGE_PROMPT = "Passage: "
DEFAULT_DROPOUT = 0.1


@whole_loading()
def build_encoder(
    args: ModelArguments, training_texts: Iterable[str] | None = None, seed: int = 42
) -> SentenceTransformer:
    """Build the encoder that the arguments describe, on the CPU; the trainer moves it.

    Args:
        args: Which encoder, its sizes and prompts.
        training_texts: Texts to train a tokenizer on, for an encoder built from scratch without a tokenizer of its
            own; with `sif_coefficient` they are run through twice, so that an iterator will not do.
        seed: The same arguments, texts and seed give the same weights. The global generators are left as they were.

    Returns:
        A model whose `encode_query` and `encode_document` apply the prompts. Its similarity is the arguments', else
        the checkpoint's own, else the cosine.

    Raises:
        InputError: The checkpoint cannot be had or loaded, or the arguments contradict each other.

    Example:
        >>> args = ModelArguments(encoder="static", vocab_size=320, embedding_dimension=8)
        >>> encoder = build_encoder(args, training_texts=["hello world", "hallo Welt"] * 50)
        >>> encoder.encode_query(["hello"]).shape
        (1, 8)
    """
    # An empty string lets a flag unset the checkpoint of a recipe.
    name = args.model_name_or_path or None
    if args.encoder == "auto":
        model, prompts = _pretrained(args, name, seed)
    elif name is not None:
        raise InputError(
            f"model_name_or_path: {name} would be ignored by encoder {args.encoder!r}; leave it empty or set encoder "
            "to auto"
        )
    else:
        build = _transformer if args.encoder == "transformer" else _static
        model, prompts = build(args, training_texts, seed), {}
    _set_prompts(model, args, prompts)
    if args.use_peft:
        with _seeded(seed):
            add_lora(model, args)
    else:
        if args.freeze_word_table:
            freeze_word_table(model)
        if args.freeze_layers:
            freeze_layers(model, args.freeze_layers)
    if not args.use_peft and (unused := args.unused_lora_arguments()):
        logger.warning("Without use_peft, %s change nothing", ", ".join(unused))
    model.similarity_fn_name = args.similarity or model.similarity_fn_name
    logger.info("Encoder of %.1f M parameters, %d dimensions", model_parameter_count(model) / 1e6, dimension(model))
    return model


def is_static(model: SentenceTransformer) -> bool:
    """Return whether the model is the mean of token vectors: its batches are flat token ids with offsets."""
    return isinstance(model[0], StaticEmbedding)


def model_parameter_count(model: SentenceTransformer) -> int:
    """Return the number of parameters, shared ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())


def dimension(model: SentenceTransformer) -> int:
    """Return the dimension of the model's vectors."""
    return model.get_embedding_dimension()


def save_encoder(model: SentenceTransformer, directory: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Save the encoder so that either the whole directory appears or nothing does.

    `SentenceTransformer(directory)` loads it; for a transformer without a Dense module, so does
    `AutoModel.from_pretrained(directory)`, and its pooled, L2-normalised output is the same vector.

    Args:
        model: The encoder.
        directory: Where to save it.
        overwrite: Replace an existing encoder, the whole directory. Other directories are never replaced.

    Returns:
        The directory.

    Raises:
        InputError: The directory is in use.
    """
    with new_directory(directory, overwrite) as fresh:
        save_folder(model, fresh)
    return Path(directory).expanduser()


def _pretrained(
    args: ModelArguments, name: str | None, seed: int
) -> tuple[SentenceTransformer, dict[str, str | None]]:
    if name is None:
        raise InputError("model_name_or_path: encoder auto needs one; give it or set encoder to transformer or static")
    folder = find_checkpoint(name, args.model_revision)
    with _seeded(seed):
        model = load_checkpoint(folder, name, args)
    if not args.use_peft:
        # Where an adapter's folder was given: its base with it, to be trained as a whole.
        merge_adapter(model)
    if args.pooling is not None:
        set_pooling(model, args.pooling)
    set_max_length(model, args.max_seq_length)
    _freeze_unused_pooler(model)
    return model, saved_prompts(folder)


def _transformer(args: ModelArguments, texts: Iterable[str] | None, seed: int) -> SentenceTransformer:
    """Build a DistilBERT-class transformer: BERT's layers without the pooler and segment embeddings that go
    untrained.
    """
    length = args.max_seq_length or DEFAULT_LENGTH
    tokenizer = _tokenizer(args, texts, seed)
    if tokenizer.pad_token_id is None:
        raise InputError(f"tokenizer_name_or_path: {args.tokenizer_name_or_path} has no padding token; choose another")
    dropout = DEFAULT_DROPOUT if args.dropout is None else args.dropout
    config = DistilBertConfig(
        vocab_size=len(tokenizer),
        dim=args.hidden_size,
        n_layers=args.num_hidden_layers,
        n_heads=args.num_attention_heads,
        hidden_dim=args.intermediate_size,
        dropout=dropout,
        attention_dropout=dropout,
        max_position_embeddings=length,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    tokenizer.model_max_length = length
    model_kwargs = {"dtype": _dtype(args)}
    if args.attn_implementation is not None:
        model_kwargs["attn_implementation"] = args.attn_implementation
    # sentence-transformers reads a transformer only from a folder.
    with _seeded(seed), tempfile.TemporaryDirectory() as folder:
        # The model's own `save_pretrained` writes on the first rank only.
        save_file(DistilBertModel(config).state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
        config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        module = Transformer(folder, model_kwargs=model_kwargs)
    module.max_seq_length = length
    pooling = Pooling(module.get_embedding_dimension(), pooling_mode=args.pooling or "mean")
    return SentenceTransformer(modules=[module, pooling, Normalize()], device="cpu")


def _static(args: ModelArguments, texts: Iterable[str] | None, seed: int) -> SentenceTransformer:
    """Build a static encoder: unit-length mean of token vectors."""
    if args.pooling == "cls":
        raise InputError("pooling: a static encoder has no cls token; leave it out or set mean")
    tokenizer, factors = _tokenizer(args, texts, seed).backend_tokenizer, None
    if args.sif_coefficient is not None:
        if texts is None:
            raise InputError("sif_coefficient: frequencies are counted in the training texts, and there are none")
        factors = sif_factors(tokenizer, texts, args.sif_coefficient)
    with _seeded(seed):
        model = random_static_encoder(tokenizer, args.embedding_dimension, factors, _dtype(args))
    set_max_length(model, args.max_seq_length)
    return model


def _tokenizer(args: ModelArguments, texts: Iterable[str] | None, seed: int) -> PreTrainedTokenizerBase:
    if args.tokenizer_name_or_path:
        folder = find_checkpoint(args.tokenizer_name_or_path, None, argument="tokenizer_name_or_path", weights=False)
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"tokenizer_name_or_path: cannot load a tokenizer from {args.tokenizer_name_or_path} "
                f"({first_line(error)}); give a directory with tokenizer.json"
            ) from error
        if not tokenizer.is_fast:
            raise InputError(
                f"tokenizer_name_or_path: {args.tokenizer_name_or_path} is not a fast tokenizer; choose another"
            )
        return tokenizer
    if texts is None:
        raise InputError(
            f"tokenizer_name_or_path: encoder {args.encoder!r} needs a tokenizer; give one, or texts to train it on"
        )
    return train_tokenizer(
        texts,
        args.vocab_size,
        args.tokenizer_sample,
        seed=seed,
        lowercase=args.lowercase,
        transliterate=args.transliterate or (),
    )


def _set_prompts(model: SentenceTransformer, args: ModelArguments, saved: dict[str, str | None]) -> None:
    """Set the prompts: the arguments', else the checkpoint's own (an empty one is its own, too), else the paper's."""
    own_passage = next(
        (saved[name] for name in PROMPT_NAMES["passage"] if saved.get(name) is not None), PASSAGE_PROMPT
    )
    own_query = QUERY_PROMPT if saved.get("query") is None else saved["query"]
    query = own_query if args.query_prompt is None else args.query_prompt
    passage = own_passage if args.passage_prompt is None else args.passage_prompt
    # Other names of the passage prompt follow, so that a prompt called by any of them is the one that was trained.
    also = {name: passage for name in PROMPT_NAMES["passage"] if name in model.prompts}
    model.prompts = {**model.prompts, **also, "query": query, "document": passage}


def set_pooling(model: SentenceTransformer, mode: str) -> None:
    """Replace the model's pooling by `mean` or `cls`.

    Raises:
        InputError: The mode is unknown, or the model has no pooling to replace.
    """
    for index, module in enumerate(model):
        if isinstance(module, Pooling):
            try:
                model[index] = Pooling(module.embedding_dimension, pooling_mode=mode)
            except ValueError as error:
                raise InputError(f"pooling {mode!r} is not known: choose mean or cls") from error
            return
    raise InputError(f"pooling: this checkpoint has no pooling to set to {mode}; leave it out")


def _freeze_unused_pooler(model: SentenceTransformer) -> None:
    """Freeze BERT's pooler, which token embeddings do not pass: a trained parameter without gradient stops DDP.

    Taking it out (`add_pooling_layer=False`) would do as well, but every later load would report its weights as
    missing.
    """
    for module in transformers_of(model):
        if module.module_output_name != "token_embeddings":
            continue
        pooler = getattr(module.auto_model, "pooler", None)
        if (
            pooler is not None
            and "add_pooling_layer" in inspect.signature(type(module.auto_model).__init__).parameters
        ):
            pooler.requires_grad_(False)


def _dtype(args: ModelArguments) -> torch.dtype:
    return torch.float32 if args.dtype == "auto" else getattr(torch, args.dtype)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
