"""What of a text counts for a search, and whether two questions are the same one: how they are shown is not touched."""

from __future__ import annotations

import re
import unicodedata

# Arabic vowel signs, the small alif and the line that stretches words: most texts are written without them, and a
# tokenizer that has rarely seen them cuts such words into letters.
_ARABIC_SIGNS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670]")


def searched_form(text: str) -> str:
    """The text that is embedded: without Arabic vowel signs.

    Example:
        >>> searched_form("أَيْنَ") == "أين"
        True
    """
    return _ARABIC_SIGNS.sub("", text)


def comparable(text: str) -> str:
    """Letters, digits and the signs that belong to them, whatever their case, punctuation, spaces and vowel signs.

    Example:
        >>> comparable(" Where is  the LAKE ?") == comparable("where is the lake")
        True
        >>> comparable("नदी") == comparable("नद")
        False
    """
    # Turkish has two letters i, whose capitals and small letters do not go together elsewhere.
    folded = unicodedata.normalize("NFKC", searched_form(text)).casefold().replace("\u0307", "").replace("ı", "i")
    return "".join(letter for letter in folded if unicodedata.category(letter)[0] in "LNM")


def has_words(text: str) -> bool:
    """Whether there is a letter in a text.

    Example:
        >>> has_words("42 🚀"), has_words("水")
        (False, True)
    """
    return any(letter.isalpha() for letter in text)
