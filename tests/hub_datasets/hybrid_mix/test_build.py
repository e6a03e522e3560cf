"""The whole build on small sets: what it holds, that dev is apart, that it is the same twice and taken up again."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from mix.build import COLUMNS_OF, MixOptions, build_mix

from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.errors import InputError
from hf_hybrid.overlap.comparable_text import comparable
from tests.hub_datasets.hybrid_mix.conftest import write
from tests.hub_datasets.hybrid_mix.phrases import LANGUAGES, QUESTION, STATEMENT, sentence

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / "hub_datasets" / "hybrid_mix"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A question of `qa` with other case, and a sentence of a course in German."""
    file = tmp_path_factory.mktemp("evaluation") / "de.jsonl"
    rows = [
        {"id": "e1", "question": sentence(QUESTION, "de").upper()},
        {"id": "e2", "passage": sentence(STATEMENT, "de")},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def options(source: Path, output: Path, **changes: object) -> MixOptions:
    return MixOptions(source, output, FOLDER / "README.md", languages=LANGUAGES, **changes)


@pytest.fixture(scope="module")
def mix(source: Path, evaluation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("mix") / "mix"
    build_mix(options(source, output, against={"exam": evaluation}))
    return output


def load(mix: Path, config: str, split: str = "train") -> pd.DataFrame:
    return pq.read_table(mix / config / f"{split}.parquet").to_pandas()


def texts(frame: pd.DataFrame) -> set[str]:
    return {comparable(text) for side in ("query", "passage") if side in frame for text in frame[side].dropna()}


def test_columns_and_splits(mix: Path) -> None:
    files = {path.relative_to(mix).as_posix() for path in mix.rglob("*.parquet")}
    assert files == {
        *(f"{config}/{split}.parquet" for config in ("align", "qa", "qa_long") for split in ("train", "dev")),
        *("bitext/dev.parquet", "bitext/test.parquet", "text/train.parquet"),
    }
    for file in files:
        config = file.split("/")[0]
        frame = load(mix, config, Path(file).stem)
        assert tuple(frame.columns) == COLUMNS_OF[config]
        assert not frame.duplicated(["id", "lang"]).any()
        assert frame.licence.notna().all() and frame.source.notna().all()


@pytest.mark.parametrize("config", ["align", "qa", "qa_long"])
def test_every_part_is_trained_on(mix: Path, config: str) -> None:
    pairs = ParallelPairs.load(str(mix), split="train", config=config)
    for a in range(len(pairs.languages)):
        assert (pairs.query_row[:, a] >= 0).any()
    # No example without a question or without a passage.
    assert ((pairs.query_row >= 0).any(axis=1) & (pairs.passage_row >= 0).any(axis=1)).all()


def test_alignment(mix: Path) -> None:
    frame = pd.concat([load(mix, "align"), load(mix, "align", "dev")])
    assert (frame["query"] == frame.passage).all()
    assert frame.groupby("id").lang.nunique().min() >= 2
    assert set(frame.source) == {
        "ms_curricula",
        "privacy_guides",
        "tldr",
        "bitcoin_org",
        "tico19",
        "ud_pud",
        "bible",
        "mintaka",
        "tatoeba",
    }


def test_headings_and_blocks_in_any_two_languages(mix: Path) -> None:
    frame = pd.concat([load(mix, "qa"), load(mix, "qa", "dev")])
    last = frame[frame.id == "ms:course/29.md#1"].set_index("lang")
    assert last.loc["ja", "query"] == sentence(87, "ja") and pd.isna(last.loc["ja", "passage"])
    assert last.loc["ru", "passage"] == sentence(88, "ru")
    assert set(last.passage_id) == {"ms:course/29.md#0"}


def test_question_about_a_passage_in_another_language(mix: Path) -> None:
    frame = pd.concat([load(mix, "qa"), load(mix, "qa", "dev")])
    rows = frame[frame.id == "qa:afriqa:swa:1"].set_index("lang")
    assert pd.isna(rows.loc["ru", "passage"]) and rows.loc["en", "passage"] in sentence(303, "en")
    assert set(rows.licence) == {"cc-by-sa-3.0"}


def test_long_passages_hold_the_sentence(mix: Path) -> None:
    short = load(mix, "qa").set_index("id")
    for row in load(mix, "qa_long").itertuples():
        if row.source == "jaquad" and row.id in short.index:
            assert short.loc[row.id, "passage"] in row.passage
            assert len(row.passage) > len(short.loc[row.id, "passage"])


def test_dev_shares_no_document_and_no_text_with_train(mix: Path) -> None:
    train = {config: load(mix, config) for config in ("align", "qa", "qa_long")}
    dev = {config: load(mix, config, "dev") for config in ("align", "qa", "qa_long")}
    held_out = set().union(
        *map(texts, dev.values()), texts(load(mix, "bitext", "dev")), texts(load(mix, "bitext", "test"))
    )
    for config, frame in train.items():
        assert not texts(frame) & held_out, config
    documents = [
        {example.split("#")[0] for frame in part.values() for example in frame.id if "#" in example}
        for part in (train, dev)
    ]
    assert documents[0] and documents[1] and not documents[0] & documents[1]


def test_test_sets_stay_out_of_training(mix: Path) -> None:
    tatoeba = load(mix, "align").query("source == 'tatoeba'")
    # 182 is a sentence of the test, 183 is marked as one.
    assert not {sentence(n, lang) for n in (182, 183) for lang in LANGUAGES} & set(tatoeba.passage)
    assert sentence(184, "de") in set(tatoeba.passage)
    assert set(load(mix, "bitext", "dev").source) == {"ntrex128"}
    assert sentence(271, "de") not in set(load(mix, "text").text)


def test_evaluation_text_is_left_out_in_all_languages(mix: Path) -> None:
    report = json.loads((mix / "decontamination.json").read_text())
    assert {hit["id"] for hit in report["list"]} == {"qa:jaquad:0-0", "ms:course/2.md#1"}
    for config in ("align", "qa", "qa_long"):
        for split in ("train", "dev"):
            assert not {"qa:jaquad:0-0", "ms:course/2.md#1"} & set(load(mix, config, split).id)
    assert "**" in (mix / "decontamination.md").read_text()


def test_text_is_not_repeated(mix: Path) -> None:
    frame = load(mix, "text")
    assert set(frame.source) == {"common_voice", "miracl"}
    assert not frame.assign(form=frame.text.map(comparable)).duplicated(["lang", "form"]).any()


def test_counts_of_the_report(mix: Path) -> None:
    report = json.loads((mix / "mix.json").read_text())
    for config in ("align", "qa", "qa_long", "bitext", "text"):
        for split, sources in report["rows"][config].items():
            frame = load(mix, config, split)
            assert sum(sum(langs.values()) for langs in sources.values()) == len(frame)
            assert sources["ntrex128" if split == "dev" and config == "bitext" else next(iter(sources))]
    assert report["read"]["qa"]["exams"] == 2 and report["refused"]["qa"]["exams"] == {"language": 1}
    assert report["refused"]["text"]["common_voice"]["duplicate"] == 1
    assert report["refused"]["align"]["ms_curricula"]["evaluation"] == len(LANGUAGES)


def test_same_bytes_twice_and_resumed(
    source: Path, evaluation: Path, mix: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A set is missing: what was prepared before stays.
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in source.iterdir():
        if file.stem != "queries_miracl_mrtydi":
            os.link(file, broken / file.name)
    with pytest.raises(InputError, match="queries_miracl_mrtydi.parquet: no such file"):
        build_mix(options(broken, tmp_path / "again", against={"exam": evaluation}))
    assert not (tmp_path / "again").exists()
    os.link(source / "queries_miracl_mrtydi.parquet", broken / "queries_miracl_mrtydi.parquet")
    with caplog.at_level(logging.INFO):
        build_mix(options(broken, tmp_path / "again", against={"exam": evaluation}))
    assert "courses: prepared before" in caplog.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "broken"]
    for file in mix.rglob("*"):
        if file.is_file():
            assert (tmp_path / "again" / file.relative_to(mix)).read_bytes() == file.read_bytes(), file


def test_changed_set_is_prepared_again(source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from mix.language_check import LanguageIdentifier
    from mix.parts import PARTS
    from mix.prepare import prepare

    own, work = tmp_path / "sets", tmp_path / "work"
    own.mkdir()
    work.mkdir()
    part = next(part for part in PARTS if part.name == "tico19")
    run = lambda: prepare(part, own, work, LANGUAGES, "all", lambda: LanguageIdentifier(LANGUAGES))  # noqa: E731
    for count in (1, 2):
        rows = [
            {"id": f"CMU_1:{n}", "lang": lang, "text": sentence(n, lang)} for n in range(count) for lang in LANGUAGES
        ]
        write(own, "tico19", rows)
        assert run()["kept"] == {"tico19": 4 * count}
    with caplog.at_level(logging.INFO):
        run()
    assert "prepared before" in caplog.text


def test_licence_groups(source: Path, tmp_path: Path) -> None:
    report = build_mix(options(source, tmp_path / "mix", licences="permissive"))
    assert not any(
        "-sa-" in licence for own in report["row_licences"].values() for cell in own.values() for licence in cell
    )
    assert "jaquad" not in report["rows"]["qa"]["train"] and "privacy_guides" not in report["rows"]["align"]["train"]
    card = (tmp_path / "mix/README.md").read_text()
    assert "cc-by-sa" not in card.split("---")[1] and "bitext/dev" not in card
    assert "**This build was not compared with any evaluation set**" in card


def test_card_of_the_build_passes_the_lint(mix: Path) -> None:
    from hf_hybrid.publishing.lint import lint_folder

    assert lint_folder(mix, "dataset") == []


@pytest.mark.parametrize("streaming", [False, True])
def test_every_config_loads(mix: Path, streaming: bool, tmp_path: Path) -> None:
    from datasets import get_dataset_config_names, load_dataset

    assert get_dataset_config_names(str(mix)) == ["align", "qa", "qa_long", "bitext", "text"]
    for config in ("align", "qa", "qa_long", "bitext", "text"):
        loaded = load_dataset(str(mix), config, streaming=streaming, cache_dir=str(tmp_path))
        for split, rows in loaded.items():
            assert sum(1 for _ in rows) == len(load(mix, config, split))


def test_mistakes(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown group of licences 'free'"):
        build_mix(options(source, tmp_path / "mix", licences="free"))
    with pytest.raises(InputError, match="no language 'xx'"):
        build_mix(MixOptions(source, tmp_path / "mix", FOLDER / "README.md", languages=("en", "xx")))
    (tmp_path / "mix").mkdir()
    with pytest.raises(InputError, match="already exists"):
        build_mix(options(source, tmp_path / "mix"))


def test_command(source: Path, tmp_path: Path) -> None:
    words = ["--source", str(source), "--output", str(tmp_path / "mix"), "--languages", *LANGUAGES, "--quiet"]
    done = subprocess.run(
        [sys.executable, str(FOLDER / "build.py"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "renditions in" in done.stdout
    again = subprocess.run(
        [sys.executable, str(FOLDER / "build.py"), *words], capture_output=True, text=True, check=False
    )
    assert again.returncode == 2 and again.stderr.strip().endswith(
        "already exists; name another --output or delete it"
    )
