"""Uploads are read once and deleted, and so is what nobody reads."""

from __future__ import annotations

import os
import time

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.space_page.uploads import delete_older, keep_clean, read_once


def test_a_file_is_read_once_up_to_the_limit(tmp_path, monkeypatch):
    pytest.importorskip("gradio")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file = tmp_path / "a" / "own.txt"
    file.parent.mkdir()
    for content, expected in ((b"words", b"words"), (b"x" * 100, b"x" * 11)):
        file.write_bytes(content)
        assert read_once(str(file), 10) == (expected, "own.txt")
        with pytest.raises(InputError, match="was not uploaded"):
            read_once(str(file), 10)


def test_nothing_outside_the_folder_is_read_or_deleted(tmp_path, monkeypatch):
    pytest.importorskip("gradio")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "uploads" / "link").symlink_to(secret)
    for path in (secret, tmp_path / "uploads" / ".." / "secret", tmp_path / "uploads" / "link", tmp_path / "uploads"):
        with pytest.raises(InputError, match="was not uploaded"):
            read_once(str(path), 10)
    for path in (None, "", 7):
        with pytest.raises(InputError, match="no file"):
            read_once(path, 10)
    assert secret.read_text() == "secret"


def test_what_is_old_is_deleted(tmp_path):
    old, new, outside = tmp_path / "f" / "deep" / "old", tmp_path / "f" / "new", tmp_path / "outside"
    old.parent.mkdir(parents=True)
    for file in (old, new, outside):
        file.write_text("x")
    (tmp_path / "f" / "link").symlink_to(outside)
    now = time.time()
    for file in (old, outside):
        os.utime(file, (now - 100, now - 100))
    assert delete_older(tmp_path / "f", now - 50) == [old]
    assert new.exists() and outside.exists() and delete_older(tmp_path / "missing", now) == []


def test_a_folder_is_kept_clean(tmp_path):
    left = tmp_path / "left"
    left.write_text("x")
    stop = keep_clean(tmp_path, seconds=0, every=0.01)
    until = time.monotonic() + 60
    while left.exists() and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    assert not left.exists()
