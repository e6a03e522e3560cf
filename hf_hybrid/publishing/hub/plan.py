"""What a push would do: every file of the folder and of the repository, and what becomes of it."""

from __future__ import annotations

import base64
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.failures import Place
from hf_hybrid.publishing.hub.folder import LocalFile

# new, changed: uploaded. deleted: on the Hub only, removed. kept: on the Hub only, stays. ignored: left out by the folder's .gitignore.
Change = Literal["new", "changed", "unchanged", "deleted", "kept", "ignored"]
UPLOADED: tuple[Change, ...] = ("new", "changed")
# The Hub makes this file and goes by it.
ATTRIBUTES = ".gitattributes"
# What the Hub's .gitattributes says in a new repository; above this many bytes every file is large.
LARGE_FROM = 10_000_000
_LARGE_BY_NAME = (
    "*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz *.onnx *.ot *.parquet *.pb *.pickle "
    "*.pkl *.pt *.pth *.rar *.safetensors *.tar.* *.tar *.tflite *.tgz *.wasm *.xz *.zip *.zst *tfevents*"
).split()
_LARGE_IN_DATASETS = (
    "*.lz4 *.mds *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp *.mp4 *.webm"
).split()


@dataclass(frozen=True)
class Target:
    """Where a folder is to go.

    Attributes:
        place: repository and branch; the revision None is `main`.
        private: whether a new repository is to be private.
        create_branch: whether a missing branch may be made.
        delete: whether files that the folder lacks are deleted.
        create_pr: whether the commit becomes a pull request.
    """

    place: Place
    private: bool = False
    create_branch: bool = False
    delete: bool = False
    create_pr: bool = False

    @property
    def branch(self) -> str:
        return self.place.revision or "main"


@dataclass(frozen=True)
class PlannedFile:
    """A file and what becomes of it; `large` is whether it lies in the storage for large files (LFS)."""

    path: str
    size: int
    change: Change
    large: bool


@dataclass(frozen=True)
class PushPlan:
    """See the module's docstring.

    Attributes:
        target: where the folder is to go.
        files: in the order of their paths.
        head: the commit that the branch points to; None for a repository that does not exist yet.
        private: whether the repository is, or is to be, private.
        creates_branch: whether the branch is to be made, from `main`.
        asked: whether the Hub has said which files are large; else it is what its rules for new repositories say.
    """

    target: Target
    files: tuple[PlannedFile, ...]
    head: str | None
    private: bool
    creates_branch: bool
    asked: bool

    def of(self, *changes: Change) -> list[PlannedFile]:
        """The files that one of these becomes of."""
        return [file for file in self.files if file.change in changes]

    @property
    def is_empty(self) -> bool:
        """Whether the branch already holds what the folder holds."""
        return not self.of("new", "changed", "deleted")


def make_plan(api: HfApi, target: Target, files: Sequence[LocalFile], token: str | None) -> PushPlan:
    """Compare a folder with the repository. Nothing is written, here or there.

    Args:
        token: the access token, or None: then whether files are large is taken from the Hub's rules for new repositories.

    Raises:
        InputError: the target cannot be what was asked for.
        HfHubHTTPError: the Hub says no.
    """
    place = target.place
    try:
        info = api.repo_info(place.repo_id, repo_type=place.kind)
    except GatedRepoError:
        raise
    except RepositoryNotFoundError as error:
        if token and error.response.status_code == 401:
            raise
        return _plan_of_new(target, files)
    if target.private and info.private is False:
        raise InputError(
            f"private: {place} exists and is public, and a push does not change that; make it private at {place.url}/settings, or leave "
            "--private out"
        )
    creates_branch = _check_branch(api, target)
    base = (
        info
        if creates_branch or target.branch == "main"
        else api.repo_info(place.repo_id, repo_type=place.kind, revision=target.branch)
    )
    tree = api.list_repo_tree(place.repo_id, recursive=True, revision=base.sha, repo_type=place.kind)
    held = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    changes = {file.path: _change(file, held.get(file.path)) for file in files}
    upload = [file for file in files if changes[file.path] in UPLOADED]
    modes = _ask_for_modes(api, place, "main" if creates_branch else target.branch, upload, token) if token else None
    by_rule = _large_by_rule(place.kind, files)
    planned = [_planned(file, changes[file.path], held.get(file.path), modes, by_rule[file.path]) for file in files]
    rest: Change = "deleted" if target.delete else "kept"
    planned += [
        PlannedFile(entry.path, entry.size, "kept" if entry.path == ATTRIBUTES else rest, entry.lfs is not None)
        for entry in held.values()
        if entry.path not in changes
    ]
    planned.sort(key=lambda file: file.path)
    return PushPlan(target, tuple(planned), base.sha, bool(info.private), creates_branch, modes is not None)


