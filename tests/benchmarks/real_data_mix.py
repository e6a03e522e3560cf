"""Build the mix: Parquet folders of renditions for the base stage, the arms, and the development sets.

`align/` (query == passage, for the alignment stage), `qa/` (retrieval pairs, for the arms), `qa_dev/` (documents held
out of both), `bitext_dev/` (NTREX-128), and `text.parquet`, as much text of every language, for the tokenizer. `mix.json`
holds the counts and the sha256 of every input and output.
No text of the evaluation may get in: a rendition that equals an XQuAD-R question, sentence or paragraph is an error.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import real_data_readers as readers
from tqdm import tqdm

from hf_hybrid.errors import InputError

# Shares of the documents that are held out for development.
PARALLEL_DEV = 0.2
QUESTION_DEV = {"ar": 0.25, "en": 0.03, "th": 0.05, "tr": 0.07, "zh": 0.09}
# Fewer letters than this and two texts can be equal by chance ("In 1963.").
LEAST_LETTERS = 15

SPLITS = {"align": "train", "qa": "train", "qa_dev": "dev", "bitext_dev": "dev"}
# Characters per language for the tokenizer; a Chinese character says about as much as three letters.
TEXT_CHARACTERS = 1_500_000
CHARACTER_WORTH = {"zh": 3}
_SCHEMA = pa.schema([(column, pa.string()) for column in readers.COLUMNS])
_ALIGN = {
    "ms_curricula": readers.align_ms,
    "docs_human": readers.align_docs,
    "misc": readers.align_misc,
    "tico19": readers.align_tico,
    "ud_pud": readers.align_pud,
    "bible": readers.align_bible,
    "questions": readers.align_questions,
    "faq": readers.align_faq,
    "tatoeba": readers.align_tatoeba,
}
_RETRIEVAL = {
    "ms_curricula": lambda source: readers.heading_pairs(source, "ms_curricula_parallel", "ms"),
    "docs_human": lambda source: readers.heading_pairs(source, "docs_human_parallel", "docs"),
    "faq": readers.faq_pairs,
    "qa_passages": readers.question_answer_pairs,
}


def build_mix(source: Path, output: Path) -> dict:
    """Build the mix in `output` (which must not exist) and return its report.

    Raises:
        InputError: an input is missing or damaged, the output exists, or evaluation text was found in the mix.
    """
    if output.exists():
        raise InputError(f"{output}: already exists; name another --output or delete it")
    align = _read_all(_ALIGN, source, "alignment")
    retrieval = _read_all(_RETRIEVAL, source, "retrieval")
    held_out = held_out_documents(align, retrieval)
    parts = {
        "align": align[~_document(align).isin(held_out)],
        "qa": retrieval[~_document(retrieval).isin(held_out)],
        "qa_dev": development_split(retrieval[_document(retrieval).isin(held_out)]),
        "bitext_dev": readers.development_bitext(source),
    }
    parts["qa"] = without_shared_text(parts["qa"], parts["qa_dev"])
    parts["align"] = without_shared_text(parts["align"], pd.concat([parts["qa_dev"], parts["bitext_dev"]]))
    evaluation = evaluation_texts(source / "lareqa" / "xquad-r")
    for name, part in parts.items():
        assert_disjoint(name, part, evaluation)
    text = balanced_text([parts["align"], parts["qa"]], readers.monolingual_text(source))
    assert_disjoint("text", text.assign(id=text.text, query=text.text, passage=text.text), evaluation)
    return _write(parts, text, source, output)


def _read_all(named_readers: dict, source: Path, what: str) -> pd.DataFrame:
    with tqdm(named_readers.values(), desc=f"reading {what} data", unit="set") as progress:
        return pd.concat([reader(source) for reader in progress], ignore_index=True)


def _document(table: pd.DataFrame) -> pd.Series:
    return table.id.str.split("#").str[0]


def held_out_documents(align: pd.DataFrame, retrieval: pd.DataFrame) -> set[str]:
    """Documents kept for development: course documents by one share, passages by a share per language."""
    documents = {name for name in _document(align[align.source == "ms"]).unique()}
    held_out = {name for name in documents if readers.stable_fraction(name) < PARALLEL_DEV}
    questions = retrieval[retrieval.source.str.startswith("qa-")]
    for name, lang in zip(_document(questions), questions.lang, strict=True):
        if readers.stable_fraction(name) < QUESTION_DEV[lang]:
            held_out.add(name)
    return held_out


def development_split(retrieval: pd.DataFrame) -> pd.DataFrame:
    """One example per passage id: a heading with its first block in all languages, a sentence with its first question.

    Every passage is then relevant to one example only, and every example of the parallel part exists in all languages.
    """
    complete = retrieval.groupby("id").lang.transform("nunique") == len(readers.LANGUAGES)
    usable = retrieval[complete | retrieval.source.str.startswith("qa-")].sort_values(["id", "lang"])
    return usable[usable.id.isin(set(usable.drop_duplicates("passage_id").id))]


def without_shared_text(train: pd.DataFrame, held_out: pd.DataFrame) -> pd.DataFrame:
    """Drop every training example with a text that a held-out example has too, in any of its languages."""
    texts = set(held_out["query"]) | set(held_out["passage"])
    shared = train["query"].isin(texts) | train["passage"].isin(texts)
    return train[~train.id.isin(set(train.id[shared]))]


def balanced_text(parts: list[pd.DataFrame], monolingual: pd.DataFrame) -> pd.DataFrame:
    """Distinct texts in a random but fixed order, as many characters of every language as there are, up to the limit."""
    sides = [part[["lang", side]].rename(columns={side: "text"}) for part in parts for side in ("query", "passage")]
    table = pd.concat([*sides, monolingual], ignore_index=True).drop_duplicates()
    table = table.assign(place=[readers.stable_fraction(text) for text in table.text]).sort_values(["lang", "place"])
    worth = table.text.str.len() * table.lang.map(CHARACTER_WORTH).fillna(1)
    return table[worth.groupby(table.lang).cumsum() <= TEXT_CHARACTERS][["lang", "text"]]


def evaluation_texts(folder: Path) -> set[str]:
    """Normalised questions, candidate sentences and paragraphs of XQuAD-R.

    Raises:
        InputError: the folder has no XQuAD-R files, so the mix could not be checked.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InputError(f"{folder}: no XQuAD-R files, so the mix cannot be checked against them; put them there")
    texts: set[str] = set()
    for file in files:
        paragraphs = [p for article in json.loads(file.read_text())["data"] for p in article["paragraphs"]]
        for paragraph in paragraphs:
            questions = [qa["question"] for qa in paragraph["qas"]]
            texts.update(map(readers.normalised, [paragraph["context"], *paragraph["sentences"], *questions]))
    return {text for text in texts if len(text) >= LEAST_LETTERS}


