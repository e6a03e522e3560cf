"""Titles of benchmarks and languages as cards write them."""

from __future__ import annotations

from collections.abc import Sequence

import langcodes

from hf_hybrid.benchmarks.registry import benchmark_specs
from hf_hybrid.publishing.cards.sourced_tables import Source

# What a training run holds out of its own data; all other titles are in `hf_hybrid.benchmarks.registry`.
RUN_SPLITS = {"test": "test split of the run"}


def benchmark_title(name: str) -> str:
    """The name of a benchmark as people write it.

    Example:
        >>> benchmark_title("xquad_r"), benchmark_title("my_own")
        ('XQuAD-R', 'my_own')
    """
    return RUN_SPLITS.get(name) or next((spec.title for spec in benchmark_specs() if spec.name == name), name)


def title_of(source: Source) -> str:
    """The title of the benchmark of a results file."""
    return benchmark_title(source.content["benchmark"]["name"])


def language_title(tag: str) -> str:
    """A language in English with its tag.

    Example:
        >>> language_title("zh-Hant")
        'Chinese (Traditional), `zh-Hant`'
    """
    try:
        name = langcodes.Language.get(tag).display_name()
    except langcodes.LanguageTagError:
        return f"`{tag}`"
    return f"{name}, `{tag}`"


def listed(words: Sequence[str]) -> str:
    """Words as people list them.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"
