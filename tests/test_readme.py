"""README and docs: short; figures as in results files, links that lead somewhere, code and commands that parse."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import pytest

from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.cli.main import make_parser
from hf_hybrid.evaluation.arms.text import arms_report
from hf_hybrid.training.run_folder import comparison_table

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
MODELS = ROOT / "docs" / "models.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
RESULTS = ROOT / "benchmarks" / "results"
ARMS = {name: ROOT / "model_cards" / f"hybrid-xlir-{name}" / "results" / "arms.json" for name in ("small", "static")}


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), flags=re.DOTALL | re.MULTILINE)


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """Every command of every bash block: its page, its words."""
    found = []
    for page in PAGES:
        for block in blocks(page, "bash"):
            for line in block.replace("\\\n", " ").splitlines():
                words = tuple(shlex.split(line, comments=True))
                if words and words[0] not in ("do", "done") and not re.match(r"\w+=", words[0]):
                    found.append((page.relative_to(ROOT).as_posix(), words))
    return found


def summary(name: str) -> dict[str, float]:
    return json.loads((RESULTS / f"{name}.json").read_text())["summary"]


def test_the_readme_is_short():
    assert len(text(README).split()) <= 1100


def test_table_of_the_default_run():
    assert comparison_table({"before": summary("default/before"), "after": summary("default/results")}) in text(README)


@pytest.mark.parametrize("name", ARMS)
def test_tables_of_the_arms_and_the_claims(name):
    content = json.loads(ARMS[name].read_text(encoding="utf-8"))
    report = arms_report({part: content[part] for part in ("arms", "claims")})
    assert len(report.splitlines()) > 10 and report in text(MODELS)


def test_table_of_the_arms():
    content = json.loads(ARMS["small"].read_text(encoding="utf-8"))
    table = arms_report({"arms": content["arms"], "claims": content["claims"]}).split("\n\n")[0]
    assert len(table.splitlines()) == 7 and table in text(README)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_parse(page):
    for block in blocks(page, "python"):
        ast.parse(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            aim = (page.parent / path) if path else page
            assert aim.exists(), target
            if anchor and aim.suffix == ".md":
                assert anchor in anchors(aim), target


def anchors(page: Path) -> set[str]:
    """The names that GitHub and the Hub give to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", text(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("page", "words"), commands(), ids=lambda value: value if isinstance(value, str) else " ".join(value)[:60]
)
def test_commands_parse(page, words, monkeypatch):
    """Verbs and flags exist, recipes are there, scripts and make targets, too. Nothing is run but the parsers."""
    program, *rest = words
    if "hf_hybrid/train.py" in words or "hf_hybrid.train" in words or words[:2] == ("hf-hybrid", "train"):
        start = max(words.index(name) for name in ("hf_hybrid/train.py", "hf_hybrid.train", "train") if name in words)
        # Half precision is refused where no device has it; everything else of a command can be checked anywhere.
        flags = [word for word in words[start + 1 :] if word != "--bf16"]
        parse_arguments([*flags, "--bf16", "false"])
    elif program == "hf-hybrid":
        if "--help" not in rest:
            assert make_parser().parse_args(rest).command.name in rest[:2]
    elif program in ("python", ".venv/bin/python"):
        script = ROOT / rest[0]
        assert script.is_file()
        source = "".join(path.read_text() for path in script.parent.glob(f"{script.stem}*.py"))
        assert all(word.split("=")[0] in source for word in rest if word.startswith("--") and word != "--help")
    elif program == "make":
        assert re.search(rf"^{rest[0]}:", text(ROOT / "Makefile"), flags=re.MULTILINE)
    else:
        assert program in ("git", "pip", "bash", "accelerate", "for", "mkdir", "cp", "rm"), words
