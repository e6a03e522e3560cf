"""`ParallelPairs`: codes, presence, validation errors, hashing, and loading from files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from datasets import Dataset, concatenate_datasets

from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.errors import InputError
from tests.conftest import make_pairs, renditions


def row(id_="a", lang="en", query="q", passage="p", **extra):
    return {"id": id_, "lang": lang, "query": query, "passage": passage, **extra}


def test_presence_and_codes():
    pairs = make_pairs(
        [
            row("a", "en", "qa", "pa", passage_id="P"),
            row("a", "de", "qa", None, passage_id="P"),
            row("b", "yo", "qb", None, passage_id="P"),
            row("b", "en", None, "pb", passage_id=None),
        ]
    )
    assert pairs.languages == ("de", "en", "yo")
    assert pairs.example_ids == ["a", "b"]
    assert pairs.query_row.tolist() == [[1, 0, -1], [-1, -1, 2]]
    assert pairs.passage_row.tolist() == [[-1, 0, -1], [-1, 3, -1]]
    codes = pairs.passage_of_row.tolist()
    assert codes[0] == codes[1] == codes[2] != codes[3]
    assert (pairs.cell_size("yo", "en"), pairs.cell_size("en", "yo"), pairs.cell_size("de", "en")) == (1, 0, 1)
    assert len(pairs) == 4 and pairs.num_examples == 2


def test_passage_id_defaults_to_the_example_and_does_not_meet_given_ids():
    pairs = make_pairs([row("a", passage_id=None), row("b", passage_id="a"), row("a", "de", passage_id=None)])
    codes = pairs.passage_of_row.tolist()
    assert codes[0] == codes[2] != codes[1]
    assert make_pairs([row("a"), row("a", "de"), row("b")]).passage_of_row.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(), row(lang="xx")], r"row 1: unknown language tag 'xx'; use a BCP-47 tag"),
        ([row(), row(lang="english")], r"row 1: unknown language tag 'english'"),
        (
            [row(), row("b"), row(query="other")],
            r"row 2 \(id 'a', lang 'en'\): duplicate \(id, lang\), first in row 0",
        ),
        ([row(), row("b", query=" \t")], r"row 1 \(id 'b', lang 'en'\): empty query; use null"),
        ([row(), row("b", passage="")], r"row 1 \(id 'b', lang 'en'\): empty passage"),
        ([row(), row("b", query=None, passage=None)], r"row 1 .*: neither query nor passage"),
        ([row(), row(None)], r"row 1 .*: 'id' is null"),
        ([row(source="s"), row(lang="de", source="t")], r"its id also comes from another source"),
        ([{"id": "a", "lang": "en", "query": "q"}], r"no column 'passage'; renditions need id, lang, query, passage"),
        ([row(id_=1)], r"column 'id' has type int64, not string"),
    ],
)
def test_errors_name_the_row(rows, message):
    with pytest.raises(InputError, match=message):
        make_pairs(rows)


def test_empty_data():
    empty = Dataset.from_dict({name: [] for name in ("id", "lang", "query", "passage")})
    with pytest.raises(InputError, match="no rows"):
        ParallelPairs(empty)


def test_selecting_languages(parallel_pairs):
    german = parallel_pairs.select_languages(["de", "th"])
    assert german.languages == ("de", "th") and len(german) == 240
    assert german.dataset[0]["lang"] == "de"
    assert parallel_pairs.select_languages(parallel_pairs.languages) is parallel_pairs
    with pytest.raises(InputError, match="no rendition in language 'fr'; it has ar, de, en, th"):
        parallel_pairs.select_languages(["fr"])


def test_hash_follows_content_not_chunks():
    rows = renditions(20, negatives=["n1", "n2"])
    whole = make_pairs(rows)
    halves = ParallelPairs(concatenate_datasets([Dataset.from_list(rows[:30]), Dataset.from_list(rows[30:])]))
    picked = ParallelPairs(Dataset.from_list(rows + renditions(1, ("fr",), negatives=["n"])).select(range(80)))
    assert whole.sha256 == halves.sha256 == picked.sha256
    # Moving a character from one text to the next keeps the concatenation and must not keep the hash.
    moved = [dict(r) for r in rows]
    moved[0]["query"], moved[1]["query"] = moved[0]["query"] + moved[1]["query"][0], moved[1]["query"][1:]
    changed = [dict(r) for r in rows]
    changed[5]["negatives"] = ["n1n", "2"]
    assert len({whole.sha256, make_pairs(moved).sha256, make_pairs(changed).sha256}) == 3


@pytest.mark.parametrize(
    ("spellings", "tag"),
    [(("EN", "en"), "en"), (("zh_Hans", "zh-Hans"), "zh-Hans"), (("iw", "he"), "he"), (("deu", "de"), "de")],
)
def test_spellings_of_a_language_are_one_language(spellings, tag, caplog):
    """Two spellings would make "cross-lingual" pairs within a language."""
    pairs = make_pairs([row("a", spellings[0]), row("b", spellings[1]), row("a", "fr"), row("b", "fr")])
    assert pairs.languages == tuple(sorted((tag, "fr"))) and pairs.cell_size(tag, tag) == 2
    assert f"{spellings[0]!r}, {spellings[1]!r} are one language and are read as {tag}" in caplog.text
    assert pairs.select_languages([spellings[1].upper()]).num_examples == 2
    with pytest.raises(InputError, match=r"row 1 .*: duplicate \(id, lang\), first in row 0"):
        make_pairs([row("a", spellings[0]), row("a", spellings[1])])


def test_benchmarks_name_the_canonical_tag():
    from hf_hybrid.benchmarks import Benchmark

    benchmark = Benchmark.from_pairs(make_pairs([row("a", "EN"), row("b", "en"), row("a", "DE"), row("b", "de")]))
    assert benchmark.query_ids == ["en:a", "en:b", "de:a", "de:b"]


def test_rows_without_a_source_are_of_one_without_a_name():
    pairs = make_pairs([row("a", source=None), row("b", source="s"), row("c", source="")])
    assert pairs.sources == ("", "s") and pairs.source_of_example.tolist() == [0, 1, 0]
    assert make_pairs([row("a", source=None)]).sources == ("",)


@pytest.mark.parametrize("negatives", ["text", 1, [1], {"text": "t"}])
def test_negatives_of_a_users_own_data_set_are_lists_of_strings(negatives):
    with pytest.raises(InputError, match=r"column 'negatives' has type .*, not list<string>; cast it first"):
        make_pairs([row(negatives=negatives)])


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_folder_with_splits(tmp_path, kind):
    for split, count in (("train", 12), ("dev", 5)):
        data = Dataset.from_list(renditions(count))
        file = tmp_path / f"{split}.{kind}"
        data.to_parquet(file) if kind == "parquet" else data.to_json(file, force_ascii=False)
    assert ParallelPairs.load(str(tmp_path)).num_examples == 12
    assert ParallelPairs.load(str(tmp_path), split="dev", languages=["en"]).num_examples == 5
    assert ParallelPairs.load(str(tmp_path / f"dev.{kind}")).num_examples == 5
    with pytest.raises(InputError, match="no file for split 'test'; found dev"):
        ParallelPairs.load(str(tmp_path), split="test")


def test_folder_with_a_card(tmp_path):
    Dataset.from_list(renditions(7)).to_parquet(tmp_path / "some" / "where.parquet")
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: dev\n    path: some/where.parquet\n---\n"
    (tmp_path / "README.md").write_text(card)
    assert ParallelPairs.load(str(tmp_path), split="dev").num_examples == 7
    with pytest.raises(InputError, match="no split 'train' in its card; it has dev"):
        ParallelPairs.load(str(tmp_path))
    # `datasets` alone would give the seven examples of its cache.
    Dataset.from_list(renditions(9)).to_parquet(tmp_path / "some" / "where.parquet")
    assert ParallelPairs.load(str(tmp_path), split="dev").num_examples == 9


def test_absent_and_damaged_files(tmp_path):
    with pytest.raises(InputError, match="nowhere.parquet: no such file or folder"):
        ParallelPairs.load(str(tmp_path / "nowhere.parquet"))
    with pytest.raises(InputError, match=r"no \.parquet or \.jsonl file in it"):
        ParallelPairs.load(str(tmp_path))
    with pytest.raises(InputError, match="neither a local path nor a data set that the Hub gives"):
        ParallelPairs.load("nobody/nothing-of-the-kind")
    (tmp_path / "train.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(InputError, match=r"train\.parquet: not a readable Parquet file"):
        ParallelPairs.load(str(tmp_path))
    lines = tmp_path / "lines.jsonl"
    lines.write_text(json.dumps(row()) + "\n{'id': 1}\n")
    with pytest.raises(InputError, match=r"lines\.jsonl, line 2: not JSON"):
        ParallelPairs.load(str(lines))
    lines.write_text(json.dumps(row()) + "\n[1]\n")
    with pytest.raises(InputError, match=r"lines\.jsonl, line 2: not a JSON object"):
        ParallelPairs.load(str(lines))


def test_rows_keep_their_numbers(parallel_pairs):
    rows = np.array([3, 77, 401])
    for number, record in zip(rows, parallel_pairs.dataset.select(rows), strict=True):
        example = parallel_pairs.example_ids[parallel_pairs.example_of_row[number]]
        assert (record["id"], record["lang"]) == (
            example,
            parallel_pairs.languages[parallel_pairs.language_of_row[number]],
        )


def test_selected_languages_are_read_in_large_pieces():
    """One chunk for every row, as `datasets` gives them, made the index and hash of half a million rows take
    minutes.
    """
    rows = renditions(200)
    chosen = make_pairs(rows).select_languages(["de", "en"])
    alone = make_pairs([row for row in rows if row["lang"] in ("de", "en")])
    assert chosen.sha256 == alone.sha256 and chosen.example_ids == alone.example_ids
    assert all(len(chosen._chunks(column)) == 1 for column in ("id", "lang", "query", "passage"))
