"""Declarations: written once, compared on resume, with digests of the data and no path."""

from __future__ import annotations

import json

import pytest

from hf_hybrid.data.loading import embedded_dataset_path
from hf_hybrid.errors import InputError
from hf_hybrid.studies.declaration import declare, digest_of
from hf_hybrid.studies.study import from_json
from tests.studies.designs import SMALL


def declared(folder, base, **change):
    design = from_json({**SMALL, **change}, "test")
    return declare(design, design.with_places({"base": str(base)}), folder)


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_what_is_declared_names_data_by_digest_and_no_place_of_this_machine(tmp_path, base):
    content = declared(tmp_path / "out", base)
    assert content == json.loads((tmp_path / "out/declaration.json").read_text())
    assert content["data"]["train.model_name_or_path"] == digest_of(base)
    assert content["data"]["train.dataset_name_or_path"] == digest_of(embedded_dataset_path())
    assert len(content["data"]["benchmarks.cldr_qa"]) == 64
    assert content["design"]["train"]["model_name_or_path"] == "{base}"
    assert str(tmp_path) not in json.dumps(content)


def test_the_same_is_declared_again_from_another_place(tmp_path, base):
    first = declared(tmp_path / "out", base)
    moved = tmp_path / "elsewhere"
    base.rename(moved)
    assert declared(tmp_path / "out", moved) == first
    # Threads change nothing that is compared.
    assert declared(tmp_path / "out", moved, threads=3) == first


CONTRAST = {"name": "n", "text": "t", "benchmark": "cldr_qa", "figure": "mul_map", "kind": "higher"}
CONTRAST |= {"a": {"level": "0.0"}, "b": {"level": "0.5"}}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"contrasts": [{**CONTRAST, "figure": "mo_map"}]}, "design.contrasts.0.figure"),
        ({"contrasts": []}, "design.contrasts"),
        ({"seeds": [1, 3], "contrasts": [CONTRAST]}, "design.seeds.1"),
        (
            {"budgets": {"total": {"rule": "equal_examples", "number": 90}}, "contrasts": [CONTRAST]},
            "design.budgets.total.number",
        ),
    ],
)
def test_a_changed_declaration_is_refused(tmp_path, base, change, name):
    declared(tmp_path / "out", base, contrasts=[CONTRAST])
    with pytest.raises(InputError, match=f"declared with another {name}.*restore it, or choose another --output"):
        declared(tmp_path / "out", base, **change)


def test_changed_data_is_refused(tmp_path, base):
    declared(tmp_path / "out", base)
    (base / "model.safetensors").write_bytes(b"other")
    with pytest.raises(InputError, match="another data.train.model_name_or_path;"):
        declared(tmp_path / "out", base)


def test_digests_know_content_and_names_and_pass_over_hidden_files(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.txt").write_text("1")
    first = digest_of(tmp_path / "a")
    (tmp_path / "a/.cache").write_text("2")
    assert digest_of(tmp_path / "a") == first
    (tmp_path / "a/x.txt").rename(tmp_path / "a/y.txt")
    assert digest_of(tmp_path / "a") != first
    assert digest_of("owner/name") == "hub:owner/name"
