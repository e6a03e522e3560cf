"""A small Hub on the loopback interface: what the tests ask of huggingface.co, and its bad days.

    with FakeHub() as hub:
        hub.add_repository("space", "evaluate-metric/some_metric", {"some_metric.py": b"..."})
        hub.state = "unauthorised"
        ...                                  # HF_ENDPOINT=hub.endpoint, HF_HUB_DISABLE_XET=1
        assert hub.requests[-1].status == 401

Each kind of request is one method with a pattern in `ROUTES`, so that further ones (create_repo, upload, commits) are added beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

# How the Hub can be, as one of:
#   up            answers
#   missing       404 to everything, as for repositories that do not exist
#   unauthorised  401 to everything, as for private repositories and unknown names without a token
#   forbidden     403
#   broken        500
#   cut           takes the connection and drops it without an answer
#   down          nothing listens
STATES = ("up", "missing", "unauthorised", "forbidden", "broken", "cut", "down")
_STATUS_OF_STATE = {"missing": 404, "unauthorised": 401, "forbidden": 403, "broken": 500}
_ERROR_CODES = {401: "RepoNotFound", 403: "GatedRepo", 404: "RepoNotFound"}
_PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}
_KINDS = {"": "model", "datasets/": "dataset", "spaces/": "space"}


@dataclass
class Repository:
    """A repository: commits that are never changed, and names that point to them.

    Attributes:
        commits: commit -> path -> content.
        refs: branch or tag -> commit.
    """

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Add a commit on a branch that holds exactly these files; returns its name."""
        digest = hashlib.sha1(f"{len(self.commits)}".encode())
        for path in sorted(files):
            digest.update(path.encode() + b"\0" + hashlib.sha1(files[path]).digest())
        self.commits[digest.hexdigest()] = dict(files)
        self.refs[branch] = digest.hexdigest()
        return digest.hexdigest()

    def resolve(self, revision: str) -> str | None:
        """Commit of a branch, a tag or a commit's own name; None where there is none."""
        return self.refs.get(revision, revision if revision in self.commits else None)


@dataclass(frozen=True)
class Request:
    """A request and what it was answered; 0 where the connection was cut."""

    method: str
    path: str
    status: int
    authorised: bool


class FakeHub:
    """See the module's docstring.

    Attributes:
        state: one of `STATES`; may be set at any time.
        requests: every request so far.
        repositories: (kind, id) -> repository.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[Request] = []
        self._state = "up"
        self._server: ThreadingHTTPServer | None = None
        self._listen(0)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> FakeHub:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    @property
    def endpoint(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        if state not in STATES:
            raise ValueError(f"state {state!r} is not one of {STATES}")
        if state == "down":
            self._stop()
        elif self._server is None:
            self._listen(self.port)
        self._state = state

    def add_repository(self, kind: str, name: str, files: Mapping[str, bytes]) -> Repository:
        """Make a model, dataset or space with one commit on `main`."""
        repository = self.repositories.setdefault((kind, name), Repository())
        repository.commit(files)
        return repository

    def _listen(self, port: int) -> None:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = _Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fake-hub", daemon=True).start()

    def _stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    # No kept connections: after `down` nothing may answer.
    protocol_version = "HTTP/1.0"

    def log_message(self, format: str, *args: object) -> None:
        """Requests are recorded, not printed."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path).lstrip("/")
        if self.hub.state == "cut":
            self._record(0)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.hub.state in _STATUS_OF_STATE:
            self._send_error(_STATUS_OF_STATE[self.hub.state])
            return
        for methods, pattern, function in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in methods:
                function(self, **match.groupdict())
                return
        self._send_error(404, "EntryNotFound")

    def _resolve(self, prefix: str, name: str, revision: str, path: str) -> None:
        """A file of a repository."""
        repository = self.hub.repositories.get((_KINDS[prefix], name))
        if repository is None:
            self._send_error(404, "RepoNotFound")
        elif (commit := repository.resolve(revision)) is None:
            self._send_error(404, "RevisionNotFound")
        elif path not in repository.commits[commit]:
            self._send_error(404, "EntryNotFound", {"X-Repo-Commit": commit})
        else:
            content = repository.commits[commit][path]
            etag = f'"{hashlib.sha1(content).hexdigest()}"'
            self._send(200, content, {"X-Repo-Commit": commit, "ETag": etag, "Content-Type": "text/plain"})

    def _info(self, kind: str, name: str, revision: str | None) -> None:
        """What the API says of a repository."""
        repository = self.hub.repositories.get((kind, name))
        if repository is None:
            self._send_error(404, "RepoNotFound")
        elif (commit := repository.resolve(revision or "main")) is None:
            self._send_error(404, "RevisionNotFound")
        else:
            siblings = [{"rfilename": path} for path in sorted(repository.commits[commit])]
            content = {"id": name, "sha": commit, "private": False, "siblings": siblings, "tags": []}
            self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self._record(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_error(self, status: int, code: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        code = code or _ERROR_CODES.get(status, "InternalError")
        body = json.dumps({"error": code}).encode()
        self._send(status, body, {"X-Error-Code": code, "Content-Type": "application/json", **(headers or {})})

    def _record(self, status: int) -> None:
        authorised = self.headers.get("Authorization", "").startswith("Bearer ")
        self.hub.requests.append(Request(self.command, self.path, status, authorised))


_NAME = r"(?P<name>[^/]+/[^/]+)"
_PREFIX = "(?P<prefix>" + "|".join(sorted(_PREFIXES.values(), reverse=True)) + ")"
ROUTES: list[tuple[tuple[str, ...], str, Callable[..., None]]] = [
    (("GET", "HEAD"), rf"{_PREFIX}{_NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _Handler._resolve),
    (("GET",), rf"api/(?P<kind>model|dataset|space)s/{_NAME}(/revision/(?P<revision>[^/]+))?", _Handler._info),
]
