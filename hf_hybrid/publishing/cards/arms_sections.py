"""Sections about the way of training: arms over seeds, the paper's claims, the curve over alpha, comparisons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hf_hybrid.evaluation.figures import (
    ARMS,
    CARD_ARMS,
    CARD_ARMS_BIAS,
    COMPARISON,
    MAIN,
    SETTINGS,
    Column,
    column_of,
    columns,
)
from hf_hybrid.publishing.cards.evaluation_sections import PICTURES, columns_with_values
from hf_hybrid.publishing.cards.folder_files import FolderFiles
from hf_hybrid.publishing.cards.sourced_tables import Cell, Figure, Source, Tied, tied_table, tied_text
from hf_hybrid.publishing.cards.titles import benchmark_title, listed, title_of

CURVE_PICTURE = f"{PICTURES}/alpha.png"


def arms_section(files: FolderFiles) -> str:
    """Mean and interval over seeds of every arm; bias of every arm."""
    source = files.arms
    if source is None:
        return ""
    arms = source.content["arms"]
    k = source.content["settings"].get("k") or 10
    shown, of_bias = columns(CARD_ARMS, k), columns(CARD_ARMS_BIAS, k)
    rows: list[list[Cell]] = []
    biases: list[list[Cell]] = []
    for arm in arms:
        seeds = source.figure("arms", arm, "seeds")
        rows.append([f"`{arm}`", seeds, *(_over_seeds(source, column, "arms", arm, "figures") for column in shown)])
        biases.append([f"`{arm}`", *(_over_seeds(source, column, "arms", arm, "figures") for column in of_bias)])
    head = ["arm", "seeds", *(column.title for column in shown)]
    bias_head = ["arm", *(column.title for column in of_bias)]
    level = source.percent("settings", "confidence")
    return "\n\n".join(
        [
            "### Arms of training",
            "How the languages of a batch are drawn: one language (`x-x-mono`), pairs of two languages (`x-y`), one "
            "or the other by chance (`hybrid`), same-language pairs of mixed languages (`x-x`). "
            f"{title_of(source)}, mean over seeds, mAP in percent.",
            _sentence("In brackets: {} intervals of Student's t over the seeds.", level),
            tied_table(*columns_with_values(head, rows)),
            "Their language bias:",
            tied_table(*columns_with_values(bias_head, biases)),
        ]
    )


def _over_seeds(source: Source, column: Column, *place: str | int) -> Cell:
    return source.interval(*place, column.key, factor=column.factor, decimals=column.decimals)


def claims_section(files: FolderFiles) -> str:
    """The paper's claims with what was found, and the rule of the verdict."""
    source = files.arms
    if source is None or not source.content.get("claims"):
        return ""
    reference = source.content["settings"]["reference"]
    rows: list[list[Cell]] = []
    for number, entry in enumerate(source.content["claims"]):
        column = column_of(entry["figure"], COMPARISON)
        rows.append(
            [
                entry["text"],
                f"`{entry['against']}`",
                source.interval("claims", number, factor=column.factor, decimals=column.decimals, signed=True),
                source.p_value("claims", number, "p_value"),
                f"**{entry['verdict']}**",
                _by_name(entry["test"], reference),
            ]
        )
    margin = source.figure("settings", "margin", factor=100, decimals=1)
    return "\n\n".join(
        [
            "### The paper's claims",
            "What [the paper](https://arxiv.org/abs/2408.10536) says of hybrid batches, with our difference (hybrid "
            "less the other arm; mAP in points, rank distance in ranks), its interval and p. "
            f"{_resampled(source.content['comparisons'].values())}",
            tied_table(["claim", "against", "difference", "p", "verdict", "test"], rows),
            _sentence(
                "A claim holds where the whole interval is on its side of zero; *at least as good* where a loss of {} "
                "points or more is rejected. It does not hold where the interval is on the other side; else it is not "
                "resolved. p is two-sided, for *at least as good* that of the one-sided test, and not corrected for "
                "the number of claims.",
                margin,
            ),
        ]
    )


