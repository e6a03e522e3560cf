"""Readers of the openly licensed multilingual sets: each turns one Parquet file into renditions.

A reader returns a data frame with the columns `id, lang, query, passage, passage_id, source`. Alignment readers put one
text on both sides (`query == passage`); retrieval readers pair a heading or question with the block that answers it.
Where a document is known its name is the part of the id before `#`, so that a split by document is a split by id.
"""

import hashlib
import re
import unicodedata
from pathlib import Path

import pandas as pd

from hf_hybrid.mix.cleaning import (
    LEADING_MARKS,
    MAX_PASSAGE,
    SPACE,
    answer_sentence,
    clean,
    first_sentences,
    stable_fraction,
)
from hf_hybrid.mix.tables import read_table

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
COLUMNS = ["id", "lang", "query", "passage", "passage_id", "source"]

# Rare words are worth more than repeated templates: the terse and the archaic sets are sampled down to these many ids.
TLDR_IDS = 3_000
BIBLE_IDS = 8_000
XGQA_IDS = 600
MIN_PASSAGE = 40
BLOCKS_PER_HEADING = 3

_SCRIPTS = {
    "ar": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "hi": "\u0900-\u097f",
    "ru": "\u0400-\u04ff",
    "th": "\u0e00-\u0e7f",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff",
}


def normalised(text: str) -> str:
    """NFKC, case-folded, letters and digits only: the form in which texts are compared with the evaluation's."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _in_own_script(texts: pd.Series, langs: pd.Series) -> pd.Series:
    """Whether three letters in ten are of the language's script (always true for Latin scripts)."""
    keep = pd.Series(True, index=texts.index)
    for lang, letters in _SCRIPTS.items():
        rows = texts[langs == lang]
        own = rows.str.count(f"[{letters}]")
        keep.loc[rows.index] = own >= 0.3 * (own + rows.str.count("[A-Za-z]")).clip(lower=1)
    return keep


def _untranslated(table: pd.DataFrame, column: str) -> pd.Series:
    english = table[table.lang == "en"].set_index("id")[column].str.casefold()
    return (table.lang != "en") & (table[column].str.casefold() == table.id.map(english))


def _texts(table: pd.DataFrame, prefix: str, column: str = "text") -> pd.DataFrame:
    """Alignment renditions: cleaned, in the language's script, really translated, in two languages at least."""
    table = table[table.lang.isin(LANGUAGES) & table[column].notna()]
    table = table.assign(text=clean(table[column]))[["id", "lang", "text"]]
    table = table[table.text.str.contains(r"\w\w", regex=True)]
    table = table[_in_own_script(table.text, table.lang) & ~_untranslated(table, "text")]
    table = table[table.groupby("id").lang.transform("nunique") >= 2]
    ids = prefix + ":" + table.id.astype(str)
    return pd.DataFrame(
        {
            "id": ids,
            "lang": table.lang,
            "query": table.text,
            "passage": table.text,
            "passage_id": ids,
            "source": prefix,
        }
    ).reset_index(drop=True)


def _sampled(table: pd.DataFrame, ids: int, among: pd.Series | None = None) -> pd.DataFrame:
    """Keep the `ids` ids of lowest hash (among the marked rows; the others stay)."""
    marked = pd.Series(True, index=table.index) if among is None else among
    candidates = sorted(set(table.id[marked]), key=stable_fraction)
    return table[~marked | table.id.isin(candidates[:ids])]


def align_ms(source: Path) -> pd.DataFrame:
    """Blocks of course material, in all 11 languages."""
    return _texts(read_table(source, "ms_curricula_parallel"), "ms")


def align_docs(source: Path) -> pd.DataFrame:
    """Blocks of two human-translated guides."""
    return _texts(read_table(source, "docs_human_parallel"), "docs")


def align_misc(source: Path) -> pd.DataFrame:
    """Short community translations; the command descriptions of tldr are sampled down."""
    table = read_table(source, "misc_parallel")
    table = table[table.lang.isin(LANGUAGES)]
    table = table[table.groupby("id").lang.transform("nunique") >= 2]
    return _texts(_sampled(table, TLDR_IDS, table.source == "tldr-pages/tldr"), "misc")


def align_tico(source: Path) -> pd.DataFrame:
    """Medical sentences."""
    return _texts(read_table(source, "tico19"), "tico19")


def align_pud(source: Path) -> pd.DataFrame:
    """News and Wikipedia sentences (its Chinese is traditional and left out)."""
    return _texts(read_table(source, "ud_pud"), "ud_pud")


def align_bible(source: Path) -> pd.DataFrame:
    """A sample of verses: archaic, but seven languages."""
    return _texts(_sampled(read_table(source, "bible_parallel"), BIBLE_IDS), "bible")


def align_questions(source: Path) -> pd.DataFrame:
    """Parallel questions; those about images are sampled down."""
    table = read_table(source, "questions_parallel")
    return _texts(_sampled(table, XGQA_IDS, table.source == "Adapter-Hub/xGQA"), "questions", "question")


def align_faq(source: Path) -> pd.DataFrame:
    """Questions of the FAQ sets (their answers are retrieval data)."""
    return _texts(_without_repeated_questions(read_table(source, "faq_parallel")), "faq", "question")


