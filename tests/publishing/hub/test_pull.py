"""A pull is one commit, whole and as the Hub has it, or nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub import Patience, pull_repository
from hf_hybrid.publishing.hub.report import pull_report

QUICK = Patience(attempts=2, first_pause=0.01)
WEIGHTS = os.urandom(30_000)
FILES = {"README.md": b"# Card\n", "config.json": b"{}", "model.safetensors": WEIGHTS, "data/a.txt": b"a"}
LARGE = ("model.safetensors",)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def repository(online):
    return online.add_repository("model", "me/model", FILES, large=LARGE)


def test_the_whole_of_a_commit_and_nothing_else(online, repository, tmp_path):
    first = repository.refs["main"]
    pulled = pull_repository("me/model", tmp_path / "out")
    assert content(tmp_path / "out") == FILES and pulled.commit == first
    report = pull_report(pulled)
    assert report == f"Pulled model me/model at commit {first}: 4 files, 30.0 kB, into {tmp_path / 'out'}"
    # Neither notes of the libraries nor what they were fetched into.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]

    repository.refs["v1"] = first
    repository.commit({"README.md": b"second"})
    for revision in (first, "v1"):
        assert pull_repository("me/model", tmp_path / revision, revision=revision).commit == first
        assert content(tmp_path / revision) == FILES
    assert content(pull_repository("me/model", tmp_path / "new").folder) == {"README.md": b"second"}
    assert not any(request.authorised for request in online.requests if request.host == "storage")


def test_patterns(online, repository, tmp_path):
    pull_repository("me/model", tmp_path / "a", include=["*.json", "data/*"])
    assert sorted(content(tmp_path / "a")) == ["config.json", "data/a.txt"]
    pull_repository("me/model", tmp_path / "b", exclude=["*.safetensors", "data/*"])
    assert sorted(content(tmp_path / "b")) == ["README.md", "config.json"]
    with pytest.raises(InputError, match="no file of model me/model at [0-9a-f]{40} matches"):
        pull_repository("me/model", tmp_path / "c", include=["*.jsn"])
    assert not (tmp_path / "c").exists() and online.asked("GET", "/objects/") == []


def test_nothing_is_overwritten_unasked(online, repository, tmp_path, monkeypatch):
    out = tmp_path / "out"
    (out / "mine").mkdir(parents=True)
    (out / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty: name another folder, or pass --overwrite"):
        pull_repository("me/model", out)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file; name a folder"):
        pull_repository("me/model", tmp_path / "file", overwrite=True)
    (out / ".git").mkdir()
    with pytest.raises(InputError, match="it holds a repository of git"):
        pull_repository("me/model", out, overwrite=True)
    (out / ".git").rmdir()
    monkeypatch.chdir(out / "mine")
    for folder in (out, ".", "/"):
        with pytest.raises(InputError, match="is or holds the current folder"):
            pull_repository("me/model", folder, overwrite=True)
    assert online.requests == [] and content(out) == {"mine/notes.txt": b"mine"}

    monkeypatch.chdir(tmp_path)
    pull_repository("me/model", "out", overwrite=True)
    assert content(out) == FILES
    (tmp_path / "empty").mkdir()
    pull_repository("me/model", tmp_path / "empty")
    assert content(tmp_path / "empty") == FILES


def test_a_pull_that_breaks_leaves_no_folder_and_goes_on(online, repository, tmp_path):
    oid = hashlib.sha256(WEIGHTS).hexdigest()
    online.fail("GET", oid, status=403)
    with pytest.raises(InputError, match="run the same command again"):
        pull_repository("me/model", tmp_path / "out", patience=QUICK)
    assert not (tmp_path / "out").exists()
    (partial,) = tmp_path.glob(".out.*.partial")
    assert "model.safetensors" not in content(partial)
    done = {path for path in FILES if path in content(partial)}
    before = len(online.requests)
    pull_repository("me/model", tmp_path / "out")
    assert content(tmp_path / "out") == FILES and not partial.exists()
    asked = {request.path for request in online.requests[before:] if request.method == "GET"}
    assert not any(path.endswith(f"/{name}") for path in asked for name in done)


def test_a_download_that_is_cut_goes_on_at_that_byte(online, repository, tmp_path, monkeypatch):
    from huggingface_hub import constants

    # What is not yet a whole piece is fetched again; pieces have 10 MB.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4000)
    online.fail("GET", "/objects/", cut_after=12_000)
    pull_repository("me/model", tmp_path / "out")
    assert content(tmp_path / "out") == FILES
    assert [request.status for request in online.asked("GET", "/objects/")] == [200, 206]


def test_what_is_not_as_the_hub_has_it_is_refused(online, repository, tmp_path):
    (oid,) = online.objects
    online.objects[oid] = WEIGHTS[:-1] + b"!" if WEIGHTS[-1:] != b"!" else WEIGHTS[:-1] + b"?"
    with pytest.raises(InputError, match="model.safetensors did not arrive as the Hub has it"):
        pull_repository("me/model", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    online.objects[oid] = WEIGHTS
    pull_repository("me/model", tmp_path / "out")
    assert content(tmp_path / "out") == FILES


def test_leftovers_of_another_try_do_not_stay(online, repository, tmp_path):
    partial = tmp_path / f".out.{repository.refs['main'][:12]}.partial"
    (partial / "old").mkdir(parents=True)
    (partial / "old" / "left.txt").write_text("x")
    (partial / "config.json").write_text("not what the Hub has")
    pull_repository("me/model", tmp_path / "out", include=["*.json"])
    assert content(tmp_path / "out") == {"config.json": b"{}"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["config.json"]


def test_a_path_that_leads_out_is_refused(online, tmp_path):
    online.add_repository("model", "me/evil", {"../evil.txt": b"x", "a": b"x"})
    with pytest.raises(InputError, match=r"holds a file '\.\./evil\.txt', which leads out"):
        pull_repository("me/evil", tmp_path / "out")
    assert list(tmp_path.glob("*evil*")) == [] and not (tmp_path / "out").exists()


def test_the_kind_is_found_out(online, repository, tmp_path):
    online.add_repository("dataset", "me/data", {"a.txt": b"data"})
    assert pull_repository("me/data", tmp_path / "a").place.kind == "dataset"
    with pytest.raises(InputError, match="there is no space me/data, but a dataset; pass --kind dataset"):
        pull_repository("me/data", tmp_path / "b", "space")
    online.add_repository("dataset", "me/model", {"a.txt": b"data"})
    with pytest.raises(InputError, match="me/model is a model and a dataset; say which"):
        pull_repository("me/model", tmp_path / "b")
    assert content(pull_repository("me/model", tmp_path / "b", "dataset").folder) == {"a.txt": b"data"}
    with pytest.raises(InputError, match="repository me/none is not at http"):
        pull_repository("me/none", tmp_path / "c")
    with pytest.raises(InputError, match="'modle' is none of"):
        pull_repository("me/model", tmp_path / "c", "modle")


def test_revisions_and_rights(online, repository, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="has no branch, tag or commit v9"):
        pull_repository("me/model", tmp_path / "out", revision="v9")
    online.add_repository("model", "them/private", FILES, private=True)
    with pytest.raises(InputError, match="or it is private"):
        pull_repository("them/private", tmp_path / "out")
    online.add_repository("model", "them/gated", FILES, gated=True)
    with pytest.raises(InputError, match="model them/gated is gated: ask for access at"):
        pull_repository("them/gated", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setenv("HF_TOKEN", online.add_account("you", organisations=("them",), accepted=("them/gated",)))
    for name in ("private", "gated"):
        assert content(pull_repository(f"them/{name}", tmp_path / name).folder) == FILES
