import numpy as np
import pytest

from hf_hybrid.benchmarks import Benchmark, load_benchmark
from hf_hybrid.errors import InputError

FIELDS = {
    "name": "toy",
    "languages": ("de", "en"),
    "query_ids": ["q0", "q1"],
    "queries": ["wo?", "where?"],
    "query_languages": [0, 1],
    "query_examples": [0, 0],
    "candidate_ids": ["c0", "c1", "c2"],
    "candidates": ["hier", "here", "there"],
    "candidate_languages": [0, 1, 1],
    "relevance_offsets": [0, 2, 4],
    "relevance_candidates": [0, 1, 0, 1],
    "clusters": [0, 0],
}


def toy(**changes) -> Benchmark:
    return Benchmark(**{**FIELDS, **changes})


def test_fields_become_int64_and_the_benchmark_describes_itself():
    benchmark = toy(settings={"split": "test"})
    assert benchmark.query_languages.dtype == np.int64
    described = benchmark.describe()
    assert described["queries_per_language"] == [1, 1] and described["candidates_per_language"] == [1, 2]
    assert described["settings"] == {"split": "test"} and len(described["data_sha256"]) == 64


def test_the_hash_follows_the_content_only():
    assert toy().data_sha256 == toy(name="other", settings={"a": 1}).data_sha256
    assert toy().data_sha256 != toy(candidates=["hier", "here", "There"]).data_sha256
    assert toy().data_sha256 != toy(relevance_candidates=[0, 1, 0, 2]).data_sha256
    assert toy().data_sha256 != toy(clusters=[0, 1]).data_sha256


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"languages": ("de", "de")}, "languages must be distinct"),
        ({"queries": [], "query_ids": []}, "0 queries"),
        ({"clusters": [0]}, "clusters has 1 entries, not 2"),
        ({"query_languages": [0, 2]}, "query_languages must lie in 0..1"),
        ({"query_ids": ["q0", "q0"]}, "two query entries share the id 'q0'"),
        ({"candidates": ["hier", " ", "there"]}, "candidate 'c1' has no text"),
        ({"relevance_offsets": [0, 4, 4]}, "query 'q1' has no relevant candidate"),
        ({"relevance_offsets": [0, 3, 2]}, "relevance_offsets must rise"),
        ({"relevance_candidates": [0, 1, 0, 3]}, "relevance_candidates must lie in 0..2"),
        ({"relevance_candidates": [0, 1, 2, 2]}, "query 'q1' names a relevant candidate twice"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        toy(**changes)


def test_an_unknown_benchmark_suggests_the_nearest():
    with pytest.raises(InputError, match="unknown benchmark 'xquad-r': did you mean xquad_r"):
        load_benchmark("xquad-r")


def test_an_unknown_option_suggests_the_nearest():
    with pytest.raises(InputError, match="xquad_r has no option 'candidate_texts': did you mean candidate_text"):
        load_benchmark("xquad_r", candidate_texts="sentence")
