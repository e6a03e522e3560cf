"""What the fake Hub does for those who write: repositories, branches, tags, large files, commits, pull requests."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.publishing.hub.fake_reading import API, NAME, PREFIX, PREFIXES, REVISION, find
from tests.publishing.hub.fake_repository import GITATTRIBUTES, Repository, blob_name

if TYPE_CHECKING:
    from tests.publishing.hub.fake_hub import Exchange

KINDS_OF_PREFIX = {prefix: kind for kind, prefix in PREFIXES.items()}


def find_to_write(exchange: Exchange, kind: str, name: str) -> Repository | None:
    """The repository where the token may write to it; None after the refusal has been sent."""
    repository = find(exchange, kind, name)
    if repository is None:
        return None
    return repository if _may_write(exchange, kind, name.split("/")[0]) else None


def _may_write(exchange: Exchange, kind: str, namespace: str) -> bool:
    if exchange.account is None:
        exchange.send_error_code(401, "", {"X-Error-Message": "Invalid username or password."})
    elif not (exchange.account.write and exchange.account.belongs_to(namespace)):
        message = f'You don\'t have the rights to write to a {kind} under the namespace "{namespace}"'
        exchange.send_error_code(403, "", {"X-Error-Message": message})
    else:
        return True
    return False


def _whoami(exchange: Exchange) -> None:
    if exchange.account is None:
        exchange.send_error_code(401, "", {"X-Error-Message": "Invalid credentials in Authorization header"})
        return
    account = exchange.account
    role = "write" if account.write else "read"
    organisations = [{"name": name} for name in account.organisations]
    exchange.send_json(
        {
            "type": "user",
            "name": account.name,
            "orgs": organisations,
            "auth": {"accessToken": {"role": role, "displayName": "test"}},
        }
    )


def _create_repository(exchange: Exchange) -> None:
    wish = json.loads(exchange.read_body())
    kind = wish.get("type") or "model"
    namespace = wish.get("organization") or (exchange.account.name if exchange.account else "")
    if not _may_write(exchange, kind, namespace):
        return
    name = f"{namespace}/{wish['name']}"
    url = f"{exchange.hub.endpoint}/{PREFIXES[kind]}{name}"
    if (kind, name) in exchange.hub.repositories:
        exchange.send_json({"error": f"You already created this {kind} repo", "url": url}, 409)
    elif kind == "space" and not wish.get("sdk"):
        exchange.send_json({"error": "sdk is required"}, 400)
    else:
        private = wish.get("visibility") == "private" or bool(wish.get("private"))
        exchange.hub.repositories[kind, name] = repository = Repository(private=private)
        repository.commit({".gitattributes": GITATTRIBUTES}, message="initial commit")
        exchange.send_json({"url": url, "name": name, "id": name})


def _validate_card(exchange: Exchange) -> None:
    """The Hub's own look at a card; here it minds only a licence that nobody knows."""
    content = json.loads(exchange.read_body())["content"]
    if "license: nonsense" in content:
        exchange.send_json({"errors": [{"message": '"license" must be one of [...]'}], "warnings": []}, 400)
    else:
        exchange.send_json({"errors": [], "warnings": []})


def _name(exchange: Exchange, kind: str, name: str, what: str, ref: str) -> None:
    """Make or remove a branch or a tag."""
    body = exchange.read_body()
    repository = find_to_write(exchange, kind, name)
    if repository is None:
        return
    if exchange.command == "DELETE":
        repository.refs.pop(ref)
        repository.tags.discard(ref)
        exchange.send_json({})
        return
    wish = json.loads(body) if body else {}
    commit = repository.resolve(ref if what == "tag" else wish.get("startingPoint", "main"))
    name_of_it = wish["tag"] if what == "tag" else ref
    if name_of_it in repository.refs:
        exchange.send_json({"error": f"Reference {name_of_it} already exists"}, 409)
    elif commit is None:
        exchange.send_error_code(404, "RevisionNotFound")
    else:
        repository.refs[name_of_it] = commit
        if what == "tag":
            repository.tags.add(name_of_it)
        exchange.send_json({}, 201)


def _preupload(exchange: Exchange, kind: str, name: str, revision: str) -> None:
    """Which files are large, which are ignored, and what the branch holds at their paths."""
    wish = json.loads(exchange.read_body())
    repository = find_to_write(exchange, kind, name)
    if repository is None:
        return
    commit = repository.resolve(revision)
    if commit is None:
        exchange.send_error_code(404, "RevisionNotFound")
        return
    ignored = [line for line in wish.get("gitIgnore", "").splitlines() if line and not line.startswith("#")]
    answers = []
    for file in wish["files"]:
        path, size = file["path"], file["size"]
        held = repository.commits[commit].get(path)
        large = repository.is_large(commit, path, size, exchange.hub.large_from)
        oid = None
        if held is not None:
            oid = hashlib.sha256(held).hexdigest() if path in repository.large[commit] else blob_name(held)
        answers.append(
            {
                "path": path,
                "uploadMode": "lfs" if large else "regular",
                "shouldIgnore": any(fnmatch.fnmatch(path, pattern) for pattern in ignored),
                "oid": oid,
            }
        )
    exchange.send_json({"files": answers})


