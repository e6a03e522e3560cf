"""The training command as a user runs it: one folder per run, a table, a model that loads anywhere, one-line
errors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from sentence_transformers import SentenceTransformer

from hf_hybrid.evaluation.results import Results
from hf_hybrid.train import main
from hf_hybrid.training.checkpoints import last_checkpoint
from hf_hybrid.training.run_folder import comparison_table
from tests.conftest import renditions

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    "--encoder static --vocab_size 400 --embedding_dimension 32 --global_batch_size 24 --max_steps 8 --learning_rate "
    "0.02 --logging_steps 4 --eval_strategy steps --eval_steps 4 --save_steps 4 --load_best_model_at_end "
    "--metric_for_best_model eval_mean_map --use_cpu --disable_tqdm true"
).split()


def write_splits(folder: Path, **rows) -> Path:
    """Write `<split>.jsonl` files; default: 100 training, 20 development and 20 test examples."""
    every = renditions(140)
    parts = {"train": every[:400], "dev": every[400:480], "test": every[480:]} | rows
    for split, part in parts.items():
        lines = (json.dumps(row, ensure_ascii=False) for row in part)
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run and the flags that made it."""
    data = write_splits(tmp_path_factory.mktemp("data"))
    output = tmp_path_factory.mktemp("runs") / "first"
    flags = [*SMALL, "--dataset_name_or_path", str(data)]
    assert main([*flags, "--output_dir", str(output)]) == 0
    return output, flags


def test_run_folder(run):
    output, _ = run
    before, after = Results.load(output / "before.json"), Results.load(output / "results.json")
    assert after.summary["mean_map"] > before.summary["mean_map"]
    assert after.further["training"]["steps"] == 8 and before.further["training"]["steps"] == 0
    plan = after.further["training"]["plan"]
    assert plan["arm"] == "hybrid" and len(plan["data_sha256"]) == 64
    assert after.seed == 42 and after.versions["torch"]
    assert last_checkpoint(output).endswith("checkpoint-8")
    assert not [path for path in output.iterdir() if path.name.startswith(".")]


def test_model_loads_with_sentence_transformers_alone(run):
    model = SentenceTransformer(str(run[0] / "model"))
    assert model.prompts["query"] == "Query: "
    vectors = model.encode_query(["question 3 in de", "question 3 in th"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert all(path.suffix != ".bin" for path in (run[0] / "model").rglob("*"))


def test_arguments_repeat_the_run(run, tmp_path):
    output, _ = run
    recipe = yaml.safe_load((output / "arguments.yaml").read_text())
    assert recipe["global_batch_size"] == 24 and "output_dir" not in recipe
    assert (
        main(["--config", str(output / "arguments.yaml"), "--output_dir", str(tmp_path / "again"), "--use_cpu"]) == 0
    )
    first, again = (
        SentenceTransformer(str(folder / "model"))[0].embedding.weight for folder in (output, tmp_path / "again")
    )
    assert first.equal(again)


def test_table(capsys):
    table = comparison_table({"before": {"mo_map": 0.25, "rank_distance": 2587.6}, "after": {"mo_map": 0.5}})
    assert table.splitlines()[1].split()[-2:] == ["0.250", "0.500"]
    assert table.splitlines()[2].split()[-2:] == ["2587.6", "-"]


def fails(capsys, *argv: str) -> str:
    """The one line that a failing run prints."""
    assert main(list(argv)) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-1].startswith("hf-hybrid: error: ") and "Traceback" not in "\n".join(error)
    return error[-1]


def test_a_used_folder_is_refused_and_kept(run, capsys):
    output, flags = run
    before = sorted((path, path.stat().st_mtime_ns) for path in output.rglob("*"))
    assert "is in use; continue its run with --resume" in fails(capsys, *flags, "--output_dir", str(output))
    assert "is finished; its model is in" in fails(capsys, *flags, "--output_dir", str(output), "--resume")
    assert sorted((path, path.stat().st_mtime_ns) for path in output.rglob("*")) == before


def test_nothing_to_resume(run, capsys, tmp_path):
    assert "there is no run in" in fails(capsys, *run[1], "--output_dir", str(tmp_path / "none"), "--resume")


def test_interrupted_run_resumes_to_the_same_model(run, tmp_path):
    """The run is cut off after its first checkpoint; what is left resumes to the weights of the straight run."""
    output, flags = run
    cut = tmp_path / "cut"
    code = (
        "import sys\n"
        "from hf_hybrid.training.trainer import HybridTrainer\n"
        "from hf_hybrid.train import main\n"
        "import os\n"
        "compute = HybridTrainer.compute_loss\n"
        "def loss(self, *args, **kwargs):\n"
        "    if self.state.global_step == 6: os.kill(os.getpid(), 9)\n"
        "    return compute(self, *args, **kwargs)\n"
        "HybridTrainer.compute_loss = loss\n"
        "main(sys.argv[1:])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(
        [sys.executable, "-c", code, *flags, "--output_dir", str(cut)], env=environment, capture_output=True
    )
    assert killed.returncode == -9 and not (cut / "model").exists() and (cut / "checkpoint-4").is_dir()
    assert main([*flags, "--output_dir", str(cut), "--resume"]) == 0
    straight, resumed = (SentenceTransformer(str(f / "model"))[0].embedding.weight for f in (output, cut))
    assert straight.equal(resumed)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--languages", "en", "fr"], "no rendition in language 'fr'; it has ar, de, en, th"),
        (["--global_batch_size", "101"], "language 'ar' has 100 examples, fewer than the global batch of 101"),
        (["--languages", "en", "--arm", "x-y"], "arm 'x-y' needs examples in two languages"),
        (["--train_split", "trian"], "no file for split 'trian'"),
        (["--mono_probability", "2"], "mono_probability: must lie in [0, 1], got 2.0"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(run, capsys, tmp_path, extra, message):
    assert message in fails(capsys, *run[1], "--output_dir", str(tmp_path / "out"), *extra)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lang": "klingon"}, "row 1: unknown language tag 'klingon'"),
        ({"passage": "  "}, "row 1 (id 'e0', lang 'de'): empty passage"),
        ({"lang": "ar"}, "row 1 (id 'e0', lang 'ar'): duplicate (id, lang), first in row 0"),
    ],
)
def test_bad_rows_are_named(run, capsys, tmp_path, change, message):
    rows = renditions(30)
    rows[1] = {**rows[1], **change}
    data = write_splits(tmp_path, train=rows)
    assert message in fails(capsys, *SMALL, "--dataset_name_or_path", str(data), "--output_dir", str(tmp_path / "out"))


def test_default_folders_are_numbered(run, tmp_path, monkeypatch):
    from hf_hybrid.training.run_folder import _free_folder

    monkeypatch.chdir(tmp_path)
    for expected in ("outputs/hybrid", "outputs/hybrid-2", "outputs/hybrid-3"):
        folder = _free_folder(Path("outputs") / "hybrid")
        assert folder == Path(expected)
        folder.mkdir(parents=True)
