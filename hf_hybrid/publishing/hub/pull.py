"""A repository from the Hub: one commit, whole, in a folder of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, RepoFile, get_token
from huggingface_hub.utils import filter_repo_objects

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import put_in_place
from hf_hybrid.publishing.hub.connection import make_api
from hf_hybrid.publishing.hub.failures import Patience, Place, as_input_error, check_name, some
from hf_hybrid.publishing.hub.files import LocalFile, files_on_the_hub
from hf_hybrid.publishing.repository_kind import KINDS, check_kind


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
        patience: how often to try while things fail for a passing reason.

    Raises:
        InputError: the folder may not be written, or the Hub says no.
    """
    patience = patience or Patience()
    check_name(repo_id)
    check_kind(kind)
    folder = Path(folder).expanduser().resolve()
    _check_folder(folder, overwrite)
    api = make_api(get_token())
    patterns = {"allow_patterns": list(include) or None, "ignore_patterns": list(exclude) or None}
    with as_input_error(Place(api.endpoint, kind, repo_id, revision)):
        kind = patience.tried(lambda: _find_kind(api, repo_id, kind), f"looking for {repo_id}")
    place = Place(api.endpoint, kind, repo_id, revision)

    def fetch() -> Pulled:
        commit = api.repo_info(repo_id, repo_type=kind, revision=revision).sha
        held = files_on_the_hub(api, place, commit)
        for path in held:
            if path.startswith("/") or ".." in path.split("/"):
                raise InputError(
                    f"{place} holds a file {path!r}, which leads out of the folder; do not use this repository"
                )
        wanted = {path: held[path] for path in filter_repo_objects(held, **patterns)}
        if not wanted:
            where = f"see {place.url}/tree/{commit}"
            raise InputError(f"no file of {place} at {commit} matches --include and --exclude; {where}")
        partial = folder.with_name(f".{folder.name}.{commit[:12]}.partial")
        api.snapshot_download(repo_id, repo_type=kind, revision=commit, local_dir=partial, **patterns)
        _complete(partial, wanted)
        put_in_place(partial, folder)
        return Pulled(place, folder, commit, len(wanted), sum(entry.size for entry in wanted.values()))

    with as_input_error(place):
        return patience.tried(fetch, f"fetching {place}")


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


def _find_kind(api: HfApi, repo_id: str, kind: str | None) -> str:
    """The kind under which the name exists; where the user names one, that, after making sure that it is not
    another.
    """
    if kind is not None and api.repo_exists(repo_id, repo_type=kind):
        return kind
    found = [each for each in KINDS if each != kind and api.repo_exists(repo_id, repo_type=each)]
    if not found:
        # Says why, better than that it does not exist.
        api.repo_info(repo_id, repo_type=kind)
    if kind is not None:
        raise InputError(f"kind: there is no {kind} {repo_id}, but a {' and a '.join(found)}; pass --kind {found[0]}")
    if len(found) > 1:
        raise InputError(f"kind: {repo_id} is a {' and a '.join(found)}; say which with --kind")
    return found[0]


def _complete(partial: Path, wanted: Mapping[str, RepoFile]) -> None:
    """Make sure that the folder holds the wanted files as the Hub has them, and nothing else. Others go, so that the
    next try fetches them anew.
    """
    wrong = []
    for name, entry in wanted.items():
        path = partial / name
        if not path.is_file() or not LocalFile(name, path, path.stat().st_size).is_same(entry):
            path.unlink(missing_ok=True)
            wrong.append(name)
    if wrong:
        raise InputError(f"{some(wrong)} did not arrive as the Hub has it; run the same command again")
    # The notes of `huggingface_hub`, and what an earlier try with other patterns left.
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    for parent, _, files in os.walk(partial, topdown=False):
        for name in files:
            if Path(parent, name).relative_to(partial).as_posix() not in wanted:
                Path(parent, name).unlink()
        if not os.listdir(parent):
            os.rmdir(parent)
