"""What a push would do: every file of the folder and of the repository, and what becomes of it."""

from __future__ import annotations

import base64
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from huggingface_hub import HfApi, RepoFile
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.failures import Place
from hf_hybrid.publishing.hub.files import LocalFile, files_on_the_hub

# new, changed: uploaded. deleted: on the Hub only, removed. kept: on the Hub only, stays. ignored: left out by the
# folder's .gitignore.
Change = Literal["new", "changed", "unchanged", "deleted", "kept", "ignored"]
UPLOADED: tuple[Change, ...] = ("new", "changed")
# The Hub makes this file and goes by it.
ATTRIBUTES = ".gitattributes"
# What the Hub's .gitattributes says in a new repository; above this many bytes every file is large.
LARGE_FROM = 10_000_000
_LARGE_BY_NAME = (
    "*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz *.onnx "
    "*.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors *.tar.* *.tar *.tflite *.tgz *.wasm *.xz *.zip "
    "*.zst *tfevents*"
)
_LARGE_IN_DATASETS = (
    "*.lz4 *.mds *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp *.mp4 "
    "*.webm"
)


@dataclass(frozen=True)
class Target:
    """Where a folder is to go and what may be done there; the names are those of `push_folder`'s arguments."""

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
        return self.head is not None and not self.of(*UPLOADED, "deleted")


def make_plan(api: HfApi, target: Target, files: Sequence[LocalFile], token: str | None) -> PushPlan:
    """Compare a folder with the repository. Nothing is written, here or there.

    Args:
        token: the access token, or None: then whether files are large is taken from the Hub's rules for new
            repositories.

    Raises:
        InputError: the target cannot be what was asked for.
        HfHubHTTPError: the Hub says no.
    """
    place, branch = target.place, target.branch
    by_rule = {file.path: "lfs" if _is_large_by_rule(file, place.kind) else "regular" for file in files}
    try:
        info = api.repo_info(place.repo_id, repo_type=place.kind)
    except RepositoryNotFoundError as error:
        if isinstance(error, GatedRepoError) or (token and error.response.status_code == 401):
            raise
        if target.create_pr:
            raise InputError(f"create_pr: there is no {place}; push without --create_pr to make it") from error
        if branch != "main" and not target.create_branch:
            what = f"revision: there is no {place} yet"
            raise InputError(f"{what}; push to main first, or pass --create_branch") from error
        new = tuple(_planned(file, None, by_rule) for file in files)
        return PushPlan(target, new, None, target.private, branch != "main", asked=False)
    if target.private and info.private is False:
        what = f"private: {place} exists and is public, and a push does not change that"
        raise InputError(f"{what}; make it private at {place.url}/settings, or leave --private out")
    creates_branch = _is_to_be_made(api, target)
    if not creates_branch and branch != "main":
        info = api.repo_info(place.repo_id, repo_type=place.kind, revision=branch)
    held = files_on_the_hub(api, place, info.sha)
    upload = [file for file in files if file.path not in held or not file.is_same(held[file.path])]
    ignore = next((file.source.read_text(encoding="utf-8") for file in files if file.path == ".gitignore"), None)
    modes = _ask_for_modes(api, place, "main" if creates_branch else branch, upload, ignore) if token else None
    planned = [_planned(file, held.get(file.path), modes or by_rule) for file in files]
    for path in held.keys() - by_rule.keys():
        change: Change = "deleted" if target.delete and path != ATTRIBUTES else "kept"
        planned.append(PlannedFile(path, held[path].size, change, held[path].lfs is not None))
    planned.sort(key=lambda file: file.path)
    return PushPlan(target, tuple(planned), info.sha, bool(info.private), creates_branch, modes is not None)


def _is_to_be_made(api: HfApi, target: Target) -> bool:
    """Whether the branch is missing; refuses a tag, and a branch that is missing and may not be made."""
    place, branch = target.place, target.branch
    if branch == "main" or branch.startswith("refs/pr/"):
        return False
    refs = api.list_repo_refs(place.repo_id, repo_type=place.kind)
    if any(ref.name == branch for ref in refs.branches):
        return False
    if any(ref.name == branch for ref in refs.tags):
        raise InputError(f"revision: {branch} is a tag of {place}, which stays what it is; name a branch")
    if not target.create_branch:
        raise InputError(f"revision: {place} has no branch {branch}; pass --create_branch to make it from main")
    return True


def _planned(file: LocalFile, entry: RepoFile | None, modes: Mapping[str, str]) -> PlannedFile:
    """What becomes of a file of the folder, `entry` being what the repository has in its place."""
    if entry is not None and file.is_same(entry):
        return PlannedFile(file.path, file.size, "unchanged", entry.lfs is not None)
    mode = modes[file.path]
    change: Change = "ignored" if mode == "ignored" else "new" if entry is None else "changed"
    # An empty file cannot be stored as a large one.
    return PlannedFile(file.path, file.size, change, mode == "lfs" and file.size > 0)


def _is_large_by_rule(file: LocalFile, kind: str | None) -> bool:
    """Whether a new repository would take a file for a large one."""
    patterns = f"{_LARGE_BY_NAME} {_LARGE_IN_DATASETS if kind == 'dataset' else ''}".split()
    name = file.path.rsplit("/", 1)[-1]
    return file.size > LARGE_FROM or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _ask_for_modes(
    api: HfApi, place: Place, branch: str, files: Sequence[LocalFile], ignore: str | None
) -> dict[str, str] | None:
    """What the Hub would do with files: `ignored`, `lfs` or `regular`. None where it does not tell this account.

    It is the question that every upload begins with, and writes nothing; `HfApi` asks it as a part of an upload only.
    """
    modes: dict[str, str] = {}
    url = f"{api.endpoint}/api/{place.kind}s/{place.repo_id}/preupload/{quote(branch, safe='')}"
    for start in range(0, len(files), 256):
        question: dict[str, object] = {} if ignore is None else {"gitIgnore": ignore}
        question["files"] = [_sample(file) for file in files[start : start + 256]]
        response = http_backoff("POST", url, json=question, headers=build_hf_headers(token=api.token))
        if response.status_code == 403:
            return None
        hf_raise_for_status(response)
        for answer in response.json()["files"]:
            modes[answer["path"]] = "ignored" if answer.get("shouldIgnore") else answer["uploadMode"]
    return modes


def _sample(file: LocalFile) -> dict[str, object]:
    with open(file.source, "rb") as content:
        return {"path": file.path, "sample": base64.b64encode(content.read(512)).decode(), "size": file.size}
