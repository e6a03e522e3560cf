"""Rules that load a data set as its users will: every configuration, streaming and not, with the same features in
every language.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hf_hybrid.errors import first_line
from hf_hybrid.publishing.lint.card import Finding
from hf_hybrid.publishing.lint.data_files import DataFiles
from hf_hybrid.publishing.lint.metadata import as_list


def check_loading(data: DataFiles) -> Iterator[Finding]:
    """Load every configuration from an empty cache."""
    from datasets import load_dataset

    card = data.card
    features: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as cache, _no_progress_bars():
        for index, config in enumerate(data.configs):
            line = card.line("configs", index)
            try:
                whole = load_dataset(str(card.folder), config, cache_dir=cache)
                streamed = load_dataset(str(card.folder), config, cache_dir=cache, streaming=True)
                # The features of a stream are those of its first rows.
                first = {split: next(iter(rows)) for split, rows in streamed.items()}
            except Exception as error:
                # Whatever a user would get to see: the libraries below raise a dozen types, all of them a finding.
                yield card.finding(line, "loading", f"config {config} does not load ({first_line(error)})")
                continue
            for split, rows in whole.items():
                if dict(rows.features) != dict(streamed[split].features or rows.features) or rows[0] != first[split]:
                    yield card.finding(
                        line, "loading", f"config {config}, split {split}: a stream gives other rows or features"
                    )
                if rows.num_rows != data.rows_of(config, split) and data.rows_of(config, split) >= 0:
                    yield card.finding(
                        line, "loading", f"config {config}, split {split} gives {rows.num_rows:,} of its rows"
                    )
            features[config] = dict(next(iter(whole.values())).features)
            yield from _check_language_column(data, config, whole, line)
    yield from _check_features(data, features)


def family(config: str, languages: list[str]) -> str:
    """The name of a configuration without its language: configurations of one family differ in language only.

    Example:
        >>> [family(name, ["de", "zh-Hans"]) for name in ("de-corpus", "corpus_zh-Hans", "de", "pool-corpus")]
        ['*-corpus', 'corpus_*', '*', '*-corpus']
    """
    for tag in sorted((*languages, "pool", "all"), key=len, reverse=True):
        if config == tag:
            return "*"
        for mark in "-_":
            if config.startswith(tag + mark):
                return "*" + config[len(tag) :]
            if config.endswith(mark + tag):
                return config[: -len(tag)] + "*"
    return config


def _check_features(data: DataFiles, features: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """Configurations of one family have the same columns and types."""
    card = data.card
    languages = [tag for tag in as_list(card.data.get("language")) if isinstance(tag, str)]
    first: dict[str, str] = {}
    for index, config in enumerate(data.configs):
        if config in features:
            model = first.setdefault(family(config, languages), config)
            if features[config] != features[model]:
                names = sorted(
                    name
                    for name in features[config].keys() | features[model].keys()
                    if features[config].get(name) != features[model].get(name)
                )
                yield card.finding(
                    card.line("configs", index),
                    "features",
                    f"config {config} differs from {model} in {', '.join(names)}",
                )


def _check_language_column(data: DataFiles, config: str, whole: Any, line: int) -> Iterator[Finding]:
    """Values of a column `lang` are languages of the card."""
    card = data.card
    declared = set(as_list(card.data.get("language")))
    for split, rows in whole.items():
        if "lang" in rows.column_names:
            unknown = sorted(map(str, set(rows.unique("lang")) - declared))
            if unknown:
                yield card.finding(
                    line,
                    "language",
                    f"config {config}, split {split} has rows in {', '.join(unknown)}, not in the card",
                )


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
