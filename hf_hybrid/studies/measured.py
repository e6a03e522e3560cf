"""What a study measured: its results files by cell, and figures by language and seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.evaluation.results import Results
from hf_hybrid.studies.grid import Cell, Grid
from hf_hybrid.studies.study import StudyDesign


@dataclass(frozen=True)
class StudyResults:
    """Results of a study.

    Attributes:
        design: Its design.
        grid: Its cells.
        output: Its folder.
    """

    design: StudyDesign
    grid: Grid
    output: Path

    def cells(self, where: Mapping[str, str] | None = None) -> list[Cell]:
        """Cells at a place of the grid, seed by seed.

        Args:
            where: Any of `arm`, `level`, `budget`.
        """
        wanted = (where or {}).items()
        return [cell for cell in self.grid.cells if all(getattr(cell, key) == value for key, value in wanted)]

    def files(self, benchmark: str, where: Mapping[str, str]) -> list[Path]:
        """Results files of one cell of the grid, one for each seed.

        Args:
            benchmark: Its name in the design.
            where: `arm`, `level`, `budget`; what is left out is the only one there is.
        """
        whole = {
            "arm": next(iter(self.design.arms)),
            "level": next(iter(self.design.levels)),
            "budget": next(iter(self.design.budgets)),
            **where,
        }
        return [cell.results(self.output, benchmark) for cell in self.cells(whole)]

    def load(self, path: Path) -> Results:
        """A results file, read once."""
        if path not in self._loaded:
            self._loaded[path] = Results.load(path)
        return self._loaded[path]

    def mean(self, benchmark: str, where: Mapping[str, str], figure: str) -> float:
        """Mean over seeds of a figure of the summary; see `files` for the place."""
        return float(np.mean([self.load(file).summary[figure] for file in self.files(benchmark, where)]))

    @cached_property
    def _loaded(self) -> dict[Path, Results]:
        return {}

    def missing(self) -> list[Path]:
        """Results files that are not there yet."""
        files = [cell.results(self.output, name) for cell in self.grid.cells for name in self.design.benchmarks]
        return [file for file in dict.fromkeys(files) if not file.is_file()]

    def run_file(self, cell: Cell, name: str) -> Any | None:
        """Content of a JSON file that the cell's run left, or None."""
        if cell.run is None:
            return None
        file = self.output / "runs" / cell.run / name
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
