"""The real-data mix: cutting of passages, splits by document, what must never get in. On tiny sets made here."""

import json
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_hybrid.errors import InputError

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import real_data
import real_data_mix as mix
import real_data_readers as readers

LETTER = {"ar": "ب", "el": "β", "hi": "क", "ru": "ж", "th": "ก", "zh": "字"}


def in_language(lang: str, word: str) -> str:
    """A text in the language's script that no other word gives."""
    return f"{lang if lang not in LETTER else LETTER[lang] * (4 * len(word))} {word}"


def write(folder: Path, name: str, rows: list[dict]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")


def texts(ids: list[str], langs: tuple[str, ...] = readers.LANGUAGES, **extra: object) -> list[dict]:
    return [{"id": i, "lang": lang, "text": in_language(lang, f"word{i}"), **extra} for i in ids for lang in langs]


def course_rows(documents: int) -> list[dict]:
    rows = []
    for d in range(documents):
        heading = f"course/{d}.md#0"
        for block, kind, words in (
            (0, "h2", "how to begin"),
            (1, "p", "long block " * 6),
            (2, "li", "other block " * 5),
        ):
            for lang in readers.LANGUAGES:
                text = in_language(lang, f"{words} {d} {block}")
                rows.append(
                    {"id": f"course/{d}.md#{block}", "lang": lang, "kind": kind, "heading_id": heading, "text": text}
                )
    return rows


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "lareqa/xquad-r").mkdir(parents=True)
    write(folder, "ms_curricula_parallel", course_rows(40))
    write(folder, "docs_human_parallel", course_rows(3))
    write(folder, "misc_parallel", texts(["m1", "m2"], source="tldr-pages/tldr"))
    write(folder, "tico19", texts(["c1"]))
    write(folder, "ud_pud", [*texts(["u1"]), {"id": "u1", "lang": "zh-Hant", "text": "傳統"}])
    write(folder, "bible_parallel", texts(["Genesis/1/1"], ("de", "en")))
    questions = [{**row, "question": row["text"], "source": "q", "answer": None} for row in texts(["q1"])]
    write(folder, "questions_parallel", questions)
    faq = [{**row, "question": row["text"], "answer": row["text"] + " yes", "source": "s"} for row in texts(["f1"])]
    write(folder, "faq_parallel", faq)
    write(
        folder,
        "tatoeba_en_pairs",
        [
            {"lang": "tr", "en": "Good day.", "text": "İyi günler.", "in_laser_eval": False},
            {"lang": "vi", "en": "Good day.", "text": "Xin chào.", "in_laser_eval": False},
            {"lang": "tr", "en": "Go home.", "text": "Eve git.", "in_laser_eval": True},
            {"lang": "tr", "en": "Look here.", "text": "Bak buraya.", "in_laser_eval": False},
        ],
    )
    write(folder, "tatoeba_laser_eval", [{"lang": "tr", "i": 0, "text": "Buraya bak.", "en": "Look here."}])
    write(folder, "ntrex128", [{"id": 7, "lang": r["lang"], "text": r["text"] + "\r"} for r in texts(["n7"])])
    passages = []
    for n in range(80):
        passage = f"The first town of number {n} is old. Its river is called stream{n} by all."
        for k, (question, answer) in enumerate((("What river?", f"stream{n}"), ("Which is old?", "The first town"))):
            row = {"id": f"set:{n}-{k}", "lang": "en", "passage_lang": "en", "question": f"{question} {n}"}
            row |= {"answer": answer, "answer_start": passage.find(answer), "passage": passage, "source": "set"}
            passages.append(row)
    write(folder, "qa_passages", passages)
    write(folder, "commonvoice_sentences", [{"lang": "ar", "text": in_language("ar", "voice"), "file": "f"}])
    write(folder, "queries_miracl_mrtydi", [{"lang": "fi", "question": "Missä?", "qid": "1"}])
    paragraph = {
        "context": "Whole paragraph.",
        "sentences": ["A sentence of the test."],
        "qas": [{"question": "Who?"}],
    }
    (folder / "lareqa/xquad-r/en.json").write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    return folder


def load(output: Path, part: str) -> pd.DataFrame:
    return pq.read_table(output / part / f"{mix.SPLITS[part]}.parquet").to_pandas()


