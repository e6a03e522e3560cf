import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.benchmarks.belebele import _LEADING, bcp47
from hf_hybrid.errors import InputError


def rows(code: str) -> list[dict]:
    """Three questions about two passages, as facebook/belebele has them; every language in another order."""
    made = [
        {
            "link": f"https://en.wikibooks.org/wiki/{link}",
            "question_number": number,
            "flores_passage": f"{code} passage {link}",
            "question": f"{code} question {link} {number}",
            **{f"mc_answer{option}": f"option {option}" for option in range(1, 5)},
            "correct_answer_num": "2",
            "dialect": code,
            "ds": "2023-05-03",
        }
        for link, number in (("A", 1), ("A", 2), ("B", 1))
    ]
    return made if code == "eng_Latn" else made[::-1]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    for code in ("eng_Latn", "deu_Latn"):
        lines = [json.dumps(row) for row in rows(code)]
        (tmp_path / "data" / f"{code}.jsonl").write_text("\n".join(lines) + "\n")
    pq.write_table(pa.Table.from_pylist(rows("zho_Hans")), tmp_path / "data" / "zho_Hans.parquet")
    return tmp_path


def test_questions_find_their_passage_in_every_language(folder):
    benchmark = load_benchmark("belebele", data_dir=folder)
    assert benchmark.languages == ("de", "en", "zh-Hans")
    assert benchmark.num_queries == 9 and benchmark.num_candidates == 6
    offsets = benchmark.relevance_offsets
    for row, question in enumerate(benchmark.queries):
        code, _, link, _ = question.split()
        found = [benchmark.candidates[c] for c in benchmark.relevance_candidates[offsets[row] : offsets[row + 1]]]
        assert found == [f"{each} passage {link}" for each in ("deu_Latn", "eng_Latn", "zho_Hans")]
    by_example: dict[int, set[str]] = {}
    for example, question in zip(benchmark.query_examples.tolist(), benchmark.queries, strict=True):
        by_example.setdefault(example, set()).add(question.split(maxsplit=1)[1])
    assert sorted(map(sorted, by_example.values())) == [["question A 1"], ["question A 2"], ["question B 1"]]
    links = [question.split()[2] for question in benchmark.queries]
    assert len({(cluster, link) for cluster, link in zip(benchmark.clusters.tolist(), links, strict=True)}) == 2
    assert np.bincount(benchmark.clusters).tolist() in ([6, 3], [3, 6])


@pytest.mark.parametrize("chosen", [["eng_Latn", "de"], ["de", "en"]])
def test_languages_by_either_name(folder, chosen):
    assert load_benchmark("belebele", data_dir=folder / "data", languages=chosen).languages == ("de", "en")


def test_tags_stay_distinct():
    variants = (
        "arb_Arab arb_Latn arz_Arab acm_Arab ben_Beng ben_Latn hin_Deva hin_Latn npi_Deva npi_Latn urd_Arab urd_Latn"
    )
    codes = [*variants.split(), "zho_Hans", "zho_Hant", "eng_Latn", *(f"{code}_Latn" for code in _LEADING)]
    codes = list(dict.fromkeys(codes))
    assert len({bcp47(code) for code in codes}) == len(codes)
    assert bcp47("swh_Latn") == "sw" and bcp47("arz_Arab") == "arz-Arab" and bcp47("hin_Latn") == "hi-Latn"


def test_the_way_to_get_it_is_said(tmp_path):
    with pytest.raises(InputError, match="hf download facebook/belebele --repo-type dataset"):
        load_benchmark("belebele")
    with pytest.raises(InputError, match="has no <FLORES code>.jsonl"):
        load_benchmark("belebele", data_dir=tmp_path)


def test_a_repository_is_asked_for_the_wanted_files_only(folder, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda name, **kwargs: asked.update(name=name, **kwargs) or str(folder)
    )
    load_benchmark("belebele", hub_id="facebook/belebele", languages=["deu_Latn"])
    assert asked["name"] == "facebook/belebele" and asked["allow_patterns"] == ["data/deu_Latn.jsonl"]
    load_benchmark("belebele", hub_id="facebook/belebele", languages=["de"])
    assert asked["allow_patterns"] == ["data/*.jsonl"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": None}, "deu_Latn.jsonl, line 3: field 'question'"),
        ({"flores_passage": "another"}, "line 3: another passage for link"),
        ({"question_number": 2}, "share the id 'de:https://en.wikibooks.org/wiki/A#2'"),
    ],
)
def test_damaged_rows(folder, change, message):
    path = folder / "data" / "deu_Latn.jsonl"
    lines = [json.dumps(row) for row in rows("deu_Latn")]
    lines[2] = json.dumps({**rows("deu_Latn")[2], **change})
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=message):
        load_benchmark("belebele", data_dir=folder)


def test_a_language_that_is_not_there(folder):
    with pytest.raises(InputError, match="no file for language 'fr': it has de, en, zh-Hans"):
        load_benchmark("belebele", data_dir=folder, languages=["fr"])


def test_separators_inside_strings_and_a_mark(folder):
    expected = load_benchmark("belebele", data_dir=folder)
    path = folder / "data" / "deu_Latn.jsonl"
    lines = [
        json.dumps({**row, "question": row["question"] + "\u2028"}, ensure_ascii=False) for row in rows("deu_Latn")
    ]
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n\r\n").encode())
    found = load_benchmark("belebele", data_dir=folder)
    assert [text.rstrip("\u2028") for text in found.queries] == list(expected.queries)


def test_files_that_are_no_text_or_no_language(folder):
    path = folder / "data" / "deu_Latn.jsonl"
    path.write_bytes('{"link": "ä"}\n'.encode("cp1252"))
    with pytest.raises(InputError, match=r"deu_Latn\.jsonl, line 1: not text in UTF-8 .*Windows-1252"):
        load_benchmark("belebele", data_dir=folder)
    path.rename(folder / "data" / "my notes_1.jsonl")
    with pytest.raises(InputError, match=r"my notes_1\.jsonl: its name is no FLORES code"):
        load_benchmark("belebele", data_dir=folder)
    (folder / "data" / "my notes_1.jsonl").rename(folder / "data" / "deu_Latn.parquet")
    with pytest.raises(InputError, match=r"deu_Latn\.parquet: not a readable Parquet file"):
        load_benchmark("belebele", data_dir=folder)


def test_languages_in_other_spellings(folder):
    assert load_benchmark("belebele", data_dir=folder, languages=["DE", "zh_hans", "eng_Latn"]).languages == (
        "de",
        "en",
        "zh-Hans",
    )
