"""The card of a model: what it is made of, that it stays as it is, and that every figure in it is watched."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from hf_hybrid.cli.main import main
from hf_hybrid.errors import InputError
from hf_hybrid.publishing.cards import CardOptions, write_model_card
from hf_hybrid.publishing.lint import lint_cards
from hf_hybrid.publishing.lint.card import read_card
from hf_hybrid.publishing.lint.figures import check_figures, figures_in
from tests.minimal_results import results, write
from tests.publishing.cards.everything import fill

pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")
SENTENCE_TRANSFORMERS = (
    "---\ntags: [sentence-transformers]\n---\n# SentenceTransformer\n\nThis is a "
    "[sentence-transformers](https://www.SBERT.net) model trained.\n"
)


@pytest.fixture(scope="module")
def whole(saved, tmp_path_factory):
    """A folder with every file, and its card."""
    root = tmp_path_factory.mktemp("whole")
    folder = root / "model_cards" / "tiny"
    shutil.copytree(saved["static"], folder)
    fill(folder, root / "systems")
    write_model_card(folder, CardOptions(dataset_ids={"xquad_r": "me/xquad_r"}))
    return folder


def lint(folder):
    return [(finding.rule, finding.message) for finding in lint_cards([folder], load=False)[1]]


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_whole_card_passes_the_lint_and_has_every_section(whole):
    assert lint(whole) == []
    text = (whole / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^#{2,3} (.*)$", text, flags=re.MULTILINE) == [
        "Use",
        "What it is for",
        "Languages",
        "Evaluation",
        "Language bias",
        "Arms of training",
        "The paper's claims",
        "Share of monolingual batches",
        "Comparisons",
        "Beside published systems",
        "Sizes and speed",
        "Training",
        "Data",
        "Decontamination",
        "Limits",
        "Licence",
        "Citation",
    ]
    assert "| XQuAD-R | 3,570 | 3,600 | 61.2 | 30.6 | 15.3 |" in text
    assert "| Thai, `th` | 61.2 | 30.6 | 15.3 | 2,000 | 25.0 |" in text
    assert "| `faq, C++ (old)` | `cc-by-4.0, mit` | 6 | 7 |" in text
    assert "| `xquad_r` | 2,620 | 5 |" in text and "12 training texts of 7 examples overlapped." in text
    assert "| half | 8 | `float32` | 12.3 | 32 | 50.0 | 25.0 | 12.5 |" in text
    assert "| released | `hybrid` | 600 | 1,024 | 335 |" in text
    assert (
        "Intervals resample paragraphs and seeds." in text and "With one seed on a side they are about these" in text
    )
    assert "Seed 42; 1,235 seconds of training." in text
    assert f"* made by `hf-hybrid train --config training.yaml` of commit `{'0123456789' * 4}`" in text
    assert "measured by `python speed.py`:" in text
    assert f"* teacher of the base: `a-teacher` on the texts in `en`, sha256 of its weights `{'ab' * 32}`" in text
    assert sorted(path.name for path in (whole / "pictures").iterdir()) == [
        "alpha.png",
        "world_facts_map_matrix.png",
        "xquad_r_language_bias.png",
        "xquad_r_map_matrix.png",
    ]


def test_running_it_again_changes_nothing(whole):
    before = files_of(whole)
    report = write_model_card(whole)
    assert report.written == [] and files_of(whole) == before
    assert report.notes == ["No .eval_results of world_facts: name its data set with --dataset_id"]


def test_the_hub_reads_both_forms_of_results(whole):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    card = ModelCard((whole / "README.md").read_text(encoding="utf-8"))
    assert card.data.language == ["de", "en", "th", "zh-Hant"]
    assert card.data.model_name == "tiny"
    legacy = {
        (one.dataset_type, one.metric_name.partition(":")[0]): one.metric_value for one in card.data.eval_results
    }
    assert legacy["me/xquad_r", "Mo"] == 0.612 and legacy["world_facts", "Mul"] == 0.175
    assert len(model_index_to_eval_results(card.data.to_dict()["model-index"])[1]) == 10
    entries = parse_eval_result_entries(yaml.safe_load((whole / ".eval_results" / "xquad_r.yaml").read_text()))
    assert [(entry.dataset_id, entry.task_id, entry.value, entry.date) for entry in entries[:2]] == [
        ("me/xquad_r", "mo_map", 0.612, "2026-01-02"),
        ("me/xquad_r", "cr_map", 0.306, "2026-01-02"),
    ]


def test_a_figure_changed_by_hand_is_found_wherever_it_stands(whole):
    card = read_card(whole / "README.md")
    lines = card.lines
    assert list(check_figures(card)) == []
    inside, seen, changed = False, 0, 0
    for number, line in enumerate(lines):
        if line.startswith(("<!-- figures:", "<!-- end: figures")):
            inside = line.startswith("<!-- figures:")
        elif inside and (line.startswith("|") or figures_in(line)) and not line.startswith("| ---"):
            cells = line.strip("|").partition("|")[2] if line.startswith("|") else line
            for written, *_ in figures_in(cells):
                if lines[number - 1] == "" and line.startswith("|"):
                    break  # The head of a table.
                seen += 1
                if seen % 3:  # One of three, for time.
                    continue
                digits = written.rstrip("% ")
                # A bound is wrong where it is below its value, a figure where its last digit is another.
                wrong = "< 0" if written.startswith("<") else f"{digits[:-1]}{(int(digits[-1]) + 5) % 10}"
                at = line.rindex(written) if line.startswith("|") else line.index(written)
                broken = line[:at] + wrong + line[at + len(digits) :]
                changed_card = replace(card, lines=[*lines[:number], broken, *lines[number + 1 :]])
                assert list(check_figures(changed_card)), (line, broken)
                changed += 1
    assert changed > 60


def test_changed_results_are_found_in_the_card_and_its_pictures(whole, tmp_path):
    folder = tmp_path / "model_cards" / "tiny"
    shutil.copytree(whole, folder)
    write(folder / "results" / "xquad_r.json", results(0.5))
    found = lint(folder)
    assert {rule for rule, _ in found} == {"figure", "picture"}
    assert any("0.612 is 0.5 in results/xquad_r.json#/summary/mo_map" in message for _, message in found)
    report = write_model_card(folder)
    assert lint(folder) == [] and ".eval_results/xquad_r.yaml" in report.written


def test_one_results_file_is_enough(model, tmp_path, capsys):
    given = write(tmp_path / "run" / "results.json", {**results(0.5), "training": {"steps": 400, "plan": PLAN}})
    assert main(["card", str(model), "--results", str(given)]) == 0
    assert capsys.readouterr().out.startswith("Written to ")
    assert (model / "results" / "xquad_r.json").read_bytes() == given.read_bytes()
    assert lint(model) == []
    text = (model / "README.md").read_text(encoding="utf-8")
    assert "Arms of training" not in text and "Sizes and speed" not in text
    assert "Batches are drawn as arm `hybrid`" in text and "| batches | 400 |" in text and "(alpha) | 0.25 |" in text


PLAN = {"arm": "hybrid", "global_batch_size": 512, "seed": 42, "mono_probability": 0.25}


def test_no_results_at_all(model):
    assert write_model_card(model).notes == []
    assert lint(model) == []
    text = (model / "README.md").read_text(encoding="utf-8")
    assert "This model was not evaluated yet." in text and "language:\n- multilingual\n" in text


def test_the_model_of_a_run_bears_the_name_of_the_run(saved, tmp_path):
    folder = tmp_path / "my_run" / "model"
    shutil.copytree(saved["static"], folder)
    recipe = tmp_path / "my_run" / "arguments.yaml"
    recipe.write_text("arm: x-y\n")
    write_model_card(folder, CardOptions(recipe=recipe))
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "# my_run\n" in text and 'SentenceTransformer("model")' in text and "```yaml\narm: x-y\n```" in text


def test_what_people_wrote_stays(model):
    write_model_card(model)
    path = model / "README.md"
    text = path.read_text(encoding="utf-8").replace("Nobody has stated a licence", "MIT; nobody had stated a licence")
    start, end = text.index("<!-- card: bias -->"), text.index("<!-- card: arms -->")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    write(model / "results" / "xquad_r.json", results(0.5))
    report = write_model_card(model, CardOptions(model_id="me/tiny"))
    text = path.read_text(encoding="utf-8")
    assert "MIT; nobody had stated" in text and "rank distance between" not in text
    assert report.notes[0] == "The card has no place for: bias"
    assert 'SentenceTransformer("me/tiny")' in text and 'snapshot_download("me/tiny")' in text
    # The name at the Hub is kept.
    assert write_model_card(model).written == []


def test_corpora_that_are_searched_within_a_language_only(model):
    content = results(0.5, benchmark="miracl")
    names = ("mo_ndcg_at_10", "mo_recall_at_100", "mo_judged_at_10")
    content |= {
        "summary": dict.fromkeys(names, 0.4),
        "per_language": {tag: dict.fromkeys(names, 0.4) for tag in content["benchmark"]["languages"]},
        "measures": {},
        "language_share": {},
        "settings": {},
    }
    write(model / "results" / "miracl.json", content)
    assert ".eval_results/miracl.yaml" in write_model_card(model).written
    text = (model / "README.md").read_text(encoding="utf-8")
    assert "| language | nDCG@10 | Recall@100 | judged@10 |" in text and "pictures/" not in text
    assert lint(model) == []


def test_the_card_of_sentence_transformers_is_replaced_when_asked(model):
    (model / "README.md").write_text(SENTENCE_TRANSFORMERS)
    with pytest.raises(InputError, match="pass --overwrite to replace it"):
        write_model_card(model)
    assert "README.md" in write_model_card(model, CardOptions(overwrite=True)).written


def test_other_results_are_not_replaced_unasked(model, tmp_path):
    write_model_card(model, CardOptions(results=(write(tmp_path / "a.json", results(0.5)),)))
    other = CardOptions(results=(write(tmp_path / "b.json", results(0.6)),))
    with pytest.raises(InputError, match="exists: choose another name or pass --overwrite"):
        write_model_card(model, other)
    written = write_model_card(model, CardOptions(results=other.results, overwrite=True)).written
    assert "pictures/xquad_r_map_matrix.png" in written and lint(model) == []


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("# My own card\n", "has no block for `hf-hybrid card`"),
        ("---\na: 1\n---\n<!-- card: evaluations -->\n<!-- end: evaluations -->\n", "did you mean evaluation"),
        ("---\n# card: licence\n# end: licence\n---\n", "unknown block 'licence' in the front matter"),
        ("---\na: 1\n---\n<!-- card: use -->\n", "expected one block marked 'use', found 0"),
        ("---\na: [\n---\n<!-- card: use -->\n<!-- end: use -->\n", "the front matter is not what the Hub takes"),
    ],
)
def test_cards_that_cannot_be_renewed(model, card, message):
    (model / "README.md").write_text(card)
    with pytest.raises(InputError, match=message):
        write_model_card(model)
    assert (model / "README.md").read_text() == card


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--dataset_id", "xquad_r"], "write BENCHMARK=OWNER/NAME"),
        (["--dataset_id", "mlqa_r=me/mlqa_r"], "there are no results of it; results are of nothing"),
        (["--model_id", "tiny"], "model_id 'tiny' is no name of the Hub"),
        (["--results", "none.json"], "cannot read results file none.json"),
        (["--recipe", "none.yaml"], "cannot read none.yaml"),
    ],
)
def test_mistakes(model, flags, message, capsys):
    assert main(["card", str(model), *flags]) == 2
    shown = capsys.readouterr().err
    assert message in shown and shown.count("\n") == 1


def test_a_folder_without_an_encoder(tmp_path):
    with pytest.raises(InputError, match="no modules.json, so no encoder"):
        write_model_card(tmp_path)
