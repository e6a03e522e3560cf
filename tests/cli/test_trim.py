"""`hf-hybrid trim`: coverage is kept, printed and written; the same pieces again; flags that do not go together."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import XLMRobertaConfig, XLMRobertaModel

from hf_hybrid.cli.main import main
from hf_hybrid.encoders.tokenizer_training import train_tokenizer

GERMAN = [f"der {a} und der {b}" for a in ("Fluss", "Berg", "Wald", "Bahnhof") for b in ("See", "Turm", "Markt")]
ENGLISH = [f"the {a} and the {b}" for a in ("river", "mountain", "forest", "station") for b in ("lake", "tower")]
RUSSIAN = [f"{a} и {b}" for a in ("река", "гора", "лес", "вокзал") for b in ("озеро", "башня", "рынок")]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer((GERMAN + ENGLISH + RUSSIAN) * 3, vocab_size=400, max_length=30)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=32,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("texts")
    rows = [{"lang": lang, "text": text} for lang, own in (("de", GERMAN), ("en", ENGLISH)) for text in own]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "ru.txt").write_text("\n".join(RUSSIAN))
    return [str(folder / "rows.jsonl"), f"ru={folder / 'ru.txt'}"]


def run(checkpoint, output, *flags) -> int:
    return main(["trim", checkpoint, "--output", str(output), "--quiet", *flags])


def test_coverage_of_every_language_is_kept_printed_and_written(checkpoint, texts, tmp_path, capsys):
    assert run(checkpoint, tmp_path / "a", "--texts", *texts, "--languages", "de", "en", "--coverage", "0.9") == 0
    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "a" / "trimming.json").read_text())
    assert set(report["languages"]) == {"de", "en"}
    for language, row in report["languages"].items():
        assert 0.9 <= row["coverage"] < 1 and f"\n{language} " in printed and f"{row['coverage']:.3%}" in printed
    assert report["pieces"]["after"] < report["pieces"]["before"]
    assert f"{report['parameters']['before']:,} -> {report['parameters']['after']:,}" in printed
    small = SentenceTransformer(str(tmp_path / "a"), device="cpu")
    assert sum(each.numel() for each in small.parameters()) == report["parameters"]["after"]


def test_all_texts_are_whole_at_full_coverage_and_vectors_are_the_same(checkpoint, texts, tmp_path):
    assert run(checkpoint, tmp_path / "a", "--texts", *texts, "--languages", "en", "ru", "--coverage", "1") == 0
    report = json.loads((tmp_path / "a" / "trimming.json").read_text())
    assert all(row["whole_texts"] == row["coverage"] == 1 for row in report["languages"].values())
    assert report["same_vectors"]["texts"] == len(ENGLISH) + len(RUSSIAN)
    assert report["same_vectors"]["greatest_difference"] <= 1e-6
    whole, small = (SentenceTransformer(path, device="cpu") for path in (checkpoint, str(tmp_path / "a")))
    unit = whole.encode(ENGLISH + RUSSIAN, normalize_embeddings=True)
    np.testing.assert_allclose(small.encode(ENGLISH + RUSSIAN), unit, atol=1e-6)


def test_kept_pieces_make_the_same_model_without_the_texts(checkpoint, texts, tmp_path):
    flags = ("--single_characters", "texts", "--dtype", "float16")
    assert run(checkpoint, tmp_path / "a", "--texts", *texts, "--pieces", "312", *flags) == 0
    kept = str(tmp_path / "a" / "kept_pieces.npy")
    assert len(np.load(kept)) == 312
    assert run(checkpoint, tmp_path / "b", "--kept_pieces", kept, "--dtype", "float16") == 0
    for name in ("model.safetensors", "tokenizer.json", "kept_pieces.npy", "config.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_flags_that_do_not_go_together_are_refused(checkpoint, texts, tmp_path, capsys):
    for flags, said in {
        ("--texts", texts[0]): "give one of --coverage, --pieces and --kept_pieces; none is given",
        ("--texts", texts[0], "--pieces", "9", "--coverage", "0.9"): "--coverage and --pieces is given",
        ("--pieces", "9"): "--pieces needs texts to count: give --texts FILE",
        ("--texts", texts[0], "--coverage", "99"): "--coverage is 99.0: give a share above 0 and at most 1",
        ("--texts", texts[0], "--pieces", "9"): "pieces: 9 are fewer than the",
        ("--kept_pieces", "none.npy"): "kept_pieces: cannot read none.npy",
        ("--texts", texts[0], "--languages", "fr", "--coverage", "0.9"): "languages: no text in fr",
    }.items():
        assert run(checkpoint, tmp_path / "never", *flags) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "never").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert run(checkpoint, tmp_path / "full", "--texts", texts[0], "--coverage", "0.9") == 2
    assert "already in use" in capsys.readouterr().err
