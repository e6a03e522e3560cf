"""What ``build.py`` of xquad_r and mlqa_r do: from LAReQA's files, which the user supplies, to a folder that is ready
for the Hub.

    OUT/README.md         the card, with the counts and checksums of this build
    OUT/provenance.json   sha256 of every source file and of every file made of them, counts, versions
    OUT/LICENSE           where the source folder has one
    OUT/queries corpus qrels   see `hf_hybrid.benchmarks.hub_layout`

The same files and version of PyArrow give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from lareqa_tables import card_configs, tables_of, write_table

from hf_hybrid.benchmarks.hub_layout import CROSS, TABLES
from hf_hybrid.benchmarks.lareqa import Paragraph, read_paragraphs
from hf_hybrid.benchmarks.lareqa_files import LareqaSource, language_files
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import new_directory, write_json
from hf_hybrid.publishing.lint.hub_values import size_category

logger = logging.getLogger(__name__)

PROVENANCE = "provenance.json"
_LICENCE = "LICENSE"


@dataclass(frozen=True)
class Origin:
    """Where the source files are from, for the provenance.

    Attributes:
        place: repository, commit and folder.
        digest: `source_digest` of the files there, where it is known.
    """

    place: str
    digest: str | None = None


def build_command(source: LareqaSource, folder: Path, origin: Origin, argv: Sequence[str] | None = None) -> int:
    """The command line of a ``build.py``.

    Args:
        source: the benchmark.
        folder: of the data set, with its card.
        origin: where its files are from.
        argv: arguments; those of the process by default.

    Returns:
        Exit status: 0, or 2 for input to correct.
    """
    parser = argparse.ArgumentParser(
        prog=f"hub_datasets/{source.name}/build.py",
        description=f"Build the {source.title} dataset repository from LAReQA's files. "
        f"To get them, {source.how_to_get}.",
        allow_abbrev=False,
    )
    files = " ".join(f"{tag}.json" for tag in source.languages)
    parser.add_argument("--source", required=True, type=Path, metavar="DIR", help=f"folder with {files}")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder to make")
    parser.add_argument("--overwrite", action="store_true", help="replace a folder that this command made before")
    parser.add_argument(
        "--other_counts",
        action="store_true",
        help="build although the numbers of questions and sentences are not the published ones; the card will say so",
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        build(source, folder, origin, arguments.source, arguments.output, arguments.overwrite, arguments.other_counts)
    except InputError as error:
        sys.stderr.write(f"{parser.prog}: error: {' '.join(str(error).split())}\n")
        return 2
    return 0


def build(
    source: LareqaSource,
    folder: Path,
    origin: Origin,
    source_dir: Path,
    output: Path,
    overwrite: bool = False,
    other_counts: bool = False,
) -> dict[str, Any]:
    """Build the folder; see `build_command` for the arguments.

    Returns:
        The provenance, as written.

    Raises:
        InputError: a missing or damaged file, counts that are not the published ones, an output that is in use.
    """
    if not source_dir.is_dir():
        raise InputError(f"--source {source_dir} is not a folder: {source.how_to_get}")
    with new_directory(output, overwrite, marker=PROVENANCE, content="a built data set") as fresh:
        files = language_files(source_dir, source.languages, source.how_to_get)
        paragraphs = {tag: list(read_paragraphs(files[tag])) for tag in sorted(files)}
        counts = {tag: _count(paragraphs[tag]) for tag in paragraphs}
        different = source.differences({tag: (found["queries"], found["candidates"]) for tag, found in counts.items()})
        if different and not other_counts:
            raise InputError(f"{different[0]}: check the files in {source_dir}, or pass --other_counts")
        for difference in different:
            logger.warning("%s; figures are not comparable with published ones", difference)
        made = {}
        for path, table in tables_of(paragraphs).items():
            write_table(table, fresh / f"{path}.parquet")
            made[f"{path}.parquet"] = {"rows": table.num_rows, **_describe(fresh / f"{path}.parquet")}
        source_files = {path.name: _describe(path) for path in files.values()}
        as_known = origin.digest is None or source_digest(source_files) == origin.digest
        if not as_known:
            logger.warning("%s: the files differ from those of %s", source_dir, origin.place)
        provenance = {
            "name": source.name,
            "origin": origin.place if as_known else f"files that differ from those of {origin.place}",
            "published_counts": not different,
            "counts": counts,
            "source_files": source_files,
            "files": made,
            "pyarrow": pa.__version__,
        }
        if (source_dir / _LICENCE).is_file():
            shutil.copyfile(source_dir / _LICENCE, fresh / _LICENCE)
            provenance["source_files"][_LICENCE] = _describe(source_dir / _LICENCE)
        card = (folder / "README.md").read_text(encoding="utf-8")
        (fresh / "README.md").write_text(fill_card(card, provenance), encoding="utf-8")
        write_json(fresh / PROVENANCE, provenance)
    logger.info("%s: %d files, %d rows", output, len(made), sum(file["rows"] for file in made.values()))
    return provenance


def source_digest(files: Mapping[str, Mapping[str, Any]]) -> str:
    """One sha256 for the names and contents of all source files.

    Args:
        files: name -> ``{"sha256": ...}``.
    """
    lines = "".join(f"{files[name]['sha256']}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def fill_card(card: str, provenance: Mapping[str, Any]) -> str:
    """Write configurations, size and the block of counts of a build into a card.

    Args:
        card: text with ``configs`` and ``size_categories`` in its front matter and a block between ``<!-- build.py:
            counts -->`` and ``<!-- end: counts -->``.
        provenance: as `build` makes it.
    """
    rows = sum(file["rows"] for file in provenance["files"].values())
    configs = yaml.safe_dump(
        {"configs": card_configs(list(provenance["counts"]), _digest(provenance))}, sort_keys=False
    )
    card = _replace(r"(?m)^size_categories: .*\n", f"size_categories: [{size_category(rows)}]\n", card)
    card = _replace(r"(?ms)^configs:\n.*?(?=^(?:---|\w))", configs, card)
    block = f"<!-- build.py: counts -->\n\n{counts_block(provenance)}\n\n<!-- end: counts -->"
    return _replace(r"(?s)<!-- build\.py: counts -->.*?<!-- end: counts -->", block, card)


def counts_block(provenance: Mapping[str, Any]) -> str:
    """Counts and checksums for the card."""
    counts, files = provenance["counts"], provenance["files"]
    names = ("articles", "paragraphs", "queries", "candidates")
    body = [[f"`{tag}`", *(found[name] for name in names)] for tag, found in counts.items()]
    sums = [sum(found[name] for found in counts.values()) for name in ("queries", "candidates")]
    # Articles and paragraphs of several languages may be the same ones.
    body.append(["`pool`", "", "", *sums])
    rows = {table: sum(file["rows"] for path, file in files.items() if path.startswith(table)) for table in TABLES}
    cross = files[f"qrels/{CROSS}.parquet"]["rows"]
    said = "These are the published numbers." if provenance["published_counts"] else _OTHER_COUNTS
    return "\n\n".join(
        [
            f"{said} Built from {provenance['origin']}.",
            _table(["lang", "articles", "paragraphs", "questions", "candidate sentences"], body),
            _table(["config", "rows"], [[f"`pool-{table}`", rows[table]] for table in TABLES]),
            f"Of the rows of `pool-qrels`, {cross:,} cross languages.",
            f"SHA-256 of the source files, and of what was built with PyArrow {provenance['pyarrow']}:",
            _checksums(provenance["source_files"]),
            _checksums(files),
        ]
    )


_OTHER_COUNTS = "**These are not the published numbers: figures are not comparable with published ones.**"


def _count(paragraphs: Sequence[Paragraph]) -> dict[str, int]:
    return {
        "articles": len({paragraph.article for paragraph in paragraphs}),
        "paragraphs": len(paragraphs),
        "queries": sum(len(paragraph.questions) for paragraph in paragraphs),
        "candidates": sum(len(paragraph.sentences) for paragraph in paragraphs),
    }


def _describe(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _digest(provenance: Mapping[str, Any]) -> str:
    content = " ".join(file["sha256"] for file in provenance["files"].values())
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _replace(pattern: str, new: str, card: str) -> str:
    card, found = re.subn(pattern, lambda _: new, card)
    if found != 1:
        raise InputError(f"the card has {found} places for {pattern!r} instead of one; restore it from its repository")
    return card


def _table(head: Sequence[str], body: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(
        "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in line) + " |" for line in lines
    )


def _checksums(files: Mapping[str, Mapping[str, Any]]) -> str:
    return "```text\n" + "\n".join(f"{file['sha256']}  {path}" for path, file in files.items()) + "\n```"
