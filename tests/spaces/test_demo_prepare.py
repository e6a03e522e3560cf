"""What the demo does once: vectors kept under the digest of the weights, figures and examples measured or read."""

from __future__ import annotations

import importlib.util
import json
import shutil

import numpy as np
import pytest
import torch
from xlir_demo.checkpoints import usual_pair, weights_digest
from xlir_demo.examples import KINDS, choose, read_measured
from xlir_demo.measuring import Outcomes
from xlir_demo.pool import Asked
from xlir_demo.start import data_digest, load_checkpoints, load_page_views, measure
from xlir_demo.vectors import VectorCache, encode_with_progress

from tests.spaces.serving import SPACE
from tests.spaces.small_checkpoints import BASE, HYBRID, STATIC


def counted(calls: list[int]):
    def encode(texts, kind):
        calls.append(len(texts))
        return np.array([[len(text), len(kind)] for text in texts], dtype=np.float32)

    return encode


def test_vectors_are_made_once_for_each_digest_text_and_kind(tmp_path):
    calls: list[int] = []
    cache, texts = VectorCache(tmp_path), ["ccc", "a", "bb"] * 50
    first = cache.vectors(counted(calls), texts, "passage", "one")
    assert first[:3].tolist() == [[3, 7], [1, 7], [2, 7]] and sum(calls) == 150  # in the order of the texts
    assert (cache.vectors(counted(calls), texts, "passage", "one") == first).all() and sum(calls) == 150
    cache.vectors(counted(calls), texts, "query", "one")
    cache.vectors(counted(calls), texts[1:], "passage", "one")
    cache.vectors(counted(calls), texts, "passage", "two")
    assert sum(calls) == 150 + 150 + 149 + 150


def test_a_damaged_file_and_a_folder_that_cannot_be_written_do_no_harm(tmp_path):
    calls: list[int] = []
    cache = VectorCache(tmp_path)
    name = cache.file_name(["a"], "query", "d")
    (tmp_path / name).write_bytes(b"broken")
    assert cache.vectors(counted(calls), ["a"], "query", "d").tolist() == [[1, 5]]
    np.save(tmp_path / name, np.full((1, 2), np.nan, np.float32))
    assert cache.vectors(counted(calls), ["a"], "query", "d").tolist() == [[1, 5]] and calls == [1, 1]
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert VectorCache(blocked).vectors(counted(calls), ["a"], "query", "d").tolist() == [[1, 5]]


def test_other_weights_have_another_digest_and_other_results_do_not(small_checkpoints, tmp_path):
    shutil.copytree(small_checkpoints / HYBRID, tmp_path / "copy")
    assert weights_digest(tmp_path / "copy") == weights_digest(small_checkpoints / HYBRID)
    (tmp_path / "copy" / "results" / "more.json").write_text("{}")
    assert weights_digest(tmp_path / "copy") == weights_digest(small_checkpoints / HYBRID)
    with (tmp_path / "copy" / "model.safetensors").open("ab") as weights:
        weights.write(b" ")
    assert weights_digest(tmp_path / "copy") != weights_digest(small_checkpoints / HYBRID)
    assert weights_digest(small_checkpoints / BASE) != weights_digest(small_checkpoints / HYBRID)


def test_before_and_after_are_chosen_by_what_is_there():
    assert usual_pair([STATIC, HYBRID, BASE]) == (BASE, HYBRID)
    assert usual_pair([STATIC, HYBRID]) == (STATIC, HYBRID)
    assert usual_pair([BASE]) == (BASE, BASE)


