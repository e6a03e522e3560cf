"""What may not be published is found, named by file and line, and never repeated."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.checks import PICKLES, find_problems
from hf_hybrid.publishing.hub.files import list_files

ROOT = Path(__file__).resolve().parents[3]
# Put together here, so that no check of this repository takes them for real ones.
TOKEN = "hf_" + "aB3" * 12


def problems_of(folder: Path, kind: str = "model", **options) -> list[str]:
    files, broken = list_files(folder)
    assert broken == []
    return find_problems(folder, files, kind, **options)


def test_a_clean_folder_is_fit(make_folder):
    assert problems_of(make_folder()) == []


def test_models_hold_no_pickles(make_folder):
    # Read, not imported: the module brings torch with it.
    source = ast.parse((ROOT / "hf_hybrid" / "encoders" / "checkpoints.py").read_text())
    values = {node.targets[0].id: node.value for node in source.body if isinstance(node, ast.Assign)}
    refused_on_loading = ast.literal_eval(values["PICKLES"])
    assert {pattern.removeprefix("*") for pattern in refused_on_loading} <= set(PICKLES)
    folder = make_folder({f"weights/a{suffix.upper()}": b"\x80\x04" for suffix in PICKLES})
    assert len(problems_of(folder)) == len(PICKLES)
    assert all("save it as safetensors" in problem for problem in problems_of(folder))
    # Also when a person vouches for them: loading them runs code.
    assert len(problems_of(folder, reviewed=["weights/a.PT"])) == len(PICKLES)
    assert problems_of(folder, "dataset") == []


@pytest.mark.parametrize(
    "name", [".env", ".env.local", "prod.env", "id_rsa", "server.PEM", ".netrc", "token", "my.key"]
)
def test_names_of_secrets(make_folder, name):
    folder = make_folder({f"a/{name}": ""})
    assert problems_of(folder) == [f"a/{name} looks like a file of secrets: exclude it, or name it with --reviewed"]
    assert problems_of(folder, reviewed=[f"a/{name}"]) == []


def test_names_that_only_look_like_it(make_folder):
    names = (".env.example", "special_tokens_map.json", "tokenizer.json", "added_tokens.json", "environment.yml")
    assert problems_of(make_folder(dict.fromkeys(names, "{}"))) == []


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 12,
        "glpat-" + "a1B2" * 5,
        "AKIA" + "ABCD" * 4,
        "sk-" + "a1B2" * 12,
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_secrets_in_files(make_folder, secret):
    (problem,) = problems_of(make_folder({"train.jsonl": f"one\ntwo\n{{'a': '{secret}'}}\n"}))
    assert problem.startswith("train.jsonl, line 3: ") and "must be revoked" in problem and secret not in problem


def test_the_own_token_is_found_whatever_it_looks_like(make_folder):
    folder = make_folder({"notes.csv": "a\nb c-o-r-p-token d\n"})
    assert problems_of(folder) == []
    (problem,) = problems_of(folder, token="c-o-r-p-token")
    assert problem.startswith("notes.csv, line 2: your access token") and "c-o-r-p" not in problem


def test_secrets_are_found_in_long_files_and_at_the_seam_of_pieces(make_folder):
    line = "x" * 1023 + "\n"
    for shift in range(0, len(TOKEN) + 1, 3):
        before = line * 1023 + "y" * (1024 - shift - 1) + "\n"
        (problem,) = problems_of(make_folder({"a.txt": f"{before}{TOKEN}\n{line * 2000}"}))
        assert problem.startswith("a.txt, line 1025: ")
    (problem,) = problems_of(make_folder({"a.txt": f"{line * 5000}{TOKEN}"}))
    assert problem.startswith("a.txt, line 5001: ")


@pytest.mark.parametrize(
    "path", ["/home/ann/data", "/Users/ann/x", r"C:\\Users\\ann", "D:\\Users\\ann", "/tmp/tmpa1b2c3d4/model"]
)
def test_paths_of_machines(make_folder, path):
    (problem,) = problems_of(make_folder({"config.json": f'{{\n"_name_or_path": "{path}"}}'}))
    assert problem.startswith("config.json, line 2: a path of a machine: ")
    # A text to learn from, a vocabulary and a binary file may say so.
    assert (
        problems_of(make_folder({"config.json": "{}", "a.jsonl": path, "tokenizer.json": path, "b.md": "\0" + path}))
        == []
    )


def test_paths_of_this_machine(make_folder, tmp_path, monkeypatch):
    here = tmp_path / "deep" / "down"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    folder = make_folder(
        {"README.md": f"in {here}/x", "a.py": "x", "b.md": f"{tmp_path / 'folder'}", "c.md": f"{here}er"}
    )
    assert [problem.split(":")[0] for problem in problems_of(folder)] == ["README.md, line 1", "b.md, line 1"]


@pytest.mark.parametrize(
    "text", ["/home/user/app", "https://example.org/home/ann/x", "~/home/ann", "/path/to/data", "a/home/b", "/tmp/x"]
)
def test_what_only_looks_like_a_path_of_a_machine(make_folder, text):
    assert problems_of(make_folder({"README.md": text})) == []


def test_both_are_told_and_reviewed_files_are_not_looked_into(make_folder):
    folder = make_folder({"README.md": f"/home/ann/x\n{TOKEN}\n"})
    assert [problem.split(":")[0] for problem in problems_of(folder)] == ["README.md, line 1", "README.md, line 2"]
    assert problems_of(folder, reviewed=["README.md"]) == []
    with pytest.raises(InputError, match=r"reviewed: there is no file READ\.md"):
        problems_of(folder, reviewed=["READ.md"])


@pytest.mark.parametrize(
    ("folder", "kind"), [("spaces/hybrid_xlir_map", "space"), ("hub_datasets/cldr_qa", "dataset")]
)
def test_our_own_folders_are_fit(folder, kind):
    assert problems_of(ROOT / folder, kind) == []
