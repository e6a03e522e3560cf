"""Fixtures shared by the tests: small parallel data made on the spot, no network."""

from __future__ import annotations

import os

# Before any library of the Hugging Face stack is imported: tests never ask the network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest

LANGUAGES = ("ar", "de", "en", "th")


def renditions(
    examples: int = 120, languages: tuple[str, ...] = LANGUAGES, per_passage: int = 2, **extra
) -> list[dict[str, object]]:
    """Rows of fully parallel examples; `per_passage` consecutive examples share a passage."""
    return [
        {
            "id": f"e{i}",
            "lang": lang,
            "query": f"question {i} in {lang}",
            "passage": f"passage {i // per_passage} in {lang}, answer {i}",
            "passage_id": f"p{i // per_passage}",
            **extra,
        }
        for i in range(examples)
        for lang in languages
    ]


def make_pairs(rows: list[dict[str, object]]):
    """`ParallelPairs` of rows, as a user's `datasets.Dataset` would give them."""
    from datasets import Dataset

    from hf_hybrid.data.pairs import ParallelPairs

    return ParallelPairs(Dataset.from_list(rows))


@pytest.fixture(scope="session")
def parallel_pairs():
    """120 examples in 4 languages, two examples to a passage."""
    return make_pairs(renditions())


@pytest.fixture(scope="session")
def ragged_pairs():
    """Examples of uneven languages: Thai in every second, Yoruba questions whose passage is English, two sources."""
    rows = []
    for row in renditions(600, ("de", "en", "th", "yo"), per_passage=3):
        number = int(str(row["id"])[1:])
        if row["lang"] == "th" and number % 2:
            continue
        rows.append({**row, "passage": None if row["lang"] == "yo" else row["passage"], "source": "ab"[number >= 400]})
    return make_pairs(rows)


@pytest.fixture
def unused_port() -> int:
    """A free TCP port of the loopback interface."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
