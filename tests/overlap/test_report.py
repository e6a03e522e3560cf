"""The report and the command's help say the same about the checks."""

from __future__ import annotations

import re

import pytest

from hf_hybrid.cli.decontaminate import DecontaminateCommand
from hf_hybrid.overlap.index import CHECKS
from hf_hybrid.overlap.report import MEANINGS


@pytest.mark.parametrize("check", CHECKS)
def test_papers_are_cited_by_the_same_place(check):
    (line,) = re.findall(rf"^  {check} .*$", DecontaminateCommand.epilog, re.M)
    cited = re.compile(r"(\w+) et al\., (\d{4}), ((?:section|appendix) \w+)")
    assert cited.findall(line) == cited.findall(MEANINGS[check])
