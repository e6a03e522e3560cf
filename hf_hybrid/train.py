"""Train a multilingual retriever with hybrid batch training (arXiv 2408.10536), and measure it before and after.

The default: a static encoder on the embedded parallel data, on a CPU, without a network, in minutes.

    accelerate launch hf_hybrid/train.py

The paper's settings on a pretrained encoder and renditions of your own (columns id, lang, query, passage):

    accelerate launch hf_hybrid/train.py --config xlmr_base --dataset_name_or_path renditions/ --output_dir runs/xlmr

A low-rank adapter instead of all weights (TRL's flags; it wants a higher learning rate):

    accelerate launch hf_hybrid/train.py --config xlmr_base --use_peft --learning_rate 3e-4 --dataset_name_or_path
    renditions/

Another arm, from the same recipe:

    accelerate launch hf_hybrid/train.py --config xlmr_base --arm x-y --dataset_name_or_path renditions/

`hf-hybrid train` is the same function.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
    # Python puts the folder of a script first, where our folders would hide modules of the same names.
    sys.path[0] = os.path.dirname(sys.path[0])

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hf_hybrid.training.stop_signal import Interrupted

if TYPE_CHECKING:
    from hf_hybrid.arguments import DataArguments, HybridTrainingArguments, ModelArguments
    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.data.pairs import ParallelPairs
    from hf_hybrid.data.tokenizer_texts import TokenizerTexts
    from hf_hybrid.losses import TrainingLoss
    from hf_hybrid.training.run_folder import RunFolder
    from hf_hybrid.training.trainer import HybridTrainer

logger = logging.getLogger(__name__)


def train(
    model_args: ModelArguments,
    data_args: DataArguments,
    training_args: HybridTrainingArguments,
    trainer_class: type[HybridTrainer] | None = None,
    loss: TrainingLoss | None = None,
) -> Path:
    """Build the encoder, train it, evaluate before and after, and save model and results.

    Args:
        model_args, data_args, training_args: As `parsing.parse_arguments` returns them.
        trainer_class: A trainer of your own, derived from `HybridTrainer`.
        loss: A loss of your own (`hf_hybrid.losses.TrainingLoss`).

    Returns:
        The folder of the trained model, `output_dir/model`; `output_dir/results.json` holds the measured values.

    Raises:
        InputError: Data, model or output directory do not fit; nothing has been written then. Or training cannot go
            on; checkpoints stay.
        Interrupted: SIGTERM came while it trained; a checkpoint to resume from is saved.
    """
    from hf_hybrid.training.run_folder import RunFolder
    from hf_hybrid.training.trainer import HybridTrainer

    run = RunFolder.open(training_args)
    try:
        _train(run, model_args, data_args, training_args, trainer_class or HybridTrainer, loss)
    finally:
        run.release()
    return run.model


def _train(
    run: RunFolder,
    model_args: ModelArguments,
    data_args: DataArguments,
    training_args: HybridTrainingArguments,
    trainer_class: type[HybridTrainer],
    loss: TrainingLoss | None,
) -> None:
    from transformers import set_seed

    from hf_hybrid.encoders.lora import merge_adapter, save_adapter
    from hf_hybrid.encoders.models import build_encoder, save_encoder
    from hf_hybrid.evaluation.evaluate import HybridEvaluator
    from hf_hybrid.training.checkpoints import explain_write_failure

    set_seed(training_args.seed)
    pairs = load_split(data_args, data_args.train_split)
    if run.last_checkpoint is not None:
        # An encoder from scratch trains its tokenizer on the data: other data would give one that no checkpoint fits.
        trainer_class.check_batches(run.last_checkpoint, pairs, training_args)
    dev, test = (load_benchmark(data_args, split) for split in (data_args.dev_split, data_args.test_split))
    model = build_encoder(model_args, tokenizer_texts(data_args, pairs), seed=training_args.seed)
    evaluator = None if dev is None else HybridEvaluator(dev, show_progress=False)
    if evaluator is None:
        training_args.eval_strategy, training_args.load_best_model_at_end = "no", False
    trainer = trainer_class(model, training_args, pairs, evaluator, **({} if loss is None else {"loss": loss}))
    trainer.settle_passes(run.last_checkpoint)
    if trainer.is_world_process_zero() and run.last_checkpoint is None:
        # A resumed run keeps those that it was begun with.
        run.write_arguments(model_args, data_args, training_args)
    if test is not None:
        run.evaluate("before", trainer.whole_encoder(), test, trainer)
    trainer.train(resume_from_checkpoint=run.last_checkpoint)
    encoder = trainer.whole_encoder()
    if trainer.is_world_process_zero():
        with explain_write_failure(run.path):
            if model_args.use_peft:
                save_adapter(encoder, run.adapter, model_args.model_name_or_path, overwrite=training_args.resume)
                merge_adapter(encoder)
            save_encoder(encoder, run.model, overwrite=training_args.resume)
    if test is not None:
        run.evaluate("results", encoder, test, trainer)
    run.report(trainer)
    # A process that ends with an open process group can be aborted by that group's threads.
    trainer.accelerator.wait_for_everyone()
    trainer.accelerator.end_training()


def load_split(data_args: DataArguments, split: str) -> ParallelPairs:
    """Renditions of a split of the training data."""
    from hf_hybrid.data.pairs import ParallelPairs, embedded_dataset_path
    from hf_hybrid.data.subsets import nested_examples

    evaluation = data_args.eval_dataset_name_or_path if split != data_args.train_split else None
    name = evaluation or data_args.dataset_name_or_path or embedded_dataset_path()
    pairs = ParallelPairs.load(
        name,
        split=split,
        config=None if evaluation else data_args.dataset_config,
        revision=None if evaluation else data_args.dataset_revision,
        languages=data_args.languages,
    )
    count = data_args.max_train_examples
    return pairs if count is None or split != data_args.train_split else nested_examples(pairs, count)


def load_benchmark(data_args: DataArguments, split: str) -> Benchmark | None:
    """A development or test split as a benchmark, or None where the split is `none`."""
    from hf_hybrid.benchmarks import Benchmark

    if split.lower() == "none":
        return None
    return Benchmark.from_pairs(load_split(data_args, split), name=split, max_examples=data_args.max_eval_examples)


def tokenizer_texts(data_args: DataArguments, pairs: ParallelPairs) -> TokenizerTexts:
    """The texts that an encoder built from scratch trains its tokenizer on."""
    from hf_hybrid.data.tokenizer_texts import TokenizerTexts, load_tokenizer_texts

    limit = data_args.tokenizer_characters
    if data_args.tokenizer_texts:
        return load_tokenizer_texts(data_args.tokenizer_texts, data_args.languages, limit)
    return TokenizerTexts([pairs.dataset], characters=limit)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and train; returns the exit status."""
    from hf_hybrid.errors import run_command

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("hf_hybrid").setLevel(logging.INFO)
    try:
        return run_command(lambda: _command(argv))
    except Interrupted as stop:
        return stop.code


def _command(argv: Sequence[str] | None) -> Path:
    from hf_hybrid.arguments.parsing import parse_arguments
    from hf_hybrid.engines.allocator import keep_large_blocks

    model_args, data_args, training_args = parse_arguments(argv)
    if training_args.device.type == "cpu":
        keep_large_blocks()
    return train(model_args, data_args, training_args)


if __name__ == "__main__":
    sys.exit(main())
