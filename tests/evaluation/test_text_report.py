import numpy as np

from hf_hybrid.evaluation.text_report import language_table, matrix_table


def test_the_matrix_loses_its_decimals_before_it_is_left_out():
    tags = [f"l{index:02d}" for index in range(18)]
    cells = np.full((18, 18), 0.123)
    wide, narrow = matrix_table(tags, cells, width=120), matrix_table(tags, cells, width=80)
    assert "12.3" in wide and "12.3" not in narrow and " 12" in narrow
    for table, width in ((wide, 120), (narrow, 80)):
        assert max(map(len, table.splitlines())) <= width and len(table.splitlines()) == 19
    assert matrix_table(tags, cells, width=60) is None


def test_long_tags_keep_the_columns_apart():
    table = matrix_table(["zh-Hant", "en"], np.array([[1.0, 0.5], [np.nan, 0.25]]))
    assert table.splitlines()[0].split() == ["zh-Hant", "en"]
    assert table.splitlines()[2].split() == ["en", "-", "25.0"]


def test_missing_values_are_dashes():
    table = language_table({"en": {"mo_map": 0.5, "rank_distance": 1234.56}}, k=10)
    assert table.splitlines()[1].split() == ["en", "50.0", "-", "-", "1,234.6", "-"]
