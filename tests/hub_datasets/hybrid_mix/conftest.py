"""A source folder with all sets, small, in four languages."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hub_datasets.hybrid_mix.phrases import LANGUAGES, QUESTION, STATEMENT, sentence

# As for `build.py`, which is run by path and finds `mix` beside it.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "hub_datasets" / "hybrid_mix"))


def write(folder: Path, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write one set."""
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / f"{name}.parquet")


def parallel(numbers: Iterable[int], make_id: str = "{}", **extra: Any) -> list[dict[str, Any]]:
    """Rows with a sentence in every language."""
    return [
        {"id": make_id.format(n), "lang": lang, "text": sentence(n, lang), **extra}
        for n in numbers
        for lang in LANGUAGES
    ]


def blocks(first: int, documents: int, folder: str, licence: str) -> list[dict[str, Any]]:
    """Documents of a heading and two blocks; the last document has its heading, but not its blocks, in Japanese."""
    rows = []
    for d in range(documents):
        for n, kind in enumerate(("h2", "p", "li")):
            for lang in LANGUAGES:
                if d == documents - 1 and n and lang == "ja":
                    continue
                row = {"id": f"{folder}/{d}.md#{n}", "lang": lang, "kind": kind, "heading_id": f"{folder}/{d}.md#0"}
                number = STATEMENT if (folder, d, n) == ("course", 2, 1) else first + 3 * d + n
                rows.append({**row, "text": sentence(number, lang), "licence": licence})
    return rows


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    write(folder, "ms_curricula_parallel", blocks(0, 30, "course", "MIT"))
    write(folder, "docs_human_parallel", blocks(100, 3, "privacyguides", "CC-BY-SA-4.0"))
    misc = parallel([120, 121], "tldr/{}.md#0", source="tldr-pages/tldr", licence="CC-BY-4.0")
    misc += parallel([122], "bitcoin.org/page.key{}", source="bitcoin-dot-org/bitcoin.org", licence="MIT")
    write(folder, "misc_parallel", misc)
    write(folder, "tico19", parallel([130, 131], "CMU_1:{}"))
    write(folder, "ud_pud", parallel([135, 136], "n01001{}"))
    write(folder, "bible_parallel", parallel([140, 141], "Genesis/1/{}"))
    asked = parallel([150, 151], "mintaka:{}", licence="CC-BY-4.0")
    write(folder, "questions_parallel", [{**row, "question": row["text"]} for row in asked])
    faq = parallel([160, 161], "cncf/{}.md", source="cncf/glossary", licence="CC-BY-4.0")
    write(
        folder,
        "faq_parallel",
        [{**row, "question": row["text"], "answer": sentence(int(row["id"][5:-3]) + 10, row["lang"])} for row in faq],
    )
    pairs = [
        {
            "lang": lang,
            "en": sentence(n, "en"),
            "text": sentence(n, lang),
            "in_laser_eval": n == 183,
            "licence": "CC-BY-2.0-FR (t)",
        }
        for n in range(180, 186)
        for lang in ("de", "ru")
    ]
    write(folder, "tatoeba_en_pairs", pairs)
    test = [
        {"lang": lang, "text": sentence(n, lang), "en": sentence(n, "en")} for n in (182, 190) for lang in ("de", "ja")
    ]
    write(folder, "tatoeba_laser_eval", test)
    write(folder, "ntrex128", [{**row, "id": int(row["id"]), "doc": "bbc.1"} for row in parallel([200, 201])])
    write(folder, "qa_passages", answers())
    exam = {"question": sentence(250, "de"), "answer": sentence(251, "de"), "group": "g1", "id": "x", "lang": "de"}
    write(folder, "exams_qa", [exam, {**exam, "id": "y", "lang": "bg"}])
    voices = [{"lang": lang, "text": sentence(n, lang)} for n in (260, 261) for lang in LANGUAGES]
    write(folder, "commonvoice_sentences", [*voices, {"lang": "de", "text": sentence(260, "de").upper()}])
    searches = [
        {"set": "miracl", "split": split, "lang": "de", "question": sentence(n, "de")}
        for n, split in ((270, "train"), (271, "dev"))
    ]
    write(folder, "queries_miracl_mrtydi", searches)
    return folder


def answers() -> list[dict[str, Any]]:
    """Forty articles of three sentences with two questions each, one of them in Russian too; a question about an
    English passage.
    """
    rows = []
    for n in range(40):
        lang = LANGUAGES[n % 3]
        passage = " ".join(sentence(300 + 3 * n + k, lang) for k in range(3))
        for k in (0, 2):
            answer = sentence(300 + 3 * n + k, lang)[:30]
            row = {
                "id": f"jaquad:{n}-{k}",
                "lang": lang,
                "passage_lang": lang,
                "question": sentence(430 + 2 * n + k // 2 if n + k else QUESTION, lang),
            }
            row |= {"answer": answer, "answer_start": passage.find(answer), "passage": passage}
            rows.append(row | {"title": f"Article {n}", "licence": "CC-BY-SA-3.0"})
    crossing = {**rows[2], "id": "afriqa:swa:1", "question": sentence(520, "en")}
    rows.append(crossing)
    rows.append({**crossing, "lang": "ru", "question": sentence(520, "ru")})
    return rows
