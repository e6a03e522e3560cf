"""xquad_r and mlqa_r: what build.py makes is the benchmark of the JSON files, whole, reproducible and fit for the
viewer.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import Benchmark, load_benchmark
from hf_hybrid.benchmarks.hub_layout import SCHEMAS, TABLES, benchmark_of_tables
from hf_hybrid.benchmarks.mlqa_r import SOURCE as MLQA_R
from hf_hybrid.benchmarks.xquad_r import SOURCE as XQUAD_R
from hf_hybrid.cli.main import main
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.publishing.lint import lint_cards, lint_folder
from tests.lareqa_files import write_parallel, write_uneven

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "hub_datasets" / "xquad_r"))
from lareqa_build import build_command

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HF_HYBRID_SHARED_DATA", ROOT.parent / "shared" / "data"))
SOURCES = {source.name: source for source in (XQUAD_R, MLQA_R)}
WRITERS = {"xquad_r": write_parallel, "mlqa_r": write_uneven}
REAL = {name: SHARED / "lareqa" / source.folder for name, source in SOURCES.items()}


def build(name: str, source: Path, output: Path, *flags: str) -> int:
    """Run the data set's build.py in this process; its exit status."""
    folder = ROOT / "hub_datasets" / name
    origin = runpy.run_path(str(folder / "build.py"))["ORIGIN"]
    return build_command(SOURCES[name], folder, origin, ["--source", str(source), "--output", str(output), *flags])


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def configs(folder: Path) -> dict[str, dict]:
    front = (folder / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    return {config["config_name"]: config for config in yaml.safe_load(front)["configs"]}


def vectors(texts, size: int = 24) -> torch.Tensor:
    """Vectors that depend on the text alone: sums of random vectors of its first trigrams."""
    seeds = np.random.default_rng(0).standard_normal((4096, size), dtype=np.float32)
    rows = [[hash_of(text[i : i + 3]) % 4096 for i in range(min(len(text), 80))] for text in texts]
    return torch.from_numpy(np.stack([seeds[row].sum(axis=0) for row in rows]))


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode("utf-8"), "little") * 2654435761 >> 7


def loaded(folder: Path, config: str, cache: Path, streaming: bool = False):
    from datasets import load_dataset

    return load_dataset(str(folder), config, split="test", cache_dir=str(cache), streaming=streaming)


def through_load_dataset(name: str, folder: Path, cache: Path) -> Benchmark:
    tables = {table: loaded(folder, f"pool-{table}", cache).data.table for table in TABLES}
    return benchmark_of_tables(name, sorted(SOURCES[name].languages), tables)


@pytest.fixture(scope="module", params=sorted(SOURCES))
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def source(name, tmp_path_factory) -> Path:
    return WRITERS[name](tmp_path_factory.mktemp(f"{name}_source"), SOURCES[name].languages)


