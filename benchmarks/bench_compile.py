"""What compiling gives: steps of encoders on packed chunks of one shape, compiled and not, beside padded ones.

    python benchmarks/bench_compile.py --output benchmarks/results/compile.json     # on a GPU: bf16, CUDA graphs, too
    python benchmarks/bench_compile.py --rows 8 --chunk_tokens 1024 --repeats 3     # on a CPU: float32
    python benchmarks/bench_compile.py --tiny                                       # a look at the command

Encoders of 12 layers x 384 (BERT's, as multilingual E5-small) and 12 x 768 (XLM-R base) with random weights, texts as
long as MS MARCO's, the default loss, AdamW. All variants start from the same weights and take the same batches, in
turns; the losses have to agree before a time counts. Compiling is timed as what the first step takes beyond a median
one, without any cache. "Breaks even" is the step from which on compiling has paid; whether it pays within a run of 500
steps decides whether it should be a default.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.compiler.config
from bench_chunks import marco_like
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

from hf_hybrid.data.chunks import CHUNK_OVERHEAD
from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.fixed_chunks import choose_chunk_size
from hf_hybrid.data.tokenised import Ragged
from hf_hybrid.encoders.compiled import GRAPH_MODES, compile_encoder, compile_packed, keep_gradients
from hf_hybrid.encoders.packed import first_position, take_packed
from hf_hybrid.encoders.tokenizer_training import train_tokenizer
from hf_hybrid.engines.onednn import onednn_layers
from hf_hybrid.evaluation.provenance import hardware, versions
from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.output_files import write_json

LONGEST = 256
RUN = 500
# Of the losses, in float32 and under autocast.
TOLERANCES = {"cpu": 1e-3, "cuda": 2e-2}
SAMPLED = 16


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    xlmr: bool = False


SHAPES = {"12x384": Shape(12, 384, 12, 66_697), "12x768": Shape(12, 768, 12, 250_002, xlmr=True)}
TINY = {"12x384": Shape(2, 32, 2, 1_000), "12x768": Shape(2, 64, 2, 1_000, xlmr=True)}


@dataclass(frozen=True)
class Variant:
    """One way to run a step; `mode` is `torch.compile`'s, None where nothing is compiled."""

    packed: bool
    mode: str | None = None


VARIANTS = {
    "padded": Variant(packed=False),
    "padded, compiled": Variant(packed=False, mode="default"),
    "packed": Variant(packed=True),
    "packed, compiled": Variant(packed=True, mode="default"),
    "packed, CUDA graphs": Variant(packed=True, mode="reduce-overhead"),
}


def build(shape: Shape) -> SentenceTransformer:
    """An encoder with random weights, without dropout."""
    sizes = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": 4 * shape.width,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    torch.manual_seed(0)
    if shape.xlmr:
        model = XLMRobertaModel(XLMRobertaConfig(**sizes, max_position_embeddings=514, type_vocab_size=1))
    else:
        model = BertModel(BertConfig(**sizes, max_position_embeddings=512))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        # Of the tokenizer only the padding is used.
        train_tokenizer([f"word{i} other{i}" for i in range(200)], 400).save_pretrained(folder)
        encoder = SentenceTransformer(modules=[Transformer(folder), Pooling(shape.width)], device="cpu")
    for name, parameter in encoder.named_parameters():
        # Pooling tokens never passes it; see decision 17 of CONTRIBUTING.
        parameter.requires_grad_("pooler" not in name)
    return encoder


