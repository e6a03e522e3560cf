"""The page of the metric: what is pasted or uploaded is read in every form, measured, and shown escaped."""

from __future__ import annotations

import importlib
import json
import re
import sys

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.metric.output import compute_metric
from tests.spaces.test_hybrid_xlir_map import EMBEDDINGS, RUNS, SPACE, front_matter


@pytest.fixture(scope="module")
def run_text():
    sys.path.insert(0, str(SPACE))
    yield importlib.import_module("run_text")
    sys.path.remove(str(SPACE))
    for name in ("run_text", "result_html", "settings_picture", "app"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def page(run_text):
    """The page's module; its import shows the page's own pieces without a server."""
    pytest.importorskip("gradio")
    return importlib.import_module("app")


HEADER = "# pool_sizes: de=5 en=5\nquery_id,query_language,candidate_language,pool_rank,language_rank\n"


def test_csv_and_both_kinds_of_json_are_one_run(run_text):
    rows = "q1,de,de,1,1\nq1,de,en,4,2\n\nq2,en,de,3,2\nq2,en,en,1,1\n"
    expected = run_text.parse_run(HEADER + rows)
    columns = expected.columns
    assert expected.config == "ranks" and expected.keywords == {"pool_sizes": {"de": 5, "en": 5}}
    assert columns["pool_ranks"] == [[1, 4], [3, 1]] and columns["query_language"] == ["de", "en"]
    flat = [dict(zip(run_text.FIELDS, line.split(","), strict=True)) for line in rows.split()]
    assert run_text.parse_run(json.dumps({"pool_sizes": {"de": 5, "en": "5"}, "rows": flat})) == expected
    by_query = [{name: columns[name][row] for name in columns} for row in range(2)]
    assert run_text.parse_run(json.dumps({"pool_sizes": {"de": 5, "en": 5}, "rows": by_query})) == expected
    assert run_text.parse_run(json.dumps(columns | {"pool_sizes": {"de": 5, "en": 5}})) == expected
    assert run_text.parse_run("\ufeff" + (HEADER + rows).replace("\n", "\r\n")) == expected
    for delimiter in ";\t|":
        table = (HEADER + rows).replace(",", delimiter)
        assert run_text.parse_run(table) == expected


def test_a_row_may_begin_with_a_number_sign(run_text):
    rows = "# a remark\n" + HEADER + "#1,de,de,2,2\nq,de,de,1,1\n"
    found = run_text.parse_run(rows).columns
    assert found["query_id"] == ["#1", "q"] and found["pool_ranks"] == [[2], [1]]


@pytest.mark.parametrize("config", ["ranks", "top_k", "embeddings"])
def test_every_form_of_the_card_is_taken_as_columns(page, config):
    columns, keywords = RUNS[config] if config in RUNS else EMBEDDINGS
    keywords = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in keywords.items()}
    columns = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in columns.items()}
    text = json.dumps({**columns, **keywords}, default=lambda value: value.tolist())
    found = page.measure(text)
    expected = compute_metric(config, columns, keywords)
    assert found["mul_map"] == pytest.approx(expected["mul_map"]) and found["matrix"] == expected["matrix"]
    assert "mAP in the three settings" in page.score_run(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_memory_mb": 10**9}, "'max_memory_mb' is not known here"),
        ({"k": 10**9}, "k must be a whole number from 1 to 1,000"),
        ({"k": True}, "k must be a whole number"),
        ({"pool_ranks": [[0]]}, "Row 1: pool_rank must be a whole number from 1 to"),
        ({"pool_ranks": 7}, "column 'pool_ranks'"),
        ({"pool_ranks": None}, "column 'pool_ranks' is missing"),
        ({"pool_sizes": {"de": 3, " de": 4}}, "In the pool sizes, 'de' is named twice"),
        ({"clusters": 7}, "cluster"),
    ],
)
def test_what_is_wrong_in_a_column_form_is_said(page, change, message):
    good = {
        "query_id": ["q"],
        "query_language": ["de"],
        "candidate_languages": [["de"]],
        "pool_ranks": [[1]],
        "language_ranks": [[1]],
        "pool_sizes": {"de": 3},
    }
    assert "alert" not in page.score_run(json.dumps(good))
    with pytest.raises(InputError) as caught:
        page.measured(json.dumps(good | change))
    assert message in str(caught.value)


