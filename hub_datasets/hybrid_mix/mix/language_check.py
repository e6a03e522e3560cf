"""Is a text in the language it is said to be in? Its script first, then a language identifier, `lingua`.

`lingua` (Apache-2.0) brings its models in the package and was the most accurate of what was tried on short text:
`benchmarks/language_check.py` measures it on Tatoeba and NTREX-128. A text is refused when the identifier is sure of
another language, not when it is unsure: short texts, names and borrowed words would otherwise go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

LANGUAGES = (
    *("ar", "bn", "de", "el", "en", "es", "fa", "fi", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru"),
    *("sw", "te", "th", "tr", "vi", "zh", "zh-Hant"),
)
# Scripts by RE2's names; Latin where none is given.
_SCRIPTS = {
    "ar": ("Arabic",),
    "bn": ("Bengali",),
    "el": ("Greek",),
    "fa": ("Arabic",),
    "hi": ("Devanagari",),
    "ja": ("Han", "Hiragana", "Katakana"),
    "ko": ("Hangul",),
    "ru": ("Cyrillic",),
    "te": ("Telugu",),
    "th": ("Thai",),
    "zh": ("Han",),
    "zh-Hant": ("Han",),
}
# Product names and borrowed words in Latin letters are part of technical text in every script; a Latin text has few
# other letters.
LEAST_SHARE_OF_SCRIPT = {"Latin": 0.5, "other": 0.3}
# The identifier must be as sure of another language as this, and give the stated one no more than that.
SURE, UNLIKELY = 0.5, 0.1
# Texts of less than this many letters (a Chinese character counts 2.6) are left to the script; Japanese names without
# kana look Chinese.
_LEAST_LETTERS = 12
_LEAST_LETTERS_OF_HAN = 40


def scripts_of(lang: str) -> tuple[str, ...]:
    """The scripts that a language is written in."""
    return _SCRIPTS.get(lang, ("Latin",))


def least_letters(lang: str) -> float:
    """Letters that a text must have for the identifier to judge it."""
    return _LEAST_LETTERS_OF_HAN if "Han" in scripts_of(lang) else _LEAST_LETTERS


def in_own_script(texts: pa.Array, lang: str) -> np.ndarray:
    """Whether enough of each text's letters are of its language's script; bool ``[len(texts)]``.

    Example:
        >>> import pyarrow as pa
        >>> in_own_script(pa.array(["Το νέο Azure IoT", "only English", "42"]), "el").tolist()
        [True, False, False]
    """
    scripts = scripts_of(lang)
    own = _count(texts, "[" + "".join(rf"\p{{{script}}}" for script in scripts) + "]")
    letters = _count(texts, r"[\p{L}\p{M}]")
    least = LEAST_SHARE_OF_SCRIPT["Latin" if scripts == ("Latin",) else "other"]
    return (own > 0) & (own >= least * letters)


def _count(texts: pa.Array, pattern: str) -> np.ndarray:
    import pyarrow.compute as pc

    return pc.fill_null(pc.count_substring_regex(texts, pattern), 0).to_numpy(zero_copy_only=False)


class LanguageIdentifier:
    """Tells texts that are surely in another language than stated, of those that share its script.

    A text that has passed `in_own_script` cannot be in a language of another script, however many borrowed words it
    has.

    Args:
        languages: BCP-47 tags of the languages to tell apart; the fewer, the surer.

    Raises:
        InputError: `lingua-language-detector` is not installed, or does not know a language.

    Example:
        >>> identifier = LanguageIdentifier(["de", "en", "nl"])
        >>> identifier.surely_other(["This is surely an English sentence.", "Das ist ein deutscher Satz."], "de")
        ['en', '']
    """

    def __init__(self, languages: Sequence[str] = LANGUAGES):
        try:
            from lingua import IsoCode639_1, LanguageDetectorBuilder
        except ImportError:
            raise InputError(
                'the language check needs lingua; install it with `pip install "hf_hybrid[data]"`'
            ) from None
        codes = sorted({tag.split("-")[0] for tag in languages})
        unknown = [code for code in codes if not hasattr(IsoCode639_1, code.upper())]
        if unknown:
            raise InputError(f"the language identifier does not know '{unknown[0]}'; leave it out of the languages")
        self._rivals = {
            tag: {
                other.split("-")[0]
                for other in languages
                if other.split("-")[0] != tag.split("-")[0] and set(scripts_of(tag)) & set(scripts_of(other))
            }
            for tag in languages
        }
        self._languages = {code: getattr(IsoCode639_1, code.upper()) for code in codes}
        self._detector = (
            LanguageDetectorBuilder.from_iso_codes_639_1(*self._languages.values()).build() if len(codes) > 1 else None
        )

    def surely_other(self, texts: Sequence[str], lang: str) -> list[str]:
        """Code of the language that a text surely is in instead of the stated one; empty where there is none.

        Args:
            texts: Texts that are said to be in one language.
            lang: Its tag.
        """
        rivals = self._rivals[lang]
        if self._detector is None or not rivals:
            return [""] * len(texts)
        own, found = self._languages[lang.split("-")[0]], []
        for text in texts:
            values = self._detector.compute_language_confidence_values(text)
            first = values[0]
            code = first.language.iso_code_639_1
            if code.name.lower() not in rivals or first.value < SURE:
                found.append("")
                continue
            stated = next((value.value for value in values if value.language.iso_code_639_1 == own), 0.0)
            found.append(code.name.lower() if stated <= UNLIKELY else "")
        return found
