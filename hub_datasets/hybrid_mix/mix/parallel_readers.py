"""Readers of parallel text: one text on both sides (`query == passage`), the same id in all its languages.

Each reader takes the source folder and returns a frame of `COLUMNS`. `document` is what is split into train and dev:
the file, page or chapter that a text comes from, or the text's own id where it stands alone.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mix.cleaning import clean, digest, stable_fraction
from mix.licences import licence_id
from mix.tables import read_table

COLUMNS = ("id", "lang", "query", "passage", "passage_id", "source", "licence", "title", "document")
# Rare words are worth more than repeated templates: terse command descriptions, archaic verses and questions about
# pictures are sampled down to these many ids.
LIMITS = {"tldr": 3_000, "bible": 8_000, "xgqa": 600}
MISC_SOURCES = {
    "bitcoin-dot-org/bitcoin.org": "bitcoin_org",
    "cncf/glossary": "cncf_glossary",
    "electron/i18n": "electron_docs",
    "global-asp/global-asp": "asp_stories",
    "huggingface/course": "hf_course",
    "tldr-pages/tldr": "tldr",
}
# Questions by the beginning of their id.
QUESTION_SOURCES = {
    "mintaka": "mintaka",
    "xgqa": "xgqa",
    "xcopa": "xcopa",
    "afriqa": "afriqa",
    "rubq": "rubq",
    "KGQA/QALD-10": "qald10",
    "KGQA/QALD_9_plus": "qald9_plus",
}


def segments(
    ids: pd.Series,
    langs: pd.Series,
    texts: pd.Series,
    source: str | pd.Series,
    licence: str | pd.Series,
    document: pd.Series,
) -> pd.DataFrame:
    """Renditions with one text on both sides."""
    text = clean(texts.fillna(""))
    frame = {"id": ids, "lang": langs, "query": text, "passage": text, "passage_id": ids, "source": source}
    return pd.DataFrame({**frame, "licence": licence, "title": None, "document": document})[list(COLUMNS)]


def read_courses(source: Path) -> pd.DataFrame:
    """Blocks of course material: human English, machine translation by the courses' own tool."""
    table = read_table(source, "ms_curricula_parallel", ["id", "lang", "text", "licence"])
    ids = "ms:" + table.id
    return segments(ids, table.lang, table.text, "ms_curricula", table.licence.map(licence_id), documents_of(ids))


def read_guides(source: Path) -> pd.DataFrame:
    """Blocks of two guides, translated by people."""
    table = read_table(source, "docs_human_parallel", ["id", "lang", "text", "licence"])
    ids = "docs:" + table.id
    return segments(ids, table.lang, table.text, guide_of(table.id), table.licence.map(licence_id), documents_of(ids))


def guide_of(ids: pd.Series) -> pd.Series:
    """Name of the guide that an id belongs to."""
    return ids.str.startswith("privacyguides").map({True: "privacy_guides", False: "opensource_guide"})


def documents_of(ids: pd.Series) -> pd.Series:
    """The file of a block: its id before `#`."""
    return ids.str.split("#").str[0]


def read_misc(source: Path) -> pd.DataFrame:
    """Short texts translated by volunteers."""
    table = read_table(source, "misc_parallel", ["id", "lang", "text", "source", "licence"])
    ids = "misc:" + table.id
    names = table.source.map(MISC_SOURCES).fillna(table.source)
    # Pages of bitcoin.org are told by the part before the second dot; everything else has a file.
    pages = table.id.str.split(".").str[:2].str.join(".")
    document = documents_of(ids).where(names != "bitcoin_org", "misc:" + pages)
    return sampled(segments(ids, table.lang, table.text, names, table.licence.map(licence_id), document), "tldr")


def read_tico19(source: Path) -> pd.DataFrame:
    """Medical sentences, translated by people."""
    table = read_table(source, "tico19", ["id", "lang", "text"])
    ids = "tico19:" + table.id.astype(str)
    return segments(ids, table.lang, table.text, "tico19", "cc0-1.0", "tico19:" + table.id.str.split(":").str[0])


