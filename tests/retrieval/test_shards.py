import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode import load_encoder
from hf_hybrid.retrieval.encode_corpus import encode_corpus
from hf_hybrid.retrieval.encode_sources import JsonlCorpus, TextCorpus
from hf_hybrid.retrieval.shards import Shards, shard_path, wait_until_complete

TEXTS = [
    f"passage {number} of the {['red', 'green', 'blue'][number % 3]} corpus " * (number % 4 + 1)
    for number in range(95)
]
IDS = [f"доc{number}#0" for number in range(95)]
SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    args = ModelArguments(encoder="transformer", vocab_size=320, **SIZES)
    model = build_encoder(args, training_texts=TEXTS)
    return save_encoder(model, tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module")
def model(model_folder):
    return load_encoder(str(model_folder), device="cpu")


@pytest.fixture
def corpus_file(tmp_path):
    path = tmp_path / "docs-0.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for identifier, text in zip(IDS, TEXTS, strict=True):
            file.write(json.dumps({"docid": identifier, "title": "Title", "text": text}) + "\n")
    return path


def encode(model, folder, corpus=None, **options):
    options = {"rows_per_shard": 10, "model_name": "model", **options}
    return encode_corpus(model, corpus or TextCorpus(IDS, TEXTS), folder, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_vectors_and_ids_come_back_in_order(model, tmp_path):
    shards = encode(model, tmp_path / "v")
    assert shards.rows_of_shard == (10,) * 9 + (5,) and shards.num_rows == 95 and shards.dimension == 16
    blocks = list(shards.blocks(7))
    assert [first for first, _ in blocks[:3]] == [0, 7, 10]
    vectors = torch.cat([vectors for _, vectors in blocks])
    expected = torch.as_tensor(model.encode_document(TEXTS, normalize_embeddings=True))
    assert torch.allclose(vectors, expected, atol=1e-5)
    assert shards.ids(np.array([94, 0, 10, 0])) == [IDS[94], IDS[0], IDS[10], IDS[0]]
    with pytest.raises(IndexError):
        shards.ids(np.array([95]))
    shards.verify()
    manifest = json.loads((tmp_path / "v" / "manifest.json").read_text())
    assert manifest["prompt"] == "Passage: " and manifest["kind"] == "passage" and manifest["complete"] is True


def test_lines_of_files_are_title_and_text(model, tmp_path, corpus_file):
    shards = encode(model, tmp_path / "v", JsonlCorpus((corpus_file,)))
    expected = torch.as_tensor(
        model.encode_document([f"Title {text}".strip() for text in TEXTS], normalize_embeddings=True)
    )
    assert torch.allclose(torch.cat([vectors for _, vectors in shards.blocks(100)]), expected, atol=1e-5)
    assert shards.ids(np.arange(95)) == IDS


def test_any_number_of_processes_gives_the_same_files(model, tmp_path, monkeypatch):
    encode(model, tmp_path / "one")
    monkeypatch.setenv("WORLD_SIZE", "3")
    results = []
    for rank in (2, 0, 1):
        monkeypatch.setenv("RANK", str(rank))
        results.append(encode(model, tmp_path / "three"))
    assert results[0] is None and results[1] is None and results[2].num_rows == 95
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    assert wait_until_complete(tmp_path / "three").num_rows == 95


def test_waiting_ends(model, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert encode(model, tmp_path / "v") is None
    with pytest.raises(InputError, match="have not finished"):
        wait_until_complete(tmp_path / "v", seconds=0.3)
    with pytest.raises(InputError, match="encoding is not finished"):
        Shards.open(tmp_path / "v")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"corpus": TextCorpus(IDS, [*TEXTS[:-1], "another text"])}, "data_sha256"),
        ({"model_name": "another"}, "model"),
        ({"prompt": "passage: "}, "prompt"),
        ({"kind": "query"}, "kind"),
        ({"dtype": "float16"}, "dtype"),
        ({"rows_per_shard": 11}, "rows_per_shard"),
    ],
)
def test_vectors_of_something_else_are_refused(model, tmp_path, change, field):
    encode(model, tmp_path / "v")
    before = contents(tmp_path / "v")
    with pytest.raises(InputError, match=f"{field} is .*choose another folder"):
        encode(model, tmp_path / "v", **change)
    assert contents(tmp_path / "v") == before


def test_other_weights_are_refused(model, tmp_path):
    encode(model, tmp_path / "v")
    parameter = next(iter(model.parameters()))
    before = parameter.detach().clone()
    with torch.no_grad():
        parameter[0, 0] += 1
    try:
        with pytest.raises(InputError, match="weights_sha256"):
            encode(model, tmp_path / "v")
    finally:
        with torch.no_grad():
            parameter.copy_(before)


