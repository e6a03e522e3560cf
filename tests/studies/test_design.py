"""Designs of studies: the packaged ones are whole, and mistakes in one of the user's are named."""

from __future__ import annotations

from dataclasses import fields

import pytest
import yaml

from hf_hybrid.arguments.parsing import parse_arguments, recipe_names
from hf_hybrid.errors import InputError
from hf_hybrid.studies.design import _KINDS, ArmsDesign, design_names

WHOLE = {"base": "static_base", "arm": "static_arm", "arms": {"x-y": {"arm": "x-y"}}, "seeds": [1, 2]}


@pytest.mark.parametrize("name", design_names())
def test_packaged_designs_name_packaged_recipes_and_settings_of_the_trainer(name):
    design = ArmsDesign.load(name)
    assert design.name == name and {design.base, design.arm} - {None} <= set(recipe_names())
    for settings in design.arms.values():
        flags = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        groups = parse_arguments(["--config", design.arm, "--bf16", "false", *flags])
        taken = {key: value for group in groups for key, value in vars(group).items()}
        assert settings.items() <= taken.items()


def test_there_is_one_for_each_kind_of_encoder():
    assert design_names() == ["mini", "small", "static"]


def test_a_file_of_the_user_s(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(WHOLE))
    design = ArmsDesign.load(str(file))
    assert (design.name, design.seeds, design.teacher, design.candidate_texts) == (
        "mine.yaml",
        (1, 2),
        None,
        ("sentence",),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": [1]}, "mine.yaml: unknown field 'seed'; did you mean seeds?"),
        ({"arms": {}}, "field 'arms' is missing or empty"),
        ({"arms": {"x-y": {"mono_probability": 0.5}}}, "'x-y' must be a mapping of settings, with `arm`"),
        ({"seeds": 5}, "field 'seeds' cannot be 5"),
        ({"data": 5}, "field 'data' cannot be 5"),
        ({"seeds": ["a"]}, "field 'seeds' must hold whole numbers"),
        ({"base": 5}, "field 'base' cannot be 5"),
        ({"base": None}, "field 'base' or 'start' is wanted, and not both"),
        ({"start": "encoder"}, "field 'base' or 'start' is wanted, and not both"),
        ({"base": None, "start": "encoder", "teacher": "t"}, "field 'teacher' has no effect with 'start'"),
    ],
)
def test_mistakes_are_named(tmp_path, change, message):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({**WHOLE, **change}))
    with pytest.raises(InputError, match=message):
        ArmsDesign.load(str(file))


@pytest.mark.parametrize(("text", "message"), [("a: [", "not valid YAML"), ("- 1", "not a mapping")])
def test_what_is_no_design_is_named(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        ArmsDesign.load(str(file))
    with pytest.raises(InputError, match="no packaged study of that name; there are mini, small, static"):
        ArmsDesign.load("statics")


def test_every_field_is_checked():
    assert set(_KINDS) == {field.name for field in fields(ArmsDesign)} - {"name"}
