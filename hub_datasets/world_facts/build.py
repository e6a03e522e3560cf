"""Build the World Facts data set: one Parquet file a language from ``text/<lang>.jsonl``, and the tables of the card.

Run ``python hub_datasets/world_facts/build.py --force`` from the repository root to rewrite ``data/*.parquet`` and the
tables in ``README.md``. The same PyArrow version gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
COLUMNS = ("id", "lang", "query", "passage", "passage_id", "topic", "answer")
SHOWN_FACT = "wf-rivers-01"

Row = dict[str, str]


def read_language(path: Path) -> list[Row]:
    """The renditions of one language's text file.

    Raises:
        ValueError: A line is not a fact; names the file and the line.
    """
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            fact = json.loads(line)
            row = {"id": fact["id"], "lang": path.stem, "query": fact["question"], "passage": fact["passage"]}
            rows.append({**row, "passage_id": fact["id"], "topic": fact["topic"], "answer": fact["answer"]})
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path.name}, line {number}: not a fact ({error})") from None
    return rows


def languages() -> list[str]:
    """Tags of the languages there is text in."""
    return sorted(path.stem for path in (HERE / "text").glob("*.jsonl"))


def write_table(rows: list[Row], path: Path) -> None:
    """Write rows to a temporary name and rename it."""
    table = pa.table(
        {name: [row[name] for row in rows] for name in COLUMNS}, pa.schema([(c, pa.string()) for c in COLUMNS])
    )
    partial = path.with_suffix(".tmp")
    pq.write_table(table, partial, compression="zstd")
    os.replace(partial, path)


def example_table(by_language: dict[str, list[Row]]) -> str:
    """The question and passage of one fact, in every language."""
    lines = ["| lang | query | passage |", "| --- | --- | --- |"]
    for tag, rows in by_language.items():
        row = next(row for row in rows if row["id"] == SHOWN_FACT)
        lines.append(f"| `{tag}` | {row['query']} | {row['passage']} |")
    return "\n".join(lines)


def count_table(by_language: dict[str, list[Row]], output: Path) -> str:
    """Rows, mean lengths in characters and sha256 of every file."""
    lines = ["| lang | rows | topics | query, characters | passage, characters | sha256 of the file |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | --- |")
    for tag, rows in by_language.items():
        means = (sum(len(row[side]) for row in rows) / len(rows) for side in ("query", "passage"))
        digest = hashlib.sha256((output / f"{tag}.parquet").read_bytes()).hexdigest()
        query, passage = (f"{mean:.0f}" for mean in means)
        topics = len({row["topic"] for row in rows})
        lines.append(f"| `{tag}` | {len(rows)} | {topics} | {query} | {passage} | `{digest}` |")
    return "\n".join(lines)


def fill(card: str, name: str, content: str) -> str:
    """Replace what stands between the card's markers of that name.

    Raises:
        ValueError: The card has no such markers.
    """
    pattern = re.compile(rf"(<!-- build\.py: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
    filled, count = pattern.subn(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", card)
    if count != 1:
        raise ValueError(f"README.md: no markers 'build.py: {name}' ... 'end: {name}'")
    return filled


def build(output: Path, card: Path, force: bool = False) -> None:
    """Write every language's Parquet file into `output` and the tables into `card`.

    Raises:
        FileExistsError: `output` holds files and `force` is off.
    """
    if output.is_dir() and any(output.iterdir()) and not force:
        raise FileExistsError(f"{output} is not empty; give --force to rewrite it, or another --output")
    output.mkdir(parents=True, exist_ok=True)
    by_language = {tag: read_language(HERE / "text" / f"{tag}.jsonl") for tag in languages()}
    for tag, rows in by_language.items():
        write_table(rows, output / f"{tag}.parquet")
    text = fill(card.read_text(encoding="utf-8"), "example", example_table(by_language))
    text = fill(text, "counts", count_table(by_language, output))
    partial = card.with_suffix(".tmp")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, card)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "data", help="folder of the Parquet files")
    parser.add_argument("--card", type=Path, default=HERE / "README.md", help="card whose tables are rewritten")
    parser.add_argument("--force", action="store_true", help="rewrite existing files")
    arguments = parser.parse_args()
    try:
        build(arguments.output, arguments.card, arguments.force)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
