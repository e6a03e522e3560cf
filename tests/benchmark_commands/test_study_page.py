"""The page of a study keeps its head and takes the report anew."""

from __future__ import annotations

import json

from benchmarks.study_page import main


def study(folder, answer: str):
    folder.mkdir(exist_ok=True)
    for name in ("declaration.json", "report.json", "report.svg"):
        (folder / name).write_text(f"{name} {answer}")
    seconds = {"total-x_y/seed_1": 50.0, "total-x_y/seed_2": 30.0, "total-x_y/seed_3": 20.0, "total-hybrid/seed_1": 9}
    (folder / "seconds.json").write_text(json.dumps({"training": seconds}))
    (folder / "report.md").write_text(f"# Which?\n\n- {answer}\n\n![Which?](report.png)\n")
    return str(folder)


def test_the_head_stays_and_the_report_is_new(tmp_path, capsys):
    assert main([study(tmp_path / "run", "first"), "ratio"], tmp_path) == 0
    page = tmp_path / "docs/studies/ratio.md"
    assert page.read_text() == (
        "# Which?\n\n<!-- study: report -->\n\n## What was declared, and found\n\n- first\n\n![Which?](ratio.svg)\n\n"
        "## What the trainings took\n\n| run | seeds | seconds, median |\n| --- | ---: | ---: |\n"
        "| total-x_y | 3 | 30 |\n"
        "| total-hybrid | 1 | 9 |\n\n109 seconds in all, wall clock, as many at a time as the command says.\n\n"
        "<!-- end: report -->\n"
    )
    page.write_text(page.read_text().replace("# Which?\n", "# Which?\n\nIt holds.\n", 1))
    assert main([study(tmp_path / "run", "second"), "ratio"], tmp_path) == 0
    assert (
        page.read_text().startswith("# Which?\n\nIt holds.\n\n<!-- study: report -->\n")
        and "- second" in page.read_text()
    )
    assert "first" not in page.read_text()
    kept = tmp_path / "benchmarks/results/studies/ratio"
    assert (kept / "report.json").read_text() == "report.json second" and len(list(kept.iterdir())) == 3
    assert (page.with_suffix(".svg")).read_text() == "report.svg second"


def test_a_study_that_has_not_ended_is_refused(tmp_path, capsys):
    folder = tmp_path / "run"
    study(folder, "first")
    (folder / "report.json").unlink()
    assert main([str(folder), "ratio"], tmp_path) == 2
    assert "has no report.json: run the study to its end first" in capsys.readouterr().err
    assert not (tmp_path / "docs").exists()
