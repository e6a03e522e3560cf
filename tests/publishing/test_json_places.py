"""A figure is written and read at the same place of a file."""

from __future__ import annotations

import json

import pytest

from hf_hybrid.publishing.cards.sourced_tables import Source
from hf_hybrid.publishing.json_places import keys_of, numbers_in, pointer_to, values_at
from hf_hybrid.publishing.lint.figures import FigureReader

CONTENT = {"a b/c": {"x~1": [1, {"n": 2, "flag": True}], "3*4": {"n": 5}}, "empty": []}


@pytest.mark.parametrize(
    ("keys", "numbers"),
    [
        (["a b/c", "x~1"], [1, 2]),
        (["a b/c", "x~1", 0], [1]),
        (["a b/c", "3*4", "n"], [5]),
        (["a b/c", "*"], [1, 2, 5]),
    ],
)
def test_what_a_card_writes_the_lint_finds(tmp_path, keys, numbers):
    (tmp_path / "r.json").write_text(json.dumps(CONTENT))
    assert keys_of(pointer_to(keys)) == [str(key) for key in keys]
    assert [n for value in values_at(CONTENT, keys) for n in numbers_in(value)] == numbers
    figure = Source("r.json", CONTENT).figure(*keys, total=True)
    assert figure.text == str(sum(numbers))
    assert [value for _, value in FigureReader(tmp_path).values(figure.reference)] == [sum(numbers)]


@pytest.mark.parametrize(("keys", "missing"), [(["none"], "none"), (["*", "x~1"], "x~1"), (["a b/c", "x~1", 2], 2)])
def test_a_place_that_is_not_there(keys, missing):
    with pytest.raises(LookupError) as caught:
        values_at(CONTENT, keys)
    assert caught.value.args == (missing,)
    assert Source("r.json", CONTENT).figure(*keys, total=True) is None
