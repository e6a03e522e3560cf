"""The columns of renditions under their declared types, from Arrow arrays or JSON values: what is written is what is
read.

`id`, `lang`, `query`, `passage`, `passage_id`, `source` and `text` are strings and `negatives` lists of strings,
whatever a library would guess from the first rows. Integers become their decimal strings, null stays null, and
anything else is refused with its row. Other columns are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hf_hybrid.errors import InputError
from hf_hybrid.text_files import json_value

STRINGS = ("id", "lang", "query", "passage", "passage_id", "source", "text")
NEGATIVES = "negatives"
TYPES = {**dict.fromkeys(STRINGS, pa.string()), NEGATIVES: pa.list_(pa.string())}
# Row of a batch -> the place that errors begin with.
Where = Callable[[int], str]


def from_records(records: Sequence[Mapping[str, Any]], where: Where) -> pa.RecordBatch:
    """JSON objects as a batch with a column for every field that one of them has.

    Raises:
        InputError: A value that its column cannot hold; names row and field.

    Example:
        >>> from_records([{"id": 7, "query": "1998-05-01"}, {"id": "b"}], lambda row: f"line {row}").to_pydict()
        {'id': ['7', 'b'], 'query': ['1998-05-01', None]}
    """
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: _from_values([record.get(name) for record in records], name, where) for name in names}
    return _batch(columns, len(records))


def from_arrow(batch: pa.RecordBatch, where: Where) -> pa.RecordBatch:
    """A batch of a file as a batch under the declared types.

    Raises:
        InputError: A value that its column cannot hold, or text that is not UTF-8; names row and field.
    """
    columns = {}
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name in columns:
            raise InputError(f"{where(0)}: the file has two columns '{name}'; keep one of them")
        if name in STRINGS:
            columns[name] = _strings(array, name, where)
        elif name == NEGATIVES:
            columns[name] = _negatives(array, where)
        else:
            columns[name] = _other(array, name, where)
    return _batch(columns, batch.num_rows)


def unified(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """One schema for all parts of a table: a column that some lack is null there, one of different types is text.

    Example:
        >>> unified([pa.schema([("id", pa.string()), ("n", pa.int64())]), pa.schema([("n", pa.float64())])])
        id: string
        n: double
    """
    types: dict[str, dict[pa.DataType, None]] = {}
    for schema in schemas:
        for field in schema:
            types.setdefault(field.name, {})[field.type] = None
    return pa.schema([(name, TYPES.get(name) or _common(list(found))) for name, found in types.items()])


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch under a schema of `unified`."""
    columns = {}
    for field in schema:
        array = batch.column(field.name) if field.name in batch.schema.names else pa.nulls(batch.num_rows)
        if array.type != field.type:
            same = pa.types.is_null(array.type) or not pa.types.is_string(field.type)
            array = array.cast(field.type) if same else _as_text(array.to_pylist())
        columns[field.name] = array
    return _batch(columns, batch.num_rows)


def _batch(columns: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
    # A batch of no column, as of JSON objects without fields, would forget its rows.
    columns = columns or {"id": pa.nulls(rows, pa.string())}
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _common(types: list[pa.DataType]) -> pa.DataType:
    types = [kind for kind in types if not pa.types.is_null(kind)] or [pa.string()]
    if len(types) == 1:
        return types[0]
    if all(pa.types.is_signed_integer(kind) for kind in types):
        return pa.int64()
    if all(pa.types.is_signed_integer(kind) or pa.types.is_floating(kind) for kind in types):
        return pa.float64()
    return pa.string()


# -- from JSON values -------------------------------------------------------------------------------------------------


def _from_values(values: list[Any], name: str, where: Where) -> pa.Array:
    if name in STRINGS:
        return _strings_of_values(values, name, where)
    if name == NEGATIVES:
        return pa.array([_list_of(value, where, row) for row, value in enumerate(values)], TYPES[NEGATIVES])
    if all(map(_is_plain, values)):
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError):
            pass  # of several types: kept as text below
    return _as_text(values)


def _strings_of_values(values: list[Any], name: str, where: Where) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowException, TypeError):
        return pa.array([_string(value, name, where, row) for row, value in enumerate(values)], pa.string())