def _plan_of_new(target: Target, files: Sequence[LocalFile]) -> PushPlan:
    """A plan for a repository that does not exist, as far as one sees."""
    if target.create_pr:
        raise InputError(f"create_pr: there is no {target.place}; push without --create_pr to make it")
    if target.branch != "main" and not target.create_branch:
        raise InputError(f"revision: there is no {target.place} yet; push to main first, or pass --create_branch")
    by_rule = _large_by_rule(target.place.kind, files)
    planned = tuple(PlannedFile(file.path, file.size, "new", by_rule[file.path]) for file in files)
    return PushPlan(target, planned, None, target.private, target.branch != "main", asked=False)


def _check_branch(api: HfApi, target: Target) -> bool:
    """Whether the branch has to be made.

    Raises:
        InputError: it is no branch, or is missing and may not be made.
    """
    if target.branch == "main" or target.branch.startswith("refs/pr/"):
        return False
    refs = api.list_repo_refs(target.place.repo_id, repo_type=target.place.kind)
    if any(ref.name == target.branch for ref in refs.branches):
        return False
    if any(ref.name == target.branch for ref in refs.tags):
        raise InputError(
            f"revision: {target.branch} is a tag of {target.place}, which stays what it is; name a branch"
        )
    if not target.create_branch:
        raise InputError(
            f"revision: {target.place} has no branch {target.branch}; pass --create_branch to make it from main"
        )
    return True


def is_same(file: LocalFile, entry: RepoFile) -> bool:
    """Whether a file of the folder has the content of a file of the repository."""
    if file.size != entry.size:
        return False
    return file.sha256 == entry.lfs.sha256 if entry.lfs is not None else file.blob_name == entry.blob_id


def _change(file: LocalFile, entry: RepoFile | None) -> Change:
    if entry is None:
        return "new"
    return "unchanged" if is_same(file, entry) else "changed"


def _planned(
    file: LocalFile, change: Change, entry: RepoFile | None, modes: Mapping[str, Change | bool] | None, by_rule: bool
) -> PlannedFile:
    if change == "unchanged" and entry is not None:
        return PlannedFile(file.path, file.size, change, entry.lfs is not None)
    mode = modes[file.path] if modes is not None else by_rule
    if mode == "ignored":
        return PlannedFile(file.path, file.size, "ignored", False)
    return PlannedFile(file.path, file.size, change, bool(mode))


def _large_by_rule(kind: str | None, files: Sequence[LocalFile]) -> dict[str, bool]:
    """Which files are large by the folder's .gitattributes or, without one, by the rules of a new repository."""
    own = next((file.source for file in files if file.path == ATTRIBUTES), None)
    if own is None:
        patterns = _LARGE_BY_NAME + (_LARGE_IN_DATASETS if kind == "dataset" else [])
    else:
        lines = Path(own).read_text(encoding="utf-8", errors="replace").splitlines()
        patterns = [line.split()[0] for line in lines if "filter=lfs" in line]
    return {
        file.path: file.size > 0
        and (
            file.size > LARGE_FROM
            or any(
                fnmatch.fnmatchcase(file.path if "/" in pattern else file.path.rsplit("/", 1)[-1], pattern)
                for pattern in patterns
            )
        )
        for file in files
    }


def _ask_for_modes(
    api: HfApi, place: Place, branch: str, files: Sequence[LocalFile], token: str
) -> dict[str, Change | bool] | None:
    """What the Hub would do with files: `ignored`, or whether they are large. None where it does not tell this account.

    It is the question that every upload begins with; it writes nothing.
    """
    modes: dict[str, Change | bool] = {}
    ignore = next((file.source for file in files if file.path == ".gitignore"), None)
    url = f"{api.endpoint}/api/{place.kind}s/{place.repo_id}/preupload/{quote(branch, safe='')}"
    for start in range(0, len(files), 256):
        batch = files[start : start + 256]
        question: dict[str, object] = {"files": [_sample(file) for file in batch]}
        if ignore is not None:
            question["gitIgnore"] = Path(ignore).read_text(encoding="utf-8")
        response = http_backoff("POST", url, json=question, headers=build_hf_headers(token=token))
        try:
            hf_raise_for_status(response)
        except HfHubHTTPError as error:
            if error.response.status_code == 403:
                return None
            raise
        for answer in response.json()["files"]:
            modes[answer["path"]] = "ignored" if answer.get("shouldIgnore") else answer["uploadMode"] == "lfs"
    # An empty file cannot be stored as a large one.
    return {file.path: modes[file.path] if file.size or modes[file.path] == "ignored" else False for file in files}


def _sample(file: LocalFile) -> dict[str, object]:
    with open(file.source, "rb") as content:
        sample = base64.b64encode(content.read(512)).decode()
    return {"path": file.path, "sample": sample, "size": file.size}
