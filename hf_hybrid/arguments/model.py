"""`ModelArguments`: which encoder is trained."""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_hybrid.arguments.lora import LoraArguments
from hf_hybrid.errors import InputError

ENCODERS = ("auto", "transformer", "static")
POOLINGS = ("mean", "cls")
# Of the loss; evaluation and search know distances too.
SIMILARITIES = ("cosine", "dot")
DTYPES = ("float32", "bfloat16", "float16", "auto")


@dataclass
class ModelArguments(LoraArguments):
    """Arguments that say which encoder is trained, after those of `LoraArguments`, which say whether by an adapter.

    Parameters:
        model_name_or_path (`str`, *optional*):
            Hub name or local directory of a `transformers` encoder or a sentence-transformers model to start from.
        model_revision (`str`, *optional*):
            Branch, tag or commit of the Hub model; a 40-digit commit makes a run reproducible.
        encoder (`str`, *optional*, defaults to `"auto"`):
            `auto` loads `model_name_or_path`, `transformer` builds a small transformer from the sizes below, `static`
            builds a static embedding encoder (the mean of token vectors).
        pooling (`str`, *optional*):
            `mean` or `cls`; by default what the checkpoint says, else `mean`.
        similarity (`str`, *optional*):
            `cosine` or `dot`: how vectors are compared in the loss and in evaluation, stored in the model; by default
            what the checkpoint says, else `cosine`.
        max_seq_length (`int`, *optional*):
            Longest input in tokens, special tokens included; by default what the checkpoint allows, 256 for a
            transformer built from scratch, unlimited for a static encoder.
        freeze_word_table (`bool`, *optional*, defaults to `False`):
            Leave the vectors of pieces of a pretrained transformer as they are: most of a small multilingual model's
            parameters, which then need neither gradients nor a place in the optimiser. An adapter (`use_peft`) leaves
            them alone anyway.
        freeze_layers (`int`, *optional*, defaults to `0`):
            Leave so many of the lowest layers of a pretrained transformer as they are, and all that is below them: a
            step needs less arithmetic and memory. An adapter (`use_peft`) leaves all layers alone anyway.
        tokenizer_name_or_path (`str`, *optional*):
            Hub name or local directory of a tokenizer to reuse in an encoder built from scratch, instead of training
            one.
        vocab_size (`int`, *optional*, defaults to `32000`):
            Size of the Unigram vocabulary that is trained for an encoder built from scratch, special tokens included.
        tokenizer_sample (`int`, *optional*, defaults to `1000000`):
            Number of texts, drawn evenly over the training texts, that the tokenizer is trained on.
        lowercase (`bool`, *optional*, defaults to `False`):
            Whether the tokenizer that is trained lower-cases all text.
        transliterate (`list[str]`, *optional*):
            Scripts that the tokenizer that is trained spells in lower-case Latin letters (`cyrillic greek arabic
            devanagari thai`), so that names share pieces with their Latin spelling; give `lowercase` with it.
        embedding_dimension (`int`, *optional*, defaults to `256`):
            Dimension of the vectors of a static encoder.
        sif_coefficient (`float`, *optional*):
            Scale the random token vectors of a static encoder by smooth inverse frequency `a / (a + p)` with this `a`
            (Arora et al., 2017: 1e-4 to 1e-3); by default they are all of one length.
        hidden_size (`int`, *optional*, defaults to `256`):
            Width, and so the dimension of the vectors, of a transformer built from scratch.
        num_hidden_layers (`int`, *optional*, defaults to `4`):
            Number of layers of a transformer built from scratch.
        num_attention_heads (`int`, *optional*, defaults to `4`):
            Number of attention heads of a transformer built from scratch; must divide `hidden_size`.
        intermediate_size (`int`, *optional*, defaults to `1024`):
            Width of the feed-forward layers of a transformer built from scratch.
        dropout (`float`, *optional*):
            Dropout of hidden states and attention; by default what the checkpoint says, or 0.1 for a transformer built
            from scratch.
        attn_implementation (`str`, *optional*):
            Attention implementation of `transformers` (`eager`, `sdpa`, `flash_attention_2` ...); by default the
            library's choice.
        dtype (`str`, *optional*, defaults to `"float32"`):
            Data type of the weights: `float32`, `bfloat16`, `float16`, or `auto` for that of the checkpoint. Mixed
            precision (`bf16`, `fp16`) is a training argument and keeps the weights in `float32`.
        query_prompt (`str`, *optional*):
            Text put before every query; by default the checkpoint's own, else `"Query: "`. An empty string means none.
        passage_prompt (`str`, *optional*):
            Text put before every passage; by default the checkpoint's own, else `"Passage: "`. An empty string means
            none.

    Raises:
        InputError: A value is outside its choices or range.

    Example:
        >>> ModelArguments(encoder="static", embedding_dimension=128).vocab_size
        32000
    """

    model_name_or_path: str | None = field(
        default=None,
        metadata={
            "help": "Hub name or local directory of a `transformers` encoder or a sentence-transformers model to "
            "start from."
        },
    )
    model_revision: str | None = field(
        default=None,
        metadata={"help": "Branch, tag or commit of the Hub model; a 40-digit commit makes a run reproducible."},
    )
    encoder: str = field(
        default="auto",
        metadata={
            "help": "`auto` loads `model_name_or_path`, `transformer` builds a small transformer from the sizes "
            "below, `static` builds a static embedding encoder (the mean of token vectors).",
            "choices": ENCODERS,
        },
    )
    pooling: str | None = field(
        default=None,
        metadata={
            "help": "`mean` or `cls`; by default what the checkpoint says, else `mean`.",
            "choices": POOLINGS,
        },
    )
    similarity: str | None = field(
        default=None,
        metadata={
            "help": "`cosine` or `dot`: how vectors are compared in the loss and in evaluation, stored in the model; "
            "by default what the checkpoint says, else `cosine`.",
            "choices": SIMILARITIES,
        },
    )
    max_seq_length: int | None = field(
        default=None,
        metadata={
            "help": "Longest input in tokens, special tokens included; by default what the checkpoint allows, 256 for "
            "a transformer built from scratch, unlimited for a static encoder."
        },
    )
    freeze_word_table: bool = field(
        default=False,
        metadata={
            "help": "Leave the vectors of pieces of a pretrained transformer as they are: most of a small "
            "multilingual model's parameters, which then need neither gradients nor a place in the optimiser. An "
            "adapter (`use_peft`) leaves them alone anyway."
        },
    )
    freeze_layers: int = field(
        default=0,
        metadata={
            "help": "Leave so many of the lowest layers of a pretrained transformer as they are, and the word table "
            "and positions below them: with half of the layers a step needs a third less arithmetic. An adapter "
            "(`use_peft`) leaves all layers alone anyway."
        },
    )
    tokenizer_name_or_path: str | None = field(
        default=None,
        metadata={
            "help": "Hub name or local directory of a tokenizer to reuse in an encoder built from scratch, instead of "
            "training one."
        },
    )
    vocab_size: int = field(
        default=32000,
        metadata={
            "help": "Size of the Unigram vocabulary that is trained for an encoder built from scratch, special tokens "
            "included."
        },
    )
    tokenizer_sample: int = field(
        default=1_000_000,
        metadata={"help": "Number of texts, drawn evenly over the training texts, that the tokenizer is trained on."},
    )
    lowercase: bool = field(
        default=False,
        metadata={"help": "Whether the tokenizer that is trained lower-cases all text."},
    )
    transliterate: list[str] | None = field(
        default=None,
        metadata={
            "help": "Scripts that the tokenizer that is trained spells in lower-case Latin letters (`cyrillic greek "
            "arabic devanagari thai`), so that names share pieces with their Latin spelling; give `lowercase` with it."
        },
    )
    embedding_dimension: int = field(
        default=256,
        metadata={"help": "Dimension of the vectors of a static encoder."},
    )
    sif_coefficient: float | None = field(
        default=None,
        metadata={
            "help": "Scale the random token vectors of a static encoder by smooth inverse frequency `a / (a + p)` "
            "with this `a` (Arora et al., 2017: 1e-4 to 1e-3); by default they are all of one length."
        },
    )
    hidden_size: int = field(
        default=256,
        metadata={"help": "Width, and so the dimension of the vectors, of a transformer built from scratch."},
    )
    num_hidden_layers: int = field(
        default=4,
        metadata={"help": "Number of layers of a transformer built from scratch."},
    )
    num_attention_heads: int = field(
        default=4,
        metadata={"help": "Number of attention heads of a transformer built from scratch; must divide `hidden_size`."},
    )
    intermediate_size: int = field(
        default=1024,
        metadata={"help": "Width of the feed-forward layers of a transformer built from scratch."},
    )
    dropout: float | None = field(
        default=None,
        metadata={
            "help": "Dropout of hidden states and attention; by default what the checkpoint says, or 0.1 for a "
            "transformer built from scratch."
        },
    )
    attn_implementation: str | None = field(
        default=None,
        metadata={
            "help": "Attention implementation of `transformers` (`eager`, `sdpa`, `flash_attention_2` ...); by "
            "default the library's choice."
        },
    )
    dtype: str = field(
        default="float32",
        metadata={
            "help": "Data type of the weights: `float32`, `bfloat16`, `float16`, or `auto` for that of the "
            "checkpoint. Mixed precision (`bf16`, `fp16`) is a training argument and keeps the weights in `float32`.",
            "choices": DTYPES,
        },
    )
    query_prompt: str | None = field(
        default=None,
        metadata={
            "help": "Text put before every query; by default the checkpoint's own, else `Query: `. An empty string "
            "means none."
        },
    )
    passage_prompt: str | None = field(
        default=None,
        metadata={
            "help": "Text put before every passage; by default the checkpoint's own, else `Passage: `. An empty "
            "string means none."
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        # Values from YAML do not pass through argparse's `choices`, so they are checked here.
        choices_of = {"encoder": ENCODERS, "pooling": POOLINGS, "dtype": DTYPES, "similarity": SIMILARITIES}
        for name, choices in choices_of.items():
            value = getattr(self, name)
            if value not in choices and not (name in ("pooling", "similarity") and value is None):
                raise InputError(f"{name}: {value!r} is not one of {', '.join(choices)}")
        sizes = (
            "max_seq_length vocab_size tokenizer_sample embedding_dimension hidden_size num_hidden_layers "
            "num_attention_heads intermediate_size"
        )
        for name in sizes.split():
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name}: {value} is below 1; give a positive number")
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"num_attention_heads: {self.num_attention_heads} does not divide hidden_size {self.hidden_size}; "
                "change one of the two"
            )
        if self.sif_coefficient is not None and self.sif_coefficient <= 0:
            raise InputError(
                f"sif_coefficient: {self.sif_coefficient} is not above 0; leave it out for vectors of one length"
            )
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise InputError(f"dropout: {self.dropout} is outside [0, 1)")
        if self.freeze_word_table and self.encoder != "auto":
            raise InputError(
                f"freeze_word_table: encoder {self.encoder!r} starts from random vectors, which have to be trained; "
                "leave it out, or give model_name_or_path"
            )
        if self.freeze_layers < 0:
            raise InputError(f"freeze_layers: {self.freeze_layers} is below 0; give the number of lowest layers")
        if self.freeze_layers and self.encoder != "auto":
            raise InputError(
                f"freeze_layers: encoder {self.encoder!r} starts from random weights, which have to be trained; leave "
                "it out, or give model_name_or_path"
            )
        if self.use_peft and self.encoder != "auto":
            raise InputError(
                f"use_peft: an adapter needs a pretrained transformer to be added to, and encoder {self.encoder!r} "
                "starts from random weights; give model_name_or_path instead, or leave use_peft out"
            )
