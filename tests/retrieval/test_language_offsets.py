"""What a language adds, subtracted: by hand, and as invariants."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.language_offsets import language_means, offsets_for, relative_language_vectors, subtract


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.integers(1, 4))
def test_without_their_means_languages_have_none(seed, number):
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(20, 5, generator=generator, dtype=torch.float64)
    languages = np.random.default_rng(seed).integers(0, number, 20)
    moved = subtract(vectors, languages, language_means(vectors, languages, number), unit=False)
    again = language_means(moved, languages, number)
    torch.testing.assert_close(again, torch.zeros_like(again), atol=1e-12, rtol=0)
    unit = subtract(vectors, languages, torch.zeros(number, 5, dtype=torch.float64))
    torch.testing.assert_close(unit, torch.nn.functional.normalize(vectors, dim=1))


def test_a_language_that_adds_the_same_to_every_text_is_undone():
    """Texts of one meaning and a language's offset: Shift's vectors are the offsets, less that of the source."""
    generator = torch.Generator().manual_seed(1)
    meaning, offset = torch.randn(6, 4, generator=generator), torch.randn(3, 4, generator=generator)
    examples, languages = np.tile(np.arange(6), 3), np.repeat(np.arange(3), 6)
    vectors = meaning[examples] + offset[languages]
    # One language lacks an example: only pairs count.
    kept = np.arange(18) != 13
    found = relative_language_vectors(vectors[kept], examples[kept], languages[kept], ("de", "en", "th"), "en")
    for code, tag in enumerate(("de", "en", "th")):
        torch.testing.assert_close(found[tag], offset[code] - offset[1], atol=1e-5, rtol=0)
    moved = subtract(vectors, languages, offsets_for(found, ("de", "en", "th")), unit=False)
    torch.testing.assert_close(moved[:6], moved[12:], atol=1e-5, rtol=0)


def test_what_the_parallel_text_lacks_is_named():
    vectors, examples, languages = torch.zeros(2, 2), np.array([0, 1]), np.array([0, 1])
    with pytest.raises(InputError, match="no language 'fr' to start from; it has de, en"):
        relative_language_vectors(vectors, examples, languages, ("de", "en"), "fr")
    found = relative_language_vectors(vectors, examples, languages, ("de", "en"), "en")
    assert list(found) == ["en"]
    with pytest.raises(InputError, match="no pair of 'de' with the source language"):
        offsets_for(found, ("en", "de"))
