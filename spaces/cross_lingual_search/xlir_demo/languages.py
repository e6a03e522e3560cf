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
# Neighbours that share a script with one of ours, so that a question in one of them is not taken for ours.
_SHARED_SCRIPTS = ("ar", "hi", "ru")
_OTHERS = tuple("fr it pt nl pl sv nb da fi cs ro hu id hr ca uk bg sr fa ur mr".split())
# Chosen on the 1,144 questions of world_facts and on questions of cldr_qa in other languages: a language of ours that
# is this sure, is it; one word needs more. Of several words, a neighbour is believed whose confidence is the first
# number of a pair where ours has less than the second.
_SURE, _SURE_OF_ONE_WORD = 0.4, 0.6
_NEIGHBOUR_BEATS = ((0.6, 0.6), (0.95, 0.98), (0.995, 1.01))
_NEIGHBOUR_BEATS_SCRIPT = 0.9


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
    """The one of `LANGUAGES` that a text is in; None where it is in none of them, or too short to tell.

    Example:
        >>> guess_language("Πού είναι η λίμνη;"), guess_language("42"), guess_language("Où est la tour Eiffel ?")
        ('el', None, None)
    """
    return guess_languages([text])[0]


def guess_languages(texts: Sequence[str]) -> list[str | None]:
    """Guess the language of each text.

    The script decides where only one of the languages is written in it; `lingua` tells those in Latin letters apart.
    A second, coarser look at neighbouring languages says where it is none of ours. How often both are right is
    measured by `benchmarks/bench_space.py`.
    """
    scripts = [_script(text) for text in texts]
    found: list[str | None] = [_LANGUAGE_OF_SCRIPT.get(script) for script in scripts]
    latin = [row for row, script in enumerate(scripts) if script == "LATIN"]
    sure = [1.0] * len(texts)
    for row, (tag, confidence) in zip(latin, _most_likely(_detector(), [texts[row] for row in latin]), strict=True):
        found[row], sure[row] = tag, confidence
    doubtful = [row for row, tag in enumerate(found) if tag in _SHARED_SCRIPTS or sure[row] < _NEIGHBOUR_BEATS[-1][1]]
    others = _most_likely(_neighbours(), [texts[row] for row in doubtful])
    for row, (other, confidence) in zip(doubtful, others, strict=True):
        if not _is_ours(sure[row], row in set(latin), len(texts[row].split()), other, confidence):
            found[row] = None
    return found


def _is_ours(sure: float, is_latin: bool, words: int, other: str, confidence: float) -> bool:
    """Whether a guess stands against what the second look found."""
    if is_latin and sure < (_SURE_OF_ONE_WORD if words == 1 else _SURE):
        return False
    if other in LANGUAGES or words == 1:
        return True
    if not is_latin:
        return confidence < _NEIGHBOUR_BEATS_SCRIPT
    return not any(confidence >= enough and sure < least for enough, least in _NEIGHBOUR_BEATS)


def _script(text: str) -> str:
    """The script of most letters, by the first word of Unicode's names; names and borrowed words in Latin letters
    weigh less than others, and kana make a text Japanese however many Chinese letters it has.
    """
    counts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    if kana := counts["HIRAGANA"] + counts["KATAKANA"]:
        counts["HIRAGANA"] = kana + counts["CJK"]
    counts["LATIN"] /= 3
    script, number = max(counts.items(), key=lambda item: item[1])
    return script if number else ""


def _most_likely(detector, texts: Sequence[str]) -> list[tuple[str, float]]:
    """The likeliest language of each text, with its share of all likelihood."""
    if not texts:
        return []
    best = [values[0] for values in detector.compute_language_confidence_values_in_parallel(list(texts))]
    return [(one.language.iso_code_639_1.name.lower(), one.value) for one in best]


@cache
def _detector():
    return _builder(_LATIN).build()


@cache
def _neighbours():
    # Three letters at a time only: a tenth of the memory, and quick to read.
    return _builder((*LANGUAGES, *_OTHERS)).with_low_accuracy_mode().build()


def _builder(tags: Sequence[str]):
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_iso_codes_639_1(*[getattr(IsoCode639_1, tag.upper()) for tag in tags])