def assert_disjoint(name: str, part: pd.DataFrame, evaluation: set[str]) -> None:
    """Check that no query and no passage equals an evaluation text after normalisation.

    Raises:
        InputError: one does; it names the example.
    """
    for column in ("query", "passage"):
        texts = part[column].drop_duplicates()
        for text in tqdm(texts, desc=f"checking {name} {column} against XQuAD-R", unit="text", leave=False):
            if readers.normalised(text) in evaluation:
                culprit = part.id[part[column] == text].iloc[0]
                raise InputError(
                    f"{name}: the {column} of {culprit!r} is XQuAD-R text; remove the row from its source"
                )


def _write(parts: dict[str, pd.DataFrame], text: pd.DataFrame, source: Path, output: Path) -> dict:
    temporary = output.with_name(f"{output.name}.tmp-{os.getpid()}")
    report: dict = {"inputs": _digests(sorted(source.glob("*.parquet")), source), "parts": {}}
    try:
        for name, part in parts.items():
            folder = temporary / name
            folder.mkdir(parents=True)
            table = pa.Table.from_pandas(
                part.sort_values(["id", "lang"])[readers.COLUMNS], _SCHEMA, preserve_index=False
            )
            pq.write_table(table, folder / f"{SPLITS[name]}.parquet", compression="zstd")
            report["parts"][name] = _counts(part)
        pq.write_table(
            pa.Table.from_pandas(text, preserve_index=False), temporary / "text.parquet", compression="zstd"
        )
        report["text"] = {lang: int(n) for lang, n in text.lang.value_counts().sort_index().items()}
        report["outputs"] = _digests(sorted(temporary.rglob("*.parquet")), temporary)
        (temporary / "mix.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        os.replace(temporary, output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return report


def _counts(part: pd.DataFrame) -> dict:
    by_source = part.groupby(["source", "lang"]).size().unstack(fill_value=0)
    return {
        "examples": int(part.id.nunique()),
        "renditions": len(part),
        "languages": {lang: int(n) for lang, n in part.lang.value_counts().sort_index().items()},
        "sources": {name: {lang: int(n) for lang, n in row.items() if n} for name, row in by_source.iterrows()},
        "examples_of_source": {name: int(n) for name, n in part.groupby("source").id.nunique().items()},
    }


def _digests(files: list[Path], root: Path) -> dict[str, str]:
    digests = {}
    for file in files:
        with open(file, "rb") as stream:
            digests[file.relative_to(root).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests


def table_of_counts(report: dict) -> str:
    """The counts per part, source and language as text."""
    lines = [f"{'part':<11}{'source':<12}{'examples':>9}" + "".join(f"{lang:>7}" for lang in readers.LANGUAGES)]
    for name, part in report["parts"].items():
        for source, langs in part["sources"].items():
            cells = "".join(f"{langs.get(lang, 0):>7}" for lang in readers.LANGUAGES)
            lines.append(f"{name:<11}{source:<12}{part['examples_of_source'][source]:>9}{cells}")
        cells = "".join(f"{part['languages'].get(lang, 0):>7}" for lang in readers.LANGUAGES)
        lines.append(f"{name:<11}{'all':<12}{part['examples']:>9}{cells}")
    return "\n".join(lines)
