"""A push is one commit, exactly as planned, and goes on where it broke."""

from __future__ import annotations

import hashlib
import logging

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub import Patience, push_folder
from hf_hybrid.publishing.hub.report import plan_report, push_report
from tests.publishing.conftest import CARD

QUICK = Patience(attempts=3, first_pause=0.01)
WEIGHTS = bytes(range(256)) * 40


def written(hub) -> list[str]:
    """Paths of the requests that could have changed something."""
    return [
        request.path
        for request in hub.requests
        if request.method != "GET" and not request.path.endswith("/preupload/main") and request.method != "HEAD"
    ]


def changes(plan) -> dict[str, tuple[str, bool]]:
    return {file.path: (file.change, file.large) for file in plan.files}


def objects_sent(hub) -> list[str]:
    """sha256 of the large files that were accepted, in order."""
    return [request.path.split("/")[2][:64] for request in hub.asked("PUT", "/objects/") if request.status == 200]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_dry_run_says_what_the_push_then_does(online, make_folder):
    folder = make_folder({"README.md": CARD, "model.safetensors": WEIGHTS, "empty.safetensors": b"", "a/b.txt": "x"})
    planned = push_folder(folder, "me/model", dry_run=True)
    assert written(online) == [] and online.repositories == {}
    expected = {
        "README.md": ("new", False),
        "a/b.txt": ("new", False),
        "empty.safetensors": ("new", False),
        "model.safetensors": ("new", True),
    }
    assert changes(planned.plan) == expected and planned.commit is None and planned.plan.head is None
    report = plan_report(planned.plan, everything=True)
    assert "  new         10.2 kB  LFS  model.safetensors\n" in report and "does not exist yet" in report
    assert "to upload: 4 (10.3 kB), 1 of them large (LFS)" in report and "rules of a new repository" in report
    assert push_report(planned) == "Dry run: nothing was written."

    pushed = push_folder(folder, "me/model", message="First")
    repository = online.repositories["model", "me/model"]
    assert pushed.plan == planned.plan and pushed.commit == repository.refs["main"]
    assert repository.messages[pushed.commit] == "First" and not repository.private
    assert repository.large[pushed.commit] == {"model.safetensors"}
    held = dict(repository.commits[pushed.commit])
    assert held.pop(".gitattributes") and held == {
        path: (folder / path).read_bytes()
        for path in ("README.md", "model.safetensors", "empty.safetensors", "a/b.txt")
    }


def test_only_what_differs_is_sent(online, make_folder):
    folder = make_folder({"README.md": CARD, "a.safetensors": WEIGHTS, "b.safetensors": WEIGHTS[1:], "c.txt": "c"})
    first = push_folder(folder, "me/model")
    before = len(online.requests)
    again = push_folder(folder, "me/model")
    assert again.commit == first.commit and push_report(again).startswith("Nothing to push")
    assert all(request.method == "GET" for request in online.requests[before:])

    # Same size, other content, in a large file and in a small one.
    make_folder({"a.safetensors": WEIGHTS[:-1] + b"!", "c.txt": "d", "d.txt": "d"})
    (folder / "b.safetensors").unlink()
    planned = push_folder(folder, "me/model", dry_run=True, delete=True)
    assert changes(planned.plan) == {
        ".gitattributes": ("kept", False),
        "README.md": ("unchanged", False),
        "a.safetensors": ("changed", True),
        "b.safetensors": ("deleted", True),
        "c.txt": ("changed", False),
        "d.txt": ("new", False),
    }
    sent = len(objects_sent(online))
    kept = push_folder(folder, "me/model")
    repository = online.repositories["model", "me/model"]
    assert "b.safetensors" in repository.commits[kept.commit] and kept.plan.of("kept")[1].path == "b.safetensors"
    assert objects_sent(online)[sent:] == [digest(WEIGHTS[:-1] + b"!")]
    deleted = push_folder(folder, "me/model", delete=True)
    assert sorted(repository.commits[deleted.commit]) == [
        ".gitattributes",
        "README.md",
        "a.safetensors",
        "c.txt",
        "d.txt",
    ]
    assert repository.parents[deleted.commit] == kept.commit and repository.parents[kept.commit] == first.commit


