"""A repository from the Hub: one commit, whole, in a folder of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import filter_repo_objects

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.client import check_name, make_api
from hf_hybrid.publishing.hub.failures import Patience, Place, in_words, some
from hf_hybrid.publishing.hub.folder import KINDS, LocalFile
from hf_hybrid.publishing.hub.plan import is_same


@dataclass(frozen=True)
class Pulled:
    """What a pull fetched: `size` in bytes, `commit` of 40 digits."""

    place: Place
    folder: Path
    commit: str
    num_files: int
    size: int


def pull_repository(
    repo_id: str,
    folder: str | Path,
    kind: str | None = None,
    *,
    revision: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    overwrite: bool = False,
    patience: Patience | None = None,
) -> Pulled:
    """Fetch a repository at one commit into a folder, which appears when everything has arrived.

    Until then the files lie beside it in `.FOLDER.COMMIT.partial`, from where the same call goes on.

    Args:
        repo_id: NAMESPACE/NAME, or the name of one of the Hub's first models.
        folder: must be missing or empty, unless `overwrite`.
        kind: `model`, `dataset` or `space`; found out where it is not given.
        revision: branch, tag or commit; `main` by default.
        include, exclude: patterns of paths, as `huggingface_hub.snapshot_download` reads them.
        overwrite: put the new folder in the place of the old one, whatever that holds.
        patience: how often a step that fails for a passing reason is tried.

    Raises:
        InputError: the folder may not be written, or the Hub says no.
    """
    patience = patience or Patience()
    check_name(repo_id)
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
    folder = Path(folder).expanduser().resolve()
    _check_folder(folder, overwrite)
    api = make_api(get_token())
    with in_words(Place(api.endpoint, kind, repo_id, revision)):
        kind = _find_kind(api, repo_id, kind, patience)
    place = Place(api.endpoint, kind, repo_id, revision)
    with in_words(place):
        info = patience.tried(lambda: api.repo_info(repo_id, repo_type=kind, revision=revision), f"asking for {place}")
        commit = info.sha
        wanted = patience.tried(lambda: _list_tree(api, place, commit, include, exclude), f"listing {place}")
        partial = folder.with_name(f".{folder.name}.{commit[:12]}.partial")
        patience.tried(
            lambda: api.snapshot_download(
                repo_id,
                repo_type=kind,
                revision=commit,
                local_dir=partial,
                allow_patterns=list(include) or None,
                ignore_patterns=list(exclude) or None,
            ),
            f"fetching {place}",
        )
        _complete(partial, wanted)
        _put_in_place(partial, folder)
    return Pulled(place, folder, commit, len(wanted), sum(entry.size for entry in wanted))


def _check_folder(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(place.is_relative_to(folder) for place in (Path.cwd(), Path.home())):
        raise InputError(f"{folder} is or holds the current folder or your home; name a folder in it")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(f"{folder} is not empty: name another folder, or pass --overwrite to replace it as a whole")
    if (folder / ".git").exists():
        raise InputError(f"{folder} is not replaced: it holds a repository of git; name another folder")


def _find_kind(api: HfApi, repo_id: str, kind: str | None, patience: Patience) -> str:
    """The kind under which the name exists; where the user names one, that, after making sure that it is not another."""
    found: list[str] = []
    missing: Exception | None = None
    for each in KINDS if kind is None else (kind, *(other for other in KINDS if other != kind)):
        try:
            patience.tried(lambda each=each: api.repo_info(repo_id, repo_type=each), f"looking for {repo_id}")
        except GatedRepoError:
            found.append(each)
        except RepositoryNotFoundError as error:
            missing = missing or error
        else:
            found.append(each)
        if found == [kind]:
            return each
    if missing is not None and not found:
        raise missing
    if kind is not None:
        raise InputError(f"kind: there is no {kind} {repo_id}, but a {' and a '.join(found)}; pass --kind {found[0]}")
    if len(found) > 1:
        raise InputError(f"kind: {repo_id} is a {' and a '.join(found)}; say which with --kind")
    return found[0]


def _list_tree(
    api: HfApi, place: Place, commit: str, include: Sequence[str], exclude: Sequence[str]
) -> list[RepoFile]:
    """The files that are wanted.

    Raises:
        InputError: there are none, or a path leads out of the folder.
    """
    tree = api.list_repo_tree(place.repo_id, recursive=True, revision=commit, repo_type=place.kind)
    files = [entry for entry in tree if isinstance(entry, RepoFile)]
    for entry in files:
        path = PurePosixPath(entry.path)
        if path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"{place} holds a file {entry.path!r}, which leads out of the folder; do not use this repository"
            )
    wanted = filter_repo_objects(
        files, allow_patterns=list(include) or None, ignore_patterns=list(exclude) or None, key=lambda file: file.path
    )
    if not (chosen := list(wanted)):
        raise InputError(
            f"no file of {place} at {commit} matches --include and --exclude; see {place.url}/tree/{commit}"
        )
    return chosen


def _complete(partial: Path, wanted: Sequence[RepoFile]) -> None:
    """Make sure that the folder holds the wanted files as the Hub has them, and nothing else.

    Raises:
        InputError: a file is missing or another; it is removed, so that the next try fetches it anew.
    """
    wrong = []
    for entry in wanted:
        path = partial / entry.path
        if not path.is_file() or not is_same(LocalFile(entry.path, path, path.stat().st_size), entry):
            path.unlink(missing_ok=True)
            wrong.append(entry.path)
    if wrong:
        raise InputError(f"{some(wrong)} did not arrive as the Hub has it; run the same command again")
    # The notes of `huggingface_hub`, and what an earlier try with other patterns left.
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    names = {entry.path for entry in wanted}
    for parent, _, files in os.walk(partial, topdown=False):
        for name in files:
            if Path(parent, name).relative_to(partial).as_posix() not in names:
                Path(parent, name).unlink()
        if not os.listdir(parent):
            os.rmdir(parent)


def _put_in_place(partial: Path, folder: Path) -> None:
    """Give the folder its name; an old one goes only after the new one stands."""
    if not folder.exists():
        partial.rename(folder)
        return
    old = folder.with_name(f"{partial.name}.old")
    folder.rename(old)
    try:
        partial.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)
