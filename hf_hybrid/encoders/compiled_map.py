"""Character maps as SentencePiece compiles them, which `tokenizers` applies (`Precompiled`)."""

from __future__ import annotations

import io

import sentencepiece
from tokenizers import normalizers

# Of SentencePiece's model file: the normaliser's settings, and in them the compiled map.
_NORMALIZER_SPEC, _COMPILED_MAP = 3, 2


def compiled_map(**rules: str) -> normalizers.Normalizer:
    """The normalizer of `tokenizers` for rules of SentencePiece's trainer.

    Args:
        rules: `normalization_rule_name`, one of SentencePiece's own, or `normalization_rule_tsv`, a file.

    Example:
        >>> compiled_map(normalization_rule_name="nmt_nfkc").normalize_str("ﬁne")
        'fine'
    """
    model = io.BytesIO()
    # A model is trained for its normaliser alone: that is how the map gets compiled.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e"] * 10),
        model_writer=model,
        model_type="char",
        vocab_size=20,
        hard_vocab_limit=False,
        minloglevel=2,
        **rules,
    )
    return normalizers.Precompiled(_field(_field(model.getvalue(), _NORMALIZER_SPEC), _COMPILED_MAP))


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
