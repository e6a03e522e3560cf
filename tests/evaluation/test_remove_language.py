"""Languages taken out of a benchmark's vectors, in the library and by the command."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from hf_hybrid.cli.main import main
from hf_hybrid.data.pairs import ParallelPairs, embedded_dataset_path
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.evaluation.remove_language import common_texts, removal_of, shift_vectors, subtract_means
from hf_hybrid.retrieval.encode import load_encoder
from hf_hybrid.retrieval.encode_texts import encode_texts
from hf_hybrid.retrieval.shards import Shards
from tests.rankings import unit_vectors
from tests.results_files import small_benchmark


def test_means_undo_what_languages_add():
    """Vectors of one meaning with a large offset by language: unbiased only without it."""
    benchmark = small_benchmark(questions=30)
    offset = 3 * unit_vectors(3, 24, seed=5)
    meaning = unit_vectors(30, 24, seed=1)[torch.from_numpy(benchmark.query_examples)]
    vectors = torch.nn.functional.normalize(meaning + offset[torch.from_numpy(benchmark.query_languages)], dim=1)
    biased = evaluate_embeddings(vectors, vectors, benchmark)
    freed = evaluate_embeddings(*subtract_means(vectors, vectors, benchmark, True), benchmark)
    assert biased.mul < 0.6 and freed.mul > 0.95
    assert freed.summary()["own_language_share_at_10"] < biased.summary()["own_language_share_at_10"]


@pytest.fixture(scope="module")
def model():
    return load_encoder("hybrid-xlir-static", device="cpu")


def test_shift_is_the_mean_of_differences_of_pairs(model):
    parallel = ParallelPairs.load(embedded_dataset_path(), split="dev", languages=["de", "en"])
    found = shift_vectors(model, parallel, "en")
    texts = {
        (example, lang): passage
        for example, lang, passage in zip(
            parallel.example_of_row, parallel.dataset["lang"], parallel.dataset["passage"], strict=True
        )
    }
    both = [e for e in range(parallel.num_examples) if (e, "de") in texts and (e, "en") in texts]
    sides = [encode_texts(model, [texts[e, lang] for e in both], kind="passage") for lang in ("de", "en")]
    torch.testing.assert_close(found["de"], (sides[0] - sides[1]).mean(dim=0), atol=1e-5, rtol=0)
    assert not found["en"].any()


def test_means_of_other_text_are_of_the_examples_that_all_languages_have(model):
    parallel = ParallelPairs.load(embedded_dataset_path(), split="dev", languages=["de", "el", "en"])
    codes = np.arange(12) % 2
    two = {"query_languages": codes, "candidate_languages": 1 - codes}
    benchmark = small_benchmark(questions=4, languages=("en", "de"), **two)
    places, texts = common_texts(parallel, benchmark.languages)
    rows = zip(parallel.example_of_row, parallel.dataset["lang"], parallel.dataset["passage"], strict=True)
    text_of = {(example, lang): passage for example, lang, passage in rows}
    both = [e for e in range(parallel.num_examples) if (e, "de") in text_of and (e, "en") in text_of]
    assert len(both) > 5
    for place, lang in enumerate(benchmark.languages):
        assert {t for p, t in zip(places, texts, strict=True) if p == place} == {text_of[e, lang] for e in both}
    queries, candidates = unit_vectors(12, 384, seed=1), unit_vectors(12, 384, seed=2)
    moved = removal_of("means", model, parallel)(queries, candidates, benchmark, True)
    for found, vectors, kind, codes in (
        (moved[0], queries, "query", benchmark.query_languages),
        (moved[1], candidates, "passage", benchmark.candidate_languages),
    ):
        means = [
            encode_texts(model, [text_of[e, lang] for e in both], kind=kind).mean(dim=0)
            for lang in benchmark.languages
        ]
        expected = torch.nn.functional.normalize(vectors - torch.stack(means)[torch.from_numpy(codes)], dim=1)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_text_without_a_language_or_without_a_whole_example_is_refused(tmp_path):
    rows = [("1", "de"), ("1", "en"), ("2", "en"), ("2", "th")]
    file = tmp_path / "text.jsonl"
    file.write_text(
        "".join(json.dumps({"id": i, "lang": lang, "query": "q", "passage": "p"}) + "\n" for i, lang in rows)
    )
    parallel = ParallelPairs.load(str(file))
    with pytest.raises(InputError, match=r"has no 'zh'; it has de, en, th"):
        common_texts(parallel, ["de", "zh"])
    with pytest.raises(InputError, match="no example of the parallel text exists in all of de, th"):
        common_texts(parallel, ["de", "th"])
    assert common_texts(parallel, ["th", "en"])[0].tolist() == [1, 0]


def test_shift_moves_candidates_alone(model):
    parallel = ParallelPairs.load(embedded_dataset_path(), split="dev", languages=["de", "en"])
    benchmark = small_benchmark(questions=4, languages=("de", "en", "de-AT"))
    queries = candidates = unit_vectors(12, 384, seed=1)
    with pytest.raises(InputError, match="no pair of 'de-AT' with the source"):
        removal_of("shift", model, parallel)(queries, candidates, benchmark, True)
    two = small_benchmark(
        questions=4,
        languages=("de", "en"),
        query_languages=np.zeros(12, dtype=int),
        candidate_languages=np.zeros(12, dtype=int),
    )
    moved = removal_of("shift", model, parallel)(queries, candidates, two, True)
    expected = torch.nn.functional.normalize(candidates - shift_vectors(model, parallel, "en")["de"], dim=1)
    assert moved[0] is queries
    torch.testing.assert_close(moved[1], expected, atol=1e-6, rtol=0)


def test_the_command(tmp_path, capsys):
    command = ["evaluate", "hybrid-xlir-static", "--max_examples", "10", "--quiet", "--output"]
    found = {}
    sha256 = ParallelPairs.load(embedded_dataset_path()).sha256
    for kind, text in (("plain", False), ("means", False), ("means", True), ("shift", True)):
        flags = [] if kind == "plain" else ["--remove_language", kind]
        flags += ["--parallel_text", embedded_dataset_path()] if text else []
        path = tmp_path / f"{kind}{text}.json"
        assert main([*command, str(path), *flags]) == 0
        one = found[kind, text] = json.loads(path.read_text())
        assert one["settings"].get("remove_language") == (None if kind == "plain" else kind)
        assert one["settings"].get("parallel_text_sha256") == (sha256 if text else None)
    assert len({one["summary"]["mul_map"] for one in found.values()}) == 4
    capsys.readouterr()
    for flags, message in (
        (["--remove_language", "all"], "--remove_language all: choose means or shift"),
        (["--remove_language", "shift"], "needs parallel text: give --parallel_text"),
        (["--parallel_text", "x"], "--parallel_text has no effect without --remove_language"),
    ):
        assert main([*command, str(tmp_path / "no.json"), *flags]) == 2
        assert message in capsys.readouterr().err


def test_a_corpus_is_shifted_as_it_is_encoded(model, tmp_path, capsys):
    corpus = tmp_path / "corpus.jsonl"
    texts = ["Die Hauptstadt von Peru ist Lima.", "Quito liegt in Ecuador."]
    corpus.write_text("".join(json.dumps({"docid": f"d{n}", "text": text}) + "\n" for n, text in enumerate(texts)))
    command = ["encode", "hybrid-xlir-static", "--corpus", str(corpus), "--quiet", "--output"]
    shift = ["--corpus_language", "de", "--parallel_text", embedded_dataset_path()]
    assert main([*command, str(tmp_path / "plain")]) == 0 and main([*command, str(tmp_path / "moved"), *shift]) == 0
    plain, moved = (Shards.open(tmp_path / name) for name in ("plain", "moved"))
    parallel = ParallelPairs.load(embedded_dataset_path())
    vector = shift_vectors(model, parallel, "en")["de"]
    expected = torch.nn.functional.normalize(next(plain.blocks(9))[1] - vector, dim=1)
    torch.testing.assert_close(next(moved.blocks(9))[1], expected, atol=1e-5, rtol=0)
    assert plain.settings.language_offset is None
    assert moved.settings.language_offset == f"shift of de to en, parallel text {parallel.sha256[:16]}"
    capsys.readouterr()
    # Neither kind goes on in a folder of the other.
    assert main([*command, str(tmp_path / "plain"), *shift]) == 2
    assert "language_offset is None" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "no"), "--corpus_language", "de"]) == 2
    assert "--corpus_language and --parallel_text belong together" in capsys.readouterr().err
    assert main(["search", "hybrid-xlir-static", "--vectors", str(tmp_path / "moved"), "--query", "Lima?"]) == 0
    assert capsys.readouterr().out.startswith("1 Q0 d0 1 ")
