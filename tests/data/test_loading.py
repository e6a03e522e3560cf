"""Finding the files of renditions: folders, cards, splits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from datasets import Dataset

from hf_hybrid.data.loading import embedded_dataset_path, load_renditions
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.errors import InputError


def write(path: Path, *ids: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"id": one, "lang": "en", "query": "q", "passage": "p"}) + "\n" for one in ids))


def card(folder: Path, configs: object) -> None:
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")


def ids(folder: Path, split: str = "train", config: str | None = None) -> list[str]:
    return load_renditions(str(folder), split, config)["id"][:]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data [v1]"
    write(folder / "a" / "train-0.jsonl", "0")
    write(folder / "a" / "train-1.jsonl", "1")
    write(folder / "a" / "deep" / "dev.jsonl", "2")
    write(folder / "a" / ".cache" / "train-2.jsonl", "hidden")
    write(folder / "a" / "_[x].jsonl", "3")
    return folder


@pytest.mark.parametrize(
    ("data_files", "train"),
    [
        ("a/train-0.jsonl", ["0"]),
        (["a/train-1.jsonl", "a/train-0.jsonl"], ["1", "0"]),
        ("a/train-*.jsonl", ["0", "1"]),
        ("./a/train-*", ["0", "1"]),
        ("a/_[x].jsonl", ["3"]),
        ("**/*.jsonl", ["3", "2", "0", "1"]),
        ("a/**", ["3", "2", "0", "1"]),
        ({"train": "a/train-1.jsonl", "dev": ["a/deep/*"]}, ["1"]),
        ([{"split": "dev", "path": "a/deep/*"}, {"split": "train", "path": ["a/train-1.jsonl"]}], ["1"]),
    ],
)
def test_the_forms_of_a_card(folder, data_files, train):
    card(folder, [{"config_name": "default", "data_files": data_files}])
    assert ids(folder) == train


def test_the_configuration_of_a_card(folder):
    first = {"config_name": "one", "data_files": "a/train-0.jsonl"}
    second = {"config_name": "two", "data_dir": "a"}
    card(folder, [first, second])
    assert ids(folder, config="one") == ["0"] and ids(folder, config="two") == ["0", "1"]
    with pytest.raises(InputError, match="several configurations and no default; choose one, two"):
        ids(folder)
    with pytest.raises(InputError, match="no configuration 'three'; it has one, two"):
        ids(folder, config="three")
    card(folder, [first, {**second, "default": True}])
    assert ids(folder) == ["0", "1"]


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ([{"config_name": "x", "data_files": "a/none-*"}], r"its card cannot be followed: no file a/none-\*"),
        ([{"config_name": "x", "data_files": "/etc/host*"}], "cannot be followed: no file"),
        ([{"config_name": "x", "data_files": "../*"}], "cannot be followed: no file"),
        ([{"config_name": "x", "data_files": {"dev": "a/deep/*"}}], "no split 'train' in its card; it has dev"),
        ("x", "its 'configs' are no list of configurations"),
    ],
)
def test_cards_that_cannot_be_followed(folder, configs, message):
    card(folder, configs)
    with pytest.raises(InputError, match=message):
        ids(folder)


def test_a_card_that_is_not_utf8(folder):
    (folder / "README.md").write_bytes(b"---\nconfigs:\n- config_name: caf\xe9\n---\n")
    with pytest.raises(InputError, match=r"README\.md, line 3: not text in UTF-8"):
        ids(folder)


def test_drafts_and_caches_are_no_data(tmp_path):
    write(tmp_path / "train.jsonl", "0")
    write(tmp_path / ".ipynb_checkpoints" / "train-checkpoint.jsonl", "1")
    write(tmp_path / "._train.jsonl", "2")
    assert ids(tmp_path) == ["0"]


def test_the_embedded_data_are_what_the_library_reads():
    from datasets import load_dataset_builder

    files = load_dataset_builder(embedded_dataset_path()).config.data_files
    for split, paths in files.items():
        theirs = [row["id"] for path in paths for row in load_renditions(path, split)]
        assert ids(Path(embedded_dataset_path()), split) == theirs


def test_integers_of_a_hub_data_set_become_strings(monkeypatch):
    rows = {
        "id": [1, 2],
        "lang": ["en", "en"],
        "query": ["q", "q"],
        "passage": ["p", "p"],
        "passage_id": [None, None],
        "n": [1, 2],
    }
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: Dataset.from_dict(rows))
    found = load_renditions("someone/something", "train")
    assert found.to_dict() == {**rows, "id": ["1", "2"]}
    assert ParallelPairs(found).example_ids == ["1", "2"]
