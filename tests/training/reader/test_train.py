"""A reader learns, goes on exactly where it stopped, and loads in plain transformers."""

from __future__ import annotations

import json
import os
import signal

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForQuestionAnswering

from hf_hybrid.cli.main import main
from hf_hybrid.data.squad import is_held_out, read_squad
from hf_hybrid.errors import InputError
from hf_hybrid.metrics.answers import exact_match
from hf_hybrid.reading.reader import ReadingSettings, load_reader
from hf_hybrid.reading.windows import WindowSettings
from hf_hybrid.training.reader import train as training
from hf_hybrid.training.reader.recipe import READER_RECIPES, reader_settings
from hf_hybrid.training.reader.train import ReaderTraining, train_reader
from tests.data.test_squad import write_json
from tests.reading.small_readers import passage, store, write_squad

WINDOWS = WindowSettings(100, 8)
SHORT = ReaderTraining(WINDOWS, rows=4, max_steps=6, save_steps=2, precision="float32", seed=3)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return store(tmp_path_factory.mktemp("base") / "encoder", reader=False)


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    return read_squad(write_squad(tmp_path_factory.mktemp("data") / "train.json", range(300)))


def test_it_learns_to_find_answers_in_passages_that_it_never_saw(base, questions, tmp_path):
    learn = ReaderTraining(WINDOWS, rows=16, max_steps=90, learning_rate=5e-3, precision="float32", distractors=0.1)
    folder = train_reader(str(base), [questions], tmp_path / "run", learn, use_cpu=True)
    unseen = read_squad(write_squad(tmp_path / "dev.json", range(300, 340)))
    reader = load_reader(str(folder), device="cpu")
    settings = ReadingSettings(WINDOWS, n_best=1)
    found = reader.read([one.text for one in unseen], [one.context for one in unseen], settings)
    right = [exact_match(spans[0].text, [one.answers[0].text]) for one, spans in zip(unseen, found, strict=True)]
    assert sum(right) / len(right) > 0.9
    done = json.loads((tmp_path / "run" / "training.json").read_text())
    assert done["steps"] == 90 and done["last_loss"] < done["first_loss"] / 2
    assert done["questions"]["number"] == 300 and done["pairs"] > 300 and done["seconds_per_step"] > 0
    assert type(AutoModelForQuestionAnswering.from_pretrained(folder)).__name__ == "BertForQuestionAnswering"


def weights(folder):
    return load_file(folder / "model.safetensors")


def test_a_run_that_was_stopped_ends_as_a_straight_one(base, questions, tmp_path, monkeypatch):
    straight = weights(train_reader(str(base), [questions], tmp_path / "straight", SHORT, use_cpu=True))
    step = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "straight" / "model").__class__.forward
    calls = 0

    def stopping(self, *args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *args, **kwargs)

    monkeypatch.setattr("transformers.models.bert.modeling_bert.BertForQuestionAnswering.forward", stopping)
    with pytest.raises(training.Interrupted):
        train_reader(str(base), [questions], tmp_path / "stopped", SHORT, use_cpu=True)
    monkeypatch.undo()
    assert not (tmp_path / "stopped" / "model").exists()
    # What was cut off in the midst of a checkpoint does not count.
    (tmp_path / "stopped" / "checkpoint-5").mkdir()
    folder = train_reader(str(base), [questions], tmp_path / "stopped", SHORT, resume=True, use_cpu=True)
    found = weights(folder)
    assert set(found) == set(straight)
    for name, value in straight.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-6)
    done = json.loads((tmp_path / "stopped" / "training.json").read_text())
    assert done["steps"] == 6
    times = (folder / "model.safetensors").stat().st_mtime_ns
    train_reader(str(base), [questions], tmp_path / "stopped", SHORT, resume=True, use_cpu=True)
    assert (folder / "model.safetensors").stat().st_mtime_ns == times, "a finished run is left as it is"


