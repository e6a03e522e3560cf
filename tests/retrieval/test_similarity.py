"""Vectors are compared by the encoder's own similarity: in ranks, search, indexes, manifests, results and the loss."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import dot_score, euclidean_sim, manhattan_sim
from torch.nn.functional import normalize

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import HybridEvaluator, evaluate_model
from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.retrieval import search_faiss
from hf_hybrid.retrieval.encode_corpus import encode_corpus
from hf_hybrid.retrieval.encode_sources import TextCorpus
from hf_hybrid.retrieval.encode_texts import encode_texts
from hf_hybrid.retrieval.ranks import Pool, relevant_ranks, relevant_ranks_from_scores
from hf_hybrid.retrieval.search import search_exactly
from hf_hybrid.retrieval.shards import MANIFEST, Shards
from hf_hybrid.retrieval.similarity import SIMILARITIES, similarity_of, similarity_scores
from hf_hybrid.training.trainer import HybridTrainer
from tests.training.test_trainer import arguments
from tests.unusual_encoders import tokenizer

THEIRS = {"dot": dot_score, "euclidean": euclidean_sim, "manhattan": manhattan_sim}
TEXTS = [f"passage {n} in {lang}" for n in range(30) for lang in ("de", "en")]


def static_encoder(similarity: str | None) -> SentenceTransformer:
    """Vectors of very different lengths."""
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    torch.manual_seed(0)
    module = StaticEmbedding(tokenizer().backend_tokenizer, embedding_dim=8)
    with torch.no_grad():
        module.embedding.weight *= torch.rand(len(module.embedding.weight), 1) ** 3 * 20
    return SentenceTransformer(modules=[module], similarity_fn_name=similarity, device="cpu")


@pytest.mark.parametrize("similarity", THEIRS)
@pytest.mark.parametrize("candidates", [1, 37, 5000])
def test_scores_are_those_of_sentence_transformers(similarity, candidates):
    generator = torch.Generator().manual_seed(1)
    q, c = torch.randn(5, 8, generator=generator), 30 * torch.randn(candidates, 8, generator=generator)
    out = torch.empty(5, candidates)
    found = similarity_scores(q, c, similarity, out=out)
    assert found.data_ptr() == out.data_ptr()
    torch.testing.assert_close(found, THEIRS[similarity](q, c), atol=1e-4, rtol=1e-4)


def test_the_distance_of_equal_vectors_is_nothing():
    vectors = 1000 + torch.randn(20, 64, generator=torch.Generator().manual_seed(2))
    for similarity in ("euclidean", "manhattan"):
        assert similarity_scores(vectors, vectors, similarity).diagonal().abs().max() < 1e-3


@pytest.mark.parametrize("similarity", THEIRS)
def test_ranks_follow_the_similarity(similarity):
    generator = torch.Generator().manual_seed(3)
    q, c = torch.randn(40, 8, generator=generator), 5 * torch.randn(200, 8, generator=generator)
    relevant = np.arange(40)
    pool = Pool(np.arange(41), relevant, np.arange(200) % 4, num_languages=4)
    found = relevant_ranks(q, c, pool, similarity=similarity)
    expected = relevant_ranks_from_scores(THEIRS[similarity](q, c).float(), pool)
    assert np.array_equal(found.pool_higher, expected.pool_higher)
    assert np.array_equal(found.language_higher, expected.language_higher)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_evaluation_honours_the_models_own(similarity, parallel_pairs):
    benchmark = Benchmark.from_pairs(parallel_pairs, max_examples=40)
    model = static_encoder(similarity)
    evaluation = evaluate_model(model, benchmark, show_progress=False)
    assert evaluation.settings["similarity"] == similarity
    scores = model.similarity(
        model.encode_query(benchmark.queries, convert_to_tensor=True),
        model.encode_document(benchmark.candidates, convert_to_tensor=True),
    )
    pool = Pool(
        benchmark.relevance_offsets,
        benchmark.relevance_candidates,
        benchmark.candidate_languages,
        len(benchmark.languages),
    )
    exact = relevant_ranks_from_scores(scores.float(), pool)
    mul = np.array(
        [(1 / (1 + exact.pool_higher[exact.offsets[q] : exact.offsets[q + 1]])).max() for q in range(len(scores))]
    )
    assert evaluation.summary()["mul_mrr"] == pytest.approx(mul.mean(), abs=0.02)
    other = "cosine" if similarity != "cosine" else "dot"
    overridden = HybridEvaluator(benchmark, similarity=other)(model)
    assert overridden == HybridEvaluator(benchmark)(static_encoder(other))
    assert overridden["mul_map"] != evaluation.mul


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_search_and_indexes_honour_it(similarity, tmp_path):
    model = static_encoder(similarity)
    corpus = TextCorpus([f"p{n}" for n in range(len(TEXTS))], TEXTS)
    shards = encode_corpus(model, corpus, tmp_path / "v", model_name="m", rows_per_shard=25)
    assert json.loads((tmp_path / "v" / MANIFEST).read_text())["similarity"] == similarity
    asked = ["passage 3", "in de 17", "passage"]
    queries = encode_texts(model, asked, kind="query", normalise=similarity == "cosine")
    expected = model.similarity(model.encode_query(asked), model.encode_document(TEXTS)).topk(5)
    found = search_exactly(queries, shards, 5)
    np.testing.assert_allclose(found.scores, expected.values, atol=1e-3, rtol=1e-4)
    pytest.importorskip("faiss", reason="the extra `faiss` is not installed")
    index = search_faiss.build_index(shards, "flat")
    through = search_faiss.search_index(index, queries, shards, 5)
    np.testing.assert_allclose(through.scores, expected.values, atol=2e-2, rtol=1e-3)
    search_faiss.save_index(index, tmp_path / "flat.faiss", shards)
    assert search_faiss.load_index(tmp_path / "flat.faiss", shards).metric_type == index.metric_type


def test_an_index_of_another_similarity_is_refused(tmp_path):
    pytest.importorskip("faiss", reason="the extra `faiss` is not installed")
    corpus = TextCorpus([f"p{n}" for n in range(len(TEXTS))], TEXTS)
    made = {
        name: encode_corpus(static_encoder(name), corpus, tmp_path / name, model_name="m")
        for name in ("dot", "euclidean", "manhattan")
    }
    assert made["dot"].fingerprint() == made["euclidean"].fingerprint()
    search_faiss.save_index(search_faiss.build_index(made["dot"]), tmp_path / "x.faiss", made["dot"])
    with pytest.raises(InputError, match="compares by another similarity than euclidean"):
        search_faiss.load_index(tmp_path / "x.faiss", made["euclidean"])
    with pytest.raises(InputError, match="knows no manhattan distance"):
        search_faiss.build_index(made["manhattan"], "ivfpq")


def test_vectors_of_another_similarity_are_not_mixed(tmp_path):
    corpus = TextCorpus([f"p{n}" for n in range(len(TEXTS))], TEXTS)
    encode_corpus(static_encoder("dot"), corpus, tmp_path / "v", model_name="m")
    with pytest.raises(InputError, match="similarity is 'dot', not 'cosine'"):
        encode_corpus(static_encoder("dot"), corpus, tmp_path / "v", model_name="m", similarity="cosine")


def test_manifests_without_a_similarity_are_of_the_cosine(tmp_path):
    corpus = TextCorpus([f"p{n}" for n in range(len(TEXTS))], TEXTS)
    encode_corpus(static_encoder("cosine"), corpus, tmp_path / "v", model_name="m")
    path = tmp_path / "v" / MANIFEST
    old = {key: value for key, value in json.loads(path.read_text()).items() if key not in ("similarity", "modules")}
    path.write_text(json.dumps(old))
    assert Shards.open(tmp_path / "v").settings.similarity == "cosine"
    assert encode_corpus(static_encoder("cosine"), corpus, tmp_path / "v", model_name="m").num_rows == len(TEXTS)
    path.write_text(json.dumps(old))
    with pytest.raises(InputError, match="similarity is 'cosine', not 'dot'"):
        encode_corpus(static_encoder("dot"), corpus, tmp_path / "v", model_name="m")


def test_the_commands_take_it_from_the_model_or_the_flag(tmp_path, capsys):
    static_encoder("dot").save_pretrained(str(tmp_path / "model"), create_model_card=False)
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("\n".join(json.dumps({"_id": f"p{n}", "text": text}) for n, text in enumerate(TEXTS)))
    best = {}
    for name, flags in {"own": [], "cosine": ["--similarity", "cosine"]}.items():
        encoded = [
            "encode",
            str(tmp_path / "model"),
            "--corpus",
            str(corpus),
            "--output",
            str(tmp_path / name),
            "--quiet",
        ]
        assert main([*encoded, *flags]) == 0
        asked = ["search", str(tmp_path / "model"), "--vectors", str(tmp_path / name), "--query", TEXTS[7], "--k", "1"]
        capsys.readouterr()
        assert main([*asked, "--quiet"]) == 0
        best[name] = capsys.readouterr().out.split()
    assert best["cosine"][4] == "1.000000" and float(best["own"][4]) > 1.1
    assert main(["evaluate", str(tmp_path / "model"), "--similarity", "angle", "--quiet"]) == 2
    assert "similarity is 'angle': choose one of cosine, dot, euclidean, manhattan" in capsys.readouterr().err


def test_a_checkpoints_own_is_kept_and_can_be_overridden(tmp_path):
    static_encoder("dot").save_pretrained(str(tmp_path / "model"), create_model_card=False)
    for given, expected in ((None, "dot"), ("cosine", "cosine")):
        args = ModelArguments(model_name_or_path=str(tmp_path / "model"), similarity=given)
        assert similarity_of(build_encoder(args)) == expected
    with pytest.raises(InputError, match="similarity: 'euclidean' is not one of cosine, dot"):
        ModelArguments(similarity="euclidean")


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_the_loss_compares_by_it(similarity, symmetric, parallel_pairs, tmp_path):
    model = static_encoder(similarity).double()
    args = arguments(tmp_path, scale=0.5, symmetric=symmetric, distinct_passages=True)
    trainer = HybridTrainer(model, args, parallel_pairs)
    batch = next(iter(trainer.get_train_dataloader()))
    loss = trainer.compute_loss(model, batch)
    loss.backward()
    found = model[0].embedding.weight.grad.to_dense().clone()
    model.zero_grad()
    vectors = model(dict(batch["chunks"][0]))["sentence_embedding"][batch["positions"]]
    vectors = normalize(vectors, dim=1) if similarity == "cosine" else vectors
    rows = len(batch["example_ids"])
    logits = 0.5 * vectors[:rows] @ vectors[rows:].T
    same = (batch["example_ids"][:, None] == batch["example_ids"]) | (
        batch["passage_ids"][:, None] == batch["passage_ids"]
    )
    logits = logits.masked_fill(same & ~torch.eye(rows, dtype=torch.bool), -torch.inf)
    target = torch.arange(rows)
    expected = torch.nn.functional.cross_entropy(logits, target)
    if symmetric:
        expected = (expected + torch.nn.functional.cross_entropy(logits.T, target)) / 2
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close(found, model[0].embedding.weight.grad.to_dense(), atol=1e-8, rtol=1e-5)


@pytest.mark.parametrize("similarity", ["euclidean", "manhattan"])
def test_training_by_a_distance_is_refused_in_one_line(similarity, parallel_pairs, tmp_path):
    with pytest.raises(
        InputError, match=rf"training compares by cosine or dot, and this encoder by {similarity}.*--similarity"
    ):
        HybridTrainer(static_encoder(similarity), arguments(tmp_path), parallel_pairs)
    with pytest.raises(InputError):
        HybridContrastiveLoss(similarity=similarity)


@pytest.mark.parametrize(("settings", "warned"), [({}, True), ({"scale": 1.0}, False)])
def test_a_scale_meant_for_cosines_is_noticed(settings, warned, parallel_pairs, tmp_path, caplog):
    HybridTrainer(static_encoder("dot"), arguments(tmp_path, **settings), parallel_pairs)
    assert ("is meant for cosines" in caplog.text) == warned
