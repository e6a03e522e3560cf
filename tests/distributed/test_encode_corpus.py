"""`accelerate launch` with two processes: they share the shards of a corpus, and the files are those of one
process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder, save_encoder

REPOSITORY = Path(__file__).parents[2]
TEXTS = [f"passage {number} {'of many words ' * (number % 7)}" for number in range(230)]


def test_two_processes_give_the_files_of_one(tmp_path, unused_port):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    args = ModelArguments(encoder="transformer", vocab_size=320, **sizes)
    model = save_encoder(build_encoder(args, training_texts=TEXTS), tmp_path / "model")
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("\n".join(json.dumps({"_id": f"p{n}", "text": text}) for n, text in enumerate(TEXTS)))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

    def encode(launcher: list[str], folder: str) -> str:
        command = ["encode", str(model), "--corpus", str(corpus), "--output", folder, "--rows_per_shard", "25"]
        run = [sys.executable, *launcher, "-m", "hf_hybrid.cli.main", *command, "--quiet", "--device", "cpu"]
        done = subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # On a CPU `accelerate launch --cpu` starts one process; `--multi_gpu` starts as many as it is told.
    launcher = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    assert encode([], "one") == "230 vectors of 16 dimensions in 10 files: one\n"
    # The process that finishes last says so; both may, when they finish together.
    assert "230 vectors of 16 dimensions in 10 files: two\n" in encode(
        [*launcher, "--main_process_port", str(unused_port)], "two"
    )
    files = [{path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("one", "two")]
    assert len(files[0]) == 11 and files[0] == files[1]
