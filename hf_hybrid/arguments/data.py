"""`DataArguments`: what is trained and evaluated on."""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import wanted_languages


@dataclass
class DataArguments:
    """Arguments that say what is trained and evaluated on.

    Parameters:
        dataset_name_or_path (`str`, *optional*):
            Renditions to train on: a Parquet/JSONL file or folder, or a Hub data set with columns id, lang, query,
            passage and optionally passage_id, source, negatives. Default: the embedded `cldr_qa`.
        dataset_config (`str`, *optional*):
            The data set's configuration, where it has several.
        dataset_revision (`str`, *optional*):
            Branch, tag or commit of the Hub data set.
        train_split (`str`, *optional*, defaults to `"train"`):
            Split to train on.
        eval_dataset_name_or_path (`str`, *optional*):
            Renditions for the development and test splits; default: the training data set.
        dev_split (`str`, *optional*, defaults to `"dev"`):
            Split evaluated during training and used to choose the checkpoint; `none` for none.
        test_split (`str`, *optional*, defaults to `"test"`):
            Split evaluated once before and once after training; `none` for none.
        languages (`list[str]`, *optional*):
            Train and evaluate on these languages only.
        max_eval_examples (`int`, *optional*, defaults to `300`):
            Most examples (each in all its languages) of the development and test splits.
        max_train_examples (`int`, *optional*):
            Train on so many examples of every language only; a larger number keeps those of a smaller one.
        tokenizer_texts (`list[str]`, *optional*):
            Parquet/JSONL files with a column lang and any of query, passage, text, on which an encoder from scratch
            trains its tokenizer; by default the training data.
        tokenizer_characters (`int`, *optional*):
            At most so many characters of every language for the tokenizer, so that all get pieces; by default all
            text.
    """

    dataset_name_or_path: str | None = field(
        default=None,
        metadata={
            "help": "Renditions to train on: a Parquet/JSONL file or folder, or a Hub data set with columns id, lang, "
            "query, passage and optionally passage_id, source, negatives. Default: the embedded `cldr_qa`."
        },
    )
    dataset_config: str | None = field(
        default=None, metadata={"help": "The data set's configuration, where it has several."}
    )
    dataset_revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of the Hub data set."})
    train_split: str = field(default="train", metadata={"help": "Split to train on."})
    eval_dataset_name_or_path: str | None = field(
        default=None,
        metadata={"help": "Renditions for the development and test splits; default: the training data set."},
    )
    dev_split: str = field(
        default="dev",
        metadata={"help": "Split evaluated during training and used to choose the checkpoint; `none` for none."},
    )
    test_split: str = field(
        default="test",
        metadata={"help": "Split evaluated once before and once after training; `none` for none."},
    )
    languages: list[str] | None = field(default=None, metadata={"help": "Train and evaluate on these languages only."})
    max_eval_examples: int = field(
        default=300,
        metadata={"help": "Most examples (each in all its languages) of the development and test splits."},
    )
    max_train_examples: int | None = field(
        default=None,
        metadata={
            "help": "Train on so many examples of every language only; a larger number keeps those of a smaller one."
        },
    )
    tokenizer_texts: list[str] | None = field(
        default=None,
        metadata={
            "help": "Parquet/JSONL files with a column lang and any of query, passage, text, on which an encoder from "
            "scratch trains its tokenizer; by default the training data."
        },
    )
    tokenizer_characters: int | None = field(
        default=None,
        metadata={
            "help": "At most so many characters of every language for the tokenizer, so that all get pieces; by "
            "default all text."
        },
    )

    def __post_init__(self) -> None:
        self.languages = wanted_languages(self.languages, "languages")
        if self.max_train_examples is not None and self.max_train_examples < 1:
            raise InputError(f"max_train_examples: {self.max_train_examples} is below 1; give a positive number")
        if self.tokenizer_characters is not None and self.tokenizer_characters < 1:
            raise InputError(f"tokenizer_characters: {self.tokenizer_characters} is below 1; give a positive number")
