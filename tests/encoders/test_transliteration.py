"""Scripts spelled in Latin letters by the tokenizer itself, saved in `tokenizer.json`."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.encoders.transliteration import BLOCKS, transliterator
from hf_hybrid.errors import InputError


@pytest.mark.parametrize(
    ("script", "text", "latin"),
    [
        ("cyrillic", "арнольд шварценеггер", "arnold shvartsenegger"),
        ("greek", "αθήνα", "athina"),
        ("arabic", "محمد", "mhmd"),
        ("devanagari", "दिल्ली १२", "dilli 12"),
        ("thai", "ไทย", "aithy"),
    ],
)
def test_scripts(script, text, latin):
    assert transliterator([script]).normalize_str(text) == latin
    others = [name for name in BLOCKS if name != script]
    assert transliterator(others).normalize_str(text) == text


def test_other_text_stays():
    text = "it's naïve, nguyễn 中文 ひらがな 42"
    assert transliterator(BLOCKS).normalize_str(text) == text


def test_unknown_script():
    with pytest.raises(InputError, match="unknown script 'latin'; choose among cyrillic, greek"):
        transliterator(["latin"])


def test_the_map_travels_with_the_tokenizer(tmp_path):
    texts = ["Москва und Moskva", "Αθήνα Athina"] * 40
    args = ModelArguments(
        encoder="static", vocab_size=320, embedding_dimension=8, lowercase=True, transliterate=["cyrillic", "greek"]
    )
    folder = save_encoder(build_encoder(args, texts), tmp_path / "model")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for foreign, latin in (("МОСКВА", "moskva"), ("Αθήνα", "ATHINA")):
        assert tokenizer.encode(foreign).tokens == tokenizer.encode(latin).tokens
