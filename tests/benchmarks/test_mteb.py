"""What mteb does with a saved model and with our task. mteb is slow to import; it is skipped where it is not
installed.
"""

import numpy as np
import pytest

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.benchmarks.mteb_task import mteb_task
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import evaluate_model

mteb = pytest.importorskip("mteb", reason="the extra `mteb` is not installed")

LANGUAGES = ("de", "en", "zh")
COLOURS = ["rot", "grün", "blau", "weiss", "schwarz", "gelb", "braun", "grau"]


@pytest.fixture(scope="module")
def benchmark():
    texts = {
        tag: [f"{tag} {colour} {number} {'x' * number}" for number, colour in enumerate(COLOURS)] for tag in LANGUAGES
    }
    candidates = [text for tag in LANGUAGES for text in texts[tag]]
    queries = [f"{colour} {tag}?" for tag in LANGUAGES for colour in COLOURS]
    size = len(COLOURS)
    relevant = [[number + size * code for code in range(3)] for _ in LANGUAGES for number in range(size)]
    languages = np.repeat(np.arange(3), size)
    return Benchmark(
        name="toy_colours",
        languages=LANGUAGES,
        query_ids=[f"q{row}" for row in range(3 * size)],
        queries=queries,
        query_languages=languages,
        query_examples=np.tile(np.arange(size), 3),
        candidate_ids=[f"c{row}" for row in range(3 * size)],
        candidates=candidates,
        candidate_languages=languages,
        relevance_offsets=np.arange(0, 3 * 3 * size + 1, 3),
        relevance_candidates=np.concatenate(relevant),
        clusters=np.tile(np.arange(size), 3),
    )


@pytest.fixture(scope="module")
def saved(benchmark, tmp_path_factory):
    args = ModelArguments(
        encoder="transformer",
        vocab_size=340,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    model = build_encoder(args, training_texts=[*benchmark.candidates, *benchmark.queries] * 5)
    return save_encoder(model, tmp_path_factory.mktemp("model") / "saved")


@pytest.fixture(scope="module")
def model(saved):
    """Loaded as any user of mteb would: with nothing of ours."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(saved), device="cpu")


def scores(model, task) -> dict[str, dict[str, float]]:
    result = mteb.evaluate(model, task, cache=None, show_progress_bar=False)
    return {row["hf_subset"]: row for row in result.task_results[0].scores["test"]}


def test_a_saved_model_runs_in_mteb_unchanged_and_gives_our_figures(model, benchmark):
    """Mul from mteb's own encoding (with the model's prompts), search and scores, against our exact evaluation."""
    found = scores(model, mteb_task(benchmark))
    ours = evaluate_model(model, benchmark, show_progress=False)
    assert set(found) == set(LANGUAGES)
    for tag, pool in zip(LANGUAGES, ours.measures["map"].pool, strict=True):
        assert found[tag]["main_score"] == pytest.approx(pool, abs=1e-5)
    for tag, pool in zip(LANGUAGES, ours.measures["ndcg_at_10"].pool, strict=True):
        assert found[tag]["ndcg_at_10"] == pytest.approx(pool, abs=1e-5)


def test_a_column_of_the_matrix(model, benchmark):
    found = scores(model, mteb_task(benchmark, candidate_language="en"))
    column = evaluate_model(model, benchmark, show_progress=False).matrix[:, 1]
    assert [found[tag]["main_score"] for tag in LANGUAGES] == pytest.approx(column.tolist(), abs=1e-5)


def test_the_prompts_of_the_model_matter(model, benchmark):
    """Otherwise the tests above could not tell whether mteb applies them."""
    with_prompts = evaluate_model(model, benchmark, show_progress=False).mul
    without = evaluate_model(model, benchmark, query_prompt="", passage_prompt="", show_progress=False).mul
    assert abs(with_prompts - without) > 1e-4


def test_the_task_says_what_it_is(benchmark):
    task = mteb_task(benchmark)
    assert task.metadata.name == "HfHybridToyColoursMixedRetrieval"
    assert task.metadata.eval_langs == {"de": ["deu-Latn"], "en": ["eng-Latn"], "zh": ["zho-Hans"]}
    assert task.metadata.main_score == "map_at_1000"


def test_a_language_that_is_not_there(benchmark):
    with pytest.raises(InputError, match="has no language 'fr'"):
        mteb_task(benchmark, candidate_language="fr")
