"""Candidates across languages: the closest text in another language, by an encoder in which translations share
tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from hf_hybrid.overlap.candidates import find_candidates
from hf_hybrid.overlap.report import report_markdown
from hf_hybrid.overlap.run import decontaminate

MEANINGS = [
    ("tower", "Turm"),
    ("river", "Fluss"),
    ("bread", "Brot"),
    ("winter", "Winterzeit"),
    ("brother", "Bruder"),
    ("lamp", "Lampe"),
]


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformer:
    """Each meaning is a direction; its words in both languages have it."""
    words = [word for pair in MEANINGS for word in pair]
    tokenizer = Tokenizer(WordLevel({"?": 0} | {word: n + 1 for n, word in enumerate(words)}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = torch.zeros(len(words) + 1, len(MEANINGS))
    for n in range(len(words)):
        weights[n + 1, n // 2] = 1
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights.numpy())], device="cpu")


def text(*meanings: int, lang: int = 0) -> str:
    return " ".join(MEANINGS[n][lang] for n in meanings for _ in range(4))


@pytest.fixture
def evaluation(write_train: Callable[..., Path]) -> Path:
    return write_train([("e1", "en", None, text(0, 1, 2)), ("e2", "de", None, text(3, 4, lang=1))], "evaluation")


def test_translations_are_candidates(
    encoder: SentenceTransformer, evaluation: Path, write_train: Callable[..., Path]
) -> None:
    train = write_train(
        [
            ("translation", "de", None, text(0, 1, 2, lang=1)),
            ("near", "de", None, text(0, 1, 5, lang=1)),
            ("same language", "en", None, text(0, 1, 2)),
            ("other", "en", None, text(5)),
            ("back", "en", "lamp", text(3, 4)),
        ]
    )
    found = find_candidates([train], {"eval": evaluation}, encoder, min_cosine=0.9, min_letters=10)
    assert [(c["id"], c["against"]["key"], c["cosine"]) for c in found] == [
        ("translation", "e1", 1.0),
        ("back", "e2", 1.0),
    ]
    wider = find_candidates([train], {"eval": evaluation}, encoder, min_cosine=0.6, min_letters=10)
    assert [c["id"] for c in wider] == ["translation", "back", "near"]
    assert [
        c["id"]
        for c in find_candidates([train], {"eval": evaluation}, encoder, min_cosine=0.6, min_letters=10, most=1)
    ] == ["translation"]


def test_short_texts_are_left_out(
    encoder: SentenceTransformer, evaluation: Path, write_train: Callable[..., Path]
) -> None:
    train = write_train([("short", "de", None, "Turm Fluss Brot")])
    assert find_candidates([train], {"eval": evaluation}, encoder, min_cosine=0.9) == []
    assert find_candidates([train], {"eval": evaluation}, encoder, min_cosine=0.9, min_letters=10)


def test_candidates_are_reported_apart_and_not_removed(
    encoder: SentenceTransformer, evaluation: Path, write_train: Callable[..., Path], tmp_path: Path
) -> None:
    train = write_train([("translation", "de", None, text(0, 1, 2, lang=1))])
    report = decontaminate(train, {"eval": evaluation}, output=tmp_path / "clean", encoder=encoder)
    assert report["hits"]["texts"] == 0 and report["removed"]["rows"] == 0
    assert [c["id"] for c in report["candidates"]] == ["translation"]
    assert "| 1.000 | translation (de, passage) | eval: e1 (en, passage) |" in report_markdown(report)
