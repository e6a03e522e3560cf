"""Scripts by counting, languages by the identifier; what it does not know and what it is unsure of stays."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest
from mix.language_check import LANGUAGES, LanguageIdentifier, in_own_script

from hf_hybrid.errors import InputError
from tests.hub_datasets.hybrid_mix.phrases import sentence


@pytest.mark.parametrize(
    ("lang", "own", "other"),
    [
        ("ar", "يعمل Azure هنا", "Azure يعمل with other services"),
        ("hi", "यह एक वाक्य है", "This is यह"),
        ("ja", "東京タワー", "서울 타워"),
        ("ko", "서울 타워 Tower", "東京タワー"),
        ("th", "ภาษาไทย", "ພາສາລາວ"),
        ("zh", "微软 Azure 云", "Azure cloud of Microsoft 云"),
        ("zh-Hant", "臺灣", "taiwan"),
        ("vi", "Tiếng Việt", "Русский"),
        ("te", "తెలుగు", "ಕನ್ನಡ"),
    ],
)
def test_scripts(lang: str, own: str, other: str) -> None:
    assert in_own_script(pa.array([own, other, "", "12"]), lang).tolist() == [True, False, False, False]


def test_other_languages_are_told() -> None:
    identifier = LanguageIdentifier(["de", "en", "ja", "ru"])
    assert identifier.surely_other([sentence(n, "de") for n in range(20)], "de") == [""] * 20
    assert identifier.surely_other([sentence(n, "en") for n in range(20)], "de") == ["en"] * 20
    # Names are no evidence.
    assert identifier.surely_other(["Alan Turing"], "de") == [""]


def test_borrowed_words_do_not_make_another_script() -> None:
    identifier = LanguageIdentifier(LANGUAGES)
    assert identifier.surely_other(["การสร้าง Embedding model with Azure storage"], "th") == [""]
    assert identifier.surely_other(["這是一段用中文寫的文字，內容是關於公園裡的孩子們和他們的圖畫。"], "ja") == ["zh"]
    assert identifier.surely_other(["این یک جمله فارسی است که درباره باغ نوشته شده است."], "ar") == ["fa"]


def test_traditional_chinese_is_chinese() -> None:
    identifier = LanguageIdentifier(["zh", "zh-Hant", "ja"])
    assert identifier.surely_other(["他們在公園裡畫一幅很大的圖畫。"], "zh-Hant") == [""]


def test_one_language_needs_no_identifier() -> None:
    assert LanguageIdentifier(["de"]).surely_other(["This is English."], "de") == [""]


def test_all_languages_of_the_mix_are_known() -> None:
    assert len(LANGUAGES) == 25
    LanguageIdentifier(LANGUAGES)
    with pytest.raises(InputError, match="does not know 'xx'"):
        LanguageIdentifier(["xx", "de"])


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lingua", None)
    with pytest.raises(InputError, match=r"hf_hybrid\[data\]"):
        LanguageIdentifier(["de", "en"])
