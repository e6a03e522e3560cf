"""A folder to the Hub: checked, compared, uploaded, committed once, and looked at again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, get_token

from hf_hybrid import __version__
from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.checks import find_problems
from hf_hybrid.publishing.hub.connection import make_api
from hf_hybrid.publishing.hub.failures import Patience, Place, as_input_error, check_name, pause_before_retry, some
from hf_hybrid.publishing.hub.files import LocalFile, list_files
from hf_hybrid.publishing.hub.plan import UPLOADED, PushPlan, Target, make_plan
from hf_hybrid.publishing.repository_kind import kind_of_folder, read_fields

# From a folder and its kind, what is wrong with its card, one sentence each.
Lint = Callable[[Path, str], Sequence[str]]


@dataclass(frozen=True)
class Pushed:
    """What a push did: the commit that holds the folder, None after a dry run, and address and branch of a pull
    request where one was asked for.
    """

    plan: PushPlan
    commit: str | None = None
    pull_request: str | None = None
    pr_revision: str | None = None


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

    Large files go first, each as an object of its own, then one commit names them: after a failure the same call sends
    only what is missing.

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
    kind = kind_of_folder(folder, kind)
    token = get_token()
    if token is None and not dry_run:
        raise InputError("no access token: log in with `hf auth login`, or set HF_TOKEN to one that may write")
    files = _publishable(folder, kind, exclude, reviewed, lint, token)
    api = make_api(token)
    place = Place(api.endpoint, kind, repo_id, revision)
    target = Target(place, private, create_branch, delete, create_pr)
    plans: list[PushPlan] = []
    bases: list[str | None] = []

    def push() -> Pushed:
        """One try; it begins with a look at what is there now, since the commit of an earlier one may be there and
        only its answer lost.
        """
        plan = make_plan(api, target, files, token)
        plans.append(plan)
        if dry_run:
            return Pushed(plan)
        if plan.head is None or plan.creates_branch:
            _prepare(api, plan, folder)
            plan = make_plan(api, target, files, token)
        if plan.is_empty:
            return Pushed(plans[0], plan.head)
        if bases and plan.head not in bases:
            raise InputError(f"{place} has changed in the meantime; look at {place.url} and run again")
        bases.append(plan.head)
        done = _commit(api, plan, files, message or f"Push with hf-hybrid {__version__}")
        return Pushed(plans[0], done.oid, done.pr_url, done.pr_revision)

    with as_input_error(place):
        pushed = patience.tried(push, f"pushing to {place}")
        if not dry_run:
            patience.tried(lambda: _verify(api, target, pushed, files, token), "looking at what has arrived")
    return pushed


def _publishable(
    folder: Path, kind: str, exclude: Sequence[str], reviewed: Sequence[str], lint: Lint | None, token: str | None
) -> list[LocalFile]:
    """The files of a folder, after making sure that it is fit to be published."""
    files, problems = list_files(folder, exclude)
    if not any(file.path == "README.md" for file in files):
        raise InputError("exclude: README.md is the card and cannot be left out")
    problems += find_problems(folder, files, kind, reviewed, token)
    if lint is not None:
        problems += [f"card: {problem}" for problem in lint(folder, kind)]
    if problems:
        raise InputError(f"{folder} may not be pushed: {some(problems, '; ')}")
    return files


def _prepare(api: HfApi, plan: PushPlan, folder: Path) -> None:
    """Make the repository and the branch where they are missing."""
    place, is_space = plan.target.place, plan.target.place.kind == "space"
    if plan.head is None:
        sdk = read_fields(folder).get("sdk") if is_space else None
        if is_space and not sdk:
            card = folder / "README.md"
            raise InputError(f"{card} does not say which `sdk` runs the Space; write e.g. `sdk: gradio`")
        private = plan.target.private or None
        api.create_repo(place.repo_id, private=private, repo_type=place.kind, exist_ok=True, space_sdk=sdk)
    if plan.creates_branch:
        api.create_branch(place.repo_id, branch=plan.target.branch, repo_type=place.kind, exist_ok=True)


def _commit(api: HfApi, plan: PushPlan, files: Sequence[LocalFile], message: str) -> CommitInfo:
    """Send the large files that the Hub's storage does not have yet, then make the commit that names them."""
    target, place = plan.target, plan.target.place
    options = {"repo_type": place.kind, "revision": target.branch, "create_pr": target.create_pr}
    sources = {file.path: file.source for file in files}
    additions = [CommitOperationAdd(file.path, sources[file.path]) for file in plan.of(*UPLOADED)]
    deletions = [CommitOperationDelete(file.path, is_folder=False) for file in plan.of("deleted")]
    api.preupload_lfs_files(place.repo_id, additions, free_memory=False, **options)
    try:
        return api.create_commit(
            place.repo_id, [*additions, *deletions], commit_message=message, parent_commit=plan.head, **options
        )
    except Exception as error:
        if target.create_pr and pause_before_retry(error, 0) is not None:
            what = "the connection broke while the pull request was opened"
            raise InputError(f"{what}; look at {place.url}/discussions before you run again") from error
        raise


def _verify(api: HfApi, target: Target, pushed: Pushed, files: Sequence[LocalFile], token: str | None) -> None:
    """Compare the commit with the folder, unless another has followed it."""
    at = replace(target, place=replace(target.place, revision=pushed.pr_revision or target.branch), create_pr=False)
    now = make_plan(api, at, files, token)
    if now.head == pushed.commit and not now.is_empty:
        wrong = some([file.path for file in now.of(*UPLOADED, "deleted")])
        what = f"{target.place} at {now.head} differs from the folder in {wrong}"
        raise InputError(f"{what}: the files changed during the push; push again")
