"""Questions and parallel text in one configuration: which texts, on which side, and what a plan makes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import qa_parallel

from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.errors import InputError
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import PlanSettings

COLUMNS = ["id", "lang", "query", "passage", "passage_id", "source", "licence"]


def texts(example: str, languages: str, source: str) -> list[dict[str, str | None]]:
    """An example of `align`, the same text on both sides."""
    rows = []
    for lang in languages.split():
        text = f"{example} in {lang}"
        rows.append(dict(zip(COLUMNS, (example, lang, text, text, None, source, "mit"), strict=True)))
    return rows


@pytest.fixture
def mix(tmp_path):
    align = [row for n in range(30) for row in texts(f"t{n}", "de en th", "tico19")]
    align += [row for n in range(700) for row in texts(f"s{n}", "en hi", "tatoeba")]
    align += [*texts("alone", "de th", "tico19"), *texts("far", "en fr", "tico19"), *texts("dev", "de en", "ud_pud")]
    align += [*texts("few", "de en", "ms_curricula"), *texts("odd", "de en", "unknown")]
    questions = [
        {"id": f"q{n}", "lang": lang, "query": f"q {n}?", "passage": f"a {n}.", "source": "arcd", "licence": "mit"}
        for n in range(12)
        for lang in ("de", "en", "fr")
    ]
    for config, rows in (("align", align), ("qa", questions)):
        (tmp_path / config).mkdir()
        extra = {} if config == "align" else {"passage_id": None, "title": "t"}
        table = pa.Table.from_pylist([{**row, **extra} for row in rows])
        table = table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))
        pq.write_table(table, tmp_path / config / "train.parquet")
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n{qa_parallel.END}---\n")
    return tmp_path


@pytest.fixture
def rows(mix, monkeypatch) -> pd.DataFrame:
    monkeypatch.setattr("sys.argv", ["qa_parallel.py", str(mix)])
    assert qa_parallel.main() == 0
    return pq.read_table(mix / "qa_parallel/train.parquet").to_pandas()


def test_questions_stay_and_the_texts_are_counted_by_source(rows):
    assert set(rows.columns) == {*COLUMNS, "title"}
    questions = rows[~rows["id"].str.startswith("par:")]
    # French is none of the languages.
    assert len(questions) == 24 and questions["query"].notna().all() and questions["passage"].notna().all()
    taken = rows[rows["id"].str.startswith("par:")].groupby("source")["id"].nunique().to_dict()
    assert taken == {"tico19": 30, "tatoeba": qa_parallel.TATOEBA}
    assert not {"par:alone", "par:far", "par:dev", "par:few", "par:odd"} & set(rows["id"])


def test_a_text_is_on_one_side_in_each_language_and_on_both_in_all(rows):
    parallel = rows[rows["id"].str.startswith("par:")]
    assert (parallel["query"].isna() != parallel["passage"].isna()).all()
    sides = parallel.groupby("id")[["query", "passage"]].count()
    assert (sides.min(axis=1) >= 1).all() and (sides.sum(axis=1) - 2).isin([0, 1]).all()
    # No language is always the one that asks.
    assert parallel.groupby("lang")["query"].agg(lambda texts: texts.notna().mean()).between(0.3, 0.7).all()


def test_within_a_language_only_questions_are_drawn(rows, mix):
    pairs = ParallelPairs.load(str(mix / "qa_parallel"), split="train", languages=["de", "en", "hi", "th"])
    ids = np.array(pairs.example_ids)
    for arm, parallel in (("x-x-mono", False), ("x-y", True)):
        plan = HybridBatchPlan(pairs, PlanSettings(arm=arm, global_batch_size=8, seed=1))
        drawn = {ids[example] for step in range(20) for example in plan.batch(step).examples}
        assert any(name.startswith("par:") for name in drawn) == parallel


def test_twice_is_once_in_the_card_and_the_same_bytes(rows, mix, monkeypatch):
    before = (mix / "qa_parallel/train.parquet").read_bytes()
    with pytest.raises(InputError, match="exists: choose another name or pass --overwrite"):
        qa_parallel.main()
    monkeypatch.setattr("sys.argv", ["qa_parallel.py", str(mix), "--overwrite"])
    assert qa_parallel.main() == 0
    assert (mix / "qa_parallel/train.parquet").read_bytes() == before
    assert (mix / "README.md").read_text() == f"---\nconfigs:\n{qa_parallel.CONFIG}{qa_parallel.END}---\n"


def test_what_is_no_mix_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["qa_parallel.py", str(tmp_path)])
    with pytest.raises(InputError, match=r"qa/train.parquet: no such file; build the mix"):
        qa_parallel.main()
    with pytest.raises(InputError, match="not the card that"):
        qa_parallel.add_to_card(tmp_path / "README.md")