def _string(value: Any, name: str, where: Where, row: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    remedy = "use null where there is none" if value != value else "write it as a string"
    raise InputError(f"{where(row)}: field '{name}' is {_shown(value)}, not a string; {remedy}")


def _list_of(value: Any, where: Where, row: int) -> list[str | None] | None:
    """Negatives as they may be given: one text, a list of texts, or of objects with a `text`."""
    if value is None:
        return None
    texts = value if isinstance(value, list) else [value]
    return [_string(_text_of(text, where, row), NEGATIVES, where, row) for text in texts]


def _text_of(value: Any, where: Where, row: int) -> Any:
    if not isinstance(value, dict):
        return value
    if "text" not in value:
        raise InputError(
            f"{where(row)}: field '{NEGATIVES}' has an object without 'text'; give strings, or objects with 'text'"
        )
    return value["text"]


def _is_plain(value: Any) -> bool:
    """Whether Arrow has one type for it: objects differ in their fields, and lists of them, too."""
    if isinstance(value, list):
        return not any(isinstance(item, (dict, list)) for item in value)
    return not isinstance(value, dict)


def _as_text(values: list[Any]) -> pa.Array:
    return pa.array(
        [
            value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            for value in values
        ],
        pa.string(),
    )


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"the {'number' if isinstance(value, float) else type(value).__name__} {str(value)[:40]}"


# -- from Arrow arrays ------------------------------------------------------------------------------------------------


def _strings(array: pa.Array, name: str, where: Where) -> pa.Array:
    array = _storage(array, where)
    if isinstance(array, list):
        return _strings_of_values(array, name, where)
    if _is_text(array.type):
        found = pc.cast(array, options=pc.CastOptions(pa.string(), allow_invalid_utf8=True))
        _check_utf8(found, name, where)
        return found
    if pa.types.is_integer(array.type) or pa.types.is_null(array.type):
        return array.cast(pa.string())
    if array.null_count < len(array):
        row = array.is_valid().index(True).as_py()
        _string(_value(array, row), name, where, row)
    return pa.nulls(len(array), pa.string())


def _negatives(array: pa.Array, where: Where) -> pa.Array:
    array = _storage(array, where)
    values = array
    if not isinstance(array, list):
        kind = array.type
        if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and pa.types.is_string(kind.value_type):
            found = array.cast(TYPES[NEGATIVES])
            _check_utf8(found, NEGATIVES, where)
            return found
        _check_utf8(array, NEGATIVES, where)
        values = array.to_pylist()
    return _from_values(values, NEGATIVES, where)


def _other(array: pa.Array, name: str, where: Where) -> pa.Array:
    """A column without declared type, in a type that `datasets` has."""
    from datasets import Features

    array = _storage(array, where)
    if isinstance(array, list):
        return _from_values(array, name, where)
    _check_utf8(array, name, where)
    try:
        kind = Features.from_arrow_schema(pa.schema([(name, array.type)])).arrow_schema.field(0).type
        return array if kind == array.type else array.cast(kind)
    except (pa.ArrowException, ValueError, TypeError, KeyError, RuntimeError):
        return _as_text(array.to_pylist())


def _storage(array: pa.Array, where: Where) -> pa.Array | list[Any]:
    """The plain array of a dictionary or an extension; values, where it holds JSON."""
    if isinstance(array.type, pa.BaseExtensionType):
        is_json = array.type.extension_name == "arrow.json"
        array = array.storage
        if is_json:
            texts = enumerate(array.to_pylist())
            return [None if text is None else json_value(text, where(row)) for row, text in texts]
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _is_text(kind: pa.DataType) -> bool:
    checks = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(check(kind) for check in (*checks, pa.types.is_string_view, pa.types.is_binary_view))


def _check_utf8(array: pa.Array, name: str, where: Where) -> None:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        row = next((row for row in range(len(array)) if _is_damaged(array[row : row + 1])), 0)
        raise InputError(
            f"{where(row)}: field '{name}' is not UTF-8; write the file again from the right text"
        ) from None


def _is_damaged(array: pa.Array) -> bool:
    try:
        array.to_pylist()
    except UnicodeDecodeError:
        return True
    return False


def _value(array: pa.Array, row: int) -> Any:
    try:
        return array[row].as_py()
    except (ValueError, OverflowError):  # such as timestamps in nanoseconds
        return array.type