def test_many_files_and_pages(online, make_folder):
    online.page_size = 50
    folder = make_folder({"README.md": CARD, **{f"{i % 7}/{i}.txt": str(i) for i in range(300)}})
    assert len(push_folder(folder, "me/model").plan.of("new")) == 301
    (folder / "3/45.txt").write_text("!!")
    again = push_folder(folder, "me/model", dry_run=True).plan
    assert [file.path for file in again.of("changed", "new")] == ["3/45.txt"] and len(again.of("unchanged")) == 300


def test_private_stays_private(online, make_folder):
    folder = make_folder()
    assert push_folder(folder, "me/model", private=True).plan.private
    repository = online.repositories["model", "me/model"]
    assert repository.private
    # Without the flag an existing repository stays what it is, and with it a public one is no place for private files.
    assert push_folder(folder, "me/model").plan.private
    online.add_repository("model", "me/open", {"a": b""})
    with pytest.raises(InputError, match="private: model me/open exists and is public"):
        push_folder(folder, "me/open", private=True)
    assert len(online.repositories["model", "me/open"].commits) == 1


@pytest.mark.parametrize("branch", ["next", "feature/x"])
def test_branches_are_made_on_demand_only(online, make_folder, branch):
    folder = make_folder()
    with pytest.raises(InputError, match="there is no model me/model yet"):
        push_folder(folder, "me/model", revision=branch)
    first = push_folder(folder, "me/model")
    repository = online.repositories["model", "me/model"]
    with pytest.raises(InputError, match=f"no branch {branch}; pass --create_branch"):
        push_folder(folder, "me/model", revision=branch)
    make_folder({"config.json": "{}"})
    planned = push_folder(folder, "me/model", revision=branch, create_branch=True, dry_run=True).plan
    assert planned.creates_branch and planned.head == first.commit and branch not in repository.refs
    pushed = push_folder(folder, "me/model", revision=branch, create_branch=True)
    assert repository.refs == {"main": first.commit, branch: pushed.commit}
    assert repository.parents[pushed.commit] == first.commit
    assert push_folder(folder, "me/model", revision=branch).commit == pushed.commit


def test_a_branch_of_a_new_repository(online, make_folder):
    pushed = push_folder(make_folder(), "me/model", revision="next", create_branch=True)
    repository = online.repositories["model", "me/model"]
    assert (
        repository.refs["next"] == pushed.commit
        and "model.safetensors" not in repository.commits[repository.refs["main"]]
    )


def test_tags_stay(online, make_folder):
    repository = online.add_repository("model", "me/model", {"a": b""})
    repository.refs["v1"] = repository.refs["main"]
    repository.tags.add("v1")
    with pytest.raises(InputError, match="v1 is a tag of model me/model"):
        push_folder(make_folder(), "me/model", revision="v1", create_branch=True)


def test_a_pull_request_leaves_main_alone(online, make_folder):
    repository = online.add_repository("model", "me/model", {"a.txt": b"a"})
    main = repository.refs["main"]
    pushed = push_folder(make_folder(), "me/model", create_pr=True)
    assert repository.refs == {"main": main, "refs/pr/1": pushed.commit} and repository.parents[pushed.commit] is None
    assert push_report(pushed) == f"Opened {online.endpoint}/me/model/discussions/1 with commit {pushed.commit}"
    # Another commit on the same pull request.
    make_folder({"config.json": "{}"})
    more = push_folder(make_folder({"config.json": "{}"}), "me/model", revision="refs/pr/1")
    assert repository.refs["refs/pr/1"] == more.commit and repository.refs["main"] == main
    with pytest.raises(InputError, match="opened against main; leave --revision out"):
        push_folder(make_folder(), "me/model", create_pr=True, revision="refs/pr/1")
    with pytest.raises(InputError, match="create_pr: there is no model me/other"):
        push_folder(make_folder(), "me/other", create_pr=True)


def test_a_pull_request_is_not_opened_twice(online, make_folder):
    repository = online.add_repository("model", "me/model", {"a.txt": b"a"})
    online.fail("POST", "/commit/", lost=True)
    with pytest.raises(InputError, match="look at .*/me/model/discussions before you run again"):
        push_folder(make_folder(), "me/model", create_pr=True, patience=QUICK)
    assert sorted(repository.refs) == ["main", "refs/pr/1"]


def test_a_pull_request_that_cannot_be_looked_at_is_not_opened_again(online, make_folder):
    repository = online.add_repository("model", "me/model", {"a.txt": b"a"})
    online.fail("GET", "/revision/refs", status=500, times=99)
    with pytest.raises(InputError, match="trouble of its own"):
        push_folder(make_folder(), "me/model", create_pr=True, patience=QUICK)
    assert sorted(repository.refs) == ["main", "refs/pr/1"] and len(online.asked("POST", "/commit/")) == 1


