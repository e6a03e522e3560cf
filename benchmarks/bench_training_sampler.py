"""`sampler`: rows a second from the plan or sampler to the collated batch, without a model.

Ours: plan, sampler, gather of token ids, collator, through the trainer's own loader. The other: what its users write
for the same mixture, one data set per language and one per ordered pair of languages (as many rows of both kinds), its
proportional sampler over its no-duplicates sampler (by text, or by hashes), and its collator, which tokenises, with 0
and 2 workers. What is done once (indexing, tokenising, hashing) is timed apart.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bench_training_common import interleaved, print_table, summary
from bench_training_data import SYNTHETIC_LANGUAGES, encoder, length_quantiles, parallel_pairs, texts_of
from bench_training_runs import Work, ours, run
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from torch.utils.data import DataLoader

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.encoders.prompts import prompt_texts
from hf_hybrid.training.trainer import HybridTrainer

GOAL = 10.0
TOKENIZER_ROWS = 20_000
OTHERS = {
    "sentence-transformers, default": {"batch_sampler": "no_duplicates", "workers": 0},
    "sentence-transformers, 2 workers": {"batch_sampler": "no_duplicates", "workers": 2},
    "sentence-transformers, hashed": {"batch_sampler": "no_duplicates_hashed", "workers": 0},
    "sentence-transformers, hashed, 2 workers": {"batch_sampler": "no_duplicates_hashed", "workers": 2},
}


def add_arguments(parser: ArgumentParser) -> None:
    """Flags of `sampler`."""
    parser.add_argument("--examples", type=int, default=200_000)
    parser.add_argument("--languages", nargs="+", default=SYNTHETIC_LANGUAGES)
    parser.add_argument("--batch_size", type=int, default=100)
    parser.add_argument("--batches", type=int, default=300, help="timed batches of a repeat")
    parser.add_argument("--warmup", type=int, default=20, help="batches before them")
    parser.add_argument("--vocab_size", type=int, default=32_000)
    parser.add_argument("--layers", type=int, default=4, help="layers of the encoder whose step is the measure")
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--step_count", type=int, default=5, help="timed steps of that encoder")


def main(arguments: Namespace) -> dict[str, Any]:
    """Time our loader and the other's, and what each does once."""
    once: dict[str, float] = {}
    with timed(once, "write the renditions"):
        data = parallel_pairs(arguments.examples, arguments.languages)
    pairs = data.pairs
    sizes = {"vocab_size": arguments.vocab_size, "num_hidden_layers": arguments.layers, "dropout": 0.0}
    sizes |= {"hidden_size": arguments.dimension, "intermediate_size": 4 * arguments.dimension}
    model = encoder(texts_of(pairs, TOKENIZER_ROWS), data.description["sha256"], encoder="transformer", **sizes)
    with timed(once, "ours: index the renditions"):
        pairs = ParallelPairs(pairs.dataset)
    with timed(once, "ours: tokenise once, plan"):
        trainer = HybridTrainer(model, our_arguments(arguments), pairs)
    with timed(once, "sentence-transformers: one data set per language and pair"):
        sets = one_set_per_pair(pairs, prompt_texts(model))
    loaders: dict[str, DataLoader] = {"ours": trainer.get_train_dataloader()}
    for name, settings in OTHERS.items():
        loaders[name] = their_loader(model, sets, arguments, **settings)
        if "hashed" in settings["batch_sampler"]:
            with timed(once, f"{name}: hash every text"):
                build_hashes(loaders[name])
    check_tokens(trainer, loaders["sentence-transformers, default"], prompt_texts(model))
    variants = {name: partial(seconds_per_batch, loader, arguments) for name, loader in loaders.items()}
    times = interleaved(variants, arguments.repeats)
    step = step_seconds(pairs, model, arguments)
    return report(times, once, step, arguments) | {
        **data.description,
        "tokens": {side: length_quantiles(trainer.train_dataset.lengths(side)) for side in ("query", "passage")},
        "other's rows": sum(len(part) for part in sets.values()),
        "other's data sets": len(sets),
    }


