"""Reader of LAReQA's JSON layout (XQuAD-R, MLQA-R): SQuAD's layout with the paragraphs split into sentences.

One file per language: ``data[] -> title, paragraphs[] -> context, sentence_breaks [[start, end], ...], sentences
[...], qas[] -> id, question, answers [{text, answer_start}]``. Candidates are all sentences, without removing
repetitions; the sentence whose ``sentence_breaks`` interval contains ``answer_start`` answers the question, in every
language that has the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.errors import InputError
from hf_hybrid.text_files import read_json

CANDIDATE_TEXTS = ("sentence", "sentence_in_context")


@dataclass(frozen=True)
class Question:
    """A question of a paragraph; ``sentence`` is the index of the sentence that answers it."""

    id: str
    text: str
    sentence: int
    answer: str
    answer_start: int


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a file: ``number`` counts the file's paragraphs, ``article`` its articles, both from 0."""

    number: int
    article: int
    title: str
    context: str
    sentences: Sequence[str]
    breaks: Sequence[tuple[int, int]]
    questions: Sequence[Question]


@dataclass(frozen=True)
class Pool:
    """The candidates of all languages, and the queries with the rows of the candidates that answer them, in ascending
    order.
    """

    languages: tuple[str, ...]
    candidate_ids: list[str] = field(default_factory=list)
    candidates: list[str] = field(default_factory=list)
    candidate_languages: list[int] = field(default_factory=list)
    query_ids: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    query_languages: list[int] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    relevant: list[list[int]] = field(default_factory=list)


def read_lareqa(name: str, files: Mapping[str, Path], candidate_text: str = "sentence") -> Benchmark:
    """Read one file per language. A query of a cell is a question that the other language's file answers, too.

    Args:
        name: name of the benchmark.
        files: BCP-47 tag -> JSON file.
        candidate_text: what the encoder is given of a candidate. ``sentence``: the sentence alone.
            ``sentence_in_context``: the sentence, a line break, and the paragraph it stands in (the sentence
            included). The sentence comes first, so a maximum length cuts the context, never the sentence. Figures of
            the two are not comparable.

    Returns:
        The benchmark; queries and candidates in the order of the files, a question's paragraph as its cluster.

    Raises:
        InputError: a file is missing or damaged; names the file, the field and the remedy.
    """
    check_candidate_text(candidate_text)
    pool = Pool(tuple(sorted(files)))
    answers: dict[str, list[int]] = {}
    for language, tag in enumerate(pool.languages):
        for paragraph in read_paragraphs(files[tag]):
            first = len(pool.candidates)
            for index, sentence in enumerate(paragraph.sentences):
                pool.candidate_ids.append(candidate_id(tag, paragraph.number, index))
                pool.candidates.append(text_of_candidate(sentence, paragraph.context, candidate_text))
                pool.candidate_languages.append(language)
            for question in paragraph.questions:
                pool.query_ids.append(query_id(tag, question.id))
                pool.queries.append(question.text)
                pool.query_languages.append(language)
                pool.examples.append(question.id)
                pool.paragraphs.append(paragraph_id(tag, paragraph.number))
                answers.setdefault(question.id, []).append(first + question.sentence)
    pool.relevant.extend(answers[example] for example in pool.examples)
    if not pool.queries:
        raise InputError(
            f"no questions in {', '.join(str(path) for path in files.values())}: mend the files or copy them anew"
        )
    return assemble(name, pool, candidate_text)


def check_candidate_text(candidate_text: str) -> None:
    """Refuse anything but `CANDIDATE_TEXTS`."""
    if candidate_text not in CANDIDATE_TEXTS:
        raise InputError(f"candidate_text is {candidate_text!r}: choose one of {', '.join(CANDIDATE_TEXTS)}")


def text_of_candidate(sentence: str, context: str, candidate_text: str) -> str:
    """What the encoder is given of a sentence."""
    return sentence if candidate_text == "sentence" else f"{sentence}\n{context}"


def query_id(tag: str, question: str) -> str:
    """Name of a question in a language."""
    return f"{tag}:{question}"


def paragraph_id(tag: str, number: int) -> str:
    """Name of a paragraph in a language."""
    return f"{tag}:{number:03d}"


def candidate_id(tag: str, number: int, index: int) -> str:
    """Name of a sentence: its paragraph's, and its place there."""
    return f"{paragraph_id(tag, number)}:{index:02d}"


