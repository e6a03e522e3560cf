"""One request to the fake Hub and its answer, or what goes wrong in between."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tests.publishing.hub.fake_repository import Account

if TYPE_CHECKING:
    from tests.publishing.hub.fake_hub import FakeHub

# Methods, a pattern of the path, and the function that answers; its named groups are the function's arguments.
Route = tuple[tuple[str, ...], str, Callable[..., None]]
_STATUS_OF_STATE = {"missing": 404, "unauthorised": 401, "forbidden": 403, "broken": 500}
_ERROR_CODES = {401: "RepoNotFound", 403: "GatedRepo", 404: "RepoNotFound"}
# No test may hang for longer than this.
PATIENCE = 30.0


@dataclass(frozen=True)
class Request:
    """A request and what it was answered; 0 where the connection was cut."""

    method: str
    path: str
    status: int
    authorised: bool
    host: str = "hub"


@dataclass
class Fault:
    """What happens to the next `times` requests that match; see `FakeHub.fail`."""

    method: str
    pattern: str
    times: int
    status: int | None
    headers: Mapping[str, str]
    cut_after: int | None
    lost: bool
    stall: bool
    reached: threading.Event = field(default_factory=threading.Event)


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer; the functions of `READING` and `WRITING` get it as their first argument."""

    hub: FakeHub
    host: str
    routes: Sequence[Route]
    # No kept connections: after `down` nothing may answer.
    protocol_version = "HTTP/1.0"
    timeout = PATIENCE
    fault: Fault | None = None

    def log_message(self, format: str, *args: object) -> None:
        """Requests are recorded, not printed."""

    def _handle(self) -> None:
        if self.hub.state == "cut":
            self.drop()
        elif self.hub.state in _STATUS_OF_STATE:
            self.send_error_code(_STATUS_OF_STATE[self.hub.state])
        elif not self._stumble():
            self._answer()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    def _answer(self) -> None:
        # Matched while quoted, since names of branches may hold slashes.
        path = urlsplit(self.path).path.lstrip("/")
        for methods, pattern, function in self.routes:
            match = re.fullmatch(pattern, path)
            if match and self.command in methods:
                function(self, **{name: group and unquote(group) for name, group in match.groupdict().items()})
                return
        self.send_error_code(404, "EntryNotFound")

    def _stumble(self) -> bool:
        """Whether a fault has ended the exchange; those that strike while answering are kept in `fault`."""
        with self.hub.lock:
            for fault in self.hub.faults:
                if fault.times and re.fullmatch(fault.method, self.command) and re.search(fault.pattern, self.path):
                    fault.times -= 1
                    break
            else:
                return False
        if fault.status is not None:
            self.read_body()
            self.send_error_code(fault.status, "Fault", dict(fault.headers))
            return True
        self.fault = fault
        if fault.cut_after is None or self.command == "GET":
            return False
        self.rfile.read(fault.cut_after)
        fault.reached.set()
        if fault.stall:
            # Nothing more is read, so the client waits until it loses patience or is killed.
            threading.Event().wait(PATIENCE)
        self.drop()
        return True

    @cached_property
    def account(self) -> Account | None:
        """Whose token came with the request; None without one."""
        return self.hub.accounts.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def read_body(self) -> bytes:
        """What was sent, with its length given or in chunks."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def drop(self) -> None:
        """End the connection without an answer."""
        self.record(0)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def send_json(self, content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.send(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send_error_code(
        self,
        status: int,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        message: str | None = None,
    ) -> None:
        code = _ERROR_CODES.get(status, "InternalError") if code is None else code
        self.send_json(
            {"error": message or code}, status, {**({"X-Error-Code": code} if code else {}), **(headers or {})}
        )

    def send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        if self.fault and self.fault.lost:
            self.drop()
            return
        self.record(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content if self.fault is None else content[: self.fault.cut_after])

    def record(self, status: int) -> None:
        authorised = self.headers.get("Authorization", "").startswith("Bearer ")
        self.hub.requests.append(Request(self.command, self.path, status, authorised, self.host))
