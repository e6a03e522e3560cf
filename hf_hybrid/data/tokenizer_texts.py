"""The texts that an encoder from scratch trains its tokenizer on: those of its training data, or of files, balanced by
language.

A vocabulary follows the text it is trained on: where a language has a tenth of the text, it gets a tenth of the
pieces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hf_hybrid.data.loading import load_renditions
from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag, canonical_tags, wanted_languages

COLUMNS = ("query", "passage", "text")
# How many letters a character says as much as.
CHARACTER_WORTH = {"zh": 3, "ja": 2}


class TokenizerTexts:
    """Texts to run through as often as one likes.

    Args:
        datasets: Data sets with a column `lang` and any of `query`, `passage`, `text`.
        languages: Only texts in these languages; all by default.
        characters: At most so many characters of every language, of distinct texts in an order that depends on the
            texts alone (a Chinese character counts as three, a Japanese one as two); by default all texts, as they
            come.

    Example:
        >>> rows = {"lang": ["de", "en", "en"], "query": ["eins", "one", "two"], "passage": [None, "one", "two"]}
        >>> sorted(TokenizerTexts([Dataset.from_dict(rows)], characters=4))
        ['eins', 'two']
    """

    def __init__(
        self, datasets: Sequence[Dataset], languages: Iterable[str] | None = None, characters: int | None = None
    ):
        self._datasets = datasets
        wanted = wanted_languages(languages, "languages")
        self._languages = None if wanted is None else set(wanted)
        self._characters = characters

    def __iter__(self) -> Iterator[str]:
        if self._characters is not None:
            yield from self._balanced()
            return
        for dataset, column in self._columns():
            for batch in dataset.select_columns(["lang", column]).iter(batch_size=10_000):
                for lang, text in zip(batch["lang"], batch[column], strict=True):
                    if text is not None and (self._languages is None or canonical_tag(lang) in self._languages):
                        yield text

    def _columns(self) -> Iterator[tuple[Dataset, str]]:
        return ((data, column) for data in self._datasets for column in COLUMNS if column in data.column_names)

    def _balanced(self) -> Iterator[str]:
        tables = [
            dataset.with_format("arrow")[:].select(["lang", column]).rename_columns(["lang", "text"])
            for dataset, column in self._columns()
        ]
        table = pa.concat_tables(
            table.cast(pa.schema([("lang", pa.string()), ("text", pa.string())])) for table in tables
        )
        canonical = canonical_tags(pc.unique(table["lang"]).to_pylist(), "the tokenizer's texts")
        for lang in sorted(self._languages or set(canonical.values())):
            spelt = pa.array([tag for tag, own in canonical.items() if own == lang], table["lang"].type)
            texts = pc.unique(table.filter(pc.is_in(table["lang"], spelt))["text"].drop_null()).to_pylist()
            left = self._characters
            for text in sorted(texts, key=_place):
                left -= len(text) * CHARACTER_WORTH.get(lang.split("-")[0], 1)
                if left < 0:
                    break
                yield text


def load_tokenizer_texts(
    paths: Sequence[str], languages: Iterable[str] | None = None, characters: int | None = None
) -> TokenizerTexts:
    """Read the files that `tokenizer_texts` names.

    Args:
        paths: Parquet or JSONL files, or folders of them, whose split `train` is read.
        languages, characters: As for `TokenizerTexts`.

    Raises:
        InputError: A file is missing, damaged, or has no column of text.
    """
    datasets = [load_renditions(path, "train") for path in paths]
    for path, dataset in zip(paths, datasets, strict=True):
        if "lang" not in dataset.column_names or not set(COLUMNS) & set(dataset.column_names):
            raise InputError(
                f"tokenizer_texts: {path} has the columns {', '.join(dataset.column_names)}; it needs lang, and one "
                f"or more of {', '.join(COLUMNS)}"
            )
    return TokenizerTexts(datasets, languages, characters)


def _place(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
