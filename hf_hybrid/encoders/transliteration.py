"""Spell scripts in Latin letters inside a tokenizer, so that a name has the same pieces whatever script it is written
in.

A static encoder knows a name only by its pieces, and parallel text holds few names: "Шварценеггер" and
"Schwarzenegger" have none in common until one is spelled in the other's letters. The table goes into `tokenizer.json`
as SentencePiece's compiled map of characters, the form of XLM-R's own normalisation: no code, one pass over the text.
Letters come from the library `anyascii`, character by character.
"""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import normalizers

from hf_hybrid.encoders.compiled_map import compiled_map
from hf_hybrid.errors import InputError

# Blocks of Unicode whose characters are spelled anew.
BLOCKS = {
    "cyrillic": ((0x0400, 0x052F),),
    "greek": ((0x0370, 0x03FF), (0x1F00, 0x1FFF)),
    "arabic": ((0x0600, 0x06FF),),
    "devanagari": ((0x0900, 0x097F),),
    "thai": ((0x0E00, 0x0E7F),),
}
_WITHOUT_SIGNS = str.maketrans("", "", "'`")


def transliterator(scripts: Iterable[str]) -> normalizers.Normalizer:
    """A normalizer of `tokenizers` that spells these scripts in lower-case Latin letters.

    Args:
        scripts: Names of `BLOCKS`.

    Raises:
        InputError: An unknown script, or `anyascii` is not installed.

    Example:
        >>> transliterator(["cyrillic", "greek"]).normalize_str("москва αθηνα")
        'moskva athina'
    """
    rules = dict(_rules(scripts))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules.tsv"
        lines = (
            f"{ord(character):X}\t{' '.join(f'{ord(c):X}' for c in latin)}\n" for character, latin in rules.items()
        )
        file.write_text("".join(lines), encoding="ascii")
        return compiled_map(normalization_rule_tsv=str(file))


def _rules(scripts: Iterable[str]) -> Iterator[tuple[str, str]]:
    try:
        from anyascii import anyascii
    except ImportError:
        raise InputError(
            'transliterate: the table is anyascii\'s; install it with `pip install "hf_hybrid[data]"`'
        ) from None
    for script in scripts:
        if script not in BLOCKS:
            raise InputError(f"transliterate: unknown script {script!r}; choose among {', '.join(BLOCKS)}")
        for first, last in BLOCKS[script]:
            for character in map(chr, range(first, last + 1)):
                # Signs for soft consonants and glottal stops would cut words in two.
                latin = anyascii(character).lower().translate(_WITHOUT_SIGNS)
                if unicodedata.category(character) != "Cn" and latin != character:
                    yield character, latin
