"""`evaluate.load("hybrid_xlir_map")` for a user who installed the wheel: other processes, an empty folder, a fresh
cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from hf_hybrid.metric import install as metric_module
from hf_hybrid.metric.install import NAME, install_metric, install_metric_on_import, metric_path, modules_cache
from tests.publishing.hub.fake_hub import FakeHub

ROOT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("metric_child.py")
EXPECTED = pytest.approx((0.75 + 5 / 6) / 2)


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The package as a wheel installs it: a folder with nothing of the checkout around."""
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    site = folder / "site-packages"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    return site


class Child:
    """A user's process."""

    def __init__(self, home: Path, folder: Path, wheel: Path, **environment: str):
        folder.mkdir(parents=True)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_", "PYTHONPATH"))
        }
        self.environment = {
            **kept,
            "HOME": str(home),
            "HF_HOME": str(home / "hf"),
            "PYTHONPATH": str(wheel),
            "HF_HUB_DISABLE_XET": "1",
            "OMP_NUM_THREADS": "1",
            **environment,
        }
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD)],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, *command: str) -> dict:
        self.process.stdin.write(" ".join(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def versions_in(home: Path) -> Path:
    return home / "hf" / "modules" / "evaluate_modules" / "metrics" / f"evaluate-metric--{NAME}"


def test_the_name_loads_after_import_in_every_state_of_the_hub(hub, wheel, tmp_path):
    on_the_hub = Path(metric_path()).read_bytes() + b"\nFROM_THE_HUB = True\n"
    with Child(tmp_path / "home", tmp_path / "empty", wheel, HF_ENDPOINT=hub.endpoint) as child:
        package = child.ask("import")
        assert package["file"] == str(wheel / "hf_hybrid" / "__init__.py")
        assert package["path"] == str(wheel / "hf_hybrid" / "_data" / NAME / f"{NAME}.py")
        own = sha256(Path(package["path"]).read_bytes()).hexdigest()
        for state in ("missing", "unauthorised", "cut", "down"):
            hub.state = state
            asked = len(hub.requests)
            loaded = child.ask("load", NAME)
            assert loaded.get("mul_map") == EXPECTED, (state, loaded)
            assert loaded["module"].split(".")[-2] == own, state
            assert (len(hub.requests) > asked) == (state != "down")
        # By path it needs no cache and no Hub.
        assert child.ask("load", package["path"])["mul_map"] == EXPECTED

        hub.state = "up"
        hub.add_repository("space", f"evaluate-metric/{NAME}", {f"{NAME}.py": on_the_hub})
        loaded = child.ask("load", NAME)
        assert loaded["mul_map"] == EXPECTED
        assert Path(loaded["file"]).read_bytes() == on_the_hub
        assert os.listdir(child.folder) == []


def test_without_the_hook_nothing_is_found_until_it_is_installed(hub, wheel, tmp_path):
    hub.state = "missing"
    offline = {"HF_EVALUATE_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    home = tmp_path / "home"
    with Child(home, tmp_path / "a", wheel, HF_ENDPOINT=hub.endpoint, HF_HYBRID_INSTALL_METRIC="0") as child:
        child.ask("import")
        refused = child.ask("load", NAME)
        assert refused["error"] == "FileNotFoundError" and NAME in refused["message"]
        assert not versions_in(home).exists()
        own = Path(child.ask("install")["file"])
        # Newer than ours: what another release left, and what `evaluate` once downloaded.
        stale, downloaded = (versions_in(home) / (letter * 64) for letter in "ab")
        for folder, later in ((stale, 100), (downloaded, 200)):
            folder.mkdir()
            (folder / f"{NAME}.py").write_text("raise RuntimeError('stale')")
            os.utime(folder / f"{NAME}.py", (time.time() + later,) * 2)
        (stale / ".installed_by_hf_hybrid").touch()
        assert Path(child.ask("install")["file"]) == own
        assert not stale.exists() and downloaded.exists()
        loaded = child.ask("load", NAME)
        assert loaded.get("mul_map") == EXPECTED, loaded
        assert loaded["file"] == str(own)

        # The command, in a process of its own; then `evaluate` alone, offline, that never hears of this package
        # before.
        other = tmp_path / "other"
        environment = {**child.environment, "HOME": str(other), "HF_HOME": str(other / "hf")}
    done = subprocess.run(
        [sys.executable, "-m", "hf_hybrid.cli.main", "install-metric"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"Installed {versions_in(other) / own.parent.name / own.name}\n"
    asked = len(hub.requests)
    with Child(other, tmp_path / "b", wheel, HF_HYBRID_INSTALL_METRIC="0", **offline) as child:
        assert child.ask("load", NAME).get("mul_map") == EXPECTED
        found = child.ask("caches")
        assert found["ours"] == found["evaluate"] == found["datasets"] == str(other / "hf" / "modules")
    assert len(hub.requests) == asked


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"XDG_CACHE_HOME": "cache"},
        {"XDG_CACHE_HOME": "~/cache"},
        {"HF_HOME": "~/home"},
        {"HF_HOME": "home", "XDG_CACHE_HOME": "cache"},
        {"HF_HOME": "home", "HF_MODULES_CACHE": "modules"},
        {"HF_MODULES_CACHE": "~/modules"},
    ],
)
def test_the_cache_is_where_evaluate_looks(environment, monkeypatch):
    for name in ("HF_HOME", "HF_MODULES_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "evaluate.config", raising=False)
    # The very lines of evaluate's own config, run without the seconds that its import takes.
    import importlib.util

    folder = Path(importlib.util.find_spec("evaluate").origin).parent
    lines = (folder / "config.py").read_text().splitlines()
    wanted = (
        "DEFAULT_XDG",
        "XDG_CACHE_HOME",
        "DEFAULT_HF_CACHE_HOME",
        "HF_CACHE_HOME",
        "DEFAULT_HF_MODULES",
        "HF_MODULES",
    )
    names: dict = {"os": os, "Path": Path}
    exec("\n".join(line for line in lines if line.startswith(wanted)), names)
    assert modules_cache() == names["HF_MODULES_CACHE"]


def test_what_evaluate_has_read_already_counts(monkeypatch, tmp_path):
    config = type(sys)("evaluate.config")
    config.HF_MODULES_CACHE = tmp_path / "read"
    monkeypatch.setitem(sys.modules, "evaluate.config", config)
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "later"))
    assert modules_cache() == tmp_path / "read"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.delitem(sys.modules, "evaluate.config", raising=False)
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    return tmp_path / "modules"


def test_installing_again_changes_nothing(cache):
    first = install_metric()
    assert first.read_bytes() == Path(metric_path()).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    assert install_metric() == first
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before
    assert sorted(path.name for path in first.parents[1].iterdir()) == sorted(["__init__.py", first.parent.name])


def test_a_damaged_version_is_mended(cache):
    module = install_metric()
    module.write_text("half a fi")
    assert install_metric() == module
    assert module.read_bytes() == Path(metric_path()).read_bytes()
    assert [path.name for path in module.parents[1].iterdir() if path.name.startswith(".draft-")] == []


def test_a_process_that_comes_second_takes_what_is_there(cache, monkeypatch):
    module = install_metric()
    monkeypatch.setattr(metric_module, "_is_file_with", lambda path, content: False)
    assert install_metric() == module
    assert module.read_bytes() == Path(metric_path()).read_bytes()


@pytest.mark.parametrize("value", ["0", "off", "False"])
def test_importing_can_be_told_to_leave_the_cache_alone(cache, monkeypatch, value):
    monkeypatch.setenv("HF_HYBRID_INSTALL_METRIC", value)
    install_metric_on_import()
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_no_error_on_import_but_one_when_asked_for(tmp_path, monkeypatch, capsys):
    from hf_hybrid.cli.main import main

    (tmp_path / "file").write_text("")
    monkeypatch.delitem(sys.modules, "evaluate.config", raising=False)
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "file" / "modules"))
    install_metric_on_import()
    assert main(["install-metric"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("hf-hybrid: error: cannot write to the module cache") and error.count("\n") == 1


def test_installing_takes_milliseconds(cache):
    install_metric()
    times = []
    for _ in range(20):
        started = time.perf_counter()
        install_metric()
        times.append(time.perf_counter() - started)
    assert min(times) < 0.005
