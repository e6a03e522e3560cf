"""What the fake Hub answers to those who read: who may, which files there are, their content."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.publishing.hub.fake_repository import Repository, blob_name

if TYPE_CHECKING:
    from tests.publishing.hub.fake_hub import Exchange

NAME = r"(?P<name>[^/]+/[^/]+)"
API = rf"api/(?P<kind>model|dataset|space)s/{NAME}"
KINDS = {"": "model", "datasets/": "dataset", "spaces/": "space"}
PREFIXES = {kind: prefix for prefix, kind in KINDS.items()}
PREFIX = "(?P<prefix>" + "|".join(sorted(KINDS, reverse=True)) + ")"
REVISION = r"(?P<revision>refs/pr/\d+|[^/]+)"


def find(exchange: Exchange, kind: str, name: str, content: bool = False) -> Repository | None:
    """The repository, or None after the refusal has been sent.

    Strangers learn nothing of private repositories. Whoever may see a gated one gets its `content` only after
    accepting its conditions.
    """
    repository = exchange.hub.repositories.get((kind, name))
    account = exchange.account
    if account is None and exchange.headers.get("Authorization"):
        exchange.send_error_code(401, "", {"X-Error-Message": "Invalid credentials in Authorization header"})
        return None
    hidden = repository is not None and repository.private and not (account and account.belongs_to(name.split("/")[0]))
    if repository is None or hidden:
        exchange.send_error_code(401 if account is None and exchange.hub.accounts else 404, "RepoNotFound")
        return None
    if content and repository.gated and not (account and name in account.accepted):
        message = f"Access to {kind} {name} is restricted."
        exchange.send_error_code(401 if account is None else 403, "GatedRepo", message=message)
        return None
    return repository


def at_revision(function: Callable[..., None], content: bool = False) -> Callable[..., None]:
    """Look up repository and commit first; what is missing is refused as the real Hub refuses it."""

    def route(
        exchange: Exchange, name: str, kind: str = "", prefix: str = "", revision: str = "", **rest: Any
    ) -> None:
        repository = find(exchange, kind or KINDS[prefix], name, content)
        if repository is None:
            return
        commit = repository.resolve(revision or "main")
        if commit is None:
            exchange.send_error_code(404, "RevisionNotFound")
        else:
            function(exchange, repository=repository, commit=commit, name=name, **rest)

    return route


def _info(exchange: Exchange, repository: Repository, commit: str, name: str) -> None:
    siblings = [{"rfilename": path} for path in sorted(repository.commits[commit])]
    content = {"id": name, "sha": commit, "private": repository.private, "siblings": siblings, "tags": []}
    exchange.send_json(content)


def _tree(exchange: Exchange, repository: Repository, commit: str, name: str, folder: str | None = None) -> None:
    """A page of the tree; folders are listed once, and entered where it is to be recursive."""
    query = parse_qs(urlsplit(exchange.path).query)
    below = f"{folder}/" if folder else ""
    recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
    entries: dict[str, dict[str, object]] = {}
    for path in sorted(repository.commits[commit]):
        if not path.startswith(below):
            continue
        parts = path[len(below) :].split("/")
        for depth in range(1, len(parts)):
            parent = below + "/".join(parts[:depth])
            if recursive or depth == 1:
                tree_name = hashlib.sha1(parent.encode()).hexdigest()
                entries[parent] = {"type": "directory", "path": parent, "oid": tree_name, "size": 0}
        if recursive or len(parts) == 1:
            entries[path] = repository.entry(commit, path)
    if folder and not entries:
        exchange.send_error_code(404, "EntryNotFound")
        return
    start = int(query.get("cursor", ["0"])[0])
    end = start + exchange.hub.page_size
    here = f"{exchange.hub.endpoint}{urlsplit(exchange.path).path}?recursive={recursive}&cursor={end}"
    headers = {"Link": f'<{here}>; rel="next"'} if end < len(entries) else {}
    exchange.send_json(list(entries.values())[start:end], headers=headers)


def _paths_info(exchange: Exchange, repository: Repository, commit: str, name: str) -> None:
    """Of each path that exists, what the tree says."""
    body = exchange.read_body().decode()
    if "json" in exchange.headers.get("Content-Type", ""):
        paths = json.loads(body)["paths"]
    else:
        paths = parse_qs(body).get("paths", [])
    found: list[dict[str, object]] = []
    for path in paths:
        if path in repository.commits[commit]:
            found.append(repository.entry(commit, path))
        elif any(other.startswith(f"{path}/") for other in repository.commits[commit]):
            found.append({"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest()})
    exchange.send_json(found)


def _refs(exchange: Exchange, name: str, kind: str) -> None:
    repository = find(exchange, kind, name)
    if repository is None:
        return
    lists: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": [], "pullRequests": []}
    for ref, commit in repository.refs.items():
        if ref.startswith("refs/pr/"):
            lists["pullRequests"].append({"name": ref, "ref": ref, "targetCommit": commit})
        else:
            is_tag = ref in repository.tags
            full = f"refs/{'tags' if is_tag else 'heads'}/{ref}"
            lists["tags" if is_tag else "branches"].append({"name": ref, "ref": full, "targetCommit": commit})
    exchange.send_json(lists)


def _resolve(exchange: Exchange, repository: Repository, commit: str, name: str, path: str) -> None:
    """A file; for a large one, where it lies."""
    if path not in repository.commits[commit]:
        exchange.send_error_code(404, "EntryNotFound", {"X-Repo-Commit": commit})
        return
    content = repository.commits[commit][path]
    if path in repository.large[commit]:
        oid = hashlib.sha256(content).hexdigest()
        linked = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content)), "X-Repo-Commit": commit}
        exchange.send(302, b"", {"Location": f"{exchange.hub.storage}/objects/{oid}?signature=secret", **linked})
    else:
        send_range(exchange, content, {"X-Repo-Commit": commit, "ETag": f'"{blob_name(content)}"'})


def _object(exchange: Exchange, oid: str) -> None:
    """A large file, from the storage host."""
    if oid in exchange.hub.objects:
        send_range(exchange, exchange.hub.objects[oid], {"ETag": f'"{oid}"'})
    else:
        exchange.send_error_code(404, "NoSuchKey")


def send_range(exchange: Exchange, content: bytes, headers: dict[str, str]) -> None:
    """Content, or the part of it that the request asks for."""
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.headers.get("Range", ""))
    if asked is None:
        exchange.send(200, content, headers)
        return
    start, end = int(asked[1]), min(int(asked[2] or len(content) - 1), len(content) - 1)
    if start >= len(content):
        exchange.send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    else:
        exchange.send(
            206, content[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{len(content)}"}
        )


READING: list[tuple[tuple[str, ...], str, Callable[..., None]]] = [
    (("GET", "HEAD"), rf"{PREFIX}{NAME}/resolve/{REVISION}/(?P<path>.+)", at_revision(_resolve, content=True)),
    (("GET",), rf"{API}/tree/{REVISION}(/(?P<folder>.+))?", at_revision(_tree)),
    (("POST",), rf"{API}/paths-info/{REVISION}", at_revision(_paths_info)),
    (("GET",), rf"{API}/refs", _refs),
    (("GET",), rf"{API}(/revision/{REVISION})?", at_revision(_info)),
]
STORED: list[tuple[tuple[str, ...], str, Callable[..., None]]] = [
    (("GET", "HEAD"), r"objects/(?P<oid>[0-9a-f]{64})", _object)
]
