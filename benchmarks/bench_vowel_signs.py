"""Arabic questions with vowel signs: what leaving the signs out of the search gives back.

    python benchmarks/bench_vowel_signs.py [--models model_cards]

The Arabic questions of world_facts as they are, with a vowel sign after every letter, and with the signs left out
again, as the demo does, searched with every checkpoint of the demo. Signs are drawn at random (seed 0), so that words
are spelled as nobody would: measured is whether an encoder stands signs, not whether it reads them. Writes
`benchmarks/results/space/vowel_signs.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "spaces" / "cross_lingual_search")]

from xlir_demo.measuring import outcomes  # noqa: E402
from xlir_demo.pool import Asked, Pool  # noqa: E402
from xlir_demo.start import data_digest, load_checkpoints  # noqa: E402
from xlir_demo.words import searched_form  # noqa: E402

from hf_hybrid.evaluation.provenance import versions  # noqa: E402
from hf_hybrid.output_files import write_json  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "space" / "vowel_signs.json"
_SIGNS = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"
_SEED = 0


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of the checkpoints; default: those of the package")
    arguments = parser.parse_args()
    loaded = load_checkpoints(arguments.models)
    asked = [one for one in loaded.facts.asked if one.language == "ar"]
    draw = random.Random(_SEED)
    plain = [one.words for one in asked]
    signed = [with_signs(words, draw) for words in plain]
    forms = {"as they are": plain, "with signs": signed, "signs left out": [searched_form(words) for words in signed]}
    content: dict[str, Any] = {
        "vowel_signs_version": 1,
        "seed": _SEED,
        "questions": len(plain),
        "data_sha256": data_digest(loaded.pool, loaded.facts),
        "models": {
            name: {
                form: figures(loaded.pool, asked, encode(texts, "query"), loaded.passages[name])
                for form, texts in forms.items()
            }
            | {"weights_sha256": loaded.digests[name]}
            for name, encode in loaded.encoders.items()
        },
        "versions": versions(),
    }
    print(json.dumps(content["models"], indent=1))
    write_json(RESULTS, content, overwrite=True)


def with_signs(text: str, draw: random.Random) -> str:
    """A sign after every Arabic letter."""
    return "".join(letter + (draw.choice(_SIGNS) if "\u0621" <= letter <= "\u064a" else "") for letter in text)


def figures(pool: Pool, asked: Sequence[Asked], questions: np.ndarray, passages: np.ndarray) -> dict[str, float]:
    """Share of questions whose Arabic passage stands first among the Arabic ones; right answers among the first ten of
    the whole pool.
    """
    rows = [row for row, tag in enumerate(pool.languages) if tag == "ar"]
    arabic = Pool(**{one.name: [getattr(pool, one.name)[row] for row in rows] for one in fields(Pool)})
    within = outcomes(arabic, asked, passages[rows], questions)
    everywhere = outcomes(pool, asked, passages, questions, k=10)
    return {
        "first_in_arabic": round(float(within.first_right.mean()), 4),
        "right_in_first_10": round(float(everywhere.right.mean()), 3),
    }


if __name__ == "__main__":
    main()
