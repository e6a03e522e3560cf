"""The measured numbers: read from the results files that lie beside each checkpoint's weights, never typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.results import Results
from hf_hybrid.publishing.cards.folder_files import read_folder


@dataclass(frozen=True)
class Published:
    """What was measured.

    Attributes:
        results: benchmark -> checkpoint -> its results.
        arms: content of the file of `hf-hybrid arms`: arms and claims over several seeds; None where there is none.
        arms_of: the checkpoint that it lies beside.
        alpha: content of the file that has the curve over alpha; may be the same.
        alpha_of: the checkpoint that it lies beside.
        problems: what could not be read, in words.
    """

    results: dict[str, dict[str, Results]] = field(default_factory=dict)
    arms: Mapping[str, Any] | None = None
    arms_of: str = ""
    alpha: Mapping[str, Any] | None = None
    alpha_of: str = ""
    problems: tuple[str, ...] = ()

    @property
    def benchmarks(self) -> list[str]:
        """Those that something was measured on."""
        return list(self.results)


def read_published(folders: Mapping[str, Path]) -> Published:
    """Read the results files of checkpoints.

    Args:
        folders: checkpoint -> its folder; arms are taken from the first that has them.

    Returns:
        What there is. A damaged file is told in `problems` and hides no other checkpoint.
    """
    results: dict[str, dict[str, Results]] = {}
    with_arms: dict[str, Mapping[str, Any]] = {}
    with_alpha: dict[str, Mapping[str, Any]] = {}
    problems = []
    for name, folder in folders.items():
        try:
            files = read_folder(folder)
        except InputError as error:
            # The path of a folder on the server is nobody's business.
            problems.append(f"The results of {name} cannot be read: {str(error).replace(str(folder), name)}.")
            continue
        for source in files.results:
            results.setdefault(source.results.benchmark.name, {})[name] = source.results
        with_arms |= {name: files.arms.content} if files.arms else {}
        with_alpha |= {name: files.alpha.content} if files.alpha else {}
    (arms_of, arms), (alpha_of, alpha) = (next(iter(one.items()), ("", None)) for one in (with_arms, with_alpha))
    return Published(results, arms, arms_of, alpha, alpha_of, tuple(problems))
