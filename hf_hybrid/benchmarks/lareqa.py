"""Reader of LAReQA's JSON layout (XQuAD-R, MLQA-R): SQuAD's layout with the paragraphs split into sentences.

One file per language: ``data[] -> title, paragraphs[] -> context, sentence_breaks [[start, end], ...], sentences [...],
qas[] -> id, question, answers [{text, answer_start}]``. Candidates are all sentences, without removing repetitions; the sentence
whose ``sentence_breaks`` interval contains ``answer_start`` answers the question, in every language that has the question.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .benchmark import Benchmark

CANDIDATE_TEXTS = ("sentence", "sentence_in_context")


@dataclass(frozen=True)
class _Question:
    id: str
    text: str
    language: int
    paragraph: int
    answer: int  # index of the candidate


def read_lareqa(name: str, files: Mapping[str, Path], candidate_text: str = "sentence") -> Benchmark:
    """Read one file per language. A query of a cell is a question that the other language's file answers, too.

    Args:
        name: name of the benchmark.
        files: BCP-47 tag -> JSON file.
        candidate_text: what the encoder is given of a candidate. ``sentence``: the sentence alone. ``sentence_in_context``: the
            sentence, a line break, and the paragraph it stands in (the sentence included). The sentence comes first, so a maximum length
            cuts the context, never the sentence. Figures of the two are not comparable.

    Returns:
        The benchmark; queries and candidates in the order of the files, a question's paragraph as its cluster.

    Raises:
        InputError: a file is missing or damaged; names the file, the field and the remedy.
    """
    if candidate_text not in CANDIDATE_TEXTS:
        raise InputError(f"candidate_text is {candidate_text!r}: choose one of {', '.join(CANDIDATE_TEXTS)}")
    languages = tuple(sorted(files))
    candidate_ids: list[str] = []
    candidates: list[str] = []
    candidate_languages: list[int] = []
    questions: list[_Question] = []
    for language, tag in enumerate(languages):
        for number, (where, paragraph) in enumerate(_paragraphs(files[tag])):
            first = len(candidates)
            context = _field(paragraph, "context", str, where)
            sentences = _field(paragraph, "sentences", list, where)
            breaks = _sentence_breaks(paragraph, len(sentences), where)
            for index, sentence in enumerate(sentences):
                candidate_ids.append(f"{tag}:{number:03d}:{index:02d}")
                candidates.append(sentence if candidate_text == "sentence" else f"{sentence}\n{context}")
                candidate_languages.append(language)
            for position, question in enumerate(_field(paragraph, "qas", list, where)):
                asked = f"{where} qas[{position}]"
                identifier, text = _field(question, "id", str, asked), _field(question, "question", str, asked)
                sentence = _answering_sentence(question, breaks, asked)
                questions.append(_Question(identifier, text, language, number, first + sentence))
    if not questions:
        raise InputError(
            f"no questions in {', '.join(str(path) for path in files.values())}: download the files again"
        )
    return _assemble(name, languages, questions, candidate_ids, candidates, candidate_languages, candidate_text)


def _assemble(
    name: str,
    languages: tuple[str, ...],
    questions: list[_Question],
    candidate_ids: list[str],
    candidates: list[str],
    candidate_languages: list[int],
    candidate_text: str,
) -> Benchmark:
    answers: dict[str, list[int]] = {}
    for question in questions:
        answers.setdefault(question.id, []).append(question.answer)
    example_of = {identifier: code for code, identifier in enumerate(answers)}
    relevant = [answers[question.id] for question in questions]
    return Benchmark(
        name=name,
        languages=languages,
        query_ids=[f"{languages[question.language]}:{question.id}" for question in questions],
        queries=[question.text for question in questions],
        query_languages=np.array([question.language for question in questions]),
        query_examples=np.array([example_of[question.id] for question in questions]),
        candidate_ids=candidate_ids,
        candidates=candidates,
        candidate_languages=np.array(candidate_languages),
        relevance_offsets=np.concatenate([[0], np.cumsum([len(found) for found in relevant])]),
        relevance_candidates=np.concatenate(relevant),
        clusters=_clusters(questions),
        settings={"candidate_text": candidate_text},
    )


def _clusters(questions: Sequence[_Question]) -> np.ndarray:
    """Questions that are tied to each other by a shared paragraph, in any language, directly or through others: int64 ``[Q]``.

    XQuAD-R's paragraphs are parallel: its clusters are the 240 paragraphs. In MLQA-R each language cuts its own article.
    """
    parent: dict[object, object] = {}

    def root(node: object) -> object:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = node = parent[above]
        return node

    for question in questions:
        parent[root((question.language, question.paragraph))] = root(question.id)
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(root(question.id), len(numbers)) for question in questions], dtype=np.int64)


def _paragraphs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(where, paragraph)`` of a file; ``where`` names the place for error messages."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}; download the file again or correct the path"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): download the file again") from error
    articles = _field(document, "data", list, str(path))
    for a, article in enumerate(articles):
        for p, paragraph in enumerate(_field(article, "paragraphs", list, f"{path}: data[{a}]")):
            yield f"{path}: data[{a}].paragraphs[{p}]", paragraph


def _field(record: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(record, dict) or not isinstance(record.get(name), kind):
        raise InputError(
            f"{where} has no field {name!r} of type {kind.__name__}: the file is damaged or not in LAReQA's layout; download it again"
        )
    return record[name]


def _sentence_breaks(paragraph: dict[str, Any], num_sentences: int, where: str) -> list[tuple[int, int]]:
    breaks = _field(paragraph, "sentence_breaks", list, where)
    if len(breaks) != num_sentences:
        raise InputError(
            f"{where} has {num_sentences} sentences but {len(breaks)} sentence_breaks: download the file again"
        )
    if not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, int) for end in pair) for pair in breaks
    ):
        raise InputError(f"{where}: sentence_breaks must be pairs of integers; download the file again")
    return [(start, end) for start, end in breaks]


def _answering_sentence(question: dict[str, Any], breaks: Sequence[tuple[int, int]], where: str) -> int:
    answers = _field(question, "answers", list, where)
    start = _field(answers[0] if answers else None, "answer_start", int, f"{where}.answers[0]")
    found = [index for index, (first, end) in enumerate(breaks) if first <= start < end]
    if len(found) != 1:
        raise InputError(
            f"{where}: answer_start {start} lies in {len(found)} sentences instead of one; download the file again"
        )
    return found[0]
