"""Pictures and arms files that were made of another results file are found."""

from __future__ import annotations

import hashlib
import struct
import zlib

import pytest

from hf_hybrid.publishing.lint import lint_cards
from tests.minimal_results import write
from tests.publishing.lint.cards import write_project


@pytest.fixture
def folder(tmp_path):
    return write_project(tmp_path) / "model_cards" / "tiny"


def picture(file: str, digest: str) -> bytes:
    """The first bytes of a PNG with one chunk of text."""
    chunk = b"tEXtSource\0" + f"{digest} {file}".encode()
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))


def findings(folder):
    return [(finding.rule, finding.message) for finding in lint_cards([folder], load=False)[1]]


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_picture_of_another_file(folder):
    card, drawn = folder / "README.md", folder / "matrix.png"
    card.write_text(card.read_text(encoding="utf-8").replace("## Limits", "![mAP](matrix.png)\n\n## Limits"))
    drawn.write_bytes(picture("results.json", digest_of(folder / "results.json")))
    assert findings(folder) == []
    drawn.write_bytes(picture("results.json", "0" * 64))
    assert findings(folder) == [
        ("picture", "matrix.png was drawn from another results.json: run `hf-hybrid card` again")
    ]
    drawn.write_bytes(picture("gone.json", "0" * 64))
    assert findings(folder) == [("picture", "matrix.png was drawn from gone.json, which is not there")]
    drawn.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert findings(folder) == []


def test_arms_of_other_files(folder):
    one = write(folder / "results" / "seeds" / "1.json", {"mo": 0.5})
    files = [{"file": "seeds/1.json", "sha256": digest_of(one)}, {"file": "runs/2.json", "sha256": "0" * 64}]
    write(folder / "results" / "arms.json", {"arms_version": 1, "arms": {"hybrid": {"files": files}}})
    assert findings(folder) == []
    write(one, {"mo": 0.6})
    [(rule, message)] = findings(folder)
    assert rule == "sources" and message.startswith("seeds/1.json is not the file that this was made of")
