"""What a reader answered, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from hf_hybrid.evaluation.figures import READINGS
from hf_hybrid.evaluation.reading.evaluate import ReadingEvaluation
from hf_hybrid.evaluation.reading_figures import ANSWER_RECALL, EXACT, F1, GOLD, PASSAGE_RECALL

# Head -> the end of the figure's key, by where passages come from.
_OF_GOLD = {"EM": EXACT, "F1": F1}
_OF_POOL = {"gold in k": PASSAGE_RECALL, "answer in k": ANSWER_RECALL, **_OF_GOLD, "F1 lost": f"{F1}_loss"}
_GROUPS = {
    "gold passage": [(head, f"{GOLD}_{name}") for head, name in _OF_GOLD.items()],
    "pool of the language": [(head, f"mo_{name}") for head, name in _OF_POOL.items()],
    "one pool of all": [(head, f"mul_{name}") for head, name in _OF_POOL.items()],
}


def reading_report(evaluation: ReadingEvaluation) -> str:
    """One table for the gold passage and each pool: a line for each language, and their mean; in percent."""
    reader, settings = evaluation.facts["reader"], evaluation.facts["settings"]
    head = f"Reader {reader['name']}, the best {settings['k']} passages of each pool; in percent"
    return "\n\n".join([head, *(_table(evaluation, title, columns) for title, columns in _GROUPS.items())])


def _table(evaluation: ReadingEvaluation, title: str, columns: list[tuple[str, str]]) -> str:
    label = max(len(title), *(len(tag) for tag in evaluation.languages)) + 1
    widths = [max(len(head) + 2, 9) for head, _ in columns]

    def line(name: str, values: Mapping[str, float]) -> str:
        cells = (
            f"{100 * values[key]:>{width}.{READINGS.fractions}f}"
            for (_, key), width in zip(columns, widths, strict=True)
        )
        return f"{name:<{label}}" + "".join(cells)

    heads = "".join(f"{head:>{width}}" for (head, _), width in zip(columns, widths, strict=True))
    rows = [line(tag, values) for tag, values in evaluation.per_language().items()]
    return "\n".join([f"{title:<{label}}{heads}", *rows, line("mean", evaluation.summary())])
