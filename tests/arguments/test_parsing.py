"""Recipes and flags: precedence, typing, errors with the nearest name, and a readable help."""

from __future__ import annotations

import pytest

from hf_hybrid.arguments.parsing import parse_arguments, read_recipe, recipe_names
from hf_hybrid.errors import InputError


def parse(*argv):
    return parse_arguments([*argv, "--use_cpu"])


def test_no_config_is_the_default_recipe():
    model, data, training = parse()
    recipe = read_recipe("default")
    assert (model.encoder, training.max_steps) == (recipe["encoder"], recipe["max_steps"])
    assert data.dataset_name_or_path is None and not training.output_dir_given


def test_an_encoder_of_ones_own_takes_the_papers_values():
    model, _, training = parse("--model_name_or_path", "some/encoder")
    assert (model.encoder, training.learning_rate, training.weight_decay) == ("auto", 3e-5, 0.01)
    assert (training.global_batch_size, training.mono_probability) == (100, 0.5)


def test_flags_override_the_recipe(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("arm: x-y\nlearning_rate: 2e-5\nlanguages: [de, en]\nbf16: false\nscale: 5\n")
    model, data, training = parse("--config", str(recipe), "--arm", "x-x")
    # 2e-5 is a string to YAML: it must arrive as the number that a flag would be.
    assert (training.arm, training.learning_rate, training.scale) == ("x-x", 2e-5, 5.0)
    assert data.languages == ["de", "en"] and model.encoder == "auto"


@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_parse(name):
    recipe = read_recipe(name)
    model, _, training = parse("--config", name, "--bf16", "false")
    assert training.arm == recipe["arm"] and training.global_batch_size == recipe["global_batch_size"]
    assert training.metric_for_best_model == recipe.get("metric_for_best_model")


def test_recipes_are_those_named_in_the_documentation():
    assert recipe_names() == [
        "default",
        "labse",
        "mini_align",
        "mini_arm",
        "small_align",
        "small_arm",
        "static_arm",
        "static_base",
        "xlmr_base",
        "xlmr_large",
    ]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--config", "defualt"], r"no packaged recipe of that name; did you mean 'default'\?"),
        (["--mono_probabilty", "0.3"], r"unknown argument '--mono_probabilty'; did you mean '--mono_probability'\?"),
        (["--arm", "sideways"], r"--arm: invalid choice"),
        (["--max_steps", "many"], r"--max_steps: invalid int value: 'many'"),
        (["--global_batch_size", "0"], r"global_batch_size: 0 is below 1"),
        (["--scale", "-1"], r"scale: -1.0 is not positive"),
        (["--encoder"], r"--encoder: expected one argument"),
    ],
)
def test_errors_are_one_line_and_name_the_flag(argv, message):
    with pytest.raises(InputError, match=message) as caught:
        parse(*argv)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("learning_rat: 1", r"config: unknown key 'learning_rat'; did you mean 'learning_rate'\?"),
        ("- a\n- b", "mine.yaml: not a mapping"),
        ("a: [1", "mine.yaml: not valid YAML"),
    ],
)
def test_recipe_errors(tmp_path, content, message):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(content)
    with pytest.raises(InputError, match=message):
        parse("--config", str(recipe))


def test_help_shows_our_arguments_first_and_hides_the_rest(capsys):
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert "--mono_probability X" in text and "--learning_rate X" in text and "--adam_beta1" not in text
    assert "--mono-probability" not in text and "(the paper's alpha). [0.5]" in text
    assert text.index("\nhybrid batch training:") < text.index("\ndata:") < text.index("\nencoder:")
    with pytest.raises(SystemExit):
        parse_arguments(["--help_all"])
    assert "--adam_beta1" in capsys.readouterr().out


@pytest.mark.parametrize("written", ["[en, no]", "[en, 'no']", "no", "en", "[EN, zh_Hans, en]", "[en, German]", "[1]"])
def test_languages_of_a_recipe(tmp_path, written):
    """YAML reads an unquoted `no` as false."""
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"languages: {written}\n")
    expected = {"[en, 'no']": ["en", "no"], "en": ["en"], "[EN, zh_Hans, en]": ["en", "zh-Hans"]}
    if written in expected:
        assert parse("--config", str(recipe))[1].languages == expected[written]
        return
    message = (
        "languages: (YAML reads an unquoted no as False; quote it|unknown language tag 'German'|1 is no language tag)"
    )
    with pytest.raises(InputError, match=message):
        parse("--config", str(recipe))


def test_languages_of_a_flag():
    assert parse("--languages", "EN", "no", "en")[1].languages == ["en", "no"]
