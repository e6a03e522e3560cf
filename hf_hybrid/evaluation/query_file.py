"""The file of values per query: where it lies beside its results file, and how it is written. What is in it says
`query_values`.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from hf_hybrid.output_files import write_bytes

if TYPE_CHECKING:
    import pyarrow as pa


def query_path(results_path: str | Path) -> Path:
    """Where the values per query of a results file are: ``results.json`` has ``results.per_query.parquet``.

    Example:
        >>> query_path("runs/a.json").name
        'a.per_query.parquet'
    """
    results_path = Path(results_path)
    return results_path.with_name(f"{results_path.stem}.per_query.parquet")


def write_query_table(path: str | Path, table: pa.Table, overwrite: bool = False) -> str:
    """Write the table whole or not at all, and return its sha256.

    Raises:
        InputError: the file exists, or cannot be written.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    content = buffer.getvalue()
    write_bytes(path, content, overwrite)
    return hashlib.sha256(content).hexdigest()
