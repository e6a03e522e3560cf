"""The client of `huggingface_hub`: its timeout, and only what is public in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from huggingface_hub import close_session, get_session, set_client_factory

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub import use_timeout

ROOT = Path(__file__).resolve().parents[3]


def test_every_client_gets_the_timeout(online):
    usual = get_session()
    hooks, follows = usual.event_hooks, usual.follow_redirects
    use_timeout(7)
    try:
        for _ in range(2):
            client = get_session()
            assert client.timeout.read == client.timeout.connect == 7 and type(client) is type(usual)
            assert client.event_hooks == hooks and client.follow_redirects == follows
            # As the library does after a broken connection.
            close_session()
    finally:
        set_client_factory(lambda: type(usual)(event_hooks=hooks, follow_redirects=follows, timeout=None))
    with pytest.raises(InputError, match="timeout: 0 seconds; give a positive number"):
        use_timeout(0)


def test_nothing_private_of_the_library_is_used():
    private = []
    for path in (ROOT / "hf_hybrid").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("huggingface_hub"):
                names = [*node.module.split("."), *(alias.name for alias in node.names)]
                private += [f"{path}: {name}" for name in names if name.startswith("_")]
    assert private == []
