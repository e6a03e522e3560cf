"""The metric through `evaluate`: configurations, batches, processes, and its card's examples."""

from __future__ import annotations

import doctest
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import hf_hybrid
from hf_hybrid.errors import InputError
from hf_hybrid.metric.columns import COLUMNS
from hf_hybrid.metric.output import compute_metric
from tests.metric.runs import embedding_run, rank_run, top_k_run

evaluate = pytest.importorskip("evaluate")

SPACE = Path(__file__).resolve().parents[2] / "spaces" / "hybrid_xlir_map"
LOAD = evaluate.load
EMBEDDINGS = embedding_run()
RUNS = {"ranks": rank_run(*EMBEDDINGS), "top_k": top_k_run(*EMBEDDINGS, 20), "embeddings": EMBEDDINGS}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """`evaluate.load` of the metric with files of its own."""
    # The module is imported from a copy in the cache; its place was fixed when `evaluate` was imported.
    monkeypatch.setattr(evaluate.config, "HF_MODULES_CACHE", tmp_path / "modules")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    for name in [name for name in sys.modules if name.startswith("evaluate_modules")]:
        monkeypatch.delitem(sys.modules, name)

    def load(config: str | None = None, **keywords):
        return LOAD(hf_hybrid.metric_path(), config, cache_dir=str(tmp_path / "metrics"), **keywords)

    return load


@pytest.mark.parametrize("config", sorted(RUNS))
def test_batches_give_what_the_library_gives(load, config):
    columns, keywords = RUNS[config]
    metric = load(config)
    assert set(metric.features) == set(COLUMNS[config]) == set(columns)
    total = len(columns["query_id"])
    for start, stop in ((0, 1), (1, 20), (20, total)):
        metric.add_batch(**{name: values[start:stop] for name, values in columns.items()})
    result = metric.compute(**keywords)
    assert result == compute_metric(config, columns, keywords)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_ranks_are_the_default_and_rows_may_come_one_by_one(load):
    columns, keywords = RUNS["ranks"]
    metric = load()
    for row in range(len(columns["query_id"])):
        metric.add(**{name: values[row] for name, values in columns.items()})
    assert metric.compute(**keywords) == compute_metric("ranks", columns, keywords)
    assert metric.compute(**columns, **keywords) == compute_metric("ranks", columns, keywords)


def test_arrays_and_tensors(load):
    torch = pytest.importorskip("torch")
    columns, keywords = EMBEDDINGS
    metric = load("embeddings", keep_in_memory=True)
    vectors = np.array(columns["embedding"], dtype=np.float32)
    result = metric.compute(**{**columns, "embedding": vectors}, **keywords)
    tensors = {**columns, "embedding": torch.tensor(vectors)}
    assert metric.compute(**tensors, **keywords) == result == compute_metric("embeddings", columns, keywords)


def test_mistakes_pass_through_evaluate(load):
    columns, keywords = RUNS["top_k"]
    with pytest.raises(
        InputError, match="^configuration 'runs' is not known: choose one of ranks, top_k, embeddings$"
    ):
        load("runs")
    metric = load("top_k")
    with pytest.raises(InputError, match="^column 'scores' is missing: configuration 'top_k' takes"):
        metric.compute(**{name: columns[name] for name in columns if name != "scores"}, **keywords)
    with pytest.raises(InputError, match="column 'candidate_ids', row 0: expected a list of strings"):
        metric.add_batch(query_id=["q"], query_language=["de"], candidate_ids=["a"], scores=[[1.0]])
    with pytest.raises(InputError, match="column 'scores' has 2 rows, 'query_id' 1"):
        metric.add_batch(query_id=["q"], query_language=["de"], candidate_ids=[["a"]], scores=[[1.0], [1.0]])
    with pytest.raises(InputError, match="keyword 'relevance' is missing"):
        metric.compute(**columns, candidate_languages=keywords["candidate_languages"])
    spoiled = [list(row) for row in columns["scores"]]
    spoiled[3][2] = float("nan")
    with pytest.raises(
        InputError, match="^query 'q3-de': the score of candidate 'a?c?[^']*' is nan: scores must be finite$"
    ):
        metric.compute(**{**columns, "scores": spoiled}, **keywords)
    # After all that the metric still works.
    assert metric.compute(**columns, **keywords) == compute_metric("top_k", columns, keywords)


