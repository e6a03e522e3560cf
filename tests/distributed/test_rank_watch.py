"""Real processes around a store: one that is frozen is missed by the others, one that has finished is not."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from datetime import timedelta

import pytest
import torch.distributed as dist

from hf_hybrid.training.rank_watch import SECONDS, RankWatch, timeout_seconds

SILENCE = 1.8


def watched(rank: int, ranks: int, port: int, seconds: float) -> None:
    def connect(timeout: timedelta) -> dist.Store:
        return dist.TCPStore("127.0.0.1", port, is_master=False, timeout=timeout)

    with RankWatch(rank, ranks, connect, SILENCE):
        time.sleep(seconds)
    # Long after this one is done, the others go on.
    time.sleep(0.1)


def serve(connection) -> None:
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    connection.send(store.port)
    time.sleep(60)


@pytest.fixture
def start():
    """Start ranks that train for so many seconds; returns their processes, and before them that of their store."""
    context = multiprocessing.get_context("fork")
    processes = []

    def begin(*seconds: float) -> list[multiprocessing.Process]:
        here, there = context.Pipe()
        processes.append(context.Process(target=serve, args=(there,)))
        processes[0].start()
        port = here.recv()
        for rank, own in enumerate(seconds):
            processes.append(context.Process(target=watched, args=(rank, len(seconds), port, own)))
            processes[-1].start()
        return processes

    yield begin
    for process in processes:
        process.kill()
        process.join()


@pytest.mark.parametrize("frozen", ["store", 0, 2])
def test_what_is_frozen_is_missed_by_all(start, frozen):
    store, *ranks = start(60, 60, 60)
    time.sleep(1)
    os.kill((store if frozen == "store" else ranks[frozen]).pid, signal.SIGSTOP)
    since = time.monotonic()
    for rank, process in enumerate(ranks):
        if rank != frozen:
            process.join(20)
            assert process.exitcode == 1
    assert SILENCE * 0.6 < time.monotonic() - since < 3 * SILENCE


def test_a_rank_that_has_finished_is_not_missed(start):
    _, *ranks = start(0.3, 2 * SILENCE, 0.3)
    for process in ranks:
        process.join(20)
        assert process.exitcode == 0


def test_the_timeout_is_in_the_environment(monkeypatch, caplog):
    assert timeout_seconds() == SECONDS
    monkeypatch.setenv("HF_HYBRID_RANK_TIMEOUT", "0")
    with RankWatch(0, 2, connect=lambda timeout: pytest.fail("off")):
        assert timeout_seconds() == 0
    monkeypatch.setenv("HF_HYBRID_RANK_TIMEOUT", "soon")
    assert timeout_seconds() == SECONDS and "soon is no number" in caplog.text
