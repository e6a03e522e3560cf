"""Small files in LAReQA's layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

# A paragraph: its sentences, and (question id, index of the sentence that answers it).
Paragraph = tuple[Sequence[str], Sequence[tuple[str, int]]]


def write_lareqa(folder: Path, tag: str, articles: Sequence[Sequence[Paragraph]]) -> Path:
    """Write ``<tag>.json``: articles of paragraphs; the answer to a question is the first word of its sentence."""
    data = []
    for number, paragraphs in enumerate(articles):
        records = []
        for sentences, questions in paragraphs:
            context = " ".join(sentences)
            starts = [context.index(sentence) for sentence in sentences]
            breaks = [[start, start + len(sentence)] for start, sentence in zip(starts, sentences, strict=True)]
            qas = [
                {
                    "id": name,
                    "question": f"{name} in {tag}?",
                    "answers": [{"text": sentences[index].split()[0], "answer_start": starts[index]}],
                }
                for name, index in questions
            ]
            records.append({"context": context, "sentences": sentences, "sentence_breaks": breaks, "qas": qas})
        data.append({"title": f"Article_{number}", "paragraphs": records})
    path = folder / f"{tag}.json"
    path.write_text(json.dumps({"version": "1.1", "data": data}, ensure_ascii=False), encoding="utf-8")
    return path


def write_parallel(folder: Path, languages: Sequence[str], paragraphs: int = 6) -> Path:
    """Write parallel files, as XQuAD-R's: two paragraphs to an article, two questions to a paragraph, three sentences
    each.
    """
    for tag in languages:
        texts = [
            (
                [f"{word} number {p} written in {tag}." for word in ("One", "Two", "Three")],
                [(f"q{p}a", 0), (f"q{p}b", 2)],
            )
            for p in range(paragraphs)
        ]
        write_lareqa(folder, tag, [texts[start : start + 2] for start in range(0, paragraphs, 2)])
    return folder


def write_uneven(folder: Path, languages: Sequence[str]) -> Path:
    """Write files whose languages share some questions but no paragraphs, as MLQA-R's: question `all` is in every
    language.
    """
    for number, tag in enumerate(languages):
        own = [f"{word} of {tag}." for word in ("Alpha", "Beta", "Gamma", "Delta")[: 2 + number % 3]]
        # Odd languages ask both questions about one paragraph, even ones about two.
        if number % 2:
            articles = [[(own, [("all", 1), ("odd", 0)])]]
        else:
            articles = [[(own, [("all", 0)])], [([f"Another of {tag}."], [(f"only-{tag}", 0)])]]
        write_lareqa(folder, tag, articles)
    return folder
