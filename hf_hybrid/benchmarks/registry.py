"""The one list of benchmarks. Help texts, flags, names and order in cards and known Hub ids are made of it.

To add a benchmark, write a module with its loader and an entry here. `register_benchmark` adds one from outside.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_hybrid.benchmarks.spec import (
    CANDIDATE_TEXT,
    EXAMPLES_SEED,
    LANGUAGES,
    MAX_EXAMPLES,
    SPLIT,
    BenchmarkOption,
    BenchmarkSpec,
)
from hf_hybrid.errors import InputError, nearest

if TYPE_CHECKING:
    from hf_hybrid.benchmarks.benchmark import Benchmark
    from hf_hybrid.benchmarks.corpus_benchmark import CorpusBenchmark

# What `hf-hybrid evaluate` takes unless told otherwise.
DEFAULT_BENCHMARK = "cldr_qa"

# In the order of cards: first what a reader looks for first.
_SPECS = (
    BenchmarkSpec(
        "xquad_r",
        title="XQuAD-R",
        summary="11 languages, 1,190 questions each, 13,014 sentences (LAReQA)",
        loader="hf_hybrid.benchmarks.xquad_r:load_xquad_r",
        options=(CANDIDATE_TEXT, LANGUAGES),
    ),
    BenchmarkSpec(
        "mlqa_r",
        title="MLQA-R",
        summary="7 languages, 4,199 questions, 20,534 sentences (LAReQA), not for commercial use",
        loader="hf_hybrid.benchmarks.mlqa_r:load_mlqa_r",
        options=(CANDIDATE_TEXT, LANGUAGES),
    ),
    BenchmarkSpec(
        "belebele",
        title="Belebele",
        summary="122 language variants, 900 questions each",
        loader="hf_hybrid.benchmarks.belebele:load_belebele",
        hub_id="facebook/belebele",
        options=(LANGUAGES,),
    ),
    BenchmarkSpec(
        "miracl",
        title="MIRACL",
        summary="18 languages, up to 33 million passages each, searched within a language (of the Hub: --languages)",
        loader="hf_hybrid.benchmarks.miracl:load_miracl",
        hub_id="miracl/miracl",
        options=(SPLIT.with_default("dev"), LANGUAGES),
        kind="corpus",
    ),
    BenchmarkSpec(
        "tydiqa",
        title="TyDi QA",
        summary="9 languages, 5,077 questions of speakers, 4,488 paragraphs, with answers for a --reader",
        loader="hf_hybrid.benchmarks.tydiqa:load_tydiqa",
        hub_id="google-research-datasets/tydiqa",
        options=(SPLIT.with_default("dev"), LANGUAGES),
    ),
    BenchmarkSpec(
        "tydiqa_by_language",
        title="TyDi QA by language",
        summary="the same measured as MIRACL: each language searches its own paragraphs",
        loader="hf_hybrid.benchmarks.tydiqa:load_tydiqa_by_language",
        hub_id="google-research-datasets/tydiqa",
        options=(SPLIT.with_default("dev"), LANGUAGES),
        kind="corpus",
    ),
    BenchmarkSpec(
        "world_facts",
        title="World Facts",
        summary="11 languages, 104 facts that nothing trains on",
        loader="hf_hybrid.benchmarks.world_facts:load_world_facts",
        options=(SPLIT, MAX_EXAMPLES, EXAMPLES_SEED),
        needs_data=False,
        is_packaged=True,
    ),
    BenchmarkSpec(
        "local",
        title="local",
        summary="your own: corpus.jsonl and queries.jsonl (_id, lang, text), qrels/test.tsv",
        loader="hf_hybrid.benchmarks.local:load_local",
        options=(SPLIT,),
    ),
    BenchmarkSpec(
        "cldr_qa",
        title="CLDR QA",
        summary="18 languages, a split that the default run leaves out of training",
        loader="hf_hybrid.benchmarks.cldr_qa:load_cldr_qa",
        options=(SPLIT, MAX_EXAMPLES, EXAMPLES_SEED),
        needs_data=False,
        is_packaged=True,
    ),
)
_registered: dict[str, BenchmarkSpec] = {spec.name: spec for spec in _SPECS}


def register_benchmark(spec: BenchmarkSpec) -> None:
    """Add a benchmark of your own to this process, after the others.

    Raises:
        InputError: a name that is taken or that cannot be a part of a file's name.

    Example:
        >>> register_benchmark(BenchmarkSpec("xquad_r", "Mine", "two texts", "my_module:load"))
        Traceback (most recent call last):
        hf_hybrid.errors.InputError: benchmark 'xquad_r' is there already: choose another name
    """
    if spec.name in _registered:
        raise InputError(f"benchmark {spec.name!r} is there already: choose another name")
    if not re.fullmatch(r"\w+", spec.name):
        raise InputError(f"benchmark name {spec.name!r}: write letters, digits and underscores")
    _registered[spec.name] = spec


def benchmark_specs() -> tuple[BenchmarkSpec, ...]:
    """All benchmarks, in the order of cards."""
    return tuple(_registered.values())


def benchmark_names() -> list[str]:
    """Their names, in the same order."""
    return list(_registered)


def benchmark_spec(name: str) -> BenchmarkSpec:
    """A benchmark by name.

    Raises:
        InputError: unknown name, with the nearest valid one.

    Example:
        >>> benchmark_spec("belebele").hub_id
        'facebook/belebele'
    """
    if name not in _registered:
        known = sorted(_registered)
        raise InputError(f"unknown benchmark {name!r}: {_nearest(name, known)}(known: {', '.join(known)})")
    return _registered[name]


def benchmark_flags() -> dict[str, list[tuple[BenchmarkSpec, BenchmarkOption]]]:
    """Name of each option that is a flag -> the benchmarks that take it, each with its own form of it."""
    flags: dict[str, list[tuple[BenchmarkSpec, BenchmarkOption]]] = {}
    for spec in benchmark_specs():
        for option in spec.options:
            if option.is_flag:
                flags.setdefault(option.name, []).append((spec, option))
    return flags


def load_benchmark(
    name: str,
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    **options: Any,
) -> Benchmark | CorpusBenchmark:
    """Load a benchmark by name.

    Args:
        name: one of `benchmark_names`.
        data_dir: folder with its data.
        hub_id: dataset repository with its data.
        revision: revision of the dataset repository.
        **options: what the benchmark's own loader takes; None means its default.

    Raises:
        InputError: unknown name or option, with the nearest valid ones.

    Example:
        >>> load_benchmark("xquad-r")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        hf_hybrid.errors.InputError: unknown benchmark 'xquad-r': did you mean xquad_r? (known: belebele, ...)
    """
    spec = benchmark_spec(name)
    known = spec.option_names
    options = {key: value for key, value in options.items() if value is not None}
    for key in options:
        if key not in known:
            raise InputError(
                f"benchmark {name} has no option {key!r}: {_nearest(key, known)}(known: {', '.join(known) or 'none'})"
            )
    return spec.load_function()(data_dir=data_dir, hub_id=hub_id, revision=revision, **options)


def _nearest(word: str, known: list[str]) -> str:
    close = nearest(word, known)
    return f"did you mean {close}? " if close else ""
