"""Results in the two forms that the Hub reads: `model-index` in the front matter, and `.eval_results/*.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import langcodes
import yaml

from hf_hybrid.benchmarks.registry import benchmark_specs
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import HUB, MAIN, Figure, figures_of
from hf_hybrid.publishing.cards.folder_files import FolderFiles, ResultsSource
from hf_hybrid.publishing.cards.titles import title_of
from hf_hybrid.publishing.lint.eval_results import FOLDER

# The Hub compares values of one name: only those with this cutoff are published.
_CUTOFF = 10
_ID = re.compile(r"[\w.-]+/[\w.-]+")


def dataset_ids(folder: Path, files: FolderFiles, given: Mapping[str, str]) -> dict[str, str]:
    """The Hub's name of every benchmark that has one: given, or as `.eval_results` has it already, or known.

    Raises:
        InputError: a name is not OWNER/NAME, or is given for a benchmark without results.
    """
    names = [source.results.benchmark.name for source in files.results]
    for name, value in given.items():
        if not _ID.fullmatch(value):
            raise InputError(f"data set {value!r} of {name} is no name of the Hub: write OWNER/NAME")
        if name not in names:
            raise InputError(
                f"data set of {name!r}: there are no results of it; results are of {', '.join(names) or 'nothing'}"
            )
    found, known = {}, {spec.name: spec.hub_id for spec in benchmark_specs()}
    for name in names:
        value = given.get(name) or _published_id(folder / FOLDER / f"{name}.yaml") or known.get(name)
        if value:
            found[name] = value
    return found


def model_index(model_name: str, files: FolderFiles, ids: Mapping[str, str]) -> str:
    """The field `model-index`, each value with the place that it is from; empty without results."""
    from huggingface_hub import EvalResult
    from huggingface_hub.repocard_data import eval_results_to_model_index

    results = []
    for source in files.results:
        name = source.results.benchmark.name
        for figure, value in _figures(source):
            results.append(
                EvalResult(
                    task_type="text-retrieval",
                    task_name="Multilingual retrieval",
                    dataset_type=ids.get(name, name),
                    dataset_name=title_of(source),
                    dataset_args={"data_sha256": source.results.benchmark.data_sha256},
                    metric_type=figure.hub_type.format(k=_CUTOFF),
                    metric_name=figure.column(HUB, _CUTOFF).title,
                    metric_value=value,
                    metric_args={"results": f"{source.file}#/summary/{figure.column(HUB, _CUTOFF).key}"},
                )
            )
    if not results:
        return ""
    return _yaml({"model-index": eval_results_to_model_index(model_name, results)})


def eval_result_files(files: FolderFiles, ids: Mapping[str, str], model_name: str) -> dict[str, str]:
    """Path in the repository -> content, for every benchmark that has a name at the Hub.

    Args:
        files: of the model.
        ids: from `dataset_ids`.
        model_name: becomes the source of the entries where it is a name of the Hub.
    """
    if not ids:
        return {}
    try:
        from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    except ImportError as error:
        raise InputError(
            ".eval_results need a newer huggingface_hub: pip install --upgrade huggingface_hub"
        ) from error

    written = {}
    for source in files.results:
        name = source.results.benchmark.name
        if name not in ids:
            continue
        url = f"https://huggingface.co/{model_name}/blob/main/{source.file}" if _ID.fullmatch(model_name) else None
        entries = [
            EvalResultEntry(
                dataset_id=ids[name],
                task_id=figure.column(HUB, _CUTOFF).key,
                value=value,
                date=source.results.created[:10],
                source_url=url,
                source_name="results file" if url else None,
                notes=f"{figure.column(HUB, _CUTOFF).title}: {source.file}#/summary/{figure.column(HUB, _CUTOFF).key}",
            )
            for figure, value in _figures(source)
        ]
        written[f"{FOLDER}/{name}.yaml"] = _yaml(eval_result_entries_to_yaml(entries)) + "\n"
    return written


def languages_field(files: FolderFiles) -> str:
    """The field `language`: all languages that were measured, as the Hub writes them."""
    tags = dict.fromkeys(
        langcodes.standardize_tag(tag) if langcodes.tag_is_valid(tag) else tag
        for source in files.results
        for tag in source.results.benchmark.languages
    )
    return _yaml({"language": sorted(tags) or ["multilingual"]})


def _figures(source: ResultsSource) -> list[tuple[Figure, float]]:
    """The figures that are published, to four decimals."""
    summary = source.results.summary
    keys = {figure.column(HUB, _CUTOFF).key: figure for figure in figures_of(HUB, f"mo_{MAIN}" not in summary)}
    return [(figure, round(summary[key], 4)) for key, figure in keys.items() if key in summary]


def _published_id(path: Path) -> str | None:
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        return entries[0]["dataset"]["id"]
    except (OSError, yaml.YAMLError, TypeError, KeyError, IndexError):
        return None


def _yaml(content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000).rstrip()
