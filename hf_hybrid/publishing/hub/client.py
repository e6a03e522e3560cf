"""The client of `huggingface_hub`, as push and pull use it."""

from __future__ import annotations

from huggingface_hub import HfApi, set_client_factory
from huggingface_hub.utils import validate_repo_id
from huggingface_hub.utils._http import default_client_factory

from hf_hybrid import __version__
from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.failures import bad_name


def use_timeout(seconds: float) -> None:
    """Let every connection to the Hub of this process break after so many silent seconds; without it some wait for ever.

    Raises:
        InputError: the number is not positive.
    """
    if not seconds > 0:
        raise InputError(f"timeout: {seconds} seconds; give a positive number")

    def make_client() -> object:
        client = default_client_factory()
        client.timeout = seconds
        return client

    set_client_factory(make_client)


def make_api(token: str | None) -> HfApi:
    """A client that shows this token and no other; None for none."""
    return HfApi(library_name="hf_hybrid", library_version=__version__, token=token or False)


def check_name(repo_id: str) -> None:
    """Refuse what cannot be the name of a repository.

    Raises:
        InputError: it cannot; says what may be meant.
    """
    try:
        validate_repo_id(repo_id)
    except ValueError as error:
        raise InputError(bad_name(repo_id)) from error
