"""What push and pull print."""

from __future__ import annotations

from hf_hybrid.publishing.hub.plan import UPLOADED, Change, PlannedFile, PushPlan
from hf_hybrid.publishing.hub.pull import Pulled
from hf_hybrid.publishing.hub.push import Pushed

_SHOWN = 20
_WORDS: dict[Change, str] = {
    "unchanged": "unchanged",
    "deleted": "to delete",
    "kept": "kept, on the Hub only",
    "ignored": "left out by .gitignore",
}


def plan_report(plan: PushPlan, everything: bool) -> str:
    """The files of a plan and what becomes of them, a line each, and a summary.

    Args:
        everything: list all files; else at most 20 that change.
    """
    state = "does not exist yet" if plan.head is None else f"at {plan.head}"
    branch = f"branch {plan.target.branch}{', to be made' if plan.creates_branch else ''}"
    seen_by = "private" if plan.private else "public" if plan.head else "public, unless its namespace begins private"
    listed = list(plan.files) if everything else plan.of(*UPLOADED, "deleted", "ignored")
    shown = listed if everything else listed[:_SHOWN]
    lines = [f"{plan.target.place} ({seen_by}), {branch}, {state}", *map(_line, shown)]
    if len(shown) < len(listed):
        lines.append(f"  ... and {len(listed) - len(shown)} more")
    upload = plan.of(*UPLOADED)
    size, large = size_text(sum(file.size for file in upload)), sum(file.large for file in upload)
    counts = {words: len(plan.of(change)) for change, words in _WORDS.items()}
    others = [f"; {count} {words}" for words, count in counts.items() if count]
    lines.append(f"to upload: {len(upload)} ({size}), {large} of them large (LFS){''.join(others)}")
    if everything and upload and not plan.asked:
        lines.append("Which files are large is what the rules of a new repository say; the Hub was not asked.")
    return "\n".join(lines)


def push_report(pushed: Pushed) -> str:
    """What a push has done, in one line."""
    place = pushed.plan.target.place
    if pushed.commit is None:
        return "Dry run: nothing was written."
    if pushed.pull_request:
        return f"Opened {pushed.pull_request} with commit {pushed.commit}"
    if pushed.commit == pushed.plan.head:
        return f"Nothing to push: {place.url} already holds this at commit {pushed.commit}"
    return f"Pushed to {place.url} as commit {pushed.commit}"


def pull_report(pulled: Pulled) -> str:
    """What a pull has fetched, in one line."""
    return (
        f"Pulled {pulled.place} at commit {pulled.commit}: {pulled.num_files} files, {size_text(pulled.size)}, into "
        f"{pulled.folder}"
    )


def _line(file: PlannedFile) -> str:
    return f"  {file.change:<9}  {size_text(file.size):>8}  {'LFS' if file.large else '':<3}  {file.path}"


def size_text(size: int) -> str:
    """A number of bytes for people.

    Example:
        >>> size_text(1_234_567)
        '1.2 MB'
    """
    number, units = float(size), iter(("kB", "MB", "GB", "TB"))
    unit = "B"
    while number >= 999.95 and unit != "TB":
        number, unit = number / 1000, next(units)
    return f"{size} B" if unit == "B" else f"{number:.1f} {unit}"