class Step:
    """Training steps of one variant: a model of its own, the same batches for all.

    Args:
        model: Is copied.
        variant: How it runs.
        device: Where.
        chunk_tokens: Most tokens in a chunk.
        overhead: What a pass costs, in tokens.
    """

    def __init__(
        self, model: SentenceTransformer, variant: Variant, device: torch.device, chunk_tokens: int, overhead: int
    ):
        self.model = copy.deepcopy(model).to(device).train()
        self.variant, self.device = variant, device
        self.collator = HybridCollator.of(self.model, chunk_tokens, 8 if device.type == "cuda" else None)
        self.collator.chunk_overhead = overhead
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=2e-5, fused=True)
        self.loss = HybridContrastiveLoss()
        if variant.packed:
            take_packed(self.model)
            self.collator.packed_from = first_position(self.model)

    def compile(self, lengths: list[np.ndarray]) -> None:
        """Compile as training does; for packed texts choose the shape by the lengths of some batches."""
        mode = self.variant.mode
        if mode is None:
            return
        settings = {} if mode == "default" else {"mode": mode}
        if not self.variant.packed:
            compile_encoder(self.model, **settings)
            return
        size = choose_chunk_size(lengths, LONGEST, self.collator.chunk_tokens, self.collator.chunk_overhead)
        self.collator.chunk_size = size
        compile_packed(self.model, size, **settings)
        if mode in GRAPH_MODES:
            keep_gradients(self.model.parameters())

    def __call__(self, batch: Ragged) -> dict[str, float]:
        """Seconds, loss, passes and tokens of one step; collating is not timed."""
        chunks, positions = self.collator.chunks(batch)
        rows = torch.arange(len(batch.lengths) // 2, device=self.device)
        inputs = {
            "chunks": [{name: _moved(value, self.device) for name, value in chunk.items()} for chunk in chunks],
            "positions": torch.from_numpy(positions).to(self.device),
            "example_ids": rows,
            "passage_ids": rows,
        }
        _wait(self.device)
        start = time.perf_counter()
        with self._layers(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss, _ = self.loss(self.model, inputs)
            loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        _wait(self.device)
        seconds = time.perf_counter() - start
        tokens = sum(chunk["input_ids"].numel() for chunk in chunks)
        return {"seconds": seconds, "loss": float(loss.detach()), "passes": len(chunks), "tokens": tokens}

    def _layers(self) -> AbstractContextManager:
        """On a CPU training without compiling takes oneDNN's products."""
        plain = self.device.type == "cpu" and self.variant.mode is None
        return onednn_layers(self.model) if plain else nullcontext()


def batch_of(rows: int, vocabulary: int, seed: int) -> Ragged:
    """Made up texts as long as MS MARCO's."""
    random = np.random.default_rng(seed)
    lengths = marco_like(random, rows)
    return Ragged(random.integers(5, vocabulary, int(lengths.sum())).astype(np.int32), lengths)


def measure(
    shape: Shape,
    device: torch.device,
    variants: Sequence[str],
    rows: int,
    chunk_tokens: int,
    overhead: int,
    repeats: int,
) -> dict[str, Any]:
    """Seconds of a step and of compiling, variant by variant.

    Returns:
        By variant: `seconds` (median), `compile_seconds`, `passes`, `filler` (share of tokens that are no text's), and
        for compiled ones against the same layout without: `speedup`, `breaks_even` (a number of steps; None where
        never), `wins_in_500_steps`.

    Raises:
        SystemExit: The losses of two variants differ.
    """
    model, lengths = build(shape), [batch_of(rows, shape.vocabulary, 1000 + i).lengths for i in range(SAMPLED)]
    steps = {name: Step(model, VARIANTS[name], device, chunk_tokens, overhead) for name in variants}
    for step in steps.values():
        step.compile(lengths)
    done: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for number in range(repeats + 1):
        batch = batch_of(rows, shape.vocabulary, number)
        for name in list(variants)[:: 1 if number % 2 else -1]:
            done[name].append({**steps[name](batch), "texts": float(batch.lengths.sum())})
    _require_equal({name: [step["loss"] for step in each] for name, each in done.items()}, TOLERANCES[device.type])
    found: dict[str, Any] = {}
    for name, each in done.items():
        seconds = statistics.median(step["seconds"] for step in each[1:])
        found[name] = {
            "seconds": round(seconds, 5),
            "compile_seconds": round(each[0]["seconds"] - seconds, 2) if VARIANTS[name].mode else 0.0,
            "passes": statistics.mean(step["passes"] for step in each),
            "filler": round(1 - sum(s["texts"] for s in each) / sum(s["tokens"] for s in each), 4),
        }
    for name, each in found.items():
        plain = found.get("packed" if VARIANTS[name].packed else "padded")
        if VARIANTS[name].mode and plain:
            each |= against(plain["seconds"], each["seconds"], each["compile_seconds"])
    return found


def against(plain: float, compiled: float, compile_seconds: float) -> dict[str, Any]:
    """What compiling wins.

    Example:
        >>> against(plain=0.5, compiled=0.4, compile_seconds=30.0)
        {'speedup': 1.25, 'breaks_even': 300, 'wins_in_500_steps': True}
    """
    saved = plain - compiled
    even = int(np.ceil(round(max(compile_seconds, 0.0) / saved, 6))) if saved > 0 else None
    wins = even is not None and even < RUN
    return {"speedup": round(plain / compiled, 3), "breaks_even": even, "wins_in_500_steps": wins}


def _require_equal(losses: dict[str, list[float]], tolerance: float) -> None:
    for number, step in enumerate(zip(*losses.values(), strict=True)):
        if not max(step) - min(step) <= tolerance:
            raise SystemExit(f"step {number}: the losses of {', '.join(losses)} differ by {max(step) - min(step):.2e}")


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES), help="layers x width")
    made.add_argument("--variants", nargs="+", choices=list(VARIANTS), help="default: all that the device can do")
    made.add_argument("--rows", type=int, default=256, help="pairs in a batch")
    made.add_argument("--chunk_tokens", type=int, default=16_384, help="most tokens in a chunk")
    made.add_argument("--overhead", type=int, help="what a pass costs, in tokens; default 16,384 on a GPU, 64 else")
    made.add_argument("--repeats", type=int, default=20, help="steps of each variant that count")
    made.add_argument("--threads", type=int, default=0, help="of torch; default: its own choice")
    made.add_argument("--tiny", action="store_true", help="two layers and few texts")
    made.add_argument("--output", type=Path, help="write a results file, after every shape")
    made.add_argument("--overwrite", action="store_true", help="replace an existing file")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print tables, write the results file."""
    given = sys.argv[1:] if argv is None else list(argv)
    arguments = parser().parse_args(given)
    if arguments.output and arguments.output.exists() and not arguments.overwrite:
        parser().error(f"{arguments.output} exists; give --overwrite, or another name")
    # A compiled encoder found in a cache of an earlier run would be no compile time.
    torch.compiler.config.force_disable_caches = True
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    graphs = {name for name, variant in VARIANTS.items() if variant.mode in GRAPH_MODES}
    variants = arguments.variants or [name for name in VARIANTS if device.type == "cuda" or name not in graphs]
    overhead = arguments.overhead or (16_384 if device.type == "cuda" else CHUNK_OVERHEAD)
    sizes = {"rows": arguments.rows, "chunk_tokens": arguments.chunk_tokens, "repeats": arguments.repeats}
    if arguments.tiny:
        sizes = {"rows": 8, "chunk_tokens": 512, "repeats": 2}
    settings = {**sizes, "overhead": overhead, "threads": torch.get_num_threads()}
    command = " ".join(["python", "benchmarks/bench_compile.py", *_without_folders(given)])
    content: dict[str, Any] = {"command": command, "device": str(device.type), "settings": settings, "shapes": {}}
    content |= {"versions": versions(), "hardware": hardware()}
    for name in arguments.shapes:
        found = measure((TINY if arguments.tiny else SHAPES)[name], device, variants, overhead=overhead, **sizes)
        torch.compiler.reset()
        content["shapes"][name] = found
        report(name, found)
        if arguments.output:
            write_json(arguments.output, content, overwrite=True)
    return 0


def report(shape: str, found: dict[str, Any]) -> None:
    """Print a shape's table."""
    print(f"\n{shape}              s/step  compile, s  passes  filler  speed-up  breaks even")
    for name, each in found.items():
        even = each.get("breaks_even")
        shown = f"{each['speedup']:9.2f} {'never' if even is None else f'{even:,}':>12}" if "speedup" in each else ""
        line = f"{each['seconds']:8.3f} {each['compile_seconds']:11.1f} {each['passes']:7.1f} {each['filler']:7.1%}"
        print(f"{name:20}{line} {shown}", flush=True)


def _without_folders(words: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for word in words:
        if not skip and word != "--output" and not word.startswith("--output="):
            kept.append(word)
        skip = word == "--output"
    return kept


if __name__ == "__main__":
    sys.exit(main())
