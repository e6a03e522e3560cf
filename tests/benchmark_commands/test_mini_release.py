"""The released transformer's repository: which commands are called, with flags that the command knows, and the files of a card."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from hf_hybrid.cli.main import make_parser

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import mini_release

ARMS = ("x-x", "x-x-mono", "x-y", "hybrid")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """What `mini_arms.py` leaves, as far as it is read: two seeds of every arm."""
    folder = tmp_path / "runs"
    recipe = yaml.safe_dump({"max_steps": 3, "global_batch_size": 8})
    for where in ("base", *(f"arms/{arm}/seed_{seed}" for arm in ARMS for seed in (1, 2))):
        (folder / where).mkdir(parents=True)
        # As a run writes them: without what is the default.
        (folder / where / "arguments.yaml").write_text(recipe if "hybrid" in where else f"arm: x-y\n{recipe}")
        (folder / where / "seconds.json").write_text('{"seconds": 5.0}')
    for arm in ARMS:
        (folder / "results" / arm).mkdir(parents=True)
        for seed in (1, 2):
            for benchmark in ("xquad_r", "xquad_r_sentence_in_context", "world_facts"):
                file = folder / "results" / arm / f"{benchmark}_{seed}.json"
                table = file.with_suffix(".per_query.parquet")
                table.write_bytes(b"")
                content = {"hardware": {"cpus": 1}, "versions": {"torch": "2"}, "of": [arm, benchmark, seed]}
                file.write_text(json.dumps({**content, "per_query": {"file": table.name, "sha256": "0"}}))
    return folder


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    folder = tmp_path / "mix"
    folder.mkdir()
    outputs = {f"{config}/train.parquet": {"sha256": config} for config in ("align", "qa", "text")}
    (folder / "mix.json").write_text(json.dumps({"outputs": outputs}))
    return folder


@pytest.fixture
def release(runs, mix, tmp_path, monkeypatch):
    """Run the command with stand-ins for the processes; returns the commands, parsed by the real parser."""

    def write(name: str) -> None:
        target = Path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("{}")
        target.with_suffix(".per_query.parquet").write_bytes(b"")

    def call(*flags: str) -> list:
        called = []

        def command(words: list[str], threads: int | None = None) -> None:
            given = make_parser().parse_args(words)
            called.append(given)
            if given.verb == "export":
                Path(given.output).mkdir(parents=True)
                (Path(given.output) / "modules.json").write_text("[]")
            elif given.verb == "arms":
                for file in (Path(name) for _, *names in given.arm for name in names):
                    # As the real command reads it: beside the file, under the name that the file says.
                    assert (file.parent / json.loads(file.read_text())["per_query"]["file"]).stem.startswith(file.stem)
                    assert file.with_suffix(".per_query.parquet").is_file()
                write(given.output)
            elif given.verb == "evaluate":
                write(given.output)

        def measure(arguments, folder: Path) -> None:
            (folder / "results/speed.json").write_text("{}")

        monkeypatch.setattr(mini_release, "call", command)
        monkeypatch.setattr(mini_release, "measure", measure)
        where = ["--mix", str(mix), "--runs", str(runs), "--xquad_r", "xquad/", "--output", str(tmp_path / "cards")]
        assert mini_release.main([*where, *flags]) == 0
        return called

    return call


def test_one_repository_of_everything(release, tmp_path):
    called = release()
    assert [given.verb for given in called] == ["export", *["evaluate"] * 3, *["arms"] * 3, "card"]
    assert called[0].dtype == "float16" and Path(called[0].model).parts[-4:] == ("arms", "hybrid", "seed_1", "model")
    assert [given.candidate_text for given in called[1:4]] == [None, None, "sentence_in_context"]
    folder = tmp_path / "cards/hybrid-xlir-mini"
    assert {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if "/seeds/" not in str(file) and file.is_file()
    } == {
        "modules.json",
        "training.yaml",
        *(f"results/{name}.json" for name in ("xquad_r", "world_facts", "speed", "training", "mix", "arms")),
        *(f"results/{name}/arms.json" for name in ("world_facts", "in_context")),
        "results/in_context/xquad_r.json",
        *(f"results/{name}arms.per_query.parquet" for name in ("", "world_facts/", "in_context/")),
    }
    training = json.loads((folder / "results/training.json").read_text())
    assert training["command"].startswith("python benchmarks/mini_arms.py") and training["seconds"] == 10.0
    assert training["data_sha256"]["align/train.parquet"] == "align" and [s["name"] for s in training["stages"]] == [
        "base",
        "hybrid",
    ]
    # Every arm with its seeds, of the benchmark that the folder is of, without the values per query.
    for where, benchmark in (
        ("", "xquad_r"),
        ("in_context/", "xquad_r_sentence_in_context"),
        ("world_facts/", "world_facts"),
    ):
        files = {
            file.name: json.loads(file.read_text())["of"] for file in (folder / f"results/{where}seeds").iterdir()
        }
        assert files == {f"{arm}_{seed}.json": [arm, benchmark, seed] for arm in ARMS for seed in (1, 2)}
    assert {words[0] for words in called[4].arm} == set(ARMS) and all(len(words) == 3 for words in called[4].arm)


def test_what_is_there_is_not_made_again(release):
    release()
    assert [given.verb for given in release()] == ["card"]


def test_siblings_are_made_on_request(release, tmp_path):
    called = release("--siblings", "--seed", "2")
    assert [Path(given.model).parts[-3:-1] for given in called if given.verb == "export"] == [
        ("hybrid", "seed_2"),
        ("x-x-mono", "seed_2"),
        ("x-y", "seed_2"),
    ]
    names = {f"hybrid-xlir-mini{name}" for name in ("", "-mono", "-cross")}
    assert {path.name for path in (tmp_path / "cards").iterdir()} == names
    assert {Path(given.folder).name for given in called if given.verb == "card"} == names


def test_runs_that_are_missing_are_named(release, runs, capsys, mix, tmp_path):
    for file in (runs / "results/x-x").glob("xquad_r_[0-9]*"):
        file.unlink()
    with pytest.raises(AssertionError):
        release()
    assert "mini_release.py: error:" in capsys.readouterr().err
