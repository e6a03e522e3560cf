"""SIGTERM is kept in mind while training, and does again what it did before afterwards."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from hf_hybrid.training.stop_signal import Interrupted, StopSignal, obey_parent_only


@pytest.fixture
def handler():
    """The handler of the test process, put back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield before
    signal.signal(signal.SIGTERM, before)


def test_a_signal_is_kept_in_mind(handler):
    with StopSignal() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested and not stop.launcher_is_gone
    assert signal.getsignal(signal.SIGTERM) == handler
    with stop:
        assert not stop.requested


def test_a_process_that_stops_is_not_hurried(handler):
    with pytest.raises(Interrupted) as stopped, StopSignal():
        raise Interrupted
    assert stopped.value.code == 143
    os.kill(os.getpid(), signal.SIGTERM)


def test_other_threads_get_no_signals(handler):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(StopSignal().__enter__().requested))
    thread.start()
    thread.join()
    assert seen == [False] and signal.getsignal(signal.SIGTERM) == handler


def work(ready) -> None:
    obey_parent_only(0)
    ready.set()
    time.sleep(60)


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_workers_of_a_loader_obey_their_rank_alone(method):
    """A launcher signals a whole group of processes; the rank ends its workers, and waits for their end when it
    exits.
    """
    context = multiprocessing.get_context(method)
    ready = context.Event()
    worker = context.Process(target=work, args=(ready,))
    worker.start()
    assert ready.wait(20)
    subprocess.run([sys.executable, "-c", f"import os; os.kill({worker.pid}, 15)"], check=True)
    worker.join(0.3)
    assert worker.is_alive()
    worker.terminate()
    worker.join(20)
    assert worker.exitcode == 0


def test_a_launcher_that_has_gone_is_noticed():
    child = (
        "import time\n"
        "from hf_hybrid.training.stop_signal import StopSignal\n"
        "stop, deadline = StopSignal(), time.monotonic() + 20\n"
        "print(stop.requested, flush=True)\n"
        "while not stop.requested and time.monotonic() < deadline: time.sleep(0.01)\n"
        "print(stop.launcher_is_gone, flush=True)\n"
    )
    launcher = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    environment = {**os.environ, "ACCELERATE_MIXED_PRECISION": "no"}
    command = [sys.executable, "-c", launcher, child]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "False\n"
        process.kill()
        process.wait()
        assert process.stdout.readline() == "True\n"
