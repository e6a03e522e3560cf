"""Names of benchmarks, languages and figures, and the small texts that several sections share."""

from __future__ import annotations

from collections.abc import Sequence

import langcodes

from hf_hybrid.benchmarks.registry import benchmark_specs
from hf_hybrid.publishing.cards.sourced_tables import Cell, Source

# What a training run holds out of its own data; all other titles are in `hf_hybrid.benchmarks.registry`.
RUN_SPLITS = {"test": "test split of the run"}
# title, key of a results file, factor, decimals; {k} is the cutoff
COLUMNS = (
    ("Mo", "mo_map", 100, 1),
    ("Cr", "cr_map", 100, 1),
    ("Mul", "mul_map", 100, 1),
)
# Of benchmarks that are searched within each language only.
CORPUS_COLUMNS = (
    ("nDCG@10", "mo_ndcg_at_10", 100, 1),
    ("Recall@100", "mo_recall_at_100", 100, 1),
    ("judged@10", "mo_judged_at_10", 100, 1),
)


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


def figure_unit(figure: str) -> tuple[int, int]:
    """Factor and decimals of a figure: mAP and shares in percent, ranks as they are."""
    return (1, 1) if figure.startswith(("rank_distance", "max_rank")) and "normalised" not in figure else (100, 2)


def columns_with_values(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> tuple[list[str], list[list[Cell]]]:
    """A table without the columns in which no row has anything."""
    kept = [number for number in range(len(head)) if any(row[number] is not None for row in rows)]
    return [head[number] for number in kept], [[row[number] for number in kept] for row in rows]
