"""Pools of passages to search, and the facts of world_facts: which question is asked in which words, and what answers
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.errors import InputError

from .words import comparable


@dataclass(frozen=True)
class Pool:
    """N passages.

    Attributes:
        texts: the passages.
        languages: BCP-47 tag of each.
        ids: name of each.
        facts: the fact that each states, by id; None where that is not known.
        answers: the short answer that stands in each passage; empty where not known.
    """

    texts: Sequence[str] = field(repr=False)
    languages: Sequence[str] = field(repr=False)
    ids: Sequence[str] = field(repr=False)
    facts: Sequence[str | None] = field(repr=False)
    answers: Sequence[str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def language_share(self) -> dict[str, float]:
        """Share of each language among the passages, by tag in alphabetical order."""
        return shares(self.languages)

    @cached_property
    def rows_of_fact(self) -> dict[str, list[int]]:
        """Fact -> the passages that state it."""
        rows: dict[str, list[int]] = {}
        for row, fact in enumerate(self.facts):
            if fact is not None:
                rows.setdefault(fact, []).append(row)
        return rows

    def gloss(self, row: int) -> str:
        """The English passage that states the same fact; empty where there is none, or where it is this one."""
        if self.languages[row] == "en":
            return ""
        same = self.rows_of_fact.get(self.facts[row] or "", ())
        return next((self.texts[other] for other in same if self.languages[other] == "en"), "")


def shares(tags: Sequence[str]) -> dict[str, float]:
    """Share of every tag, in alphabetical order.

    Example:
        >>> shares(["en", "de", "en", "en"])
        {'de': 0.25, 'en': 0.75}
    """
    return {tag: tags.count(tag) / len(tags) for tag in sorted(set(tags))} if tags else {}


@dataclass(frozen=True)
class Fact:
    """One question in every language.

    Attributes:
        id: its name.
        topic: what it is about.
        questions: language -> words.
    """

    id: str
    topic: str
    questions: Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """A built-in question in one language.

    Attributes:
        fact: id of the fact that it asks for.
        language: its language.
        words: as it is asked.
    """

    fact: str
    language: str
    words: str


class Facts:
    """The facts that a question may be one of.

    Args:
        facts: in the order in which they are offered.
    """

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = {fact.id: fact for fact in facts}
        self._known = {comparable(words): (fact.id, tag) for fact in facts for tag, words in fact.questions.items()}

    def recognise(self, question: str) -> tuple[str, str] | None:
        """Fact and language of a question that is word for word one of the data's, whatever its case, punctuation and
        spaces.
        """
        return self._known.get(comparable(question))

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """Every question in every language, always in the same order."""
        return tuple(
            Asked(fact.id, tag, words) for fact in self.facts.values() for tag, words in fact.questions.items()
        )

    def after(self, fact: str | None) -> Fact:
        """The fact that is offered after this one: of the next topic, so that examples vary; the first for None."""
        order = self._varied
        return self.facts[order[(order.index(fact) + 1) % len(order)] if fact in self.facts else order[0]]

    @cached_property
    def _varied(self) -> list[str]:
        """All facts, topics taking turns."""
        by_topic: dict[str, list[str]] = {}
        for fact in self.facts.values():
            by_topic.setdefault(fact.topic, []).append(fact.id)
        deepest = max(map(len, by_topic.values()))
        return [ids[turn] for turn in range(deepest) for ids in by_topic.values() if turn < len(ids)]


def read_world_facts(folder: str | Path) -> tuple[Pool, Facts]:
    """Read the pool and the facts of a copy of world_facts, languages in alphabetical order.

    Raises:
        InputError: the folder holds no such data.
    """
    files = sorted((Path(folder) / "data").glob("*.parquet"))
    if not files:
        raise InputError(f"{folder}: no data/*.parquet in it; give a copy of the data set world_facts")
    names = ["id", "lang", "query", "passage", "topic", "answer"]
    try:
        columns = pa.concat_tables([pq.read_table(file, columns=names) for file in files]).to_pydict()
    except (pa.ArrowInvalid, KeyError) as error:
        raise InputError(f"{folder}: not in the form of world_facts ({error})") from error
    pool = Pool(
        texts=columns["passage"],
        languages=columns["lang"],
        ids=[f"{tag}:{name}" for tag, name in zip(columns["lang"], columns["id"], strict=True)],
        facts=columns["id"],
        answers=columns["answer"],
    )
    questions: dict[str, dict[str, str]] = {}
    topics: dict[str, str] = {}
    for name, tag, words, topic in zip(*(columns[key] for key in ("id", "lang", "query", "topic")), strict=True):
        questions.setdefault(name, {})[tag] = words
        topics[name] = topic
    return pool, Facts([Fact(name, topics[name], words) for name, words in questions.items()])
