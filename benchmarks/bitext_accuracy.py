"""How often the nearest text in another language is the translation: the usual accuracy on Tatoeba and NTREX.

    python benchmarks/bitext_accuracy.py MODEL --mix hybrid_mix --output bitext.json

Tatoeba (LASER's test, `bitext` test split of the mix): for each language about 1,000 sentences and their English, of
which each is searched among the others', in both directions. NTREX-128 (`bitext` dev split): every ordered pair of the
languages, among 2,000 sentences of news. Sentences that a language has twice count once. Both sides are read as
queries, as E5's authors advise where neither is a passage.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from hf_hybrid.errors import InputError, run_command
from hf_hybrid.evaluation.provenance import hardware, versions
from hf_hybrid.output_files import check_output, file_digest, write_json
from hf_hybrid.retrieval.encode import load_encoder
from hf_hybrid.retrieval.encode_texts import encode_texts

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
FILES = {"tatoeba": "bitext/test.parquet", "ntrex": "bitext/dev.parquet"}
Texts = dict[str, dict[str, str]]


def read(file: Path, languages: Sequence[str]) -> Texts:
    """Language -> id -> text, each text once.

    Raises:
        InputError: There is no such file.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file; build the mix with hub_datasets/hybrid_mix/build.py")
    found: Texts = {lang: {} for lang in languages}
    seen: dict[str, set[str]] = {lang: set() for lang in languages}
    for row in pq.read_table(file, columns=["id", "lang", "query"]).to_pylist():
        lang, text = row["lang"], row["query"]
        if lang in found and text not in seen[lang]:
            seen[lang].add(text)
            found[lang][row["id"]] = text
    return found


def accuracy(texts: Texts, vectors: Mapping[str, torch.Tensor], source: str, target: str) -> float:
    """Share of the source's sentences whose nearest one in the target, among those that both have, is the translation.

    Example:
        >>> texts = {"de": {"a": "eins", "b": "zwei"}, "en": {"a": "one", "b": "two"}}
        >>> accuracy(texts, {"de": torch.eye(2), "en": torch.tensor([[1.0, 0.0], [1.0, 0.0]])}, "de", "en")
        0.5
    """
    rows = {lang: {name: row for row, name in enumerate(texts[lang])} for lang in (source, target)}
    both = [name for name in texts[source] if name in rows[target]]
    sides = [vectors[lang][[rows[lang][name] for name in both]] for lang in (source, target)]
    nearest = (sides[0] @ sides[1].T).argmax(dim=1)
    return float((nearest == torch.arange(len(both))).float().mean())


def measure(texts: Texts, vectors: Mapping[str, torch.Tensor], pairs: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Accuracy of every pair, and the mean."""
    found = {f"{a}-{b}": round(accuracy(texts, vectors, a, b), 6) for a, b in pairs}
    return {"mean": round(float(np.mean(list(found.values()))), 6), "pairs": found}


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or Hub name of an encoder")
    parser.add_argument("--mix", type=Path, required=True, help="folder that hub_datasets/hybrid_mix/build.py made")
    parser.add_argument("--output", type=Path, required=True, help="write the figures to this JSON file")
    parser.add_argument("--languages", nargs="+", default=list(LANGUAGES), help="of the mix; English is wanted")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    args = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    check_output(args.output, args.overwrite)
    if "en" not in args.languages:
        raise InputError("--languages: Tatoeba's translations are English; name en, too")
    others = [lang for lang in args.languages if lang != "en"]
    asked = {
        "tatoeba": [pair for lang in others for pair in ((lang, "en"), ("en", lang))],
        "ntrex": list(permutations(args.languages, 2)),
    }
    model, started = load_encoder(args.model), time.perf_counter()
    found: dict[str, object] = {}
    for name, file in FILES.items():
        texts = read(args.mix / file, args.languages)
        vectors = {
            lang: encode_texts(model, list(own.values()), kind="query", show_progress=True)
            for lang, own in texts.items()
        }
        found[name] = {"data_sha256": file_digest(args.mix / file), **measure(texts, vectors, asked[name])}
    about = {"model": Path(args.model).name, "seconds": round(time.perf_counter() - started, 1)}
    write_json(args.output, {**about, **found, "versions": versions(), "hardware": hardware()}, args.overwrite)
    means = {name: found[name]["mean"] for name in FILES}  # type: ignore[index]
    sys.stdout.write(f"{json.dumps(means)}\nWritten to {args.output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
