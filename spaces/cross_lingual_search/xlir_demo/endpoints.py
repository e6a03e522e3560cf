"""What programs may call: named functions with types and docstrings, from which Gradio makes its API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import gradio as gr

from hf_hybrid.errors import InputError

from .answers import Answer, Answers
from .corpora import parse_corpus
from .languages import guess_language
from .limits import DEFAULT_RESULTS, WORKERS, checked_question
from .questions import GUESS


def search_record(answer: Answer) -> dict[str, Any]:
    """A search as JSON types."""
    pool, found = answer.found.pool, answer.found
    return {
        "question": answer.question.text,
        "language": answer.question.language,
        "language_is_guessed": answer.question.guessed,
        "checkpoint": answer.checkpoint,
        "results": [
            {
                "rank": hit.rank,
                "score": round(hit.score, 4),
                "id": pool.ids[hit.row],
                "language": pool.languages[hit.row],
                "text": pool.texts[hit.row],
                "is_answer": hit.is_answer,
            }
            for hit in found.hits
        ],
        "passages_searched": found.searched,
        "answer_ranks": {pool.ids[row]: place for row, place in found.answers.items()},
        "language_share_of_results": _rounded(found.mix),
        "language_share_of_pool": _rounded(found.pool_mix),
        "is_weak_match": answer.weak,
        "milliseconds": round(answer.milliseconds, 2),
    }


def add_endpoints(answers: Answers) -> None:
    """Add the endpoints to the page that is being built. Their checkpoints are those that were loaded, by default the
    two that the page compares.
    """
    usual_before, usual_after = answers.before, answers.after

    def search(
        question: str,
        checkpoint: str = usual_after,
        language: str = GUESS,
        languages: list[str] | None = None,
        results: int = DEFAULT_RESULTS,
    ) -> dict:
        """Search 1,144 short passages in 11 languages (ar de el en es hi ru th tr vi zh) for the answer to a question.

        Args:
            question: the question, in any of the languages; at most 300 characters
            checkpoint: which model searches
            language: language of the question as a tag like "de", or "guess"
            languages: tags of the languages that passages may be in; empty for all
            results: number of results, 1 to 50

        Returns:
            the results, best first, each with rank, score, language and text; the share of every language among them
            and in the pool
        """
        return mistakes_as_api_errors(
            lambda: search_record(
                answers.search(question, checkpoint, language=language, languages=languages or None, k=results)
            )
        )

    def compare_checkpoints(
        question: str,
        first: str = usual_before,
        second: str = usual_after,
        language: str = GUESS,
        results: int = DEFAULT_RESULTS,
    ) -> dict:
        """Search with two checkpoints and tell where each puts the same passages.

        Args:
            question: the question, in any of the languages; at most 300 characters
            first: name of one checkpoint
            second: name of the other
            language: language of the question as a tag like "de", or "guess"
            results: number of results of each, 1 to 50

        Returns:
            both searches, and for every right answer (or the best passages, where that is not known) its place with
            each
        """

        def run() -> dict[str, Any]:
            one, other, found = answers.compare(question, first, second, language=language, k=results)
            return {
                "first": search_record(one),
                "second": search_record(other),
                "movements": [
                    {
                        "id": answers.pool.ids[moved.row],
                        "language": moved.language,
                        "first": moved.before,
                        "second": moved.after,
                    }
                    for moved in found.movements
                ],
                "movements_are_answers": found.of_answers,
                "shared_results": found.shared,
            }

        return mistakes_as_api_errors(run)

    def ask_in_all_languages(fact: str, checkpoint: str = usual_after, results: int = DEFAULT_RESULTS) -> dict:
        """Ask one question of the data set world_facts in all 11 languages and compare what is found.

        Args:
            fact: id of the question, for example "wf-rivers-01"
            checkpoint: which model searches
            results: number of first results whose overlap is measured, 1 to 50

        Returns:
            languages; ranks: place of the answer in each language (column) for the question in each language (row);
            overlap of the first results
        """

        def run() -> dict[str, Any]:
            _, found = answers.ask_in_all_languages(fact, checkpoint, results)
            return {
                "fact": fact,
                "checkpoint": checkpoint,
                "languages": list(found.languages),
                "ranks": found.ranks.tolist(),
                "overlap": found.overlap.round(4).tolist(),
                "mean_rank": round(found.mean_rank, 4),
                "mean_overlap": round(found.mean_overlap, 4),
            }

        return mistakes_as_api_errors(run)

    def search_texts(
        texts: str,
        question: str,
        format: Literal["detect", "text", "csv", "jsonl"] = "detect",
        checkpoint: str = usual_after,
        results: int = DEFAULT_RESULTS,
    ) -> dict:
        """Search texts of your own, which are forgotten with the answer.

        Args:
            texts: passages as plain text (one a line), CSV or JSONL with the fields text, lang and id; at most 2 MB
                and 5,000 passages
            question: the question; at most 300 characters
            format: of the texts
            checkpoint: which model searches
            results: number of results, 1 to 50

        Returns:
            the results, best first, each with rank, score, language and text; rows that could not be read, in words
        """

        def run() -> dict[str, Any]:
            asked = answers.look_at(question)
            parsed = parse_corpus(texts, format)
            vectors = answers.embed(parsed.pool, checkpoint)
            record = search_record(
                answers.search_in(parsed.pool, vectors, replace(asked, fact=None), checkpoint, results)
            )
            return record | {"rows_left_out": list(parsed.problems)}

        return mistakes_as_api_errors(run)

    def guess_question_language(question: str) -> str:
        """Guess the language of a question, as the search does.

        Args:
            question: at most 300 characters

        Returns:
            a tag of the 11 languages, or "und" where it is none of them or cannot be told
        """
        return mistakes_as_api_errors(lambda: guess_language(checked_question(question)) or "und")

    def list_questions(language: str = "en") -> list[dict]:
        """List the 104 questions that the data know the answers of.

        Args:
            language: tag of the language to list them in

        Returns:
            id, topic and question of each
        """

        def run() -> list[dict[str, str]]:
            if language not in answers.languages:
                raise InputError(f"The language must be one of {', '.join(answers.languages)}.")
            return [
                {"id": fact.id, "topic": fact.topic, "question": fact.questions[language]}
                for fact in answers.facts.facts.values()
                if language in fact.questions
            ]

        return mistakes_as_api_errors(run)

    for function in (
        search,
        compare_checkpoints,
        ask_in_all_languages,
        search_texts,
        guess_question_language,
        list_questions,
    ):
        for name in ("checkpoint", "first", "second"):
            if name in function.__annotations__:
                function.__annotations__[name] = Literal[tuple(answers.encoders)]  # type: ignore[valid-type]
        # Embedding texts takes a while: it has a queue of its own.
        slow = function is search_texts
        gr.api(
            function,
            api_name=function.__name__,
            concurrency_id="texts" if slow else "search",
            concurrency_limit=2 if slow else WORKERS,
        )


def mistakes_as_api_errors(run: Callable[[], Any]) -> Any:
    """Run, and hand mistakes of the caller on as Gradio's own error, whose text reaches the caller."""
    try:
        return run()
    except InputError as error:
        raise gr.Error(str(error), print_exception=False) from error


def _rounded(shares: dict[str, float]) -> dict[str, float]:
    return {tag: round(share, 4) for tag, share in shares.items()}
