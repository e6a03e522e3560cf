"""The commands as users run them, in processes of their own, against the fake Hub; then the client libraries read back
what was pushed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.publishing.hub.conftest import WHOLE_CARD
from tests.publishing.hub.fake_hub import FakeHub
from tests.publishing.hub.small_model import write_small_model

ROOT = Path(__file__).resolve().parents[3]
READ_BACK = Path(__file__).with_name("read_back.py")
COMMIT = re.compile(r"\b[0-9a-f]{40}\b")
Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def environment(hub: FakeHub, tmp_path: Path) -> dict[str, str]:
    """Of a user who has just logged in: an empty cache and a token."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))}
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "HF_HOME": str(tmp_path / "home" / "hf"),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": hub.add_account("me"),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs `hf-hybrid` with arguments, and makes sure that no output holds the token."""

    def run_command(*arguments: object, status: int = 0) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "hf_hybrid.cli.main", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == status, done.stderr
        assert environment["HF_TOKEN"] not in done.stdout + done.stderr and "Traceback" not in done.stderr
        return done

    return run_command


def test_what_is_pushed_is_read_back_by_the_client_libraries(hub, run, environment, tmp_path):
    """A model in two commits, a data set and a metric, through every library that the cards name."""
    for seed in (1, 2):
        write_small_model(tmp_path / f"model_{seed}", WHOLE_CARD, seed)
    dry = run("push", "model_1", "me/model", "--dry_run", "--quiet")
    assert "Dry run: nothing was written." in dry.stdout and hub.repositories == {}
    first = COMMIT.findall(run("push", "model_1", "me/model", "--private", "--quiet").stdout)[-1]
    planned = run("push", "model_2", "me/model", "--dry_run", "--quiet").stdout
    assert re.findall(r"^  (\w+) .* (\S+)$", planned, re.M)[-3:] == [
        ("unchanged", "sentence_bert_config.json"),
        ("unchanged", "tokenizer.json"),
        ("unchanged", "tokenizer_config.json"),
    ]
    assert "to upload: 1 (" in planned and ", 1 of them large (LFS); 8 unchanged; 1 kept" in planned
    second = COMMIT.findall(run("push", "model_2", "me/model", "--private", "--quiet").stdout)[-1]
    repository = hub.repositories["model", "me/model"]
    assert repository.private and repository.parents[second] == first and repository.refs == {"main": second}

    run("push", ROOT / "hub_datasets" / "cldr_qa", "me/cldr_qa", "--exclude", "build.py", "templates/*", "--quiet")
    run("push", ROOT / "spaces" / "hybrid_xlir_map", "me/hybrid_xlir_map", "--quiet")

    wish = {
        "model": "me/model",
        "first_commit": first,
        "folder": str(tmp_path / "model_2"),
        "dataset": "me/cldr_qa",
        "space": "me/hybrid_xlir_map",
    }
    done = subprocess.run(
        [sys.executable, str(READ_BACK), json.dumps(wish)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert read["snapshot"]["folder"] == first and "1_Pooling/config.json" in read["snapshot"]["files"]
    assert read["dataset"]["rows"] > 1000 and {"id", "lang", "query", "passage"} <= set(read["dataset"]["columns"])
    assert read["dataset"]["streamed"] == sorted(read["dataset"]["columns"])
    assert read["metric"]["source"] == (ROOT / "spaces/hybrid_xlir_map/hybrid_xlir_map.py").read_text()
    assert read["metric"]["mul_map"] == pytest.approx((0.75 + 5 / 6) / 2)
    assert read["model"]["shape"] == [2, 8]
    assert read["model"]["remote"] == 0 and read["model"]["plain"] < 1e-6 < 1e-2 < read["model"]["first"]

    pulled = run("pull", "me/model", "back", "--revision", first, "--exclude", ".gitattributes", "--quiet").stdout
    assert COMMIT.findall(pulled) == [first]
    back = {p.relative_to(tmp_path / "back"): p.read_bytes() for p in (tmp_path / "back").rglob("*") if p.is_file()}
    sent = {p.relative_to(tmp_path / "model_1"): p for p in (tmp_path / "model_1").rglob("*") if p.is_file()}
    assert back == {name: path.read_bytes() for name, path in sent.items()}
    assert not any(request.authorised for request in hub.requests if request.host == "storage")


def test_a_push_that_is_killed_goes_on_where_it_was(hub, run, environment, make_folder, tmp_path):
    weights = {f"model-{i}.safetensors": os.urandom(300_000) for i in range(3)}
    make_folder({"README.md": WHOLE_CARD, "config.json": "{}", **weights})
    stalled = hub.fail("PUT", "/objects/", cut_after=100_000, stall=True)
    command = [sys.executable, "-m", "hf_hybrid.cli.main", "push", "folder", "me/model", "--quiet"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert stalled.reached.wait(30)
            for _ in range(300):
                if len(hub.objects) == 2:
                    break
                time.sleep(0.05)
        finally:
            process.kill()
    assert len(hub.objects) == 2 and hub.asked("POST", "/commit/") == []
    stored = dict(hub.objects)
    commit = COMMIT.findall(run("push", "folder", "me/model", "--quiet").stdout)[-1]
    held = hub.repositories["model", "me/model"].commits[commit]
    assert {name: held[name] for name in weights} == weights
    again = [request for request in hub.asked("PUT", "/objects/") if request.status == 200]
    # Every object has been taken once: the two before the end of the first process, the third after.
    assert len(again) == 3 and set(stored) < set(hub.objects)


def test_a_silent_connection_is_given_up(hub, run, make_folder):
    make_folder({"README.md": WHOLE_CARD, "model.safetensors": bytes(3000)})
    hub.fail("PUT", "/objects/", cut_after=1000, stall=True)
    done = run("push", "folder", "me/model", "--timeout", "1", "--quiet")
    assert "Pushed to" in done.stdout and "timed out" in done.stderr


def test_mistakes_are_one_line_and_status_2(hub, run, make_folder, tmp_path):
    make_folder({"README.md": WHOLE_CARD, "config.json": "{}", "pytorch_model.bin": b"\x80\x04"})
    refused = run("push", "folder", "me/model", status=2)
    assert refused.stderr.startswith("hf-hybrid: error: folder may not be pushed: pytorch_model.bin is pickled")
    assert refused.stderr.count("\n") == 1 and refused.stdout == "" and hub.repositories == {}
    missing = run("pull", "me/none", "out", status=2)
    assert missing.stderr.count("\n") == 1 and "repository me/none is not at" in missing.stderr
    assert not (tmp_path / "out").exists()
    card = run("push", make_folder({"README.md": "---\npipeline_tag: x\n---\n"}, "bare"), "me/model", status=2)
    assert "card: " in card.stderr and hub.asked("POST", "create") == []
