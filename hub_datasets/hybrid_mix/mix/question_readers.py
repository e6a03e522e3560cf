"""Readers of retrieval pairs: a question, or a heading, with the text that answers it or stands below it.

The same frame as `parallel_readers`. A side that a language does not have is null: a heading with its block below can
be drawn in any two languages, and a question in Swahili goes with its passage in English.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from hf_hybrid.overlap.comparable_text import comparable
from mix.cleaning import LEADING_MARKS, SPACE, answer_sentence, answer_window, clean, digest, first_sentences
from mix.licences import licence_id
from mix.parallel_readers import COLUMNS, documents_of, guide_of
from mix.tables import read_table

MIN_BLOCK = 40
# Few blocks of a heading, the longest, so that one long section does not dominate.
BLOCKS_PER_HEADING = 3
LONG_PASSAGE = 2_000
FAQ_SOURCES = {
    "bitcoin-dot-org/bitcoin.org": "bitcoin_faq",
    "cncf/glossary": "cncf_terms",
    "lydiahallie/javascript-questions": "javascript_questions",
}
# Questions by the beginning of their id -> source, and the licence of the passage where it is not the one that the set
# states: several publish their questions under a licence of their own, with passages of Wikipedia, which is CC BY-SA.
_WIKIPEDIA = "cc-by-sa-3.0"
QUESTION_SETS = {
    "jaquad": ("jaquad", None),
    "iapp": ("iapp_wiki", _WIKIPEDIA),
    "drcd": ("drcd", None),
    "cmrc2018": ("cmrc2018", None),
    "arcd": ("arcd", _WIKIPEDIA),
    "enelpi": ("enelpi", _WIKIPEDIA),
    "afriqa": ("afriqa", _WIKIPEDIA),
    "qed": ("qed", None),
    "covidqa": ("covid_qa", None),
    "selqa": ("selqa", _WIKIPEDIA),
    "nqgtest": ("nqg", None),
}
# The article of a sentence of this set is not known; its rows follow the articles, so these many rows together are its
# documents.
_NQG_BLOCK = 400
# Natural Questions comes in tokens: `1901 , of Germany ( 1845 )`.
_BEFORE_MARK = re.compile(r" (?=[,.;:!?)\]%]|'s\b)|(?<=[(\[]) ")


def read_course_headings(source: Path) -> pd.DataFrame:
    """Heading and block of the courses."""
    return _headings(source, "ms_curricula_parallel", "ms").assign(source="ms_curricula")


def read_guide_headings(source: Path) -> pd.DataFrame:
    """Heading and block of the guides."""
    pairs = _headings(source, "docs_human_parallel", "docs")
    return pairs.assign(source=guide_of(pairs.id.str.removeprefix("docs:")))


def _headings(source: Path, name: str, prefix: str) -> pd.DataFrame:
    """Heading -> block below it; in each language the one, the other or both.

    The blocks of one heading are examples of their own but carry the heading's id as `passage_id`: drawn together they
    would otherwise be negatives of each other's equal query.
    """
    table = read_table(source, name, ["id", "lang", "kind", "heading_id", "text", "licence"])
    table = table[table.text.notna()].assign(text=lambda t: clean(t.text), licence=lambda t: t.licence.map(licence_id))
    is_heading = table.kind.str.startswith("h")
    headings = table[is_heading].assign(query=lambda t: t.text.str.replace(LEADING_MARKS, "", regex=True))
    english = headings[headings.lang == "en"]
    # A heading of one word ("Summary") says nothing of its block.
    telling = set(english.id[english["query"].str.count(r"\w+") >= 2])
    blocks = table[~is_heading & table.heading_id.isin(telling)]
    lengths = blocks[blocks.lang == "en"].assign(n=lambda t: t.text.str.len().clip(upper=LONG_PASSAGE))
    lengths = lengths[lengths.n >= MIN_BLOCK].sort_values(["heading_id", "n", "id"], ascending=[True, False, True])
    chosen = lengths.groupby("heading_id").head(BLOCKS_PER_HEADING)[["id", "heading_id"]]
    queries = headings[["id", "lang", "query", "licence"]].rename(columns={"id": "heading_id"})
    below = chosen.merge(queries, on="heading_id")
    texts = blocks.merge(chosen[["id"]], on="id")[["id", "heading_id", "lang", "text", "licence"]]
    pairs = below.merge(texts, on=["id", "heading_id", "lang", "licence"], how="outer")
    return pd.DataFrame(
        {
            "id": prefix + ":" + pairs.id,
            "lang": pairs.lang,
            "query": pairs["query"],
            "passage": [first_sentences(text) if isinstance(text, str) else None for text in pairs.text],
            "passage_id": prefix + ":" + pairs.heading_id,
            "source": prefix,
            "licence": pairs.licence,
            "title": None,
            "document": documents_of(prefix + ":" + pairs.id),
        }
    )[list(COLUMNS)]


def read_faq(source: Path) -> pd.DataFrame:
    """Question -> beginning of its answer, parallel."""
    return _faq(source, None)


def read_faq_long(source: Path) -> pd.DataFrame:
    """Question -> its answer, parallel."""
    return _faq(source, LONG_PASSAGE)


def _faq(source: Path, longest: int | None) -> pd.DataFrame:
    table = read_table(source, "faq_parallel", ["id", "lang", "question", "answer", "source", "licence"])
    table = table[table.question.notna() & table.answer.notna()]
    # "What's the output?" is asked of many programs: it does not tell its answer.
    english = table[table.lang == "en"]
    table = table[~table.id.isin(english.id[english.question.str.casefold().duplicated(keep=False)])]
    limit = {} if longest is None else {"longest": longest}
    ids = "faq:" + table.id
    frame = {
        "id": ids,
        "lang": table.lang,
        "query": clean(table.question),
        "passage": [first_sentences(text, **limit) for text in clean(table.answer)],
        "passage_id": ids,
        "source": table.source.map(FAQ_SOURCES).fillna(table.source),
        "licence": table.licence.map(licence_id),
    }
    return pd.DataFrame({**frame, "title": None, "document": ids})[list(COLUMNS)]


def read_answers(source: Path) -> pd.DataFrame:
    """Question -> the sentence that holds its answer, mostly in one language."""
    return _answers(source, sentences=True)


def read_answers_long(source: Path) -> pd.DataFrame:
    """Question -> the passage that holds its answer."""
    return _answers(source, sentences=False)


def _answers(source: Path, sentences: bool) -> pd.DataFrame:
    columns = ["id", "lang", "passage_lang", "question", "answer", "answer_start", "passage", "title", "licence"]
    cut = answer_sentence if sentences else answer_window
    rows = []
    for row in read_table(source, "qa_passages", columns).itertuples():
        key = re.split("[:/]", row.id)[0]
        name, licence = QUESTION_SETS.get(key, (key, None))
        text, answer = row.passage, row.answer
        if key == "qed":
            text, answer = (_BEFORE_MARK.sub("", value) for value in (text, answer))
        passage = cut(text, answer, int(row.answer_start), row.passage_lang)
        if passage is None:
            continue
        title = (row.title if isinstance(row.title, str) else "").strip()
        document = _document(key, row.id, row.passage_lang, title, row.passage)
        # A passage in another language than the question's comes with that language's own row.
        own = passage if row.lang == row.passage_lang else None
        question = SPACE.sub(" ", row.question).strip()
        passage_id = f"{digest(document)}#{digest(passage)}"
        values = (f"qa:{row.id}", row.lang, question, own, passage_id, name, licence or licence_id(row.licence))
        rows.append((*values, title or None, document))
    return pd.DataFrame(rows, columns=list(COLUMNS)).drop_duplicates(["id", "lang"], ignore_index=True)


def _document(key: str, row_id: str, lang: str, title: str, passage: str) -> str:
    """Articles of Wikipedia are one document for all sets of a language."""
    if key == "nqgtest":
        return f"nqg:{int(row_id.split(':')[1]) // _NQG_BLOCK}"
    if key == "covidqa" or not title:
        return f"{key}:{digest(passage)}"
    return f"wiki:{lang}:{comparable(title)}"


def read_exams(source: Path) -> pd.DataFrame:
    """School-exam question -> its right answer, where that says enough; the same question in several languages is one
    example.
    """
    table = read_table(source, "exams_qa", ["id", "lang", "question", "answer", "group"])
    ids = "exams:" + table.group.fillna(table.id)
    frame = {"id": ids, "lang": table.lang, "query": clean(table.question), "passage": clean(table.answer.fillna(""))}
    frame |= {"passage_id": ids, "source": "exams", "licence": "cc-by-sa-4.0", "title": None, "document": ids}
    return pd.DataFrame(frame)[list(COLUMNS)].drop_duplicates(["id", "lang"])
