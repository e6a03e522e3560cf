"""A reader: the same answers however windows are batched, and clear refusals."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from hf_hybrid.errors import InputError
from hf_hybrid.reading.reader import ReadingSettings, load_reader
from hf_hybrid.reading.windows import WindowSettings
from tests.reading.small_readers import TEXTS, store

SETTINGS = ReadingSettings(WindowSettings(100, 8), n_best=3, max_answer_tokens=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return store(tmp_path_factory.mktemp("readers") / "reader")


@pytest.fixture(scope="module")
def reader(folder):
    return load_reader(str(folder), device="cpu")


def test_a_short_passage_is_read_as_plain_transformers_does(folder, reader):
    question, text = "What colour is the door ?", "The roof is blue . The door is red ."
    span = reader.read([question], [text], SETTINGS)[0][0]
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForQuestionAnswering.from_pretrained(folder)
    batch = tokenizer(question, text, return_tensors="pt", return_offsets_mapping=True)
    offsets = batch.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        output = model.eval()(**batch)
    inside = [place for place, part in enumerate(batch.sequence_ids(0)) if part == 1]
    score, i, j = max(
        ((output.start_logits[0, i] + output.end_logits[0, j]).item(), i, j)
        for i in inside
        for j in inside
        if i <= j < i + 6
    )
    assert span.score == pytest.approx(score, abs=1e-5)
    assert span.text == text[offsets[i][0] : offsets[j][1]].strip()


def test_batches_change_nothing(reader):
    questions = [f"What colour is the {word} ?" for word in ("door", "roof", "car", "hat")]
    passages = ["The door is red . " * n for n in (1, 30, 3, 12)]
    whole = reader.read(questions, passages, SETTINGS)
    single = reader.read(questions, passages, SETTINGS, batch_tokens=1)
    for a, b in zip(whole, single, strict=True):
        assert [span.text for span in a] == [span.text for span in b]
        assert [span.score for span in a] == pytest.approx([span.score for span in b], abs=1e-4)
    assert reader.read([], [], SETTINGS) == []
    assert reader.read(["What ?"], [" "], SETTINGS) == [[]]


def test_an_encoder_is_no_reader(tmp_path):
    encoder = store(tmp_path / "encoder", reader=False)
    with pytest.raises(InputError, match="no weights for qa_outputs.bias, qa_outputs.weight.*train-reader"):
        load_reader(str(encoder))


def test_what_cannot_be_read_is_refused(folder, tmp_path, reader):
    with pytest.raises(InputError, match="reader: no directory ./nothing"):
        load_reader("./nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="cannot load .*empty for question answering"):
        load_reader(str(tmp_path / "empty"))
    with pytest.raises(InputError, match="--max_answer_tokens must be at least 1"):
        reader.read(["a"], ["b"], ReadingSettings(max_answer_tokens=0))
    damaged = load_reader(str(folder), device="cpu")
    damaged.model.qa_outputs.bias.data.fill_(float("nan"))
    with pytest.raises(InputError, match="scores are not finite"):
        damaged.read(["a"], TEXTS[:1], SETTINGS)


def test_a_reader_is_known_by_its_weights(folder, reader, tmp_path):
    again = load_reader(str(folder), device="cpu", compute_dtype="bfloat16")
    assert again.weights_sha256 == reader.weights_sha256 and again.describe()["compute_dtype"] == "bfloat16"
    assert load_reader(str(store(tmp_path / "b", seed=1)), device="cpu").weights_sha256 != reader.weights_sha256
    assert reader.describe()["name"] == str(folder) and reader.describe()["revision"] is None
