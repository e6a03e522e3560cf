"""A small Hub on the loopback interface: what the tests ask of huggingface.co, and its bad days.

    with FakeHub() as hub:
        hub.add_repository("space", "evaluate-metric/some_metric", {"some_metric.py": b"..."})
        hub.state = "unauthorised"
        ...                                  # HF_ENDPOINT=hub.endpoint, HF_HUB_DISABLE_XET=1
        assert hub.requests[-1].status == 401

    token = hub.add_account("me")            # whoever shows it may write to me/...
    hub.fail("PUT", "objects/", cut_after=1000)   # the next upload of a large file breaks after 1,000 bytes

As behind the real Hub, large files lie on another host, here another port, which must never see a token. Each kind of
request is one function with a pattern in `READING` or `WRITING`. It shows what the client libraries do; what the real
Hub accepts, it does not.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from typing import Any

from tests.publishing.hub.fake_exchange import Exchange, Fault, Request, Route
from tests.publishing.hub.fake_reading import READING, STORED
from tests.publishing.hub.fake_repository import Account, Repository
from tests.publishing.hub.fake_writing import STORING, WRITING

# How the Hub can be, as one of:
#   up            answers
#   missing       404 to everything, as for repositories that do not exist
#   unauthorised  401 to everything, as for private repositories and unknown names without a token
#   forbidden     403
#   broken        500
#   cut           takes the connection and drops it without an answer
#   down          nothing listens
STATES = ("up", "missing", "unauthorised", "forbidden", "broken", "cut", "down")
ROUTES: dict[str, list[Route]] = {"hub": READING + WRITING, "storage": STORED + STORING}


class FakeHub:
    """See the module's docstring.

    Attributes:
        state: one of `STATES`; may be set at any time.
        requests: every request so far.
        repositories: (kind, id) -> repository.
        accounts: token -> account.
        objects: sha256 -> content, the storage for large files.
        large_from: files of more bytes are large whatever their name.
        part_size: objects of more bytes are uploaded in parts of this size; None for never.
        page_size: entries in one answer about a tree.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.accounts: dict[str, Account] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.large_from = 10_000_000
        self.part_size: int | None = None
        self.page_size = 1000
        self.lock = threading.Lock()
        self._state = "up"
        self._servers: list[ThreadingHTTPServer] = []
        self._listen((0, 0))
        self.port, self.storage_port = (server.server_address[1] for server in self._servers)

    def __enter__(self) -> FakeHub:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    @property
    def endpoint(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage(self) -> str:
        """Where large files lie."""
        return f"http://127.0.0.1:{self.storage_port}"

    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        if state not in STATES:
            raise ValueError(f"state {state!r} is not one of {STATES}")
        if state == "down":
            self._stop()
        elif not self._servers:
            self._listen((self.port, self.storage_port))
        self._state = state

    def add_repository(
        self, kind: str, name: str, files: Mapping[str, bytes], *, large: tuple[str, ...] = (), **settings: bool
    ) -> Repository:
        """Make a model, dataset or space with one commit on `main`; `settings` are `private` and `gated`."""
        repository = self.repositories.setdefault((kind, name), Repository(**settings))
        repository.commit(files, large=large)
        self.objects |= {hashlib.sha256(files[path]).hexdigest(): files[path] for path in large}
        return repository

    def add_account(self, name: str, **rights: Any) -> str:
        """Make an account; returns its token, which looks like a real one."""
        token = "hf_" + hashlib.sha256(f"{name}{len(self.accounts)}".encode()).hexdigest()[:34]
        self.accounts[token] = Account(name, **rights)
        return token

    def fail(
        self,
        method: str,
        pattern: str,
        *,
        times: int = 1,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        cut_after: int | None = None,
        lost: bool = False,
        stall: bool = False,
    ) -> Fault:
        """Let the next requests whose method and path match (both regular expressions, anywhere in the path) fail.

        Args:
            times: how many of them.
            status: answer this instead, with `headers`.
            cut_after: drop the connection after so many bytes of the content, on its way in or out.
            lost: do what is asked, then drop the connection without an answer.
            stall: with `cut_after`: answer nothing until the client has gone; `Fault.reached` says that it waits.
        """
        fault = Fault(method, pattern, times, status, headers or {}, cut_after, lost, stall)
        self.faults.append(fault)
        return fault

    def asked(self, method: str, pattern: str) -> list[Request]:
        """The requests so far that match, as in `fail`."""
        return [r for r in self.requests if re.fullmatch(method, r.method) and re.search(pattern, r.path)]

    def _listen(self, ports: tuple[int, int]) -> None:
        for host, port in zip(("hub", "storage"), ports, strict=True):
            handler = type("Handler", (Exchange,), {"hub": self, "host": host, "routes": ROUTES[host]})
            server = _Server(("127.0.0.1", port), handler)
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), name=f"fake-{host}", daemon=True).start()

    def _stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = []


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    # Threads of stalled requests are not waited for.
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle are part of the tests, not worth a traceback; defects show as missing
        answers.
        """
