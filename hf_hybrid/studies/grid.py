"""The grid of a study: its cells, the runs behind them, and how long each run trains.

Cells that are trained by the same flags share one run: with alpha 0, say, a budget of all examples is one of
cross-lingual examples.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.studies.study import Budget, Flags, StudyDesign


@dataclass(frozen=True)
class Cell:
    """One cell: what is trained and scored for one seed.

    Attributes:
        budget, arm, level: Where in the grid.
        seed: None for the start itself, which no seed changes.
        run: Name of the run that makes its model; None for the start itself.
        evaluate: Flags of its evaluation.
    """

    budget: str
    arm: str
    level: str
    seed: int | None
    run: str | None
    evaluate: Flags

    @property
    def name(self) -> str:
        """For files: what tells the cell from others, without its seed."""
        return cell_name(self.budget, self.arm, self.level)

    def results(self, output: Path, benchmark: str) -> Path:
        """Its results file."""
        seed = "" if self.seed is None else f"_{self.seed}"
        return output / "results" / benchmark / f"{self.name}{seed}.json"


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        name: Of its folder.
        flags: Of `hf-hybrid train`, without the recipe and the folder.
        seed: Among the flags, too.
        cells: Those that its model is scored for.
    """

    name: str
    flags: Mapping[str, Any]
    seed: int | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """Runs in the order in which they are made, seed by seed, so that an interrupted study has whole seeds.

    Attributes:
        runs: Trainings, and where arms have none one without flags for the start itself.
        left_out: Cells that a budget cannot have, with the reason.
    """

    runs: tuple[Run, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def cells(self) -> list[Cell]:
        """All cells."""
        return [cell for run in self.runs for cell in run.cells]


def cell_name(budget: str, arm: str, level: str) -> str:
    """Example:
    >>> cell_name("total", "hybrid", "0.25")
    'total-hybrid-0.25'
    """
    return "-".join(re.sub(r"[^\w.]+", "_", part) for part in (budget, arm, level) if part)


def make_grid(design: StudyDesign, recipe: Mapping[str, Any]) -> Grid:
    """All cells and the runs that make them.

    Args:
        design: With its places filled.
        recipe: Content of the design's recipe, whose values hold where no flag says otherwise.
    """
    order: list[str] = []
    flags_of: dict[str, dict[str, Any]] = {}
    known: dict[tuple[tuple[str, str], ...], str] = {}
    cells: dict[str, list[Cell]] = {}
    left_out: list[tuple[str, str]] = []
    for seed in design.seeds:
        for budget_name, budget in design.budgets.items():
            for arm, arm_flags in design.arms.items():
                for level, level_flags in design.levels.items():
                    own = dict(level_flags)
                    evaluate = own.pop("evaluate", None) or {}
                    if arm_flags is None:
                        if own or seed != design.seeds[0] or budget_name != next(iter(design.budgets)):
                            # What needs training is no level of the start itself.
                            continue
                        cells.setdefault("start", []).append(Cell(budget_name, arm, level, None, None, evaluate))
                        continue
                    flags = {**design.train, **arm_flags, **own}
                    steps = steps_of(budget, {**recipe, **flags})
                    if steps is None:
                        left_out.append((cell_name(budget_name, arm, level), f"{budget.rule} has no such examples"))
                        continue
                    flags |= {"max_steps": steps, "seed": seed}
                    identity = tuple(sorted((key, str(value)) for key, value in flags.items()))
                    name = known.setdefault(identity, f"{cell_name(budget_name, arm, level)}/seed_{seed}")
                    if name not in flags_of:
                        order.append(name)
                        flags_of[name] = flags
                    cells.setdefault(name, []).append(Cell(budget_name, arm, level, seed, name, evaluate))
    start = [Run("start", {}, None, tuple(cells["start"]))] if "start" in cells else []
    runs = [Run(name, flags_of[name], flags_of[name]["seed"], tuple(cells[name])) for name in order]
    return Grid((*start, *runs), tuple(dict.fromkeys(left_out)))


def steps_of(budget: Budget, flags: Mapping[str, Any]) -> int | None:
    """Batches of a run within the budget; None where the arm has none of the examples that are counted.

    Args:
        budget: The rule.
        flags: Of the run, with the recipe's values.

    Raises:
        InputError: The size of batches is not said.

    Example:
        >>> steps_of(Budget("equal_cross_examples", 1000), {"global_batch_size": 10, "mono_probability": 0.75})
        400
    """
    if budget.rule == "equal_steps":
        return budget.number
    if "global_batch_size" not in flags:
        raise InputError("budgets: to count examples, name global_batch_size in the recipe or in `train`")
    mono = mono_share(flags)
    share = {"equal_examples": 1.0, "equal_cross_examples": 1 - mono, "equal_mono_examples": mono}[budget.rule]
    return None if share <= 0 else max(1, round(budget.number / (int(flags["global_batch_size"]) * share)))


def mono_share(flags: Mapping[str, Any]) -> float:
    """Expected share of monolingual batches.

    Example:
        >>> mono_share({"arm": "hybrid", "mono_probability": 1.0, "mono_probability_end": 0.5})
        0.75
    """
    arm = flags.get("arm", "hybrid")
    if arm != "hybrid":
        return 0.0 if arm == "x-y" else 1.0
    start = float(flags.get("mono_probability", 0.5))
    end = flags.get("mono_probability_end")
    return start if end is None else (start + float(end)) / 2
