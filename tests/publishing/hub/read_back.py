"""What users' libraries read from the Hub, each in the way that their documentation shows; one JSON object on stdout.

Run by path in a process of its own. The argument is a JSON object: names of repositories, the commit of the first
model, and the folder of the second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TEXTS = ["where is the lake", "wo ist der see"]


def read_dataset(name: str) -> dict[str, object]:
    from datasets import load_dataset

    test = load_dataset(name, split="test")
    streamed = next(iter(load_dataset(name, split="dev", streaming=True)))
    return {"rows": test.num_rows, "columns": test.column_names, "streamed": sorted(streamed)}


def read_model(name: str, first_commit: str, folder: str) -> dict[str, object]:
    """Vectors from the Hub and from the folder that was pushed, in both libraries; the first commit's are others."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel, AutoTokenizer

    def mean(model: AutoModel, tokenizer: AutoTokenizer) -> torch.Tensor:
        tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
        mask = tokens["attention_mask"].unsqueeze(-1)
        with torch.no_grad():
            return (model(**tokens).last_hidden_state * mask).sum(1) / mask.sum(1)

    local = SentenceTransformer(folder).encode(TEXTS, convert_to_tensor=True)
    remote = SentenceTransformer(name).encode(TEXTS, convert_to_tensor=True)
    plain = mean(AutoModel.from_pretrained(name), AutoTokenizer.from_pretrained(name))
    first = mean(
        AutoModel.from_pretrained(name, revision=first_commit),
        AutoTokenizer.from_pretrained(name, revision=first_commit),
    )
    return {
        "remote": float((remote - local).abs().max()),
        "plain": float((plain - local).abs().max()),
        "first": float((first - local).abs().max()),
        "shape": list(local.shape),
    }


def read_metric(name: str) -> dict[str, object]:
    import evaluate

    metric = evaluate.load(name)
    answer = metric.compute(
        query_id=["q1-de", "q1-en"],
        query_language=["de", "en"],
        candidate_languages=[["de", "en"], ["de", "en"]],
        pool_ranks=[[1, 4], [3, 1]],
        language_ranks=[[1, 2], [2, 1]],
        pool_sizes={"de": 5, "en": 5},
    )
    source = Path(sys.modules[type(metric).__module__].__file__).read_text()
    return {"mul_map": answer["mul_map"], "source": source}


def read_snapshot(name: str, commit: str) -> dict[str, object]:
    from huggingface_hub import snapshot_download

    folder = Path(snapshot_download(name, revision=commit))
    return {"folder": folder.name, "files": sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*"))}


if __name__ == "__main__":
    wish = json.loads(sys.argv[1])
    answers = {
        "snapshot": read_snapshot(wish["model"], wish["first_commit"]),
        "dataset": read_dataset(wish["dataset"]),
        "metric": read_metric(wish["space"]),
        "model": read_model(wish["model"], wish["first_commit"], wish["folder"]),
    }
    sys.stdout.write(json.dumps(answers))
