"""Several benchmarks in one `hf-hybrid evaluate`: which data, options and outputs belong to which."""

from __future__ import annotations

import argparse
from pathlib import Path

from hf_hybrid.errors import InputError

OPTIONS = ("candidate_text", "max_examples", "languages", "split")


def add_benchmark_options(group: argparse._ArgumentGroup) -> None:
    """Add the flags that say what to evaluate on."""
    group.add_argument(
        "--benchmark",
        nargs="+",
        default=["cldr_qa"],
        metavar="NAME",
        help="what to evaluate on, one or several, see below (default: cldr_qa)",
    )
    group.add_argument(
        "--data_dir",
        nargs="+",
        metavar="DIR",
        help="folder with the benchmark's files; for several benchmarks NAME=DIR each",
    )
    group.add_argument(
        "--hub_id",
        nargs="+",
        metavar="OWNER/NAME",
        help="Hub data set with the benchmark's files, instead of --data_dir; for several benchmarks NAME=OWNER/NAME each",
    )
    group.add_argument("--benchmark_revision", metavar="REV", help="branch, tag or commit of --hub_id")
    group.add_argument(
        "--candidate_text",
        metavar="KIND",
        help="xquad_r, mlqa_r: `sentence`, or `sentence_in_context`: the sentence, a line break and its paragraph (default: sentence)",
    )
    group.add_argument(
        "--max_examples", type=int, metavar="N", help="cldr_qa: only N examples, in all their languages"
    )
    group.add_argument(
        "--languages", nargs="+", metavar="TAG", help="only these languages (all but cldr_qa and local)"
    )
    group.add_argument("--split", metavar="NAME", help="cldr_qa, local: default `test`; miracl: default `dev`")
    group.add_argument(
        "--vectors",
        metavar="DIR",
        help="miracl: folder for the passages' vectors, kept for further runs and resumed (default: beside --output, else needed)",
    )


def one_by_one(arguments: argparse.Namespace) -> list[argparse.Namespace]:
    """Split the arguments of a run by benchmark.

    Returns:
        For each benchmark the arguments with its name, its ``data_dir`` and ``hub_id``, ``options`` for its loader and, where there are
        several, its own names for outputs: ``results.json`` becomes ``results.<benchmark>.json``.

    Raises:
        InputError: a benchmark that is named twice or unknown, data of a benchmark that is not evaluated, an option that none has.
    """
    from hf_hybrid.benchmarks.registry import benchmark_names, benchmark_spec

    names = arguments.benchmark
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--benchmark names {name} twice; name it once")
    given = {name: value for name in OPTIONS if (value := getattr(arguments, name)) is not None}
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
