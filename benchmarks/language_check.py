"""How well the mix's language check works: right texts that it refuses, texts under a wrong label that it lets
through.

    python benchmarks/language_check.py --source ../shared/data --output language_check.json

Short everyday sentences (LASER's Tatoeba test) and news (NTREX-128), whose languages are known. Under a wrong label:
every text gets the label of another language, as often of each language, and of one of the same script where there is
one.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

import pyarrow as pa

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json
from hf_hybrid.overlap.comparable_text import comparable, weight_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hub_datasets" / "hybrid_mix"))
from mix.language_check import LANGUAGES, SURE, UNLIKELY, LanguageIdentifier, in_own_script, least_letters
from mix.tables import read_table

LATIN = ("de", "en", "es", "fi", "fr", "id", "it", "nl", "pl", "pt", "sw", "tr", "vi")


def read_texts(source: Path, count: int) -> dict[str, dict[str, list[str]]]:
    """Set -> language -> texts."""
    tatoeba = read_table(source, "tatoeba_laser_eval", ["lang", "text", "en"])
    news = read_table(source, "ntrex128", ["lang", "text"])
    sets: dict[str, dict[str, list[str]]] = {"tatoeba": {}, "ntrex128": {}}
    for lang in LANGUAGES:
        short = tatoeba.en.drop_duplicates() if lang == "en" else tatoeba[tatoeba.lang == lang].text
        for name, texts in (("tatoeba", short), ("ntrex128", news[news.lang == lang].text)):
            if len(texts):
                sets[name][lang] = texts.str.strip().head(count).tolist()
    return sets


def refused(identifier: LanguageIdentifier, texts: list[str], lang: str) -> tuple[int, int]:
    """How many texts the script refuses, and how many of the others the identifier."""
    script = in_own_script(pa.array(texts), lang)
    long = [t for t, own in zip(texts, script, strict=True) if own and weight_of(comparable(t)) >= least_letters(lang)]
    return int((~script).sum()), sum(map(bool, identifier.surely_other(long, lang)))


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--count", type=int, default=500, help="texts of each set and language (default: %(default)s)")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args(argv)
    try:
        sets = read_texts(arguments.source, arguments.count)
        identifier = LanguageIdentifier(LANGUAGES)
        report: dict = {"count": arguments.count, "sure": SURE, "unlikely": UNLIKELY}
        for name, texts_of in sets.items():
            started, total = time.perf_counter(), 0
            cells: dict[str, dict[str, float]] = defaultdict(dict)
            for lang, texts in texts_of.items():
                by_script, by_identifier = refused(identifier, texts, lang)
                cells[lang]["right label refused"] = (by_script + by_identifier) / len(texts)
                others = [
                    other for other in (LATIN if lang in LATIN else texts_of) if other != lang and other in texts_of
                ]
                wrong = random.Random(lang).choices(others, k=len(texts))
                caught = 0
                for label in others:
                    caught += sum(
                        refused(identifier, [t for t, w in zip(texts, wrong, strict=True) if w == label], label)
                    )
                cells[lang]["wrong label refused"] = caught / len(texts)
                total += 2 * len(texts)
            means = {key: sum(cell[key] for cell in cells.values()) / len(cells) for key in next(iter(cells.values()))}
            report[name] = {"mean": means, "languages": dict(cells)}
            print(f"{name}: {means}, {1e3 * (time.perf_counter() - started) / total:.2f} ms a text")
            for lang, cell in cells.items():
                print(f"  {lang:<8}" + "  ".join(f"{key} {value:.3f}" for key, value in cell.items()))
        if arguments.output:
            write_json(arguments.output, report)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
