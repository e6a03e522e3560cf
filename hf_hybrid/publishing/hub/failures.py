"""What goes wrong with the Hub: what passes is tried again, what stays is said in words, with what to do."""

from __future__ import annotations

import errno
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from huggingface_hub import errors as hub
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from huggingface_hub.utils import validate_repo_id

from hf_hybrid.errors import InputError, first_line

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

PASSING = frozenset({408, 429, 500, 502, 503, 504})
# A limit that resets later than this is said instead of waited for.
MAX_PAUSE = 300.0
_GO_ON = "run the same command again: what has arrived is not sent or fetched again"


@dataclass(frozen=True)
class Place:
    """A repository at a Hub's address; its kind is None where it is not known yet, its branch, tag or commit where it
    is the default one.
    """

    endpoint: str
    kind: str | None
    repo_id: str
    revision: str | None = None

    @property
    def url(self) -> str:
        """The repository's page."""
        prefix = {"dataset": "datasets/", "space": "spaces/"}.get(self.kind or "", "")
        return f"{self.endpoint}/{prefix}{self.repo_id}"

    def __str__(self) -> str:
        return f"{self.kind or 'repository'} {self.repo_id}"


@dataclass(frozen=True)
class Patience:
    """How often a step is tried, and how long to wait after the first failure; the pause doubles each time."""

    attempts: int = 4
    first_pause: float = 1.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InputError(f"attempts: {self.attempts} is less than 1")

    def tried(self, step: Callable[[], Result], what: str) -> Result:
        """The result of a step that may safely be done again; raises its last error, or the first that does not pass
        by itself.
        """
        for attempt in range(1, self.attempts):
            try:
                return step()
            except Exception as error:
                pause = pause_before_retry(error, self.first_pause * 2 ** (attempt - 1))
                if pause is None:
                    raise
                more = f"trying again in {pause:.0f} s ({attempt} of {self.attempts - 1})"
                logger.warning("%s: %s; %s", what, _short(error), more)
            time.sleep(pause)
        return step()


def pause_before_retry(error: Exception, pause: float) -> float | None:
    """Seconds after which to try again: what the Hub asks for, else `pause`; None for errors that stay."""
    cause = error if isinstance(error, InputError) else find_cause(error)
    if isinstance(cause, HfHubHTTPError):
        asked = _seconds_until_reset(cause) or 0.0
        return max(pause, asked) if cause.response.status_code in PASSING and asked <= MAX_PAUSE else None
    return pause if _is_broken_connection(cause) else None


def find_cause(error: BaseException) -> BaseException:
    """The answer or the broken connection behind an error: the libraries wrap them in errors of their own."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, (HTTPError, hub.OfflineModeIsEnabled)):
        link = link.__cause__
    return link or error


def _is_broken_connection(error: BaseException) -> bool:
    """Refused, cut, timed out, or an answer that ended early. The library's HTTP client is another package from
    version 2 on.
    """
    if isinstance(error, HTTPError):
        return type(error).__name__ not in ("UnsupportedProtocol", "InvalidURL", "TooManyRedirects", "ProxyError")
    return type(error) is OSError and "Consistency check failed" in str(error)


@contextmanager
def as_input_error(place: Place) -> Iterator[None]:
    """Turn what the Hub's libraries raise into an `InputError` that says what to do. Defects pass."""
    try:
        yield
    except InputError:
        raise
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        message = _said(error, place)
        if message is None:
            raise
        raise InputError(message) from error


def _said(error: Exception, place: Place) -> str | None:
    """What happened and what to do, in one line; None for a defect."""
    cause = find_cause(error)
    if "Invalid metadata in README.md" in str(error):
        return f"the Hub refuses the card: {_one_line(str(error))}; mend the block at its top"
    if isinstance(cause, HfHubHTTPError):
        return _answer_in_words(cause, place)
    if isinstance(cause, hub.OfflineModeIsEnabled):
        return "the Hub is switched off by HF_HUB_OFFLINE or offline mode; unset it and run again"
    if isinstance(cause, (HTTPError, hub.LocalEntryNotFoundError)) or _is_broken_connection(cause):
        broken = f"{place.endpoint} cannot be reached or does not finish ({_short(cause)})"
        return f"{broken}; check the network and HF_ENDPOINT, then {_GO_ON}"
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        advice = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check permissions and free space"
        return f"cannot read or write{where}: {error.strerror or _short(error)}; {advice}"
    if type(error) is RuntimeError:
        # How the Xet transfer reports whatever goes wrong.
        return (
            f"the transfer failed ({_short(error)}); run the same command again, and if that does not help, with "
            f"HF_HUB_DISABLE_XET=1"
        )
    return None