@pytest.fixture(scope="module")
def output(name, source, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp(name) / "built"
    command = [sys.executable, f"hub_datasets/{name}/build.py", "--source", str(source), "--output", str(folder)]
    subprocess.run([*command, "--other_counts"], cwd=ROOT, check=True)
    return folder


@pytest.mark.parametrize("candidate_text", ["sentence", "sentence_in_context"])
def test_the_built_folder_is_the_benchmark_of_the_json(name, source, output, candidate_text):
    direct, built = (load_benchmark(name, data_dir=data, candidate_text=candidate_text) for data in (source, output))
    assert built.data_sha256 == direct.data_sha256
    assert built.query_examples.tolist() == direct.query_examples.tolist()
    assert built.settings == direct.settings and built.name == direct.name == name


def test_some_languages_only(name, source, output):
    chosen = ["en", "ar", "vi"]
    direct, built = (load_benchmark(name, data_dir=data, languages=chosen) for data in (source, output))
    assert built.data_sha256 == direct.data_sha256 and built.languages == ("ar", "en", "vi")
    assert load_benchmark(name, data_dir=output, languages=["de"]).languages == ("de",)


def test_evaluate_gives_the_same_results_file(name, source, output, tmp_path, capsys):
    from hf_hybrid.encoders.models import build_encoder, save_encoder

    args = ModelArguments(encoder="static", vocab_size=300, embedding_dimension=16)
    texts = [f"One number {i} written in {tag}." for i in range(20) for tag in XQUAD_R.languages]
    model = save_encoder(build_encoder(args, training_texts=texts), tmp_path / "model")
    results = []
    for data in (source, output):
        file = tmp_path / data.name / "results.json"
        flags = ["--benchmark", name, "--data_dir", str(data), "--output", str(file), "--quiet"]
        assert main(["evaluate", str(model), *flags]) == 0
        results.append(json.loads(file.read_text()))
    capsys.readouterr()
    assert {*results[0]["summary"]} >= {"mo_map", "cr_map", "mul_map", "rank_distance"}
    times = {"created", "seconds"}
    assert {key for key in results[0] if results[0][key] != results[1][key]} <= times < results[0].keys()


def test_every_config_loads_and_languages_share_their_features(name, output, tmp_path):
    features = {table: set() for table in TABLES}
    rows = {}
    for config in configs(output):
        whole, stream = loaded(output, config, tmp_path), loaded(output, config, tmp_path, streaming=True)
        assert list(stream) == whole.to_list(), config
        assert stream.features == whole.features
        features[config.rpartition("-")[2]].add(str(whole.features))
        rows[config] = whole.num_rows
    assert all(len(found) == 1 for found in features.values())
    for table in ("queries", "corpus"):
        assert rows[f"pool-{table}"] == sum(rows[f"{tag}-{table}"] for tag in SOURCES[name].languages) > 0


def test_one_config_is_the_default(output, tmp_path):
    from datasets import load_dataset

    assert [config for config, entry in configs(output).items() if entry.get("default")] == ["pool-queries"]
    default = load_dataset(str(output), cache_dir=str(tmp_path))
    assert default["test"].to_list() == loaded(output, "pool-queries", tmp_path).to_list()


def test_load_dataset_gives_the_benchmark_of_the_json(name, source, output, tmp_path):
    assert (
        through_load_dataset(name, output, tmp_path).data_sha256 == load_benchmark(name, data_dir=source).data_sha256
    )


def test_ids_keep_paragraph_article_and_cluster(name, output):
    for tag in SOURCES[name].languages:
        corpus, queries = (pq.read_table(output / t / f"{tag}.parquet").to_pylist() for t in ("corpus", "queries"))
        of_paragraph = {row["paragraph"]: row for row in corpus}
        for row in corpus:
            assert row["id"].startswith(f"{row['paragraph']}:") and row["paragraph"].startswith(f"{tag}:")
            assert row["context"][row["start"] : row["end"]] == row["text"]
        for row in queries:
            place = of_paragraph[row["paragraph"]]
            assert (row["article"], row["article_title"]) == (place["article"], place["article_title"])
            assert place["context"][row["answer_start"] :].startswith(row["answer"]) and row["answer"]
            assert row["id"] == f"{tag}:{row['example']}"
    benchmark = load_benchmark(name, data_dir=output)
    stored = [
        row["cluster"]
        for tag in benchmark.languages
        for row in pq.read_table(output / "queries" / f"{tag}.parquet").to_pylist()
    ]
    assert stored == benchmark.clusters.tolist() and len(set(stored)) > 1


def test_files_have_the_declared_types_and_small_row_groups(output):
    for path in output.rglob("*.parquet"):
        file = pq.ParquetFile(path)
        assert file.schema_arrow.equals(SCHEMAS[path.parent.name])
        assert all(column.null_count == 0 for column in file.read().columns)
        for group in range(file.num_row_groups):
            assert file.metadata.row_group(group).total_byte_size < 100e6
            assert file.metadata.row_group(group).column(0).has_offset_index


def test_the_same_source_gives_the_same_bytes(name, source, output, tmp_path):
    assert build(name, source, tmp_path / "again", "--other_counts") == 0
    assert contents(tmp_path / "again") == contents(output)


def test_provenance_names_every_file(name, source, output):
    provenance = json.loads((output / "provenance.json").read_text())
    files = contents(output)
    assert {path: entry["sha256"] for path, entry in provenance["files"].items()} == {
        path: digest for path, digest in files.items() if path.endswith(".parquet")
    }
    assert {path: entry["sha256"] for path, entry in provenance["source_files"].items()} == contents(source)
    assert provenance["published_counts"] is False
    card = (output / "README.md").read_text(encoding="utf-8")
    assert all(
        entry["sha256"] in card for entry in (*provenance["files"].values(), *provenance["source_files"].values())
    )
    assert "not the published numbers" in card and re.search(r"^size_categories: \[(n<1K|1K<n<10K)\]$", card, re.M)


def test_the_built_folder_may_be_published(output):
    assert lint_folder(output, "dataset") == []
    pytest.importorskip("mlcroissant", reason="needs the extra `croissant`")
    assert lint_cards([output], load=False, croissant=True)[1] == []


def test_a_licence_beside_the_files_travels_with_them(name, source, tmp_path):
    (tmp_path / "source").mkdir()
    for file in source.iterdir():
        (tmp_path / "source" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "source" / "LICENSE").write_text("terms")
    assert build(name, tmp_path / "source", tmp_path / "out", "--other_counts") == 0
    assert (tmp_path / "out" / "LICENSE").read_text() == "terms"
    assert "LICENSE" in json.loads((tmp_path / "out" / "provenance.json").read_text())["source_files"]


def test_other_counts_than_the_published_are_refused(name, source, tmp_path, capsys):
    assert build(name, source, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "instead of" in error and "--other_counts" in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_replaced_unasked(name, source, tmp_path, capsys):
    out = tmp_path / "out"
    flags = ("--other_counts",)
    assert build(name, source, out, *flags) == 0
    before = contents(out)
    assert build(name, source, out, *flags) == 2
    assert "already in use" in capsys.readouterr().err
    assert build(name, source, out, *flags, "--overwrite") == 0
    assert contents(out) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert build(name, source, tmp_path / "mine", *flags, "--overwrite") == 2
    assert "not replaced" in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_failed_build_leaves_nothing(name, source, tmp_path, capsys):
    (tmp_path / "source").mkdir()
    for file in source.iterdir():
        (tmp_path / "source" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "source" / "zh.json").write_text("{")
    assert build(name, tmp_path / "source", tmp_path / "out", "--other_counts") == 2
    assert "zh.json is not valid JSON" in capsys.readouterr().err
    (tmp_path / "source" / "zh.json").unlink()
    assert build(name, tmp_path / "source", tmp_path / "out", "--other_counts") == 2
    assert "lacks zh.json" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    assert build(name, Path("no-such"), tmp_path / "out") == 2
    assert "--source no-such is not a folder" in capsys.readouterr().err


def test_a_folder_built_anew_is_not_served_from_the_cache(tmp_path):
    cache, out = tmp_path / "cache", tmp_path / "out"
    texts = []
    for number in (4, 6):
        (tmp_path / str(number)).mkdir()
        data = write_parallel(tmp_path / str(number), XQUAD_R.languages, paragraphs=number)
        assert build("xquad_r", data, out, "--other_counts", "--overwrite") == 0
        texts.append(loaded(out, "en-corpus", cache)["text"])
    assert (len(texts[0]), len(texts[1])) == (12, 18)


def test_damaged_folders_are_one_line(output, name, tmp_path):
    for path in output.rglob("*.parquet"):
        copy = tmp_path / path.relative_to(output)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    queries = tmp_path / "queries" / "en.parquet"
    pq.write_table(pq.read_table(queries).drop_columns(["example"]), queries)
    with pytest.raises(InputError, match="has no column 'example'"):
        load_benchmark(name, data_dir=tmp_path)
    queries.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"cannot read .*en.parquet"):
        load_benchmark(name, data_dir=tmp_path)
    pq.write_table(pq.read_table(output / "queries" / "en.parquet").slice(1), queries)
    with pytest.raises(InputError, match="of which one is missing"):
        load_benchmark(name, data_dir=tmp_path)
    queries.unlink()
    with pytest.raises(InputError, match=r"cannot read .*en.parquet"):
        load_benchmark(name, data_dir=tmp_path)


def test_mteb_finds_the_tables(name, output, tmp_path, monkeypatch):
    pytest.importorskip("mteb", reason="needs the extra `mteb`")
    import datasets
    from mteb.abstasks.retrieval_dataset_loaders import RetrievalDatasetLoader

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path))
    benchmark = load_benchmark(name, data_dir=output)
    pool = RetrievalDatasetLoader(str(output), revision=None, config="pool").load()
    assert pool["corpus"]["id"] == list(benchmark.candidate_ids)
    assert sum(map(len, pool["relevant_docs"].values())) == len(benchmark.relevance_candidates)
    hindi = RetrievalDatasetLoader(str(output), revision=None, config="hi").load()
    assert (
        set(hindi["queries"]["id"])
        == set(hindi["relevant_docs"])
        == {identifier for identifier in benchmark.query_ids if identifier.startswith("hi:")}
    )
    assert "title" not in hindi["corpus"].column_names


