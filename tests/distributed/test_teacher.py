"""A teacher's vectors on two real ranks (gloo): the training command gives the losses and the model of one process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.data.teacher_vectors import write_teacher_vectors
from hf_hybrid.encoders.models import build_encoder
from tests.conftest import renditions
from tests.forked_ranks import Ranks

# Plain gradient descent: Adam would make full steps of gradients that are zero but for rounding.
FLAGS = (
    "--vocab_size 400 --embedding_dimension 32 --hidden_size 32 --num_hidden_layers 1 --num_attention_heads 2 "
    "--intermediate_size 64 --dropout 0 --global_batch_size 16 --max_steps 6 --learning_rate 0.1 --optim sgd "
    "--warmup_steps 0 --max_grad_norm 0 --logging_steps 1 --save_steps 6 --dev_split none --test_split none --use_cpu "
    "--disable_tqdm true --teacher_weight 4"
).split()
KINDS = {
    "static": ["--encoder", "static"],
    "cached transformer": ["--encoder", "transformer", "--gradient_cache", "--gradient_cache_memory", "0"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Renditions of which two of three have no English text, so that the ranks' counts of targets differ, and a
    teacher's file.
    """
    folder = tmp_path_factory.mktemp("teacher")
    rows = [row for row in renditions(60) if row["lang"] != "en" or int(str(row["id"])[1:]) % 3 == 0]
    (folder / "train.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    texts = [str(row[side]) for row in rows for side in ("query", "passage")]
    teacher = build_encoder(ModelArguments(encoder="static", vocab_size=400, embedding_dimension=32), texts, seed=8)
    pairs = ParallelPairs.load(str(folder / "train.jsonl"))
    write_teacher_vectors(teacher, pairs, folder / "teacher.safetensors", model_name="small")
    return folder


def trajectory(folder: Path) -> list[tuple[float, float]]:
    state = json.loads((folder / "checkpoint-6" / "trainer_state.json").read_text())
    return [(entry["loss"], entry["teacher_similarity"]) for entry in state["log_history"] if "loss" in entry]


@pytest.mark.parametrize("kind", KINDS)
def test_one_rank_equals_two(kind, data, tmp_path, unused_port):
    flags = [*FLAGS, *KINDS[kind], "--dataset_name_or_path", str(data / "train.jsonl")]
    flags += ["--teacher_vectors", str(data / "teacher.safetensors")]
    for count in (1, 2):
        ranks = Ranks(
            [*flags, "--output_dir", str(tmp_path / str(count))], tmp_path / f"{count}.log", count, unused_port
        )
        assert ranks.finish() == [0] * count, ranks.output()[-3000:]
    one, two = (trajectory(tmp_path / str(count)) for count in (1, 2))
    assert len(one) == 6
    for (loss, similarity), (loss_2, similarity_2) in zip(one, two, strict=True):
        assert loss == pytest.approx(loss_2, abs=2e-5) and similarity == pytest.approx(similarity_2, abs=2e-4)
    models = [SentenceTransformer(str(tmp_path / str(count) / "model"), device="cpu").state_dict() for count in (1, 2)]
    for name, value in models[0].items():
        assert (value - models[1][name]).abs().max() < 1e-6, name
