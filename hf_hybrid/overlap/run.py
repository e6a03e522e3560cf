"""`decontaminate`: compare, report, filter; what the command and the builders of data sets call."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import check_output, write_bytes, write_json
from hf_hybrid.overlap.candidates import find_candidates
from hf_hybrid.overlap.filtering import UNITS, write_filtered
from hf_hybrid.overlap.index import CHECKS, Thresholds
from hf_hybrid.overlap.report import build_report, report_markdown
from hf_hybrid.overlap.scan import scan

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


def decontaminate(
    train: str | Path,
    against: Mapping[str, str | Path],
    *,
    report: str | Path | None = None,
    output: str | Path | None = None,
    unit: str = "example",
    thresholds: Thresholds | None = None,
    checks: Sequence[str] = CHECKS,
    encoder: SentenceTransformer | None = None,
    min_cosine: float = 0.8,
    max_memory_mb: float = 1024,
    overwrite: bool = False,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Find, report and leave out the training examples that overlap evaluation sets.

    Args:
        train: File or folder of the training set.
        against: Name -> file or folder of each evaluation set.
        report: JSON file to write; the same as Markdown is written beside it.
        output: Folder to make, with the training set without what overlaps.
        unit: What is left out: `example` (in all its languages) or `rendition`.
        thresholds: When texts overlap.
        checks: Which comparisons are made.
        encoder: Look for candidates across languages with this encoder, too.
        min_cosine: Least cosine similarity of a candidate.
        max_memory_mb: Memory for the indexes of evaluation texts.
        overwrite: Replace an existing report. Data are never replaced.
        show_progress: Show progress bars.

    Returns:
        The report.

    Raises:
        InputError: An input that cannot be read or an output that exists.

    Example:
        >>> report = decontaminate("mix/qa", {"xquad_r": "lareqa/xquad-r"}, output="clean/")  # doctest: +SKIP
        >>> report["hits"]["texts"]  # doctest: +SKIP
        12
    """
    pages = _pages(report, overwrite)
    if unit not in UNITS:
        raise InputError(f"unknown unit '{unit}' to remove; choose among {', '.join(UNITS)}")
    if output is not None and Path(output).exists():
        raise InputError(f"{output}: already exists; name another --output or delete it")
    found = scan(
        [train],
        against,
        thresholds=thresholds,
        checks=checks,
        max_memory_mb=max_memory_mb,
        show_progress=show_progress,
    )
    removed = candidates = None
    if output is not None:
        hits = {(hit.key, hit.lang) for hit in found.hits}
        removed = write_filtered(Path(train).expanduser(), Path(output).expanduser(), hits, unit)
    if encoder is not None:
        candidates = find_candidates([train], against, encoder, min_cosine=min_cosine, show_progress=show_progress)
    content = build_report(found, removed, candidates)
    if pages:
        write_json(pages[0], content, overwrite)
        write_bytes(pages[1], report_markdown(content).encode(), overwrite)
    logger.info("%d texts of %d examples overlap", content["hits"]["texts"], content["hits"]["examples"])
    return content


def _pages(report: str | Path | None, overwrite: bool) -> tuple[Path, Path] | None:
    """The JSON file and the Markdown file beside it."""
    if report is None:
        return None
    path = Path(report).expanduser()
    if path.suffix != ".json":
        raise InputError(f"--report {path}: name a .json file; the Markdown is written beside it")
    for page in (path, path.with_suffix(".md")):
        check_output(page, overwrite)
    return path, path.with_suffix(".md")
