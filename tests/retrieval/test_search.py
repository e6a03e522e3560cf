import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.retrieval import search_faiss
from hf_hybrid.retrieval.search import TopK, recall_against, search_exactly, trec_run
from hf_hybrid.retrieval.shards import Shards, ShardSettings, ShardWriter

SETTINGS = {
    "model": "m",
    "revision": None,
    "weights_sha256": "w",
    "kind": "passage",
    "prompt": None,
    "max_seq_length": None,
    "data_sha256": "d",
}


def write_shards(folder, rows, dimension=16, rows_per_shard=100, seed=0, dtype="float32") -> Shards:
    """Random unit vectors, made shard by shard."""
    writer = ShardWriter(
        folder, ShardSettings(**SETTINGS, dimension=dimension, dtype=dtype, rows_per_shard=rows_per_shard)
    )
    generator = torch.Generator().manual_seed(seed)
    starts = range(0, rows, rows_per_shard)
    for shard, start in enumerate(starts):
        size = min(rows_per_shard, rows - start)
        vectors = torch.nn.functional.normalize(torch.randn(size, dimension, generator=generator), dim=1)
        writer.write(shard, [f"p{start + row}" for row in range(size)], vectors)
    writer.finish(len(starts))
    return Shards.open(folder)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards"), 1234)


@pytest.fixture(scope="module")
def queries():
    return torch.nn.functional.normalize(torch.randn(37, 16, generator=torch.Generator().manual_seed(9)), dim=1)


def all_vectors(shards):
    return torch.cat([vectors for _, vectors in shards.blocks(1000)])


@settings(deadline=None, max_examples=25)
@given(k=st.integers(1, 1300), memory=st.floats(0.001, 1.0))
def test_the_best_of_all_whatever_the_blocks(shards, queries, k, memory):
    found = search_exactly(queries, shards, k, max_memory_mb=memory)
    scores = queries.double() @ all_vectors(shards).double().T
    expected = torch.topk(scores, min(k, 1234), dim=1)
    assert found.k == min(k, 1234)
    assert np.allclose(found.scores, expected.values, atol=1e-6)
    assert np.allclose(scores.gather(1, torch.from_numpy(found.rows)), expected.values, atol=1e-6)
    assert all(len(set(rows)) == found.k for rows in found.rows.tolist())


def test_more_queries_than_go_at_once(shards, monkeypatch, queries):
    whole = search_exactly(queries, shards, 5)
    monkeypatch.setattr("hf_hybrid.retrieval.search._QUERIES_AT_ONCE", 8)
    assert np.array_equal(search_exactly(queries, shards, 5).rows, whole.rows)


def test_a_run_file(shards, queries):
    found = search_exactly(queries[:1], shards, 2)
    first, second = trec_run(found, ["q"], shards)
    assert first == f"q Q0 p{found.rows[0, 0]} 1 {found.scores[0, 0]:.6f} hf_hybrid"
    assert second.split()[:4] == ["q", "Q0", f"p{found.rows[0, 1]}", "2"]


@pytest.mark.parametrize(("k", "dimension", "message"), [(0, 16, "k must be"), (5, 8, "dimension 16")])
def test_what_cannot_be_searched(shards, k, dimension, message):
    with pytest.raises(InputError, match=message):
        search_exactly(torch.zeros(2, dimension), shards, k)


