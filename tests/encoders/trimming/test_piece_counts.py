"""Counts of pieces, coverage and whole texts, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from hf_hybrid.encoders.trimming import piece_counts
from hf_hybrid.encoders.trimming.piece_counts import count_pieces
from hf_hybrid.errors import InputError

BATCHES = [("en", ["a b", "b b c"]), ("de", ["a", "", "d a"]), ("en", ["c c c c"])]
#                    unk a  b  c
COUNTS = {"de": (1, [0, 2, 0, 0]), "en": (0, [0, 1, 3, 5])}


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "b": 2, "c": 3}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.enable_truncation(2)
    made.enable_padding(pad_id=3)
    return made


@pytest.mark.parametrize("block", [1, 3, 1 << 22])
def test_counts_coverage_and_whole_texts(monkeypatch, block):
    monkeypatch.setattr(piece_counts, "BLOCK", block)
    found = count_pieces(tokenizer(), BATCHES, unknown_id=0, show_progress=False)
    assert found.languages == ("de", "en")
    assert found.counts.tolist() == [COUNTS["de"][1], COUNTS["en"][1]]
    assert found.unknown.tolist() == [1, 0] and found.texts.tolist() == [2, 3]
    kept = np.array([True, True, True, False])
    np.testing.assert_allclose(found.coverage(kept), [1.0, 4 / 9])
    # German: "d a" has an unknown token; English: only "a b" has no c.
    np.testing.assert_allclose(found.whole_texts(kept), [1 / 2, 1 / 3])
    np.testing.assert_allclose(found.whole_texts(kept), [1 / 2, 1 / 3])
    assert found.table(kept)["en"] == {
        "texts": 3,
        "tokens": 9,
        "unknown": 0,
        "coverage": pytest.approx(4 / 9),
        "whole_texts": pytest.approx(1 / 3),
    }


def test_no_text_is_an_error():
    with pytest.raises(InputError, match="there is no text in these languages"):
        count_pieces(tokenizer(), [("en", [""])], 0, show_progress=False)
