"""Questions with the place of their answers: SQuAD's JSON, the Hub's tables, plain tables."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_hybrid.data.squad import Answer, Question, is_held_out, questions_sha256, read_questions, read_squad
from hf_hybrid.errors import InputError


def write_json(path: Path, rows: list[tuple[str, str, str, list[tuple[str, int]]]]) -> Path:
    """Rows of id, question, context, answers; a paragraph each."""
    paragraphs = [
        {
            "context": context,
            "qas": [{"id": name, "question": text, "answers": [{"text": t, "answer_start": s} for t, s in answers]}],
        }
        for name, text, context, answers in rows
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}, ensure_ascii=False), encoding="utf-8")
    return path


def test_json_is_read_and_hidden_answers_are_none(tmp_path):
    path = write_json(
        tmp_path / "sw.json",
        [("1", "Wapi?", "Iko Nairobi.", [("Nairobi", 4), ("Nairobi", 4)]), ("2", "Lini?", "Mwaka 1999.", [("", 0)])],
    )
    assert read_squad(path) == [
        Question("1", "Wapi?", "Iko Nairobi.", (Answer("Nairobi", 4),)),
        Question("2", "Lini?", "Mwaka 1999.", ()),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"answers": [{"text": "Nairobi", "answer_start": 5}]},
            r"qas\[0\].answers\[0\]: 'Nairobi' does not stand at 5",
        ),
        ({"answers": [{"text": "Nairobi", "answer_start": True}]}, "no field 'answer_start' of type int"),
        ({"answers": [{"text": "i", "answer_start": -1}]}, "does not stand at -1"),
        ({"answers": None}, "no field 'answers' of type list"),
        ({"question": 3}, "no field 'question' of type str"),
    ],
)
def test_damage_is_named(tmp_path, change, message):
    row = {"id": "1", "question": "Wapi?", "answers": [{"text": "Nairobi", "answer_start": 4}]} | change
    path = tmp_path / "sw.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "Iko Nairobi.", "qas": [row]}]}]}))
    with pytest.raises(InputError, match=message):
        read_squad(path)


def test_tables_of_both_kinds(tmp_path, caplog):
    flat = {
        "id": ["swahili-1", "swahili-2"],
        "context": ["Iko Nairobi.", "Mwaka 1999."],
        "question": ["Wapi?", "Lini?"],
        "answers": [
            {"text": ["Nairobi"], "answer_start": [4]},
            {"text": [], "answer_start": []},
        ],
    }
    pq.write_table(pa.table(flat), tmp_path / "flat.parquet")
    assert read_questions(tmp_path / "flat.parquet") == [
        Question("swahili-1", "Wapi?", "Iko Nairobi.", (Answer("Nairobi", 4),)),
        Question("swahili-2", "Lini?", "Mwaka 1999.", ()),
    ]
    plain = {
        "lang": ["tr"] * 4,
        "passage": ["Ankara'da."] * 4,
        "question": ["Nerede?"] * 4,
        "answer": ["Ankara", "in Ankara", None, "Ankara"],
        "answer_start": [0, 0, None, 3],
    }
    pq.write_table(pa.table(plain), tmp_path / "plain.parquet")
    assert read_questions(tmp_path / "plain.parquet") == [
        Question("", "Nerede?", "Ankara'da.", (Answer("Ankara", 0),), "tr")
    ]
    assert "3 of 4 rows are left out" in caplog.text


def test_other_files_are_refused(tmp_path):
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="has the columns text: give context, question, answers, or passage"):
        read_questions(tmp_path / "other.parquet")
    (tmp_path / "a.csv").write_text("x")
    for name in ("a.csv", "missing.json"):
        with pytest.raises(InputError, match=f"{name}: .*give .json files"):
            read_questions(tmp_path / name)


def test_what_is_held_out_follows_from_the_passage_alone():
    share = sum(is_held_out(f"passage {number}") for number in range(5000)) / 5000
    assert abs(share - 0.2) < 0.02
    assert is_held_out("passage 7") is is_held_out("passage 7")


def test_the_digest_knows_every_field():
    base = Question("1", "q", "context", (Answer("con", 0),), "sw")
    others = [
        Question("1", "r", "context", (Answer("con", 0),), "sw"),
        Question("1", "q", "contexts", (Answer("con", 0),), "sw"),
        Question("1", "q", "context", (Answer("c", 0),), "sw"),
        Question("1", "q", "context", (Answer("con", 0),), "te"),
    ]
    assert len({questions_sha256([one]) for one in [base, *others]}) == 5
    assert questions_sha256([base]) == questions_sha256(
        [Question("9", *(base.text, base.context), base.answers, "sw")]
    )
