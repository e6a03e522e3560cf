"""Requests that are too large are refused, announced or not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from hf_hybrid.space_page.body_limit import BodyLimit


def call(announced: int | None, parts: list[bytes]) -> list[int]:
    """Status codes that a client sees of a limit of 10 bytes."""
    statuses = []

    async def application(scope, receive, send):
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    limited = BodyLimit(application, most=10)({"type": "http", "headers": headers}, receive, send)
    # In a thread of its own: a test with a browser in the same process leaves a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, limited).result()
    return statuses


def test_requests_that_are_too_large_are_refused_announced_or_not():
    assert call(10, [b"1234567890"]) == [200]
    assert call(11, [b"1"]) == [413]
    assert call(None, [b"12345", b"67890"]) == [200]
    assert call(None, [b"12345", b"678901"]) == [413]
    assert call(-1, [b"1"]) == [413]
