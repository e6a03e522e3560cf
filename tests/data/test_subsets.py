"""Nested parts of a training set: exactly nested, exactly as many in every language, whatever the rows' order."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.arguments import DataArguments
from hf_hybrid.data.pairs import ParallelPairs, embedded_dataset_path
from hf_hybrid.data.subsets import nested_examples
from hf_hybrid.errors import InputError
from hf_hybrid.train import load_split


def keys(pairs: ParallelPairs) -> set[tuple[str, str]]:
    return {
        (pairs.example_ids[e], pairs.languages[x])
        for e, x in zip(pairs.example_of_row, pairs.language_of_row, strict=True)
    }


def ragged(seed: int) -> list[dict[str, str]]:
    """Examples of which each language has its own part."""
    generator = np.random.default_rng(seed)
    return [
        {"id": f"e{number}", "lang": lang, "query": f"q {number} {lang}", "passage": f"p {number} {lang}"}
        for number in range(40)
        for lang in ("de", "en", "th")
        if lang == "en" or generator.random() < 0.6
    ]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.integers(1, 30), st.integers(1, 30))
def test_a_smaller_part_lies_in_a_larger_one(seed, one, other):
    pairs = ParallelPairs(Dataset.from_list(ragged(seed)))
    small, large = (nested_examples(pairs, count) for count in sorted((one, other)))
    assert keys(small) <= keys(large) <= keys(pairs)
    for lang in ("de", "en", "th"):
        there = pairs.cell_size(lang, lang)
        assert small.cell_size(lang, lang) == min(min(one, other), there)
        assert large.cell_size(lang, lang) == min(max(one, other), there)


def test_the_order_of_rows_and_other_examples_do_not_matter():
    rows = ragged(3)
    first = nested_examples(ParallelPairs(Dataset.from_list(rows)), 7)
    shuffled = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    assert keys(nested_examples(ParallelPairs(Dataset.from_list(shuffled)), 7)) == keys(first)
    assert keys(nested_examples(ParallelPairs(Dataset.from_list(rows)), 7, seed=1)) != keys(first)
    # The examples of a language are the first of one order: those of th are en's, but for those that th lacks.
    only = [row for row in rows if row["lang"] == "th"]
    alone = nested_examples(ParallelPairs(Dataset.from_list(only)), 7)
    assert keys(alone) == {key for key in keys(first) if key[1] == "th"}


def test_enough_is_everything_and_none_is_refused():
    pairs = ParallelPairs(Dataset.from_list(ragged(1)))
    assert nested_examples(pairs, 40) is pairs
    with pytest.raises(InputError, match="max_train_examples: 0 is below 1"):
        nested_examples(pairs, 0)
    with pytest.raises(InputError, match="max_train_examples: 0 is below 1"):
        DataArguments(max_train_examples=0)


def test_training_takes_it_and_evaluation_does_not():
    args = DataArguments(dataset_name_or_path=embedded_dataset_path(), languages=["de", "th"], max_train_examples=50)
    assert load_split(args, "train").cell_size("de", "de") == 50
    assert load_split(args, "dev").cell_size("de", "de") > 50
