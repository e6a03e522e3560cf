"""`DataArguments`: what is trained and evaluated on."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class DataArguments:
    """Arguments that say what is trained and evaluated on.

    Parameters:
        dataset_name_or_path (`str`, *optional*):
            Renditions to train on: a Parquet/JSONL file or folder, or a Hub data set with columns id, lang, query, passage
            and optionally passage_id, source, negatives. Default: the embedded `cldr_qa`.
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
