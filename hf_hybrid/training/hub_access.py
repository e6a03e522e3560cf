"""`push_to_hub` while training: that the Hub can be reached and written is found out before the run begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, OfflineModeIsEnabled

from hf_hybrid.errors import InputError, first_line


@contextmanager
def explain_hub_failure(repository: str) -> Iterator[None]:
    """Turn what hinders a run's repository on the Hub from being made into one line.

    Raises:
        InputError: There is no connection, no login, or no right to write there.
    """
    try:
        yield
    except (HfHubHTTPError, HFValidationError, HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise InputError(
            f"push_to_hub: cannot make {repository} on the Hub ({first_line(error)}); check the network, "
            "HF_HUB_OFFLINE, `hf auth login` and hub_model_id, or leave it out and send the model with `hf-hybrid "
            "push` when it is trained"
        ) from error
