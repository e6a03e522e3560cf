"""From what a visitor has chosen to what the page shows: every mistake becomes a sentence. Knows HTML, but not
gradio.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

from hf_hybrid.errors import InputError

from .answers import Answers
from .benchmark_views import benchmark_view
from .compare_views import comparison_view
from .comparing import compare
from .corpora import Parsed
from .corpus_store import Corpus, CorpusStore
from .corpus_views import corpus_view
from .examples import Measured
from .limits import checked_question, checked_results
from .markup import message
from .overview_views import overview_view
from .permalinks import Link, link_text
from .pool import Fact
from .published import Published
from .questions import GUESS
from .translation_views import translations_view


def mistakes_as_messages(show: Any) -> Any:
    """Make a function that returns HTML show what is wrong with its input instead of raising."""

    @wraps(show)
    def wrapper(*arguments: Any, **keywords: Any) -> str:
        try:
            return show(*arguments, **keywords)
        except InputError as error:
            return message(str(error))

    return wrapper


class PageViews:
    """The views of the page.

    Args:
        answers: the shipped pool with its checkpoints.
        published: measured numbers.
        store: corpora of visitors.
        measured: figures over all built-in questions, and examples.
    """

    def __init__(self, answers: Answers, published: Published, store: CorpusStore, measured: Measured) -> None:
        self.answers = answers
        self.published = published
        self.store = store
        self.measured = measured

    def first_question(self) -> str:
        """What the page begins with: the English question that is nearest to the mean of all."""
        typical = next((one for one in self.measured.examples if one.kind == "typical"), None)
        if typical is None:
            return next(iter(self.answers.facts.after(None).questions.values()))
        return self.answers.facts.facts[typical.fact].questions[typical.language]

    def fact_of(self, question: object) -> Fact | None:
        """The built-in question that stands in the box, in whatever language."""
        known = self.answers.facts.recognise(question) if isinstance(question, str) else None
        return self.answers.facts.facts[known[0]] if known else None

    @mistakes_as_messages
    def overview(self, before: str, after: str) -> str:
        """One sentence and one chart over all built-in questions."""
        names = [self.answers.checked_checkpoint(name) for name in (before, after)]
        return overview_view(self.answers.figures, *names, len(self.answers.languages))

    @mistakes_as_messages
    def compare(
        self,
        question: str,
        language: str,
        before: str,
        after: str,
        only: Sequence[str] | None,
        k: int,
        linked: bool = True,
    ) -> str:
        """The tab with two lists."""
        found = self.answers.compare(question, before, after, language=language, languages=only, k=k)
        address = self.address("compare", question, language, before, after, only, k) if linked else ""
        return comparison_view(*found, address)

    @mistakes_as_messages
    def translations(self, question: str, before: str, after: str) -> str:
        """The tab with all languages."""
        fact = self.fact_of(question)
        if fact is None:
            return message(
                "A question of your own is known in the language that you asked it in only. Choose one of the examples, or press Another question, to "
                "see one asked in all languages.",
                is_error=False,
            )
        sides = [(name, *self.answers.ask_in_all_languages(fact.id, name)) for name in dict.fromkeys((before, after))]
        return translations_view(sides, self.address("languages", question, GUESS, before, after, None, 10))

    @mistakes_as_messages
    def benchmark(self, benchmark: str | None, checkpoint: str, address: str = "") -> str:
        """The tab with measured numbers."""
        return benchmark_view(self.published, benchmark, checkpoint, address)

    @mistakes_as_messages
    def corpus(self, name: str | None, file_name: str = "", problems: Sequence[str] = ()) -> str:
        """What is said of a visitor's texts."""
        return corpus_view(self.store.get(name), file_name, problems)

    def keep(self, parsed: Parsed) -> str:
        """Keep a visitor's texts; returns their name."""
        return self.store.add(Corpus(parsed.pool, {}))

    @mistakes_as_messages
    def own_search(
        self,
        name: str | None,
        question: str,
        language: str,
        before: str,
        after: str,
        k: int,
        told: Callable[[tuple[int, int]], object] = lambda done: None,
    ) -> str:
        """A search in a visitor's texts with both checkpoints, which are embedded with each when it is first used."""
        corpus: Corpus = self.store.get(name)
        asked = replace(self.answers.look_at(question, language), fact=None)
        found = []
        for checkpoint in (before, after):
            self.answers.checked_checkpoint(checkpoint)
            if checkpoint not in corpus.vectors:
                corpus.vectors[checkpoint] = self.answers.embed(corpus.pool, checkpoint, told)
            found.append(self.answers.search_in(corpus.pool, corpus.vectors[checkpoint], asked, checkpoint, k))
        address = self.address("texts", question, language, before, after, None, k)
        return comparison_view(*found, compare(found[0].found, found[1].found), address, copied=False)

    def address(
        self, tab: str, question: str, language: str, before: str, after: str, only: Sequence[str] | None, k: int
    ) -> str:
        """The part of the page's address that opens a view again; what no link may say is left out."""
        kept = () if set(only or ()) >= set(self.answers.languages) else tuple(only or ())
        try:
            asked, results = checked_question(question), checked_results(k)
        except InputError:
            return link_text(Link(tab=tab))
        return link_text(
            Link(
                tab=tab,
                question=asked,
                language=language or GUESS,
                checkpoint="" if after == self.answers.after else after,
                other="" if before == self.answers.before else before,
                only=kept,
                k=results,
            )
        )
