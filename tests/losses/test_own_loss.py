"""A loss of the user's own: the one that `docs/training.md` shows, trained with; and what the trainer refuses."""

from __future__ import annotations

import json

import pytest
import torch
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.errors import InputError
from hf_hybrid.losses import HybridContrastiveLoss, TrainingLoss, batch_info_nce, embed, teacher_similarity
from hf_hybrid.training.trainer import HybridTrainer
from tests.documentation import python_blocks, run_block
from tests.training.test_trainer import arguments, encoder, weights

SECTION = python_blocks("training.md", "A loss of your own")
LanguageMeansLoss = run_block(SECTION[0])["LanguageMeansLoss"]
# Plain gradient descent: Adam would make full steps of gradients that are zero but for rounding.
SGD = {"optim": "sgd", "max_grad_norm": 0.0, "learning_rate": 0.3, "warmup_steps": 0, "logging_steps": 1}


def logged(trainer, name: str) -> list[float]:
    return [entry[name] for entry in trainer.state.log_history if "loss" in entry]


def trained(pairs, folder, loss, kind="static", **settings):
    trainer = HybridTrainer(encoder(kind), arguments(folder, **settings), pairs, loss=loss)
    trainer.train()
    return trainer


def test_the_documented_loss_is_short_and_its_call_is_as_shown(parallel_pairs, tmp_path):
    assert len([line for line in SECTION[0].splitlines() if line.strip()]) <= 20
    names = {"HybridTrainer": HybridTrainer, "LanguageMeansLoss": LanguageMeansLoss, "pairs": parallel_pairs}
    names |= {"model": encoder(), "args": arguments(tmp_path, max_steps=1)}
    exec(SECTION[1], names)
    names["trainer"].train()
    assert isinstance(names["trainer"].loss, TrainingLoss)


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_the_penalty_is_logged_and_falls(kind, parallel_pairs, tmp_path):
    """Without weight the languages drift apart; with it they come together again, and positives stay near."""
    settings = {"arm": "x-x", "max_steps": 40, "logging_steps": 10, "global_batch_size": 64, "warmup_steps": 0}
    model, found = encoder(kind), {}
    for weight in (0.0, 20.0):
        before = weights(model)
        args = arguments(tmp_path / str(weight), **settings)
        trainer = HybridTrainer(model, args, parallel_pairs, loss=LanguageMeansLoss(weight))
        trainer.train()
        found[weight] = trainer
        assert any(not torch.equal(old, new) for old, new in zip(before, weights(model), strict=True))
    apart, together = (logged(trainer, "penalty") for trainer in found.values())
    assert len(apart) == 4 and apart[-1] > apart[0]
    assert together[-1] < together[0] and together[-1] < apart[-1] / 4
    assert logged(found[20.0], "positive_similarity")[-1] > 0.6


def test_logged_scalars_are_means_over_the_steps(parallel_pairs, tmp_path):
    every, some = (
        trained(parallel_pairs, tmp_path, LanguageMeansLoss(1.0), max_steps=8, logging_steps=steps) for steps in (1, 4)
    )
    single = torch.tensor(logged(every, "penalty"))
    assert single.unique().numel() > 2
    assert logged(some, "penalty") == pytest.approx(single.view(2, 4).mean(1).tolist(), rel=1e-4)


def test_without_penalty_it_is_the_default_loss(parallel_pairs, tmp_path):
    own = trained(parallel_pairs, tmp_path, LanguageMeansLoss(0.0))
    default = trained(parallel_pairs, tmp_path, None)
    assert logged(own, "loss") == logged(default, "loss")
    for expected, got in zip(weights(default.model), weights(own.model), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)


def test_cached_equals_plain(parallel_pairs, tmp_path):
    settings = {"kind": "transformer", "max_steps": 4, "chunk_tokens": 128, **SGD}
    plain = trained(parallel_pairs, tmp_path, LanguageMeansLoss(5.0), **settings)
    cached = trained(
        parallel_pairs, tmp_path, LanguageMeansLoss(5.0), gradient_cache=True, gradient_cache_memory=0.0, **settings
    )
    assert logged(cached, "penalty") == pytest.approx(logged(plain, "penalty"), abs=1e-5)
    for expected, got in zip(weights(plain.model), weights(cached.model), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)


def test_resume_refuses_another_weight_of_the_penalty_and_another_loss(parallel_pairs, tmp_path):
    settings = {"save_strategy": "steps", "save_steps": 4, "max_steps": 8}
    trained(parallel_pairs, tmp_path, LanguageMeansLoss(0.5), **settings)
    checkpoint = str(tmp_path / "checkpoint-4")
    for loss, message in (
        (LanguageMeansLoss(0.7), r"another run \(penalty_weight was 0\.5, is 0\.7\)"),
        (
            None,
            r"loss was 'LanguageMeansLoss', is None; loss_scale was 20\.0, is None; penalty_weight was 0\.5, is None",
        ),
    ):
        other = HybridTrainer(encoder(), arguments(tmp_path, **settings), parallel_pairs, loss=loss)
        with pytest.raises(InputError, match=message):
            other.train(resume_from_checkpoint=checkpoint)


