"""Rooms and arrows: what folders import is the table in CONTRIBUTING.md, and nothing goes upwards or in a circle."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hf_hybrid"


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its name; that of a folder is its `__init__`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports_of(tree: ast.AST, known: set[str]) -> set[str]:
    """Modules of the package that a module imports anywhere: in functions and for type checkers, too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name`: a module of that name, else something in the package itself.
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            names.update(name if name in known else node.module for name in inner)
    return names & known


@cache
def arrows() -> dict[str, set[str]]:
    """Module -> the modules that it imports."""
    return {name: imports_of(tree, set(modules())) for name, tree in modules().items()}


def room_of(module: str) -> str:
    """The folder of a module, or the module where it lies flat; empty for the package: all may read its version."""
    return module.split(".")[1] if "." in module else ""


def room_arrows() -> dict[str, set[str]]:
    """Room -> the rooms that it imports."""
    found: dict[str, set[str]] = {}
    for module, imported in arrows().items():
        found.setdefault(room_of(module), set()).update(room_of(name) for name in imported)
    found.pop("", None)
    return {room: rooms - {room, ""} for room, rooms in found.items()}


def table() -> dict[str, list[str]]:
    """The table of CONTRIBUTING.md: room -> what it imports, from the bottom to the top."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Rooms and arrows\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.M)
    assert rows, "CONTRIBUTING.md has no table in its section 'Rooms and arrows'"
    return {room: re.findall(r"`(\w+)`", imported) for room, imported in rows}


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The names of one circle; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_table_says_what_is_imported():
    """A row that differs is to be written as the message says, if its arrows go down."""
    order = list(table())
    found = {
        room: sorted(rooms, key=lambda name: order.index(name) if name in order else -1)
        for room, rooms in room_arrows().items()
    }
    assert table() == {room: found.get(room) for room in order}
    assert sorted(found) == sorted(order), "every room has a row, and every row a room"


def test_no_room_imports_a_higher_one():
    order = list(table())
    wrong = {
        f"{module} imports {name}"
        for module, imported in arrows().items()
        for name in imported
        if room_of(module) in order and room_of(name) in order
        if order.index(room_of(name)) > order.index(room_of(module))
    }
    assert wrong == set()


def test_there_is_no_circle_between_rooms_nor_between_modules():
    assert circle_in(room_arrows()) == []
    assert circle_in(arrows()) == []


def test_few_modules_lie_flat_in_the_package():
    assert len([path for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]) <= 6


def test_imports_are_absolute():
    relative = [
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize(
    "source",
    [
        "import hf_hybrid.a.b",
        "from hf_hybrid.a import b",
        "from hf_hybrid.a.b import name",
        "def f():\n    from hf_hybrid.a.b import name",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import hf_hybrid.a.b as x",
    ],
)
def test_every_kind_of_import_is_seen(source):
    assert imports_of(ast.parse(source), {"hf_hybrid.a", "hf_hybrid.a.b"}) == {"hf_hybrid.a.b"}


def test_circles_are_seen():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