def align_tatoeba(source: Path) -> pd.DataFrame:
    """English-X sentence pairs, grouped by their English text so that X-X' pairs arise too.

    Rows of the LASER Tatoeba test are dropped, and so is any other translation of one of its English sentences into
    the same language.
    """
    table = read_table(source, "tatoeba_en_pairs")
    held_out = read_table(source, "tatoeba_laser_eval")
    held_out_pairs = set(zip(held_out.lang, held_out.en, strict=True))
    kept = [pair not in held_out_pairs for pair in zip(table.lang, table.en, strict=True)]
    table = table[pd.Series(kept, index=table.index) & ~table.in_laser_eval]
    ids = "t" + table.en.map(lambda text: hashlib.sha256(text.encode()).hexdigest()[:16])
    table = table.assign(id=ids).drop_duplicates(["id", "lang"])
    english = table.drop_duplicates("id").assign(lang="en")
    english = english.assign(text=english.en)
    return _texts(pd.concat([table, english], ignore_index=True), "tatoeba")


def development_bitext(source: Path) -> pd.DataFrame:
    """NTREX-128, a published test set: held out whole, as the development bitext."""
    return _texts(read_table(source, "ntrex128"), "ntrex128")


def monolingual_text(source: Path) -> pd.DataFrame:
    """Sentences and questions in one language each, for the tokenizer: columns `lang, text`."""
    sentences = read_table(source, "commonvoice_sentences")[["lang", "text"]]
    questions = read_table(source, "queries_miracl_mrtydi").rename(columns={"question": "text"})[["lang", "text"]]
    table = pd.concat([sentences, questions], ignore_index=True)
    return table[table.lang.isin(LANGUAGES)].assign(text=lambda t: clean(t.text))


def heading_pairs(source: Path, name: str, prefix: str) -> pd.DataFrame:
    """Heading -> block below it, parallel in every language that has both.

    The blocks of one heading are examples of their own but carry the heading's id as `passage_id`: drawn together they
    would otherwise be negatives of each other's equal query. The longest blocks are kept (few are, so that one long
    section does not dominate).
    """
    table = read_table(source, name)
    table = table[table.lang.isin(LANGUAGES) & table.text.notna()]
    table = table.assign(text=clean(table.text))
    is_heading = table.kind.str.startswith("h")
    headings = table[is_heading].assign(text=lambda t: t.text.str.replace(LEADING_MARKS, "", regex=True))
    english = headings[headings.lang == "en"]
    # A heading of one word ("Summary") says nothing of its block.
    telling = set(english.id[english.text.str.count(r"\w+") >= 2])
    blocks = table[~is_heading & table.heading_id.isin(telling)]
    lengths = blocks[blocks.lang == "en"].assign(n=lambda t: t.text.str.len().clip(upper=MAX_PASSAGE))
    lengths = lengths[lengths.n >= MIN_PASSAGE].sort_values(["heading_id", "n", "id"], ascending=[True, False, True])
    chosen = set(lengths.groupby("heading_id").head(BLOCKS_PER_HEADING).id)
    pairs = blocks[blocks.id.isin(chosen)].merge(
        headings[["id", "lang", "text"]].rename(columns={"id": "heading_id", "text": "query"}),
        on=["heading_id", "lang"],
    )
    pairs = pairs[_in_own_script(pairs["query"], pairs.lang) & _in_own_script(pairs.text, pairs.lang)]
    pairs = pairs[~_untranslated(pairs, "text") & (pairs["query"].str.len() > 0)]
    return pd.DataFrame(
        {
            "id": prefix + ":" + pairs.id,
            "lang": pairs.lang,
            "query": pairs["query"],
            "passage": [first_sentences(text) for text in pairs.text],
            "passage_id": prefix + ":" + pairs.heading_id,
            "source": prefix,
        }
    )


def faq_pairs(source: Path) -> pd.DataFrame:
    """Question -> beginning of its answer, parallel; questions asked more than once ("What's the output?") left out."""
    table = read_table(source, "faq_parallel")
    table = table[table.lang.isin(LANGUAGES) & table.question.notna() & table.answer.notna()]
    table = _without_repeated_questions(table)
    answers = [first_sentences(text) for text in clean(table.answer)]
    ids = "faq:" + table.id
    pairs = pd.DataFrame({"id": ids, "lang": table.lang, "query": clean(table.question), "passage": answers})
    pairs = pairs.assign(passage_id=ids, source="faq")
    return pairs[_in_own_script(pairs.passage, pairs.lang)]


def _without_repeated_questions(table: pd.DataFrame) -> pd.DataFrame:
    english = table[table.lang == "en"]
    return table[~table.id.isin(english.id[english.question.str.casefold().duplicated(keep=False)])]


def question_answer_pairs(source: Path) -> pd.DataFrame:
    """Question -> the sentence that holds its answer, each in one language (ar, en, th, tr, zh).

    The document before `#` in the id is the passage, so held-out passages never share a sentence with the others.
    Questions with the same answer sentence share a `passage_id`.
    """
    table = read_table(source, "qa_passages")
    table = table[(table.lang == table.passage_lang) & table.lang.isin(LANGUAGES)]
    table = table[~table.source.str.contains("afriqa")]
    rows = []
    for row in table.itertuples():
        sentence = answer_sentence(row.passage, row.answer, int(row.answer_start), row.lang)
        question = SPACE.sub(" ", row.question).strip()
        if sentence is None or len(question) < 4:
            continue
        document = hashlib.sha256(row.passage.encode()).hexdigest()[:16]
        key = hashlib.sha256(sentence.encode()).hexdigest()[:16]
        name = re.split("[:/]", row.id)[0]
        rows.append((f"qa:{document}#{row.id}", row.lang, question, sentence, f"qa:{document}#{key}", f"qa-{name}"))
    return pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(["id", "lang"])