def report(times: dict[str, list[float]], once: dict[str, float], step: float, arguments: Namespace) -> dict[str, Any]:
    """Print rows a second, their ratios and our share of a step."""
    found = {name: summary([arguments.batch_size / each for each in of]) for name, of in times.items()}
    own = found["ours"]["median"]
    print(f"rows a second, batches of {arguments.batch_size}; goal {GOAL} times the other's")
    rows: list[list[object]] = [["", "rows/s", "min", "max", "ours is times"]]
    rows += [[name, *rate.values(), own / rate["median"]] for name, rate in found.items()]
    print_table(rows)
    share = summary(times["ours"])["median"] / step
    print(f"share of a step of our encoder ({step * 1e3:,.1f} ms): {share:.2%}; goal under 1 %")
    print_table([["once", "s"], *([name, value] for name, value in once.items())])
    return {"goal": GOAL, "rows_per_second": found, "step_seconds": step, "share_of_step": share, "once_seconds": once}


class timed:
    """Adds the seconds of a block to a dictionary."""

    def __init__(self, into: dict[str, float], name: str):
        self.into, self.name = into, name

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.into[self.name] = time.perf_counter() - self.started


def our_arguments(arguments: Namespace) -> HybridTrainingArguments:
    return HybridTrainingArguments(
        tempfile.mkdtemp(prefix="bench_"),
        arm="hybrid",
        global_batch_size=arguments.batch_size,
        distinct_passages=True,
        report_to=[],
        use_cpu=True,
    )


def one_set_per_pair(pairs: ParallelPairs, prompts: tuple[str, str]) -> DatasetDict:
    """A data set of every language, and one of every ordered pair; as many rows within languages as across them.

    Prompts are part of the texts: as an argument they would have every row pass through a function of the data set.
    """
    languages = pairs.languages
    rng = np.random.default_rng(0)
    per_pair = max(1, pairs.num_examples // max(1, len(languages) - 1))
    columns = {
        side: pc.binary_join_element_wise(prompt, pairs.dataset.data.column(side), "").combine_chunks()
        for side, prompt in zip(("query", "passage"), prompts, strict=True)
    }
    sets = {}
    for a, b in itertools.product(range(len(languages)), repeat=2):
        examples = rng.permutation(pairs.num_examples)[: pairs.num_examples if a == b else per_pair]
        rows = {"query": pairs.query_row[examples, a], "passage": pairs.passage_row[examples, b]}
        table = pa.table({side: columns[side].take(rows[side]) for side in columns})
        sets[f"{languages[a]}-{languages[b]}"] = Dataset(table)
    return DatasetDict(sets)


def their_loader(
    model: SentenceTransformer, sets: DatasetDict, arguments: Namespace, batch_sampler: str, workers: int
) -> DataLoader:
    """The loader that its trainer makes."""
    training = SentenceTransformerTrainingArguments(
        tempfile.mkdtemp(prefix="bench_"),
        per_device_train_batch_size=arguments.batch_size,
        batch_sampler=batch_sampler,
        multi_dataset_batch_sampler="proportional",
        dataloader_num_workers=workers,
        dataloader_drop_last=True,
        report_to=[],
        use_cpu=True,
    )
    return SentenceTransformerTrainer(model, training, sets).get_train_dataloader()


def build_hashes(loader: DataLoader) -> None:
    """Hash now what the sampler would hash at its first batch."""
    for sampler in loader.batch_sampler.batch_samplers:
        sampler._build_hashes()


def check_tokens(trainer: HybridTrainer, theirs: DataLoader, prompts: tuple[str, str]) -> None:
    """Both collators must make the same token ids of the same texts.

    Raises:
        SystemExit: They do not.
    """
    batch, dataset = trainer.plan.batch(0), trainer.train_dataset
    for side, prompt in zip(("query", "passage"), prompts, strict=True):
        rows = getattr(batch, f"{side}_rows")
        texts = trainer.plan.pairs.dataset[rows][side]
        features = theirs.collate_fn([{"text": prompt + text} for text in texts])
        ids = features["text_input_ids"][features["text_attention_mask"].bool()]
        if not np.array_equal(ids.numpy(), dataset._columns[side].take(rows).values):
            raise SystemExit(f"the token ids of the {side} side differ")


def seconds_per_batch(loader: DataLoader, arguments: Namespace) -> float:
    """Time of a batch after the warm-up."""
    batches: Iterator[Any] = iter(loader)
    for _ in range(arguments.warmup):
        next(batches)
    started = time.perf_counter()
    for _ in range(arguments.batches):
        next(batches)
    taken = (time.perf_counter() - started) / arguments.batches
    del batches
    return taken


def step_seconds(pairs: ParallelPairs, model: SentenceTransformer, arguments: Namespace) -> float:
    """A whole step of our trainer with the same batches."""
    work = Work.of(pairs, model, arguments.batch_size, 1, arguments.step_count)
    make: Callable[[Work], HybridTrainer] = ours
    return run(make, work).seconds
