"""Hybrid batch training of multilingual retrievers (arXiv 2408.10536), and the evaluation that proves the result.

Importing this package is light: public names are imported on first use, and neither torch nor transformers is loaded
before something needs it. It puts the metric `hybrid_xlir_map` where `evaluate.load` finds it
(HF_HYBRID_INSTALL_METRIC=0: it does not).
"""

from __future__ import annotations

import importlib
from typing import Any

from hf_hybrid.metric.install import install_metric, install_metric_on_import, metric_path

__version__ = "0.1.0"

# public name -> module that defines it
_EXPORTS = {
    "Benchmark": "hf_hybrid.benchmarks",
    "HybridBatchPlan": "hf_hybrid.plan.batch_plan",
    "HybridBatchSampler": "hf_hybrid.plan.batch_plan",
    "HybridCollator": "hf_hybrid.data.collator",
    "HybridTrainer": "hf_hybrid.training.trainer",
    "HybridTrainingArguments": "hf_hybrid.arguments",
    "InputError": "hf_hybrid.errors",
    "ParallelPairs": "hf_hybrid.data.pairs",
    "launch_config": "hf_hybrid.engines.launch_configs",
}

__all__ = ["__version__", "install_metric", "metric_path", *_EXPORTS]

# A package cannot register a metric with `evaluate`; see `hf_hybrid.metric.install`.
install_metric_on_import()


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'hf_hybrid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