@pytest.mark.parametrize("name", sorted(SOURCES), scope="function")
def test_the_card_in_the_repository_has_the_published_counts(name):
    card = (ROOT / "hub_datasets" / name / "README.md").read_text(encoding="utf-8")
    for tag, (queries, candidates) in SOURCES[name].published.items():
        assert re.search(rf"\| `{tag}` \|.* {queries:,} \| {candidates:,} \|", card), tag
    assert set(configs(ROOT / "hub_datasets" / name)) == {
        f"{scope}-{table}" for scope in ("pool", *SOURCES[name].languages) for table in TABLES
    }


@pytest.mark.parametrize("name", sorted(SOURCES), scope="function")
def test_the_real_data(name, tmp_path, caplog):
    if not REAL[name].is_dir():
        pytest.skip(f"{SOURCES[name].title} is not here (set HF_HYBRID_SHARED_DATA)")
    assert build(name, REAL[name], tmp_path / "out") == 0
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []
    direct, built = (load_benchmark(name, data_dir=data) for data in (REAL[name], tmp_path / "out"))
    through_datasets = through_load_dataset(name, tmp_path / "out", tmp_path / "cache")
    assert direct.data_sha256 == built.data_sha256 == through_datasets.data_sha256
    figures = [
        evaluate_embeddings(vectors(benchmark.queries), vectors(benchmark.candidates), benchmark).summary()
        for benchmark in (direct, through_datasets)
    ]
    assert figures[0] == figures[1] and figures[0]["mul_map"] > 0
    recorded = ROOT / "hub_datasets" / name / "README.md"
    if f"PyArrow {pa.__version__}:" in recorded.read_text(encoding="utf-8"):
        assert (tmp_path / "out" / "README.md").read_text(encoding="utf-8") == recorded.read_text(encoding="utf-8")
