"""One resolver of prompts: it agrees with what sentence-transformers puts before a text."""

from __future__ import annotations

import pytest
import torch

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.encoders.prompts import prompt_texts, resolve_prompt, saved_prompt
from tests.conftest import renditions


@pytest.fixture(scope="module")
def encoder():
    texts = [str(row[side]) for row in renditions() for side in ("query", "passage")]
    return build_encoder(ModelArguments(encoder="static", vocab_size=300, embedding_dimension=16), texts)


@pytest.mark.parametrize(
    ("prompts", "default", "expected"),
    [
        ({"query": "question ", "document": "text "}, None, ("question ", "text ")),
        ({"passage": "passage ", "corpus": "text "}, None, ("", "passage ")),
        ({"query": "", "document": "", "passage": "passage "}, None, ("", "")),
        ({"all": "all "}, "all", ("all ", "all ")),
        ({"query": "", "all": "all "}, "all", ("", "all ")),
        ({"other": "all "}, None, ("", "")),
    ],
)
def test_prompts_are_those_that_encoding_applies(prompts, default, expected, encoder):
    encoder.prompts, encoder.default_prompt_name = dict(prompts), default
    assert prompt_texts(encoder) == expected
    for encode, prompt in zip((encoder.encode_query, encoder.encode_document), expected, strict=True):
        applied = encode(["a question"], convert_to_tensor=True)
        assert torch.equal(applied, encoder.encode([prompt + "a question"], prompt="", convert_to_tensor=True))


def test_a_given_prompt_counts_also_when_empty(encoder):
    encoder.prompts, encoder.default_prompt_name = {"query": "question "}, None
    assert [resolve_prompt(encoder, "query", given) for given in (None, "", "other ")] == ["question ", "", "other "]
    assert resolve_prompt(encoder, "passage") is None and saved_prompt({}, "passage") is None
