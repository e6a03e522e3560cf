"""What may not be published: pickled weights, secrets, and paths of the machine that the folder was made on."""

from __future__ import annotations

import fnmatch
import mmap
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.files import LocalFile

# Loading one runs code. `hf_hybrid.encoders.checkpoints` does not even download them.
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
_SECRET_NAMES = (
    ".env .env.* *.env *.pem *.key *.p12 *.pfx id_rsa* id_ed25519* id_ecdsa* .netrc .npmrc .pypirc .git-credentials "
    ".htpasswd credentials credentials.json token token.txt *_token *.token"
).split()
_HARMLESS_NAMES = (".env.example", ".env.sample", ".env.template")
# What is sought: a literal part, a pattern with it, and what that is. The literal part is there that megabytes without
# it are passed at the speed of a search for a few bytes.
Sought = tuple[bytes, bytes, str]
_SECRETS: tuple[Sought, ...] = (
    (b"hf_", rb"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{30,}(?![A-Za-z0-9_])", "an access token of the Hub"),
    (b"github_pat_", rb"github_pat_[A-Za-z0-9_]{40,}", "an access token of GitHub"),
    (b"ghp_", rb"(?<![A-Za-z0-9_])ghp_[A-Za-z0-9]{36}", "an access token of GitHub"),
    (b"glpat-", rb"(?<![A-Za-z0-9_])glpat-[A-Za-z0-9_-]{20}", "an access token of GitLab"),
    (b"AKIA", rb"(?<![A-Za-z0-9+/=])AKIA[0-9A-Z]{16}(?![A-Za-z0-9+/=])", "an access key of AWS"),
    (b"sk-", rb"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{40,}", "a secret key"),
    (b"PRIVATE KEY-----", rb"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key"),
)
# Where people write, and configurations: here a path of a machine is a leak. Texts to learn from may hold any.
_WRITTEN = frozenset(
    ".md .json .yaml .yml .toml .cfg .ini .py .txt .html .sh .ipynb .rst .xml .lock .log .cff .js .css".split()
)
_VOCABULARIES = frozenset(
    {"tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "special_tokens_map.json", "added_tokens.json"}
)
# `/home/user/app` is where Spaces run.
_PLACEHOLDERS = rb"(?!(?:user|username|you|me|name|USER|shared|Public)(?![\w.-]))"
_PATH = "a path of a machine"
_HOMES: tuple[Sought, ...] = (
    (b"/home/", rb"(?<![\w.~/-])/home/" + _PLACEHOLDERS + rb"[\w.-]+", _PATH),
    (b"/Users/", rb"(?<![\w.~/-])/Users/" + _PLACEHOLDERS + rb"[\w.-]+", _PATH),
    (b"Users\\", rb"(?<![A-Za-z])[A-Za-z]:\\{1,2}Users\\{1,2}" + _PLACEHOLDERS + rb"[\w.-]+", _PATH),
    (b"/tmp/tmp", rb"(?<![\w.~/-])/tmp/tmp[a-z0-9_]{8}(?![\w.-])", _PATH),
    (b"/var/folders/", rb"(?<![\w.~-])/(?:private/)?var/folders/\w\w/", _PATH),
)


def find_problems(
    folder: Path, files: Sequence[LocalFile], kind: str, reviewed: Sequence[str] = (), token: str | None = None
) -> list[str]:
    """Why files may not be published, one sentence each.

    Args:
        folder: where they come from: its own path is one of the paths to look for.
        files: what is to be published.
        kind: `model`, `dataset` or `space`. Pickles are refused in models only.
        reviewed: paths of files whose content a person has looked at: neither secrets nor paths are looked for in
            them.
        token: the user's access token, of whatever form, to be found anywhere.

    Raises:
        InputError: a path of `reviewed` is no file.
    """
    for path in reviewed:
        if all(file.path != path for file in files):
            raise InputError(f"reviewed: there is no file {path} in {folder}")
    places = _own_places(folder)
    problems: list[str] = []
    for file in files:
        name = file.path.rsplit("/", 1)[-1].lower()
        if kind == "model" and Path(name).suffix in PICKLES:
            problems.append(
                f"{file.path} is pickled, which runs code when it is loaded: save it as safetensors, or exclude it"
            )
        elif file.path in reviewed:
            continue
        elif _matches(name, _SECRET_NAMES) and not _matches(name, _HARMLESS_NAMES):
            problems.append(f"{file.path} looks like a file of secrets: exclude it, or name it with --reviewed")
        else:
            problems.extend(_find_in_content(file, places, token))
    return problems


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _own_places(folder: Path) -> list[Sought]:
    """Paths of this machine that end up in files: home, the current folder and the folder itself, unless they are as
    short as `/app`.
    """
    places = {Path.home(), Path.cwd(), folder.resolve()}
    long_enough = {str(place) for place in places if len(place.parts) > 2} | {str(Path.home())} - {os.sep}
    # The end keeps `/home/ann` from being found in `/home/anna`.
    return [
        (os.fsencode(place), rb"(?<![\w.~-])" + re.escape(os.fsencode(place)) + rb"(?![\w-])", _PATH)
        for place in sorted(long_enough)
    ]


def _find_in_content(file: LocalFile, places: Sequence[Sought], token: str | None) -> Iterator[str]:
    """The first secret and the first path of a machine in a file of text."""
    sought = list(_SECRETS)
    if token and len(token) >= 8:
        sought.append((token.encode(), re.escape(token.encode()), "your access token"))
    is_written = file.source.suffix.lower() in _WRITTEN or not file.source.suffix
    if is_written and file.path.rsplit("/", 1)[-1] not in _VOCABULARIES:
        sought += [*_HOMES, *places]
    lines = _first_lines(file.source, sought)
    for what in sorted(lines, key=lambda what: lines[what]):
        # The secret itself is never repeated.
        last = "" if what == _PATH else "; a secret that was published must be revoked"
        yield f"{file.path}, line {lines[what]}: {what}: remove it, exclude the file, or name it with --reviewed{last}"


def _first_lines(path: Path, sought: Sequence[Sought]) -> dict[str, int]:
    """Of each thing that a text holds, the number of the first line with it; nothing for files that are not text."""
    found: dict[str, int] = {}
    # An empty file cannot be mapped.
    if path.stat().st_size:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            is_text = text.find(b"\0", 0, 8192) < 0
            for marker, pattern, what in sought if is_text else ():
                start = _place_of(pattern, text) if text.find(marker) >= 0 else None
                if start is not None:
                    found[what] = min(text[:start].count(b"\n") + 1, found.get(what, sys.maxsize))
    return found


def _place_of(pattern: bytes, text: mmap.mmap) -> int | None:
    match = re.search(pattern, text)
    return match and match.start()
