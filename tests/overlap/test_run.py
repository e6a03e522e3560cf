"""The command, from arguments to report and filtered set; the report's numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.cli.decontaminate import named_paths
from hf_hybrid.cli.main import main
from hf_hybrid.errors import InputError
from hf_hybrid.overlap.report import report_markdown
from hf_hybrid.overlap.run import decontaminate
from tests.overlap.lighthouse import QUESTIONS, SENTENCES

Write = Callable[..., Path]
FIRST = SENTENCES["en"][0]


@pytest.fixture
def train(write_train: Write) -> Path:
    return write_train(
        [
            ("a", "en", QUESTIONS["en"].upper(), FIRST, None),
            ("a", "de", "Wer war es?", "Drei Brüder waren es im Winter.", None),
            ("b", "ja", "誰？", "灯台の話", "Cape Lighthouse"),
            ("c", "de", "Was gibt es hier zu essen?", "Dunkles Brot mit Kümmel gibt es hier.", "Brot"),
        ]
    )


def test_command_reports_and_filters(
    train: Path, against: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    words = [
        "--train",
        train,
        "--against",
        f"lights={against}",
        "--report",
        tmp_path / "r.json",
        "--output",
        tmp_path / "o",
    ]
    assert main(["decontaminate", *map(str, words), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "**3 texts of 2 examples overlap**. The filtered set lacks 3 rows of 2 examples." in printed
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["hits"]["by_check"] == {"exact": {"passage": 1, "query": 1}, "title": {"title": 1}}
    assert report["hits"]["by_language"] == {"en": {"exact": 2}, "ja": {"title": 1}}
    assert report["hits"]["by_source"] == {"set-a": {"exact": 2}, "set-b": {"title": 1}}
    assert report["train"] == {
        "rows": 4,
        "rows_with_title": 2,
        "by_source": {"set-a": {"de": 1, "en": 1}, "set-b": {"ja": 1}, "set-c": {"de": 1}},
    }
    assert report["against"]["lights"]["query"] == {"en": {"texts": 1, "hit": 1}, "zh": {"texts": 1, "hit": 0}}
    assert (tmp_path / "r.md").read_text() in printed
    # The translation of a text that overlaps goes with it.
    assert pq.read_table(tmp_path / "o/train.parquet").column("id").to_pylist() == ["c"]


def test_report_names_no_folder_of_the_machine(train: Path, against: Path, tmp_path: Path) -> None:
    report = decontaminate(train, {"lights": against})
    text = json.dumps(report) + report_markdown(report)
    assert str(tmp_path) not in text and "train.parquet" not in text


def test_same_input_same_bytes(train: Path, against: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        decontaminate(train, {"lights": against}, report=tmp_path / f"{name}.json", output=tmp_path / name)
    for file in ("json", "md"):
        assert (tmp_path / f"one.{file}").read_bytes() == (tmp_path / f"two.{file}").read_bytes()
    assert (tmp_path / "one/train.parquet").read_bytes() == (tmp_path / "two/train.parquet").read_bytes()


def test_clean_set(write_train: Write, against: Path) -> None:
    report = decontaminate(write_train([("c", "de", "Was?", "Brot.")]), {"lights": against})
    assert report["hits"]["texts"] == 0 and report["list"] == []
    page = report_markdown(report)
    assert "### Examples" not in page
    assert "the training set has no column `title`" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--similarity", "7"], "--similarity must be above 0 and at most 1"),
        (["--remove", "row"], "unknown unit 'row'"),
        (["--report", "page.md"], "name a .json file"),
        (["--checks", "exact", "fuzzy"], "unknown check 'fuzzy'"),
    ],
)
def test_mistakes_are_one_line(
    train: Path, against: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str], message: str
) -> None:
    arguments = ["decontaminate", "--train", str(train), "--against", str(against), "--output", str(tmp_path / "o")]
    assert main([*arguments, "--quiet", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error
    assert not (tmp_path / "o").exists()


def test_existing_outputs_stay(train: Path, against: Path, tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text("mine")
    with pytest.raises(InputError, match="r.md exists"):
        decontaminate(train, {"lights": against}, report=tmp_path / "r.json")
    (tmp_path / "o").mkdir()
    with pytest.raises(InputError, match="already exists"):
        decontaminate(train, {"lights": against}, output=tmp_path / "o")


def test_names_of_evaluation_sets(against: Path) -> None:
    assert named_paths([str(against), f"x={against}"]) == {"evaluation": str(against), "x": str(against)}
    with pytest.raises(InputError, match="two sets are called x"):
        named_paths(["x=a", "x=b"])


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.floats()
    | st.sampled_from([FIRST, *QUESTIONS.values(), "", " ", "EN", "German", "\u2028x"])
)
VALUES |= st.lists(VALUES, max_size=1) | st.dictionaries(st.just("text"), VALUES, max_size=1)
NAMES = ("id", "_id", "lang", "language", "query", "question", "passage", "context", "title", "source", "text")
ROWS = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)), max_size=4)


@settings(max_examples=500, deadline=None)
@given(ROWS, ROWS, st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_any_rows_are_compared_or_refused(tmp_path_factory, train, against, encoding, parquet) -> None:
    folder = tmp_path_factory.mktemp("rows")
    (folder / "against.jsonl").write_text("\n".join(map(json.dumps, against)), encoding=encoding)
    if parquet:
        try:
            pq.write_table(pa.Table.from_pylist(train), folder / "train.parquet")
        except (pa.ArrowException, OverflowError):
            (folder / "train.parquet").write_bytes(b"PAR1")
    else:
        (folder / "train.jsonl").write_text("\n".join(map(json.dumps, train)), encoding=encoding)
    train_file = next(folder.glob("train.*"))
    try:
        report = decontaminate(train_file, {"e": folder / "against.jsonl"}, output=folder / "clean")
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert report["removed"]["rows"] <= len(train)