def test_mix_is_split_by_document_and_reproducible(source: Path, tmp_path: Path) -> None:
    report = mix.build_mix(source, tmp_path / "a")
    again = mix.build_mix(source, tmp_path / "b")
    assert report["outputs"] == again["outputs"]
    align, qa, dev = (load(tmp_path / "a", part) for part in ("align", "qa", "qa_dev"))
    documents = [set(table.id.str.split("#").str[0]) for table in (align, qa, dev)]
    assert documents[2]
    assert not documents[2] & (documents[0] | documents[1])
    held_out_texts = set(dev["query"]) | set(dev["passage"])
    assert not held_out_texts & (set(align["query"]) | set(qa["passage"]))
    for table in (align, qa, dev):
        assert list(table.columns) == readers.COLUMNS
        assert not table.duplicated(["id", "lang"]).any()
    assert (align["query"] == align["passage"]).all()
    assert not dev.drop_duplicates("id").duplicated("passage_id").any()
    assert report["parts"]["align"]["renditions"] == len(align)
    assert in_language("ar", "voice") in set(pq.read_table(tmp_path / "a/text.parquet").column("text").to_pylist())
    assert json.loads((tmp_path / "a/mix.json").read_text()) == report


def test_blocks_of_a_heading_are_masked_by_its_id(source: Path) -> None:
    pairs = readers.heading_pairs(source, "docs_human_parallel", "docs")
    assert set(pairs.passage_id) == {f"docs:course/{d}.md#0" for d in range(3)}
    assert pairs.groupby("passage_id").id.nunique().eq(2).all()
    one = pairs[(pairs.id == "docs:course/1.md#2") & (pairs.lang == "en")].iloc[0]
    assert one["query"].endswith("how to begin 1 0") and one["passage"].endswith("1 2")


def test_tokenizer_text_is_balanced_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mix, "TEXT_CHARACTERS", 600)
    texts_of = {
        "en": [f"word number {n:03}" for n in range(200)],
        "zh": [f"字{n:04}" for n in range(200)],
        "el": ["λόγος"],
    }
    rows = [(lang, text) for lang, of_language in texts_of.items() for text in of_language]
    table = pd.DataFrame(rows, columns=["lang", "text"])
    part = table.assign(query=table.text, passage=table.text)
    text = mix.balanced_text([part], table)
    assert text.lang.value_counts().to_dict() == {"en": 40, "zh": 40, "el": 1}
    assert text.equals(mix.balanced_text([part.sample(frac=1, random_state=1)], table).set_index(text.index))


def test_tatoeba_groups_by_english_and_drops_the_test_pairs(source: Path) -> None:
    table = readers.align_tatoeba(source)
    assert table.id.nunique() == 1
    assert dict(zip(table.lang, table["query"], strict=True)) == {
        "en": "Good day.",
        "tr": "İyi günler.",
        "vi": "Xin chào.",
    }


def test_development_bitext_and_traditional_chinese(source: Path) -> None:
    bitext = readers.development_bitext(source)
    assert set(bitext.lang) == set(readers.LANGUAGES)
    assert not bitext["query"].str.contains("\r").any()
    assert "zh-Hant" not in set(readers.align_pud(source).lang)


@pytest.mark.parametrize("text", ["A sentence of the TEST.", "a sentence—of the test"])
def test_evaluation_text_is_refused(source: Path, tmp_path: Path, text: str) -> None:
    rows = [{"id": "c9", "lang": "de", "text": "Ein Satz."}, {"id": "c9", "lang": "en", "text": text}]
    write(source, "tico19", rows)
    with pytest.raises(InputError, match="'tico19:c9' is XQuAD-R text"):
        mix.build_mix(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_command_reports_mistakes_in_one_line(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = ["mix", "--source", str(source), "--output", str(tmp_path / "out")]
    (tmp_path / "out").mkdir()
    assert real_data.main(arguments) == 2
    assert "already exists" in capsys.readouterr().err
    (tmp_path / "out").rmdir()
    (source / "tico19.parquet").write_bytes(b"no parquet")
    assert real_data.main(arguments) == 2
    assert "tico19.parquet: not readable" in capsys.readouterr().err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