MEMORY = """
import resource, sys, torch
from hf_hybrid.retrieval.search import search_exactly
from hf_hybrid.retrieval.shards import Shards
def peak():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
shards = Shards.open(sys.argv[1])
queries = torch.nn.functional.normalize(torch.randn(8, 256), dim=1)
search_exactly(queries[:1], Shards.open(sys.argv[2]), 10, max_memory_mb=8)
before = peak()
found = search_exactly(queries, shards, 100, max_memory_mb=8)
assert found.rows.shape == (8, 100)
sys.stdout.write(f"{peak() - before:.1f}")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_memory_is_that_of_a_block(tmp_path):
    """300,000 vectors of 256 dimensions are 293 MiB; a block may take 8, and one shard of 8 MiB is mapped at a
    time.
    """
    import subprocess

    write_shards(tmp_path / "large", 300_000, dimension=256, rows_per_shard=8192)
    write_shards(tmp_path / "small", 100, dimension=256)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "large"), str(tmp_path / "small")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 40, f"searching took {done.stdout} MiB more than opening"


def test_recall_of_an_index():
    exact = TopK(np.zeros((2, 2)), np.array([[1, 2], [3, 4]]))
    assert recall_against(TopK(np.zeros((2, 2)), np.array([[2, 1], [9, 4]])), exact) == 0.75
    with pytest.raises(ValueError, match="cannot be compared"):
        recall_against(TopK(np.zeros((1, 2)), np.array([[2, 1]])), exact)


class TestFaiss:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("faiss", reason="the extra `faiss` is not installed")

    @pytest.fixture(scope="class")
    def corpus(self, tmp_path_factory):
        return write_shards(tmp_path_factory.mktemp("corpus"), 20_000, dimension=32, rows_per_shard=7000)

    @pytest.fixture(scope="class")
    def questions(self, corpus):
        """Near some passages: a random direction has no near neighbours that an index could find."""
        vectors = all_vectors(corpus)[::400]
        noise = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(3)) * 0.05
        return torch.nn.functional.normalize(vectors + noise, dim=1)

    def test_flat_is_exact(self, shards, queries):
        index = search_faiss.build_index(shards, "flat")
        exact = search_exactly(queries, shards, 20)
        found = search_faiss.search_index(index, queries, shards, 20)
        assert np.array_equal(found.rows, exact.rows) and np.allclose(found.scores, exact.scores, atol=1e-6)
        assert search_faiss.measured_recall(index, queries, shards, 20) == 1.0

    def test_ivfpq_finds_the_nearest_and_its_loss_is_measured(self, corpus, questions):
        index = search_faiss.build_index(corpus, "ivfpq", lists=64, subvectors=16)
        assert index.nlist == 64 and index.nprobe == 8
        found = search_faiss.search_index(index, questions, corpus, 1)
        assert (found.rows[:, 0] == np.arange(0, 20_000, 400)).mean() > 0.9
        some, all_probes = search_faiss.measured_recall(index, questions, corpus, 10), None
        index.nprobe = 64
        all_probes = search_faiss.measured_recall(index, questions, corpus, 10)
        assert 0.1 < some <= all_probes <= 1

    def test_saved_and_loaded(self, corpus, questions, shards, tmp_path):
        index = search_faiss.build_index(corpus, "flat")
        path = search_faiss.save_index(index, tmp_path / "index.faiss", corpus)
        again = search_faiss.load_index(path, corpus)
        one, two = (search_faiss.search_index(each, questions, corpus, 5) for each in (index, again))
        assert np.array_equal(one.rows, two.rows)
        with pytest.raises(InputError, match="exists"):
            search_faiss.save_index(index, path, corpus)
        with pytest.raises(InputError, match="index of other vectors"):
            search_faiss.load_index(path, shards)
        path.write_bytes(b"no index")
        with pytest.raises(InputError, match="damaged"):
            search_faiss.load_index(path, corpus)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"kind": "hnsw"}, "choose one of flat, ivfpq"),
            ({"kind": "ivfpq", "subvectors": 5}, "does not divide"),
            ({"kind": "ivfpq", "lists": 5000}, "cannot train"),
        ],
    )
    def test_what_cannot_be_built(self, shards, options, message):
        with pytest.raises(InputError, match=message):
            search_faiss.build_index(shards, **options)

    def test_too_few_results_are_marked(self, corpus, questions):
        index = search_faiss.build_index(corpus, "ivfpq", lists=256, subvectors=8, probes=1)
        found = search_faiss.search_index(index, questions, corpus, 2000)
        assert (found.rows == -1).any() and np.isneginf(found.scores[found.rows == -1]).all()
        assert all(line.split()[2].startswith("p") for line in trec_run(found, ["q"] * len(questions), corpus))


def test_without_faiss(shards, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InputError, match=r"hf_hybrid\[faiss\]"):
        search_faiss.build_index(shards)


@pytest.mark.parametrize(
    ("ids", "queries", "message"),
    [
        (["a b", "c"], ["q"], "the id 'a b' is empty or has white space"),
        (["a", "c"], ["q\t1"], r"the queries: the id 'q\\t1' is empty or has white space"),
        (["a", "a"], ["q"], "have the passage 'a' twice; encode the corpus again with distinct ids"),
    ],
)
def test_a_run_names_each_passage_once_and_in_one_word(tmp_path, ids, queries, message):
    """What `encode` refuses may be in vectors of other makers."""
    writer = ShardWriter(tmp_path, ShardSettings(**SETTINGS, dimension=2, dtype="float32", rows_per_shard=2))
    writer.write(0, ids, torch.eye(2))
    writer.finish(1)
    found = search_exactly(torch.eye(2)[:1], Shards.open(tmp_path), 2)
    with pytest.raises(InputError, match=message):
        trec_run(found, queries, Shards.open(tmp_path))
