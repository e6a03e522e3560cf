"""The demo Space as a program sees it: endpoints, limits of the server, files that must not be had."""

from __future__ import annotations

import html
import http.client
import json
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.space_page.uploads import read_once
from tests.spaces.serving import SPACE, Page
from tests.spaces.small_checkpoints import BASE, HYBRID

gradio_client = pytest.importorskip("gradio_client")


@pytest.fixture(scope="module")
def client(page: Page):
    return gradio_client.Client(page.url, verbose=False)


# Question, its language, checkpoints and results, as the tab with own texts takes them.
ASKED = ["words", "guess", BASE, HYBRID, 5]

# ---------------------------------------------------------------- endpoints


def test_endpoints_are_named_and_typed(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {
        "/search",
        "/compare_checkpoints",
        "/ask_in_all_languages",
        "/search_texts",
        "/guess_question_language",
        "/list_questions",
    }
    parameters = {one["parameter_name"]: one for one in endpoints["/search"]["parameters"]}
    assert list(parameters) == ["question", "checkpoint", "language", "languages", "results"]
    assert (
        parameters["question"]["python_type"]["type"] == "str" and not parameters["question"]["parameter_has_default"]
    )
    assert parameters["results"]["python_type"]["type"] == "int" and parameters["results"]["parameter_default"] == 10
    assert "xlir-small-base" in parameters["checkpoint"]["python_type"]["type"]
    assert parameters["checkpoint"]["parameter_default"] == HYBRID
    assert "Search 1,144 short passages" in endpoints["/search"]["description"]


def test_a_search_by_a_program_is_the_search_of_the_page(client, views):
    question = "Wohin fließt das Wasser der Wolga am Ende?"
    found = client.predict(question, languages=["en", "ru"], results=3, api_name="/search")
    expected = views.answers.search(question, "hybrid-xlir-small", languages=["en", "ru"], k=3)
    pool = views.answers.pool
    assert [hit["id"] for hit in found["results"]] == [pool.ids[hit.row] for hit in expected.found.hits]
    assert [hit["score"] for hit in found["results"]] == [round(hit.score, 4) for hit in expected.found.hits]
    assert [hit["rank"] for hit in found["results"]] == [1, 2, 3] and found["passages_searched"] == 208
    assert found["language"] == "de" and found["language_is_guessed"] is False
    assert found["answer_ranks"] == {pool.ids[row]: place for row, place in expected.found.answers.items()}
    assert set(found["answer_ranks"]) == {"en:wf-rivers-01", "ru:wf-rivers-01"}
    assert found["language_share_of_pool"] == {"en": 0.5, "ru": 0.5} and 0 < found["milliseconds"] < 10_000


def test_the_other_endpoints(client):
    compared = client.predict("Where do the waters of the Volga end up?", api_name="/compare_checkpoints")
    assert compared["movements_are_answers"] and len(compared["movements"]) == 11
    assert compared["first"]["checkpoint"] == "xlir-small-base"
    asked = client.predict("wf-rivers-01", api_name="/ask_in_all_languages")
    assert len(asked["ranks"]) == len(asked["overlap"]) == len(asked["languages"]) == 11
    texts = "Die Wolga mündet ins Kaspische Meer.\nVanille ist eine Orchidee."
    own = client.predict(texts, "Wohin fließt das Wasser der Wolga am Ende?", results=1, api_name="/search_texts")
    assert own["results"][0]["text"].startswith("Die Wolga") and own["results"][0]["is_answer"] is None
    rows = '{"text": "Die Wolga"}\n{"text": 1}'
    partly = client.predict(rows, "Wolga?", results=5, api_name="/search_texts")
    assert len(partly["results"]) == 1 and partly["rows_left_out"] == ["Line 2 has no text."]
    assert client.predict("Πού είναι;", api_name="/guess_question_language") == "el"
    assert client.predict("42", api_name="/guess_question_language") == "und"
    questions = client.predict("th", api_name="/list_questions")
    assert len(questions) == 104 and questions[0]["id"] == "wf-rivers-01"


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/search", {"question": ""}, "no question yet"),
        ("/search", {"question": "x" * 301}, "301 characters; at most 300"),
        ("/search", {"question": "x", "results": 51}, "whole number from 1 to 50"),
        ("/search", {"question": "x", "results": 0}, "whole number from 1 to 50"),
        ("/search", {"question": "x", "languages": ["xx"]}, "must be among ar, de"),
        ("/search", {"question": "x", "languages": {"a": 1}}, "must be among ar, de"),
        ("/search", {"question": "x", "checkpoint": "../../secrets"}, "no such checkpoint"),
        ("/search", {"question": "x", "checkpoint": "someone/model"}, "no such checkpoint"),
        ("/search", {"question": ["x"]}, "must be a text, not a list"),
        ("/search", {"question": 7}, "must be a text, not a number"),
        ("/search", {"question": None}, "no question yet"),
        ("/ask_in_all_languages", {"fact": "../x"}, "not one of the data's"),
        ("/ask_in_all_languages", {"fact": ["x"]}, "not one of the data's"),
        ("/search_texts", {"texts": "x" * 2_000_001, "question": "x"}, "larger than 2 MB"),
        ("/search_texts", {"texts": "a\n" * 5_001, "question": "x"}, "more than 5,000 passages"),
        ("/search_texts", {"texts": "a", "question": "x", "format": "exe"}, "format must be one of"),
        ("/list_questions", {"language": "xx"}, "must be one of"),
    ],
)
def test_mistakes_come_back_in_words(client, endpoint, arguments, message):
    with pytest.raises(Exception, match=message):
        client.predict(**arguments, api_name=endpoint)


