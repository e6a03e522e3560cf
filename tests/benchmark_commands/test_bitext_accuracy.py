"""Accuracy on bitext: by hand, and of a released model on sentences of the mix's form."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hf_hybrid.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bitext_accuracy


def test_accuracy_is_among_what_both_languages_have():
    texts = {"de": {"a": "eins", "b": "zwei", "c": "drei"}, "en": {"c": "three", "a": "one"}}
    vectors = {"de": torch.eye(3), "en": torch.tensor([[0.0, 0.0, 1.0], [0.4, 0.9, 0.0]])}
    # `b` has no translation, so that "one" is nearest to "eins" all the same.
    assert bitext_accuracy.accuracy(texts, vectors, "de", "en") == 1.0
    assert bitext_accuracy.accuracy(texts, vectors, "en", "de") == 1.0
    vectors["en"] = torch.tensor([[0.9, 0.0, 0.1], [1.0, 0.0, 0.0]])
    assert bitext_accuracy.measure(texts, vectors, [("de", "en"), ("en", "de")]) == {
        "mean": 0.75,
        "pairs": {"de-en": 1.0, "en-de": 0.5},
    }


def test_the_command(tmp_path, monkeypatch, capsys):
    said = {"en": ["Good morning.", "The house is red.", "I am hungry."]}
    said |= {
        "de": ["Guten Morgen.", "Das Haus ist rot.", "Ich habe Hunger."],
        "es": ["Buenos días.", "Buenos días.", "Tengo hambre."],
    }
    rows = [{"id": str(n), "lang": lang, "query": text} for lang, own in said.items() for n, text in enumerate(own)]
    (tmp_path / "bitext").mkdir()
    for split in ("dev", "test"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "bitext" / f"{split}.parquet")
    output = tmp_path / "found.json"
    command = ["bitext_accuracy.py", "hybrid-xlir-static", "--mix", str(tmp_path), "--output", str(output)]
    monkeypatch.setattr("sys.argv", [*command, "--languages", "de", "en", "es"])
    assert bitext_accuracy.main() == 0
    found = json.loads(output.read_text())
    assert found["model"] == "hybrid-xlir-static" and len(found["ntrex"]["pairs"]) == 6
    assert set(found["tatoeba"]["pairs"]) == {"de-en", "en-de", "es-en", "en-es"}
    assert found["ntrex"]["pairs"]["de-en"] == found["tatoeba"]["pairs"]["de-en"] > 0.5
    assert '"tatoeba"' in capsys.readouterr().out
    with pytest.raises(InputError, match="exists"):
        bitext_accuracy.main()
    monkeypatch.setattr("sys.argv", [*command, "--overwrite", "--languages", "de", "es"])
    with pytest.raises(InputError, match="name en, too"):
        bitext_accuracy.main()
    with pytest.raises(InputError, match="no such file; build the mix"):
        bitext_accuracy.read(tmp_path / "none.parquet", ["en"])
