"""What the rest of the package knows of a benchmark before it is loaded: names, texts, options, where its data are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hf_hybrid.benchmarks.benchmark import Benchmark
    from hf_hybrid.benchmarks.corpus_benchmark import CorpusBenchmark


@dataclass(frozen=True)
class BenchmarkOption:
    """A keyword of a loader; each is a flag of `hf-hybrid evaluate`.

    Attributes:
        name: of the keyword and of the flag.
        help: the flag's help: imperative, lower case, without a full stop.
        metavar: what the help calls the value.
        type: makes the value of the flag's text.
        several: whether the flag takes several values.
        is_flag: False for keywords of the loader alone.
        default: what the loader takes without it.
    """

    name: str
    help: str
    metavar: str = "NAME"
    type: Callable[[str], Any] = str
    several: bool = False
    is_flag: bool = True
    default: Any = None

    def with_default(self, default: Any) -> BenchmarkOption:
        """The same option with another default."""
        return replace(self, default=default)


@dataclass(frozen=True)
class BenchmarkSpec:
    """One benchmark.

    Attributes:
        name: short name in commands, results files and names of files: letters, digits and underscores.
        title: what people call it, in cards.
        summary: size and what is special, in one line for the help.
        loader: the function, or ``module:function``, imported on first use. It takes ``data_dir``, ``hub_id``,
            ``revision`` and the options.
        hub_id: the data set at the Hub, where its authors publish one in a form that the loader reads.
        options: further keywords of the loader, in its order.
        needs_data: whether the user has to say where its data are.
        is_packaged: whether its data travel with this package.
        kind: ``pool``: all candidates in memory, every language pair; or ``corpus``: passages on disk, searched within
            a language.
    """

    name: str
    title: str
    summary: str
    loader: str | Callable[..., Benchmark | CorpusBenchmark]
    hub_id: str | None = None
    options: tuple[BenchmarkOption, ...] = ()
    needs_data: bool = True
    is_packaged: bool = False
    kind: Literal["pool", "corpus"] = "pool"

    @property
    def option_names(self) -> list[str]:
        """Names of all options."""
        return [option.name for option in self.options]

    @property
    def data_hint(self) -> str:
        """What to name for its data, for the help.

        Example:
            >>> BenchmarkSpec("own", "Own", "two texts", "own:load", hub_id="me/own").data_hint
            'needs --data_dir, or --hub_id me/own'
        """
        if self.is_packaged:
            return "comes with this package"
        if not self.needs_data:
            return "needs no data"
        return f"needs --data_dir, or --hub_id {self.hub_id}" if self.hub_id else "needs --data_dir or --hub_id"

    def load_function(self) -> Callable[..., Benchmark | CorpusBenchmark]:
        """The loader itself."""
        if not isinstance(self.loader, str):
            return self.loader
        module, _, function = self.loader.partition(":")
        return getattr(importlib.import_module(module), function)


CANDIDATE_TEXT = BenchmarkOption(
    "candidate_text",
    "encode the `sentence`, or `sentence_in_context`: the sentence, a line break and its paragraph",
    metavar="KIND",
    default="sentence",
)
LANGUAGES = BenchmarkOption("languages", "evaluate these languages only", metavar="TAG", several=True)
SPLIT = BenchmarkOption("split", "evaluate this split", default="test")
MAX_EXAMPLES = BenchmarkOption("max_examples", "keep N examples only, in all their languages", metavar="N", type=int)
# `hf-hybrid evaluate --seed` is another one: that of the run that made the model.
EXAMPLES_SEED = BenchmarkOption(
    "seed", "choose among the examples by this seed", metavar="N", type=int, is_flag=False, default=0
)
