"""Small copies of a session's data, for a look at the whole of it on a CPU."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

EXAMPLES = 40
PARAGRAPHS = 2


def small_mix(mix: Path, target: Path, data: str = "qa") -> Path:
    """The mix with the examples that have the most languages, of those that every arm can draw.

    Args:
        mix: Its folder.
        target: Folder of the copy.
        data: Configuration that arms are trained on; the development split is that of `qa`.
    """
    for name in ("mix.json", "README.md", "LICENSE"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mix / name, target / name)
    for name in (f"{data}/train.parquet", "qa/dev.parquet"):
        table = pq.read_table(mix / name)
        # Parallel text is a query or a passage in a language, never both.
        whole = table.filter(pc.and_(pc.is_valid(table["query"]), pc.is_valid(table["passage"])))
        counts = pc.value_counts(whole["id"])
        order = pc.sort_indices(counts.field("counts"), sort_keys=[("", "descending")])[:EXAMPLES]
        ids = counts.field("values").take(order)
        _write(table.filter(pc.is_in(table["id"], ids)), target / name)
    return target


def small_xquad_r(folder: Path, target: Path) -> Path:
    """XQuAD-R's first paragraphs, in all languages."""
    kept: dict[str, set[str]] = {}
    for table in ("queries", "corpus"):
        for path in sorted((folder / table).glob("*.parquet")):
            rows = pq.read_table(path)
            numbers = [int(paragraph.rpartition(":")[2]) for paragraph in rows["paragraph"].to_pylist()]
            rows = rows.filter(pa.array([number < PARAGRAPHS for number in numbers]))
            kept.setdefault(table, set()).update(rows["id"].to_pylist())
            _write(rows, target / table / path.name)
    for path in sorted((folder / "qrels").glob("*.parquet")):
        rows = pq.read_table(path)
        mask = pc.is_in(rows["query-id"], pa.array(sorted(kept["queries"])))
        _write(rows.filter(mask), target / "qrels" / path.name)
    return target


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
