"""From what a visitor has chosen to what the page shows: every mistake becomes a sentence. Knows HTML, but not
gradio.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any

from hf_hybrid.errors import InputError

from .answers import GUESS, Answers
from .benchmark_views import benchmark_view
from .comparison_views import comparison_view, translations_view
from .corpora import Corpus, CorpusStore
from .corpus_views import corpus_view
from .markup import message
from .permalinks import Link, link_text
from .published import Published
from .result_views import results_view


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
    """

    def __init__(self, answers: Answers, published: Published, store: CorpusStore) -> None:
        self.answers = answers
        self.published = published
        self.store = store

    @mistakes_as_messages
    def search(self, question: str, language: str, checkpoint: str, only: Sequence[str], k: int) -> str:
        """The tab with one search."""
        answer = self.answers.search(question, checkpoint, language=language, languages=only, k=k)
        link = Link(question=answer.question.text, language=language or GUESS, checkpoint=checkpoint, k=int(k))
        kept = () if set(only or ()) >= set(self.answers.languages) else tuple(only or ())
        return results_view(answer, link_text(Link(**{**vars(link), "only": kept})))

    @mistakes_as_messages
    def compare(self, question: str, language: str, first: str, second: str) -> str:
        """The tab with two checkpoints."""
        answers = self.answers.compare(question, first, second, language=language)
        link = Link("compare", answers[0].question.text, language or GUESS, checkpoint=second, other=first)
        return comparison_view(*answers, link_text(link))

    @mistakes_as_messages
    def translations(self, fact: str, checkpoint: str) -> str:
        """The tab with all languages."""
        answers, found = self.answers.ask_in_all_languages(fact, checkpoint)
        return translations_view(answers, found, link_text(Link("languages", checkpoint=checkpoint, fact=fact)))

    @mistakes_as_messages
    def benchmark(self, benchmark: str | None, checkpoint: str) -> str:
        """The tab with measured numbers."""
        return benchmark_view(self.published, benchmark, checkpoint)

    @mistakes_as_messages
    def corpus(self, name: str | None, file_name: str = "") -> str:
        """What is said of a visitor's texts."""
        return corpus_view(self.store.get(name), file_name)

    @mistakes_as_messages
    def own_search(self, name: str | None, question: str, k: int) -> str:
        """A search in a visitor's texts."""
        corpus: Corpus = self.store.get(name)
        asked = self.answers.look_at(question)
        return results_view(self.answers.search_in(corpus.pool, corpus.vectors, asked, corpus.checkpoint, k))
