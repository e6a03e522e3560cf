"""Reading the Parquet sets that a mix is built from: only the columns that are needed, with errors that name file and
column.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hf_hybrid.errors import InputError, first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def read_table(source: Path, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read `<name>.parquet` of the source folder.

    Args:
        source: The folder.
        name: File name without its suffix.
        columns: The columns that are needed; all by default.

    Raises:
        InputError: The file is missing, is no Parquet, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = source / f"{name}.parquet"
    if not path.is_file():
        raise InputError(f"{path}: no such file; point --source at the folder that holds the Parquet sets")
    try:
        found = pq.read_schema(path).names
        missing = [column for column in columns or () if column not in found]
        if missing:
            raise InputError(f"{path}: no column '{missing[0]}'; it has {', '.join(found)}")
        return pq.read_table(path, columns=None if columns is None else list(columns)).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not readable as Parquet ({first_line(error)}); fetch it again") from None
