"""Localised names from Unicode CLDR, read through Babel's locale data.

The merged locale data is read raw (``babel.localedata.load``) and aliases are resolved here. Going through
``Locale`` objects would not be safe: resolving an alias there caches the answer in a dictionary that locales share,
so the month names of one language can turn up in the next one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import Any

from babel import localedata
from babel.core import get_global

# One letter of the script in which a name must be written; languages in Latin script may share names with English.
SCRIPT_LETTER = {
    "ar": r"[\u0621-\u064a]",
    "bn": r"[\u0980-\u09ff]",
    "el": r"[\u0370-\u03ff\u1f00-\u1fff]",
    "fa": r"[\u0621-\u06cc]",
    "hi": r"[\u0900-\u097f]",
    "ja": r"[\u3040-\u30ff\u4e00-\u9fff]",
    "ko": r"[\uac00-\ud7a3]",
    "ru": r"[\u0400-\u04ff]",
    "th": r"[\u0e00-\u0e7f]",
    "zh": r"[\u4e00-\u9fff]",
}
_DIGITS = {"beng": 0x09E6, "arabext": 0x06F0, "arab": 0x0660, "deva": 0x0966}
# Units whose international (SI) symbol may stand in where a language has no abbreviation of its own.
_METRIC = re.compile(r"(meter|gram|liter|watt|joule|hertz|pascal|volt|ampere|ohm|newton|byte|second|kelvin|celsius)$")
_GENERIC_WORD = {
    "ar": r"^لغة ",
    "id": r"^Bahasa ",
    "sw": r"^[Ll]ugha ya ",
    "th": r"^(ภาษา|อักษร)",
    "tr": r" [Dd]ili$",
}
_ENGLISH_THE = frozenset(
    "AE AX BQ BS CC CF CK DO FK FO GB GM IM IO KM KY MH MP MV NL PH PN PS SB SC TC TF UM US VG VI".split()
)


def clean(text: str | None) -> str:
    """Normalise a CLDR string: NFC, ordinary spaces, no direction marks, no square brackets.

    Example:
        >>> clean("[CFA]\\u00a0franc")
        'CFA franc'
    """
    text = unicodedata.normalize("NFC", text or "")
    text = re.sub(r"[\u200e\u200f\u061c\[\]]", "", text)
    return re.sub(r"[ \u00a0\u202f\u2009]+", " ", text).strip()


def _wide(table: dict[str, Any]) -> dict[int, str]:
    """The stand-alone wide names of months or days; where the stand-alone form is an alias, the in-date form."""
    own = table.get("stand-alone", {})
    own = own.get("wide") if isinstance(own, dict) else None
    if isinstance(own, tuple):
        own = own[1]
    base = table["format"]["wide"]
    return {**(base[1] if isinstance(base, tuple) else base), **(own if isinstance(own, dict) else {})}


class Names:
    """The names that one language gives to territories, languages, currencies and so on.

    A method returns ``None`` where CLDR has no name of its own for this language: the name is missing, equals the
    code, or is not in the language's script.

    Args:
        language: BCP-47 tag of the language, e.g. ``"ja"``.

    Example:
        >>> Names("es").territory("JP")
        'Japón'
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._data = localedata.load(language)
        self._english = self._data if language == "en" else localedata.load("en")
        script = SCRIPT_LETTER.get(language)
        self._letter = re.compile(script) if script else None

    def _get(self, table: str, key: str) -> str | None:
        return self._checked(self._data[table].get(key), key)

    def _checked(self, name: Any, key: str) -> str | None:
        name = clean(name) if isinstance(name, str) else ""
        if not name or name == key or (self._letter and not self._letter.search(name)):
            return None
        return name

    def _lower_first(self, name: str | None) -> str | None:
        # CLDR writes Vietnamese generic words ("Tiếng", "Chữ", "Tháng") with a capital fit for lists only.
        return name[0].lower() + name[1:] if name and self.language == "vi" else name

    def _generic(self, name: str | None) -> str | None:
        # Some names of languages and scripts include the generic word that the templates add, others do not.
        if name and self.language in _GENERIC_WORD:
            name = re.sub(_GENERIC_WORD[self.language], "", name)
        if name and self.language == "vi":
            name = name.replace("Chứ ", "Chữ ")  # a slip in CLDR
        return self._lower_first(name)

    def territory(self, code: str, article: bool = False) -> str | None:
        """Name of a territory or M49 region; in English optionally with the article that some names take."""
        name = self._get("territories", code)
        if article and name and self.language == "en" and code in _ENGLISH_THE:
            return f"the {name}"
        return name

    def language_name(self, code: str) -> str | None:
        """Name of a language."""
        return self._generic(self._get("languages", code))

    def listed_language(self, code: str) -> str | None:
        """Name of a language as an item of a list, where Thai and Indonesian repeat the word for "language"."""
        name = self.language_name(code)
        return {"th": "ภาษา", "id": "bahasa "}.get(self.language, "") + name if name else None

    def script(self, code: str) -> str | None:
        """Name of a script."""
        return self._generic(self._get("scripts", code))

    def currency(self, code: str) -> str | None:
        """Name of a currency."""
        return self._get("currency_names", code)

    def currency_symbol(self, code: str) -> str | None:
        """Symbol of a currency, if it has one that is not its code."""
        for data in (self._data, self._english):
            symbol = clean(data["currency_symbols"].get(code))
            if symbol and symbol != code:
                return symbol
        return None

    def city(self, zone: str) -> str | None:
        """Exemplar city of a time zone; languages in Latin script fall back on the zone's identifier, as CLDR does."""
        for key in zone_keys(zone):
            entry = self._data["time_zones"].get(key)
            if isinstance(entry, dict) and "city" in entry:
                return self._checked(entry["city"], key)
        return None if self._letter else zone.rsplit("/", 1)[-1].replace("_", " ")

    def zone_time(self, zone: str) -> str | None:
        """Name of the standard time that a zone keeps."""
        metazones = get_global("meta_zones")
        meta = next((metazones[key] for key in zone_keys(zone) if key in metazones), None)
        entry = self._data["meta_zones"].get(meta)
        names = entry.get("long") if isinstance(entry, dict) else None
        return self._checked(names.get("standard"), zone) if isinstance(names, dict) else None

    def unit(self, unit: str) -> str | None:
        """Name of a unit of measurement."""
        entry = self._data["unit_display_names"].get(unit, {})
        name = self._lower_first(self._checked(entry.get("long") or entry.get("short"), unit))
        return name.removeprefix("đơn vị ") if name else None

    def unit_symbol(self, unit: str) -> str | None:
        """Abbreviation of a unit: the language's own, else the SI symbol, if it differs from the unit's name."""
        own = self._data["unit_patterns"].get(unit, {})
        other = self._english["unit_patterns"].get(unit, {}) if _METRIC.search(unit) else {}
        for patterns, width in ((own, "short"), (own, "narrow"), (other, "short")):
            pattern = patterns.get(width) if isinstance(patterns, dict) else None
            text = clean(pattern.get("other", "").replace("{0}", "")) if isinstance(pattern, dict) else ""
            name = (self.unit(unit) or "").casefold()
            # "byte" or "arcsec" is a shortened name, not a symbol
            if text and text.casefold() != name and not (len(text) > 3 and name.startswith(text.casefold())):
                return text
        return None

    @cached_property
    def months(self) -> dict[int, str]:
        """Names of the months, 1 to 12."""
        return {i: self._lower_first(clean(n)) or "" for i, n in _wide(self._data["months"]).items()}

    @cached_property
    def days(self) -> dict[int, str]:
        """Names of the days of the week, 0 (Monday) to 6."""
        return {i: self._lower_first(clean(n)) or "" for i, n in _wide(self._data["days"]).items()}

    def number(self, value: int) -> str:
        """A whole number in the language's default digits, without grouping."""
        zero = _DIGITS.get(self._data.get("default_numbering_system", "latn"))
        return str(value) if zero is None else "".join(chr(zero + int(digit)) for digit in str(value))

    def join(self, items: list[str | None]) -> str | None:
        """A list of names in the language's punctuation; ``None`` if a name is missing.

        Example:
            >>> Names("de").join(["A", "B", "C"])
            'A, B und C'
        """
        if not items or any(item is None for item in items):
            return None
        texts = [str(item) for item in items]
        if len(texts) == 1:
            return texts[0]
        patterns = {
            key: re.sub(r"[\u200e\u200f]", "", p) for key, p in self._data["list_patterns"]["standard"].items()
        }
        if len(texts) == 2:
            return patterns["2"].format(*texts)
        joined = patterns["start"].format(texts[0], texts[1])
        for text in texts[2:-1]:
            joined = patterns["middle"].format(joined, text)
        return patterns["end"].format(joined, texts[-1])


def zone_keys(zone: str) -> list[str]:
    """A time zone's identifier and the older ones that CLDR files its names under.

    Example:
        >>> zone_keys("Asia/Kolkata")
        ['Asia/Kolkata', 'Asia/Calcutta']
    """
    return [zone, *sorted(old for old, new in get_global("zone_aliases").items() if new == zone)]
