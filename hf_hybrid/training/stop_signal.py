"""SIGTERM, or a launcher that has gone, asks a training run to stop; the loop does so when it has saved.

Machines that can be taken away announce it by SIGTERM. torchrun and `accelerate launch` with several processes hand it
on and kill after 30 seconds (TORCH_ELASTIC_SHUTDOWN_TIMEOUT of the launcher changes that); `accelerate launch` with
one process dies of it and hands nothing on, so that processes watch whether their launcher still is there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from types import FrameType, TracebackType

# Taken when the process starts, long before a run can be asked for its state.
PARENT = os.getppid()
LAUNCHED = any(name in os.environ for name in ("TORCHELASTIC_RUN_ID", "ACCELERATE_MIXED_PRECISION"))
# What a shell reports of a process that SIGTERM has ended.
STATUS = 128 + signal.SIGTERM


class Interrupted(SystemExit):
    """Training has stopped because it was asked to, with a checkpoint; uncaught, the process ends with status 143."""

    def __init__(self) -> None:
        super().__init__(STATUS)


class StopSignal:
    """While it is entered, SIGTERM is kept in mind instead of ending the process.

    Example:
        >>> with StopSignal() as stop:
        ...     os.kill(os.getpid(), signal.SIGTERM)
        ...     stop.requested
        True
    """

    def __init__(self) -> None:
        self._received = False
        self._previous: object = None

    @property
    def requested(self) -> bool:
        """Whether this process was asked to stop."""
        return self._received or self.launcher_is_gone

    @property
    def launcher_is_gone(self) -> bool:
        """Whether the launcher that started this process has ended before it."""
        return LAUNCHED and os.getppid() != PARENT

    def __enter__(self) -> StopSignal:
        self._received = False
        # Python handles signals in the main thread alone.
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGTERM, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            # A launcher signals the ranks that are still on their way out: they end with their own status all the
            # same.
            stopping = kind is not None and issubclass(kind, Interrupted)
            signal.signal(signal.SIGTERM, signal.SIG_IGN if stopping else self._previous)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        # No logging here: the signal may have come in the midst of a line of the log.
        self._received = True


def obey_parent_only(worker: int) -> None:
    """Let a data loader's worker live on when a launcher signals all processes of a rank: its last step needs the
    worker.

    The rank itself still ends it by SIGTERM, as it does on its way out. Python's handlers are not told who sends a
    signal, so a thread takes the signals instead, where the system has that.

    Args:
        worker: Number of the worker, as `worker_init_fn` is called with.
    """
    # Not the parent by the system's account, which can be a server that forks for others.
    rank = multiprocessing.parent_process()
    if rank is None or not hasattr(signal, "sigwaitinfo"):
        return

    def take_signals() -> None:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != rank.pid:
            pass
        os._exit(0)

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=take_signals, daemon=True).start()
