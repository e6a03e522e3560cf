"""MIRACL (miracl/miracl and miracl/miracl-corpus, Apache-2.0): questions and judged Wikipedia passages in 18
languages.

    <data_dir>/miracl-v1.0-<lang>/topics/topics.miracl-v1.0-<lang>-<split>.tsv     query id, question
    <data_dir>/miracl-v1.0-<lang>/qrels/qrels.miracl-v1.0-<lang>-<split>.tsv       query id, Q0, passage id, 0 or 1
    <data_dir>/miracl-corpus-v1.0-<lang>/docs-<n>.jsonl.gz                         docid, title, text

Both repositories may be downloaded into one folder. Corpora are streamed: from 0.1 (sw) to 33 million passages (en).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from hf_hybrid.benchmarks.corpus_benchmark import Collection, CorpusBenchmark
from hf_hybrid.benchmarks.downloads import benchmark_folder, download
from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import wanted_languages
from hf_hybrid.retrieval.encode_sources import JsonlCorpus, checked_id
from hf_hybrid.text_files import text_lines

logger = logging.getLogger(__name__)

CORPUS_HUB_ID = "miracl/miracl-corpus"
HOW_TO_GET = (
    "log in with `hf auth login`, accept the terms of miracl/miracl on the Hub, run `hf download miracl/miracl "
    "--repo-type dataset --include 'miracl-v1.0-sw/*' --local-dir DIR` and `hf download miracl/miracl-corpus "
    "--repo-type dataset --include 'miracl-corpus-v1.0-sw/*' --local-dir DIR` (sw or any other language), and pass "
    "--data_dir DIR"
)
# What a header line calls the two columns of topics.
_ID_NAMES = (
    "id",
    "_id",
    "qid",
    "query_id",
    "query-id",
    "queryid",
    "query id",
    "topic_id",
    "topic-id",
    "topic",
    "number",
)
_TEXT_NAMES = ("text", "query", "question", "title", "query_text", "query text", "topic")


def load_miracl(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    split: str = "dev",
    languages: Sequence[str] | None = None,
) -> CorpusBenchmark:
    """Load queries and judgements of MIRACL; the corpora are left on disk.

    Args:
        data_dir: folder in the layout above.
        hub_id: repository with topics and qrels (miracl/miracl); the corpora then come from miracl/miracl-corpus.
        revision: revision of the former.
        split: ``dev`` or ``train``; test queries have no public judgements.
        languages: MIRACL's language codes; by default all of which the folder has topics. Needed with ``hub_id``.

    Raises:
        InputError: no data named, a missing or damaged file; names the file, the line and the remedy.

    Example:
        >>> load_miracl("miracl", languages=["sw"]).num_queries  # doctest: +SKIP
        482
    """
    languages = wanted_languages(languages, "--languages")
    if hub_id and not languages:
        raise InputError("benchmark miracl: name the --languages to download; all of them are some 30 GB")
    patterns = [f"miracl-v1.0-{tag}/*/*-{split}.tsv" for tag in languages or ()]
    folder = benchmark_folder("miracl", HOW_TO_GET, data_dir, hub_id, revision, patterns)
    corpora = folder
    if hub_id:
        corpora = download(
            CORPUS_HUB_ID, None, [f"miracl-corpus-v1.0-{tag}/*.jsonl.gz" for tag in languages or ()], HOW_TO_GET
        )
    wanted = list(languages) if languages else _languages_with_topics(folder, split)
    if not wanted:
        raise InputError(f"{folder} has no miracl-v1.0-<lang>/topics/*-{split}.tsv: {HOW_TO_GET}")
    return CorpusBenchmark(
        "miracl", tuple(_collection(folder, corpora, tag, split) for tag in wanted), {"split": split}
    )


def _collection(folder: Path, corpora: Path, tag: str, split: str) -> Collection:
    name = f"miracl-v1.0-{tag}"
    topics = _existing(folder / name / "topics" / f"topics.{name}-{split}.tsv")
    qrels = _existing(folder / name / "qrels" / f"qrels.{name}-{split}.tsv")
    files = [
        path
        for path in (corpora / f"miracl-corpus-v1.0-{tag}").glob("docs-*.jsonl*")
        if path.name.endswith((".jsonl", ".jsonl.gz"))
    ]
    if not files:
        raise InputError(f"{corpora} lacks miracl-corpus-v1.0-{tag}/docs-0.jsonl.gz: {HOW_TO_GET}")
    # docs-10 comes after docs-9.
    files.sort(key=lambda path: [int(digits) for digits in re.findall(r"\d+", path.name)])
    judged = read_qrels(qrels)
    texts = read_topics(topics)
    unknown = next((query for query in judged if query not in texts), None)
    if unknown is not None:
        raise InputError(
            f"{qrels} judges query {unknown!r}, which {topics.name} does not have; take both from one release"
        )
    asked = [query for query in texts if any(grade > 0 for grade in judged.get(query, {}).values())]
    return Collection(
        language=tag,
        query_ids=asked,
        queries=[texts[query] for query in asked],
        judgements=[judged[query] for query in asked],
        corpus=JsonlCorpus(tuple(files)),
    )


def read_topics(path: Path) -> dict[str, str]:
    """query id -> question, from lines ``id<TAB>question``; a first line that names the two columns is left out with a
    warning.

    Raises:
        InputError: a line of another form, an id that is there twice or has white space; names file and line.
    """
    topics: dict[str, str] = {}
    for number, line in text_lines(path):
        query, tab, text = line.partition("\t")
        where = f"{path}, line {number}"
        if not tab or not query or not text.strip():
            raise InputError(f"{where}: not `query id<TAB>question`; mend the line")
        if not topics and query.strip().lower() in _ID_NAMES:
            if text.strip().lower() not in _TEXT_NAMES:
                raise InputError(
                    f"{where}: seems to be a header, with {query!r} for an id; remove the line, or rename the query"
                )
            logger.warning("%s: is a header and left out", where)
            continue
        if checked_id(query, where) in topics:
            raise InputError(f"{where}: query {query!r} was there before; make ids unique")
        topics[query] = text
    return topics


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """query id -> passage id -> grade, from TREC lines ``id Q0 passage grade``.

    Raises:
        InputError: a line of another form; names file and line.
    """
    judged: dict[str, dict[str, int]] = {}
    for number, line in text_lines(path):
        fields = line.split()
        if len(fields) != 4 or not re.fullmatch(r"-?[0-9]+", fields[3]):
            raise InputError(f"{path}, line {number}: not `query id, Q0, passage id, grade`; mend the line")
        judged.setdefault(fields[0], {})[fields[2]] = int(fields[3])
    return judged


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is missing: {HOW_TO_GET}")
    return path


def _languages_with_topics(folder: Path, split: str) -> list[str]:
    found = sorted(folder.glob(f"miracl-v1.0-*/topics/topics.miracl-v1.0-*-{split}.tsv"))
    return [path.parts[-3].removeprefix("miracl-v1.0-") for path in found]
