"""What a folder holds, and of which kind it is."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.files import list_files
from hf_hybrid.publishing.repository_kind import kind_of_folder
from tests.publishing.conftest import CARD

ROOT = Path(__file__).resolve().parents[3]


def test_files_come_with_their_names_in_both_stores(make_folder):
    folder = make_folder({"README.md": CARD, "data/a.bin": b"abc", ".git/config": "x", "__pycache__/m.pyc": "x"})
    files, problems = list_files(folder)
    assert [file.path for file in files] == ["README.md", "data/a.bin"] and problems == []
    assert files[1].size == 3 and files[1].sha256 == hashlib.sha256(b"abc").hexdigest()
    # `printf abc | git hash-object --stdin`
    assert files[1].blob_name == "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"


def test_patterns_leave_out_and_must_match(make_folder):
    folder = make_folder({"README.md": CARD, "checkpoint-1/a.pt": "x", "checkpoint-1/b.txt": "x", "c.txt": "x"})
    assert [file.path for file in list_files(folder, ["checkpoint-*"])[0]] == ["README.md", "c.txt"]
    with pytest.raises(InputError, match=r"exclude: 'chekpoint-\*' matches no file"):
        list_files(folder, ["checkpoint-*", "chekpoint-*"])


def test_what_leads_out_or_is_no_file_is_named(make_folder, tmp_path):
    folder = make_folder()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "elsewhere").mkdir()
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path / "elsewhere")
    (folder / "in.json").symlink_to("config.json")
    (folder / "here").symlink_to(".")
    (folder / "broken").symlink_to("missing")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket"))
        files, problems = list_files(folder)
    assert [file.path for file in files] == ["README.md", "config.json", "in.json", "model.safetensors"]
    assert [problem.split()[0] for problem in problems] == ["broken", "here", "out.txt", "pipe", "socket", "up"]
    assert all("out of the folder" in problems[i] for i in (2, 5))


def test_no_folder_and_nothing_in_it(make_folder, tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        list_files(tmp_path / "missing")
    with pytest.raises(InputError, match="is not a folder"):
        kind_of_folder(tmp_path / "missing", "model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        list_files(tmp_path / "empty")