PROCESS = """
import json, os, sys, time
sys.path.insert(0, {root!r})
import evaluate, hf_hybrid
from tests.metric.runs import embedding_run, rank_run
columns, keywords = rank_run(*embedding_run())
shards = [(0, 25), (25, 26), (26, 36)]
sys.stdin.readline()
# Forked after the imports: three processes for the price of one.
children = []
for rank in (2, 1):
    child = os.fork()
    if child == 0:
        break
    children.append(child)
else:
    rank = 0
time.sleep([0, 0, 1.5][rank])
metric = evaluate.load(hf_hybrid.metric_path(), num_process=3, process_id=rank, experiment_id="shards", cache_dir={cache!r})
start, stop = shards[rank]
for middle in range(start, stop, 10):
    metric.add_batch(**{{name: values[middle:min(middle + 10, stop)] for name, values in columns.items()}})
result = metric.compute(**keywords)
if rank == 0:
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] + [result]))
else:
    os._exit(0 if result is None else 1)
"""


def test_uneven_shards_of_several_processes(tmp_path):
    root = str(Path(__file__).resolve().parents[2])
    code = PROCESS.format(root=root, cache=str(tmp_path / "metrics"))
    done = subprocess.run(
        [sys.executable, "-c", code], input="\n", capture_output=True, text=True, timeout=200, cwd=tmp_path, check=True
    )
    second, third, result = json.loads(done.stdout)
    columns, keywords = RUNS["ranks"]
    assert (second, third) == (0, 0)
    assert result == compute_metric("ranks", columns, keywords)


def front_matter() -> dict:
    return yaml.safe_load((SPACE / "README.md").read_text().split("---")[1])


def card() -> str:
    return (SPACE / "README.md").read_text().split("---", 2)[2]


def test_the_cards_examples_run(load, monkeypatch):
    monkeypatch.setattr(evaluate, "load", lambda name, *rest: load(*rest), raising=True)
    names: dict[str, object] = {}
    executed = 0
    blocks = re.findall(r"```python\n(.*?)```", card(), flags=re.DOTALL)
    # Several processes have a test of their own.
    for block in [block for block in blocks if "num_process" not in block]:
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, "card", "README.md", 0)
            outcome = doctest.DocTestRunner().run(test, clear_globs=False)
            assert outcome.failed == 0
            names.update(test.globs)
            executed += outcome.attempted
        else:
            exec(block, names)
    assert executed == 7


def test_the_card_documents_every_column_keyword_and_figure(load):
    import inspect

    from hf_hybrid.metric import embedding_rows, rank_rows, top_k_rows

    text = card()
    functions = {
        "ranks": rank_rows.evaluate_rank_rows,
        "top_k": top_k_rows.evaluate_top_k_rows,
        "embeddings": embedding_rows.evaluate_embedding_rows,
    }
    inputs = load().inputs_description
    for config, function in functions.items():
        for parameter in inspect.signature(function).parameters:
            assert f"`{parameter}`" in text and parameter in inputs, (config, parameter)
    result = compute_metric("embeddings", *EMBEDDINGS)
    documented = text.replace("<k>", "10")
    for figure in result:
        setting, _, measure = figure.partition("_")
        named = f"`{measure}`" if setting in ("mo", "cr", "mul") and measure != "map" else f"`{figure}`"
        assert named in documented, figure


def test_the_card_has_what_the_hub_and_evaluate_ask_for():
    facts = front_matter()
    assert facts["sdk"] == "gradio" and facts["app_file"] == "app.py" and (SPACE / facts["app_file"]).is_file()
    assert facts["tags"] == ["evaluate", "metric"] and facts["license"] == "apache-2.0"
    assert len(facts["short_description"]) <= 60 and facts["title"] and facts["emoji"]
    assert {facts["colorFrom"], facts["colorTo"]} <= {
        "red",
        "yellow",
        "green",
        "blue",
        "indigo",
        "purple",
        "pink",
        "gray",
    }
    for heading in ("Description", "How to use", "Limitations and bias", "Citation", "Further references"):
        assert f"\n## {heading}\n" in card()
    for heading in ("Inputs", "Output values", "Values from papers"):
        assert f"\n### {heading}\n" in card()
    assert (SPACE / "requirements.txt").read_text() == "hf_hybrid[metric]>=0.1\n"


def test_evaluate_can_read_the_module():
    from evaluate.loading import get_imports

    source = SPACE / "hybrid_xlir_map.py"
    assert {name for _, name, _, _ in get_imports(str(source))} == {"datasets", "evaluate", "hf_hybrid"}
    assert not re.search(r"^from evaluate", source.read_text(), flags=re.MULTILINE)
