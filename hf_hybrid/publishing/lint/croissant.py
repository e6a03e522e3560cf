"""Croissant metadata of a data set, checked by `mlcroissant`: files with checksums, columns with types, rows that can
be read.

The Hub makes its own Croissant from the Parquet files. This is the same description made here, so that what would stop
it (types that Croissant does not have, columns without names, files that differ from their checksums) is found before
publishing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_hybrid.errors import InputError, first_line
from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.data_files import DataFiles
from hf_hybrid.publishing.lint.metadata import as_list

if TYPE_CHECKING:
    import pyarrow as pa


def check_croissant(data: DataFiles) -> Iterator[Finding]:
    """Describe the Parquet files, let `mlcroissant` check the description, and read rows through it.

    Raises:
        InputError: mlcroissant is not installed.
    """
    try:
        import mlcroissant as mlc
    except ImportError as error:
        raise InputError("the Croissant check needs mlcroissant: `pip install 'hf_hybrid[croissant]'`") from error
    card = data.card
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # the library prints its recommendations
    try:
        with tempfile.TemporaryDirectory() as folder:
            description = Path(folder) / "croissant.json"
            metadata = describe(data)
            description.write_text(json.dumps(metadata.to_json(), default=str), encoding="utf-8")
            dataset = mlc.Dataset(jsonld=str(description))
            for records in metadata.record_sets:
                next(iter(dataset.records(records.id)))
    except Exception as error:
        # The library's own errors, and those of what it reads with: each is why the description does not hold.
        yield card.finding(
            card.line("configs"), "croissant", f"the Croissant description does not hold: {first_line(error)}"
        )
    finally:
        logger.setLevel(level)


def describe(data: DataFiles) -> Any:
    """The `mlcroissant.Metadata` of the Parquet files of a card: a file object and a record set for each."""
    import mlcroissant as mlc
    import pyarrow.parquet as pq

    card = data.card
    context = mlc.Context()
    files, record_sets = [], []
    for path in (file for file in data.files if file.suffix == ".parquet"):
        name = path.relative_to(card.folder).as_posix()
        files.append(
            mlc.FileObject(
                ctx=context,
                id=name,
                name=name,
                # A description may lie anywhere, its files are here.
                content_url=str(path.resolve()),
                encoding_formats=["application/x-parquet"],
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            )
        )
        fields = [
            mlc.Field(
                ctx=context,
                id=f"{name}/{column.name}",
                name=column.name,
                data_types=[_croissant_type(column)],
                source=mlc.Source(file_object=name, extract=mlc.Extract(column=column.name)),
            )
            for column in pq.read_schema(path)
        ]
        record_sets.append(mlc.RecordSet(ctx=context, id=f"records/{name}", name=f"records/{name}", fields=fields))
    return mlc.Metadata(
        ctx=context,
        name=str(card.data.get("pretty_name")),
        description=_first_paragraph(card),
        url=f"https://huggingface.co/datasets/{card.folder.resolve().name}",
        license=[str(licence) for licence in as_list(card.data.get("license"))],
        in_language=[str(tag) for tag in as_list(card.data.get("language"))],
        distribution=files,
        record_sets=record_sets,
    )


def _croissant_type(column: pa.Field) -> Any:
    import mlcroissant as mlc
    import pyarrow.types as kinds

    for test, kind in (
        (kinds.is_boolean, mlc.DataType.BOOL),
        (kinds.is_integer, mlc.DataType.INTEGER),
        (kinds.is_floating, mlc.DataType.FLOAT),
        (kinds.is_string, mlc.DataType.TEXT),
        (kinds.is_large_string, mlc.DataType.TEXT),
        (kinds.is_temporal, mlc.DataType.DATE),
    ):
        if test(column.type):
            return kind
    raise ValueError(f"column {column.name!r} is of type {column.type}, for which Croissant has none")


def _first_paragraph(card: Card) -> str:
    text = [line for _, line in card.prose]
    starts = [index for index, line in enumerate(text) if line and not line.startswith(("#", "<", "|"))]
    if not starts:
        return ""
    end = next((index for index in range(starts[0], len(text)) if not text[index].strip()), len(text))
    return " ".join(line.strip() for line in text[starts[0] : end])
