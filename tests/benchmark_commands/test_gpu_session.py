"""A session on a borrowed GPU: packed, unpacked, planned, killed, gone on with, and its weights brought home. Commands
have stand-ins; benchmarks of speed are tested beside.
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import gpu_session
import gpu_session_parts
import pack_gpu_session
from gpu_session_plan import Budget, Log, Part, run_parts

from hf_hybrid.encoders.differences import WEIGHTS, apply_difference, weights_of
from hf_hybrid.encoders.four_bit import FourBitEncoder
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import file_digest
from hf_hybrid.studies import jobs
from tests.encoders.four_bit_files import small_encoder
from tests.studies.conftest import flag

LANGUAGES = ["de", "en"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """What is packed, small."""
    folder = tmp_path_factory.mktemp("inputs")
    small_encoder().write(folder / "four.bin")
    np.save(folder / "pieces.npy", np.array([4, 5, 7]))
    outputs = {}
    for name in ("qa/train.parquet", "qa/dev.parquet", "qa_parallel/train.parquet"):
        (folder / "mix" / name).parent.mkdir(parents=True, exist_ok=True)
        rows = [
            {"id": f"e{number}", "lang": lang, "query": "a", "passage": "ab"}
            for number in range(50)
            for lang in ([*LANGUAGES, "ja"] if number % 2 else LANGUAGES)
        ]
        if name.startswith("qa_parallel"):
            rows += [
                {"id": f"par:{number}", "lang": lang, "query": query, "passage": passage}
                for number in range(5)
                for lang, query, passage in (
                    ("de", "a", None),
                    ("en", None, "ab"),
                    ("ja", "a", None),
                    ("th", None, "b"),
                )
            ]
        pq.write_table(pa.Table.from_pylist(rows), folder / "mix" / name)
        # What is made of the mix later is not described with it.
        if not name.startswith("qa_parallel"):
            outputs[name] = {"sha256": file_digest(folder / "mix" / name)}
    (folder / "mix" / "mix.json").write_text(json.dumps({"outputs": outputs}))
    for name in ("README.md", "LICENSE"):
        (folder / "mix" / name).write_text(name)
    tables = {"queries": [], "corpus": [], "qrels": []}
    for paragraph in range(4):
        name = f"de:00{paragraph}"
        tables["queries"].append({"id": f"q{paragraph}", "paragraph": name})
        tables["corpus"].append({"id": f"c{paragraph}", "paragraph": name})
        tables["qrels"].append({"query-id": f"q{paragraph}", "corpus-id": f"c{paragraph}"})
    for table, rows in tables.items():
        (folder / "xquad_r" / table).mkdir(parents=True)
        part = "cross" if table == "qrels" else "de"
        pq.write_table(pa.Table.from_pylist(rows), folder / "xquad_r" / table / f"{part}.parquet")
    (folder / "wheels").mkdir()
    for name in pack_gpu_session.WHEELS:
        (folder / "wheels" / f"{name}-1.0-py3-none-any.whl").write_bytes(b"wheel")
    return folder


def flags_of(folder: Path, output: Path, *more: str) -> list[str]:
    paths = {"four_bit": "four.bin", "pieces": "pieces.npy", "mix": "mix", "xquad_r": "xquad_r", "wheels": "wheels"}
    given = [word for name, path in paths.items() for word in (f"--{name}", str(folder / path))]
    return [*given, "--languages", *LANGUAGES, "--output", str(output), *more]


@pytest.fixture(scope="module")
def unpacked(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    assert pack_gpu_session.main(flags_of(inputs, folder / "session.zip")) == 0
    zipfile.ZipFile(folder / "session.zip").extractall(folder)
    return folder / pack_gpu_session.FOLDER


def test_the_archive_holds_all_that_a_session_imports_and_reads(unpacked):
    kept = FourBitEncoder.read(unpacked / "inputs" / "encoder.bin")
    assert kept.pieces == ("<s>", "<pad>", "</s>", "<unk>", "▁", "a", "▁ab")
    rows = pq.read_table(unpacked / "inputs" / "mix" / "qa_parallel" / "train.parquet")
    assert not (unpacked / "inputs" / "mix" / "qa" / "train.parquet").exists()
    assert rows.num_rows == 110 and set(rows["lang"].to_pylist()) == set(LANGUAGES)
    for name in (
        "hf_hybrid/recipes/small_arm.yaml",
        "hf_hybrid/studies/arms_small.yaml",
        "benchmarks/qa_lengths.json",
    ):
        assert (unpacked / name).is_file()
    assert (unpacked / "hub_datasets" / "world_facts" / "README.md").is_file()
    assert len(list((unpacked / "wheels").iterdir())) == 6
    files = json.loads((unpacked / "pack.json").read_text())["files"]
    assert files == {
        path.relative_to(unpacked).as_posix(): path.stat().st_size
        for path in unpacked.rglob("*")
        if path.is_file() and path.name != "pack.json"
    }
    assert not any("__pycache__" in name or "/results/" in name for name in files)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--most_mb", "0.1"], r"the archive would take \d.*, 0.1 are allowed: code \d"),
        (["--languages", "de", "fr"], "--languages: fr not in qa_parallel/train.parquet"),
        (["--pieces", "absent.npy"], "--pieces absent.npy: cannot be read"),
        (["--xquad_r", "."], "no queries/.*; build it"),
        (["--wheels", "."], "none of datasets, dill, .*; `pip download`"),
        (["--wheels", ".", "--have", "datasets", "dill"], "none of multiprocess, langcodes"),
        (["--mix", "."], "no mix.json; build it"),
    ],
)
def test_what_cannot_be_packed_is_named(inputs, tmp_path, more, message):
    arguments = pack_gpu_session.parse([*flags_of(inputs, tmp_path / "out.zip"), *more])
    with pytest.raises(InputError, match=message):
        pack_gpu_session.pack(arguments)
    assert not list(tmp_path.iterdir())


def test_another_mix_than_described_is_refused(inputs, tmp_path):
    shutil.copytree(inputs / "mix", tmp_path / "mix")
    shutil.copyfile(tmp_path / "mix/mix.json", tmp_path / "mix/qa/dev.parquet")
    with pytest.raises(InputError, match="qa/dev.parquet is not the file that mix.json describes"):
        list(pack_gpu_session.mix(tmp_path / "mix", LANGUAGES))


# -- the plan ---------------------------------------------------------------------------------------------------------


def part(made: list[str], name: str, seconds: float, fails: bool = False, group: str = "") -> Part:
    def run(left: float) -> None:
        if fails:
            raise ValueError("no luck")
        made.append(name)

    return Part(name, seconds, run, lambda: name in made, group)


def outcomes(path: Path) -> list[tuple[str, str]]:
    return [(each["name"], each["outcome"]) for each in json.loads(path.read_text())["calls"][-1]["parts"]]


def test_no_part_is_begun_that_cannot_be_finished(tmp_path):
    made = ["there"]
    parts = [part(made, "there", 1), part(made, "long", 500), part(made, "broken", 1, fails=True), part(made, "b", 1)]
    run_parts(parts, Budget(minutes=2), Log(tmp_path / "log.json", {}))
    assert made == ["there", "b"]
    assert outcomes(tmp_path / "log.json") == [
        ("there", "there"),
        ("long", "no time: 500 s wanted, 110 left"),
        ("broken", "failed: ValueError: no luck"),
        ("b", "done"),
    ]
    run_parts(parts, Budget(minutes=None), Log(tmp_path / "log.json", {}))
    assert made == ["there", "b", "long"] and len(json.loads((tmp_path / "log.json").read_text())["calls"]) == 2


def test_what_a_group_took_counts_more_than_what_was_expected(tmp_path, monkeypatch):
    made: list[str] = []
    # 50 s at every look at the clock.
    now = iter(range(0, 10_000, 50))
    monkeypatch.setattr("gpu_session_plan.time.monotonic", lambda: float(next(now)))
    parts = [part(made, name, 1, group="arms") for name in ("one", "two", "three")]
    # Begun at 0; at 50 240 are left; one is timed from 100 to 150; at 200 90 are left; two until 300; then none.
    run_parts(parts, Budget(minutes=5), Log(tmp_path / "log.json", {}))
    assert made == ["one", "two"] and outcomes(tmp_path / "log.json")[2][1].startswith("no time: 50 s wanted")


# -- a session with stand-ins -----------------------------------------------------------------------------------------


class Killed(BaseException):
    """The end of a process at any moment."""


class Commands:
    """Stands for the processes; dies at the command of this number."""

    def __init__(self, dies_at: int | None = None):
        self.called: list[list[str]] = []
        self.dies_at = dies_at

    def __call__(self, words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
        self.called.append(words)
        if len(self.called) == self.dies_at:
            raise Killed
        if words[0] == "evaluate":
            Path(flag(words, "output")).write_text("{}")
            return
        folder = Path(flag(words, "output_dir"))
        shutil.copytree(flag(words, "model_name_or_path"), folder / "model")
        generator = torch.Generator().manual_seed(int(flag(words, "seed")))
        weights = load_file(folder / "model" / WEIGHTS)
        moved = {name: w.float() + 0.01 * torch.randn(w.shape, generator=generator) for name, w in weights.items()}
        save_file(moved, folder / "model" / WEIGHTS)
        (folder / "arguments.yaml").write_text("max_steps: 2\nglobal_batch_size: 8\n")


def call_bench(session, command, seconds, log):
    """Stands for `bench_gpu.py`: writes what it would, of the first batch size alone where time is short."""
    folder, shape = Path(flag(command, "output")), flag(command, "shapes")
    place = command.index("--batch_sizes") + 1
    sizes = command[place : command.index("--minutes")]
    folder.mkdir(parents=True, exist_ok=True)
    name = f"gpu_{shape}{'_compiled' if '--compiled' in command else ''}.json"
    parts = {f"{flag(command, 'lengths')}_{rows}": {} for rows in sizes}
    (folder / name).write_text(json.dumps({"parts": parts}))


@pytest.fixture
def session(unpacked, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_session_parts.Session, "_call", call_bench)

    def run(dies_at: int | None = None, *flags: str) -> Commands:
        commands = Commands(dies_at)
        monkeypatch.setattr(jobs, "call", commands)
        given = ["--output", str(tmp_path / "out"), "--inputs", str(unpacked / "inputs"), "--processes", "1", *flags]
        gpu_session_parts.run_session(gpu_session.parse(given))
        return commands

    return run


def names_of(commands: Commands) -> list[str]:
    folders = {"train": "output_dir", "evaluate": "output"}
    return [f"{words[0]} {Path(flag(words, folders[words[0]])).name}" for words in commands.called]


def test_a_killed_session_goes_on_and_its_weights_come_home(session, tmp_path):
    flags = ["--seeds", "1", "--arms", "x-y", "hybrid", "--weights", "hybrid", "--part_mib", "0.01"]
    with pytest.raises(Killed):
        session(5, *flags)
    work, output = tmp_path / "out_work", tmp_path / "out"
    assert (work / "study/results/xquad_r/x-y_1.json").is_file() and (output / "results.zip").is_file()
    second = session(None, *flags)
    # Of the hybrid arm training was done, nothing was scored; what comes after it was not begun.
    assert names_of(second) == ["evaluate hybrid_1.json"] * 2 + ["evaluate base.json"] * 2
    assert session(None, *flags).called == []
    parts = sorted(output.glob("hybrid_1.difference.*of*"))
    assert len(parts) > 1 and all(path.stat().st_size <= 0.01 * (1 << 20) for path in parts)
    assert not list(output.glob("x-y_1*"))
    home = apply_difference(work / "start", parts, tmp_path / "home")
    found, wanted, start = (
        weights_of(home),
        weights_of(work / "study/arms/hybrid/seed_1/model"),
        weights_of(work / "start"),
    )
    for name, value in wanted.items():
        largest = np.abs(value - start[name]).max(axis=-1, keepdims=True) if value.ndim > 1 else 0
        assert (np.abs(found[name] - value) <= largest / 254 + 1e-6).all()
    kept = zipfile.ZipFile(output / "results.zip").namelist()
    assert {"bench/gpu_e5_small.json", "bench/gpu_xlmr_base_compiled.json"} <= set(kept)
    assert {"study/results/world_facts/hybrid_1.json", "study/arms/x-y/seed_1/training.json"} <= set(kept)
    assert not any("model" in Path(name).parts for name in kept)
    told = json.loads((output / "session.json").read_text())["calls"]
    assert [len(call["parts"]) for call in told] == [5, 7, 7]
    assert {each["outcome"] for each in told[2]["parts"]} == {"there"}


def test_weights_beyond_the_allowed_files_are_left_out(session, tmp_path):
    session(None, "--seeds", "1", "--arms", "x-y", "--weights", "all", "--part_mib", "0.01", "--most_files", "3")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["results.zip", "session.json"]
    assert outcomes(tmp_path / "out/session.json")[-1][1].endswith("would be more than 3 files")


def test_a_tiny_session_takes_small_data_and_few_steps(session, tmp_path):
    commands = session(None, "--tiny", "--seeds", "2", "--bench_minutes", "0", "--extra", "--scale", "50")
    train = [words for words in commands.called if words[0] == "train"]
    assert {flag(words, "max_steps") for words in train} == {"2"} and {flag(words, "scale") for words in train} == {
        "50"
    }
    assert {flag(words, "benchmark") for words in commands.called if words[0] == "evaluate"} == {"xquad_r"}
    work = tmp_path / "out_work"
    assert pq.read_table(work / "xquad_r/qrels/cross.parquet")["query-id"].to_pylist() == ["q0", "q1"]
    assert len(set(pq.read_table(work / "mix/qa_parallel/train.parquet")["id"].to_pylist())) == 40


def test_the_order_is_that_of_worth_and_time_for_speed_is_limited(session, tmp_path, monkeypatch):
    limits = []

    def slow(self, command, seconds, log):
        limits.append((flag(command, "shapes"), "--compiled" in command, float(flag(command, "minutes"))))
        self.budget.began -= 100
        call_bench(self, command, seconds, log)

    monkeypatch.setattr(gpu_session_parts.Session, "_call", slow)
    session(None, "--minutes", "60", "--seeds", "1", "--arms", "hybrid")
    assert [each[:2] for each in limits] == [("e5_small", False), ("xlmr_base", False)]
    assert [each[2] for each in limits] == pytest.approx([3, 80 / 60], abs=0.05)
    told = dict(outcomes(tmp_path / "out/session.json"))
    assert told["bench_small_compiled"] == "failed: InputError: the 3 minutes for speed are over"
    assert told["arms_1"] == "done"


def test_wheels_of_what_is_missing_are_installed(tmp_path, monkeypatch):
    name = "absent_for_this_test"
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "number = 5\n")
        info = f"{name}-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    (tmp_path / "wheels" / "numpy-0.1-py3-none-any.whl").write_bytes(b"not read: it is there")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert gpu_session.install_missing(tmp_path / "wheels", tmp_path / "site") == [f"{name}-1.0-py3-none-any.whl"]
    assert __import__(name).number == 5
    assert gpu_session.install_missing(tmp_path / "wheels", tmp_path / "site") == []
