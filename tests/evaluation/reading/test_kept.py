"""What a reader said is kept: not asked again, never mixed up with another reader's, settings' or benchmark's."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from hf_hybrid.cli.main import main
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.reading.evaluate import evaluate_reading
from hf_hybrid.evaluation.reading.kept import KeptSpans
from hf_hybrid.evaluation.results import Results
from hf_hybrid.reading.windows import WindowSettings
from tests.evaluation.reading.test_evaluate import (  # noqa: F401
    SCORES,
    SMALL,
    SPANS,
    MadeUpReader,
    benchmark,
    command,
    files,
    vectors,
)


def read(folder, scores=SCORES, reader=None, options=SMALL, of=None):
    of = of or benchmark()
    reader = reader or MadeUpReader(SPANS)
    found = evaluate_reading(
        reader, vectors(scores), of, options, kept=KeptSpans(folder, reader, of, options.settings)
    )
    return reader.asked, found


def test_the_next_retriever_asks_for_what_is_new_only(tmp_path):
    asked, first = read(tmp_path)
    again, same = read(tmp_path)
    assert (asked, again) == (8, 0) and same.answers == first.answers and same.facts["pairs"] == 8
    other = [[0.0, 0.1, 0.9, 0.8], [0.3, 0.5, 0.7, 0.6], [0.2, 0.1, 0.3, 0.9]]  # q1 finds Lima and Quito
    asked, found = read(tmp_path, other)
    assert asked == 2
    plain = evaluate_reading(MadeUpReader(SPANS), vectors(other), benchmark(), SMALL)
    assert found.answers == plain.answers
    assert {name: values.tolist() for name, values in found.per_query.items()} == {
        name: values.tolist() for name, values in plain.per_query.items()
    }


def test_another_reader_text_or_setting_is_read_anew(tmp_path):
    read(tmp_path)

    class Other(MadeUpReader):
        def describe(self):
            return super().describe() | {"weights_sha256": "1" * 64}

    class Halved(MadeUpReader):
        def describe(self):
            return super().describe() | {"compute_dtype": "float16"}

    assert read(tmp_path, reader=Other(SPANS))[0] == 8
    assert read(tmp_path, reader=Halved(SPANS))[0] == 8
    longer = replace(SMALL, settings=replace(SMALL.settings, windows=WindowSettings(90, 8)))
    assert read(tmp_path, options=longer)[0] == 8
    assert read(tmp_path, of=benchmark(queries=["q2", "q0", "q1?"]))[0] == 8
    # What only the choice between passages depends on asks for nothing.
    assert read(tmp_path, options=replace(SMALL, retriever_weight=3.0))[0] == 0


def test_what_was_read_before_a_stop_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_hybrid.evaluation.reading.evaluate._KEPT_AT_ONCE", 3)

    class Tired(MadeUpReader):
        def read(self, questions, *others, **named):
            if self.asked >= 6:
                raise KeyboardInterrupt
            return super().read(questions, *others, **named)

    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, reader=Tired(SPANS))
    assert read(tmp_path)[0] == 2


def test_a_damaged_file_is_left_out(tmp_path, caplog):
    read(tmp_path)
    (file,) = tmp_path.glob("*/*.parquet")
    file.write_bytes(b"PAR1")
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path)[0] == 8
    assert f"{file.name} cannot be read" in caplog.text


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--readings: cannot write below"):
        read(tmp_path / "file")


def test_the_command_gives_the_same_figures(files, tmp_path, capsys):  # noqa: F811
    paths = [tmp_path / f"{name}.json" for name in "ab"]
    for path in paths:
        assert main([*command(files), "--readings", str(tmp_path / "kept"), "--output", str(path)]) == 0
    first, second = (Results.load(path) for path in paths)
    assert first.summary == second.summary and len(list((tmp_path / "kept").glob("*/*.parquet"))) == 1
