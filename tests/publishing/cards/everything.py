"""Every file that a card can be made of, in a model's folder, with round numbers."""

from __future__ import annotations

from pathlib import Path

from hf_hybrid.evaluation.arms import ArmsOptions, build_arms
from hf_hybrid.evaluation.comparison import compare_results
from hf_hybrid.output_files import write_json
from tests.minimal_results import results, write
from tests.results_files import write_system

VARIANTS = {
    "variants_version": 1,
    "benchmark": "xquad_r",
    "variants": [
        {
            "name": name,
            "dimension": dimension,
            "precision": precision,
            "megabytes": 12.34,
            "vector_bytes": size,
            "mo_map": 0.5,
            "cr_map": 0.25,
            "mul_map": 0.125,
        }
        for name, dimension, precision, size in (
            ("full", 16, "float32", 64),
            ("half", 8, "float32", 32),
            ("int8", 16, "int8", 16),
        )
    ],
}
SPEED = {
    "speed_version": 1,
    "hardware": {"processor": "any, 2 GHz", "threads": 2},
    "command": "python speed.py",
    "rows": [
        {"what": "questions", "texts": 1000, "batch_size": 32, "texts_per_second": 8000.4, "milliseconds": 0.126},
        {"what": "passages", "texts": 1000, "batch_size": 32, "texts_per_second": 900.0, "milliseconds": None},
    ],
}
TRAINING = {
    "training_version": 1,
    "commit": "0123456789" * 4,
    "command": "hf-hybrid train --config training.yaml",
    "seed": 42,
    "data_sha256": {"qa/train.parquet": "cd" * 32},
    "seconds": 1234.56,
    "hardware": {"machine": "x86_64", "cpus": 2, "accelerator": None},
    "versions": {"torch": "2.13.0"},
    "stages": [
        {"name": "base", "arm": "x-y", "batches": 2500, "batch_size": 1024, "seconds": 900.0},
        {"name": "released", "arm": "hybrid", "batches": 600, "batch_size": 1024, "seconds": 334.56},
    ],
    "teacher": {"model": "a-teacher", "language": "en", "weights_sha256": "ab" * 32},
}
MIX = {
    "rows": {
        "align": {"train": {"courses": {"de": 30, "th": 20}}, "dev": {"courses": {"de": 1}}},
        "qa": {"train": {"faq, C++ (old)": {"de": 5, "th": 2}, "guides/a": {"de": 1000}}},
        "bitext": {"dev": {"news": {"de": 9}}},
    },
    "examples": {
        "align": {"train": {"courses": 25}},
        "qa": {"train": {"faq, C++ (old)": 6, "guides/a": 1000}},
        "bitext": {"dev": {"news": 9}},
    },
    "row_licences": {
        "align": {"courses": {"mit": 50}},
        "qa": {"faq, C++ (old)": {"cc-by-4.0": 5, "mit": 2}, "guides/a": {"cc-by-sa-4.0": 1000}},
    },
    "outputs": {"qa/train.parquet": {"sha256": "cd" * 32, "bytes": 99}},
    "decontamination": {
        "thresholds": {},
        "against": {
            "xquad_r": {
                "query": {"de": {"texts": 1190, "hit": 3}, "th": {"texts": 1190, "hit": 0}},
                "passage": {"de": {"texts": 240, "hit": 2}},
            }
        },
        "hits": {
            "texts": 12,
            "examples": 7,
            "by_check": {"exact": {"query": 5, "passage": 4}, "ngram_13": {"both": 3}},
        },
    },
}
PUBLISHED = {
    "published_version": 1,
    "benchmark": "small",
    "systems": [
        {
            "name": "XLM-R base, hybrid batches",
            "million_parameters": 278,
            "mo_map": 0.798,
            "cr_map": 0.705,
            "mul_map": 0.593,
            "rank_distance": 287,
            "source": "https://arxiv.org/abs/2408.10536",
        },
        {
            "name": "mBERT, `x-y`",
            "million_parameters": 178,
            "mo_map": None,
            "cr_map": None,
            "mul_map": 0.66,
            "rank_distance": None,
            "source": "https://arxiv.org/abs/2004.05484",
        },
    ],
}
RECIPE = "arm: hybrid\nmono_probability: 0.5\n"


def fill(folder: Path, work: Path) -> None:
    """Write every file below ``folder``; systems are made in ``work``."""
    place = folder / "results"
    write(place / "xquad_r.json", results(0.612))
    write(place / "world_facts.json", results(0.7, benchmark="world_facts", languages=("de", "en")))
    named = {"variants": VARIANTS, "speed": SPEED, "training": TRAINING, "mix": MIX, "published": PUBLISHED}
    for name, content in named.items():
        write(place / f"{name}.json", content)
    (folder / "training.yaml").write_text(RECIPE)
    noises = {"hybrid": 1.0, "x-x-mono": 1.05, "x-y": 2.5}
    systems = {
        arm: [write_system(work / f"{arm}_{seed}.json", noise, seed=seed, draw=seed) for seed in (1, 2)]
        for arm, noise in noises.items()
    }
    points = {0.0: systems["x-y"], 0.5: systems["hybrid"], 1.0: systems["x-x-mono"]}
    options = ArmsOptions(resamples=200, low_resource=("de",))
    write_json(place / "arms.json", build_arms(systems, None, options, place))
    write_json(place / "alpha.json", build_arms({}, points, options, place))
    compared = compare_results(systems["x-y"][:1], systems["hybrid"][:1], resamples=200)
    compared["a"]["files"], compared["b"]["files"] = ["x-y_1.json"], ["hybrid_1.json"]
    write_json(place / "hybrid_against_x-y.json", compared)
