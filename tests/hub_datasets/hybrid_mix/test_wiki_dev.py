"""Development sets of Wikipedia's sentences and questions: what is cut, what is relevant, and that they are read."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import wiki_dev

from hf_hybrid.benchmarks.local import load_local
from hf_hybrid.errors import InputError

ENGLISH = "Dust storms usually start in desert margins where fine material lies open to the wind."
GERMAN = "Staubstürme beginnen meist an Wüstenrändern, an denen feines Material offen dem Wind ausgesetzt ist."
CHINESE = "沙尘暴通常始于沙漠边缘那里细小的物质暴露在风中很容易被吹走。"
PASSAGE = "The town of Ulm is very old indeed. Its tower is the tallest of its kind in the world. Nobody knows why."


def write(folder, config, rows, splits=("train", "dev")):
    names = ("id", "lang", "query", "passage", "source", "title")
    schema = pa.schema([(name, pa.string()) for name in names])
    (folder / config).mkdir()
    for split in splits:
        table = pa.Table.from_pylist([row for row in rows if row.pop("split", "dev") == split], schema=schema)
        pq.write_table(table, folder / config / f"{split}.parquet")


@pytest.fixture
def mix(tmp_path):
    folder = tmp_path / "mix"
    folder.mkdir()
    said = {"en": ENGLISH, "de": GERMAN, "zh-Hant": CHINESE}
    sentences = [
        {"id": f"n0100{n}", "lang": lang, "passage": f"{text}{n}", "source": "ud_pud"}
        for n in range(8)
        for lang, text in said.items()
    ]
    other = {"id": "x", "lang": "en", "passage": ENGLISH, "source": "tico19"}
    write(folder, "align", [*sentences, other])
    asked = {"lang": "en", "query": "How high is Ulm's tower?", "source": "qed", "title": "Ulm"}
    answered = [{**asked, "id": "q1", "passage": "Its tower is the tallest of its kind in the world."}]
    answered += [{**asked, "id": "q2", "passage": "A sentence of another passage."}]
    write(folder, "qa", answered)
    write(folder, "qa_long", [{**asked, "id": name, "passage": PASSAGE} for name in ("q1", "q2")])
    return folder


def test_parts_begin_at_words_and_never_with_a_vowel_sign():
    assert wiki_dev.part_of(ENGLISH, "en", 0.0, 0.4) == "Dust storms usually start in desert"
    assert wiki_dev.part_of(ENGLISH, "en", 1.0, 0.4).endswith("open to the wind")
    assert wiki_dev.part_of("Too short.", "en", 0.5, 0.4) is None
    thai = "พายุฝุ่นมักเริ่มต้นที่ชายขอบทะเลทรายซึ่งมีวัสดุละเอียดเปิดรับลมอยู่"
    for place in range(11):
        part = wiki_dev.part_of(thai, "th", place / 10, 0.5)
        assert part in thai and wiki_dev._can_be_first(part[0])


def test_both_folders_can_be_evaluated(mix, tmp_path, monkeypatch, capsys):
    output = tmp_path / "dev"
    monkeypatch.setattr("sys.argv", ["wiki_dev.py", str(mix), "--output", str(output)])
    assert wiki_dev.main() == 0
    parallel, questions = (load_local(output / name) for name in ("parallel", "questions"))
    # Traditional characters count as Chinese; a query's answers are its sentence in all languages.
    assert list(parallel.languages) == ["de", "en", "zh"] and parallel.num_candidates == 24
    assert parallel.num_queries == 24 and len(parallel.relevance_candidates) == 24 * 3
    # The passage's three sentences join the pool; the question whose answer is in none of them is left out.
    assert questions.num_candidates == 24 + 3 and list(questions.query_ids) == ["en:q1"]
    answer = questions.candidates[questions.relevance_candidates[0]]
    assert answer == "Its tower is the tallest of its kind in the world."
    assert "parallel: 24 candidates, 24 queries" in capsys.readouterr().out
    with pytest.raises(InputError, match="already in use"):
        wiki_dev.main()


def test_fewer_sentences_are_among_more(mix):
    sentences = wiki_dev.read_sentences(mix)
    few, many = (wiki_dev.parallel_folder(sentences, ["de", "en"], 0.4, most) for most in (3, 6))
    assert len(few.corpus) == 6 and few.corpus == many.corpus[:6]


def test_what_is_no_mix_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["wiki_dev.py", str(tmp_path), "--output", str(tmp_path / "out")])
    with pytest.raises(InputError, match=r"align/dev.parquet: no such file; build the mix"):
        wiki_dev.main()
