"""Spell scripts in Latin letters inside a tokenizer, so that a name has the same pieces whatever script it is written
in.

A static encoder knows a name only by its pieces, and parallel text holds few names: "Шварценеггер" and
"Schwarzenegger" have none in common until one is spelled in the other's letters. The table goes into `tokenizer.json`
as SentencePiece's compiled map of characters, the form of XLM-R's own normalisation: no code, one pass over the text.
Letters come from the library `anyascii`, character by character.
"""

from __future__ import annotations

import io
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import sentencepiece
from tokenizers import normalizers

from hf_hybrid.errors import InputError

# Blocks of Unicode whose characters are spelled anew.
BLOCKS = {
    "cyrillic": ((0x0400, 0x052F),),
    "greek": ((0x0370, 0x03FF), (0x1F00, 0x1FFF)),
    "arabic": ((0x0600, 0x06FF),),
    "devanagari": ((0x0900, 0x097F),),
    "thai": ((0x0E00, 0x0E7F),),
}
# Of SentencePiece's model file: the normaliser's settings, and in them the compiled map.
_NORMALIZER_SPEC, _COMPILED_MAP = 3, 2
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
        model = io.BytesIO()
        # A model is trained for its normaliser alone: that is how the map gets compiled.
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d e"] * 10),
            model_writer=model,
            model_type="char",
            vocab_size=20,
            hard_vocab_limit=False,
            normalization_rule_tsv=str(file),
            minloglevel=2,
        )
    return normalizers.Precompiled(_field(_field(model.getvalue(), _NORMALIZER_SPEC), _COMPILED_MAP))


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


def _field(message: bytes, number: int) -> bytes:
    """The last length-delimited field of this number in a message of protocol buffers."""
    place, found = 0, b""
    while place < len(message):
        key, place = _varint(message, place)
        if key & 7 == 2:
            size, place = _varint(message, place)
            if key >> 3 == number:
                found = message[place : place + size]
            place += size
        elif key & 7 == 0:
            _, place = _varint(message, place)
        else:
            place += {1: 8, 5: 4}[key & 7]
    return found


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
