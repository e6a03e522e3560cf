"""Notice ranks that have fallen silent: a machine that lost power or its network, a process that is stuck.

A process that dies closes its connections, and the other ranks fail within seconds. A machine that vanishes closes
nothing: the others would wait in a collective until its time is out, half an hour by default (transformers hands
`--ddp_timeout` to the backend on GPUs only). So every rank gives a sign of life through the store by which the ranks
have met. The first rank looks for those of all others, they look for its, and who misses one ends the process.

Time is counted in signs of one's own, not by the clock: a job that is suspended as a whole misses nothing.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import TracebackType

import torch.distributed as dist

logger = logging.getLogger(__name__)

SECONDS = 45.0
# Signs of life until silence is taken for death.
SIGNS = 9
VARIABLE = "HF_HYBRID_RANK_TIMEOUT"
DONE = b"done"
_runs = 0


def timeout_seconds() -> float:
    """How long a rank may be silent: the environment's HF_HYBRID_RANK_TIMEOUT, 45 by default; 0 switches watching
    off.
    """
    try:
        return float(os.environ.get(VARIABLE, SECONDS))
    except ValueError:
        logger.warning("%s=%s is no number; %g seconds are taken", VARIABLE, os.environ[VARIABLE], SECONDS)
        return SECONDS


class RankWatch:
    """While it is entered, this rank gives signs of life and watches those of the others.

    Args:
        rank, ranks: This rank, and how many there are.
        connect: Opens a connection to the store; by default to the one that the process group has met by.
        seconds: Silence that is taken for death.
        end: Ends the process; called with what is wrong, on a thread, as the main one may be stuck.
    """

    def __init__(
        self,
        rank: int,
        ranks: int,
        connect: Callable[[timedelta], dist.Store] | None = None,
        seconds: float | None = None,
        end: Callable[[str], None] | None = None,
    ):
        global _runs
        _runs += 1
        self._seconds = timeout_seconds() if seconds is None else seconds
        self._interval = self._seconds / SIGNS
        self._rank, self._ranks = rank, ranks
        self._connect, self._end = connect or connect_to_store, end or end_process
        self._prefix = f"hf_hybrid/{_runs}"
        self._stopped = threading.Event()
        self._since_store = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> RankWatch:
        if self._ranks == 1 or self._seconds <= 0:
            return self
        try:
            # A connection of its own: one that the main thread waits on would be silent with it.
            self._store = self._connect(timedelta(seconds=self._seconds))
        except Exception as error:
            logger.warning("Ranks that fall silent will not be noticed: no connection to the store (%s)", error)
            return self
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._give_signs, self._watch_store)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(self._interval)
        if self._threads and kind is None and not self._threads[0].is_alive():
            # After an error the others are left to miss this rank, if they do not fail by themselves.
            with suppress(dist.DistNetworkError):
                self._store.set(self._key(self._rank), DONE)

    def _key(self, rank: int) -> str:
        return f"{self._prefix}/{rank}"

    def _give_signs(self) -> None:
        """Count up one's own sign, and look for new ones of the others; lives on its own connection."""
        watched = {rank: (b"", 0) for rank in (range(1, self._ranks) if self._rank == 0 else (0,))}
        sign = 0
        while not self._stopped.wait(self._interval if sign else 0):
            sign += 1
            try:
                self._store.set(self._key(self._rank), str(sign))
                if self._rank and self._store.check([f"{self._prefix}/end"]):
                    self._end(self._store.get(f"{self._prefix}/end").decode())
                self._look(watched)
            except dist.DistNetworkError as error:
                # What closes a connection is not silent: who was there has ended, and so will this process.
                logger.debug("The store has gone: %s", error)
                self._stopped.set()
            except Exception as error:
                logger.debug("No answer from the store: %s", error)
            else:
                self._since_store = 0

    def _look(self, watched: dict[int, tuple[bytes, int]]) -> None:
        # A rank that has not begun yet has no sign to read.
        begun = [rank for rank in watched if watched[rank][0] or self._store.check([self._key(rank)])]
        values = self._store.multi_get([self._key(rank) for rank in begun]) if begun else []
        for rank, value in zip(begun, values, strict=True):
            last, unchanged = watched[rank]
            watched[rank] = (value, 0 if value != last or value == DONE else unchanged + 1)
        silent = [rank for rank, (_, unchanged) in watched.items() if unchanged >= SIGNS]
        if silent:
            names = ", ".join(map(str, silent))
            problem = f"rank {names} has given no sign of life for {self._seconds:g} seconds"
            if self._rank == 0:
                self._store.set(f"{self._prefix}/end", problem)
            self._end(problem)

    def _watch_store(self) -> None:
        """End the process when the store's machine does not answer: the other thread then waits for it in vain."""
        while not self._stopped.wait(self._interval):
            self._since_store += 1
            if self._since_store > SIGNS:
                self._end(f"the machine that the ranks have met on has not answered for {self._seconds:g} seconds")


def connect_to_store(timeout: timedelta) -> dist.Store:
    """A new connection to the store that a launcher's variables name."""
    return dist.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False, timeout=timeout)


def end_process(problem: str) -> None:
    """End this process at once; its launcher ends the others of its machine."""
    logger.critical("Ending: %s. Go on from the last checkpoint with --resume", problem)
    logging.shutdown()
    os._exit(1)
