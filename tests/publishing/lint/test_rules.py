"""One broken card for every rule; the finding names the rule, the line and the culprit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.lint import Finding, lint_cards, lint_folder
from hf_hybrid.publishing.lint.hub_values import LICENCES, TASKS, size_category
from tests.publishing.lint.cards import write_project, write_rows

FOLDERS = {"dataset": "hub_datasets/toy", "model": "model_cards/tiny", "space": "spaces/search"}


@pytest.fixture
def project(tmp_path) -> Path:
    return write_project(tmp_path)


def card_of(project: Path, kind: str) -> Path:
    return project / FOLDERS[kind] / "README.md"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (text.count(old), old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def lint(folder: Path, **options) -> list[Finding]:
    return lint_cards([folder], **{"load": False, **options})[1]


def line_text(finding: Finding) -> str:
    return finding.path.read_text(encoding="utf-8").splitlines()[finding.line - 1]


def test_cards_in_order_have_no_findings(project):
    cards, findings = lint_cards([project])
    assert findings == []
    assert [str(card.parent.relative_to(project)) for card in cards] == [
        FOLDERS[k] for k in ("dataset", "space", "model")
    ]


# kind, what is replaced, by what, the rule, a pattern of the message, a part of the line that is named
BROKEN = [
    # metadata
    ("dataset", "pretty_name: Toy", "pretty_name:", "field", "'pretty_name' is missing or empty", "pretty_name"),
    ("model", "library_name: sentence-transformers\n", "", "field", "'library_name'", "---"),
    ("space", "emoji: 🌐\n", "", "field", "'emoji'", "---"),
    ("dataset", "license: cc0-1.0", "license: cc-0-1.0", "licence", "did you mean cc0-1.0", "license:"),
    ("model", "license: apache-2.0", "license: other", "licence", "needs the field 'license_name'", "license:"),
    (
        "model",
        "license: apache-2.0",
        "license: other\nlicense_name: own\nlicense_link: LICENSE",
        "licence",
        "no file 'LICENSE'",
        "license_link",
    ),
    ("model", "  - zh-Hant", "  - cn", "language", "'cn' is no language tag", "- cn"),
    ("model", "  - zh-Hant", "  - iw", "language", "the usual tag is 'he'", "- iw"),
    ("model", "  - zh-Hant", "  - no", "language", "is no text", "- no"),
    ("model", "  - zh-Hant", "  - de", "language", "'de' is there twice", "- de"),
    ("dataset", "  - text-retrieval", "  - text-retreival", "task", "did you mean text-retrieval", "task_categories"),
    (
        "model",
        "pipeline_tag: sentence-similarity",
        "pipeline_tag: similarity",
        "task",
        "pipeline_tag: 'similarity'",
        "pipeline_tag",
    ),
    ("dataset", "[n<1K]", "[<1K]", "task", "size_categories: '<1K'", "size_categories"),
    ("dataset", "## Limits", "## Thanks", "section", "needs a section `## Limits`", ""),
    ("model", "## Citation", "## Thanks", "section", "needs a section `## Citation`", ""),
    ("space", "## Use", "## Beware", "section", "needs a section `## Use`", ""),
    ("space", "# Search", "Search", "section", "0 titles", ""),
    (
        "dataset",
        "By hand.",
        "By hand in /home/ann/toys.",
        "local-path",
        "'/home/ann' is a path of one machine",
        "By hand",
    ),
    ("dataset", 'path = "data"', r'path = "C:\toys"', "local-path", "path of one machine", "path ="),
    # links
    ("dataset", "(TEXT.md)", "(TEXTS.md)", "link", "'TEXTS.md' leads to no file", "Questions about toys"),
    ("dataset", "(#limits)", "(#limit)", "link", "no heading for the link '#limit'", "Questions about toys"),
    ("dataset", "(TEXT.md)", "(../../README.md)", "link", "leaves the repository", "Questions about toys"),
    (
        "model",
        "FacebookAI/xlm-roberta-base",
        "xlm roberta",
        "hub-name",
        "base_model: 'xlm roberta' is no name",
        "base_model",
    ),
    (
        "model",
        "datasets: [me/toy]",
        "datasets: [toy]",
        "hub-name",
        "datasets: 'toy' is no name of the Hub: write OWNER/NAME",
        "datasets",
    ),
    (
        "space",
        "datasets: [me/toy]",
        "datasets: [me/toy, me/tiny]",
        "hub-name",
        "me/tiny is named as a dataset, but here it is a model",
        "datasets",
    ),
    # configurations
    (
        "dataset",
        "path: data/th.parquet",
        "path: data/tr.parquet",
        "configs",
        "config th, split test: no file matches",
        "config_name: th",
    ),
    (
        "dataset",
        "path: data/th.parquet",
        "path: ../toy/data/th.parquet",
        "configs",
        "no file matches",
        "config_name: th",
    ),
    (
        "dataset",
        "config_name: th",
        "config_name: de",
        "configs",
        "'de' is missing, no text, or there twice",
        "config_name: de",
    ),
    ("dataset", "    default: true\n", "", "configs", "0 configs are the default", "configs"),
    (
        "dataset",
        "        path: data/th.parquet",
        "        paths: data/th.parquet",
        "configs",
        "path None is no file name",
        "data_files",
    ),
    (
        "dataset",
        "      - split: test\n        path: data/th.parquet",
        "      - split: test-1\n        path: data/th.parquet",
        "configs",
        "split 'test-1': write letters",
        "data_files",
    ),
    (
        "dataset",
        "[n<1K]",
        "[1K<n<10K]",
        "size",
        "size_categories says 1K<n<10K, the files have 5 rows: n<1K",
        "size_categories",
    ),
    ("dataset", "num_examples: 5", "num_examples: 6", "size", "pool, test has 5 rows, not 6", "config_name: pool"),
    (
        "dataset",
        "      - name: test",
        "      - name: dev",
        "size",
        "config pool has no split 'dev'",
        "config_name: pool",
    ),
    (
        "dataset",
        "        num_bytes: 75\n",
        "",
        "size",
        "a split needs name, num_examples and num_bytes",
        "config_name: pool",
    ),
    ("dataset", "| `de` | 3 |", "| `de` | 3,000 |", "size", "config de has 3 rows, not 3,000", "| `de`"),
    ("dataset", "| `de` | 3 |", "| `da` | 3 |", "size", "rows of 'da', which is no config", "| `da`"),
    (
        "dataset",
        "  data/de.parquet\n\n##",
        "  data/th.parquet\n\n##",
        "checksum",
        "data/th.parquet has the sha256",
        "data/th.parquet",
    ),
    # figures
    (
        "model",
        "[.652](results",
        "[.653](results",
        "figure",
        r"\.653 is 0.65243 in results.json#/summary/mo_map",
        "Mo is",
    ),
    ("model", "[65.2 %]", "[65.3 %]", "figure", r"65.3 % is 0.65243", "Mo is"),
    ("model", "#/gain*100", "#/gain", "figure", r"2.1 is 0.0211", "of [2.1"),
    ("model", "#/gain*100", "#/lead*100", "figure", r"the file has no 'lead' there", "of [2.1"),
    (
        "model",
        "results.json#/gain*100",
        "figures.json#/gain*100",
        "figure",
        "figures.json: the repository has no such file",
        "of [2.1",
    ),
    ("model", "[2.1 points]", "[points]", "figure", "there are 0 figures, but the references have 1 values", "of ["),
    ("model", "| .600 |", "| .601 |", "figure", r"\.601 is 0.5998 in other.json#/summary/mo_map", "| other"),
    (
        "model",
        "| .600 | 6,700 |",
        "| .600 | |",
        "figure",
        "there are 5 figures, but the references have 6 values",
        "<!-- figures",
    ),
    ("model", "<!-- end: figures -->", "", "figure", "has no `<!-- end: figures -->`", "<!-- figures"),
    ("model", "value: 0.652", "value: 0.66", "figure", "0.66 is 0.65243", "type: map"),
    ("model", "            args: {results: results.json#/summary/mo_map}\n", "", "figure", "no `args: ", "type: map"),
    ("model", "11 languages;", "11 languages, .7 and more;", "figure", r"\.7 says not where it is from", "Mo is"),
    ("model", "11 languages;", "half (50 %) of the languages;", "figure", r"50 % says not where it is from", "Mo is"),
    # the snippet
    ("model", "```python\nmodel", "```text\nmodel", "snippet", "no block of ```python", "## Use"),
    ("model", "## Use", "## Idea\n\n## Use", "snippet", "the first section is 'Idea': begin with `## Use`", "## Idea"),
    # Spaces
    ("space", "colorTo: indigo", "colorTo: cyan", "space", "colorTo: 'cyan' is none of", "colorTo"),
    ("space", "Searches toys", "S" * 61, "space", "61 characters, the Hub takes 60", "short_description"),
    (
        "space",
        '"3.11"',
        "3.10",
        "space",
        'python_version: YAML reads 3.1 as a number; write "3.1" in quotes',
        "python_version",
    ),
    ("space", "app_file: app.py", "app_file: main.py", "space", "there is no main.py", "app_file"),
    ("space", "models: [me/tiny]\n", "", "space", "app.py uses me/tiny, which 'models' does not name", "---"),
    ("space", "sdk_version: 6.31.0\n", "", "space", "sdk_version is missing", "sdk: gradio"),
    ("space", "short_description", "tags: [metric]\nshort_description", "section", "of a metric needs a section", ""),
]


@pytest.mark.parametrize(("kind", "old", "new", "rule", "message", "line"), BROKEN)
def test_a_broken_card_is_found(project, kind, old, new, rule, message, line):
    card = card_of(project, kind)
    change(card, old, new)
    found = lint(card.parent)
    hits = [finding for finding in found if finding.rule == rule and re.search(message, finding.message)]
    assert hits, found
    assert hits[0].path == card and line in line_text(hits[0])
    assert str(hits[0]).startswith(f"{card}:{hits[0].line}: ")


@pytest.mark.parametrize(
    ("old", "new", "rule", "message", "line"),
    [
        ("language: [de, th]", "language: [de, th", "yaml", "not valid YAML", 5),
        ("language: [de, th]", "language: [de]\nlanguage: [th]", "yaml", "'language' is there twice", 5),
        ("---\npretty_name", "pretty_name", "yaml", "no front matter", 1),
    ],
)
def test_broken_yaml_is_the_only_finding(project, old, new, rule, message, line):
    card = card_of(project, "dataset")
    change(card, old, new)
    [finding] = lint(card.parent)
    assert (finding.rule, finding.line) == (rule, line) and message in finding.message


def test_front_matter_that_is_no_mapping_and_text_that_is_no_utf_8(project):
    card = card_of(project, "dataset")
    card.write_text("---\n- a\n---\n")
    assert [finding.message[:33] for finding in lint(card.parent)] == ["the front matter is no mapping: w"]
    card.write_bytes(b"---\nlicense: \xff\n---\n")
    assert "not UTF-8" in lint(card.parent)[0].message


def test_the_sdk_is_the_one_that_is_pinned(project):
    space = card_of(project, "space").parent
    (space / "requirements.txt").write_text("gradio==6.32.0\nnot a requirement !\n")
    found = lint(space)
    assert [finding.message for finding in found if finding.path.name == "README.md"] == [
        "sdk_version is 6.31.0, requirements.txt has gradio==6.32.0"
    ]
    assert [(finding.path.name, finding.line) for finding in found if finding.path.name != "README.md"] == [
        ("requirements.txt", 2)
    ]
    (space / "requirements.txt").unlink()
    (project / "constraints.txt").write_text("gradio==6.30.0\n")
    assert [finding.message for finding in lint(space)] == [
        "sdk_version is 6.31.0, constraints.txt has gradio==6.30.0"
    ]


def test_an_application_must_be_python(project):
    space = card_of(project, "space").parent
    (space / "app.py").write_text("def broken(:\n")
    assert [finding.rule for finding in lint(space)] == ["space"]


def test_a_metric_needs_its_module(project):
    card = card_of(project, "space")
    change(card, "sdk: gradio", "tags: [evaluate, metric]\nsdk: gradio")
    assert any("needs search.py" in finding.message for finding in lint(card.parent))


def test_a_data_file_in_no_config_is_found(project):
    folder = card_of(project, "dataset").parent
    write_rows(folder / "more" / "zh.parquet", "zh", 1)
    assert [finding.message for finding in lint(folder)] == ["more/zh.parquet is in no config"]


def test_a_damaged_data_file_is_found(project):
    folder = card_of(project, "dataset").parent
    (folder / "data" / "th.parquet").write_bytes(b"PAR1")
    assert [finding.message for finding in lint(folder)] == ["data/th.parquet is no Parquet file"]
    assert any(finding.rule == "loading" and "does not load" in finding.message for finding in lint(folder, load=True))


def test_languages_must_share_their_features(project):
    folder = card_of(project, "dataset").parent
    change(folder / "README.md", "data/*.parquet", "data/de.parquet")
    change(folder / "README.md", "        num_examples: 5", "        num_examples: 3")
    change(folder / "README.md", "| `pool` | 5 |", "| `pool` | 3 |")
    assert lint(folder, load=True) == []
    write_rows(folder / "data" / "th.parquet", "th", 2, score=1)
    [finding] = lint(folder, load=True)
    assert finding.rule == "features" and finding.message == "config th differs from pool in score"
    assert "config_name: th" in line_text(finding)


def test_splits_must_share_their_features(project):
    folder = card_of(project, "dataset").parent
    write_rows(folder / "data" / "dev.parquet", "de", 2, score=1)
    change(
        folder / "README.md",
        "path: data/de.parquet",
        "path: data/de.parquet\n      - split: dev\n        path: data/dev.parquet",
    )
    # `datasets` itself takes the second split for a damaged first one.
    assert any(
        finding.rule == "loading" and finding.message.startswith("config de does not load")
        for finding in lint(folder, load=True)
    )


def test_rows_must_be_in_the_languages_of_the_card(project):
    folder = card_of(project, "dataset").parent
    change(folder / "README.md", "language: [de, th]", "language: [de]")
    found = [finding for finding in lint(folder, load=True) if finding.rule == "language"]
    assert {finding.message for finding in found} == {
        "config pool, split test has rows in th, not in the card",
        "config th, split test has rows in th, not in the card",
    }


def test_without_data_a_build_py_is_needed(project):
    folder = card_of(project, "dataset").parent
    for path in folder.rglob("*.parquet"):
        path.unlink()
    assert {finding.rule for finding in lint(folder)} == {"configs"}
    (folder / "build.py").write_text("")
    assert lint(folder, load=True) == []
    missing = lint(folder, built=True)
    assert len(missing) == 3 and all("no file matches" in finding.message for finding in missing)


def test_the_project_has_one_owner(project):
    change(card_of(project, "space"), "datasets: [me/toy]", "datasets: [you/toy]")
    change(project / "spaces/search/app.py", "me/toy", "you/toy")
    [finding] = lint(project)
    assert finding.path == card_of(project, "space")
    assert finding.message == "you/toy: elsewhere this project's repositories are me's"


def test_a_repository_of_the_project_must_be_there(project):
    change(
        card_of(project, "model"),
        "[toy](https://huggingface.co/datasets/me/toy)",
        "[toys](https://huggingface.co/datasets/me/toys)",
    )
    [finding] = lint(project)
    assert finding.message == "me/toys: this project has no repository toys" and "toys" in line_text(finding)


def test_a_repository_without_a_card_is_found(project):
    (project / "model_cards" / "second").mkdir()
    [finding] = lint(project)
    assert finding.path == project / "model_cards" / "second" / "README.md" and finding.rule == "card"


def test_a_folder_that_stands_alone_is_known_by_its_fields(project, tmp_path_factory):
    alone = tmp_path_factory.mktemp("alone") / "built"
    card_of(project, "dataset").parent.rename(alone)
    assert lint(alone, load=True, built=True) == [] == lint_folder(alone, "dataset")
    (alone / "README.md").write_text("---\nlicense: mit\n---\n")
    assert [finding.rule for finding in lint(alone)] == ["kind"]
    assert lint_folder(alone, "model")[0].startswith("README.md, line 1: the field 'language'")


def test_paths_without_cards_are_the_users_mistake(tmp_path):
    with pytest.raises(InputError, match="no card there"):
        lint_cards([tmp_path])
    with pytest.raises(InputError, match="no card there"):
        lint_cards([tmp_path / "nowhere"])


def test_croissant(project):
    pytest.importorskip("mlcroissant", reason="needs the extra `croissant`")
    folder = card_of(project, "dataset").parent
    assert lint(folder, croissant=True) == []
    write_rows(folder / "data" / "th.parquet", "th", 2, tokens=["a"])
    [finding] = lint(folder, croissant=True)
    assert finding.rule == "croissant" and "column 'tokens' is of type list" in finding.message


def test_lists_of_the_hub():
    assert len(LICENCES) == 83 and {"cc-by-sa-4.0", "cc-by-nc-4.0", "other"} <= LICENCES
    assert {"text-retrieval", "sentence-similarity", "question-answering"} <= TASKS
    assert [size_category(rows) for rows in (999, 1000, 10**12)] == ["n<1K", "1K<n<10K", "n>1T"]
