"""Markdown that programs write: tables, and blocks in a file of a person's, of which a program owns what is between
its markers, nothing else.

In the front matter of a card a block is `# MARK: NAME` ... `# end: NAME`, below it `<!-- MARK: NAME -->` ... `<!--
end: NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], left: int | Sequence[bool] = 1) -> str:
    """A table; whole numbers get commas, and a `|` in a cell stays in it.

    Args:
        left: how many of the first columns are text, or whether each column is; the others are numbers, set to the
            right.

    Example:
        >>> print(table(["lang", "rows"], [["de|at", 1234]]))
        | lang | rows |
        | --- | ---: |
        | de\\|at | 1,234 |
    """
    is_text = [column < left for column in range(len(head))] if isinstance(left, int) else left
    ruler = ["---" if text else "---:" for text in is_text]
    lines = [[f"{cell:,}" if isinstance(cell, int) else str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [list(head), ruler, *lines])


def replace_field_blocks(text: str, blocks: Mapping[str, str], mark: str, where: str | Path) -> str:
    """Put blocks of YAML between their markers in the front matter.

    Args:
        text: the whole file.
        blocks: name -> lines of YAML; an empty text leaves the markers alone.
        mark: whose blocks they are, as `build.py`.
        where: the file, for error messages.

    Raises:
        InputError: a block's markers are missing or there twice.

    Example:
        >>> replace_field_blocks("# x: a\\nold\\n# end: a\\n", {"a": "new: 1"}, "x", "README.md")
        '# x: a\\nnew: 1\\n# end: a\\n'
    """
    for name, block in blocks.items():
        pattern = rf"(# {re.escape(mark)}: {re.escape(name)}\n).*?(# end: {re.escape(name)}\n)"
        text = _replaced(text, pattern, f"{block}\n" if block else "", name, where)
    return text


def replace_text_blocks(text: str, blocks: Mapping[str, str], mark: str, where: str | Path) -> str:
    """Put blocks of Markdown between their markers; see `replace_field_blocks`.

    Example:
        >>> replace_text_blocks("<!-- x: a --><!-- end: a -->", {"a": ""}, "x", "README.md")
        Traceback (most recent call last):
        hf_hybrid.errors.InputError: README.md: expected one block marked 'a', found 0; restore the markers
    """
    for name, block in blocks.items():
        pattern = rf"(<!-- {re.escape(mark)}: {re.escape(name)} -->\n).*?(<!-- end: {re.escape(name)} -->)"
        text = _replaced(text, pattern, f"\n{block}\n\n" if block else "", name, where)
    return text


def field_block_names(text: str, mark: str) -> list[str]:
    """Names of the blocks that the front matter has markers for, in their order."""
    return re.findall(rf"^# {re.escape(mark)}: (\S+)$", text, flags=re.MULTILINE)


def text_block_names(text: str, mark: str) -> list[str]:
    """Names of the blocks that the text has markers for, in their order.

    Example:
        >>> text_block_names("<!-- x: a -->\\n<!-- end: a -->\\n<!-- y: b -->", "x")
        ['a']
    """
    return re.findall(rf"^<!-- {re.escape(mark)}: (\S+) -->$", text, flags=re.MULTILINE)


def _replaced(text: str, pattern: str, block: str, name: str, where: str | Path) -> str:
    text, count = re.subn(pattern, lambda match: match[1] + block + match[2], text, flags=re.DOTALL)
    if count != 1:
        raise InputError(f"{where}: expected one block marked {name!r}, found {count}; restore the markers")
    return text
