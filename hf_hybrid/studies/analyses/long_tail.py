"""Does the method help more in languages with little text?

The method less each baseline in every language, queries clustered and seeds drawn above them; then a line over what
languages have, such as the size of their Wikipedia and the tokens that a word takes, with an interval over languages.
Corpora that are searched within a language (MIRACL, `tydiqa_by_language`) are what it is made for; any benchmark whose
figures are kept by language will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.paired_figures import paired_figures
from hf_hybrid.plots.panels import Panel
from hf_hybrid.studies.analyses.language_gain import MINIMUM, PASSAGES, LanguageGain, LongTailSettings
from hf_hybrid.studies.analyses.levels import language_levels
from hf_hybrid.studies.analyses.settings import check_arms, check_figures, settings_of, unseen_languages
from hf_hybrid.studies.contrasts import judge_contrasts
from hf_hybrid.studies.findings import Analysis
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.study import StudyDesign


def check(design: StudyDesign) -> None:
    """Refuse a design without the arms, with several levels, or whose covariates are no numbers.

    Raises:
        InputError: Says what is missing.
    """
    settings = settings_of(LongTailSettings, design)
    if len(design.levels) > 1:
        raise InputError("study long_tail: give one level; what varies is the language")
    check_arms(design, (settings.method, *settings.baselines), trained=False)
    if not settings.baselines or not settings.covariates:
        raise InputError("study long_tail: analysis: give baselines and covariates")
    check_figures(design, settings.figures)
    for name in settings.logarithmic:
        if name not in settings.covariates:
            raise InputError(f"study long_tail: analysis: logarithmic: no covariate '{name}'")
    for name, values in settings.covariates.items():
        _check_covariate(name, values, name in settings.logarithmic)


def _check_covariate(name: str, values: Any, logarithmic: bool) -> None:
    where = f"study long_tail: analysis: covariates: {name}"
    if values == PASSAGES:
        return
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: give language: number, or {PASSAGES}")
    for tag, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{where}: {tag}: {value!r} is no number")
        if logarithmic and value <= 0:
            raise InputError(f"{where}: {tag}: a logarithm needs a number above 0")
    if len(values) < MINIMUM:
        raise InputError(f"{where}: a line needs {MINIMUM} languages or more")


def analyse(results: StudyResults) -> Analysis:
    """Differences by language, their lines over covariates, seen and unseen languages, and the declared contrasts."""
    settings = settings_of(LongTailSettings, results.design)
    findings, tables, contrasts = judge_contrasts(results, results.design.contrasts)
    content: dict[str, Any] = {"contrasts": contrasts, "gains": []}
    panels: list[Panel] = []
    gaps: list[str] = []
    for budget in results.design.budgets:
        for benchmark in results.design.benchmarks:
            for baseline in settings.baselines:
                sides = [
                    results.files(benchmark, {"arm": arm, "budget": budget}) for arm in (baseline, settings.method)
                ]
                pair = paired_figures(*sides, resamples=settings.resamples, only=settings.figures)
                tags = pair.sides[0].results[0].benchmark.languages
                known = replace(settings, unseen=unseen_languages(results.design, tags, settings.unseen))
                for figure in settings.figures:
                    gain = LanguageGain(known, pair, figure, baseline, f"{benchmark}, {budget}")
                    content["gains"].append(gain.content())
                    tables += gain.tables()
                    gaps += gain.small_pools()
                    if figure == settings.figures[0]:
                        findings += gain.findings()
                        panels += gain.panels()
                        gaps += gain.gaps()
            tables.append(language_levels(results, benchmark, budget, settings.figures))
    return Analysis(tuple(findings), tuple(tables), tuple(panels), content, tuple(dict.fromkeys(gaps)))