def test_an_example_is_shown_with_its_own_figures(page):
    for _, example in page.EXAMPLES:
        assert page.shown_example(example) == (example, page.score_run(example))
    assert len({page.score_run(example) for _, example in page.EXAMPLES}) == len(page.EXAMPLES) == 3
    app = page.build_app()
    chosen = [one for one in app.get_config_file()["dependencies"] if not one["inputs"] and len(one["outputs"]) == 2]
    assert len(chosen) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is no run"),
        ("   \n", "There is no run"),
        (None, "There is no run"),
        ("a" * 1_000_001, "larger than 1,000,000 bytes"),
        ("ü" * 500_001, "larger than 1,000,000 bytes"),
        (HEADER, "The run has no rows"),
        (HEADER + "q,de,de,1,1\n" * 20_001, "more than 20,000 rows"),
        (HEADER.partition("\n")[2] + "q,de,de,1,1", "The pool sizes are missing"),
        ("# pool_sizes: de\n" + HEADER, "'de' is not like de=1276"),
        (HEADER + "q,de,de,0,1", "Row 1: pool_rank must be a whole number from 1 to"),
        ("# pool_sizes: de=1 de=2\n" + HEADER.partition("\n")[2] + "q,de,de,1,1", "'de' is named twice"),
        ("# pool_sizes: de=-1\n" + HEADER.partition("\n")[2] + "q,de,de,1,1", "must be a whole number"),
        (
            "# pool_sizes: " + " ".join(f"x{n}=1" for n in range(41)) + "\n" + HEADER + "q,de,de,1,1",
            "There are 43 languages",
        ),
        (
            "query_id,pool_rank\nq,1",
            "must name the columns query_id, query_language, candidate_language, pool_rank, language_rank; 'query_language' is not among them",
        ),
        (HEADER + "q,de,de,first,1", "Row 1: pool_rank must be a whole number from 1 to 10,000,000,000, got 'first'"),
        (HEADER + "q,de,de,99999999999999999999,1", "Row 1: pool_rank must be a whole number"),
        (HEADER + "q,de,de,٣,1", "Row 1: pool_rank must be a whole number"),
        (HEADER + "q,de,de,1", "Row 1: language_rank must be a whole number"),
        (HEADER + ",de,de,1,1", "Row 1: query_id must be a text of 1 to 200 characters, got ''"),
        (HEADER + "q," + "d" * 36 + ",de,1,1", "Row 1: query_language must be a text of 1 to 35 characters"),
        (HEADER + "q,de,de,1,1\nq,en,en,2,1", "Row 2: query 'q' has the language 'en' here and 'de' before"),
        (HEADER + '"q,de,de,1,1', "This is not CSV"),
        ("{", "This is not JSON"),
        ("[" * 100_000, "This is not JSON"),
        ("[]", 'JSON must be an object with "pool_sizes"'),
        ('{"rows": [{"query_id": "\\ud800"}]}', "half of a surrogate pair"),
        (HEADER + "\ud800,de,de,1,1", "half of a surrogate pair"),
        ("\ufeff  \n", "There is no run"),
        ('{"rows": [1]}', "Row 1 is not an object"),
        (
            '{"rows": [{"query_id": "q", "pool_ranks": [1], "language_ranks": [1, 2]}]}',
            "must be lists of equal length",
        ),
        ('{"rows": [{"query_id": true}]}', "Row 1: query_id must be a text"),
        (
            '{"pool_sizes": [], "rows": [{"query_id": "q", "query_language": "de", "candidate_language": "de", "pool_rank": 1, "language_rank": 1}]}',
            "pool sizes are missing",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(run_text, text, message):
    with pytest.raises(InputError) as caught:
        run_text.parse_run(text)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_is_shown(page):
    shown = page.score_run(page.EXAMPLE_CSV)
    table = re.search(r"<caption>mAP of every.*?</table>", shown)[0]
    assert re.findall(r">([\d.]+)</td>", table) == [
        *("0.7500", "1.0000", "0.7500"),
        *("0.7500", "1.0000", "0.3750"),
        *("0.6667", "0.3333", "1.0000"),
    ]
    assert table.count('scope="row"') == 3 and table.count('scope="col"') == 4 and table.count("class=own") == 3
    assert re.findall(r"<dd>(.*?)</dd>", shown) == ["0.9167", "0.6458", "0.6050"]
    assert "Kendall&#x27;s W" in shown and "Rank distance, median" in shown
    assert "PEER" not in shown


def test_whatever_is_pasted_is_escaped(page):
    attack = '<img src=x onerror="alert(1)">'
    tag = "<script>alert(1)</script>"
    languages = {"query_language": tag, "candidate_language": tag}
    row = {"query_id": attack, **languages, "pool_rank": 1, "language_rank": 1}
    answers = [
        page.score_run(HEADER + f"{attack.replace(chr(34), '')},de,de,1,1\nq,{tag},de,1,1"),
        page.score_run(json.dumps({"pool_sizes": {tag: 3}, "rows": [row]})),
        page.score_run(json.dumps({"pool_sizes": {tag: "x"}, "rows": [row]})),
        page.score_run(f"# pool_sizes: {attack}\n" + HEADER),
        page.score_run(json.dumps({"rows": [{"query_id": "q", "query_language": tag * 9}]})),
    ]
    for answer in answers:
        assert "<script" not in answer and "<img" not in answer
    assert "&lt;script&gt;" in answers[1] and "<table>" in answers[1]
    assert 'role="alert"' in answers[0]


def test_mistakes_of_the_metric_are_shown_too(page):
    shown = page.score_run(HEADER + "q,de,de,11,1")
    assert 'role="alert"' in shown and "pool rank 11 is not in 1..10" in shown


def test_uploads_are_checked_and_deleted(page, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()

    def upload(content: bytes) -> tuple:
        file = tmp_path / "uploads" / "run.csv"
        file.write_bytes(content)
        answer = page.score_upload(str(file))
        assert not file.exists()
        return answer

    text, shown = upload(b"\xef\xbb\xbf" + page.EXAMPLE_CSV.encode())
    assert (text, shown) == (page.EXAMPLE_CSV, page.score_run(page.EXAMPLE_CSV))
    for content, message in (
        (b"\xff\xfe", "UTF-16"),
        ("ß".encode("latin-1"), "Latin-1"),
        (b"a" * 1_000_001, "larger than"),
    ):
        assert message in upload(content)[1]
    outside = tmp_path / "secret"
    outside.write_text("secret")
    for path in (None, "", str(outside), str(tmp_path / "uploads" / ".." / "secret"), str(tmp_path / "uploads")):
        text, shown = page.score_upload(path)
        assert text == "" and 'role="alert"' in shown and "secret" not in shown
    assert outside.read_text() == "secret"


def test_programs_get_the_metric_itself(page):
    import gradio as gr

    found = page.measure(page.EXAMPLE_CSV)
    run = importlib.import_module("run_text").parse_run(page.EXAMPLE_CSV)
    assert found == compute_metric("ranks", run.columns, run.keywords) and found["mo_map"] > 0.9
    with pytest.raises(gr.Error, match="There is no run"):
        page.measure("")


def test_the_page_builds(page):
    app = page.build_app()
    config = app.get_config_file()
    kinds = [component["type"] for component in config["components"]]
    assert {"textbox", "uploadbutton", "button", "html"} <= set(kinds)
    assert {
        dependency["api_name"] for dependency in config["dependencies"] if dependency["api_visibility"] == "public"
    } == {"measure"}
    assert app.analytics_enabled is False
    assert front_matter()["sdk_version"].split(".")[0] == importlib.import_module("gradio").__version__.split(".")[0]


def test_only_a_line_feed_ends_a_line(run_text):
    """A separator of another kind inside an id does not end its row."""
    text = "\ufeff" + (HEADER + "q\u2028x,de,de,1,1\n\n").replace("\n", "\r\n")
    columns = run_text.parse_run(text).columns
    assert columns["query_id"] == ["q\u2028x"]
