"""One grammar for the help of all verbs. `train` has the parser of transformers and is only listed."""

from __future__ import annotations

import argparse
import re
from collections import defaultdict

import pytest

from hf_hybrid.cli.command import HelpFormatter
from hf_hybrid.cli.main import COMMANDS, make_parser

# What a help text may begin with. A new verb of English is welcome; a noun, an article or a capital letter is not.
IMPERATIVES = set(
    """
    add aggregate allow ask check commit compare count cut delete demand draw embed encode evaluate export fetch
    find give keep leave let list load look make name open order pool put read record replace run search seed
    share show store take train try turn use write
    """.split()
)
# Flags whose meaning differs from verb to verb. All others have one help text.
OF_THEIR_OWN = {
    "--k": "a cutoff of figures, and a number of passages",
    "--kind": "of a text (encode), and of a repository",
    "--languages": "to evaluate, and to count texts in (trim)",
    "--output": "each names its result; see `test_outputs`",
    "--plot": "each names its picture; see `test_outputs`",
    "--revision": "to commit to (push), and to take (pull)",
    "--seed": "of a run (evaluate), and of draws",
    "--similarity": "of vectors (encode, evaluate), and of texts, from 0 to 1 (decontaminate)",
    "--split": "of benchmarks (evaluate), and of training data",
    "--vectors": "to keep (evaluate), and to search",
}


def parsers() -> dict[str, argparse.ArgumentParser]:
    verbs = next(action for action in make_parser()._actions if action.choices)
    return dict(verbs.choices)


ARGUMENTS = [
    pytest.param(action, id=f"{verb} {action.option_strings[0] if action.option_strings else action.dest}")
    for verb, parser in parsers().items()
    for action in parser._actions
    if action.dest != "help"
]


def check_line(text: str) -> None:
    first = re.match(r"[a-z]+", text)
    assert first and first[0] in IMPERATIVES, f"begins with no verb of the list: {text}"
    assert not text.endswith((".", ";", ",")) and ". " not in text and "\n" not in text
    assert "  " not in text and text.count("(default: ") <= 1
    if "(default: " in text:
        assert text.endswith(")")


@pytest.mark.parametrize("action", ARGUMENTS)
def test_arguments(action):
    check_line(action.help)
    if action.default not in (None, False, [], argparse.SUPPRESS):
        assert "default: " in action.help, "its default is not said"
    if action.nargs != 0 and not action.choices:
        assert action.metavar, "its value has no name"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_verbs(command):
    check_line(command.help)
    assert len(command.help) <= 70
    for paragraph in command.description.strip().split("\n\n"):
        assert re.match(r"[A-Z]", paragraph) and paragraph.endswith(".")
    first = command.description.split()[0]
    assert first.lower() in IMPERATIVES
    assert not command.epilog or command.epilog.startswith("examples:\n  hf-hybrid " + command.name)
    assert (command.epilog is None) == (command.name in ("train", "install-metric"))


def test_a_flag_of_several_verbs_has_one_help_text():
    texts = defaultdict(lambda: defaultdict(list))
    for verb, parser in parsers().items():
        for action in parser._actions:
            for name in action.option_strings or [action.dest] if action.dest != "help" else []:
                texts[name][(action.help, action.metavar, action.nargs, action.type)].append(verb)
    shared = {name for name, forms in texts.items() if sum(map(len, forms.values())) > 1}
    assert {"model", "--model_revision", "--pooling", "--device", "--overwrite", "--quiet", "--batch_size"} <= shared
    positional = {"folder", "repo_id"}
    several = {name: dict(forms) for name, forms in texts.items() if len(forms) > 1 and name not in positional}
    assert set(several) - {"output"} == set(OF_THEIR_OWN), several
    # Of those, the same verbs agree as far as they mean the same.
    assert ["push", "pull"] in [sorted(verbs, reverse=True)[:2] for verbs in several["--kind"].values()]
    assert ["compare", "arms"] in several["--seed"].values()


def test_outputs():
    for verb, parser in parsers().items():
        for action in parser._actions:
            if action.dest == "output":
                assert re.fullmatch(r"write [\w ]+ to this (folder|[\w ]*file)", action.help), verb
            if action.dest == "plot":
                assert re.fullmatch(r"draw [\w ]+ to this file, .png or .svg, or to one of each", action.help), verb


def test_every_line_of_an_epilog_fits_a_terminal_of_120_columns():
    for command in COMMANDS:
        for line in (command.epilog or "").splitlines():
            assert len(line) <= 119, line


def test_paragraphs_are_filled_and_examples_stay():
    parser = argparse.ArgumentParser(
        prog="p",
        formatter_class=lambda prog: HelpFormatter(prog, width=30),
        description="One two three four five\nsix seven eight nine ten.\n",
        epilog="examples:\n  p one two three four five six seven eight\n\nWhat follows\nis filled.\n",
    )
    shown = parser.format_help()
    assert "One two three four five six\nseven eight nine ten.\n" in shown
    assert "examples:\n  p one two three four five six seven eight\n\nWhat follows is filled.\n" in shown
