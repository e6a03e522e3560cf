"""One spelling of a language: BCP-47 tags in their canonical form."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from hf_hybrid.errors import InputError

logger = logging.getLogger(__name__)


@lru_cache(maxsize=4096)
def canonical_tag(tag: str) -> str:
    """The canonical form of a language tag: `EN` is `en`, `zh_Hans` `zh-Hans`, `iw` `he`, `deu` `de`, `en-Latn` `en`.

    Raises:
        InputError: It is no tag of a registered language.

    Example:
        >>> [canonical_tag(tag) for tag in ("EN", "zh_Hans", "iw", "pt-br")]
        ['en', 'zh-Hans', 'he', 'pt-BR']
        >>> canonical_tag("German")
        Traceback (most recent call last):
        hf_hybrid.errors.InputError: unknown language tag 'German'; use a BCP-47 tag such as 'en', 'zh', 'pt-BR'
    """
    import langcodes

    text = tag.strip() if isinstance(tag, str) else ""
    try:
        valid = bool(text) and langcodes.tag_is_valid(text)
        # Valid forms may still be ones that cannot be put in order.
        found = langcodes.standardize_tag(text) if valid else ""
    except ValueError:
        found = ""
    if not found:
        raise InputError(f"unknown language tag {tag!r}; use a BCP-47 tag such as 'en', 'zh', 'pt-BR'")
    return found


def canonical_tags(tags: Iterable[str], where: str) -> dict[str, str]:
    """The canonical form of each tag of a file; several spellings of one language are merged with a warning.

    Args:
        tags: Tags as they are spelt.
        where: The file, which messages begin with.

    Raises:
        InputError: One is no tag.

    Example:
        >>> canonical_tags(["de", "en"], "corpus.jsonl")
        {'de': 'de', 'en': 'en'}
    """
    canonical: dict[str, str] = {}
    spellings: dict[str, list[str]] = {}
    for tag in tags:
        if tag not in canonical:
            try:
                canonical[tag] = canonical_tag(tag)
            except InputError as error:
                raise InputError(f"{where}: {error}") from None
            spellings.setdefault(canonical[tag], []).append(tag)
    for language, spelt in spellings.items():
        if len(spelt) > 1:
            logger.warning("%s: %s are one language and are read as %s", where, ", ".join(map(repr, spelt)), language)
    return canonical


def wanted_languages(languages: Any, where: str) -> list[str] | None:
    """Languages that a user chose, in canonical form, each once; None for no choice.

    Args:
        languages: Tags, or one; as a flag or YAML gives them.
        where: The flag or key, which errors begin with.

    Raises:
        InputError: One is no tag, or YAML read it as something else than text.

    Example:
        >>> wanted_languages(["EN", "no", "en"], "languages")
        ['en', 'no']
        >>> wanted_languages(["en", False], "languages")
        Traceback (most recent call last):
        hf_hybrid.errors.InputError: languages: YAML reads an unquoted no as False; quote it, like languages: [en,
            "no"]
    """
    if languages is None:
        return None
    wanted = [languages] if isinstance(languages, str) or not isinstance(languages, Iterable) else list(languages)
    found: dict[str, None] = {}
    for tag in wanted:
        if isinstance(tag, bool):
            word = "yes, on or true" if tag else "no"
            raise InputError(f'{where}: YAML reads an unquoted {word} as {tag}; quote it, like {where}: [en, "no"]')
        if not isinstance(tag, str):
            raise InputError(f"{where}: {tag!r} is no language tag but a {type(tag).__name__}; quote it")
        try:
            found[canonical_tag(tag)] = None
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    return list(found)
