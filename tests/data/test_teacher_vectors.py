"""A teacher's vectors: the file that the command writes, the targets of a batch, training with them, and what is
refused.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import HybridTrainingArguments, ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.data import teacher_vectors
from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.teacher_targets import TeacherTargets
from hf_hybrid.data.teacher_vectors import TeacherVectors, write_teacher_vectors
from hf_hybrid.data.tokenised import TokenisedPairs
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, PlanSettings
from hf_hybrid.training.trainer import HybridTrainer
from tests.conftest import make_pairs, renditions

SIZES = {"vocab_size": 400, "embedding_dimension": 32, "hidden_size": 32, "num_hidden_layers": 1}
SIZES |= {"num_attention_heads": 2, "intermediate_size": 64}


def uneven() -> list[dict[str, object]]:
    """Examples of which every third has no English rendition, and every fifth no English passage."""
    rows = [row for row in renditions(90) if row["lang"] != "en" or int(str(row["id"])[1:]) % 3]
    return [
        {**row, "passage": None} if row["lang"] == "en" and int(str(row["id"])[1:]) % 5 == 0 else row for row in rows
    ]


def encoder(kind: str = "static", seed: int = 0, **sizes):
    texts = [str(row[side]) for row in renditions() for side in ("query", "passage")]
    return build_encoder(ModelArguments(encoder=kind, **{**SIZES, **sizes}), texts, seed=seed)


@pytest.fixture(scope="module")
def pairs():
    return make_pairs(uneven())


@pytest.fixture(scope="module")
def teacher():
    return encoder(seed=3)


@pytest.fixture(scope="module")
def file(pairs, teacher, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    write_teacher_vectors(teacher, pairs, path, model_name="small")
    return path


def changed(file: Path, folder: Path, settings: dict | None = None, **tensors) -> Path:
    """A copy of the file with other content."""
    with safe_open(file, framework="pt") as source:
        content = {name: source.get_tensor(name) for name in source.keys()}
        known = json.loads(source.metadata()["teacher"])
    save_file({**content, **tensors}, folder / "changed", {"teacher": json.dumps({**known, **(settings or {})})})
    return folder / "changed"


def arguments(folder: Path, **kwargs) -> HybridTrainingArguments:
    defaults = {
        "max_steps": 6,
        "global_batch_size": 24,
        "batches_per_epoch": 4,
        "learning_rate": 1e-2,
        "warmup_steps": 0,
    }
    defaults |= {"use_cpu": True, "logging_steps": 2, "save_strategy": "no", "disable_tqdm": True, "report_to": []}
    return HybridTrainingArguments(str(folder), **{**defaults, **kwargs})


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_holds_the_vector_of_every_english_text(pairs, teacher, file):
    found = TeacherVectors.open(file)
    assert found.settings.data_sha256 == pairs.select_languages(["en"]).sha256 and found.vectors.dtype == torch.float16
    position = {identifier: i for i, identifier in enumerate(found.ids.to_pylist())}
    english = [row for row in uneven() if row["lang"] == "en"]
    assert sorted(position) == sorted(str(row["id"]) for row in english)
    for row in english:
        for side, encode in (("query", teacher.encode_query), ("passage", teacher.encode_document)):
            of = found.rows[side][position[row["id"]]]
            if row[side] is None:
                assert of == -1
            else:
                np.testing.assert_allclose(found.vectors[of].float().numpy(), encode(row[side]), atol=1e-3)
    # Two examples share a passage in the data; here they do not differ in their answers either: equal texts are stored
    # once.
    assert len(found.vectors) == len({text for row in english for text in (row["query"], row["passage"]) if text})


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
def test_vectors_have_unit_length_whatever_the_teachers_similarity(similarity, pairs, tmp_path):
    """Training compares with them by the cosine."""
    model = SentenceTransformer(modules=[encoder(seed=3)[0]], device="cpu", similarity_fn_name=similarity)
    assert abs(np.linalg.norm(model.encode("a text")) - 1) > 0.1
    write_teacher_vectors(model, pairs, tmp_path / "teacher.safetensors", model_name="small")
    with safe_open(tmp_path / "teacher.safetensors", framework="pt") as source:
        vectors = source.get_tensor("vectors").float()
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)), atol=2e-3, rtol=0)


def test_a_text_on_both_sides_is_embedded_once_where_prompts_are_equal(teacher, tmp_path):
    rows = [{**row, "query": row["passage"]} for row in renditions(8)]
    with_prompts = write_teacher_vectors(teacher, make_pairs(rows), tmp_path / "two", model_name="small")
    plain = copy.deepcopy(teacher)
    plain.prompts = {}
    without = write_teacher_vectors(plain, make_pairs(rows), tmp_path / "one", model_name="small")
    assert len(with_prompts.vectors) == 2 * len(without.vectors) == 16
    assert without.rows["query"].tolist() == without.rows["passage"].tolist()


def test_an_interrupted_call_is_gone_on_with(pairs, teacher, file, tmp_path, monkeypatch):
    monkeypatch.setattr(teacher_vectors, "ROWS_PER_SHARD", 20)
    from hf_hybrid.retrieval import encode_corpus

    encode, encoded = encode_corpus.encode_block, []

    def breaking(model, block, out, **kwargs):
        if len(encoded) == 3:
            raise KeyboardInterrupt
        encoded.append(len(block.lengths))
        return encode(model, block, out, **kwargs)

    monkeypatch.setattr(encode_corpus, "encode_block", breaking)
    output = tmp_path / "teacher.safetensors"
    with pytest.raises(KeyboardInterrupt):
        write_teacher_vectors(teacher, pairs, output, model_name="small")
    assert not output.exists()
    again = []
    monkeypatch.setattr(
        encode_corpus,
        "encode_block",
        lambda model, block, out, **kwargs: (again.append(len(block.lengths)), encode(model, block, out, **kwargs)),
    )
    found = write_teacher_vectors(teacher, pairs, output, model_name="small")
    assert encoded == [20, 20, 20] and sum(encoded) + sum(again) == len(found.vectors)
    torch.testing.assert_close(found.vectors, TeacherVectors.open(file).vectors, rtol=0, atol=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["teacher.safetensors"]


def test_the_command_writes_the_file(pairs, teacher, tmp_path, capsys):
    data = tmp_path / "train.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in uneven()) + "\n")
    model, output = save_encoder(teacher, tmp_path / "model"), tmp_path / "teacher.safetensors"
    flags = ["teacher-vectors", str(model), "--dataset_name_or_path", str(data), "--output", str(output), "--quiet"]
    flags += ["--name", "small/teacher"]
    assert main(flags) == 0 and TeacherVectors.open(output).settings.model == "small/teacher"
    assert "vectors of 32 dimensions for 60 examples" in capsys.readouterr().out
    assert TeacherVectors.open(output).settings.data_sha256 == pairs.select_languages(["en"]).sha256
    assert main(flags) == 2 and "exists" in capsys.readouterr().err
    assert main([*flags, "--overwrite", "--language", "xx"]) == 2
    assert "no rendition in language 'xx'" in capsys.readouterr().err


def test_one_process_writes_one_file(pairs, teacher, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="without a launcher"):
        write_teacher_vectors(teacher, pairs, tmp_path / "t", model_name="small")


# -- targets ----------------------------------------------------------------------------------------------------------


def test_a_translation_has_the_english_vector_as_target(pairs, file):
    teacher = TeacherVectors.open(file)
    plan = HybridBatchPlan(pairs, PlanSettings(arm="x-y", global_batch_size=16))
    model = encoder()
    data = TokenisedPairs(plan, model, teacher=TeacherTargets(teacher, pairs, 32))
    position = {identifier: i for i, identifier in enumerate(teacher.ids.to_pylist())}
    whole = plan.batch(1)
    expected = []
    for side in ("query", "passage"):
        of = [position.get(pairs.example_ids[example], -1) for example in whole.examples]
        expected += [-1 if i < 0 else int(teacher.rows[side][i]) for i in of]
    counted = 0
    for start in (0, 8):
        batch = HybridCollator.of(model)(data.__getitems__(BatchSlice(0, 1, start, start + 8)))
        own = [*expected[start : start + 8], *expected[16 + start : 24 + start]]
        assert batch["teacher_texts"].tolist() == [text for text, row in enumerate(own) if row >= 0]
        assert torch.equal(batch["teacher_vectors"], teacher.vectors[[row for row in own if row >= 0]])
        assert batch["teacher_count"] == sum(row >= 0 for row in expected)
        counted += len(batch["teacher_texts"])
    assert 0 < counted == batch["teacher_count"] < 32


def test_data_without_the_teachers_language_can_be_trained_on(file, caplog):
    rows = [row for row in uneven() if row["lang"] != "en"]
    targets = TeacherTargets(TeacherVectors.open(file), make_pairs(rows), 32)
    assert "cannot be told" in caplog.text and targets is not None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{**row, "query": f"{row['query']}?"} for row in uneven()],
            r"teacher.safetensors is of other data \(sha256 .*'en'",
        ),
        ([{**row, "id": f"x{row['id']}"} for row in uneven() if row["lang"] != "en"], "has no vector for any example"),
    ],
)
def test_other_data_is_refused(rows, message, file):
    with pytest.raises(InputError, match=message):
        TeacherTargets(TeacherVectors.open(file), make_pairs(rows), 32)


def test_other_dimensions_and_missing_ids_are_refused(pairs, file, tmp_path):
    with pytest.raises(InputError, match="has 32 dimensions, the encoder 48; train an encoder of 32"):
        TeacherTargets(TeacherVectors.open(file), pairs, 48)
    rows = torch.from_numpy(TeacherVectors.open(file).rows["query"].copy())
    rows[:2] = -1
    damaged = TeacherVectors.open(changed(file, tmp_path, query=rows))
    with pytest.raises(InputError, match="lacks the query of 2 examples, the first is 'e1'"):
        TeacherTargets(damaged, pairs, 32)


def test_files_that_are_none_are_refused(file, tmp_path):
    with pytest.raises(InputError, match="no file .*make it with `hf-hybrid teacher-vectors`"):
        TeacherVectors.open(tmp_path / "nothing")
    (tmp_path / "text").write_text("no vectors")
    with pytest.raises(InputError, match="text cannot be read"):
        TeacherVectors.open(tmp_path / "text")
    save_file({"vectors": torch.zeros(2, 2)}, tmp_path / "other")
    with pytest.raises(InputError, match="other cannot be read"):
        TeacherVectors.open(tmp_path / "other")
    with pytest.raises(InputError, match="has schema 9, not 1"):
        TeacherVectors.open(changed(file, tmp_path, {"schema_version": 9}))


# -- training ---------------------------------------------------------------------------------------------------------


def losses(trainer: HybridTrainer) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_training_draws_translations_to_the_teacher(kind, pairs, teacher, file, tmp_path):
    english, german = ([f"question {i} in {lang}" for i in range(90) if i % 3] for lang in ("en", "de"))
    expected, cosines = teacher.encode_query(english), []
    for weight in (5.0, 0.0):
        settings = {"max_steps": 40, "logging_steps": 10, "teacher_vectors": str(file), "teacher_weight": weight}
        trainer = HybridTrainer(encoder(kind), arguments(tmp_path, **settings), pairs)
        trainer.train()
        cosines.append(float((trainer.model.encode_query(german) * expected).sum(1).mean()))
        seen = [entry.get("teacher_similarity", 0) for entry in trainer.state.log_history if "loss" in entry]
        assert len(seen) == 4 and (seen[-1] > 0.6 if weight else not any(seen))
    assert cosines[0] > cosines[1] + 0.2


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_weight_zero_is_training_without(kind, pairs, file, tmp_path):
    weights, logs = [], []
    for number, extra in enumerate(({}, {"teacher_vectors": str(file), "teacher_weight": 0.0})):
        model = encoder(kind)
        trainer = HybridTrainer(model, arguments(tmp_path / str(number), **extra), pairs)
        trainer.train()
        weights.append([parameter.detach() for parameter in model.parameters()])
        logs.append(losses(trainer))
        assert "teacher_vectors_sha256" not in trainer.fingerprint
        assert not any("teacher_similarity" in entry for entry in trainer.state.log_history)
    assert logs[0] == logs[1] and all(map(torch.equal, *weights))


def test_gradient_caching_gives_the_plain_gradients(pairs, file, tmp_path):
    found = []
    settings = {"teacher_vectors": str(file), "teacher_weight": 3.0, "chunk_tokens": 100}
    for extra in ({}, {"gradient_cache": True, "gradient_cache_memory": 0.0}):
        model = encoder("transformer", dropout=0.1).double()
        trainer = HybridTrainer(model, arguments(tmp_path, **settings, **extra), pairs)
        batch = next(iter(trainer.get_train_dataloader()))
        assert len(batch["chunks"]) > 2
        torch.manual_seed(1)
        trainer.compute_loss(model.train(), batch).backward()
        found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(*found, rtol=0, atol=1e-12)


def test_resuming_needs_the_same_teacher(pairs, teacher, file, tmp_path):
    settings = {"save_strategy": "steps", "save_steps": 3, "teacher_vectors": str(file)}
    straight = HybridTrainer(encoder(), arguments(tmp_path, **settings), pairs)
    straight.train()
    checkpoint = str(tmp_path / "checkpoint-3")
    resumed = HybridTrainer(encoder(), arguments(tmp_path, **settings), pairs)
    resumed.train(resume_from_checkpoint=checkpoint)
    assert all(map(torch.equal, straight.model.parameters(), resumed.model.parameters()))
    for other, message in (
        ({"teacher_weight": 0.5}, r"teacher_weight was 1\.0, is 0\.5"),
        ({"teacher_vectors": None}, "teacher_vectors_sha256 was '[0-9a-f]{64}', is None"),
        (
            {"teacher_vectors": str(changed(file, tmp_path, {"model": "other"}))},
            "teacher_vectors_sha256 was '[0-9a-f]{64}', is '",
        ),
    ):
        trainer = HybridTrainer(encoder(), arguments(tmp_path, **{**settings, **other}), pairs)
        with pytest.raises(InputError, match=message):
            trainer.train(resume_from_checkpoint=checkpoint)


def test_the_encoder_must_have_the_teachers_dimension(pairs, file, tmp_path):
    with pytest.raises(InputError, match="has 32 dimensions, the encoder 16"):
        HybridTrainer(encoder(embedding_dimension=16), arguments(tmp_path, teacher_vectors=str(file)), pairs)
    with pytest.raises(InputError, match="teacher_weight: -1 is negative"):
        arguments(tmp_path, teacher_weight=-1)
