"""Repeated text: the first of near-duplicates stays, and passages that say the same share a `passage_id`.

Near-duplicates in a batch are false negatives of each other, and a frequent sentence is learnt at the cost of rare
ones.
"""

from __future__ import annotations

import pandas as pd

from hf_hybrid.overlap.comparable_text import comparable
from hf_hybrid.overlap.near_duplicates import NearDuplicates
from mix.filters import Refusals

SIMILARITY = 0.8


def without_duplicates(frame: pd.DataFrame, refusals: Refusals) -> pd.DataFrame:
    """Drop every example whose text is a near-duplicate of an earlier example's, in English or else in its first
    language.

    Of examples with a question of their own, those are dropped whose question and passage are both there already.
    """
    pivots = _pivots(frame)
    questions = pivots["query"].notna() & (pivots["query"] != pivots.passage)
    asked = pivots[questions]
    pairs = asked["query"].map(comparable) + "\n" + asked.passage.map(comparable)
    again = set(asked.id[pairs.duplicated()])
    refusals.add(frame.source[frame.id.isin(again)], "duplicate")
    near = _near_duplicates(pivots[~questions], "passage")
    refusals.add(frame.source[frame.id.isin(near)], "near_duplicate")
    return frame[~frame.id.isin(again | near)]


def without_near_duplicate_passages(frame: pd.DataFrame, refusals: Refusals) -> pd.DataFrame:
    """Drop every example whose passage is a near-duplicate of an earlier example's; for headings, which tell little
    apart.
    """
    near = _near_duplicates(_pivots(frame), "passage")
    refusals.add(frame.source[frame.id.isin(near)], "near_duplicate")
    return frame[~frame.id.isin(near)]


def with_shared_passage_ids(frame: pd.DataFrame) -> pd.DataFrame:
    """Give passages that are near-duplicates of an earlier one that one's `passage_id`."""
    passages = frame[frame.passage.notna()].drop_duplicates("passage_id")[["passage_id", "passage"]]
    names = passages.passage_id.tolist()
    forms = passages.passage.map(comparable).tolist()
    first_of_form: dict[str, int] = {}
    same = {place: first_of_form.setdefault(form, place) for place, form in enumerate(forms)}
    distinct = list(first_of_form.values())
    near = NearDuplicates(SIMILARITY).first_of(distinct, [forms[place] for place in distinct])
    renamed = {names[place]: names[near.get(first, first)] for place, first in same.items()}
    return frame.assign(passage_id=frame.passage_id.map(lambda name: renamed.get(name, name)))


def _pivots(frame: pd.DataFrame) -> pd.DataFrame:
    """One rendition of each example, that in which it is compared: with both sides if there is one, English, or the
    first language.
    """
    order = frame.assign(
        incomplete=frame["query"].isna() | frame.passage.isna(), foreign=frame.lang != "en"
    ).sort_values(["id", "incomplete", "foreign", "lang"])
    pivots = order.drop_duplicates("id")
    return pivots[pivots.passage.notna()]


def _near_duplicates(pivots: pd.DataFrame, column: str) -> set[str]:
    """Ids of the examples that are near-duplicates of an earlier one, or equal to it."""
    ids, forms = pivots.id.tolist(), pivots[column].map(comparable).tolist()
    first_of_form: dict[str, int] = {}
    equal = {place for place, form in enumerate(forms) if first_of_form.setdefault(form, place) != place}
    distinct = list(first_of_form.values())
    near = NearDuplicates(SIMILARITY).first_of(distinct, [forms[place] for place in distinct])
    return {ids[place] for place in equal | set(near)}
