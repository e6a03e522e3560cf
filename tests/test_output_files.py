"""Files that are whole or not there, and their digests."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from hf_hybrid.output_files import file_digest, whole_file


def test_a_file_appears_whole_and_replaces_what_is_there(tmp_path):
    path = tmp_path / "folder" / "file.bin"
    for content in (b"first", b"second"):
        with whole_file(path) as fresh:
            fresh.write_bytes(content)
            assert fresh.name == path.name and (not path.exists() or path.read_bytes() == b"first")
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_failed_leaves_what_was_there(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), whole_file(path) as fresh:
        fresh.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_digests(tmp_path):
    path, content = tmp_path / "file.bin", bytes(range(256)) * 10_000
    path.write_bytes(content)
    assert file_digest(path) == hashlib.sha256(content).hexdigest()
    blob = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True).stdout.strip()
    assert file_digest(path, "sha1", b"blob %d\0" % len(content)) == blob
