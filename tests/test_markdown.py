"""Tables; blocks between markers are replaced, and nothing else."""

from __future__ import annotations

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.markdown import field_block_names, replace_field_blocks, replace_text_blocks, table, text_block_names

TEXT = """\
---
a: 1
# card: fields
b: 2
# end: fields
---
Mine.
<!-- card: one -->
<!-- figures: x -->
<!-- end: figures -->
<!-- end: one -->
<!-- build.py: two -->
<!-- end: two -->
Mine, too.
"""


def test_blocks():
    text = replace_field_blocks(TEXT, {"fields": "c: \\1"}, "card", "README.md")
    text = replace_text_blocks(text, {"one": "New \\g<1>."}, "card", "README.md")
    expected = TEXT.replace("b: 2", "c: \\1")
    old = "\n<!-- figures: x -->\n<!-- end: figures -->\n<!-- end: one -->"
    assert text == expected.replace(old, "\n\nNew \\g<1>.\n\n<!-- end: one -->")
    assert replace_text_blocks(text, {"one": "New \\g<1>."}, "card", "README.md") == text


def test_an_empty_block_leaves_its_markers():
    text = replace_text_blocks(TEXT, {"one": ""}, "card", "README.md")
    assert "<!-- card: one -->\n<!-- end: one -->" in text
    assert "# card: fields\n# end: fields\n" in replace_field_blocks(TEXT, {"fields": ""}, "card", "README.md")


def test_names():
    assert field_block_names(TEXT, "card") == ["fields"]
    assert text_block_names(TEXT, "card") == ["one"] and text_block_names(TEXT, "build.py") == ["two"]


@pytest.mark.parametrize("text", ["", TEXT + TEXT])
def test_markers_must_be_there_once(text):
    with pytest.raises(
        InputError, match=r"README.md: expected one block marked 'one', found [02]; restore the markers"
    ):
        replace_text_blocks(text, {"one": "x"}, "card", "README.md")


def test_columns_of_a_table():
    rows = [["a|b", 1234, "x"], ["c", 0.5, None]]
    assert table(["", "n", "text"], rows).splitlines()[1:] == [
        "| --- | ---: | ---: |",
        "| a\\|b | 1,234 | x |",
        "| c | 0.5 | None |",
    ]
    assert table(["", "n", "text"], rows, left=2).splitlines()[1] == "| --- | --- | ---: |"
    assert table(["", "n", "text"], rows, left=[True, False, True]).splitlines()[1] == "| --- | ---: | --- |"
