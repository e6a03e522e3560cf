"""Files of a model's folder: known by content or name, and refused where a field is missing."""

from __future__ import annotations

import copy

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.cards.folder_files import read_folder
from hf_hybrid.publishing.cards.training_sections import training_section
from tests.minimal_results import results, write
from tests.publishing.cards.everything import MIX, SPEED, TRAINING, VARIANTS

CONTENTS = {"variants": VARIANTS, "speed": SPEED, "training": TRAINING, "mix": MIX}


def test_the_main_benchmark_is_first(tmp_path):
    for name in ("cldr_qa", "own", "xquad_r"):
        write(tmp_path / "results" / f"{name}.json", results(benchmark=name))
    write(tmp_path / "results" / "notes.json", {"a": 1})
    write(tmp_path / "results" / "seeds" / "one.json", results(benchmark="not read"))
    files = read_folder(tmp_path)
    assert [source.content["benchmark"]["name"] for source in files.results] == ["xquad_r", "cldr_qa", "own"]
    assert files.unknown == ["results/notes.json"] and files.arms is None and files.named == {}


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("variants", ("variants", 1, "mo_map"), None, r"'variants\[1\].mo_map' is missing"),
        ("variants", ("variants",), [], "'variants' must be a list that is not empty"),
        (
            "speed",
            ("rows", 0, "texts_per_second"),
            "fast",
            r"'rows\[0\].texts_per_second' must be int or float, got str",
        ),
        ("speed", ("rows", 0, "milliseconds"), "1", "must be int or float or null, got str"),
        ("training", ("commit",), None, "results/training.json: field 'commit' is missing"),
        ("training", ("stages", 0, "arm"), None, r"'stages\[0\].arm' is missing"),
        ("training", ("teacher", "language"), None, "field 'teacher.language' is missing"),
        ("training", ("seed",), True, "'seed' must be int, got bool"),
        ("mix", ("rows",), None, "results/mix.json: field 'rows' is missing"),
    ],
)
def test_fields(tmp_path, name, place, value, message):
    content = copy.deepcopy(CONTENTS[name])
    *way, last = place
    inner = content
    for key in way:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    write(tmp_path / "results" / f"{name}.json", content)
    with pytest.raises(InputError, match=message):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": results(), "b": results()}, "results/a.json and results/b.json are both of xquad_r"),
        ({"a b": results()}, "cannot quote a file with ' ' in its name"),
        ({"a": {**results(), "summary": None}}, "field 'summary' must be dict"),
        ({n: {"arms_version": 1, "settings": {}, "benchmark": {}, "arms": {}} for n in "ab"}, "both hold arms"),
        ({"c": {"comparison_version": 1}}, "results/c.json: field 'a' is missing"),
    ],
)
def test_files_that_are_refused(tmp_path, files, message):
    for name, content in files.items():
        write(tmp_path / "results" / f"{name}.json", content)
    with pytest.raises(InputError, match=message):
        read_folder(tmp_path)


def test_a_run_on_other_data_than_the_mix(tmp_path):
    write(tmp_path / "results" / "mix.json", MIX)
    write(tmp_path / "results" / "training.json", {**TRAINING, "data_sha256": {"qa/train.parquet": "ef" * 32}})
    with pytest.raises(InputError, match="names another qa/train.parquet than results/mix.json"):
        training_section(read_folder(tmp_path))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"command": None}, f"* made by code of commit `{TRAINING['commit']}`"),
        ({"commit": None}, f"* made by `{TRAINING['command']}`"),
    ],
)
def test_what_made_it_as_far_as_it_is_known(tmp_path, change, line):
    write(tmp_path / "results" / "training.json", {**TRAINING, **change})
    assert line in training_section(read_folder(tmp_path)).splitlines()
