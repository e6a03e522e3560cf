"""Recall and precision of `hf-hybrid decontaminate` on contamination that is planted, by type, kind of text and
language.

    python benchmarks/decontamination_recall.py --source ../shared/data/lareqa/xquad-r --output recall.json

The paragraphs of XQuAD-R are halved: every second one, in its 11 languages, is the evaluation; the others are clean
training text in the same style and from the same articles, which makes them the hardest clean text there is. Copies of
evaluation questions, sentences and paragraphs, changed in one way each, are added. Recall is the share of the planted
texts that is found; precision, among all that is found, the share of planted ones, with as many clean texts as there
are planted ones of a type and kind. `--encoder` measures candidates, too.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json
from hf_hybrid.overlap.comparable_text import comparable, writing_of
from hf_hybrid.overlap.index import CHECKS, Thresholds
from hf_hybrid.overlap.scan import scan

KINDS = ("question", "sentence", "paragraph")
PUNCTUATION = ".,;:!?«»“”„\"'()[]—–…。，、；：？！「」؟،।"
SIMILARITIES = (0.5, 0.6, 0.7, 0.8)


def read_halves(folder: Path) -> dict[bool, dict[str, list[tuple[str, str, str]]]]:
    """(kind, id, text) by language, of the evaluation half (True) and of the clean half (False)."""
    halves: dict[bool, dict[str, list]] = {True: defaultdict(list), False: defaultdict(list)}
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InputError(f"{folder}: no XQuAD-R files; point --source at LAReQA's folder xquad-r")
    for file in files:
        number = 0
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                half = halves[number % 2 == 0][file.stem]
                half.append(("paragraph", f"p{number}", paragraph["context"]))
                half += [("sentence", f"p{number}s{n}", text) for n, text in enumerate(paragraph["sentences"])]
                half += [("question", qa["id"], qa["question"]) for qa in paragraph["qas"]]
                number += 1
    return halves


def words_of(text: str) -> list[str]:
    """Words, or pieces of as many characters as a word takes where words are not written apart."""
    size = {"han": 2, "kana": 3, "unspaced": 5}.get(writing_of(comparable(text)))
    return text.split() if size is None else [text[k : k + size] for k in range(0, len(text), size)]


def joined(words: list[str], text: str) -> str:
    """The words as one text, as they are written in the language of `text`."""
    return (" " if writing_of(comparable(text)) == "words" else "").join(words)


def case_and_punctuation(text: str, rng: random.Random, other: str) -> str:
    """Other case, no punctuation but for new one, more white space."""
    bare = "".join(" " if c in PUNCTUATION else c for c in text)
    changed = bare.upper() if rng.random() < 0.5 else bare.lower()
    return f"«{'  '.join(changed.split())} !»"


def truncated(text: str, rng: random.Random, other: str) -> str:
    """The first or last 60 % of the words."""
    words = words_of(text)
    keep = max(1, round(0.6 * len(words)))
    return joined(words[:keep] if rng.random() < 0.5 else words[-keep:], text)


def one_word_replaced(text: str, rng: random.Random, other: str) -> str:
    """One word, anywhere, replaced by a word of another text."""
    words = words_of(text)
    words[rng.randrange(len(words))] = rng.choice(words_of(other))
    return joined(words, text)


def inside_another(text: str, rng: random.Random, other: str) -> str:
    """Between two halves of a clean paragraph."""
    words = words_of(other)
    return joined([joined(words[: len(words) // 2], other), text, joined(words[len(words) // 2 :], other)], text)


CHANGES: dict[str, Callable[[str, random.Random, str], str]] = {
    "exact copy": lambda text, rng, other: text,
    "case and punctuation": case_and_punctuation,
    "truncated to 60 %": truncated,
    "one word replaced": one_word_replaced,
    "inside another paragraph": inside_another,
}


def plant(halves: dict, count: int, seed: int) -> list[dict[str, str]]:
    """Renditions: `count` of every type, kind and language, ids say which; a passage in another language has its type,
    too.
    """
    rows = []
    langs = sorted(halves[True])
    for lang in langs:
        clean = [text for kind, _, text in halves[False][lang] if kind == "paragraph"]
        for change, function in CHANGES.items():
            for kind in KINDS:
                rng = random.Random(f"{seed}/{lang}/{change}/{kind}")
                own = [text for own_kind, _, text in halves[True][lang] if own_kind == kind]
                for n, text in enumerate(rng.sample(own, min(count, len(own)))):
                    rows.append(
                        _row(f"planted/{change}/{kind}/{lang}/{n}", lang, kind, function(text, rng, rng.choice(clean)))
                    )
        for kind in KINDS:
            rng = random.Random(f"{seed}/{lang}/clean/{kind}")
            own = [text for own_kind, _, text in halves[False][lang] if own_kind == kind]
            for n, text in enumerate(rng.sample(own, min(count, len(own)))):
                rows.append(_row(f"clean/clean/{kind}/{lang}/{n}", lang, kind, text))
    return rows


def _row(key: str, lang: str, kind: str, text: str) -> dict[str, str]:
    field = "query" if kind == "question" else "passage"
    return {"id": key, "lang": lang, "source": "", "query": None, "passage": None} | {field: text}


def write_sets(halves: dict, rows: list[dict], folder: Path, against_langs: list[str]) -> tuple[Path, Path]:
    """Write the training set and the evaluation half in some languages as files that the command reads."""
    train, against = folder / "train.parquet", folder / "against"
    pq.write_table(pa.Table.from_pylist(rows), train)
    against.mkdir()
    for lang in against_langs:
        own = [_row(key, lang, kind, text) for kind, key, text in halves[True][lang]]
        pq.write_table(pa.Table.from_pylist(own), against / f"{lang}.parquet")
    return train, against


def measure(rows: list[dict], found: dict[str, tuple[str, ...]]) -> dict:
    """Recall, false alarms and precision by type and kind, and recall by type and language."""
    total, hit = defaultdict(int), defaultdict(int)
    by_check: dict[tuple, int] = defaultdict(int)
    for row in rows:
        what, change, kind, lang, _ = row["id"].split("/")
        for cell in ((change, kind), (change, lang)):
            total[cell] += 1
            hit[cell] += row["id"] in found
        for check in found.get(row["id"], ()):
            by_check[change, kind, check] += 1
    table = {}
    changes = sorted({change for change, _ in total} - {"clean"}, key=list(CHANGES).index)
    for change in changes:
        for kind in KINDS:
            false = hit["clean", kind] / max(1, total["clean", kind]) * total[change, kind]
            table.setdefault(change, {})[kind] = {
                "planted": total[change, kind],
                "recall": hit[change, kind] / total[change, kind],
                "precision": hit[change, kind] / max(1e-9, hit[change, kind] + false),
                "found_by": {c: by_check[change, kind, c] for c in CHECKS if by_check[change, kind, c]},
            }
    langs = sorted({cell[1] for cell in total} - set(KINDS))
    return {
        "by_type": table,
        "recall_by_language": {
            change: {lang: hit[change, lang] / total[change, lang] for lang in langs} for change in changes
        },
        "clean": {kind: {"texts": total["clean", kind], "false_alarms": hit["clean", kind]} for kind in KINDS},
        "false_alarms": sorted(key for key in found if key.startswith("clean/")),
    }


def across_languages(
    halves: dict, count: int, seed: int, folder: Path, encoder: str | None, cosines: list[float]
) -> dict:
    """Recall of passages in another language: the evaluation in one language only, the copies in the ten others."""
    langs, rows = sorted(halves[True]), []
    for lang in langs:
        if lang == "en":
            continue
        rng = random.Random(f"{seed}/{lang}/translation")
        for name, half in (("planted", True), ("clean", False)):
            own = [text for kind, _, text in halves[half][lang] if kind == "paragraph"]
            rows += [
                _row(f"{name}/t/paragraph/{lang}/{n}", lang, "paragraph", t)
                for n, t in enumerate(rng.sample(own, min(count, len(own))))
            ]
    train, against = write_sets(halves, rows, folder, ["en"])
    planted = [row["id"] for row in rows if row["id"].startswith("planted")]
    found = {hit.key for hit in scan([train], {"eval": against}).hits}
    result: dict = {"evaluation_language": "en", "planted": len(planted), "clean": len(rows) - len(planted)}
    result["strings"] = {"recall": len(found & set(planted)) / len(planted), "false_alarms": len(found - set(planted))}
    all_train, all_against = write_sets(halves, rows, Path(tempfile.mkdtemp(dir=folder)), langs)
    own = {hit.key for hit in scan([all_train], {"eval": all_against}).hits}
    result["strings_where_the_evaluation_has_the_language"] = len(own & set(planted)) / len(planted)
    if encoder:
        from hf_hybrid.overlap.candidates import find_candidates
        from hf_hybrid.retrieval.encode import load_encoder

        candidates = find_candidates(
            [train], {"eval": against}, load_encoder(encoder), min_cosine=min(cosines), most=len(rows)
        )
        cosine_of = {candidate["id"]: candidate["cosine"] for candidate in candidates}
        result["encoder"] = {"name": Path(encoder).name}
        for cosine in cosines:
            above = {key for key, value in cosine_of.items() if value >= cosine}
            true = len(above & set(planted))
            result["encoder"][str(cosine)] = {"recall": true / len(planted), "precision": true / max(1, len(above))}
    return result


def as_text(report: dict) -> str:
    """The tables as text."""
    lines = [
        f"{'type':<28}" + "".join(f"{kind:>24}" for kind in KINDS),
        f"{'':<28}" + f"{'recall   precision':>24}" * 3,
    ]
    for change, kinds in report["default"]["by_type"].items():
        lines.append(
            f"{change:<28}" + "".join(f"{kinds[k]['recall']:>13.3f}{kinds[k]['precision']:>11.3f}" for k in KINDS)
        )
    lines.append(
        "clean texts, false alarms: "
        + ", ".join(f"{k} {c['texts']:,}, {c['false_alarms']}" for k, c in report["default"]["clean"].items())
    )
    lines.append("\nsimilarity of near-duplicates: recall of one word replaced, false alarms")
    for value, cell in report["similarity"].items():
        cells = "".join(f"{cell['one word replaced'][k]:>13.3f}{cell['false_alarms'][k]:>11}" for k in KINDS)
        lines.append(f"{value:<28}{cells}")
    lines.append(f"\nacross languages: {json.dumps(report['across_languages'])}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Plant, scan, measure; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="LAReQA's folder xquad-r")
    parser.add_argument(
        "--count", type=int, default=100, help="texts of each type, kind and language (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--encoder", help="measure candidates across languages with this encoder, too")
    parser.add_argument("--cosines", type=float, nargs="+", default=[0.6, 0.7, 0.8, 0.9])
    parser.add_argument("--output", type=Path, help="JSON file for the results")
    parser.add_argument("--overwrite", action="store_true")
    arguments = parser.parse_args(argv)
    started = time.perf_counter()
    try:
        halves = read_halves(arguments.source)
        rows = plant(halves, arguments.count, arguments.seed)
        report: dict = {"count": arguments.count, "seed": arguments.seed, "similarity": {}}
        with tempfile.TemporaryDirectory() as name:
            train, against = write_sets(halves, rows, Path(name), sorted(halves[True]))
            for similarity in SIMILARITIES:
                thresholds = Thresholds(similarity=similarity)
                found = {hit.key: hit.checks for hit in scan([train], {"eval": against}, thresholds=thresholds).hits}
                measured = measure(rows, found)
                replaced = {kind: cell["recall"] for kind, cell in measured["by_type"]["one word replaced"].items()}
                alarms = {kind: cell["false_alarms"] for kind, cell in measured["clean"].items()}
                report["similarity"][str(similarity)] = {"one word replaced": replaced, "false_alarms": alarms}
                if similarity == Thresholds().similarity:
                    report["default"] = measured
            (Path(name) / "across").mkdir()
            report["across_languages"] = across_languages(
                halves, arguments.count, arguments.seed, Path(name) / "across", arguments.encoder, arguments.cosines
            )
        print(as_text(report))
        print(
            f"{time.perf_counter() - started:.0f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} "
            "MiB"
        )
        if arguments.output:
            write_json(arguments.output, report, arguments.overwrite)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
