"""What a user's process does with the metric, one command per line on stdin, one JSON line per answer on stdout.

Run by path, with the package found as an installed wheel is, in an empty folder. A process loads `evaluate` only once,
so that one can try several states of the Hub.
"""

import json
import sys
import time

ROWS = {
    "query_id": ["q1-de", "q1-en"],
    "query_language": ["de", "en"],
    "candidate_languages": [["de", "en"], ["de", "en"]],
    "pool_ranks": [[1, 4], [3, 1]],
    "language_ranks": [[1, 2], [2, 1]],
    "pool_sizes": {"de": 5, "en": 5},
}


def load(name: str) -> dict[str, object]:
    import evaluate

    started = time.perf_counter()
    metric = evaluate.load(name)
    return {
        "module": type(metric).__module__,
        "file": sys.modules[type(metric).__module__].__file__,
        "mul_map": metric.compute(**ROWS)["mul_map"],
        "seconds": time.perf_counter() - started,
    }


def import_package() -> dict[str, object]:
    import hf_hybrid

    return {"file": hf_hybrid.__file__, "path": hf_hybrid.metric_path()}


def install() -> dict[str, object]:
    import hf_hybrid

    return {"file": str(hf_hybrid.install_metric())}


def caches() -> dict[str, object]:
    """Where `evaluate` and `datasets` keep modules, and where this package thinks that they do."""
    from hf_hybrid.metric.install import modules_cache

    ours = str(modules_cache())
    import datasets.config
    import evaluate.config

    return {
        "ours": ours,
        "evaluate": str(evaluate.config.HF_MODULES_CACHE),
        "datasets": str(datasets.config.HF_MODULES_CACHE),
    }


COMMANDS = {"load": load, "import": import_package, "install": install, "caches": caches}

if __name__ == "__main__":
    for line in sys.stdin:
        command, *arguments = line.split()
        try:
            answer = COMMANDS[command](*arguments)
        except Exception as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
