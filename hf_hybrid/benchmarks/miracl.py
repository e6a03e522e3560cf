"""MIRACL (miracl/miracl and miracl/miracl-corpus, Apache-2.0): questions and judged Wikipedia passages in 18 languages.

    <data_dir>/miracl-v1.0-<lang>/topics/topics.miracl-v1.0-<lang>-<split>.tsv     query id, question
    <data_dir>/miracl-v1.0-<lang>/qrels/qrels.miracl-v1.0-<lang>-<split>.tsv       query id, Q0, passage id, 0 or 1
    <data_dir>/miracl-corpus-v1.0-<lang>/docs-<n>.jsonl.gz                         docid, title, text

Both repositories may be downloaded into one folder. Corpora are streamed: from 0.1 (sw) to 33 million passages (en).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hf_hybrid.benchmarks.corpus_benchmark import Collection, CorpusBenchmark
from hf_hybrid.benchmarks.downloads import benchmark_folder, download
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode_sources import JsonlCorpus

CORPUS_HUB_ID = "miracl/miracl-corpus"
HOW_TO_GET = (
    "log in with `hf auth login`, accept the terms of miracl/miracl on the Hub, run `hf download miracl/miracl --repo-type dataset "
    "--include 'miracl-v1.0-sw/*' --local-dir DIR` and `hf download miracl/miracl-corpus --repo-type dataset "
    "--include 'miracl-corpus-v1.0-sw/*' --local-dir DIR` (sw or any other language), and pass --data_dir DIR"
)


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
        raise InputError(f"{qrels} judges query {unknown!r}, which {topics.name} does not have; download both again")
    asked = [query for query in texts if any(grade > 0 for grade in judged.get(query, {}).values())]
    return Collection(
        language=tag,
        query_ids=asked,
        queries=[texts[query] for query in asked],
        judgements=[judged[query] for query in asked],
        corpus=JsonlCorpus(tuple(files)),
    )


def read_topics(path: Path) -> dict[str, str]:
    """query id -> question, from lines ``id<TAB>question``.

    Raises:
        InputError: a line of another form or an id that is there twice; names file and line.
    """
    topics: dict[str, str] = {}
    for number, line in _lines(path):
        query, tab, text = line.partition("\t")
        if not tab or not query or not text.strip():
            raise InputError(f"{path}, line {number}: not `query id<TAB>question`; download the file again")
        if query in topics:
            raise InputError(f"{path}, line {number}: query {query!r} was there before; download the file again")
        topics[query] = text
    return topics


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """query id -> passage id -> grade, from TREC lines ``id Q0 passage grade``.

    Raises:
        InputError: a line of another form; names file and line.
    """
    judged: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) != 4 or not fields[3].lstrip("-").isdigit():
            raise InputError(f"{path}, line {number}: not `query id, Q0, passage id, grade`; download the file again")
        judged.setdefault(fields[0], {})[fields[2]] = int(fields[3])
    return judged


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, line.rstrip("\r\n")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is missing: {HOW_TO_GET}")
    return path


def _languages_with_topics(folder: Path, split: str) -> list[str]:
    found = sorted(folder.glob(f"miracl-v1.0-*/topics/topics.miracl-v1.0-*-{split}.tsv"))
    return [path.parts[-3].removeprefix("miracl-v1.0-") for path in found]