def assemble(name: str, pool: Pool, candidate_text: str) -> Benchmark:
    """The benchmark of a pool."""
    example_of = {example: code for code, example in enumerate(dict.fromkeys(pool.examples))}
    return Benchmark(
        name=name,
        languages=pool.languages,
        query_ids=pool.query_ids,
        queries=pool.queries,
        query_languages=np.array(pool.query_languages),
        query_examples=np.array([example_of[example] for example in pool.examples]),
        candidate_ids=pool.candidate_ids,
        candidates=pool.candidates,
        candidate_languages=np.array(pool.candidate_languages),
        relevance_offsets=np.concatenate([[0], np.cumsum([len(found) for found in pool.relevant])]),
        relevance_candidates=np.array([row for found in pool.relevant for row in found]),
        clusters=clusters_of(pool.examples, pool.paragraphs),
        settings={"candidate_text": candidate_text},
    )


def clusters_of(examples: Sequence[str], paragraphs: Sequence[str]) -> np.ndarray:
    """Questions that are tied to each other by a shared paragraph, in any language, directly or through others: int64
    ``[Q]``.

    XQuAD-R's paragraphs are parallel: its clusters are the 240 paragraphs. In MLQA-R each language cuts its own
    article.

    Args:
        examples: of each query the question that it is a rendition of.
        paragraphs: of each query the name of its paragraph in its language.
    """
    parent: dict[object, object] = {}

    def root(node: object) -> object:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = node = parent[above]
        return node

    for example, paragraph in zip(examples, paragraphs, strict=True):
        parent[root(("paragraph", paragraph))] = root(("example", example))
    numbers: dict[object, int] = {}
    roots = (root(("example", example)) for example in examples)
    return np.array([numbers.setdefault(found, len(numbers)) for found in roots], dtype=np.int64)


def read_paragraphs(path: Path) -> Iterator[Paragraph]:
    """Read the paragraphs of a file in LAReQA's layout.

    Raises:
        InputError: the file is missing or damaged; names the place and the remedy.
    """
    for number, (article, title, where, record) in enumerate(_records(path)):
        sentences = _field(record, "sentences", list, where)
        breaks = _sentence_breaks(record, len(sentences), where)
        questions = [
            _question(question, breaks, f"{where} qas[{position}]")
            for position, question in enumerate(_field(record, "qas", list, where))
        ]
        yield Paragraph(number, article, title, _field(record, "context", str, where), sentences, breaks, questions)


def _records(path: Path) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """Yield ``(article, title, where, paragraph)`` of a file; ``where`` names the place for error messages."""
    document = read_json(path)
    articles = _field(document, "data", list, str(path))
    for a, article in enumerate(articles):
        for p, paragraph in enumerate(_field(article, "paragraphs", list, f"{path}: data[{a}]")):
            yield a, str(article.get("title", "")), f"{path}: data[{a}].paragraphs[{p}]", paragraph


def _field(record: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(record, dict) or not isinstance(record.get(name), kind):
        raise InputError(
            f"{where} has no field {name!r} of type {kind.__name__}: the file is damaged or not in LAReQA's layout; "
            "mend it or copy it anew"
        )
    return record[name]


def _sentence_breaks(paragraph: dict[str, Any], num_sentences: int, where: str) -> list[tuple[int, int]]:
    breaks = _field(paragraph, "sentence_breaks", list, where)
    if len(breaks) != num_sentences:
        raise InputError(
            f"{where} has {num_sentences} sentences but {len(breaks)} sentence_breaks: mend the file or copy it anew"
        )
    if not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, int) for end in pair) for pair in breaks
    ):
        raise InputError(f"{where}: sentence_breaks must be pairs of integers; mend the file or copy it anew")
    return [(start, end) for start, end in breaks]


def _question(question: Any, breaks: Sequence[tuple[int, int]], where: str) -> Question:
    identifier, text = _field(question, "id", str, where), _field(question, "question", str, where)
    answers = _field(question, "answers", list, where)
    start = _field(answers[0] if answers else None, "answer_start", int, f"{where}.answers[0]")
    found = [index for index, (first, end) in enumerate(breaks) if first <= start < end]
    if len(found) != 1:
        raise InputError(
            f"{where}: answer_start {start} lies in {len(found)} sentences instead of one; mend the file or copy it "
            "anew"
        )
    return Question(identifier, text, found[0], str(answers[0].get("text", "")), start)
