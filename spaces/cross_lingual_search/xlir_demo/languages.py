"""Languages: their names, and a guess at the language of a question, always open to correction."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

import langcodes

UNKNOWN = "und"  # BCP-47's tag for a language that is not known
LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
# Scripts, by the first word of Unicode's names of their letters, that one of the languages is written in.
_LANGUAGE_OF_SCRIPT = {
    "ARABIC": "ar",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "CYRILLIC": "ru",
    "THAI": "th",
    "CJK": "zh",
}
_LATIN = tuple(tag for tag in LANGUAGES if tag not in _LANGUAGE_OF_SCRIPT.values())


@lru_cache(maxsize=1024)
def language_name(tag: str) -> str:
    """The language's name in English, or the tag where there is none.

    Example:
        >>> language_name("el"), language_name("zh-Hant"), language_name("?")
        ('Greek', 'Chinese (Traditional)', '?')
    """
    try:
        found = langcodes.Language.get(tag)
    except langcodes.LanguageTagError:
        return tag
    return found.display_name() if found.is_valid() else tag


@lru_cache(maxsize=1024)
def native_name(tag: str) -> str:
    """The language's name in itself, as a label begins.

    Example:
        >>> native_name("es")
        'Español'
    """
    try:
        found = langcodes.Language.get(tag)
    except langcodes.LanguageTagError:
        return tag
    name = found.autonym() if found.is_valid() else tag
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=4096)
def guess_language(text: str) -> str | None:
    """The one of `LANGUAGES` that a text is most likely in; None where it has no letters to go by.

    Example:
        >>> guess_language("Πού είναι η λίμνη;"), guess_language("42")
        ('el', None)
    """
    return guess_languages([text])[0]


def guess_languages(texts: Sequence[str]) -> list[str | None]:
    """Guess the language of each text.

    The script decides where only one of the languages is written in it; `lingua` tells those in Latin letters apart.
    How often it is right on the 1,144 questions of world_facts is measured by `benchmarks/bench_space.py`.
    """
    scripts = [_script(text) for text in texts]
    found = [_LANGUAGE_OF_SCRIPT.get(script) for script in scripts]
    latin = [row for row, script in enumerate(scripts) if script == "LATIN"]
    guesses = _detector().detect_languages_in_parallel_of([texts[row] for row in latin]) if latin else []
    for row, guess in zip(latin, guesses, strict=True):
        found[row] = None if guess is None else guess.iso_code_639_1.name.lower()
    return found


def _script(text: str) -> str:
    """The script of most letters, by the first word of Unicode's names; names and borrowed words in Latin letters
    weigh less than others.
    """
    counts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    counts["LATIN"] /= 3
    script, number = max(counts.items(), key=lambda item: item[1])
    return script if number else ""


@cache
def _detector():
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, tag.upper()) for tag in _LATIN]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
