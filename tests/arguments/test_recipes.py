"""The packaged recipes, run through the command: those for Hub models on tiny checkpoints of the same
architectures.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from hf_hybrid.arguments.parsing import RECIPES
from hf_hybrid.train import main
from tests.encoders.test_models import checkpoint, labse_like, tokenizer  # noqa: F401  (fixtures)
from tests.test_train import write_splits

# What a test has to change: a CPU has no bf16, the tiny checkpoints hold 32 tokens, and three steps are enough.
ON_A_CPU = (
    "--bf16 false --use_cpu --max_seq_length 30 --max_steps 3 --eval_steps 3 --save_steps 3 --disable_tqdm true"
).split()
SMALL_DATA = "--global_batch_size 20 --max_eval_examples 5 --dataloader_num_workers 0".split()


def train(recipe: str, model: Path, tmp_path: Path) -> Path:
    data, output = write_splits(tmp_path), tmp_path / "run"
    flags = ["--config", recipe, "--model_name_or_path", str(model), "--output_dir", str(output)]
    assert main([*flags, "--dataset_name_or_path", str(data), *ON_A_CPU, *SMALL_DATA]) == 0
    return output


@pytest.mark.parametrize("recipe", ["xlmr_base", "xlmr_large"])
def test_xlmr_recipes_train_and_load_in_plain_transformers(recipe, checkpoint, tmp_path):  # noqa: F811
    output = train(recipe, checkpoint("xlm-roberta"), tmp_path)
    text = "Query: question 3 in de"
    model = SentenceTransformer(str(output / "model"), device="cpu")
    plain = AutoModel.from_pretrained(output / "model").eval()
    batch = AutoTokenizer.from_pretrained(output / "model")([text], return_tensors="pt")
    with torch.no_grad():
        tokens = plain(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    pooled = torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1), dim=-1)
    np.testing.assert_allclose(model.encode_query([text.removeprefix("Query: ")]), pooled.numpy(), atol=1e-6)
    recorded = json.loads((output / "results.json").read_text())["training"]["plan"]
    assert recorded["arm"] == "hybrid" and recorded["source_per_batch"] is True


def test_labse_recipe_keeps_the_checkpoints_modules(labse_like, tmp_path):  # noqa: F811
    output = train("labse", labse_like, tmp_path)
    model = SentenceTransformer(str(output / "model"), device="cpu")
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Dense", "Normalize"]
    assert model.prompts["query"] == "Query: "


@pytest.mark.parametrize("recipe", ["xlmr_base", "xlmr_large", "labse"])
def test_paper_recipes_state_the_papers_values(recipe):
    import yaml

    content = yaml.safe_load((RECIPES / f"{recipe}.yaml").read_text())
    stated = {"arm": "hybrid", "mono_probability": 0.5, "global_batch_size": 100, "language_sampling": "uniform"}
    stated |= {"learning_rate": 3e-5, "weight_decay": 0.01, "query_prompt": "Query: ", "passage_prompt": "Passage: "}
    assert {key: content[key] for key in stated} == stated


ROOT = RECIPES.parents[1]
# Everything in the wheel that people read as settings: recipes, engines, designs of studies.
SETTINGS = sorted(path.relative_to(ROOT).as_posix() for path in RECIPES.parent.rglob("*.yaml"))


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_point_at_nothing_that_is_not_in_the_wheel(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for file in re.findall(r"[\w./-]+\.(?:py|yaml|md|txt)\b", text):
        # A bare name is a neighbour.
        where = ROOT / file if "/" in file else (ROOT / name).parent / file
        assert RECIPES.parent in where.parents or file == "train.py", file
        assert where.is_file() or file == "train.py", file
    assert not re.search(r"\b(?:benchmarks|tests|docs|hub_datasets|model_cards)/", text)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_call_released_only_what_is(name):
    text = " ".join(re.sub(r"^#", " ", (ROOT / name).read_text(encoding="utf-8"), flags=re.M).split())
    for model in re.findall(r"hybrid-xlir-[\w-]+", text):
        assert (ROOT / "model_cards" / model / "model.safetensors").is_file(), model
    for kind in ("static", "mini"):
        if kind in Path(name).stem and not (ROOT / f"model_cards/hybrid-xlir-{kind}/model.safetensors").is_file():
            assert "the released" not in text


def test_settings_name_verbs_that_exist():
    from hf_hybrid.cli.main import make_parser

    verbs = next(action for action in make_parser()._actions if action.choices).choices
    named = {verb for name in SETTINGS for verb in re.findall(r"hf-hybrid ([a-z-]+)", (ROOT / name).read_text())}
    assert {"train", "study", "teacher-vectors"} <= named <= set(verbs)