def some(things: Sequence[str], between: str = ", ") -> str:
    """The first of many things, and how many more there are.

    Example:
        >>> some(list("abcdefgh"))
        'a, b, c, d, e and 3 more'
    """
    more = f" and {len(things) - 5} more" if len(things) > 5 else ""
    return between.join(things[:5]) + more


def check_name(repo_id: str) -> None:
    """Refuse what cannot be the name of a repository.

    Raises:
        InputError: it cannot; says what may be meant.
    """
    try:
        validate_repo_id(repo_id)
        return
    except ValueError:
        hint = ""
    if "://" in repo_id or repo_id.count("/") > 1:
        parts = [part for part in re.sub(r"^\w+://[^/]+/", "", repo_id).split("/") if part]
        kind = parts.pop(0).removesuffix("s") if parts[:1] in (["datasets"], ["spaces"], ["models"]) else None
        hint = f"; perhaps {'/'.join(parts[:2])}" + (f" with --kind {kind}" if kind else "")
    raise InputError(
        f"{repo_id!r} is not a name of a repository: give NAMESPACE/NAME, of letters, digits, `-`, `_` and `.`, at "
        f"most 96 characters, without `--`, `..` or .git at the end{hint}"
    )


def _answer_in_words(error: HfHubHTTPError, place: Place) -> str:
    """One line for an answer of the Hub."""
    status, message = error.response.status_code, _one_line(error.server_message or "")
    said = f" (the Hub says: {message})" if message else ""
    if not str(error.response.url).startswith(place.endpoint):
        return f"the Hub's storage for large files does not take or give one (status {status}); {_GO_ON}"
    if isinstance(error, hub.GatedRepoError):
        return f"{place} is gated: ask for access at {place.url}, log in with `hf auth login`, then run again{said}"
    if isinstance(error, hub.DisabledRepoError):
        return f"{place} has been disabled by the Hub{said}; see {place.url}"
    if isinstance(error, hub.RevisionNotFoundError):
        return f"{place} has no branch, tag or commit {place.revision or 'main'}; see {place.url}/tree/main"
    if status == 401 and "Invalid credentials" in message:
        return f"the Hub does not know this access token{said}: log in again with `hf auth login`, or set HF_TOKEN"
    if isinstance(error, hub.RepositoryNotFoundError) or status == 404:
        return (
            f"{place} is not at {place.endpoint}, or it is private and the access token does not open it; check the "
            f"name and the kind, and `hf auth whoami`{said}"
        )
    if status >= 500:
        return (
            f"the Hub has trouble of its own (status {status}{said}); run the same command again later: what was "
            f"uploaded is not sent again"
        )
    seconds = _seconds_until_reset(error)
    known = {
        401: f"the Hub wants an access token: log in with `hf auth login`, or set HF_TOKEN{said}",
        402: f"the plan of this account does not cover it{said}; see {place.endpoint}/settings/billing",
        403: (
            f"the access token may not do this to {place}{said}: make one that may write to "
            f"{place.repo_id.split('/')[0]} at {place.endpoint}/settings/tokens, or push to a namespace of yours "
            f"(`hf auth whoami`)"
        ),
        429: (
            f"too many requests{said}; wait {'some minutes' if seconds is None else f'{seconds:.0f} seconds'}, then "
            f"{_GO_ON}"
        ),
    }
    known[409] = known[412] = f"{place} has changed in the meantime{said}; look at {place.url} and run again"
    return (
        known.get(status)
        or f"the Hub refuses (status {status}): {said.strip(' ()') or first_line(error)}; about {place}"
    )


def _seconds_until_reset(error: HfHubHTTPError) -> float | None:
    """When the Hub wants to be asked again; None where it does not say."""
    headers = error.response.headers
    # `ratelimit: "api";r=0;t=55` is the Hub's own way, in every answer, so it counts once nothing remains;
    # `Retry-After: 55` is everybody's.
    own = re.search(r"\br\s*=\s*0\s*;\s*t\s*=\s*(\d+)", headers.get("ratelimit", ""))
    seconds = own[1] if own and error.response.status_code == 429 else headers.get("retry-after", "").strip()
    # One more, since both are rounded.
    return float(seconds) + 1 if seconds.isdigit() else None


def _short(error: BaseException) -> str:
    """An error in a few words: neither tokens nor signed addresses."""
    cause = find_cause(error)
    return (
        f"status {cause.response.status_code}" if isinstance(cause, HfHubHTTPError) else _one_line(first_line(cause))
    )


def _one_line(text: str) -> str:
    """Text without line breaks, access tokens and what follows a question mark in an address."""
    text = re.sub(r"hf_[A-Za-z0-9_]{8,}", "hf_...", " ".join(text.split()))
    return re.sub(r"(https?://[^\s?]+)\?\S*", r"\1", text).rstrip(".")[:300]