def read_pud(source: Path) -> pd.DataFrame:
    """News and Wikipedia sentences, translated by people; the document is coded in the id (`n01001` of
    `n01001011`).
    """
    table = read_table(source, "ud_pud", ["id", "lang", "text"])
    licence = table.lang.isin(["fi", "pl"]).map({True: "cc-by-sa-4.0", False: "cc-by-sa-3.0"})
    return segments("pud:" + table.id, table.lang, table.text, "ud_pud", licence, "pud:" + table.id.str[:6])


def read_bible(source: Path) -> pd.DataFrame:
    """Verses in old translations, by chapter."""
    table = read_table(source, "bible_parallel", ["id", "lang", "text"])
    ids = "bible:" + table.id
    licence = (table.lang == "pt").map({True: "cc-by-3.0", False: "public-domain"})
    return sampled(segments(ids, table.lang, table.text, "bible", licence, ids.str.rsplit("/", n=1).str[0]), "bible")


def read_questions(source: Path) -> pd.DataFrame:
    """Questions (and the sentences of XCOPA) without passages."""
    table = read_table(source, "questions_parallel", ["id", "lang", "question", "licence"])
    names = table.id.str.split(":").str[0]
    ids = "questions:" + table.id
    frame = segments(
        ids, table.lang, table.question, names.map(QUESTION_SOURCES).fillna(names), table.licence.map(licence_id), ids
    )
    return sampled(frame.drop_duplicates(["id", "lang"]), "xgqa")


def read_tatoeba(source: Path) -> pd.DataFrame:
    """English-X sentence pairs, grouped by their English text so that X-X' pairs arise, too.

    Rows of the LASER Tatoeba test are left out, and so is any other translation of one of its English sentences into
    the same language.
    """
    table = read_table(source, "tatoeba_en_pairs", ["lang", "en", "text", "in_laser_eval", "licence"])
    held_out = read_table(source, "tatoeba_laser_eval", ["lang", "en"])
    held_out_pairs = set(zip(held_out.lang, held_out.en, strict=True))
    kept = [pair not in held_out_pairs for pair in zip(table.lang, table.en, strict=True)]
    table = table[pd.Series(kept, index=table.index) & ~table.in_laser_eval]
    table = table.assign(id="tatoeba:" + table.en.map(digest)).drop_duplicates(["id", "lang"])
    english = table.drop_duplicates("id").assign(lang="en", text=lambda t: t.en)
    both = pd.concat([english, table], ignore_index=True)
    return segments(both.id, both.lang, both.text, "tatoeba", both.licence.map(licence_id), both.id)


def read_news(source: Path) -> pd.DataFrame:
    """NTREX-128, news translated by people: a published test set, here for development only."""
    table = read_table(source, "ntrex128", ["id", "lang", "text", "doc"])
    ids = "ntrex128:" + table.id.astype(str)
    return segments(ids, table.lang, table.text, "ntrex128", "cc-by-sa-4.0", "ntrex128:" + table.doc.astype(str))


def read_tatoeba_test(source: Path) -> pd.DataFrame:
    """LASER's Tatoeba test: sentences with their English, one example each; equal English sentences of several
    languages are one.
    """
    table = read_table(source, "tatoeba_laser_eval", ["lang", "text", "en"])
    table = table.assign(id="tatoeba:" + table.en.map(digest)).drop_duplicates(["id", "lang"])
    english = table.drop_duplicates("id").assign(lang="en", text=lambda t: t.en)
    both = pd.concat([english, table], ignore_index=True)
    return segments(both.id, both.lang, both.text, "tatoeba_laser", "cc-by-2.0", both.id)


def sampled(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Keep `LIMITS[source]` ids of a source, those of lowest hash among the ids in two languages at least."""
    own = frame[frame.source == source]
    languages = own.groupby("id").lang.nunique()
    chosen = sorted(languages.index[languages >= 2], key=stable_fraction)[: LIMITS[source]]
    return frame[(frame.source != source) | frame.id.isin(set(chosen))]
