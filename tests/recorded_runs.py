"""Runs of the training command that write down every batch they train on, to be killed, resumed and compared."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.errors import run_command
from hf_hybrid.train import train
from hf_hybrid.training.stop_signal import Interrupted
from hf_hybrid.training.trainer import HybridTrainer

# Every seventh step is followed by a checkpoint, every third of these by an evaluation before it.
# A run that was killed before its first checkpoint times its passes anew: the cost is given.
FLAGS = (
    "--vocab_size 400 --embedding_dimension 32 --hidden_size 16 --num_hidden_layers 1 --num_attention_heads 2 "
    "--intermediate_size 32 --global_batch_size 24 --batches_per_epoch 10 --max_steps 42 --learning_rate 0.01 "
    "--logging_steps 5 --save_strategy steps --save_steps 7 --save_total_limit 2 --eval_strategy steps --eval_steps "
    "21 --test_split none --use_cpu --disable_tqdm true --chunk_overhead 64"
).split()
STEPS = 42
SEEN = "seen"


class RecordingTrainer(HybridTrainer):
    """Appends step, address and row ids of every batch to a file of this rank, before it is trained on."""

    def training_step(self, model: torch.nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        rows = [self.plan.pairs.example_ids[code] for code in inputs["example_ids"].tolist()]
        languages = [inputs[f"{side}_languages"].tolist() for side in ("query", "passage")]
        line = json.dumps([self.state.global_step + 1, inputs["address"].tolist(), [rows, *languages]])
        folder = Path(f"{self.args.output_dir}.{SEEN}")
        folder.mkdir(exist_ok=True)
        # One write, so that a killed process leaves whole lines.
        with (folder / f"{self.args.process_index}.jsonl").open("ab", buffering=0) as file:
            file.write(line.encode() + b"\n")
        return super().training_step(model, inputs, *args, **kwargs)


def train_recorded(flags: Sequence[str]) -> int:
    """The training command with this trainer; returns its exit status."""
    try:
        return run_command(lambda: train(*parse_arguments(flags), trainer_class=RecordingTrainer))
    except Interrupted as stop:
        return stop.code


def seen_batches(output: Path, ranks: int) -> list[tuple[int, list[int], list[Any]]]:
    """Step, address and columns of every global batch of a run since it was started or last resumed, in order."""
    every = []
    for rank in range(ranks):
        lines = (Path(f"{output}.{SEEN}") / f"{rank}.jsonl").read_text(encoding="utf-8").splitlines()
        every.append([json.loads(line) for line in lines])
    shortest = min(map(len, every))
    merged = []
    for parts in zip(*(lines[:shortest] for lines in every), strict=True):
        steps, addresses = {part[0] for part in parts}, {tuple(part[1]) for part in parts}
        assert len(steps) == len(addresses) == 1, f"the ranks trained on different batches: {parts}"
        columns = [sum((part[2][column] for part in parts), []) for column in range(3)]
        merged.append((parts[0][0], parts[0][1], columns))
    return merged


def forget_batches(output: Path) -> None:
    """Start the record anew, for a run that is resumed."""
    for file in Path(f"{output}.{SEEN}").glob("*.jsonl"):
        os.unlink(file)


def same_weights(output: Path, other: Path) -> bool:
    """Whether two runs have saved the same weights, bit for bit."""
    return all(
        (output / "model" / name).read_bytes() == (other / "model" / name).read_bytes()
        for name in (path.relative_to(other / "model") for path in (other / "model").rglob("*.safetensors"))
    )


if __name__ == "__main__":
    sys.exit(train_recorded(sys.argv[1:]))
