"""The embedded data set: what is committed is whole, clean, split by entity, loadable, and what build.py makes."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "hub_datasets" / "cldr_qa"
SPLITS = ("train", "dev", "test")
COLUMNS = ["id", "lang", "query", "passage", "passage_id", "source"]
XQUAD_R = {"ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"}
LANGUAGES = XQUAD_R | {"bn", "fa", "fi", "id", "ja", "ko", "sw"}
# First words of Unicode character names: the scripts in which a language may be written.
SCRIPTS = {
    **{tag: {"ARABIC"} for tag in ("ar", "fa")},
    **{tag: {"LATIN"} for tag in ("de", "en", "es", "fi", "id", "sw", "tr", "vi")},
    "bn": {"BENGALI"},
    "el": {"GREEK"},
    "hi": {"DEVANAGARI"},
    "ja": {"HIRAGANA", "KATAKANA", "CJK"},
    "ko": {"HANGUL"},
    "ru": {"CYRILLIC"},
    "th": {"THAI"},
    "zh": {"CJK"},
}
QUESTION_MARK = {"ar": "؟", "fa": "؟", "el": ";", "ja": "？", "zh": "？", "th": ""}

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return {split: pq.read_table(FOLDER / "data" / f"{split}.parquet") for split in SPLITS}


@pytest.fixture(scope="module")
def rows(tables: dict[str, pa.Table]) -> dict[str, Rows]:
    return {split: table.to_pylist() for split, table in tables.items()}


@pytest.fixture(scope="module")
def build() -> ModuleType:
    pytest.importorskip("babel")
    spec = importlib.util.spec_from_file_location("cldr_qa_build", FOLDER / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


@pytest.fixture(scope="module")
def rebuilt(build: ModuleType) -> tuple[dict[str, Rows], dict[str, str]]:
    import babel

    if babel.__version__ != build.BABEL_VERSION:
        pytest.skip(f"Babel {babel.__version__} is installed, the data set was built with {build.BABEL_VERSION}")
    return build.build_rows()


def every(rows: dict[str, Rows]) -> Rows:
    return [row for split in SPLITS for row in rows[split]]


def test_all_splits_have_the_documented_columns(tables: dict[str, pa.Table]) -> None:
    for table in tables.values():
        assert table.column_names == COLUMNS
        assert all(field.type == pa.string() for field in table.schema)
        assert all(column.null_count == 0 for column in table.columns)


def test_id_and_language_are_unique(rows: dict[str, Rows]) -> None:
    counts = Counter((row["id"], row["lang"]) for row in every(rows))
    assert counts.most_common(1)[0][1] == 1


def test_size_and_languages(rows: dict[str, Rows]) -> None:
    assert len({row["id"] for row in every(rows)}) >= 4000
    for split in SPLITS:
        counts = Counter(row["lang"] for row in rows[split])
        assert set(counts) == LANGUAGES
        assert min(counts.values()) > 0.85 * len({row["id"] for row in rows[split]})
    assert sum((FOLDER / "data" / f"{split}.parquet").stat().st_size for split in SPLITS) < 6e6


def test_most_examples_are_in_all_languages(rows: dict[str, Rows]) -> None:
    languages_of = Counter(row["id"] for row in every(rows))
    assert sum(count == len(LANGUAGES) for count in languages_of.values()) > 0.8 * len(languages_of)
    assert min(languages_of.values()) >= 14


def test_text_is_clean(rows: dict[str, Rows]) -> None:
    dirty = re.compile(r"[{}]|^\s|\s$|  |\.\.|\bNone\b|[\u200e\u200f\u00a0\n\t]|\((는|를|으)\)")
    for row in every(rows):
        for text in (row["query"], row["passage"]):
            assert text
            assert not dirty.search(text), row
            assert text == unicodedata.normalize("NFC", text)
            assert not text[0].islower(), row


def test_text_is_in_the_script_of_its_language(rows: dict[str, Rows]) -> None:
    scripts = {}
    for row in every(rows):
        for text in (row["query"], row["passage"]):
            found = {
                scripts.setdefault(c, unicodedata.name(c, "").split(" ")[0].split("-")[0]) for c in text if c.isalpha()
            }
            assert found & SCRIPTS[row["lang"]], row


def test_questions_end_in_the_question_mark_of_their_language(rows: dict[str, Rows]) -> None:
    for row in every(rows):
        assert row["query"].endswith(QUESTION_MARK.get(row["lang"], "?")), row


def test_id_passage_id_and_source_belong_together(rows: dict[str, Rows]) -> None:
    for row in every(rows):
        assert row["id"].rsplit("/", 1)[0] == row["passage_id"]
        assert row["passage_id"].split("/", 1)[0] == row["source"]
    assert len({row["source"] for row in every(rows)}) >= 10


def test_questions_share_passages(rows: dict[str, Rows]) -> None:
    ids = defaultdict(set)
    texts = defaultdict(set)
    for row in every(rows):
        ids[row["passage_id"]].add(row["id"])
        texts[row["passage_id"], row["lang"]].add(row["passage"])
    assert sum(len(values) >= 2 for values in ids.values()) > 1000
    assert all(len(values) == 1 for values in texts.values())


@pytest.mark.parametrize("column", ["query", "passage"])
def test_a_text_belongs_to_one_passage(rows: dict[str, Rows], column: str) -> None:
    owners = defaultdict(set)
    for row in every(rows):
        owners[row["lang"], row[column]].add(row["passage_id"])
    assert [text for text, passages in owners.items() if len(passages) > 1] == []


def test_an_entity_is_in_one_split(rows: dict[str, Rows]) -> None:
    # The kind of an entity is the part of the relation's name after "of_": territory, currency, city, language ...
    splits = defaultdict(set)
    for split in SPLITS:
        for row in rows[split]:
            source, entity = row["passage_id"].split("/", 1)
            splits[source.rsplit("_of_", 1)[-1], entity].add(split)
    assert len(splits) > 1000
    assert [entity for entity, found in splits.items() if len(found) > 1] == []


def test_a_group_of_entities_is_in_one_split(
    rows: dict[str, Rows], rebuilt: tuple[dict[str, Rows], dict[str, str]]
) -> None:
    _, cluster_of = rebuilt
    splits = defaultdict(set)
    for split in SPLITS:
        for row in rows[split]:
            splits[cluster_of[row["passage_id"]]].add(split)
    assert all(len(found) == 1 for found in splits.values())
    # Japan, its city, its currency and its language stay together.
    japan = ("code_of_territory/JP", "time_zone_of_city/Asia/Tokyo", "code_of_currency/JPY", "code_of_language/ja")
    assert {cluster_of[passage] for passage in japan} == {"territory:JP"}
    shares = Counter(split for split in SPLITS for _ in {row["id"] for row in rows[split]})
    assert 0.7 < shares["train"] / shares.total() < 0.85


def test_committed_rows_are_what_build_makes(
    rows: dict[str, Rows], rebuilt: tuple[dict[str, Rows], dict[str, str]]
) -> None:
    made, _ = rebuilt
    for split in SPLITS:
        assert rows[split] == made[split]


@pytest.mark.parametrize("split", ["dev", "test"])
def test_bytes_are_reproducible(
    split: str, rebuilt: tuple[dict[str, Rows], dict[str, str]], build: ModuleType, tmp_path: Path
) -> None:
    digests = {build.write_parquet(rebuilt[0][split], tmp_path / f"{name}.parquet") for name in ("once", "twice")}
    assert len(digests) == 1
    assert not list(tmp_path.glob("*.tmp"))
    if f"PyArrow {pa.__version__}." in (FOLDER / "README.md").read_text("utf-8"):
        assert digests == {hashlib.sha256((FOLDER / "data" / f"{split}.parquet").read_bytes()).hexdigest()}


def test_card_states_the_checksums_and_languages() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    digests = {s: hashlib.sha256((FOLDER / "data" / f"{s}.parquet").read_bytes()).hexdigest() for s in SPLITS}
    content = hashlib.sha256(" ".join(digests[split] for split in SPLITS).encode()).hexdigest()[:16]
    assert front["configs"][0]["description"] == f"build {content}"
    assert set(front["language"]) == LANGUAGES
    assert [entry["split"] for entry in front["configs"][0]["data_files"]] == list(SPLITS)
    assert (front["license"], front["license_link"]) == ("other", "LICENSE")
    for split in SPLITS:
        assert f"{digests[split]}  data/{split}.parquet" in text


def test_example_rows_of_the_card_are_real(rows: dict[str, Rows]) -> None:
    introduction = (FOLDER / "README.md").read_text("utf-8").split("\n## ")[0]
    examples = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", introduction, re.MULTILINE)
    real = {(row["lang"], row["query"], row["passage"]) for row in every(rows)}
    assert len(examples) >= 5
    assert set(examples) <= real


def test_load_dataset_honours_the_card(
    tables: dict[str, pa.Table], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(ROOT)
    loaded = datasets.load_dataset("hub_datasets/cldr_qa", cache_dir=str(tmp_path))
    assert list(loaded) == list(SPLITS)
    for split in SPLITS:
        assert loaded[split].column_names == COLUMNS
        assert loaded[split].num_rows == tables[split].num_rows
        assert loaded[split][0] == tables[split].slice(0, 1).to_pylist()[0]


def test_another_build_is_not_read_from_the_cache_of_the_last_one(build: ModuleType, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    folder, cache = tmp_path / "copy", str(tmp_path / "cache")
    (folder / "data").mkdir(parents=True)
    shutil.copy(FOLDER / "README.md", folder)

    def rebuild_and_load(query: str) -> str:
        row = dict.fromkeys(COLUMNS, "x") | {"query": query}
        digests = {split: build.write_parquet([row], folder / "data" / f"{split}.parquet") for split in SPLITS}
        build.update_card(folder / "README.md", {}, digests)
        return datasets.load_dataset(str(folder), cache_dir=cache)["dev"][0]["query"]

    assert rebuild_and_load("old") == "old"
    assert rebuild_and_load("new") == "new"


def test_templates_of_all_languages_have_the_same_fields(build: ModuleType) -> None:
    templates = build.load_templates()
    assert set(templates) == LANGUAGES
    for tag, relations in templates.items():
        assert relations.keys() == templates["en"].keys()
        for relation, table in relations.items():
            assert table.keys() == templates["en"][relation].keys(), (tag, relation)
            for key, phrasings in table.items():
                if isinstance(phrasings, list):
                    model = templates["en"][relation][key]
                    fields = [[set(re.findall(r"\{(\w+)\}", text)) for text in texts] for texts in (phrasings, model)]
                    assert fields[0] == fields[1], (tag, relation, key)
                    assert len(set(phrasings)) == len(phrasings) >= 2


def test_names_do_not_depend_on_the_languages_read_before(build: ModuleType) -> None:
    # Babel's own Locale objects fail this: resolved aliases of one locale leak into the next.
    for tag in ("zh", "ja", "ru"):
        assert len(build.Names(tag).months) == 12
    assert build.Names("id").months[1] == "Januari"
    assert build.Names("ru").months[1] == "январь"
    assert build.Names("de").join(["A", "B", "C"]) == "A, B und C"
    assert build.Names("fa").number(2002) == "۲۰۰۲"


@pytest.mark.parametrize(
    ("template", "language", "expected"),
    [
        ("{t} is big.", "en", "The Bahamas is big."),
        ("{t} büyüktür. {u}: {code}", "tr", "The Bahamas büyüktür. İnç: xx"),
        ("{ko}은(는) {ko}을(를) ‘{ko}’(으)로", "ko", "서울은 서울을 ‘서울’로"),
        ("{ja}은(는) {ja}을(를) {ja}(으)로", "ko", "쿠바는 쿠바를 쿠바로"),
        ("Symbol: {abbreviation}.", "el", "Symbol: εκ."),
    ],
)
def test_fill(build: ModuleType, template: str, language: str, expected: str) -> None:
    fields = {"t": "the Bahamas", "u": "inç", "code": "xx", "ko": "서울", "ja": "쿠바", "abbreviation": "εκ."}
    assert build.fill(template, fields, language) == expected


def test_build_refuses_to_overwrite(tmp_path: Path) -> None:
    pytest.importorskip("babel")
    (tmp_path / "dev.parquet").write_bytes(b"mine")
    command = [sys.executable, str(FOLDER / "build.py"), "--output", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 2
    assert "dev.parquet exists: pass --force" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["dev.parquet"]
    assert (tmp_path / "dev.parquet").read_bytes() == b"mine"


def test_build_warns_of_another_babel(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "dev.parquet").touch()  # so that it stops right after the warning
    monkeypatch.setattr(build, "BABEL_VERSION", "0.0")
    with pytest.raises(SystemExit) as stop:
        build.main(["--output", str(tmp_path)])
    assert stop.value.code == 2
    assert "is not the recorded Babel 0.0" in caplog.text
