"""Places in JSON: what a card's figures are tied to, written into the card and read by the lint in one way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, unquote


def values_at(content: Any, keys: Sequence[str | int]) -> list[Any]:
    """What is at a place; more than one value where a key is `*`, which stands for every value of a list or an object.

    Raises:
        LookupError: There is nothing; the message is the key that is missing.

    Example:
        >>> values_at({"de": {"rows": [1, 2]}, "th": {"rows": [3, 4]}}, ["*", "rows", "1"])
        [2, 4]
    """
    values = [content]
    for key in keys:
        if key == "*":
            values = [inner for value in values for inner in _inner(value)]
            continue
        try:
            values = [value[int(key)] if isinstance(value, list) else value[str(key)] for value in values]
        except (LookupError, ValueError, TypeError):
            raise LookupError(key) from None
    return values


def numbers_in(value: Any) -> Iterator[float]:
    """All numbers in a value, in its order; truth values are none."""
    if isinstance(value, (list, dict)):
        for item in _inner(value):
            yield from numbers_in(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def pointer_to(keys: Sequence[str | int]) -> str:
    """The JSON pointer to a place, with what a list of references may not hold written as in an address.

    Example:
        >>> pointer_to(["rows", "*", "a b/c"]), keys_of(pointer_to(["rows", "*", "a b/c"]))
        ('/rows/*/a%20b~1c', ['rows', '*', 'a b/c'])
    """
    escaped = (quote(str(key).replace("~", "~0").replace("/", "~1"), safe="~-_.") for key in keys)
    return "".join(f"/{'*' if key == '%2A' else key}" for key in escaped)


def keys_of(pointer: str) -> list[str]:
    """The keys of a JSON pointer; see `pointer_to`."""
    return [unquote(part).replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _inner(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
