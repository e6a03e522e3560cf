import re
import subprocess
import sys

import pytest

from hf_hybrid.cli.lint import LintCommand
from hf_hybrid.cli.main import COMMANDS, main, make_parser
from hf_hybrid.errors import InputError, run_command


def test_help_is_quick_and_needs_neither_torch_nor_transformers():
    code = (
        "import sys; from hf_hybrid.cli.main import main\n"
        "try:\n    main(['evaluate', '--help'])\n"
        "finally:\n"
        "    heavy = {'torch', 'transformers', 'datasets', 'numpy', 'pyarrow'}\n"
        "    heavy |= {'huggingface_hub', 'langcodes', 'yaml'}\n"
        "    assert not heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--candidate_text" in done.stdout and "xquad_r" in done.stdout


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "hf_hybrid.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: hf-hybrid ")
    listed = re.findall(r"(?m)^    ([a-z-]+)(?:$| )", done.stdout)
    assert listed == [command.name for command in COMMANDS] and len(set(listed)) == len(listed) == 17
    wrong = subprocess.run([sys.executable, "-m", "hf_hybrid.cli", "lint", "nowhere"], capture_output=True, text=True)
    assert wrong.returncode == 2 and wrong.stderr.startswith("hf-hybrid: error: ")


def test_parsed_arguments_say_of_which_verb_they_are():
    parsed = make_parser().parse_args(["lint", "."])
    assert parsed.verb == "lint" and isinstance(parsed.command, LintCommand)


def test_every_verb_has_a_module_of_its_name():
    for command in COMMANDS:
        assert type(command).__module__ == f"hf_hybrid.cli.{command.name.replace('-', '_')}"


def test_the_status_of_a_verb_is_that_of_the_command(monkeypatch):
    monkeypatch.setattr(LintCommand, "run", lambda self, arguments: len(arguments.paths))
    assert main(["lint", "a", "b", "c"]) == 3


def test_version(capsys):
    from hf_hybrid import __version__

    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"hf-hybrid {__version__}\n"


def test_run_command_lets_defects_through_and_catches_the_rest(capsys):
    def fail(error):
        raise error

    assert run_command(lambda: "anything") == 0 and run_command(lambda: 1) == 1
    assert run_command(lambda: fail(InputError("two\nlines"))) == 2
    assert capsys.readouterr().err == "hf-hybrid: error: two lines\n"
    assert run_command(lambda: fail(KeyboardInterrupt())) == 130
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: fail(ZeroDivisionError()))
