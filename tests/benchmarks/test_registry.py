"""The list of benchmarks: true to the loaders, the only one, and all that a new benchmark needs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from pathlib import Path

import pytest

from hf_hybrid.benchmarks import registry
from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.registry import (
    DEFAULT_BENCHMARK,
    benchmark_flags,
    benchmark_names,
    benchmark_spec,
    benchmark_specs,
    load_benchmark,
    register_benchmark,
)
from hf_hybrid.benchmarks.spec import LANGUAGES, BenchmarkOption, BenchmarkSpec
from hf_hybrid.cli.main import make_parser
from hf_hybrid.errors import InputError
from hf_hybrid.publishing.cards.folder_files import read_folder
from hf_hybrid.publishing.cards.published_results import dataset_ids
from hf_hybrid.publishing.cards.titles import benchmark_title
from tests.minimal_results import results, write

ROOT = Path(__file__).resolve().parents[2]


def load_two_texts(
    data_dir: str | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    languages: Sequence[str] | None = None,
    greeting: str = "hello",
) -> Benchmark:
    return Benchmark(
        name="two_texts",
        languages=("en",),
        query_ids=["q"],
        queries=[greeting],
        query_languages=[0],
        query_examples=[0],
        candidate_ids=["a", "b"],
        candidates=["hello world", "good night"],
        candidate_languages=[0, 0],
        relevance_offsets=[0, 1],
        relevance_candidates=[0],
        clusters=[0],
    )


GREETING = BenchmarkOption("greeting", "ask this", metavar="WORD", default="hello")
TWO_TEXTS = BenchmarkSpec(
    "two_texts",
    title="Two Texts",
    summary="1 language, 2 texts",
    loader=load_two_texts,
    hub_id="me/two_texts",
    options=(LANGUAGES, GREETING),
    needs_data=False,
)


@pytest.fixture
def two_texts(monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    register_benchmark(TWO_TEXTS)


def evaluate_help() -> str:
    verbs = next(action for action in make_parser()._actions if action.choices and "evaluate" in action.choices)
    return " ".join(verbs.choices["evaluate"].format_help().split())


@pytest.mark.parametrize("spec", benchmark_specs(), ids=lambda spec: spec.name)
def test_a_spec_says_what_its_loader_takes_and_gives(spec):
    signature = inspect.signature(spec.load_function())
    keywords = dict(signature.parameters)
    assert [keywords.pop(name).default for name in ("data_dir", "hub_id", "revision")] == [None] * 3
    assert {option.name: option.default for option in spec.options} == {
        name: keyword.default for name, keyword in keywords.items()
    }
    assert spec.option_names == list(keywords)
    assert signature.return_annotation == {"pool": "Benchmark", "corpus": "CorpusBenchmark"}[spec.kind]


@pytest.mark.parametrize("spec", benchmark_specs(), ids=lambda spec: spec.name)
def test_those_of_the_package_load_without_data_and_the_others_say_how_to_get_theirs(spec):
    if spec.is_packaged:
        assert load_benchmark(spec.name).name == spec.name
    else:
        assert spec.needs_data
        with pytest.raises(InputError, match=f"benchmark {spec.name} needs its data: .*--data_dir"):
            load_benchmark(spec.name)


def test_the_default_comes_with_the_package():
    assert benchmark_spec(DEFAULT_BENCHMARK).is_packaged


def test_options_of_one_name_make_one_flag():
    for takers in benchmark_flags().values():
        assert len({option.with_default(None) for _, option in takers}) == 1


def test_there_is_no_second_list():
    names = set(benchmark_names())
    folders = [ROOT / "hf_hybrid", ROOT / "spaces"]
    modules = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    assert len(modules) > 150
    listing = set()
    for path in modules:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        strings = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if len(strings & names) > 1:
            listing.add(path.relative_to(ROOT).as_posix())
    assert listing == {"hf_hybrid/benchmarks/registry.py"}


def test_the_help_names_every_benchmark():
    shown = evaluate_help()
    for spec in benchmark_specs():
        assert spec.name in shown and spec.summary in shown and spec.data_hint in shown
    assert "(xquad_r, mlqa_r: default sentence)" in shown
    assert "(miracl, tydiqa, tydiqa_by_language: default dev; world_facts, local, cldr_qa: default test)" in shown
    assert "two_texts" not in shown


def test_one_entry_is_all_that_a_benchmark_needs(two_texts, tmp_path):
    shown = evaluate_help()
    assert "two_texts Two Texts: 1 language, 2 texts; needs no data" in shown
    assert "--greeting WORD ask this (two_texts: default hello)" in shown
    assert "tydiqa_by_language, two_texts)" in shown and "two_texts: me/two_texts" in shown
    arguments = make_parser().parse_args(["evaluate", "model", "--benchmark", "two_texts", "--greeting", "good day"])
    assert load_benchmark("two_texts", greeting=arguments.greeting).queries == ["good day"]
    with pytest.raises(InputError, match="two_texts has no option 'greting': did you mean greeting?"):
        load_benchmark("two_texts", greting="x")

    for name in ("two_texts", "unheard_of", "cldr_qa", "xquad_r"):
        write(tmp_path / "results" / f"a_{name}.json", results(benchmark=name))
    files = read_folder(tmp_path)
    order = [source.content["benchmark"]["name"] for source in files.results]
    assert order == ["xquad_r", "cldr_qa", "two_texts", "unheard_of"]
    assert benchmark_title("two_texts") == "Two Texts"
    assert dataset_ids(tmp_path, files, {}) == {"two_texts": "me/two_texts"}


def test_a_loader_may_be_named_by_its_place():
    spec = BenchmarkSpec("n", "N", "s", f"{__name__}:load_two_texts")
    assert spec.load_function() is load_two_texts


@pytest.mark.parametrize(
    ("name", "message"),
    [("xquad_r", "benchmark 'xquad_r' is there already"), ("two=texts", "write letters, digits and underscores")],
)
def test_names_that_are_refused(two_texts, name, message):
    with pytest.raises(InputError, match=message):
        register_benchmark(BenchmarkSpec(name, "T", "s", load_two_texts))
    assert len(benchmark_names()) == 10
