"""What languages have in common, for analyses over languages: branch of their family, and script."""

from __future__ import annotations

import langcodes

# Branches of Indo-European, families elsewhere (Glottolog's names, shortened).
BRANCHES = {
    **dict.fromkeys(("en", "de", "nl", "sv", "da", "nb", "no", "nn", "is", "af"), "Germanic"),
    **dict.fromkeys(("es", "fr", "it", "pt", "ro", "ca", "gl"), "Romance"),
    **dict.fromkeys(("ru", "uk", "pl", "cs", "sk", "bg", "sr", "hr", "sl", "mk", "be"), "Slavic"),
    **dict.fromkeys(("hi", "bn", "ur", "mr", "gu", "pa", "ne", "si"), "Indic"),
    **dict.fromkeys(("fa", "ps", "ku"), "Iranian"),
    **dict.fromkeys(("el",), "Greek"),
    **dict.fromkeys(("lt", "lv"), "Baltic"),
    **dict.fromkeys(("ar", "he", "am", "mt"), "Semitic"),
    **dict.fromkeys(("tr", "az", "kk", "uz"), "Turkic"),
    **dict.fromkeys(("fi", "et", "hu"), "Uralic"),
    **dict.fromkeys(("ta", "te", "ml", "kn"), "Dravidian"),
    **dict.fromkeys(("zh", "my"), "Sino-Tibetan"),
    **dict.fromkeys(("id", "ms", "jv", "tl"), "Austronesian"),
    **dict.fromkeys(("th", "lo"), "Tai"),
    **dict.fromkeys(("vi", "km"), "Austroasiatic"),
    **dict.fromkeys(("sw", "yo", "zu", "xh", "ig"), "Atlantic-Congo"),
    **dict.fromkeys(("ja",), "Japonic"),
    **dict.fromkeys(("ko",), "Koreanic"),
}


def family(tag: str) -> str:
    """Branch or family; a language that is not listed stands for itself.

    Example:
        >>> family("de"), family("pt-BR"), family("eu")
        ('Germanic', 'Romance', 'eu')
    """
    language = langcodes.Language.get(tag).language or tag
    return BRANCHES.get(language, language)


def script(tag: str) -> str:
    """The script that a language is mostly written in, ISO 15924.

    Example:
        >>> script("th"), script("sr-Latn"), script("zh")
        ('Thai', 'Latn', 'Hans')
    """
    return langcodes.Language.get(tag).maximize().script or "Zyyy"
