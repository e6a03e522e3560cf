"""What goes wrong is said in one line: what it is, and what to do."""

from __future__ import annotations

import errno

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub import Patience, pull_repository, push_folder
from hf_hybrid.publishing.hub.failures import MAX_PAUSE, Place, as_input_error, find_cause, pause_before_retry, some

ONCE = Patience(attempts=1)


def said(function) -> str:
    with pytest.raises(InputError) as caught:
        function()
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    return message


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("broken", ("trouble of its own (status 500", "run the same command again later")),
        ("cut", ("cannot be reached or does not finish", "check the network and HF_ENDPOINT")),
        ("down", ("cannot be reached", "refused")),
        ("forbidden", ("is gated: ask for access at", "/me/model")),
        ("unauthorised", ("or it is private", "`hf auth whoami`")),
    ],
)
def test_bad_days(online, make_folder, tmp_path, state, words):
    online.state = state
    for message in (
        said(lambda: push_folder(make_folder(), "me/model", patience=ONCE)),
        said(lambda: pull_repository("me/model", tmp_path / "out", "model", patience=ONCE)),
    ):
        assert all(word in message for word in words), message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (400, {"X-Error-Message": "nonsense"}, ("refuses (status 400): the Hub says: nonsense",)),
        (401, {}, ("wants an access token", "hf auth login")),
        (402, {"X-Error-Message": "Private storage limit"}, ("plan of this account", "Private storage limit")),
        (403, {"X-Error-Message": "no rights"}, ("may not do this to model me/model", "no rights", "settings/tokens")),
        (409, {}, ("has changed in the meantime",)),
        (413, {}, ("refuses (status 413)",)),
        (429, {"Retry-After": "1000"}, ("too many requests", "wait 1001 seconds")),
        (429, {"ratelimit": '"api";r=0;t=1000'}, ("wait 1001 seconds",)),
        (429, {"Retry-After": "Wed, 21 Oct 2065 07:28:00 GMT"}, ("wait some minutes",)),
        (503, {}, ("trouble of its own (status 503",)),
    ],
)
def test_refusals_of_a_commit(online, make_folder, status, headers, words):
    online.add_repository("model", "me/model", {"a": b""})
    online.fail("POST", "/commit/", status=status, headers=headers)
    message = said(lambda: push_folder(make_folder(), "me/model", patience=ONCE))
    assert all(word in message for word in words), message


def test_who_may_do_what(online, make_folder, monkeypatch):
    folder = make_folder()
    message = said(lambda: push_folder(folder, "them/model", patience=ONCE))
    assert "may not do this to model them/model" in message and "one that may write to them" in message
    online.add_repository("model", "them/private", {"a": b""}, private=True)
    assert "may not do this" in said(lambda: push_folder(folder, "them/private", patience=ONCE))
    monkeypatch.setenv("HF_TOKEN", online.add_account("me", write=False))
    assert "make one that may write to me" in said(lambda: push_folder(folder, "me/model", patience=ONCE))
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    assert "does not know this access token" in said(lambda: push_folder(folder, "me/model", patience=ONCE))
    monkeypatch.setenv("HF_TOKEN", online.add_account("you", organisations=("me",)))
    assert push_folder(folder, "me/model").commit == online.repositories["model", "me/model"].refs["main"]


def test_the_hubs_own_look_at_the_card(online, make_folder):
    folder = make_folder({"README.md": "---\nlicense: nonsense-9\npipeline_tag: x\n---\n"})
    message = said(lambda: push_folder(folder, "me/model", patience=ONCE))
    assert 'the Hub refuses the card: Invalid metadata in README.md. - "license" must be one of [...]' in message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("model", "lacks its namespace: give NAMESPACE/model"),
        ("me/my model", "is not a name"),
        ("me/a--b", "is not a name"),
        ("me/a.git", "is not a name"),
        ("https://huggingface.co/datasets/me/data/tree/main", "; perhaps me/data with --kind dataset"),
        ("spaces/me/app", "; perhaps me/app with --kind space"),
        ("https://huggingface.co/me/model", "; perhaps me/model"),
        ("me/" + "x" * 100, "at most 96 characters"),
    ],
)
def test_names(online, make_folder, name, hint):
    assert hint in said(lambda: push_folder(make_folder(), name))
    assert online.requests == []


def test_offline_is_said(online, make_folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "switched off by HF_HUB_OFFLINE" in said(lambda: push_folder(make_folder(), "me/model"))
    assert "switched off by HF_HUB_OFFLINE" in said(lambda: pull_repository("me/model", tmp_path / "out"))


def test_full_disks_and_defects():
    place = Place("http://hub", "model", "me/model")
    with (
        pytest.raises(InputError, match="cannot read or write /x: No space left on device; make room"),
        as_input_error(place),
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "/x")
    with (
        pytest.raises(InputError, match=r"transfer failed \(cas error\).*HF_HUB_DISABLE_XET=1"),
        as_input_error(place),
    ):
        raise RuntimeError("cas error")
    for defect in (KeyError("x"), ValueError("x"), RecursionError("x")):
        with pytest.raises(type(defect)), as_input_error(place):
            raise defect


def test_only_what_passes_is_tried_again():
    wrapped = RuntimeError("Error while uploading")
    wrapped.__cause__ = ConnectionResetError("not of the HTTP client")
    assert find_cause(wrapped) is wrapped
    assert pause_before_retry(wrapped, 1) is None and pause_before_retry(KeyError("x"), 1) is None
    assert pause_before_retry(OSError("Consistency check failed: file should be"), 2) == 2
    assert MAX_PAUSE > 60
    calls = []

    def step() -> str:
        calls.append(len(calls))
        if len(calls) < 3:
            raise OSError("Consistency check failed")
        return "done"

    assert Patience(attempts=3, first_pause=0).tried(step, "step") == "done" and len(calls) == 3
    calls.clear()
    with pytest.raises(OSError, match="Consistency"):
        Patience(attempts=2, first_pause=0).tried(step, "step")


def test_some():
    assert (
        some(["a"]) == "a" and some(list("abcde")) == "a, b, c, d, e" and some(list("abcdef")).endswith("e and 1 more")
    )