def test_examples_follow_the_rule():
    languages = "en de es fr it pt nl sv da fi no cs".split()
    asked = [Asked(f"f{row}", languages[row % 12], "?") for row in range(24)]
    own, right = np.full((24, 2), 5), np.full((24, 2), 5)
    own[3], right[3] = [10, 0], [1, 8]  # the most bias, gone
    for row in (13, 14, 22):
        own[row] = [9, 0]
    own[4], right[4] = [1, 1], [10, 10]
    own[5], right[5] = [6, 6], [4, 0]
    sides = [Outcomes(own[:, side], right[:, side], right[:, side] > 0, np.zeros(24), 10) for side in (0, 1)]
    examples = choose(asked, *sides)
    assert [one.kind for one in examples] == ["typical", *(kind for kind in KINDS for _ in range(4))]
    first = {kind: next(one for one in examples if one.kind == kind) for kind in ("typical", *KINDS)}
    assert first["typical"].language == "en"
    assert (first["bias"].fact, first["bias"].own, first["bias"].right) == ("f3", (10, 0), (1, 8))
    assert first["works"].fact == "f4" and first["fails"].fact == "f5" and first["fails"].right == (4, 0)
    assert len({one.fact for one in examples}) == 13 and len({one.language for one in examples}) == 12


@pytest.fixture(scope="module")
def prepare():
    specification = importlib.util.spec_from_file_location("prepare", SPACE / "prepare.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_command_writes_what_the_page_reads(prepare, small_checkpoints, tmp_path, monkeypatch, capsys, views):
    file, folder = tmp_path / "measured.json", tmp_path / "vectors"
    assert prepare.main(["--models", str(small_checkpoints), "--output", str(file), "--vectors", str(folder)]) == 0
    assert f"13 examples of {BASE} against {HYBRID}" in capsys.readouterr().out
    assert len(list(folder.glob("*.npy"))) == 6  # passages and questions of three checkpoints
    loaded = load_checkpoints(small_checkpoints, VectorCache(folder))
    measured, vectors = measure(loaded, file)
    # Everything is in the file: no question is embedded, and the page shows what it shows without the file.
    assert vectors == {} and measured.examples == views.measured.examples
    for name, figures in measured.figures.items():
        assert figures.record() == views.measured.figures[name].record()
    # Other weights: measured anew, and no examples of somebody else.
    content = json.loads(file.read_text())
    content["checkpoints"][HYBRID]["sha256"] = "0" * 64
    file.write_text(json.dumps(content))
    pair = (BASE, HYBRID)
    data = data_digest(loaded.pool, loaded.facts)
    partly = read_measured(file, loaded.digests, data, pair)
    assert HYBRID not in partly.figures and BASE in partly.figures and partly.examples == ()
    assert read_measured(file, loaded.digests, "other data", pair).figures == {}
    for damaged in ("{", "[]", '{"measured_version": 1}', "7"):
        file.write_text(damaged)
        assert read_measured(file, loaded.digests, data, pair).figures == {}
    (tmp_path / "blocked").write_text("no folder")
    blocked = [
        "--models",
        str(small_checkpoints),
        "--output",
        str(tmp_path / "blocked" / "x"),
        "--vectors",
        str(folder),
    ]
    assert prepare.main(blocked) == 2 and "prepare.py: error:" in capsys.readouterr().err


def test_a_second_start_embeds_nothing(small_checkpoints, kept_vectors, views, monkeypatch):
    before = sorted(kept_vectors.glob("*.npy"))
    assert len(before) >= 6

    def refuse(*arguments):
        raise AssertionError("nothing is to be embedded")

    monkeypatch.setattr("xlir_demo.vectors.encode_with_progress", refuse)
    again = load_page_views(small_checkpoints)
    assert again.measured.figures == views.measured.figures and sorted(kept_vectors.glob("*.npy")) == before


def test_texts_are_embedded_on_all_cores_and_a_question_on_as_many_as_before(monkeypatch):
    monkeypatch.setattr("xlir_demo.vectors.os.cpu_count", lambda: 3)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        used = []

        def encode(texts, kind):
            used.append(torch.get_num_threads())
            return np.ones((len(texts), 2), np.float32)

        encode_with_progress(encode, ["a", "b"], "passage", "A")
        with pytest.raises(ZeroDivisionError):
            encode_with_progress(lambda texts, kind: 1 / 0, ["a"], "passage", "A")
        assert used == [3] and torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
