"""TyDi QA, gold passage task (google-research-datasets/tydiqa, Apache-2.0): questions of speakers of nine languages,
each with one paragraph of Wikipedia that answers it.

    <data_dir>/dev/<lang>.json, train/<lang>.json                    SQuAD's layout, a file a language
    <data_dir>/tydiqa-goldp-v1.1-dev/tydiqa.goldp.<lang>.dev.json    the same, as XTREME names them
    <data_dir>/tydiqa-goldp-v1.1-dev.json, ...-train.json            all languages in a file, as published
    <data_dir>/secondary_task/validation-*.parquet, train-*.parquet  as at the Hub

For retrieval the distinct paragraphs of a split are the candidates: one pool a language, and one of all. Nothing is
parallel, so that there is no answer in another language, and no Cr. Answers are kept for a reader
(`hf_hybrid.evaluation.reading`), where the files have them: XTREME's own and their copies have the answers of `dev`
taken out.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.corpus_benchmark import Collection, CorpusBenchmark
from hf_hybrid.benchmarks.downloads import benchmark_folder, download
from hf_hybrid.data.squad import Question, is_held_out, read_questions
from hf_hybrid.errors import InputError, nearest
from hf_hybrid.language_tags import wanted_languages
from hf_hybrid.retrieval.encode_sources import TextCorpus

logger = logging.getLogger(__name__)

HOW_TO_GET = (
    "pass --hub_id google-research-datasets/tydiqa, or download its folder secondary_task, or "
    "tydiqa-goldp-v1.1-dev.json of TyDi QA, into DIR and pass --data_dir DIR"
)
_READER_DATA = (
    "give --tydiqa a folder with train/<lang>.json and dev/<lang>.json, or google-research-datasets/tydiqa of the Hub"
)
# How ids and published files call the languages.
NAMES = {
    "arabic": "ar",
    "bengali": "bn",
    "english": "en",
    "finnish": "fi",
    "indonesian": "id",
    "korean": "ko",
    "russian": "ru",
    "swahili": "sw",
    "telugu": "te",
}
TASK = "tydiqa"
HELD_OUT = "held_out"
# Split -> the name of its files, and what the Hub calls it.
_SPLITS = {"dev": ("dev", "validation"), "train": ("train", "train"), HELD_OUT: ("train", "train")}


@dataclass(frozen=True)
class _Asked:
    """A language's questions, and the row of each one's paragraph among the distinct ones."""

    questions: list[Question]
    ids: list[str]
    contexts: list[str]
    rows: list[int]


def load_tydiqa(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    split: str = "dev",
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Load TyDi QA with all paragraphs in memory: one pool a language, one of all, and answers where there are any.

    Args:
        data_dir: folder in one of the layouts above.
        hub_id: dataset repository in the last one: google-research-datasets/tydiqa.
        revision: its revision.
        split: ``dev``; ``train``; or ``held_out``, the questions about a fifth of train's paragraphs, on which
            `hf-hybrid train-reader` does not train.
        languages: BCP-47 tags; by default all that are there.

    Raises:
        InputError: no data named, a language that is not there, a damaged file; names the file and the remedy.

    Example:
        >>> load_tydiqa("tydiqa", languages=["sw"]).num_candidates  # doctest: +SKIP
        357
    """
    asked = _read(TASK, data_dir, hub_id, revision, split, languages)
    tags = sorted(asked)
    first = dict(zip(tags, np.cumsum([0, *(len(asked[tag].contexts) for tag in tags)]).tolist(), strict=False))
    questions = [question for tag in tags for question in asked[tag].questions]
    rows = np.array([first[tag] + row for tag in tags for row in asked[tag].rows])
    return Benchmark(
        name=TASK,
        languages=tuple(tags),
        query_ids=[name for tag in tags for name in asked[tag].ids],
        queries=[question.text for question in questions],
        query_languages=np.repeat(np.arange(len(tags)), [len(asked[tag].ids) for tag in tags]),
        query_examples=np.arange(len(questions)),
        candidate_ids=[_context_id(tag, row) for tag in tags for row in range(len(asked[tag].contexts))],
        candidates=[context for tag in tags for context in asked[tag].contexts],
        candidate_languages=np.repeat(np.arange(len(tags)), [len(asked[tag].contexts) for tag in tags]),
        relevance_offsets=np.arange(len(questions) + 1),
        relevance_candidates=rows,
        clusters=rows,
        settings={"split": split},
        answers=[tuple(dict.fromkeys(answer.text for answer in question.answers)) for question in questions],
    )


def load_tydiqa_by_language(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    split: str = "dev",
    languages: Sequence[str] | None = None,
) -> CorpusBenchmark:
    """The same questions and paragraphs, measured as MIRACL is: each language searches its own paragraphs.

    Arguments and errors as of `load_tydiqa`.

    Example:
        >>> load_tydiqa_by_language("tydiqa").num_queries  # doctest: +SKIP
        5077
    """
    name = f"{TASK}_by_language"
    asked = _read(name, data_dir, hub_id, revision, split, languages)
    collections = [
        Collection(
            language=tag,
            query_ids=of_tag.ids,
            queries=[question.text for question in of_tag.questions],
            judgements=[{_context_id(tag, row): 1} for row in of_tag.rows],
            corpus=TextCorpus([_context_id(tag, row) for row in range(len(of_tag.contexts))], of_tag.contexts),
            clusters=[_context_id(tag, row) for row in of_tag.rows],
        )
        for tag, of_tag in sorted(asked.items())
    ]
    return CorpusBenchmark(name, tuple(collections), {"split": split})


