"""The list of studies that `hf-hybrid study` runs by a design: a new one is a module in `analyses` and an entry."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hf_hybrid.studies.findings import Analysis
    from hf_hybrid.studies.measured import StudyResults
    from hf_hybrid.studies.study import StudyDesign


@dataclass(frozen=True)
class StudyKind:
    """One kind of study.

    Attributes:
        name: The NAME of `hf-hybrid study NAME`.
        help: Its line in the help: imperative, lower case.
        module: Where `analyse(results) -> Analysis` and `check(design)` are, imported on first use; `check` raises an
            `InputError` where a design lacks what the analysis needs, before anything runs.
    """

    name: str
    help: str
    module: str

    @property
    def analyse(self) -> Callable[[StudyResults], Analysis]:
        """Results -> what was found; a pure function of the results files."""
        return importlib.import_module(self.module).analyse

    @property
    def check(self) -> Callable[[StudyDesign], None]:
        """Refuses a design that the analysis cannot take."""
        return importlib.import_module(self.module).check


KINDS: tuple[StudyKind, ...] = (
    StudyKind(
        "ratio",
        "find the best share of monolingual batches, by language and group",
        "hf_hybrid.studies.analyses.ratio",
    ),
    StudyKind(
        "mono_cost",
        "measure what cross-lingual batches cost within a language",
        "hf_hybrid.studies.analyses.mono_cost",
    ),
    StudyKind(
        "low_data",
        "measure what the method gains with few examples, by family of languages",
        "hf_hybrid.studies.analyses.low_data",
    ),
    StudyKind(
        "methods",
        "compare arms with and without what else reduces language bias",
        "hf_hybrid.studies.analyses.methods",
    ),
    StudyKind(
        "long_tail",
        "measure what the method gains by language, over size of Wikipedia and tokens per word",
        "hf_hybrid.studies.analyses.long_tail",
    ),
    StudyKind(
        "model_size",
        "measure how what the method gains changes with the number of parameters",
        "hf_hybrid.studies.analyses.model_size",
    ),
)


def kind_of(name: str) -> StudyKind:
    """The kind of a name.

    Example:
        >>> kind_of("ratio").module
        'hf_hybrid.studies.analyses.ratio'
    """
    return next(kind for kind in KINDS if kind.name == name)