def test_what_gitignore_leaves_out_is_said(online, make_folder):
    online.add_repository("model", "me/model", {"a.txt": b"a"})
    folder = make_folder({"README.md": CARD, ".gitignore": "*.log\n", "a.log": "x", "b.txt": "b"})
    planned = push_folder(folder, "me/model", dry_run=True)
    assert changes(planned.plan)["a.log"] == ("ignored", False)
    assert "1 left out by .gitignore" in plan_report(planned.plan, False)
    pushed = push_folder(folder, "me/model")
    assert "a.log" not in online.repositories["model", "me/model"].commits[pushed.commit]
    # Also by a .gitignore that the repository already has.
    make_folder({"c.txt": "c"})
    again = push_folder(folder, "me/model")
    assert changes(again.plan)["a.log"] == ("ignored", False)
    assert "a.log" not in online.repositories["model", "me/model"].commits[again.commit]


def test_a_space_says_what_runs_it(online, make_folder):
    folder = make_folder({"README.md": "---\nsdk: gradio\n---\n", "app.py": "x"}, "space")
    push_folder(folder, "me/space")
    assert ("space", "me/space") in online.repositories
    (folder / "README.md").write_text("---\napp_file: app.py\n---\n")
    with pytest.raises(InputError, match="does not say which `sdk` runs the Space"):
        push_folder(folder, "me/other")


def test_an_upload_that_breaks_goes_on_where_it_broke(online, make_folder):
    contents = {f"{name}.safetensors": name.encode() * 5000 for name in "abcd"}
    folder = make_folder({"README.md": CARD, **contents})
    broken = digest(contents["c.safetensors"])
    online.fail("PUT", broken, status=403)
    with pytest.raises(InputError, match="storage for large files .* run the same command again"):
        push_folder(folder, "me/model", patience=QUICK)
    assert online.asked("POST", "/commit/") == []
    stored = set(online.objects)
    assert broken not in stored
    pushed = push_folder(folder, "me/model")
    assert online.repositories["model", "me/model"].refs["main"] == pushed.commit
    # Each object has been taken exactly once, over both pushes.
    assert sorted(objects_sent(online)) == sorted(map(digest, contents.values()))


def test_an_upload_that_is_cut_in_the_middle_is_sent_again(online, make_folder):
    fault = online.fail("PUT", "/objects/", cut_after=4000)
    pushed = push_folder(make_folder({"README.md": CARD, "a.safetensors": WEIGHTS}), "me/model", patience=QUICK)
    assert fault.times == 0 and [request.status for request in online.asked("PUT", "/objects/")] == [0, 200]
    assert online.repositories["model", "me/model"].commits[pushed.commit]["a.safetensors"] == WEIGHTS


def test_large_files_go_in_parts_where_the_hub_says_so(online, make_folder):
    online.part_size = 3000
    pushed = push_folder(make_folder({"README.md": CARD, "a.safetensors": WEIGHTS}), "me/model")
    assert [request.path[-18:-17] for request in online.asked("PUT", "/parts/")] == ["1", "2", "3", "4"]
    assert online.repositories["model", "me/model"].commits[pushed.commit]["a.safetensors"] == WEIGHTS


STEPS = ("repos/create", "/branch/", "/commit/", "/me/model$", "/refs")


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        *((step, {"status": 500}) for step in STEPS),
        *((step, {"lost": True}) for step in STEPS),
        ("/commit/", {"status": 429, "headers": {"Retry-After": "0"}}),
    ],
)
def test_what_passes_is_tried_again(online, make_folder, step, fault, caplog):
    online.fail("GET|POST", step, **fault)
    pushed = push_folder(make_folder(), "me/model", revision="next", create_branch=True, patience=QUICK)
    repository = online.repositories["model", "me/model"]
    assert repository.refs["next"] == pushed.commit and len(repository.commits) == 2
    assert online.faults[0].times == 0 and "trying again" in caplog.text


def test_a_commit_whose_answer_is_lost_is_not_made_twice(online, make_folder):
    repository = online.add_repository("model", "me/model", {"a.txt": b"a"})
    online.fail("POST", "/commit/", lost=True)
    pushed = push_folder(make_folder(), "me/model", patience=QUICK)
    assert len(repository.commits) == 2 and pushed.commit == repository.refs["main"]
    assert push_report(pushed).startswith("Pushed to ") and len(online.asked("POST", "/commit/")) == 1


