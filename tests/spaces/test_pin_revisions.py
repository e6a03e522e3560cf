"""The Space loads by name at pinned commits: filling the pins in, refusing a push without them, saying what is
missing.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import yaml
from xlir_demo import checkpoints
from xlir_demo.checkpoints import CHECKPOINTS, find_dataset, find_model, find_models, pinned, pinned_names

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.lint import lint_cards, lint_folder
from tests.spaces.serving import ROOT, SPACE
from tests.spaces.small_checkpoints import HYBRID, STATIC

NAMES = pinned_names()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def pin():
    specification = importlib.util.spec_from_file_location("pin_revisions", SPACE / "pin_revisions.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def space(tmp_path) -> Path:
    """A copy of the Space, in a project of its own."""
    folder = tmp_path / "spaces" / "cross_lingual_search"
    shutil.copytree(SPACE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "constraints.txt", tmp_path / "constraints.txt")
    return folder


def test_the_pins_name_what_the_page_offers():
    content = json.loads((SPACE / "revisions.json").read_text())
    assert list(content["datasets"]) == [checkpoints.DATASET]
    # Every released model is pinned, and nothing that is not: what lies in model_cards/ is what is pushed.
    released = {one.name for one in CHECKPOINTS if (ROOT / "model_cards" / one.name / "modules.json").is_file()}
    assert set(content["models"]) == released


def test_a_push_without_pins_is_refused(space):
    assert lint_cards([space], load=False)[1] == []  # a checkout may be without
    problems = lint_folder(space, "space")
    assert len(problems) == len(NAMES) + 1 and all("is not pinned" in problem for problem in problems)
    assert {name for name in (*NAMES, "world_facts") if any(f" {name} is" in problem for problem in problems)} == {
        *NAMES,
        "world_facts",
    }


def test_the_command_pins_and_the_push_is_then_allowed(pin, space, monkeypatch, capsys):
    monkeypatch.setattr(pin, "commit_on_the_hub", lambda repository, kind: COMMIT)
    assert pin.main(["someone", "--space", str(space), "--check"]) == 0
    assert "null" in (space / "revisions.json").read_text()
    assert pin.main(["someone", "--space", str(space)]) == 0
    assert capsys.readouterr().out.count(f"someone/hybrid-xlir-small: {COMMIT}") == 2
    assert lint_folder(space, "space") == []
    front = yaml.safe_load((space / "README.md").read_text().split("---")[1])
    assert front["models"] == [f"someone/{name}" for name in NAMES] and front["datasets"] == ["someone/world_facts"]
    assert pinned("models", NAMES[0], space / "revisions.json") == (f"someone/{NAMES[0]}", COMMIT)
    # Again, for another owner: replaced, not added.
    assert pin.main(["other", "--space", str(space)]) == 0
    assert (space / "README.md").read_text().count("\nmodels:") == 1 and lint_folder(space, "space") == []


def test_pins_that_are_none_are_refused(pin, space, capsys):
    path = space / "revisions.json"
    content = json.loads(path.read_text())
    for revision in ("main", COMMIT.upper(), COMMIT[:-1], 7, None):
        content["models"][NAMES[0]] = {"repository": f"me/{NAMES[0]}", "revision": revision}
        path.write_text(json.dumps(content))
        assert any(f"{NAMES[0]} is not pinned" in problem for problem in lint_folder(space, "space"))
    for broken in ("{", "[]", '{"models": {"m": {}}}'):
        path.write_text(broken)
        assert any("not in the form of pins" in problem for problem in lint_folder(space, "space"))
    assert pin.main(["a/b", "--space", str(SPACE)]) == 2
    assert "'a/b' is no owner" in capsys.readouterr().err


def test_on_the_hub_models_come_from_the_pinned_commit_and_from_nowhere_else(monkeypatch, tmp_path, small_checkpoints):
    calls = []

    def snapshot_download(repository, **options):
        calls.append((repository, options["repo_type"], options["revision"], options["token"]))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    monkeypatch.setenv("SPACE_ID", "someone/cross_lingual_search")
    monkeypatch.setattr(checkpoints, "embedded_model", lambda name: pytest.fail("embedded models are for offline use"))
    pins = tmp_path / "revisions.json"
    pins.write_text((SPACE / "revisions.json").read_text())
    with pytest.raises(
        InputError, match="neither installed here nor pinned in revisions.json.*pin_revisions.py OWNER"
    ):
        find_model(NAMES[1], revisions=pins)
    content = {"models": {name: {"repository": f"o/{name}", "revision": COMMIT} for name in NAMES}}
    content["datasets"] = {"world_facts": {"repository": "o/world_facts", "revision": COMMIT}}
    pins.write_text(json.dumps(content))
    assert find_model(NAMES[1], revisions=pins) == tmp_path and find_dataset(pins) == tmp_path
    assert calls == [(f"o/{NAMES[1]}", "model", COMMIT, False), ("o/world_facts", "dataset", COMMIT, False)]
    content["models"][NAMES[0]]["revision"] = "main"
    pins.write_text(json.dumps(content))
    with pytest.raises(InputError, match="must be a commit of 40 hex digits, got 'main'"):
        find_model(NAMES[0], revisions=pins)
    assert len(calls) == 2


def test_offline_models_come_from_the_folder_or_the_package(monkeypatch, tmp_path, small_checkpoints):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert find_model(HYBRID, small_checkpoints) == small_checkpoints / HYBRID
    monkeypatch.setattr(checkpoints, "embedded_model", lambda name: tmp_path / name)
    assert find_model(HYBRID) == tmp_path / HYBRID
    assert find_models().keys() == set(checkpoints.NAMES)
    assert find_dataset() == ROOT / "hub_datasets" / "world_facts"
    monkeypatch.setattr(checkpoints, "embedded_model", lambda name: None)
    with pytest.raises(InputError, match="neither installed here nor pinned"):
        find_model(HYBRID, tmp_path)
    with pytest.raises(InputError, match="no checkpoint 'someone/else'"):
        find_model("someone/else", small_checkpoints)


def test_the_page_goes_without_checkpoints_that_are_not_installed(monkeypatch, tmp_path, small_checkpoints):
    from xlir_demo.start import load_page_views

    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setattr(checkpoints, "embedded_model", lambda name: None)
    (tmp_path / HYBRID).symlink_to(small_checkpoints / HYBRID)
    # Any other checkpoint of the folder is offered, too; what has no checkpoint in it, or a name of its own kind, is not.
    (tmp_path / "mine").symlink_to(small_checkpoints / STATIC)
    (tmp_path / "empty").mkdir()
    (tmp_path / "<b>").symlink_to(small_checkpoints / STATIC)
    assert list(find_models(tmp_path)) == [HYBRID, "mine"]
    (tmp_path / "mine").unlink()
    alone = load_page_views(tmp_path)
    assert list(alone.answers.encoders) == [HYBRID]
    view = alone.compare("Where do the waters of the Volga end up?", "guess", HYBRID, HYBRID, None, 10)
    assert view.count("<ol") == 1 and 'role="alert"' not in view
    (tmp_path / HYBRID).unlink()
    shutil.rmtree(tmp_path / "empty")
    (tmp_path / "<b>").unlink()
    with pytest.raises(InputError, match="There is no checkpoint in .*name a folder with --models"):
        find_models(tmp_path)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with pytest.raises(InputError, match="is neither installed here nor pinned"):
        find_models(tmp_path)


def test_the_card_and_the_requirements_fit_together():
    front = yaml.safe_load((SPACE / "README.md").read_text().split("---")[1])
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and line[0] != "#"
    )
    assert front["sdk"] == "gradio" and front["sdk_version"] == pins["gradio"] and front["app_file"] == "app.py"
    assert len(front["short_description"]) <= 60 and "models" not in front
    requirements = [
        line for line in (SPACE / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")
    ]
    import hf_hybrid

    assert requirements == [
        f"hf_hybrid=={hf_hybrid.__version__}",
        f"lingua-language-detector=={pins['lingua-language-detector']}",
    ]