def test_the_table_of_words_can_be_left_alone(base, questions, tmp_path):
    frozen = ReaderTraining(WINDOWS, rows=4, max_steps=2, freeze_words=True, precision="float32")
    found = weights(train_reader(str(base), [questions], tmp_path / "run", frozen, use_cpu=True))
    before = weights(base)
    words = "embeddings.word_embeddings.weight"
    assert torch.equal(found[f"bert.{words}"], before[words])
    other = "encoder.layer.0.output.dense.weight"
    assert not torch.equal(found[f"bert.{other}"], before[other])


def test_a_reader_trains_further(tmp_path, questions):
    reader = store(tmp_path / "reader")
    before = weights(reader)["qa_outputs.weight"]
    one = ReaderTraining(WINDOWS, rows=4, max_steps=1, warmup=0.0, learning_rate=1e-6, precision="float32")
    after = weights(train_reader(str(reader), [questions], tmp_path / "run", one, use_cpu=True))
    torch.testing.assert_close(after["qa_outputs.weight"], before, rtol=0, atol=1e-4)


def test_folders_and_settings_that_do_not_fit(base, questions, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(InputError, match="--resume: .*run holds no run of train-reader"):
        train_reader(str(base), [questions], run, SHORT, resume=True)
    train_reader(
        str(base), [questions[:8]], run, ReaderTraining(WINDOWS, max_steps=1, precision="float32"), use_cpu=True
    )
    with pytest.raises(InputError, match="run is in use: choose another folder, or go on with --resume"):
        train_reader(str(base), [questions], run, SHORT)
    with pytest.raises(InputError, match="was begun with another 'settings'"):
        train_reader(str(base), [questions[:8]], run, SHORT, resume=True)
    with pytest.raises(InputError, match="was begun with another 'questions'"):
        train_reader(
            str(base), [questions], run, ReaderTraining(WINDOWS, max_steps=1, precision="float32"), resume=True
        )


def test_recipes_and_flags(tmp_path):
    assert {path.stem for path in READER_RECIPES.glob("*.yaml")} == {"e5_small"}
    found = reader_settings("e5_small", {"max_length": 128, "rows": None})
    assert found.windows == WindowSettings(128, 64) and found.freeze_words and found.learning_rate == 1e-4
    path = tmp_path / "mine.yaml"
    for content, message in (
        ("row: 3", "unknown key 'row'; did you mean rows?"),
        ("rows: many", "rows: 'many' is not of type int"),
        ("rows: true", "rows: True is not of type int"),
        ("learning_rate: fast", "learning_rate: 'fast' is not of type float"),
        ("freeze_words: 1", "freeze_words: 1 is not of type bool"),
        ("warmup: 2", "--warmup must lie between 0 and 1"),
        ("rows: 0", "--rows must be above 0"),
        ("precision: half", "--precision is 'half'"),
    ):
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            reader_settings(str(path), {})
    path.write_text("learning_rate: 2e-5\nepochs: 3\nmax_steps: 5")
    assert (found := reader_settings(str(path), {})).learning_rate == 2e-5 and found.epochs == 3.0
    assert found.max_steps == 5


def test_the_command_trains_on_tydiqa_but_for_the_held_out_fifth(base, tmp_path, capsys):
    rows = [
        (str(n), f"What is it in house {n} ?", passage(n), [("house", passage(n).index("house"))]) for n in range(60)
    ]
    write_json(tmp_path / "tydiqa" / "train" / "en.json", rows)
    more = write_squad(tmp_path / "more.json", range(100, 110))
    command = ["train-reader", str(base), "--output", str(tmp_path / "run"), "--quiet", "--use_cpu"]
    data = ["--tydiqa", str(tmp_path / "tydiqa"), "--files", str(more)]
    options = ["--max_length", "100", "--stride", "8", "--max_steps", "2", "--rows", "4", "--precision", "float32"]
    assert main([*command, *data, *options]) == 0
    assert f"Written to {tmp_path / 'run' / 'model'}" in capsys.readouterr().out
    done = json.loads((tmp_path / "run" / "arguments.json").read_text())
    kept = sum(not is_held_out(passage(number)) for number in range(60))
    assert 35 < kept < 60 and done["questions"]["number"] == kept + 10
    assert main(command) == 2
    assert "train-reader needs questions: name --tydiqa, --files, or both" in capsys.readouterr().err