def test_the_default_loss_leaves_the_fingerprint_as_it_was(parallel_pairs, tmp_path):
    trainer = HybridTrainer(encoder(), arguments(tmp_path, scale=30.0, symmetric=True), parallel_pairs)
    assert trainer.fingerprint == trainer.plan.fingerprint()


class LearnedScale(torch.nn.Module):
    """InfoNCE with a temperature that is learned, and a buffer that follows it."""

    def __init__(self):
        super().__init__()
        self.log_scale = torch.nn.Parameter(torch.tensor(2.0))
        self.register_buffer("smoothed", torch.tensor(2.0))

    def settings(self):
        return {}

    def forward(self, model, inputs):
        own = embed(model, inputs)
        whole = own.of_all_ranks(queries=False, negatives=False)
        logits = self.log_scale.exp() * own.queries @ whole.passages.T
        self.smoothed = 0.9 * self.smoothed + 0.1 * self.log_scale.detach()
        loss = torch.nn.functional.cross_entropy(logits, own.rows_of_all)
        return loss + self.smoothed * own.queries.mean(), {"scale": self.log_scale.exp()}


@pytest.mark.parametrize("accumulation", [1, 2])
def test_parameters_of_the_loss_are_trained_and_resumed_bit_for_bit(accumulation, parallel_pairs, tmp_path):
    settings = {"save_strategy": "steps", "save_steps": 3, "max_steps": 9, "gradient_accumulation_steps": accumulation}
    straight = trained(parallel_pairs, tmp_path, LearnedScale(), logging_steps=1, **settings)
    assert (tmp_path / "checkpoint-6" / "loss.safetensors").exists()
    assert len(set(logged(straight, "scale"))) == 9
    resumed = HybridTrainer(encoder(), arguments(tmp_path, **settings), parallel_pairs, loss=LearnedScale())
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-6"))
    found, expected = resumed.loss.state_dict(), straight.loss.state_dict()
    assert found["log_scale"] != 2.0 and found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_gradients_of_the_loss_do_not_pile_up(parallel_pairs, tmp_path):
    """Plain descent: the parameter's way is the sum of single gradients."""

    class Line(LearnedScale):
        def forward(self, model, inputs):
            loss, scalars = super().forward(model, inputs)
            return 0 * loss + self.log_scale, scalars

    trainer = trained(parallel_pairs, tmp_path, Line(), max_steps=4, lr_scheduler_type="constant", **SGD)
    assert trainer.loss.log_scale.item() == pytest.approx(2.0 - 4 * 0.3)


def test_a_checkpoint_of_another_loss_without_parameters_is_refused(parallel_pairs, tmp_path):
    class Learned(LearnedScale):
        pass

    settings = {"save_strategy": "steps", "save_steps": 4}
    trained(parallel_pairs, tmp_path, Learned(), **settings)
    (tmp_path / "checkpoint-8" / "loss.safetensors").unlink()
    with pytest.raises(InputError, match=r"has the loss's parameters \{\}, Learned has \{'log_scale': \(\)"):
        HybridTrainer(encoder(), arguments(tmp_path), parallel_pairs, loss=Learned()).train(
            resume_from_checkpoint=str(tmp_path / "checkpoint-8")
        )


def test_the_encoder_in_a_loss_is_no_state_of_its_own(parallel_pairs, tmp_path):
    model, loss = encoder(), LanguageMeansLoss(1.0)
    loss.encoder = model
    trainer = HybridTrainer(
        model, arguments(tmp_path, save_strategy="steps", save_steps=12), parallel_pairs, loss=loss
    )
    before = weights(model)
    trainer.train()
    assert not (tmp_path / "checkpoint-12" / "loss.safetensors").exists()
    assert any(not torch.equal(old, new) for old, new in zip(before, weights(model), strict=True))


class Reporting(HybridContrastiveLoss):
    """Reports what it is told to."""

    def __init__(self, result, settings=None):
        super().__init__()
        self.result, self.own_settings = result, settings or {}

    def settings(self):
        return self.own_settings

    def forward(self, model, inputs):
        return self.result(super().forward(model, inputs)[0])


class WithoutSettings(torch.nn.Module):
    pass


@pytest.mark.parametrize(
    ("loss", "arguments_", "message"),
    [
        (LanguageMeansLoss, {}, r"loss: type is no torch\.nn\.Module"),
        (WithoutSettings(), {}, r"loss: WithoutSettings has no method settings\(\)"),
        (LanguageMeansLoss(1.0), {"scale": 30.0}, "scale: is a setting of the default loss"),
        (LanguageMeansLoss(1.0), {"symmetric": True}, "symmetric: is a setting of the default loss"),
        (Reporting(None, {"seed": 3}), {}, "the setting seed of Reporting is one of the run's"),
        (Reporting(None, {"weights": torch.ones(2)}), {}, "the setting weights of Reporting is a Tensor"),
        (Reporting(lambda loss: loss), {}, r"Reporting\.forward must return \(loss, scalars\)"),
        (Reporting(lambda loss: (loss[None], {})), {}, r"Reporting\.forward must return \(loss, scalars\)"),
        (Reporting(lambda loss: (loss, {"grad_norm": 1.0})), {}, "its scalar 'grad_norm' has the name of another"),
    ],
)
def test_what_is_refused(loss, arguments_, message, parallel_pairs, tmp_path):
    with pytest.raises(InputError, match=message):
        trained(parallel_pairs, tmp_path, loss, **arguments_)


