"""How many tokens of a text count, in memory and in an exported copy."""

from __future__ import annotations

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from hf_hybrid.cli.main import main
from hf_hybrid.encoders.max_length import set_max_length
from hf_hybrid.errors import InputError
from tests.unusual_encoders import without_pooled_prompt

LONG = "a text of more than a few words, which an encoder may read to its end or not"


@pytest.mark.filterwarnings("ignore")
def test_a_copy_reads_as_far_as_it_is_told_to(tmp_path):
    source = tmp_path / "source"
    whole = without_pooled_prompt(source)
    set_max_length(whole, 4)
    whole.save_pretrained(str(tmp_path / "short"), create_model_card=False)
    assert main(["export", str(tmp_path / "short"), str(tmp_path / "long"), "--max_seq_length", "12"]) == 0
    short, long = (SentenceTransformer(str(tmp_path / name), device="cpu") for name in ("short", "long"))
    assert (short.max_seq_length, long.max_seq_length) == (4, 12)
    assert not np.allclose(short.encode([LONG]), long.encode([LONG]))
    set_max_length(long, 4)
    np.testing.assert_allclose(short.encode([LONG]), long.encode([LONG]), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_no_further_than_the_positions(tmp_path, capsys):
    model = without_pooled_prompt(tmp_path)
    with pytest.raises(InputError, match="max_seq_length: 100000 is above the checkpoint's limit of"):
        set_max_length(model, 100_000)
    model.save_pretrained(str(tmp_path / "model"), create_model_card=False)
    assert main(["export", str(tmp_path / "model"), str(tmp_path / "no"), "--max_seq_length", "100000"]) == 2
    assert "above the checkpoint's limit" in capsys.readouterr().err and not (tmp_path / "no").exists()