def _lfs_batch(exchange: Exchange, prefix: str, name: str) -> None:
    """Where to send which objects; nothing for those that are stored already."""
    wish = json.loads(exchange.read_body())
    if find_to_write(exchange, KINDS_OF_PREFIX[prefix], name) is None:
        return
    hub = exchange.hub
    answers = []
    for wanted in wish["objects"]:
        oid, size = wanted["oid"], wanted["size"]
        answer: dict[str, object] = {"oid": oid, "size": size}
        if oid not in hub.objects:
            verify = {"href": f"{hub.endpoint}/api/complete/{oid}/verify"}
            upload: dict[str, object] = {"href": f"{hub.storage}/objects/{oid}?signature=secret"}
            if hub.part_size is not None and size > hub.part_size:
                parts = range(1, -(-size // hub.part_size) + 1)
                header = {str(part): f"{hub.storage}/objects/{oid}/parts/{part}?signature=secret" for part in parts}
                upload = {
                    "href": f"{hub.endpoint}/api/complete/{oid}",
                    "header": {"chunk_size": str(hub.part_size), **header},
                }
            answer["actions"] = {"upload": upload, "verify": verify}
        answers.append(answer)
    exchange.send_json({"transfer": "basic", "objects": answers})


def _store(exchange: Exchange, oid: str, part: str | None = None) -> None:
    content = exchange.read_body()
    if part is None and hashlib.sha256(content).hexdigest() != oid:
        exchange.send_error_code(400, "XAmzContentSHA256Mismatch")
        return
    if part is None:
        exchange.hub.objects[oid] = content
    else:
        exchange.hub.parts[oid, int(part)] = content
    exchange.send(200, b"", {"ETag": f'"{hashlib.md5(content).hexdigest()}"'})


def _complete(exchange: Exchange, oid: str) -> None:
    """Put the parts together."""
    parts = [exchange.hub.parts[oid, part["partNumber"]] for part in json.loads(exchange.read_body())["parts"]]
    content = b"".join(parts)
    if hashlib.sha256(content).hexdigest() != oid:
        exchange.send_error_code(400, "XAmzContentSHA256Mismatch")
        return
    exchange.hub.objects[oid] = content
    exchange.send_json({})


def _verify(exchange: Exchange, oid: str) -> None:
    exchange.read_body()
    if oid in exchange.hub.objects:
        exchange.send_json({})
    else:
        exchange.send_error_code(404, "ObjectNotFound")


def _commit(exchange: Exchange, kind: str, name: str, revision: str) -> None:
    """Add and delete files in one commit on a branch or, as a pull request, beside it."""
    lines = [json.loads(line) for line in exchange.read_body().splitlines()]
    repository = find_to_write(exchange, kind, name)
    if repository is None:
        return
    if revision not in repository.refs or revision in repository.tags:
        exchange.send_error_code(404, "RevisionNotFound")
        return
    with exchange.hub.lock:
        head = repository.refs[revision]
        header = lines[0]["value"]
        if header.get("parentCommit", head) != head:
            exchange.send_json({"error": "A commit has happened since. Please refresh and try again."}, 412)
            return
        files, large = dict(repository.commits[head]), set(repository.large[head])
        for line in lines[1:]:
            path = line["value"]["path"]
            large.discard(path)
            if line["key"] == "file":
                files[path] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile" and line["value"]["oid"] in exchange.hub.objects:
                files[path] = exchange.hub.objects[line["value"]["oid"]]
                large.add(path)
            elif line["key"] == "deletedFile" and path in files:
                del files[path]
            else:
                exchange.send_json({"error": f"cannot {line['key']} {path}"}, 400)
                return
        branch = revision
        if "create_pr=1" in exchange.path:
            branch = f"refs/pr/{sum(ref.startswith('refs/pr/') for ref in repository.refs) + 1}"
        commit = repository.commit(files, branch, large, header["summary"])
    home = f"{exchange.hub.endpoint}/{PREFIXES[kind]}{name}"
    answer = {"success": True, "commitOid": commit, "commitUrl": f"{home}/commit/{commit}", "hookOutput": ""}
    if branch != revision:
        answer["pullRequestUrl"] = f"{home}/discussions/{branch.rsplit('/', 1)[1]}"
    exchange.send_json(answer)


_OID = r"(?P<oid>[0-9a-f]{64})"
WRITING: list[tuple[tuple[str, ...], str, Callable[..., None]]] = [
    (("GET",), r"api/whoami-v2", _whoami),
    (("POST",), r"api/repos/create", _create_repository),
    (("POST",), r"api/validate-yaml", _validate_card),
    (("POST", "DELETE"), rf"{API}/(?P<what>branch|tag)/(?P<ref>.+)", _name),
    (("POST",), rf"{API}/preupload/{REVISION}", _preupload),
    (("POST",), rf"{API}/commit/{REVISION}", _commit),
    (("POST",), rf"{PREFIX}{NAME}\.git/info/lfs/objects/batch", _lfs_batch),
    (("POST",), rf"api/complete/{_OID}", _complete),
    (("POST",), rf"api/complete/{_OID}/verify", _verify),
]
STORING: list[tuple[tuple[str, ...], str, Callable[..., None]]] = [
    (("PUT",), rf"objects/{_OID}(/parts/(?P<part>\d+))?", _store)
]