# ---------------------------------------------------------------- the server


def post(page: Page, path: str, content: bytes, kind: str = "application/json") -> tuple[int, bytes]:
    request = urllib.request.Request(f"{page.url}{path}", data=content, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def get(page: Page, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"{page.url}{path}", timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def events(page: Page) -> dict[str, int]:
    """Numbers of the page's own events, by the name of their function and its number of inputs."""
    config = json.loads(get(page, "/config")[1])
    return {f"{one['api_name']}/{len(one['inputs'])}": one["id"] for one in config["dependencies"]}


def call_event(page: Page, number: int, data: list, session: str) -> str:
    """Call one of the page's events as a browser does, and return everything that comes back."""
    status, answer = post(
        page,
        "/gradio_api/queue/join",
        json.dumps({"data": data, "fn_index": number, "session_hash": session}).encode(),
    )
    assert status == 200, answer
    with urllib.request.urlopen(f"{page.url}/gradio_api/queue/data?session_hash={session}", timeout=60) as stream:
        lines = []
        for line in stream:
            lines.append(line.decode())
            if "process_completed" in lines[-1] or "close_stream" in lines[-1]:
                return "".join(lines)
    return "".join(lines)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=app.py",
        "/gradio_api/file=revisions.json",
        f"/gradio_api/file={SPACE}/app.py",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=..%2f..%2f..%2fetc%2fpasswd",
        "/file=/etc/passwd",
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2fetc/passwd",
        "/assets/..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "/gradio_api/file=/proc/self/environ",
    ],
)
def test_no_file_of_the_server_is_given_out(page, path):
    status, content = get(page, path)
    assert status in (400, 403, 404), (status, content[:100])
    assert b"root:" not in content and b"HF_HUB" not in content and b"argparse" not in content


def test_only_what_was_uploaded_is_read_and_it_is_deleted(page, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("nobody's business")
    with pytest.raises(InputError, match="was not uploaded"):
        read_once(str(secret), 100)
    assert secret.exists()
    upload = next(number for name, number in events(page).items() if name.startswith("add_file/"))
    for path in (str(secret), "/etc/passwd", str(SPACE / "app.py")):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "x.txt"}
        answer = call_event(page, upload, [file, "detect", None, *ASKED], f"steal{len(path)}")
        assert "business" not in answer and "root:" not in answer and "argparse" not in answer
        assert '"success":true' not in answer.replace(" ", "") or "was not uploaded" in answer
    assert secret.exists() and (SPACE / "app.py").exists()


def test_uploads_are_limited_and_gone_after_reading(page):
    def upload(content: bytes) -> tuple[int, bytes]:
        boundary = b"----boundary"
        body = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="files"; filename="own.txt"\r\n\r\n'
        body += content + b"\r\n--" + boundary + b"--\r\n"
        return post(page, "/gradio_api/upload", body, "multipart/form-data; boundary=----boundary")

    assert upload(b"x" * 2_100_000)[0] == 413
    status, answer = upload("Die Wolga fließt.\nVanille duftet.".encode())
    path = Path(json.loads(answer)[0])
    assert status == 200 and path.is_relative_to(page.uploads) and path.is_file()
    number = next(number for name, number in events(page).items() if name.startswith("add_file/"))
    file = {"path": str(path), "meta": {"_type": "gradio.FileData"}, "orig_name": "own.txt"}
    answer = call_event(page, number, [file, "detect", None, *ASKED], "uploads")
    assert "2 passages" in answer and "own.txt" in answer
    assert not path.exists()


def announce(page: Page, path: str, size: int, kind: str = "application/json") -> int:
    """Status that a request gets whose size is announced, before anything of it is sent."""
    host = urllib.parse.urlsplit(page.url)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
    try:
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_requests_that_are_too_large_are_not_read(page):
    assert announce(page, "/gradio_api/queue/join", 12_200_000) == 413
    assert announce(page, "/gradio_api/upload", 10**12, "multipart/form-data; boundary=x") == 413


def test_events_of_the_page_hold_to_the_limits_too(page):
    number = next(number for name, number in events(page).items() if name.startswith("ask_anew/"))
    rest = ["guess", BASE, HYBRID]
    answer = call_event(page, number, ["compare", 0, "x" * 301, *rest, ["de"], 10], "limits")
    assert "301 characters" in answer
    answer = call_event(page, number, ["compare", 0, "x", *rest, ["de"], 10_000], "limits2")
    assert "success" in answer and "xd-hits" not in answer
    answer = call_event(page, number, ["compare", 0, "x", *rest, [], 10], "limits3")
    assert "No language is ticked" in answer
    answer = call_event(page, number, ["compare", 0, "where \ud800", *rest, ["de"], 10], "limits4")
    assert "half of a surrogate pair" in answer