def test_what_does_not_pass_ends(online, make_folder):
    online.fail("POST", "/repos/create", status=500, times=99)
    with pytest.raises(InputError, match=r"trouble of its own \(status 500"):
        push_folder(make_folder(), "me/model", patience=QUICK)
    assert len(online.asked("POST", "/repos/create")) == QUICK.attempts
    with pytest.raises(InputError, match="attempts: 0 is less than 1"):
        Patience(0)


def test_a_commit_of_another_in_between_is_not_overwritten(online, make_folder):
    repository = online.add_repository("model", "me/model", {"a.txt": b"a"})
    stalled = online.fail("POST", "/commit/", status=500)
    original = repository.resolve

    def resolve_and_commit(revision: str) -> str | None:
        # Somebody else commits right after our first attempt.
        if stalled.times == 0 and len(repository.commits) == 1:
            repository.commit({"a.txt": b"theirs"})
        return original(revision)

    repository.resolve = resolve_and_commit
    with pytest.raises(InputError, match="has changed in the meantime"):
        push_folder(make_folder(), "me/model", patience=QUICK)
    assert repository.commits[repository.refs["main"]] == {"a.txt": b"theirs"}

    repository.resolve = original
    online.fail("POST", "/commit/", status=412)
    with pytest.raises(InputError, match="has changed in the meantime"):
        push_folder(make_folder(), "me/model", patience=QUICK)


def test_what_has_not_arrived_as_it_was_is_said(online, make_folder):
    repository = online.add_repository("model", "me/model", {"a.txt": b"a"})
    original = repository.commit
    repository.commit = lambda files, *rest: original({**files, "config.json": b"{}"}, *rest)
    with pytest.raises(InputError, match="differs from the folder in config.json"):
        push_folder(make_folder(), "me/model", patience=QUICK)


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_unfit_folder_never_meets_the_hub(online, make_folder, dry_run):
    folder = make_folder(
        {"README.md": CARD, "pytorch_model.bin": b"", ".env": "", "config.json": '{"at": "/home/ann"}'}
    )
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(InputError) as caught:
        push_folder(folder, "me/model", dry_run=dry_run, lint=lambda folder, kind: [f"no licence for a {kind}"])
    message = str(caught.value)
    for part in (
        "link is a link out",
        "pytorch_model.bin is pickled",
        ".env looks like",
        "config.json, line 1",
        "card: no",
    ):
        assert part in message
    assert "no licence for a model" in message and online.requests == []
    with pytest.raises(InputError, match=r"README\.md is the card"):
        push_folder(folder, "me/model", dry_run=dry_run, exclude=["*.md"])


def test_without_a_token_one_may_look_but_not_push(online, make_folder, monkeypatch):
    folder = make_folder()
    online.add_repository("model", "me/model", {"config.json": b"{}"})
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(InputError, match="no access token: log in with `hf auth login`"):
        push_folder(folder, "me/model")
    assert online.requests == []
    planned = push_folder(folder, "me/model", dry_run=True)
    assert changes(planned.plan)["config.json"] == ("changed", False) and not planned.plan.asked
    assert not any(request.authorised for request in online.requests)
    # Nor with one that may only read: then the Hub does not say which files are large.
    monkeypatch.setenv("HF_TOKEN", online.add_account("me", write=False))
    again = push_folder(folder, "me/model", dry_run=True).plan
    assert again == planned.plan and len(online.asked("POST", "/preupload/")) == 1


def test_the_token_goes_to_the_hub_only_and_into_no_log(online, make_folder, caplog, monkeypatch):
    (token,) = online.accounts
    caplog.set_level(logging.DEBUG)
    online.fail("POST", "/commit/", status=500)
    push_folder(make_folder({"README.md": CARD, "a.safetensors": WEIGHTS}), "me/model", patience=QUICK)
    storage = [request for request in online.requests if request.host == "storage"]
    assert storage and not any(request.authorised for request in storage)
    assert any(request.authorised for request in online.requests)
    assert token not in caplog.text
    # Not even where the server sends it back.
    online.fail("GET", "/me/model", status=400, headers={"X-Error-Message": f"bad {token}"})
    with pytest.raises(InputError) as caught:
        push_folder(make_folder(), "me/model")
    assert token not in str(caught.value) and "bad hf_..." in str(caught.value)
