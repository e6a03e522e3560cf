"""What `hf-hybrid evaluate` takes about benchmarks, made of their list: flags, a table for the help, and for several
benchmarks in one call which data, options and outputs belong to which."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hf_hybrid.benchmarks.registry import (
    DEFAULT_BENCHMARK,
    benchmark_flags,
    benchmark_names,
    benchmark_spec,
    benchmark_specs,
)
from hf_hybrid.benchmarks.spec import BenchmarkOption, BenchmarkSpec
from hf_hybrid.cli.flags import Parser
from hf_hybrid.errors import InputError


def add_benchmark_flags(parser: Parser) -> None:
    """Add the flags that say what to evaluate on, among them the options of all benchmarks."""
    specs = benchmark_specs()
    parser.add_argument(
        "--benchmark",
        nargs="+",
        default=[DEFAULT_BENCHMARK],
        metavar="NAME",
        help=f"evaluate on these benchmarks, see below (default: {DEFAULT_BENCHMARK})",
    )
    parser.add_argument(
        "--data_dir",
        nargs="+",
        metavar="DIR",
        help="read the benchmark's files from this folder; of several benchmarks write NAME=DIR each",
    )
    known = ", ".join(f"{spec.name}: {spec.hub_id}" for spec in specs if spec.hub_id)
    parser.add_argument(
        "--hub_id",
        nargs="+",
        metavar="OWNER/NAME",
        help="read the benchmark's files from this data set of the Hub instead of --data_dir; of several benchmarks "
        f"write NAME=OWNER/NAME each ({known})",
    )
    parser.add_argument("--benchmark_revision", metavar="REV", help="take this branch, tag or commit of --hub_id")
    for name, takers in benchmark_flags().items():
        option = takers[0][1]
        parser.add_argument(
            f"--{name}",
            type=option.type,
            nargs="+" if option.several else None,
            metavar=option.metavar,
            help=f"{option.help} ({_takers(takers)})",
        )
    corpora = ", ".join(spec.name for spec in specs if spec.kind == "corpus")
    parser.add_argument(
        "--vectors",
        metavar="DIR",
        help="keep the passages' vectors in this folder, for further runs and to resume "
        f"({corpora}: default beside --output, required without it)",
    )


def _takers(takers: Sequence[tuple[BenchmarkSpec, BenchmarkOption]]) -> str:
    """The benchmarks that take an option, by what they take without it: "a, b: default x; c: default y"."""
    by_default: dict[Any, list[str]] = {}
    for spec, option in takers:
        by_default.setdefault(option.default, []).append(spec.name)
    return "; ".join(
        ", ".join(names) + ("" if default is None else f": default {default}") for default, names in by_default.items()
    )


def benchmark_table() -> str:
    """All benchmarks for the foot of the help, the default one first: name, title, what it is, what data it needs."""
    specs = sorted(benchmark_specs(), key=lambda spec: spec.name != DEFAULT_BENCHMARK)
    width = max(len(spec.name) for spec in specs) + 2
    lines = []
    for spec in specs:
        title = "" if spec.title == spec.name else f"{spec.title}: "
        lines += textwrap.wrap(
            f"{spec.name:<{width}}{title}{spec.summary}; {spec.data_hint}",
            width=118,
            initial_indent="  ",
            subsequent_indent=" " * (width + 2),
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def one_by_one(arguments: argparse.Namespace) -> list[argparse.Namespace]:
    """Split the arguments of a run by benchmark.

    Returns:
        For each benchmark the arguments with its name, its ``data_dir`` and ``hub_id``, ``options`` for its loader
        and, where there are several, its own names for outputs: ``results.json`` becomes ``results.<benchmark>.json``.

    Raises:
        InputError: a benchmark that is named twice, data of a benchmark that is not evaluated, an option of none.
    """
    names = arguments.benchmark
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--benchmark names {name} twice; name it once")
    given = {name: value for name in benchmark_flags() if (value := getattr(arguments, name)) is not None}
    known = {name: benchmark_spec(name).option_names if name in benchmark_names() else [] for name in names}
    for option in given:
        if len(names) > 1 and not any(option in options for options in known.values()):
            raise InputError(f"none of {', '.join(names)} has an option --{option}; leave it out")
    folders, repositories = (_by_benchmark(arguments, flag) for flag in ("data_dir", "hub_id"))
    runs = []
    for name in names:
        # A single benchmark is given every option, so that its loader can say what it does not know.
        options = {key: value for key, value in given.items() if len(names) == 1 or key in known[name]}
        own = {
            "benchmark": name,
            "data_dir": folders.get(name),
            "hub_id": repositories.get(name),
            "options": options,
            "output": arguments.output,
            "plots": arguments.plots,
        }
        if len(names) > 1:
            own["output"] = arguments.output and str(_named(Path(arguments.output), name))
            own["plots"] = arguments.plots and str(Path(arguments.plots) / name)
        runs.append(argparse.Namespace(**{**vars(arguments), **own}))
    return runs


def _by_benchmark(arguments: argparse.Namespace, flag: str) -> dict[str, str]:
    values: list[str] = getattr(arguments, flag) or []
    names = arguments.benchmark
    if len(names) == 1 and len(values) == 1 and not values[0].startswith(f"{names[0]}="):
        return {names[0]: values[0]}
    found = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or name not in names:
            raise InputError(
                f"--{flag} {value}: with several benchmarks write NAME={value}, NAME one of {', '.join(names)}"
            )
        found[name] = rest
    return found


def _named(path: Path, benchmark: str) -> Path:
    return path.with_name(f"{path.stem}.{benchmark}{path.suffix}")
