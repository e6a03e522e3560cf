"""A small project whose cards are in order, to be broken in one place by each test."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DATASET = """\
---
pretty_name: Toy
license: cc0-1.0
language: [de, th]
task_categories:
  - text-retrieval
size_categories: [n<1K]
source_datasets: [original]
configs:
  - config_name: pool
    default: true
    data_files:
      - split: test
        path: data/*.parquet
  - config_name: de
    data_files:
      - split: test
        path: data/de.parquet
  - config_name: th
    data_files:
      - split: test
        path: data/th.parquet
dataset_info:
  - config_name: pool
    splits:
      - name: test
        num_examples: 5
        num_bytes: 75
---

# Toy

Questions about toys. See [Limits](#limits) and [the text](TEXT.md).

## Use

```python
path = "data"  # [no link](nowhere.md), no heading:
# Not a title
```

## Columns

| config | rows |
| --- | ---: |
| `pool` | 5 |
| `de` | 3 |

SHA256  data/de.parquet

## How it was made

By hand.

## Limits

Small.

## Licence

CC0.
"""
MODEL = """\
---
license: apache-2.0
language:
  - de
  - zh-Hant
library_name: sentence-transformers
pipeline_tag: sentence-similarity
base_model: FacebookAI/xlm-roberta-base
datasets: [me/toy]
model-index:
  - name: tiny
    results:
      - task: {type: text-retrieval}
        dataset: {type: toy, name: Toy}
        metrics:
          - type: map
            value: 0.652
            args: {results: results.json#/summary/mo_map}
---

# tiny

## Use

Take `similarity = 0.9` for the same, batches of 100.

```python
model = "tiny"
```

## What it is for

Toys.

## Languages

German and Chinese.

## Training

Learning rate 0.003, 40 % of the batches.

## Evaluation

Mo is [.652](results.json#/summary/mo_map), that is [65.2 %](results.json#/summary/mo_map), with `k` 10 and 11 languages; a gain
of [2.1 points](results.json#/gain*100). Trained on [toy](https://huggingface.co/datasets/me/toy).

<!-- figures: {results,other}.json#/summary/{mo_map,distance} results.json#/interval -->

| model 3.5 | Mo at 10 | distance |
| --- | ---: | ---: |
| tiny 0.1 | **.652** | 5,046.9 |
| other | .600 | 6,700 |

The interval is [.640, .664].

<!-- end: figures -->

## Limits

Few.

## Licence

Apache-2.0.

## Citation

None.
"""
SPACE = """\
---
title: Search
emoji: 🌐
colorFrom: blue
colorTo: indigo
sdk: gradio
sdk_version: 6.31.0
python_version: "3.11"
app_file: app.py
license: apache-2.0
short_description: Searches toys
models: [me/tiny]
datasets: [me/toy]
---

# Search

## Use

Ask.

## Limits

Few toys.
"""
APP = 'MODEL = "me/tiny"\nDATA = "me/toy"\nTYPE = "text/html"\n'
RESULTS = {
    "summary": {"mo_map": 0.65243, "distance": 5046.93},
    "gain": 0.0211,
    "interval": {"low": 0.64, "high": 0.6635, "of": "mo"},
}
OTHER = {"summary": {"mo_map": 0.5998, "distance": 6700.2}}


def write_rows(path: Path, lang: str, rows: int, **columns: object) -> Path:
    """A Parquet file of questions in a language."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = {"id": [f"{lang}{i}" for i in range(rows)], "lang": [lang] * rows, "text": ["?"] * rows}
    pq.write_table(pa.table(table | {name: [value] * rows for name, value in columns.items()}), path)
    return path


def write_project(root: Path) -> Path:
    """A data set, a model and a Space that name each other."""
    toy, tiny, search = root / "hub_datasets" / "toy", root / "model_cards" / "tiny", root / "spaces" / "search"
    for folder in (toy, tiny, search):
        folder.mkdir(parents=True)
    german = write_rows(toy / "data" / "de.parquet", "de", 3)
    write_rows(toy / "data" / "th.parquet", "th", 2)
    (toy / "TEXT.md").write_text("Text.")
    (toy / "README.md").write_text(
        DATASET.replace("SHA256", hashlib.sha256(german.read_bytes()).hexdigest()), encoding="utf-8"
    )
    (tiny / "README.md").write_text(MODEL, encoding="utf-8")
    (tiny / "results.json").write_text(json.dumps(RESULTS))
    (tiny / "other.json").write_text(json.dumps(OTHER))
    (search / "README.md").write_text(SPACE, encoding="utf-8")
    (search / "app.py").write_text(APP)
    (search / "requirements.txt").write_text("# the application\ngradio>=6.31,<7\nnumpy\n")
    (root / "constraints.txt").write_text("# versions\ngradio==6.31.0\nnumpy==2.4.6\n")
    return root
