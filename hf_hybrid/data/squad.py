"""Questions with a passage and the answer's place in it: SQuAD's JSON layout, and tables with the same fields.

    {"data": [{"paragraphs": [{"context": ..., "qas": [{"id", "question", "answers": [{"text", "answer_start"}]}]}]}]}

A table (Parquet) has either SQuAD's columns as the Hub flattens them (id, context, question, answers{text,
answer_start}) or plain ones (question, answer, answer_start, passage; lang and id where there are any).

Copies of evaluation sets often come with their answers taken out: empty texts at place 0. Such a question has no
answers here.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_hybrid.data.tables import open_parquet
from hf_hybrid.errors import InputError
from hf_hybrid.text_files import read_json

logger = logging.getLogger(__name__)

_FLAT = ("context", "question", "answers")
_PLAIN = ("passage", "question", "answer", "answer_start")
# Of 5 passages of a training set, one is held out.
HELD_OUT_SHARE = 5


@dataclass(frozen=True)
class Answer:
    """A span of a passage: ``context[start : start + len(text)] == text``."""

    text: str
    start: int


@dataclass(frozen=True)
class Question:
    """A question about a passage.

    Attributes:
        id: as the file has it; files of training data repeat theirs.
        text: the question.
        context: the passage.
        answers: the spans that answer it; none where the file keeps them back.
        lang: tag that the row names; empty where it names none.
    """

    id: str
    text: str
    context: str
    answers: tuple[Answer, ...]
    lang: str = ""


def read_squad(path: Path) -> list[Question]:
    """Read a file of SQuAD's JSON layout.

    Raises:
        InputError: a field is missing, or an answer is not where the file says; names the place.

    Example:
        >>> read_squad(Path("tydiqa/train/sw.json"))[0].answers  # doctest: +SKIP
        (Answer(text='1999', start=336),)
    """
    return list(_of_document(read_json(path), str(path)))


def read_questions(path: Path) -> list[Question]:
    """Read a file by its ending: ``.json`` of SQuAD's layout, or a ``.parquet`` table.

    Rows of a table whose answer does not stand where they say (paraphrases, answers without a place) are left out,
    with a warning that counts them.

    Raises:
        InputError: another ending, a missing file, missing fields or columns.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give .json files of SQuAD's layout, or .parquet tables")
    if path.suffix == ".json":
        return read_squad(path)
    if path.suffix != ".parquet":
        raise InputError(f"{path}: give .json files of SQuAD's layout, or .parquet tables")
    with open_parquet(path) as parquet:
        names = set(parquet.schema_arrow.names)
        wanted = next((columns for columns in (_FLAT, _PLAIN) if names.issuperset(columns)), None)
        if wanted is None:
            raise InputError(
                f"{path} has the columns {', '.join(sorted(names))}: give {', '.join(_FLAT)}, or {', '.join(_PLAIN)}"
            )
        further = [name for name in ("id", "lang") if name in names]
        rows = parquet.read(columns=[*further, *wanted]).to_pylist()
    make = _of_flat_row if wanted is _FLAT else _of_plain_row
    questions = [make(row, f"{path}, row {number}") for number, row in enumerate(rows)]
    kept = [question for question in questions if question is not None]
    if len(kept) < len(rows):
        logger.warning(
            "%s: %d of %d rows are left out, their answer is not where they say",
            path,
            len(rows) - len(kept),
            len(rows),
        )
    return kept


def is_held_out(context: str) -> bool:
    """Whether a passage of a training set belongs to the fifth that measures rather than trains; by its text alone, so
    that every reader and every benchmark cut the same way.

    Example:
        >>> sum(is_held_out(f"passage {number}") for number in range(1000))
        201
    """
    return hashlib.sha256(context.encode()).digest()[0] % HELD_OUT_SHARE == 0


def questions_sha256(questions: Iterable[Question]) -> str:
    """Digest of questions, passages and answers in their order."""
    digest = hashlib.sha256()
    for one in questions:
        parts = (one.lang, one.text, one.context, *(f"{answer.start} {answer.text}" for answer in one.answers))
        for part in parts:
            digest.update(part.encode() + b"\0")
        digest.update(b"\n")
    return digest.hexdigest()


def _of_document(document: Any, where: str) -> Iterator[Question]:
    for a, article in enumerate(_field(document, "data", list, where)):
        place = f"{where}: data[{a}]"
        for p, paragraph in enumerate(_field(article, "paragraphs", list, place)):
            inner = f"{place}.paragraphs[{p}]"
            context = _field(paragraph, "context", str, inner)
            for q, row in enumerate(_field(paragraph, "qas", list, inner)):
                at = f"{inner}.qas[{q}]"
                identifier = row.get("id") if isinstance(row, dict) else None
                yield Question(
                    id="" if identifier is None else str(identifier),
                    text=_field(row, "question", str, at),
                    context=context,
                    answers=_answers(_field(row, "answers", list, at), context, at),
                )


def _answers(rows: list[Any], context: str, where: str) -> tuple[Answer, ...]:
    found: dict[Answer, None] = {}
    for number, row in enumerate(rows):
        at = f"{where}.answers[{number}]"
        text, start = _field(row, "text", str, at), _field(row, "answer_start", int, at)
        if not text:
            continue
        if start < 0 or context[start : start + len(text)] != text:
            raise InputError(f"{at}: {text!r} does not stand at {start} in its context; mend the file or copy it anew")
        found[Answer(text, start)] = None
    return tuple(found)


def _of_flat_row(row: Mapping[str, Any], where: str) -> Question | None:
    answers = row["answers"]
    if not isinstance(answers, dict) or not {"text", "answer_start"} <= set(answers):
        raise InputError(f"{where}: field 'answers' has no text and answer_start; give the Hub's form of SQuAD")
    pairs = zip(answers["text"] or [], answers["answer_start"] or [], strict=False)
    spans = [Answer(text, start) for text, start in pairs if text]
    if not all(_stands(row["context"], span) for span in spans):
        return None
    return Question(
        str(row.get("id") or ""), row["question"], row["context"], tuple(dict.fromkeys(spans)), row.get("lang") or ""
    )


def _of_plain_row(row: Mapping[str, Any], where: str) -> Question | None:
    for name in ("passage", "question"):
        if not isinstance(row[name], str):
            raise InputError(f"{where}: field {name!r} is no text; fill it in or leave the row out")
    if not row["answer"] or row["answer_start"] is None:
        return None
    span = Answer(row["answer"], int(row["answer_start"]))
    if not _stands(row["passage"], span):
        return None
    return Question(str(row.get("id") or ""), row["question"], row["passage"], (span,), row.get("lang") or "")


def _stands(context: str, span: Answer) -> bool:
    return span.start >= 0 and context[span.start : span.start + len(span.text)] == span.text


def _field(record: Any, name: str, kind: type, where: str) -> Any:
    value = record.get(name) if isinstance(record, dict) else None
    # bool is an int to Python, and to nobody else.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(
            f"{where} has no field {name!r} of type {kind.__name__}: the file is damaged or not in SQuAD's layout; "
            "mend it or copy it anew"
        )
    return value
