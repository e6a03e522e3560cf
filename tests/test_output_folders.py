"""A finished folder takes its name, or everything stays as it was."""

from __future__ import annotations

import os

import pytest

from hf_hybrid.output_files import put_in_place


@pytest.fixture
def folders(tmp_path):
    fresh, target = tmp_path / ".out.partial", tmp_path / "out"
    fresh.mkdir()
    (fresh / "new.txt").write_text("new")
    return fresh, target


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_is_put_in_the_place_of_another(folders, exists):
    fresh, target = folders
    if exists:
        target.mkdir()
        (target / "old.txt").write_text("old")
    put_in_place(fresh, target)
    assert [path.name for path in target.parent.iterdir()] == ["out"]
    assert [path.name for path in target.iterdir()] == ["new.txt"]


def test_the_old_one_comes_back_where_that_fails(folders, monkeypatch):
    fresh, target = folders
    target.mkdir()
    (target / "old.txt").write_text("old")
    rename = os.replace

    def fail(source, destination):
        if source == fresh:
            raise PermissionError("no")
        rename(source, destination)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PermissionError):
        put_in_place(fresh, target)
    assert [path.name for path in target.iterdir()] == ["old.txt"] and (fresh / "new.txt").is_file()
