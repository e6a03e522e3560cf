"""Run the experiment: one start, one base, every arm from that same base, each scored once on XQuAD-R.

The start is a static encoder whose token vectors are random, scaled by `a / (a + p)` for a token of relative frequency
`p` (Arora et al., 2017): a text then is near texts that share its rare words, which is what monolingual retrieval needs
before anything is learnt. All training goes through the public command, in a process of its own. A part that is
finished is not run again, a part that was interrupted continues from its last checkpoint.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hf_hybrid.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
ARMS = ("x-x", "x-x-mono", "x-y", "hybrid")
SMOOTHING = 1e-3
RECIPE = Path(__file__).with_name("real_data.yaml")
TRAIN = [sys.executable, "-m", "hf_hybrid.cli", "train"]
EVALUATE = [sys.executable, "-m", "hf_hybrid.cli", "evaluate"]
COLUMNS = {
    "Mo": "mo_map",
    "Cr": "cr_map",
    "Mul": "mul_map",
    "rank distance": "rank_distance",
    "own language@10": "own_language_share_at_10",
}


@dataclass
class Settings:
    """What is run; the defaults were chosen on `qa_dev/` and `bitext_dev/`.

    Attributes:
        vocab_size, dimension: Size of the static encoder.
        base_steps, base_learning_rate: Alignment stage, arm x-y on `align/`.
        arm_steps, arm_learning_rate: Every arm, on `qa/`.
        batch: Rows of a global batch, in both stages.
        extra: Flags for every training, put last: they win.
    """

    mix: Path
    output: Path
    benchmark_dir: Path
    arms: tuple[str, ...] = ARMS
    seed: int = 42
    vocab_size: int = 48_000
    dimension: int = 512
    base_steps: int = 2_500
    base_learning_rate: float = 0.01
    arm_steps: int = 600
    arm_learning_rate: float = 0.001
    batch: int = 1_024
    extra: list[str] = field(default_factory=list)


def run(settings: Settings) -> str:
    """Run whatever is missing and return the table.

    Raises:
        InputError: The mix or the benchmark is not there, or the output folder was made with other settings.
    """
    _check(settings)
    start = settings.output / "start"
    if not start.exists():
        _make_start(settings, start)
    base = _stage(settings, "base", start, "x-y", "align", settings.base_steps, settings.base_learning_rate)
    _evaluate(settings, "base", base)
    for arm in settings.arms:
        model = _stage(settings, arm, base, arm, "qa", settings.arm_steps, settings.arm_learning_rate)
        _evaluate(settings, arm, model)
    return table(settings)


def _check(settings: Settings) -> None:
    if not (settings.mix / "mix.json").is_file():
        raise InputError(f"{settings.mix}: no mix.json; build the mix first with the verb `mix`")
    if not list(settings.benchmark_dir.glob("*.json")):
        raise InputError(f"{settings.benchmark_dir}: no XQuAD-R files; point --benchmark_dir at them")
    digests = json.loads((settings.mix / "mix.json").read_text())["outputs"]
    names = [f for f in Settings.__dataclass_fields__ if f not in ("mix", "output", "benchmark_dir", "arms")]
    wanted = {"mix": digests, **{name: getattr(settings, name) for name in names}}
    settings.output.mkdir(parents=True, exist_ok=True)
    file = settings.output / "settings.json"
    if not file.exists():
        _write_json(file, wanted)
    elif (stored := json.loads(file.read_text())) != wanted:
        different = ", ".join(sorted(name for name in wanted if stored.get(name) != wanted[name]))
        raise InputError(f"{settings.output}: was made with other settings ({different}); name another --output")


def _make_start(settings: Settings, start: Path) -> None:
    """Train the tokenizer on balanced, lower-cased text and build the encoder; vectors are scaled by frequency."""
    import numpy as np
    import pyarrow.parquet as pq
    import torch
    from tokenizers import normalizers

    from hf_hybrid.arguments import ModelArguments
    from hf_hybrid.models import build_encoder, save_encoder
    from hf_hybrid.tokenizer_training import train_tokenizer

    texts = [text.lower() for text in pq.read_table(settings.mix / "text.parquet").column("text").to_pylist()]
    tokenizer = train_tokenizer(texts, settings.vocab_size, seed=settings.seed)
    backend = tokenizer.backend_tokenizer
    backend.normalizer = normalizers.Sequence([backend.normalizer, normalizers.Lowercase()])
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        arguments = ModelArguments(
            encoder="static",
            tokenizer_name_or_path=folder,
            embedding_dimension=settings.dimension,
            query_prompt="",
            passage_prompt="",
        )
        model = build_encoder(arguments, seed=settings.seed)
    counts: Counter[int] = Counter()
    for first in range(0, len(texts), 10_000):
        for encoding in backend.encode_batch(texts[first : first + 10_000], add_special_tokens=False):
            counts.update(encoding.ids)
    frequency = np.array([counts[token] for token in range(len(tokenizer))]) / counts.total()
    factors = torch.from_numpy(SMOOTHING / (SMOOTHING + frequency)).float()
    with torch.no_grad():
        model[0].embedding.weight.mul_(factors[:, None])
    save_encoder(model, start)


def _stage(settings: Settings, name: str, start: Path, arm: str, part: str, steps: int, rate: float) -> Path:
    """Train one model with the public command, unless it is there; returns its folder."""
    folder = settings.output / name
    if (folder / "model").is_dir():
        return folder / "model"
    resume = any(folder.glob("checkpoint-*/trainer_state.json"))
    if folder.exists() and not resume:
        shutil.rmtree(folder)  # Our own: interrupted before its first checkpoint.
    flags = {
        "config": RECIPE,
        "encoder": "auto",
        "model_name_or_path": start,
        "dataset_name_or_path": settings.mix / part,
        "eval_dataset_name_or_path": settings.mix / "qa_dev",
        "test_split": "dev",
        "max_eval_examples": 5_000,
        "arm": arm,
        "global_batch_size": settings.batch,
        "max_steps": steps,
        "learning_rate": rate,
        "eval_steps": max(1, steps // 4),
        "save_steps": max(1, steps // 4),
        # Every arm is judged after the same number of examples, also one that gets worse on the way.
        "load_best_model_at_end": False,
        "seed": settings.seed,
        "output_dir": folder,
        "resume": resume,
    }
    started = time.perf_counter()
    _call([*TRAIN, *(str(word) for flag, value in flags.items() for word in (f"--{flag}", value)), *settings.extra])
    _write_json(folder / "seconds.json", {"train": time.perf_counter() - started})
    return folder / "model"


def _evaluate(settings: Settings, name: str, model: Path) -> None:
    target = settings.output / f"xquad_r_{name}.json"
    if not target.exists():
        where = ["--benchmark", "xquad_r", "--data_dir", str(settings.benchmark_dir)]
        _call([*EVALUATE, str(model), *where, "--output", str(target)])


def _call(command: list[str]) -> None:
    """Run a command of this project; its own error line has already said what is wrong when it fails."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    print("+", " ".join(command[1:]), flush=True)
    status = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
    if status:
        raise InputError(f"`{' '.join(command[3:5])} ...` ended with status {status}; mend its cause and run again")


def _write_json(file: Path, content: dict) -> None:
    partial = file.with_suffix(".tmp")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(partial, file)


def table(settings: Settings) -> str:
    """One row per model: XQuAD-R, and on the right mAP on the development documents."""
    head = f"{'':<10}" + "".join(f"{name:>17}" for name in COLUMNS) + f"{'dev Mo/Cr/Mul':>21}{'train s':>9}"
    lines = [head]
    for name in ("base", *settings.arms):
        summary = json.loads((settings.output / f"xquad_r_{name}.json").read_text())["summary"]
        cells = (summary[key] for key in COLUMNS.values())
        row = f"{name:<10}" + "".join(f"{v:>17,.0f}" if v > 1 else f"{v:>17.3f}" for v in cells)
        dev = json.loads((settings.output / name / "results.json").read_text())["summary"]
        row += f"{dev['mo_map']:>9.3f}{dev['cr_map']:>6.3f}{dev['mul_map']:>6.3f}"
        seconds = settings.output / name / "seconds.json"
        row += f"{json.loads(seconds.read_text())['train']:>9.0f}" if seconds.exists() else f"{'':>9}"
        lines.append(row)
    return "\n".join(lines)