def test_half_a_character_is_told_to_programs(page):
    """As JSON can hold it, which no client of Gradio sends."""
    status, answer = post(
        page, "/gradio_api/call/search", b'{"data": ["where \\ud800", "%s", "guess", null, 3]}' % HYBRID.encode()
    )
    assert status == 200
    with urllib.request.urlopen(
        f"{page.url}/gradio_api/call/search/{json.loads(answer)['event_id']}", timeout=60
    ) as stream:
        text = stream.read().decode()
    assert "event: error" in text and "half of a surrogate pair" in text


def test_what_is_asked_while_a_search_runs_is_asked_next(page):
    """Gradio drops it unless told otherwise."""
    config = json.loads(get(page, "/config")[1])
    asking = [one for one in config["dependencies"] if {"submit", "input"} & {event for _, event in one["targets"]}]
    assert len(asking) >= 2 and {one["trigger_mode"] for one in asking} == {"always_last"}
    # One function an event: when one that had to wait is done, Gradio repeats all of its event's.
    events = [tuple(target) for one in config["dependencies"] for target in one["targets"]]
    assert len(events) == len(set(events))
    # And a view whose answer is not there yet is seen to wait.
    assert {one["show_progress"] for one in asking} == {"minimal"}


def test_texts_of_one_visitor_are_not_anothers(page):
    numbers = events(page)
    add = next(number for name, number in numbers.items() if name.startswith("add_texts/"))
    own = next(number for name, number in numbers.items() if name.startswith("own_search/"))
    added = call_event(page, add, ["my private words", "text", None, *ASKED], "first")
    assert "1 passage" in added
    asked = ["words?", *ASKED[1:]]
    opening = next(number for name, number in numbers.items() if name.startswith("open_tab/"))
    for session in ("first", "second"):
        call_event(page, opening, [None, *asked], session)
    assert "private words" in call_event(page, own, [None, *asked], "first")
    other = call_event(page, own, [None, *asked], "second")
    assert "private words" not in other and "no texts to search" in other


def test_the_texts_of_before_are_named_when_new_ones_cannot_be_read(page):
    add = next(number for name, number in events(page).items() if name.startswith("add_texts/"))
    first = call_event(page, add, ["text,lang\n,de", "csv", None, *ASKED], "failing")
    assert "has no text" in first and "still the ones" not in first
    call_event(page, add, ["my own words", "text", None, *ASKED], "failing")
    again = call_event(page, add, ["text,lang\n,de", "csv", None, *ASKED], "failing")
    assert "has no text" in again and "The texts that you added before are still the ones that are searched" in again


def test_the_program_on_the_page_names_this_page_and_finds_its_answer(page, views):
    number = next(number for name, number in events(page).items() if name.startswith("show_programs"))
    answer = call_event(
        page, number, ["Where do the waters of the Volga end up?", *ASKED[1:4], ["de"], 10], "programs"
    )
    shown = json.loads(
        next(line for line in answer.splitlines() if "process_completed" in line).removeprefix("data: ")
    )
    view = shown["output"]["data"][1]
    code = html.unescape(re.search(r"<pre[^>]*><code>(.*?)</code>", view, flags=re.DOTALL)[1])
    assert page.url in code and "7860" not in code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    hit = views.answers.search("Where do the waters of the Volga end up?", HYBRID).found.hits[0]
    assert (
        hit.is_answer
        and f"1 {views.answers.pool.languages[hit.row]} {views.answers.pool.texts[hit.row]}\n" in done.stdout
    )


def test_many_at_once_get_their_own_answers(page, views):
    facts = list(views.answers.facts.facts.values())[:12]
    clients = [gradio_client.Client(page.url, verbose=False) for _ in range(4)]
    lock = threading.Lock()

    def ask(number: int) -> tuple[str, str]:
        with lock:
            client = clients[number % 4]
        fact = facts[number]
        found = client.predict(fact.questions["en"], results=1, languages=["en"], api_name="/search")
        return found["question"], fact.questions["en"]

    with ThreadPoolExecutor(4) as pool:
        assert all(got == asked for got, asked in pool.map(ask, range(12)))


def test_the_log_holds_no_traceback_and_nothing_that_was_asked(page):
    log = page.log.read_text()
    assert "Running on local URL" in log
    assert "private words" not in log and "Wolga" not in log
    # Gradio itself prints what it refuses: paths outside its folder, values beyond a slider.
    raised = re.findall(r"^([\w.]+(?:Error|Exception))\b", log, flags=re.MULTILINE)
    assert set(raised) <= {"gradio.exceptions.Error", "gradio.exceptions.InvalidPathError"}
    assert len(raised) == log.count("Traceback (most recent call last)")
