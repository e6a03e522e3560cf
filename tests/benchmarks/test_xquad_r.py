import json
import os
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.benchmarks.lareqa import read_lareqa
from hf_hybrid.errors import InputError

SHARED = Path(os.environ.get("HF_HYBRID_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
REAL = SHARED / "lareqa" / "xquad-r"

# Two paragraphs, three questions; the second sentence of the first paragraph answers q1, its first q2, and q3 is in
# the other.
PARAGRAPHS = {
    "en": [
        ("It rains. The sun shines here.", [[0, 9], [10, 30]], [("q1", "What shines?", 14), ("q2", "What falls?", 3)]),
        ("Cats sleep.", [[0, 11]], [("q3", "Who sleeps?", 0)]),
    ],
    "de": [
        (
            "Es regnet. Hier scheint die Sonne.",
            [[0, 10], [11, 34]],
            [("q1", "Was scheint?", 28), ("q2", "Was fällt?", 9)],
        ),
        ("Katzen schlafen.", [[0, 16]], [("q3", "Wer schläft?", 0)]),
    ],
}


def document(lang: str) -> dict:
    paragraphs = [
        {
            "context": context,
            "sentence_breaks": breaks,
            "sentences": [context[start:end] for start, end in breaks],
            "qas": [
                {"id": name, "question": text, "answers": [{"text": "x", "answer_start": start}]}
                for name, text, start in questions
            ],
        }
        for context, breaks, questions in deepcopy(PARAGRAPHS[lang])
    ]
    return {"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}


@pytest.fixture
def folder(tmp_path):
    for lang in PARAGRAPHS:
        (tmp_path / f"{lang}.json").write_text(json.dumps(document(lang)), encoding="utf-8")
    return tmp_path


def load(folder, **options):
    return load_benchmark("xquad_r", data_dir=folder, languages=["en", "de"], **options)


def answers(benchmark) -> dict[str, list[str]]:
    offsets = benchmark.relevance_offsets
    return {
        name: [benchmark.candidates[c] for c in benchmark.relevance_candidates[offsets[q] : offsets[q + 1]]]
        for q, name in enumerate(benchmark.query_ids)
    }


def test_the_sentence_around_answer_start_is_relevant_in_every_language(folder):
    benchmark = load(folder)
    assert benchmark.languages == ("de", "en")
    assert benchmark.candidates == [
        "Es regnet.",
        "Hier scheint die Sonne.",
        "Katzen schlafen.",
        "It rains.",
        "The sun shines here.",
        "Cats sleep.",
    ]
    found = answers(benchmark)
    assert found["en:q1"] == found["de:q1"] == ["Hier scheint die Sonne.", "The sun shines here."]
    assert found["en:q2"] == ["Es regnet.", "It rains."]
    assert benchmark.clusters.tolist() == [0, 0, 1, 0, 0, 1]
    assert benchmark.query_examples.tolist() == [0, 1, 2, 0, 1, 2]
    assert benchmark.settings == {"candidate_text": "sentence"}


def test_sentence_in_context_is_sentence_line_break_paragraph(folder):
    benchmark = load(folder, candidate_text="sentence_in_context")
    assert benchmark.candidates[4] == "The sun shines here.\nIt rains. The sun shines here."
    assert benchmark.data_sha256 != load(folder).data_sha256


def test_repeated_sentences_stay(tmp_path):
    paragraph = document("en")
    paragraph["data"][0]["paragraphs"].append(paragraph["data"][0]["paragraphs"][1] | {"qas": []})
    (tmp_path / "en.json").write_text(json.dumps(paragraph))
    benchmark = read_lareqa("toy", {"en": tmp_path / "en.json"})
    assert benchmark.candidates.count("Cats sleep.") == 2


def damaged(change) -> str:
    content = document("en")
    change(content["data"][0]["paragraphs"][0])
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "en.json: not JSON"),
        ("[]", "en.json has no field 'data' of type list"),
        (damaged(lambda p: p.pop("sentences")), r"data\[0\].paragraphs\[0\] has no field 'sentences'"),
        (damaged(lambda p: p["sentence_breaks"].pop()), "2 sentences but 1 sentence_breaks"),
        (damaged(lambda p: p["sentence_breaks"].__setitem__(0, [0])), "pairs of integers"),
        (damaged(lambda p: p["qas"][1].pop("id")), r"qas\[1\] has no field 'id'"),
        (damaged(lambda p: p["qas"][0].update(answers=[])), r"qas\[0\].answers\[0\] has no field 'answer_start'"),
        (damaged(lambda p: p["qas"][0]["answers"][0].update(answer_start=9)), "answer_start 9 lies in 0 sentences"),
    ],
)
def test_a_damaged_file_names_file_and_place(folder, text, message):
    (folder / "en.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load(folder)


def test_a_missing_file_is_named_with_the_way_to_get_it(folder):
    (folder / "de.json").unlink()
    with pytest.raises(InputError, match="lacks de.json: clone the GitHub repository google-research-datasets/lareqa"):
        load(folder)


def test_neither_folder_nor_repository_says_how_to_get_the_data():
    with pytest.raises(
        InputError, match="needs its data: clone the GitHub repository google-research-datasets/lareqa"
    ):
        load_benchmark("xquad_r")
    with pytest.raises(InputError, match="either --data_dir or --hub_id"):
        load_benchmark("xquad_r", data_dir="a", hub_id="b/c")
    with pytest.raises(InputError, match="is not a folder"):
        load_benchmark("xquad_r", data_dir="does-not-exist")


def test_a_repository_is_downloaded_with_the_language_files_only(folder, monkeypatch):
    asked = {}

    def snapshot(name, **kwargs):
        asked.update(name=name, **kwargs)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    benchmark = load_benchmark("xquad_r", hub_id="me/data", revision="abc", languages=["de", "en"])
    assert benchmark.num_candidates == 6
    assert (asked["name"], asked["repo_type"], asked["revision"]) == ("me/data", "dataset", "abc")
    assert {"xquad-r/en.json", "queries/*.parquet"} < set(asked["allow_patterns"])
    assert all(pattern.endswith((".json", ".parquet")) for pattern in asked["allow_patterns"])


def test_a_repository_that_cannot_be_had_is_one_line():
    with pytest.raises(InputError, match="cannot download --hub_id no/where") as caught:
        load_benchmark("xquad_r", hub_id="no/where")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", [{"candidate_text": "paragraph"}, {"languages": ["fr"]}])
def test_unknown_options_are_refused(folder, option):
    with pytest.raises(InputError, match="choose"):
        load_benchmark("xquad_r", data_dir=folder, **{"languages": ["en", "de"], **option})


@pytest.mark.skipif(not REAL.is_dir(), reason="XQuAD-R is not here (set HF_HYBRID_SHARED_DATA)")
def test_the_real_data_have_the_published_counts():
    benchmark = load_benchmark("xquad_r", data_dir=REAL)
    counts = dict(zip(benchmark.languages, benchmark.describe()["candidates_per_language"], strict=True))
    published = "ar 1222 de 1276 el 1234 en 1180 es 1215 hi 1244 ru 1219 th 852 tr 1167 vi 1209 zh 1196".split()
    assert counts == dict(zip(published[::2], map(int, published[1::2]), strict=True))
    assert benchmark.num_candidates == 13_014 and benchmark.num_queries == 11 * 1190
    assert benchmark.describe()["queries_per_language"] == [1190] * 11
    assert (np.diff(benchmark.relevance_offsets) == 11).all()
    languages = benchmark.candidate_languages[benchmark.relevance_candidates].reshape(-1, 11)
    assert (languages == np.arange(11)).all()
    assert len(set(benchmark.clusters.tolist())) == 240
    english = benchmark.languages.index("en")
    relevant = benchmark.relevance_candidates.reshape(-1, 11)[benchmark.query_languages == english, english]
    assert len({benchmark.candidates[index] for index in relevant}) == 787


def test_a_mark_and_another_encoding(folder):
    path = folder / "en.json"
    plain = load_benchmark("xquad_r", data_dir=folder, languages=["en"])
    content = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + content)
    assert load_benchmark("xquad_r", data_dir=folder, languages=["EN"]).data_sha256 == plain.data_sha256
    path.write_bytes(content.decode().encode("utf-16"))
    with pytest.raises(InputError, match=r"en\.json: not text in UTF-8 .*UTF-16") as caught:
        load_benchmark("xquad_r", data_dir=folder, languages=["en"])
    assert "download" not in str(caught.value)