def reader_questions(place: str, further: Sequence[Sequence[Question]] = ()) -> list[list[Question]]:
    """Questions for the training of a reader: TyDi QA's train split and other sets, without what TyDi QA measures.

    A question is left out where ``held_out`` or ``dev`` has its paragraph, or asks it in the same words of another.
    Case, white space and the Unicode form do not count.

    Args:
        place: a folder in one of the layouts above, or a dataset repository of the Hub.
        further: other sets.

    Returns:
        The sets, TyDi QA's first.

    Raises:
        InputError: there is no such place, or it is damaged.
    """
    found = Path(place)
    if not found.is_dir():
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", place):
            raise InputError(f"--tydiqa {place} is not a folder: {_READER_DATA}")
        found = download(place, None, [_pattern("train"), _pattern("dev")], _READER_DATA)
    questions = [replace(one, lang=tag) for tag, rows in _questions(found, "train").items() for one in rows]
    measured = [one for one in questions if is_held_out(one.context)]
    dev = [one for rows in _questions_if_there(found, "dev").values() for one in rows]
    if not dev:
        logger.warning("%s has no dev split: questions that it shares with what is trained on are not left out", found)
    asked = {_words(one.text) for one in (*measured, *dev)}
    contexts = {_words(one.context) for one in (*measured, *dev)}
    kept = []
    for number, rows in enumerate([questions, *further]):
        kept.append([one for one in rows if _words(one.context) not in contexts and _words(one.text) not in asked])
        if left_out := len(rows) - len(kept[-1]):
            whose = "another set" if number else "TyDi QA's train split"
            logger.info("%d questions of %s are left out: TyDi QA measures them", left_out, whose)
    return kept


def _words(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def _pattern(split: str) -> str:
    return f"secondary_task/{_SPLITS[split][1]}-*.parquet"


def _context_id(tag: str, row: int) -> str:
    return f"{tag}:{row:05d}"


def _read(
    name: str,
    data_dir: str | Path | None,
    hub_id: str | None,
    revision: str | None,
    split: str,
    languages: Sequence[str] | None,
) -> dict[str, _Asked]:
    """Language -> its questions."""
    wanted = wanted_languages(languages, "--languages")
    if split not in _SPLITS:
        close = nearest(split, list(_SPLITS))
        raise InputError(
            f"--split {split}: {f'did you mean {close}? ' if close else ''}TyDi QA has {', '.join(_SPLITS)}"
        )
    folder = benchmark_folder(name, HOW_TO_GET, data_dir, hub_id, revision, [_pattern(split)])
    by_tag = _questions(folder, split)
    if wanted and (missing := [tag for tag in wanted if tag not in by_tag]):
        raise InputError(f"{folder} has no questions in {missing[0]!r} in {split}: it has {', '.join(sorted(by_tag))}")
    return {tag: _asked(tag, by_tag[tag]) for tag in wanted or sorted(by_tag)}


def _questions(folder: Path, split: str) -> dict[str, list[Question]]:
    by_tag = _questions_if_there(folder, split)
    if not by_tag:
        raise InputError(
            f"{folder} has no {_SPLITS[split][0]}/<lang>.json nor another form of that split: {HOW_TO_GET}"
        )
    return by_tag


def _questions_if_there(folder: Path, split: str) -> dict[str, list[Question]]:
    name, at_hub = _SPLITS[split]
    by_tag: dict[str, list[Question]] = {}
    files = _language_files(folder, name)
    for tag, path in files.items():
        by_tag[tag] = read_questions(path)
    # One form of the split, or a folder with several would ask everything twice.
    published = folder / f"tydiqa-goldp-v1.1-{name}.json"
    shards = sorted((folder / "secondary_task").glob(f"{at_hub}-*.parquet"))
    for path in [] if files else [published] if published.is_file() else shards:
        for question in read_questions(path):
            by_tag.setdefault(_tag_of(question.id, path), []).append(question)
    if split == HELD_OUT:
        by_tag = {tag: [one for one in rows if is_held_out(one.context)] for tag, rows in by_tag.items()}
    return {tag: rows for tag, rows in by_tag.items() if rows}


def _language_files(folder: Path, name: str) -> Mapping[str, Path]:
    """Language -> its file, in one of the two layouts that have a file a language."""
    names = {folder / name: "{}.json", folder / f"tydiqa-goldp-v1.1-{name}": f"tydiqa.goldp.{{}}.{name}.json"}
    for place, form in names.items():
        found = {tag: place / form.format(tag) for tag in NAMES.values()}
        found = {tag: path for tag, path in found.items() if path.is_file()}
        if found:
            return found
    return {}


def _tag_of(identifier: str, path: Path) -> str:
    language = identifier.partition("-")[0]
    if language not in NAMES:
        raise InputError(
            f"{path}: id {identifier!r} does not begin with a language of TyDi QA ({', '.join(NAMES)}): {HOW_TO_GET}"
        )
    return NAMES[language]


def _asked(tag: str, questions: list[Question]) -> _Asked:
    contexts: dict[str, int] = {}
    rows = [contexts.setdefault(question.context, len(contexts)) for question in questions]
    # Train's ids repeat.
    seen: Counter[str] = Counter()
    ids = []
    for question in questions:
        seen[question.id] += 1
        ids.append(f"{tag}:{question.id}" + (f"#{seen[question.id]}" if seen[question.id] > 1 else ""))
    return _Asked(questions, ids, list(contexts), rows)
