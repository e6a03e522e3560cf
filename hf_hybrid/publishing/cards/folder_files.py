"""The files that a model card is made of, found in the model's folder and checked.

``results/*.json`` are known by their content: results of `hf-hybrid evaluate`, comparisons of `hf-hybrid compare`,
arms of `hf-hybrid arms`. The others by their name:

``results/variants.json``: what the weights give when they are cut or rounded::

    {"variants_version": 1, "benchmark": "xquad_r",
     "variants": [{"name": "full", "dimension": 512, "precision": "float32", "megabytes": 98.3, "vector_bytes": 2048,
                   "mo_map": 0.652, "cr_map": 0.223, "mul_map": 0.176}]}

``results/speed.json``: speed on a CPU::

    {"speed_version": 1, "hardware": {"processor": "Xeon, 2.2 GHz", "threads": 2}, "command": "...", "commit": "40 hex
    digits",
     "rows": [{"what": "questions", "texts": 1000, "batch_size": 32, "texts_per_second": 8000.0, "milliseconds":
     0.12}]}

``milliseconds`` is the median time of one text alone; may be null. ``results/training.json``: what made the weights::

    {"training_version": 1, "commit": "40 hex digits", "command": "hf-hybrid train --config training.yaml", "seed": 42,
     "data_sha256": {"qa/train.parquet": "64 hex digits"}, "seconds": 1200.5,
     "hardware": {"machine": "x86_64", "cpus": 2, "accelerator": null}, "versions": {"torch": "2.13.0"},
     "stages": [{"name": "base", "arm": "x-y", "batches": 2500, "batch_size": 1024, "seconds": 900.0}],
     "teacher": {"model": "all-MiniLM-L6-v2", "language": "en", "weights_sha256": "64 hex digits"}}

A command is that of its commit: later ones may not have it. ``commit`` may be null in ``training.json`` and missing in
``speed.json``; ``command``, ``versions``, ``stages``, ``teacher`` and ``start`` (the encoder that training began with)
may be missing in ``training.json``.
``results/in_context/`` holds results of `hf-hybrid evaluate --candidate_text sentence_in_context`;
``results/bitext.json``, and ``results/bitext/NAME.json`` of other models, are of `benchmarks/bitext_accuracy.py`.
``results/mix.json`` is what `hub_datasets/hybrid_mix/build.py` writes, ``training.yaml`` a recipe;
``results/published.json`` see `hf_hybrid.publishing.cards.published_systems`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hf_hybrid.benchmarks.registry import benchmark_names
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.results import Results
from hf_hybrid.publishing.cards.sourced_tables import Source

RESULTS = "results"
IN_CONTEXT = "in_context"
BITEXT = "bitext"
RECIPE = "training.yaml"
_NUMBER = (int, float)
_NULLABLE = (int, float, type(None))
_ACCURACY = {"data_sha256": str, "mean": _NUMBER}
# file -> field -> type; a mapping is an object with such fields, a list of one mapping a list of such entries
SCHEMAS: dict[str, dict[str, Any]] = {
    "variants": {
        "variants_version": int,
        "benchmark": str,
        "variants": [
            {
                "name": str,
                "dimension": int,
                "precision": str,
                "megabytes": _NUMBER,
                "vector_bytes": int,
                "mo_map": _NUMBER,
                "cr_map": _NUMBER,
                "mul_map": _NUMBER,
            }
        ],
    },
    "speed": {
        "speed_version": int,
        "hardware": dict,
        "command": str,
        "rows": [
            {
                "what": str,
                "texts": int,
                "batch_size": int,
                "texts_per_second": _NUMBER,
                "milliseconds": _NULLABLE,
            }
        ],
    },
    "training": {
        "training_version": int,
        "commit": (str, type(None)),
        "seed": int,
        "data_sha256": dict,
        "seconds": _NUMBER,
        "hardware": dict,
    },
    "bitext": {"tatoeba": _ACCURACY, "ntrex": _ACCURACY},
    "mix": {"rows": dict, "examples": dict, "row_licences": dict, "outputs": dict},
    "published": {
        "published_version": int,
        "benchmark": str,
        "systems": [
            {
                "name": str,
                "million_parameters": _NUMBER,
                "mo_map": _NULLABLE,
                "cr_map": _NULLABLE,
                "mul_map": _NULLABLE,
                "rank_distance": _NULLABLE,
                "source": str,
            }
        ],
    },
}
_STAGES = {"stages": [{"name": str, "arm": str, "batches": int, "batch_size": int, "seconds": _NUMBER}]}
_TEACHER = {"model": str, "language": str, "weights_sha256": str}


@dataclass(frozen=True)
class ResultsSource(Source):
    """A results file as a source of figures.

    Attributes:
        results: the content, typed.
    """

    results: Results


@dataclass(frozen=True)
class FolderFiles:
    """What there is to make a card of.

    Attributes:
        folder: of the model.
        results: evaluations of the released weights, the main one first.
        in_context: those whose candidates are sentences read in their passages.
        comparisons: files of `hf-hybrid compare`.
        arms: file of `hf-hybrid arms` with ``arms``.
        alpha: file of `hf-hybrid arms` with ``alpha``; may be the same.
        named: ``variants``, ``speed``, ``training``, ``bitext``, ``mix``, ``published``, those that exist.
        bitext_of_others: other models' accuracy on the same parallel sentences, by name.
        recipe: text of ``training.yaml``.
        unknown: JSON files in ``results`` that no section is made of.
    """

    folder: Path
    results: list[ResultsSource] = field(default_factory=list)
    in_context: list[ResultsSource] = field(default_factory=list)
    comparisons: list[Source] = field(default_factory=list)
    arms: Source | None = None
    alpha: Source | None = None
    named: dict[str, Source] = field(default_factory=dict)
    bitext_of_others: dict[str, Source] = field(default_factory=dict)
    recipe: str | None = None
    unknown: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> FolderFiles:
    """Find and check the files of a model's folder.

    Raises:
        InputError: a file is damaged or lacks a field; names both.
    """
    results: list[ResultsSource] = []
    sources: dict[str, list[Source]] = {"comparisons": [], "arms": [], "alpha": []}
    named: dict[str, Source] = {}
    unknown = []
    paths = [folder / "results.json"] if (folder / "results.json").is_file() else []
    for path in [*paths, *sorted((folder / RESULTS).glob("*.json"))]:
        source = _read_source(folder, path)
        if path.stem in SCHEMAS and path.parent != folder:
            _check(source.content, SCHEMAS[path.stem], source.file, "")
            if path.stem == "training" and "stages" in source.content:
                _check(source.content, _STAGES, source.file, "")
            if path.stem == "training" and "teacher" in source.content:
                _check(source.content["teacher"], _TEACHER, source.file, "teacher.")
            named[path.stem] = source
            continue
        if isinstance(source.content, dict) and "schema_version" in source.content:
            results.append(_results_source(source, path))
            continue
        kinds = _kinds(source)
        for kind in kinds:
            sources[kind].append(source)
        if not kinds:
            unknown.append(source.file)
    for kind in ("arms", "alpha"):
        if len(sources[kind]) > 1:
            names = " and ".join(source.file for source in sources[kind])
            raise InputError(f"{names} both hold {kind}: keep one of them")
    _check_once(results)
    in_context = []
    for path in sorted((folder / RESULTS / IN_CONTEXT).glob("*.json")):
        source = _read_source(folder, path)
        if not isinstance(source.content, dict) or "schema_version" not in source.content:
            raise InputError(f"{source.file} is no results file: write it with hf-hybrid evaluate, or remove it")
        in_context.append(_results_source(source, path))
    _check_once(in_context)
    others = {path.stem: _read_source(folder, path) for path in sorted((folder / RESULTS / BITEXT).glob("*.json"))}
    for source in others.values():
        _check(source.content, SCHEMAS[BITEXT], source.file, "")
    recipe = folder / RECIPE
    return FolderFiles(
        folder=folder,
        results=sorted(results, key=_order),
        in_context=sorted(in_context, key=_order),
        comparisons=sources["comparisons"],
        arms=next(iter(sources["arms"]), None),
        alpha=next(iter(sources["alpha"]), None),
        named=named,
        bitext_of_others=others,
        recipe=recipe.read_text(encoding="utf-8") if recipe.is_file() else None,
        unknown=unknown,
    )


def _read_source(folder: Path, path: Path) -> Source:
    return Source(_name_in(folder, path), _read_json(path))


def _results_source(source: Source, path: Path) -> ResultsSource:
    return ResultsSource(source.file, source.content, Results.checked(source.content, str(path)))


def _check_once(results: Sequence[ResultsSource]) -> None:
    benchmarks: dict[str, str] = {}
    for source in results:
        name = source.results.benchmark.name
        if name in benchmarks:
            raise InputError(
                f"{benchmarks[name]} and {source.file} are both of {name}: a card has one of each; move one to a "
                "folder below"
            )
        benchmarks[name] = source.file


def _kinds(source: Source) -> list[str]:
    content = source.content
    if not isinstance(content, dict):
        return []
    if "comparison_version" in content:
        _check(content, {"a": dict, "b": dict, "figures": dict, "settings": dict, "benchmark": dict}, source.file, "")
        return ["comparisons"]
    if "arms_version" in content:
        _check(content, {"settings": dict, "benchmark": dict}, source.file, "")
        return [kind for kind in ("arms", "alpha") if kind in content]
    return []


def _order(source: ResultsSource) -> tuple[int, str]:
    """Known benchmarks first, in their own order."""
    name = source.results.benchmark.name
    known = benchmark_names()
    return (known.index(name) if name in known else len(known), source.file)


def _name_in(folder: Path, path: Path) -> str:
    name = path.relative_to(folder).as_posix()
    if odd := sorted(set(" ,{}#*\t()") & set(name)):
        raise InputError(f"{name}: a card cannot quote a file with {odd[0]!r} in its name; rename it")
    return name


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}): write it again") from error


def _check(content: Any, schema: Mapping[str, Any], file: str, place: str) -> None:
    if not isinstance(content, Mapping):
        raise InputError(f"{file}: {place or 'the file'} must be an object")
    for name, kind in schema.items():
        where = f"{place}{name}"
        if name not in content:
            raise InputError(f"{file}: field {where!r} is missing")
        value = content[name]
        if isinstance(kind, Mapping):
            _check(value, kind, file, f"{where}.")
        elif isinstance(kind, list):
            if not isinstance(value, list) or not value:
                raise InputError(f"{file}: field {where!r} must be a list that is not empty")
            for index, entry in enumerate(value):
                _check(entry, kind[0], file, f"{where}[{index}].")
        elif not isinstance(value, kind) or isinstance(value, bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join("null" if one is type(None) else one.__name__ for one in kinds)
            raise InputError(f"{file}: field {where!r} must be {wanted}, got {type(value).__name__}")
