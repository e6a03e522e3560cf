"""The client of `huggingface_hub`, as push and pull use it."""

from __future__ import annotations

from huggingface_hub import HfApi, get_session, set_client_factory

from hf_hybrid import __version__
from hf_hybrid.errors import InputError


def use_timeout(seconds: float) -> None:
    """Let every connection to the Hub of this process break after so many silent seconds; without it some wait for
    ever.

    Raises:
        InputError: the number is not positive.
    """
    if not seconds > 0:
        raise InputError(f"timeout: {seconds} seconds; give a positive number")
    # The library makes a new client whenever a connection broke; its class is another package's from version 2 on.
    usual = get_session()
    settings = {"event_hooks": usual.event_hooks, "follow_redirects": usual.follow_redirects, "timeout": seconds}
    set_client_factory(lambda: type(usual)(**settings))


def make_api(token: str | None) -> HfApi:
    """A client that shows this token and no other; None for none."""
    return HfApi(library_name="hf_hybrid", library_version=__version__, token=token or False)