def alpha_section(files: FolderFiles, with_pictures: bool = True) -> str:
    """The curve over alpha, low-resource languages apart from the rest."""
    source = files.alpha
    if source is None:
        return ""
    curve = source.content["alpha"]
    groups = {"low_resource": curve["low_resource"], "others": curve["others"]}
    parts = [
        "### Share of monolingual batches",
        "Alpha is the probability that a batch is in one language; at zero all batches are cross-lingual, at one all "
        f"are monolingual. {title_of(source)}, mean over seeds with intervals, mAP in percent.",
    ]
    if with_pictures:
        parts.append(f"![Mo, Cr and Mul over alpha, with intervals]({CURVE_PICTURE})")
    shown = columns(ARMS, source.content["settings"].get("k") or 10, by_language=True)
    for group, tags in groups.items():
        if not tags:
            continue
        rows: list[list[Cell]] = []
        for number, point in enumerate(curve["points"]):
            values = [_over_seeds(source, column, "alpha", "points", number, group) for column in shown]
            at = ("alpha", "points", number)
            batches = {0: "`x-y`", 1: "`x-x-mono`"}.get(point["alpha"], "`hybrid`")
            rows.append([batches, source.figure(*at, "alpha", decimals=2), source.figure(*at, "seeds"), *values])
        label = "Low-resource languages" if group == "low_resource" else "The other languages"
        parts += [
            f"{label} ({', '.join(f'`{tag}`' for tag in tags)}):",
            tied_table(*columns_with_values(["batches", "alpha", "seeds", *(column.title for column in shown)], rows)),
        ]
    return "\n\n".join(parts)


def comparisons_section(files: FolderFiles) -> str:
    """Hybrid against every other arm, and the comparisons that lie in the folder."""
    parts = []
    if files.arms is not None and files.arms.content.get("comparisons"):
        reference = files.arms.content["settings"]["reference"]
        for arm, comparison in files.arms.content["comparisons"].items():
            parts += [
                f"`{reference}` less `{arm}`:",
                _comparison_table(files.arms, ("comparisons", arm), comparison, arm, reference),
                _languages_told(comparison, reference),
            ]
    for source in files.comparisons:
        a, b = (_system(source.content[side]) for side in ("a", "b"))
        parts += [
            f"`{b}` less `{a}` on {benchmark_title(source.content['benchmark']['name'])} "
            f"([`{source.file}`]({source.file})):",
            _comparison_table(source, (), source.content, a, b),
            _languages_told(source.content, b),
        ]
    if not parts:
        return ""
    compared = [
        *(files.arms.content.get("comparisons", {}).values() if files.arms else ()),
        *(one.content for one in files.comparisons),
    ]
    note = f"Differences in points of mAP or percent, ranks as they are; paired. {_resampled(compared)}"
    return "\n\n".join(["### Comparisons", note, *filter(None, parts)])


def _comparison_table(source: Source, place: tuple[str, ...], comparison: Mapping[str, Any], a: str, b: str) -> str:
    k = comparison["settings"].get("k", 10)
    rows: list[list[Cell]] = []
    for name, entry in comparison["figures"].items():
        title, _, factor, decimals = column_of(name, COMPARISON, k)
        at = (*place, "figures", name)
        rows.append(
            [
                title,
                *(source.figure(*at, side, factor=factor, decimals=decimals) for side in ("a", "b")),
                source.interval(*at, factor=factor, decimals=decimals, signed=True),
                source.p_value(*at, "p_value"),
                _by_name(entry["verdict"], b),
            ]
        )
    return tied_table(["figure", f"`{a}`", f"`{b}`", "difference", "p", "verdict"], rows)


def _languages_told(comparison: Mapping[str, Any], b: str) -> str:
    """Languages whose difference is more than chance after Holm's correction."""
    told = []
    for key, setting in SETTINGS.items():
        found: dict[str, list[str]] = {"better": [], "worse": []}
        for tag, entries in comparison.get("per_language", {}).items():
            verdict = entries.get(f"{key}_{MAIN}", {}).get("verdict", "")
            for side in found:
                if verdict.startswith(f"B {side}"):
                    found[side].append(f"`{tag}`")
        if any(found.values()):
            told.append(f"{setting.title}: better in {listed(found['better'])}, worse in {listed(found['worse'])}")
    return f"By language of the question, with Holm's correction, `{b}` is in {'; '.join(told)}." if told else ""


def _resampled(comparisons: Iterable[Mapping[str, Any]]) -> str:
    """What the intervals are about."""
    several = [all(len(one[side]["seeds"]) > 1 for side in ("a", "b")) for one in comparisons]
    if all(several):
        return "Intervals resample paragraphs and seeds."
    one_seed = "With one seed on a side" if any(several) else "With one seed a side, as here,"
    return (
        f"Intervals resample paragraphs, and seeds where there are several. {one_seed} they are about these models, "
        f"not about the way of training."
    )


def _system(side: Mapping[str, Any]) -> str:
    name = side["models"][0]["name"].removesuffix("/model")
    return name.rpartition("/")[2]


def _by_name(verdict: str, b: str) -> str:
    return re.sub(r"^B\b", f"`{b}`", verdict)


def _sentence(text: str, figure: Figure | None) -> str:
    return tied_text(Tied(text, (figure,))) if figure else text.replace("{} ", "")
