"""TyDi QA: four layouts of one content, pools, clusters, answers, the held-out fifth, and the real files."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.benchmarks.tydiqa import NAMES, reader_questions
from hf_hybrid.data.squad import Question, is_held_out
from hf_hybrid.errors import InputError
from tests.data.test_squad import write_json

SHARED = Path(os.environ.get("HF_HYBRID_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
REAL = SHARED / "tydiqa"
ROWS = {
    "sw": [
        ("swahili-1", "Wapi?", "Iko Nairobi, Kenya.", [("Nairobi", 4)]),
        ("swahili-2", "Nchi gani?", "Iko Nairobi, Kenya.", [("Kenya", 13)]),
        ("swahili-3", "Lini?", "Mwaka 1999.", [("1999", 6)]),
    ],
    "te": [("telugu-1", "Ekkada?", "Hyderabad lo.", [("Hyderabad", 0)])],
}


def folder_of_languages(folder: Path, split: str = "dev") -> Path:
    for tag, rows in ROWS.items():
        write_json(folder / split / f"{tag}.json", rows)
    return folder


def folder_of_xtreme(folder: Path) -> Path:
    for tag, rows in ROWS.items():
        write_json(folder / "tydiqa-goldp-v1.1-dev" / f"tydiqa.goldp.{tag}.dev.json", rows)
    return folder


def one_file(folder: Path) -> Path:
    write_json(folder / "tydiqa-goldp-v1.1-dev.json", [row for rows in ROWS.values() for row in rows])
    return folder


def folder_of_the_hub(folder: Path) -> Path:
    rows = [row for rows in ROWS.values() for row in rows]
    answers = [{"text": [t for t, _ in row[3]], "answer_start": [s for _, s in row[3]]} for row in rows]
    names = {"id": 0, "question": 1, "context": 2}
    columns = {name: [row[place] for row in rows] for name, place in names.items()}
    (folder / "secondary_task").mkdir(parents=True)
    path = folder / "secondary_task" / "validation-00000-of-00001.parquet"
    pq.write_table(pa.table({**columns, "title": [""] * len(rows), "answers": answers}), path)
    return folder


@pytest.mark.parametrize("make", [folder_of_languages, folder_of_xtreme, one_file, folder_of_the_hub])
def test_all_layouts_give_one_benchmark(tmp_path, make):
    found = load_benchmark("tydiqa", data_dir=make(tmp_path / "a"))
    assert found.languages == ("sw", "te") and found.settings == {"split": "dev"}
    assert list(found.candidates) == ["Iko Nairobi, Kenya.", "Mwaka 1999.", "Hyderabad lo."]
    assert found.relevance_candidates.tolist() == [0, 0, 1, 2]
    assert found.clusters.tolist() == [0, 0, 1, 2]  # two questions about one paragraph
    assert found.query_languages.tolist() == [0, 0, 0, 1] and found.candidate_languages.tolist() == [0, 0, 1]
    assert found.answers == [("Nairobi",), ("Kenya",), ("1999",), ("Hyderabad",)]
    assert found.query_ids[0] == "sw:swahili-1" and found.candidate_ids[1] == "sw:00001"
    assert found.data_sha256 == load_benchmark("tydiqa", data_dir=folder_of_languages(tmp_path / "b")).data_sha256
    only = load_benchmark("tydiqa", data_dir=tmp_path / "a", languages=["te"])
    assert only.languages == ("te",) and only.num_queries == 1


def test_a_folder_with_two_layouts_asks_everything_once(tmp_path):
    found = load_benchmark("tydiqa", data_dir=folder_of_the_hub(one_file(tmp_path)))
    assert (found.num_queries, found.num_candidates) == (4, 3)


def test_each_language_searches_its_own_paragraphs(tmp_path):
    found = load_benchmark("tydiqa_by_language", data_dir=folder_of_languages(tmp_path))
    swahili, telugu = found.collections
    assert swahili.judgements == [{"sw:00000": 1}, {"sw:00000": 1}, {"sw:00001": 1}]
    assert swahili.clusters == ["sw:00000", "sw:00000", "sw:00001"]
    assert list(swahili.corpus.texts) == ["Iko Nairobi, Kenya.", "Mwaka 1999."]
    assert list(telugu.query_ids) == ["te:telugu-1"]


def test_hidden_answers_change_no_pool(tmp_path):
    seen = load_benchmark("tydiqa", data_dir=folder_of_languages(tmp_path / "seen"))
    for tag, rows in ROWS.items():
        write_json(tmp_path / "hidden" / "dev" / f"{tag}.json", [(*row[:3], [("", 0)]) for row in rows])
    hidden = load_benchmark("tydiqa", data_dir=tmp_path / "hidden")
    assert hidden.answers == [()] * 4 and hidden.data_sha256 == seen.data_sha256


def test_a_fifth_of_train_is_held_out_by_its_paragraphs(tmp_path):
    rows = [("0", f"Swali {n}?", f"Aya {n // 2}.", [("Aya", 0)]) for n in range(200)]
    write_json(tmp_path / "train" / "sw.json", rows)
    whole = load_benchmark("tydiqa", data_dir=tmp_path, split="train")
    assert whole.num_queries == 200 and len(set(whole.query_ids)) == 200  # train's ids repeat
    assert whole.query_ids[:2] == ["sw:0", "sw:0#2"]
    part = load_benchmark("tydiqa", data_dir=tmp_path, split="held_out")
    assert 0 < part.num_candidates < 50 and all(is_held_out(text) for text in part.candidates)
    assert part.num_queries == 2 * part.num_candidates


def test_a_reader_trains_on_the_rest_and_on_no_question_of_the_held_out(tmp_path):
    rows = [("0", f"Swali {n}?", f"Aya {n}.", [("Aya", 0)]) for n in range(100)]
    held = [row for row in rows if is_held_out(row[2])]
    other = next(text for n in range(100, 200) if not is_held_out(text := f"Aya {n}."))
    again = [("0", f"  {held[0][1].upper()} ", other, [("Aya", 0)])]
    write_json(tmp_path / "train" / "sw.json", rows + again)
    (found,) = reader_questions(str(tmp_path))
    assert [one.context for one in found] == [row[2] for row in rows if row not in held]
    assert {one.lang for one in found} == {"sw"}
    for place in ("nowhere", "nowhere/", "a/folder/nowhere"):
        with pytest.raises(InputError, match=f"--tydiqa {place} is not a folder: give --tydiqa a folder with train/"):
            reader_questions(place)


def test_a_reader_trains_on_nothing_of_another_set_that_tydiqa_measures(tmp_path, caplog):
    caplog.set_level("INFO")
    held = next(text for n in range(100) if is_held_out(text := f"Äya {n}."))
    train = next(text for n in range(100) if not is_held_out(text := f"Aya {n}."))
    write_json(
        tmp_path / "train" / "sw.json", [("0", "Swali?", held, [("Äya", 0)]), ("1", "Nani?", train, [("Aya", 0)])]
    )
    write_json(tmp_path / "dev" / "fi.json", [("2", "Kuka?", "Koko teksti.", [])])
    further = [
        Question("", text, context, (), "fi")
        for text, context in [
            ("swali?", "of held_out, in the same words"),
            ("Missa?", unicodedata.normalize("NFD", held)),
            ("KUKA?", "of dev, in the same words"),
            ("Milloin?", "Koko teksti."),
            ("Nani?", train),
            ("Miksi?", "neither"),
        ]
    ]
    own, others = reader_questions(str(tmp_path), [further])
    assert [one.text for one in own] == ["Nani?"]
    assert [one.text for one in others] == ["Nani?", "Miksi?"]
    assert "4 questions of another set are left out" in caplog.text and "no dev split" not in caplog.text
    (tmp_path / "dev" / "fi.json").unlink()
    assert len(reader_questions(str(tmp_path), [further])[1]) == 4 and "has no dev split" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "--split test: .*TyDi QA has dev, train, held_out"),
        ({"split": "train"}, "has no train/<lang>.json nor another form of that split: pass --hub_id google"),
        ({"languages": ["ko"]}, "has no questions in 'ko' in dev: it has sw, te"),
    ],
)
def test_what_is_missing_is_named(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        load_benchmark("tydiqa", data_dir=folder_of_languages(tmp_path), **options)


def test_ids_of_one_file_name_their_language(tmp_path):
    write_json(tmp_path / "tydiqa-goldp-v1.1-dev.json", [("klingon-1", "?", "a", [("a", 0)])])
    with pytest.raises(InputError, match="id 'klingon-1' does not begin with a language of TyDi QA"):
        load_benchmark("tydiqa", data_dir=tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="TyDi QA is not here (set HF_HYBRID_SHARED_DATA)")
def test_the_real_files_have_the_published_counts():
    found = load_benchmark("tydiqa", data_dir=REAL)
    counts = dict(zip(found.languages, np.bincount(found.query_languages).tolist(), strict=True))
    published = {"ar": 921, "bn": 113, "en": 440, "fi": 782, "id": 565, "ko": 276, "ru": 812, "sw": 499, "te": 669}
    assert counts == published and found.num_queries == 5077 and found.num_candidates == 4488
    assert sorted(NAMES.values()) == list(found.languages)
    corpora = load_benchmark("tydiqa_by_language", data_dir=REAL)
    assert [len(each.corpus.ids) for each in corpora.collections] == found.describe()["candidates_per_language"]
    train = load_benchmark("tydiqa", data_dir=REAL, split="train")
    assert train.languages == ("en", "ko", "sw") and all(train.answers)
    first = json.loads((REAL / "train" / "sw.json").read_text())["data"][0]["paragraphs"][0]
    row = train.queries.index(first["qas"][0]["question"])
    assert train.answers[row][0] == first["qas"][0]["answers"][0]["text"]