def test_a_folder_of_other_vectors_without_manifest(model, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="in use"):
        encode(model, tmp_path)


def test_a_deleted_shard_is_made_again_and_nothing_else(model, tmp_path, monkeypatch):
    encode(model, tmp_path)
    before = contents(tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.safetensors")}
    shard_path(tmp_path, 4).unlink()
    with pytest.raises(InputError, match="shard-00004.safetensors is missing"):
        Shards.open(tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank, has_all in ((1, False), (0, True)):
        monkeypatch.setenv("RANK", str(rank))
        assert (encode(model, tmp_path) is not None) is has_all
        if not has_all:
            with pytest.raises(InputError, match="encoding is not finished"):
                Shards.open(tmp_path)
    assert contents(tmp_path) == before
    changed = {path.name for path in tmp_path.glob("*.safetensors") if path.stat().st_mtime_ns != times[path.name]}
    assert changed == {"shard-00004.safetensors"}


def test_a_changed_shard_is_noticed(model, tmp_path):
    shards = encode(model, tmp_path)
    path = shard_path(tmp_path, 3)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="shard-00003.safetensors has changed"):
        shards.verify()
    path.write_bytes(content[:50])
    with pytest.raises(InputError, match="damaged"):
        Shards.open(tmp_path)


def test_half_precision_on_disk(model, tmp_path):
    full, half = encode(model, tmp_path / "full"), encode(model, tmp_path / "half", dtype="float16")
    (_, exact), (_, rounded) = next(full.blocks(10)), next(half.blocks(10))
    assert rounded.dtype == torch.float32 and torch.equal(rounded, exact.half().float())


KILLED = """
import sys, time
from pathlib import Path
from hf_hybrid.retrieval import encode_corpus
from hf_hybrid.retrieval.encode_sources import JsonlCorpus
from hf_hybrid.retrieval.encode import load_encoder
from hf_hybrid.retrieval.shards import ShardWriter
write = ShardWriter.write
def slowly(self, shard, *rest):
    time.sleep(0.3)
    write(self, shard, *rest)
ShardWriter.write = slowly
corpus = JsonlCorpus((Path(sys.argv[2]),))
model = load_encoder(sys.argv[1], device="cpu")
encode_corpus.encode_corpus(model, corpus, sys.argv[3], model_name="model", rows_per_shard=10)
"""


def test_killed_in_the_middle_and_resumed(model, model_folder, tmp_path, corpus_file):
    folder = tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(model_folder), str(corpus_file), str(folder)], env=environment
    )
    deadline = time.monotonic() + 120
    while not shard_path(folder, 3).is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    written = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
    assert 4 <= len(written) < 10
    (folder / ".shard-00009.left-behind").mkdir()

    torch.set_num_threads(1)
    corpus = JsonlCorpus((corpus_file,))
    encode(model, folder, corpus)
    encode(model, tmp_path / "straight", corpus)
    assert contents(folder) == contents(tmp_path / "straight")
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.safetensors") if path.name in written}
    assert kept == written


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"docid": "a", "text": "x"}\nnot json\n', "line 2: not JSON"),
        ('{"docid": "a"}\n', "line 1: a passage needs an id"),
        ("[1]\n", "line 1: not a JSON object"),
        ("\n\n", "no passages"),
    ],
)
def test_damaged_corpora(model, tmp_path, content, message):
    path = tmp_path / "docs.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        encode(model, tmp_path / "v", JsonlCorpus((path,)))


def test_a_truncated_download(model, tmp_path, corpus_file):
    corpus_file.write_bytes(corpus_file.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"cannot read .*docs-0.jsonl.gz"):
        encode(model, tmp_path / "v", JsonlCorpus((corpus_file,)))


def test_vectors_that_are_not_finite(model, tmp_path):
    parameter = next(iter(model.parameters()))
    before = parameter.detach().clone()
    with torch.no_grad():
        parameter.fill_(float("nan"))
    try:
        with pytest.raises(InputError, match="is not finite"):
            encode(model, tmp_path / "v")
    finally:
        with torch.no_grad():
            parameter.copy_(before)


def test_a_document_encoded_twice_is_refused_before_anything_is_encoded(model, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_hybrid.retrieval.encode_corpus.encode_block", lambda *_, **__: pytest.fail("encoded"))
    with pytest.raises(InputError, match="two passages with the id 'c'"):
        encode(model, tmp_path / "v", TextCorpus(["a", "c", "c"], ["x"] * 3))