def test_scalars_that_some_steps_lack(parallel_pairs, tmp_path):
    values = iter([{"a": 1.0}, {}, {"a": torch.tensor(4.0)}, {"b": 2.0}])
    trainer = trained(parallel_pairs, tmp_path, Reporting(lambda loss: (loss, next(values))), max_steps=4)
    assert logged(trainer, "a") == [2.5] and logged(trainer, "b") == [2.0]


def test_parameters_and_engines_that_do_not_know_them():
    from hf_hybrid.training.loss_state import LossState

    with pytest.raises(InputError, match=r"LearnedScale has parameters or buffers of its own, and DeepSpeed ZeRO-2"):
        LossState(LearnedScale(), encoder(), "DeepSpeed ZeRO-2")
    LossState(LanguageMeansLoss(1.0), encoder(), "DeepSpeed ZeRO-2")


def test_own_loss_of_a_teacher(tmp_path):
    """Targets reach a loss of one's own, and its weight is the loss's."""
    from hf_hybrid.data.pairs import ParallelPairs
    from hf_hybrid.data.teacher_vectors import write_teacher_vectors
    from hf_hybrid.encoders.models import build_encoder
    from tests.conftest import renditions

    class Distilled(torch.nn.Module):
        def settings(self):
            return {"distillation": 2.0}

        def forward(self, model, inputs):
            own = embed(model, inputs)
            similarity = teacher_similarity(own.texts, inputs)
            return 2 * (1 - similarity), {"to_teacher": similarity}

    rows = renditions(60)
    (tmp_path / "train.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    pairs = ParallelPairs.load(str(tmp_path / "train.jsonl"))
    texts = [str(row[side]) for row in rows for side in ("query", "passage")]
    teacher = build_encoder(ModelArguments(encoder="static", vocab_size=400, embedding_dimension=32), texts, seed=8)
    write_teacher_vectors(teacher, pairs, tmp_path / "teacher.safetensors", model_name="small")
    path = str(tmp_path / "teacher.safetensors")
    trainer = trained(pairs, tmp_path / "run", Distilled(), teacher_vectors=path, max_steps=30, logging_steps=10)
    found = logged(trainer, "to_teacher")
    assert found[-1] > found[0] + 0.05
    assert trainer.fingerprint["distillation"] == 2.0 and "teacher_weight" not in trainer.fingerprint


class Distances(torch.nn.Module):
    """Squared distances of queries and passages, for an encoder that is compared by them."""

    def settings(self):
        return {}

    def forward(self, model, inputs):
        own, unit = embed(model, inputs, normalise=False), embed(model, inputs)
        torch.testing.assert_close(torch.nn.functional.normalize(own.texts, dim=1), unit.texts)
        assert not torch.allclose(own.texts, unit.texts)
        return (own.queries - own.passages).square().sum(1).mean(), {"length": own.passages.norm(dim=1).mean()}


def test_a_loss_for_vectors_that_are_not_compared_by_their_cosine(parallel_pairs, tmp_path):
    model = SentenceTransformer(modules=[encoder()[0]], device="cpu", similarity_fn_name="euclidean")
    with pytest.raises(InputError, match="this encoder by euclidean"):
        HybridTrainer(model, arguments(tmp_path), parallel_pairs)
    trainer = HybridTrainer(model, arguments(tmp_path, max_steps=2, logging_steps=1), parallel_pairs, loss=Distances())
    assert trainer.settings.settings["similarity"] == "euclidean"
    assert not {"scale", "symmetric"} & set(trainer.settings.settings)
    trainer.train()
    batch = next(iter(trainer.get_train_dataloader()))
    own = model(dict(batch["chunks"][0]))["sentence_embedding"][batch["positions"]]
    torch.testing.assert_close(embed(model, batch, normalise=False).texts, own)
    assert all(abs(length - 1) > 1e-3 for length in logged(trainer, "length"))


def test_half_precision_ends_with_the_encoder():
    class Halves(torch.nn.Module):
        def forward(self, features):
            return {"sentence_embedding": features["input_ids"].bfloat16()}

    chunks = [{"input_ids": torch.eye(4)[[0, 1, 2, 3]] + 1}]
    ids = torch.arange(2)
    own = embed(Halves(), {"chunks": chunks, "positions": torch.arange(4), "example_ids": ids, "passage_ids": ids})
    whole = own.of_all_ranks()
    assert own.texts.dtype == torch.bfloat16
    assert {own.queries.dtype, whole.queries.dtype, whole.passages.dtype, whole.negatives.dtype} == {torch.float32}
    assert whole.query_languages.tolist() == [-1, -1] and own.rows_of_all.tolist() == [0, 1]
    assert batch_info_nce(own, whole)[0].dtype == torch.float32
