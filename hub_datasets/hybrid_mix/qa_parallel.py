"""A further configuration, `qa_parallel`: questions and passages of `qa`, and parallel text for cross-lingual batches.

    python hub_datasets/hybrid_mix/qa_parallel.py hybrid_mix
    hf-hybrid train --config small_arm --dataset_name_or_path hybrid_mix --dataset_config qa_parallel \\
      --eval_dataset_name_or_path hybrid_mix/qa --test_split none --output_dir runs/small

Only a seventh of `qa`'s examples exist in two languages, nearly all of them course material. Parallel sentences of
`align` widen that: each is a query in every other one of its languages and a passage in the rest, so that it can be
drawn across languages and never within one, where query and passage would be the same text. Which sentences are taken,
and in which languages they are queries, follows from checksums of ids: the same on every machine. Sentences of
`ud_pud` stay out, to be developed on.
"""

from __future__ import annotations

import argparse
import logging
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from mix.built import DEVELOPED_ON, LANGUAGES, check_built

from hf_hybrid.errors import InputError, run_command
from hf_hybrid.output_files import check_output, whole_file, write_bytes

NAME = "qa_parallel"
CONFIG = f"  - config_name: {NAME}\n    data_files:\n      - split: train\n        path: {NAME}/train.parquet\n"
END = "# end: configs\n"
# Examples of each source: everyday and general text first, so that software documentation does not swallow the rest.
EXAMPLES = {
    "tico19": 2936,
    "mintaka": 1500,
    "rubq": 700,
    "qald10": 380,
    "qald9_plus": 144,
    "xgqa": 300,
    "opensource_guide": 956,
    "privacy_guides": 800,
    "hf_course": 400,
    "electron_docs": 300,
    "bitcoin_org": 200,
    "cncf_glossary": 150,
    "bible": 800,
    "ms_curricula": 3000,
}
# Of course material those in most languages; of short sentences in two languages as many for each of these.
LANGUAGES_OF_COURSES = 9
TATOEBA, TATOEBA_LANGUAGES = 600, ("ar", "hi", "th", "tr", "vi", "zh")


def checksum(text: str) -> int:
    """CRC-32, which orders without an order of its own."""
    return zlib.crc32(text.encode())


def chosen_examples(align: pd.DataFrame) -> set[str]:
    """Ids of the parallel texts to take: in English and another language.

    Args:
        align: Columns id, lang, source; a row a rendition.
    """
    groups = align.groupby("id").agg(source=("source", "first"), languages=("lang", lambda tags: frozenset(tags)))
    groups = groups[[("en" in tags and len(tags) > 1) for tags in groups["languages"]]]
    groups = groups.iloc[sorted(range(len(groups)), key=lambda row: checksum(groups.index[row]))]
    taken: set[str] = set()
    for source, number in EXAMPLES.items():
        found = groups[groups["source"] == source]
        if source == "ms_curricula":
            found = found[found["languages"].map(len) >= LANGUAGES_OF_COURSES]
        taken |= set(found.index[:number])
    sentences = groups[groups["source"] == "tatoeba"]
    for tag in TATOEBA_LANGUAGES:
        taken |= set(sentences.index[[tag in tags for tags in sentences["languages"]]][:TATOEBA])
    return taken


def halves(parallel: pd.DataFrame) -> pd.DataFrame:
    """Each example a query in every other language and a passage in the rest, in an order of its own.

    Args:
        parallel: Columns id, lang, query, passage.

    Example:
        >>> rows = [{"id": "a", "lang": lang, "query": lang, "passage": lang} for lang in ("de", "en", "th")]
        >>> halves(pd.DataFrame(rows))[["query", "passage"]].notna().sum(axis=1).tolist()
        [1, 1, 1]
    """
    order = [checksum(example + lang) for example, lang in zip(parallel["id"], parallel["lang"], strict=True)]
    rows = parallel.assign(order=order).sort_values(["id", "order"])
    place = rows.groupby("id").cumcount() + rows["id"].map(lambda example: checksum(example) & 1)
    is_query = place % 2 == 0
    rows["query"] = rows["query"].where(is_query, None)
    rows["passage"] = rows["passage"].where(~is_query, None)
    return rows.assign(id="par:" + rows["id"]).drop(columns="order")


def qa_parallel(qa: pa.Table, align: pa.Table, languages: Sequence[str] = LANGUAGES) -> pa.Table:
    """Rows of `qa` in the languages, then the halves of the parallel texts, in `qa`'s columns."""
    questions = qa.to_pandas()
    questions = questions[questions["lang"].isin(languages)]
    parallel = align.to_pandas()
    parallel = parallel[parallel["lang"].isin(languages) & (parallel["source"] != DEVELOPED_ON)]
    taken = chosen_examples(parallel[["id", "lang", "source"]])
    parallel = halves(parallel[parallel["id"].isin(taken)]).reindex(columns=questions.columns)
    return pa.Table.from_pandas(pd.concat([questions, parallel]), schema=qa.schema, preserve_index=False)


def add_to_card(card: Path) -> None:
    """Name the configuration in the card of the mix, among those of build.py, once.

    Raises:
        InputError: There is no card, or none that build.py wrote.
    """
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    if END not in text:
        raise InputError(f"{card}: not the card that hub_datasets/hybrid_mix/build.py writes with the mix; build it")
    if CONFIG not in text:
        write_bytes(card, text.replace(END, CONFIG + END, 1).encode(), overwrite=True)


def main() -> int:
    """Write the configuration beside the others, and name it in the card."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mix", type=Path, help="the folder that build.py made")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    args = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    names = ("qa/train.parquet", "align/train.parquet")
    check_built(args.mix, *names)
    output = args.mix / NAME / "train.parquet"
    check_output(output, args.overwrite)
    table = qa_parallel(*(pq.read_table(args.mix / name) for name in names))
    with whole_file(output) as file:
        pq.write_table(table, file)
    add_to_card(args.mix / "README.md")
    sys.stdout.write(f"Written to {output}: {table.num_rows:,} renditions\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
