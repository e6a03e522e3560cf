"""`docs/models.md`: its commands run one after the other, with stand-ins that the real parser checks, and leave the
files of a card.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/models.md").read_text(encoding="utf-8")
ARMS = ("x-x", "x-x-mono", "x-y", "hybrid")
ALPHAS = ("alpha_0.1", "alpha_0.25", "alpha_0.75", "alpha_0.9")
# Stands for `hf-hybrid`: the real parser reads the flags; the files that a command makes are empty.
STAND_IN = """
import json, sys
from pathlib import Path
from hf_hybrid.cli.main import make_parser

verb, given = sys.argv[1], make_parser().parse_args(sys.argv[1:])
with open("called.jsonl", "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if verb == "export":
    assert Path(given.model).is_dir(), given.model
    (Path(given.output) / "results").mkdir(parents=True)
    (Path(given.output) / "modules.json").write_text("[]")
elif verb == "evaluate":
    table = Path(given.output).with_suffix(".per_query.parquet")
    Path(given.output).write_text(json.dumps({"per_query": {"file": table.name}}))
    table.write_bytes(b"")
elif verb == "arms":
    for file in (Path(name) for _, *names in (*given.arm, *given.alpha) for name in names):
        # As the real command reads it: beside the file, under the name that the file says.
        assert (file.parent / json.loads(file.read_text())["per_query"]["file"]).is_file(), file
    Path(given.output).write_text("{}")
"""
MEASURES = """
import sys
from pathlib import Path

script, model = Path(sys.argv[1]), Path(sys.argv[2])
assert (Path(ROOT) / script).is_file(), script
if "--output" in sys.argv:
    Path(sys.argv[sys.argv.index("--output") + 1]).write_text("{}")
else:
    for name in ("speed", "variants"):
        (model / "results" / f"{name}.json").write_text("{}")
"""


def blocks(title: str) -> str:
    """The commands of a section, but those that install something."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"^```bash\n(.*?)^```", section, re.M | re.S)).splitlines()
    return "\n".join(line for line in lines if not line.startswith("pip install"))


@pytest.fixture
def follow(run, tmp_path, monkeypatch):
    """Follow a section's steps in a folder with what the study left; returns the commands."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name, code in (("hf-hybrid", STAND_IN), ("python", MEASURES.replace("ROOT", repr(str(ROOT))))):
        (binaries / f"{name}.py").write_text(code)
        (binaries / name).write_text(f'#!/bin/sh\nexec {sys.executable} {binaries / name}.py "$@"\n')
        (binaries / name).chmod(0o755)

    def call(config: str, title: str, *studies: tuple[str, ...]) -> list[list[str]]:
        for flags in studies or [()]:
            run(config, *flags)
        (tmp_path / "runs").mkdir()
        (tmp_path / "out").rename(tmp_path / "runs" / config)
        (tmp_path / "mix").rename(tmp_path / "hybrid_mix")
        for file in (tmp_path / "runs" / config / "results").glob("*/*.json"):
            table = file.with_suffix(".per_query.parquet")
            table.write_bytes(b"")
            file.write_text(json.dumps({"of": [file.parent.name, file.stem], "per_query": {"file": table.name}}))
        path = os.pathsep.join([str(binaries), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
        script = ["bash", "-euo", "pipefail", "-c", blocks(title)]
        done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return [json.loads(line) for line in (tmp_path / "called.jsonl").read_text().splitlines()]

    return call


def files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def seeds(folder: Path, benchmark: str, arms: tuple[str, ...], number: int) -> None:
    """Every arm with its seeds, of the benchmark that the folder is of, without the values per query."""
    found = {file.name: json.loads(file.read_text())["of"] for file in (folder / "seeds").iterdir()}
    names = [f"{arm}_{seed}" for arm in arms for seed in range(1, number + 1)]
    assert found == {f"{name}.json": [benchmark, name] for name in names}


ALONE = {"modules.json", "training.yaml"} | {
    f"results/{name}.json" for name in ("xquad_r", "world_facts", "speed", "variants", "training", "mix")
}


def test_the_static_model(follow, tmp_path):
    called = follow("static", "The static models")
    assert [words[0] for words in called] == [
        "study",
        "export",
        "evaluate",
        "evaluate",
        "arms",
        "arms",
        "card",
        "lint",
    ]
    name, cards = "hybrid-xlir-static", tmp_path / "model_cards"
    assert [folder.name for folder in cards.iterdir()] == [name]
    assert {file for file in files(cards / name) if "/seeds/" not in file} == ALONE | {"results/arms.json"}
    assert json.loads((cards / name / "results/training.json").read_text())["stages"][1]["name"] == "hybrid"
    seeds(cards / "hybrid-xlir-static/results", "xquad_r", ARMS + ALPHAS, 5)
    seeds(tmp_path / "benchmarks/results/static_arms", "world_facts", ARMS + ALPHAS, 5)
    words = next(words for words in called if words[0] == "arms")
    assert words.count("--arm") == 4 and words.count("--alpha") == 7
    released = {file for file in files(ROOT / "model_cards" / name) if file.startswith("results/")}
    assert {file for file in files(cards / name) if file.startswith("results/")} == released


def test_the_small_transformer(follow, tmp_path):
    called = follow(
        "small", "hybrid-xlir-small", ("--arms", "x-x-mono", "x-y", "hybrid"), ("--arms", "x-x", "--seeds", "1")
    )
    assert [words[0] for words in called] == [
        *["study"] * 2,
        *["evaluate"] * 2,
        "export",
        *["evaluate"] * 3,
        *["arms"] * 2,
        "card",
    ]
    folder = tmp_path / "model_cards/hybrid-xlir-small"
    rows = {f"{arm}_{seed}.json" for arm in ARMS[1:] for seed in (1, 2, 3)}
    rows |= {"x-x_1.json", "base.json", "base_means.json"}
    for where in ("results", "results/world_facts"):
        assert {file.name for file in (folder / where / "seeds").iterdir()} == rows
    made = {file for file in files(folder) if file.startswith("results/")}
    released = {file for file in files(ROOT / "model_cards" / folder.name) if file.startswith("results/")}
    # The figures of other systems are written by hand.
    assert made == released - {"results/published.json"}


def test_the_compact_transformer(follow, tmp_path):
    called = follow("mini", "A compact transformer")
    assert [words[0] for words in called] == ["study", "export", *["evaluate"] * 3, *["arms"] * 3, "card"]
    folder = tmp_path / "model_cards/hybrid-xlir-mini"
    assert {file for file in files(folder) if "/seeds/" not in file} == ALONE | {
        *(f"results/{name}arms.json" for name in ("", "world_facts/", "in_context/")),
        "results/in_context/xquad_r.json",
    }
    for where, benchmark in (
        ("", "xquad_r"),
        ("in_context", "xquad_r_sentence_in_context"),
        ("world_facts", "world_facts"),
    ):
        seeds(folder / "results" / where, benchmark, ARMS, 3)
