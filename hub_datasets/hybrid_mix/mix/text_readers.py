"""Readers of text in one language each, for tokenizers and masked-language training: the same frame, with a passage
only.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mix.cleaning import clean, digest
from mix.parallel_readers import COLUMNS
from mix.tables import read_table


def read_sentences(source: Path) -> pd.DataFrame:
    """Sentences that volunteers collected for reading aloud."""
    table = read_table(source, "commonvoice_sentences", ["lang", "text"])
    return _texts(table.lang, table.text, "common_voice", "cc0-1.0")


def read_search_questions(source: Path) -> pd.DataFrame:
    """Questions of MIRACL and Mr. TyDi, of the training splits only: the others are test sets."""
    table = read_table(source, "queries_miracl_mrtydi", ["set", "split", "lang", "question"])
    table = table[table.split == "train"]
    return _texts(table.lang, table.question, table.set, "apache-2.0")


def _texts(langs: pd.Series, texts: pd.Series, source: str | pd.Series, licence: str) -> pd.DataFrame:
    text = clean(texts.fillna(""))
    ids = [f"text:{lang}:{digest(value)}" for lang, value in zip(langs, text, strict=True)]
    frame = pd.DataFrame(
        {"id": ids, "lang": langs, "query": None, "passage": text, "passage_id": ids, "source": source}
    )
    return frame.assign(licence=licence, title=None, document=frame.id)[list(COLUMNS)].drop_duplicates("id")
