"""Tables of a card, read as a reader sees them."""

from __future__ import annotations


def rows_of(text: str) -> list[list[str]]:
    """The cells of the one table in a text: its head, then its rows."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in [lines[0], *lines[2:]]]
