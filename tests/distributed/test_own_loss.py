"""A loss of the user's own on two real ranks (gloo): the losses, scalars, weights and loss's parameters of one
process.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from hf_hybrid.train import train
from tests.conftest import renditions
from tests.documentation import python_blocks, run_block
from tests.forked_ranks import Ranks

LanguageMeansLoss = run_block(python_blocks("training.md", "A loss of your own")[0])["LanguageMeansLoss"]
# Plain gradient descent: Adam would make full steps of gradients that are zero but for rounding.
FLAGS = (
    "--vocab_size 400 --embedding_dimension 32 --hidden_size 32 --num_hidden_layers 1 --num_attention_heads 2 "
    "--intermediate_size 64 --dropout 0 --global_batch_size 16 --max_steps 6 --learning_rate 0.1 --optim sgd "
    "--warmup_steps 0 --max_grad_norm 0 --logging_steps 1 --save_steps 6 --dev_split none --test_split none --use_cpu "
    "--disable_tqdm true --gradient_accumulation_steps 2"
).split()
KINDS = {
    "static": ["--encoder", "static"],
    "cached transformer": ["--encoder", "transformer", "--gradient_cache", "--gradient_cache_memory", "0"],
}


class WithLearnedWeight(LanguageMeansLoss):
    """The documented loss with a parameter of its own, which starts differently on every rank and gets gradients of
    all.
    """

    def __init__(self):
        super().__init__(penalty_weight=3.0)
        self.shift = torch.nn.Parameter(torch.full((32,), 0.01 * (1 + _rank())))

    def forward(self, model, inputs):
        loss, scalars = super().forward(model, inputs)
        # Of the rank's own languages: its gradient differs from rank to rank.
        codes = torch.as_tensor(inputs["query_languages"]).float()
        own = {"rows_in_ar": float((codes == 0).float().mean())}
        return loss + (self.shift.square().sum() * (1 + codes.mean())), {**scalars, **own}


def _rank() -> int:
    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0


def train_with_own_loss(flags: list[str]) -> int:
    """What a user's script does: the command's parts with a loss of one's own."""
    from hf_hybrid.arguments.parsing import parse_arguments

    train(*parse_arguments(flags), loss=WithLearnedWeight())
    return 0


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("own_loss") / "train.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in renditions(60)) + "\n")
    return path


def trajectory(folder: Path) -> list[dict[str, float]]:
    state = json.loads((folder / "checkpoint-6" / "trainer_state.json").read_text())
    return [entry for entry in state["log_history"] if "loss" in entry]


@pytest.mark.parametrize("kind", KINDS)
def test_one_rank_equals_two(kind, data, tmp_path, unused_port):
    flags = [*FLAGS, *KINDS[kind], "--dataset_name_or_path", str(data)]
    for count in (1, 2):
        folder, log = tmp_path / str(count), tmp_path / f"{count}.log"
        ranks = Ranks([*flags, "--output_dir", str(folder)], log, count, unused_port, target=train_with_own_loss)
        assert ranks.finish() == [0] * count, ranks.output()[-3000:]
    one, two = (trajectory(tmp_path / str(count)) for count in (1, 2))
    assert len(one) == 6 and one[0]["penalty"] > 0
    for entry, entry_2 in zip(one, two, strict=True):
        for name, tolerance in (
            ("loss", 2e-5),
            ("penalty", 1e-6),
            ("rows_in_ar", 1e-6),
            ("positive_similarity", 1e-5),
        ):
            assert entry[name] == pytest.approx(entry_2[name], abs=tolerance), name
    models = [SentenceTransformer(str(tmp_path / str(count) / "model"), device="cpu").state_dict() for count in (1, 2)]
    for name, value in models[0].items():
        assert (value - models[1][name]).abs().max() < 1e-6, name
    shifts = [load_file(tmp_path / str(count) / "checkpoint-6" / "loss.safetensors")["shift"] for count in (1, 2)]
    assert shifts[0].max() < 0.006
    torch.testing.assert_close(shifts[0], shifts[1], rtol=1e-5, atol=0)
