"""The recipes of the compact transformer at tiny sizes, one after the other, and that what comes out is a model for
any library.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer, DistilBertConfig, DistilBertModel

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.arguments.parsing import RECIPES
from hf_hybrid.cli.main import main as hf_hybrid
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.train import main as train
from tests.conftest import renditions
from tests.test_train import write_splits

# What a test has to change: a CPU has no bf16, and the sizes.
ON_A_CPU = (
    "--bf16 false --use_cpu --languages ar de en th --global_batch_size 20 --max_steps 6 --save_steps 6 "
    "--logging_steps 3 --dataloader_num_workers 0 --gradient_cache_memory 0 --disable_tqdm true"
).split()
SIZES = (
    "--vocab_size 400 --hidden_size 16 --num_attention_heads 2 --intermediate_size 32 --num_hidden_layers 2 "
    "--max_seq_length 30 --max_eval_examples 5 --eval_steps 6"
).split()
TEXTS = ["question 3 in de", "passage 1 in th, answer 2", "a longer question, " * 20]


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> tuple[Path, Path]:
    """Folders of an aligned encoder and of an arm from it, made by the commands that the recipes name."""
    folder = tmp_path_factory.mktemp("mini")
    data = ["--dataset_name_or_path", str(write_splits(folder))]
    texts = [str(row[side]) for row in renditions() for side in ("query", "passage")]
    args = ModelArguments(encoder="static", vocab_size=400, embedding_dimension=16)
    teacher = save_encoder(build_encoder(args, texts, seed=4), folder / "teacher")
    vectors = ["--output", str(folder / "teacher.safetensors"), "--quiet"]
    assert hf_hybrid(["teacher-vectors", str(teacher), *data, *vectors]) == 0
    align, arm = folder / "align", folder / "arm"
    flags = ["--config", "mini_align", "--teacher_vectors", str(folder / "teacher.safetensors"), *SIZES, *ON_A_CPU]
    assert train([*flags, *data, "--output_dir", str(align)]) == 0
    flags = ["--config", "mini_arm", "--model_name_or_path", str(align / "model"), *ON_A_CPU]
    assert train([*flags, *data, "--output_dir", str(arm)]) == 0
    return align, arm


@pytest.fixture(scope="module")
def expected(stages) -> np.ndarray:
    return SentenceTransformer(str(stages[1] / "model"), device="cpu").encode_query(TEXTS)


def pooled(tokens: torch.Tensor, mask: torch.Tensor) -> np.ndarray:
    """Mean over the tokens, of unit length, as a model's card tells it."""
    weights = mask.unsqueeze(-1)
    return torch.nn.functional.normalize((tokens * weights).sum(1) / weights.sum(1), dim=1).numpy()


def inputs(model: Path) -> dict[str, torch.Tensor]:
    tokenizer = AutoTokenizer.from_pretrained(model)
    return tokenizer(
        [f"Query: {text}" for text in TEXTS], padding=True, truncation=True, max_length=30, return_tensors="pt"
    )


def test_the_teacher_is_in_the_log_of_the_first_stage_only(stages):
    logs = [json.loads((folder / "checkpoint-6/trainer_state.json").read_text())["log_history"] for folder in stages]
    assert ["teacher_similarity" in entry for entry in logs[0] if "loss" in entry] == [True, True]
    assert not any("teacher_similarity" in entry for entry in logs[1])


def test_plain_transformers_give_the_same_vectors(stages, expected):
    plain = AutoModel.from_pretrained(stages[1] / "model").eval()
    assert type(plain) is DistilBertModel
    batch = inputs(stages[1] / "model")
    with torch.no_grad():
        tokens = plain(**batch).last_hidden_state
    np.testing.assert_allclose(pooled(tokens, batch["attention_mask"]), expected, atol=1e-5)


def test_float16_weights_give_nearly_the_same_vectors(stages, expected, tmp_path):
    assert hf_hybrid(["export", str(stages[1] / "model"), str(tmp_path / "small"), "--dtype", "float16"]) == 0
    model = SentenceTransformer(str(tmp_path / "small"), device="cpu", model_kwargs={"dtype": torch.float32})
    assert (model.encode_query(TEXTS) * expected).sum(1).min() > 0.9999
    sizes = [
        next(folder.glob("model.safetensors")).stat().st_size for folder in (stages[1] / "model", tmp_path / "small")
    ]
    assert sizes[1] < 0.6 * sizes[0]


class LastHidden(torch.nn.Module):
    """The transformer as a function of two tensors, which is what an ONNX graph is made of."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def run_onnx(file: Path, batch: dict[str, torch.Tensor]) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = ("input_ids", "attention_mask")
    [tokens] = session.run(None, {name: batch[name].numpy() for name in names})
    return pooled(torch.from_numpy(tokens), batch["attention_mask"])


@pytest.mark.filterwarnings("ignore")
def test_onnx_gives_the_same_vectors_and_int8_nearly(stages, expected, tmp_path):
    """By torch's exporter: that of sentence-transformers needs a transformers before 5 (benchmarks/mini_measures.py
    uses it).
    """
    pytest.importorskip("onnx", reason="needs the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    batch = inputs(stages[1] / "model")
    plain = LastHidden(AutoModel.from_pretrained(stages[1] / "model")).eval()
    axes = {0: "texts", 1: "tokens"}
    file, rounded = tmp_path / "model.onnx", tmp_path / "int8.onnx"
    torch.onnx.export(
        plain,
        # Another number of texts, of another length, than those that are compared.
        (batch["input_ids"][:2, :9], batch["attention_mask"][:2, :9]),
        str(file),
        input_names=["input_ids", "attention_mask"],
        output_names=["tokens"],
        dynamic_axes={name: axes for name in ("input_ids", "attention_mask", "tokens")},
        dynamo=False,
    )
    np.testing.assert_allclose(run_onnx(file, batch), expected, atol=1e-5)
    quantize_dynamic(str(file), str(rounded), weight_type=QuantType.QInt8)
    similarity = (run_onnx(rounded, batch) * expected).sum(1)
    assert 0.99 < similarity.min() < 1 - 1e-6


def test_the_released_size_fits():
    recipe = yaml.safe_load((RECIPES / "mini_align.yaml").read_text())
    config = DistilBertConfig(
        vocab_size=recipe["vocab_size"],
        dim=recipe["hidden_size"],
        n_layers=recipe["num_hidden_layers"],
        n_heads=recipe["num_attention_heads"],
        hidden_dim=recipe["intermediate_size"],
        max_position_embeddings=recipe["max_seq_length"],
    )
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in DistilBertModel(config).parameters())
    assert parameters == pytest.approx(23.0e6, rel=0.01) and 2 * parameters < 60e6
