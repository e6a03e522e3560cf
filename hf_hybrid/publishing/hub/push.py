"""A folder to the Hub: checked, compared, uploaded, committed once, and looked at again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.hf_api import RepoFile

from hf_hybrid import __version__
from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.checks import find_problems
from hf_hybrid.publishing.hub.client import check_name, make_api
from hf_hybrid.publishing.hub.failures import Patience, Place, in_words, pause_before_retry, some
from hf_hybrid.publishing.hub.folder import LocalFile, kind_of, list_files, read_card
from hf_hybrid.publishing.hub.plan import PushPlan, Target, is_same, make_plan

# From a folder and its kind, what is wrong with its card, one sentence each.
Lint = Callable[[Path, str], Sequence[str]]


@dataclass(frozen=True)
class Pushed:
    """What a push did, or would do.

    Attributes:
        plan: every file and what became of it.
        commit: the commit that holds the folder; None after a dry run.
        pull_request: address of the pull request, where one was asked for.
    """

    plan: PushPlan
    commit: str | None = None
    pull_request: str | None = None


def push_folder(
    folder: str | Path,
    repo_id: str,
    kind: str | None = None,
    *,
    private: bool = False,
    revision: str | None = None,
    create_branch: bool = False,
    delete: bool = False,
    create_pr: bool = False,
    exclude: Sequence[str] = (),
    reviewed: Sequence[str] = (),
    message: str | None = None,
    dry_run: bool = False,
    lint: Lint | None = None,
    patience: Patience | None = None,
) -> Pushed:
    """Put the content of a folder into a repository of the Hub, which is made where there is none.

    Large files go first, each as an object of its own, then one commit names them: after a failure the same call sends only what is missing.

    Args:
        folder: its README.md is the card.
        repo_id: NAMESPACE/NAME.
        kind: `model`, `dataset` or `space`; told by the card where it is not given.
        private: whether a new repository is private. An existing public one is then refused.
        revision: branch to commit to; `main` by default.
        create_branch: make the branch, from `main`, where it is missing.
        delete: delete the files of the repository that the folder lacks, except .gitattributes.
        create_pr: open a pull request instead of committing to `main`.
        exclude: patterns of paths that stay here.
        reviewed: files in which neither secrets nor paths of machines are looked for.
        message: of the commit.
        dry_run: only compare.
        lint: finds what is wrong with the card.
        patience: how often a step that fails for a passing reason is tried.

    Raises:
        InputError: the folder may not be published, or the Hub says no.
    """
    patience = patience or Patience()
    folder = Path(folder)
    check_name(repo_id)
    if "/" not in repo_id:
        raise InputError(f"{repo_id!r} lacks its namespace: give NAMESPACE/{repo_id}; `hf auth whoami` tells yours")
    if create_pr and revision not in (None, "main"):
        raise InputError("create_pr: a pull request is opened against main; leave --revision out")
    kind = kind_of(folder, kind)
    token = get_token()
    if token is None and not dry_run:
        raise InputError("no access token: log in with `hf auth login`, or set HF_TOKEN to one that may write")
    files = _publishable(folder, kind, exclude, reviewed, lint, token)
    api = make_api(token)
    target = Target(Place(api.endpoint, kind, repo_id, revision), private, create_branch, delete, create_pr)
    with in_words(target.place):
        plan = _plan(api, target, files, token, patience)
        if dry_run:
            return Pushed(plan)
        fresh = _prepare(api, plan, folder, files, token, patience)
        if fresh.is_empty:
            return Pushed(plan, fresh.head)
        done = _commit(api, fresh, files, message or f"Push with hf-hybrid {__version__}", token, patience)
        commit = done.oid if isinstance(done, CommitInfo) else done
        at, pull_request = (done.pr_revision, done.pr_url) if isinstance(done, CommitInfo) else (None, None)
        patience.tried(lambda: _verify(api, fresh, files, at or commit), "looking at what has arrived")
        return Pushed(plan, commit, pull_request)


def _publishable(
    folder: Path, kind: str, exclude: Sequence[str], reviewed: Sequence[str], lint: Lint | None, token: str | None
) -> list[LocalFile]:
    """The files of a folder that is fit to be published.

    Raises:
        InputError: it is not; says why.
    """
    files, problems = list_files(folder, exclude)
    if not any(file.path == "README.md" for file in files):
        raise InputError("exclude: README.md is the card and cannot be left out")
    problems += find_problems(folder, files, kind, reviewed, token)
    if lint is not None:
        problems += [f"card: {problem}" for problem in lint(folder, kind)]
    if problems:
        raise InputError(f"{folder} may not be pushed: {some(problems, '; ')}")
    return files


def _plan(api: HfApi, target: Target, files: Sequence[LocalFile], token: str | None, patience: Patience) -> PushPlan:
    return patience.tried(lambda: make_plan(api, target, files, token), f"comparing with {target.place}")


def _prepare(
    api: HfApi, plan: PushPlan, folder: Path, files: Sequence[LocalFile], token: str | None, patience: Patience
) -> PushPlan:
    """Make the repository and the branch where they are missing; the plan as it is then."""
    place = plan.target.place
    if plan.head is None:
        sdk = str(read_card(folder).get("sdk", "")) or None if place.kind == "space" else None
        if place.kind == "space" and sdk is None:
            raise InputError(
                f"{folder / 'README.md'} does not say which `sdk` runs the Space; write e.g. `sdk: gradio`"
            )
        patience.tried(
            lambda: api.create_repo(
                place.repo_id, private=plan.target.private or None, repo_type=place.kind, exist_ok=True, space_sdk=sdk
            ),
            f"making {place}",
        )
    if plan.creates_branch:
        patience.tried(
            lambda: api.create_branch(place.repo_id, branch=plan.target.branch, repo_type=place.kind, exist_ok=True),
            f"making branch {plan.target.branch}",
        )
    if plan.head is None or plan.creates_branch:
        return _plan(api, plan.target, files, token, patience)
    return plan


def _commit(
    api: HfApi, plan: PushPlan, files: Sequence[LocalFile], message: str, token: str | None, patience: Patience
) -> CommitInfo | str:
    """Upload and commit; the commit's name where an answer was lost and the commit turns out to be there."""
    place = plan.target.place
    sources = {file.path: file.source for file in files}
    where = {"repo_type": place.kind, "revision": plan.target.branch, "create_pr": plan.target.create_pr}
    attempt = 0
    while True:
        attempt += 1
        additions = [CommitOperationAdd(file.path, sources[file.path]) for file in plan.of("new", "changed")]
        deletions = [CommitOperationDelete(file.path, is_folder=False) for file in plan.of("deleted")]
        patience.tried(
            lambda additions=additions: api.preupload_lfs_files(place.repo_id, additions, free_memory=False, **where),
            "uploading",
        )
        try:
            return api.create_commit(
                place.repo_id, [*additions, *deletions], commit_message=message, parent_commit=plan.head, **where
            )
        except Exception as error:
            if plan.target.create_pr and pause_before_retry(error, 0) is not None:
                raise InputError(
                    f"the connection broke while the pull request was opened; look at {place.url}/discussions before you run again"
                ) from error
            if not patience.pause_after(error, attempt, "committing"):
                raise
        # The commit may have been made and only its answer lost: never commit twice without looking.
        now = _plan(api, plan.target, files, token, patience)
        if now.is_empty and now.head is not None:
            return now.head
        if now.head != plan.head:
            raise InputError(f"{place} has changed in the meantime; look at {place.url} and run again")


def _verify(api: HfApi, plan: PushPlan, files: Sequence[LocalFile], revision: str) -> None:
    """Compare what the revision holds with what was to be pushed; large files by their size, since the storage has checked their digest."""
    place = plan.target.place
    tree = api.list_repo_tree(place.repo_id, recursive=True, revision=revision, repo_type=place.kind)
    held = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    sources = {file.path: file for file in files}
    wrong = [file.path for file in plan.of("deleted") if file.path in held]
    for planned in plan.of("new", "changed"):
        entry, file = held.get(planned.path), sources[planned.path]
        good = entry is not None and (file.size == entry.size if entry.lfs is not None else is_same(file, entry))
        if not good:
            wrong.append(planned.path)
    if wrong:
        raise InputError(
            f"{place} at {revision} differs from the folder in {some(wrong)}: the files changed during the push; push again"
        )
