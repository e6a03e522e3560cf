"""The demo Space: cold start, first result, latency of the search, and fifty clients at once.

    python benchmarks/bench_space.py [--models model_cards] [--passages 100000] [--clients 50] [--seconds 60] [--parts
    start search load]

Serves the page on the loopback interface, in a process of its own, and writes `benchmarks/results/space/space.json`.
Times are of the clock, so the load of the machine before and after is written beside them: on a busy one they say
little. The first result needs Playwright and Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

# As the page does, before numpy and torch are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "spaces" / "cross_lingual_search")]

from xlir_demo.answers import Answers  # noqa: E402
from xlir_demo.checkpoints import find_models, usual_pair  # noqa: E402
from xlir_demo.languages import guess_language  # noqa: E402
from xlir_demo.pool import Pool  # noqa: E402
from xlir_demo.searching import search  # noqa: E402
from xlir_demo.start import load_page_views  # noqa: E402

from hf_hybrid.evaluation.provenance import hardware, versions  # noqa: E402
from hf_hybrid.output_files import write_json  # noqa: E402
from tests.spaces.serving import SPACE, Page  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "space" / "space.json"
CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of the checkpoints; default: those of the package")
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--parts", nargs="+", default=["search", "start", "load"], choices=["search", "start", "load"])
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    content: dict[str, Any] = {"space_version": 1, "load_average_before": os.getloadavg()[0]}
    if "search" in arguments.parts:
        content["search"] = measure_search(arguments.models, arguments.passages)
        print(json.dumps(content["search"], indent=1))
    if {"start", "load"} & set(arguments.parts):
        options = ["--models", str(arguments.models.resolve())] if arguments.models else []
        with tempfile.TemporaryDirectory() as folder:
            # Vectors of its own: the first start embeds the passages, whatever earlier pages have kept.
            os.environ["XLIR_DEMO_CACHE"] = str(Path(folder) / "vectors")
            page = Page(SPACE, Path(folder), *options)
            page.close()
            first_start = round(page.seconds, 2)
            page = Page(SPACE, Path(folder), *options)
            try:
                content["start"] = {
                    "first_start_seconds": first_start,
                    "page_seconds": round(page.seconds, 2),
                    **first_result(page),
                }
                print(json.dumps(content["start"], indent=1))
                if "load" in arguments.parts:
                    content["load"] = measure_load(
                        page, arguments.clients, arguments.seconds, usual_pair(list(find_models(arguments.models)))[1]
                    )
                    print(json.dumps(content["load"], indent=1))
            finally:
                page.close()
    content |= {"load_average_after": os.getloadavg()[0], "hardware": hardware(), "versions": versions()}
    write_json(arguments.output, content, overwrite=True)


# ---------------------------------------------------------------- the search


def measure_search(models: Path | None, passages: int) -> dict[str, Any]:
    """Milliseconds of a search from words to results, questions that were not asked before; and the guesses at their
    languages.
    """
    answers = load_page_views(models).answers
    asked = [(tag, words) for fact in answers.facts.facts.values() for tag, words in fact.questions.items()]
    draw = random.Random(0)
    some = draw.sample([words for _, words in asked], 200)
    own_words = iter(f"{words} ({number})" for number, words in enumerate(some))
    return {
        "pool": timed(lambda: answers.search(next(own_words), answers.after), 200) | {"passages": len(answers.pool)},
        "large_pool": timed(large_search(answers, some, passages), 100) | {"passages": passages},
        "language_guesses": {
            "right": sum(tag == guess_language(words) for tag, words in asked),
            "questions": len(asked),
        },
    }


def large_search(answers: Answers, questions: list[str], passages: int) -> Callable[[], object]:
    """A search in many passages: the pool's, again and again, with vectors of their own."""
    encode, pool = answers.encoders[answers.after], answers.pool
    width = encode(["a"], "query").shape[1]
    vectors = np.random.default_rng(0).standard_normal((passages, width), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.arange(passages) % len(pool)
    large = Pool(
        texts=[pool.texts[row] for row in rows],
        languages=[pool.languages[row] for row in rows],
        ids=[str(number) for number in range(passages)],
        facts=[None] * passages,
        answers=[""] * passages,
    )
    _ = large.language_share, large.rows_of_fact  # once for each pool
    following = iter(questions)
    return lambda: search(large, vectors, encode([next(following)], "query")[0], k=10)


def timed(run: Callable[[], object], times: int) -> dict[str, float]:
    """Median, 95th percentile and maximum of the milliseconds of a call; the first is left out."""
    run()
    found = []
    for _ in range(times - 1):
        start = time.perf_counter()
        run()
        found.append(1000 * (time.perf_counter() - start))
    return percentiles(found)


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """Rounded to a tenth of a millisecond."""
    middle, high = np.percentile(milliseconds, [50, 95])
    return {"median_ms": round(middle, 1), "p95_ms": round(high, 1), "most_ms": round(max(milliseconds), 1)}


# ---------------------------------------------------------------- the page


def first_result(page: Page) -> dict[str, Any]:
    """Seconds in a browser from the address to the first result, and from a question to its results."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {"first_result_seconds": None}
    if not Path(CHROMIUM).is_file():
        return {"first_result_seconds": None}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        window = browser.new_page()
        start = time.perf_counter()
        window.goto(page.url)
        window.wait_for_selector("#compare-view .xd-hit")
        first = time.perf_counter() - start
        window.wait_for_timeout(1000)
        box = window.locator("#question textarea")
        box.fill("Wohin fließt das Wasser der Wolga am Ende?")
        start = time.perf_counter()
        box.press("Enter")
        window.wait_for_function("document.querySelector('#compare-view').textContent.includes('in German')")
        answer = time.perf_counter() - start
        browser.close()
    return {"first_result_seconds": round(first, 2), "question_to_results_seconds": round(answer, 2)}


def measure_load(page: Page, clients: int, seconds: float, checkpoint: str) -> dict[str, Any]:
    """Clients that ask one question after the other through the public endpoint, as fast as they are answered."""
    found: list[float] = []
    errors: list[str] = []
    lock = threading.Lock()
    end = time.perf_counter() + seconds

    def ask_on(number: int) -> None:
        draw = random.Random(number)
        while time.perf_counter() < end:
            start = time.perf_counter()
            problem = ask(page, f"Where does river number {draw.randrange(10**6)} end?", checkpoint)
            with lock:
                found.append(1000 * (time.perf_counter() - start))
                errors.extend([problem] if problem else [])

    threads = [threading.Thread(target=ask_on, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "clients": clients,
        "seconds": seconds,
        "requests": len(found),
        "requests_per_second": round(len(found) / seconds, 1),
        "errors": len(errors),
        "first_errors": errors[:3],
        **percentiles(found),
    }


def ask(page: Page, question: str, checkpoint: str) -> str:
    """One question through `/search`; returns what went wrong, or nothing."""
    call = f"{page.url}/gradio_api/call/search"
    body = json.dumps({"data": [question, checkpoint, "guess", None, 10]}).encode()
    try:
        request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            event = json.load(answer)["event_id"]
        with urllib.request.urlopen(f"{call}/{event}", timeout=120) as stream:
            text = stream.read().decode()
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if "event: complete" in text and question in text else text[:200]


if __name__ == "__main__":
    main()
