"""Plain-text tables of a comparison, fitted to a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_hybrid.evaluation.figures import COMPARISON, column_of, main_figures


def comparison_report(comparison: Mapping[str, Any], width: int = 100) -> str:
    """What is compared, the figures with intervals and verdicts, the languages.

    Args:
        comparison: from `hf_hybrid.evaluation.comparison.compare_results`.
        width: columns of the terminal; a narrow one loses the values of A and B per language.
    """
    settings, benchmark = comparison["settings"], comparison["benchmark"]
    head = [f"{side.upper()}: {_system(comparison[side])}" for side in ("a", "b")]
    head.append(
        f"{benchmark['name']}: {benchmark['queries']:,} queries in {settings['clusters']:,} clusters, "
        f"{settings['resamples']:,} resamples, {100 * settings['confidence']:g} % intervals, margin "
        f"{100 * settings['margin']:g} points; fractions in percent"
    )
    notes = _notes(comparison)
    parts = ["\n".join(head), figures_table(comparison)]
    if len(comparison["per_language"]) > 1:
        parts += languages_tables(comparison["per_language"], width)
    return "\n\n".join([*parts, *notes])


def figures_table(comparison: Mapping[str, Any]) -> str:
    """One line per figure: A, B, difference B - A, interval, p, verdict."""
    k = comparison["settings"]["k"]
    shown = {name: column_of(name, COMPARISON, k) for name in comparison["figures"]}
    label = max(len(column.title) for column in shown.values())
    lines = [f"{'':<{label}}{'A':>10}{'B':>10}{'B - A':>10}   {'interval':<20}{'p':>7}  verdict"]
    for name, entry in comparison["figures"].items():
        column = shown[name]
        a, b = (column.text(entry[side]) for side in ("a", "b"))
        difference, low, high = (column.text(entry[key], "+") for key in ("difference", "low", "high"))
        lines.append(
            f"{column.title:<{label}}{a:>10}{b:>10}{difference:>10}   {f'[{low}, {high}]':<20}"
            f"{_p(entry['p_value']):>7}  {entry['verdict']}"
        )
    return "\n".join(lines)


def languages_tables(per_language: Mapping[str, Mapping[str, Mapping[str, Any]]], width: int = 100) -> list[str]:
    """A table for each kind of evaluation that was compared: mAP, nDCG@10 of corpora, F1 of a reader."""
    present = {name for entries in per_language.values() for name in entries}
    kinds = [[figure.key for figure in figures] for figures in main_figures()]
    return [languages_table(per_language, width, keys) for keys in kinds if present.intersection(keys)]


def languages_table(
    per_language: Mapping[str, Mapping[str, Mapping[str, Any]]], width: int, keys: Sequence[str]
) -> str:
    """One line per query language: difference and corrected p of each figure, with A and B where they fit."""
    label = max(len("query"), *(len(tag) for tag in per_language)) + 1
    wide = label + len(keys) * 31 <= width
    heads = ("A", "B", "B - A", "p Holm") if wide else ("B - A", "p Holm")
    sizes = [7, 7, 8, 8][-len(heads) :]
    main = [column_of(key, COMPARISON) for key in keys]
    group = sum(sizes) + 1
    lines = [
        " " * label + "".join(f"{column.title:^{group}}" for column in main).rstrip(),
        f"{'query':<{label}}" + _cells(heads, sizes) * len(main),
    ]
    for tag, entries in per_language.items():
        line = f"{tag:<{label}}"
        for column in main:
            entry = entries.get(column.key)
            if entry is None:
                line += _cells(["-"] * len(heads), sizes)
                continue
            texts = [column.text(entry[side]) for side in ("a", "b")] if wide else []
            texts += [column.text(entry["difference"], "+"), _p(entry["p_holm"])]
            line += _cells(texts, sizes)
        lines.append(line.rstrip())
    return "\n".join(lines)


def _cells(texts: Sequence[str], sizes: Sequence[int]) -> str:
    return "".join(f"{text:>{size}}" for text, size in zip(texts, sizes, strict=True)) + " "


def _system(side: Mapping[str, Any]) -> str:
    names = list(dict.fromkeys(model["name"] for model in side["models"]))
    seeds = f" ({len(side['files'])} seeds)" if len(side["files"]) > 1 else ""
    return ", ".join(names) + seeds


def _notes(comparison: Mapping[str, Any]) -> list[str]:
    numbers = [len(comparison[side]["files"]) for side in ("a", "b")]
    if numbers == [1, 1]:
        return [
            "One seed a side: the intervals tell these two models apart, not the two ways of training them. "
            "Give several seeds with --a and --b."
        ]
    if 1 in numbers:
        single = "A" if numbers[0] == 1 else "B"
        return [f"{single} has one seed: its variation between seeds is not in the intervals."]
    return ["Seeds of equal number are paired." if comparison["settings"]["seeds_paired"] else "Seeds are not paired."]


def _p(value: float) -> str:
    return "<.001" if value < 0.0005 else f"{value:.3f}".removeprefix("0")
