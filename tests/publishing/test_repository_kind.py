"""Of which kind a repository is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.lint.card import read_card
from hf_hybrid.publishing.repository_kind import KINDS, kind_of_folder, kinds_by_fields

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("card", "files", "kind"),
    [
        ("pipeline_tag: sentence-similarity\n", {}, "model"),
        ("configs:\n- config_name: a\nlicense: mit\n", {}, "dataset"),
        ("sdk: gradio\nmodels: [me/model]\n", {"app.py": ""}, "space"),
        ("license: mit\n", {"config.json": "{}"}, "model"),
        ("license: mit\n", {"data/a.parquet": ""}, "dataset"),
    ],
)
def test_the_card_tells_the_kind(make_folder, card, files, kind):
    folder = make_folder({"README.md": f"---\n{card}---\n# Card\n", **files})
    assert kind_of_folder(folder) == kind == kind_of_folder(folder, kind)


@pytest.mark.parametrize(
    ("readme", "files", "kind", "message"),
    [
        ("---\npipeline_tag: x\nconfigs: []\n---\n", {}, None, "may be model or dataset; say which with --kind"),
        ("no block", {}, None, "may be model or dataset or space"),
        ("no block", {"config.json": "{}", "a.parquet": ""}, None, "may be model or dataset;"),
        ("---\nconfigs: []\n---\n", {}, "model", r"the card of a dataset \(configs\), not of a model"),
        ("---\na: [\n---\n", {}, None, "cannot be read"),
        ("---\n- a\n---\n", {}, None, "cannot be read"),
        ("no block", {}, "modle", "'modle' is none of model, dataset, space"),
        (None, {"config.json": "{}"}, "model", "has no README.md"),
    ],
)
def test_what_is_not_told_is_asked(make_folder, readme, files, kind, message):
    folder = make_folder({**({} if readme is None else {"README.md": readme}), **files})
    with pytest.raises(InputError, match=message):
        kind_of_folder(folder, kind)


@pytest.mark.parametrize(
    ("folder", "kind"), [("spaces/hybrid_xlir_map", "space"), ("hub_datasets/cldr_qa", "dataset")]
)
def test_our_own_folders_tell_their_kind(folder, kind):
    assert kind_of_folder(ROOT / folder) == kind


@pytest.mark.parametrize("field", ["sdk", "app_file", "configs", "annotations_creators", "base_model", "model-index"])
def test_the_lint_and_the_push_take_a_card_for_the_same(make_folder, field):
    folder = make_folder({"README.md": f"---\n{field}: x\n---\n"})
    assert read_card(folder / "README.md").kind == kind_of_folder(folder) == next(iter(kinds_by_fields({field: "x"})))
    assert kind_of_folder(folder) in KINDS
