"""Studies of arms: which commands are called, with flags the trainer knows, what a second call does again, and what
made each model.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.cli.main import main, make_parser
from hf_hybrid.output_files import file_digest
from hf_hybrid.studies import jobs
from tests.studies.conftest import flag


def test_every_arm_and_seed_starts_from_one_base(run, tmp_path):
    commands = run("static", "--seeds", "1", "2", "--extra", "--max_steps", "9")
    base, *arms = commands.of("train")
    assert len(arms) == 2 * 8 and {flag(words, "model_name_or_path") for words in arms} == {
        str(tmp_path / "out/base/model")
    }
    assert [words[1] for words in commands.of("teacher-vectors")] == ["teacher/"]
    assert parse_arguments(base[1:])[2].teacher_vectors == str(tmp_path / "out/teacher.safetensors")
    assert flag(base, "dataset_config") == "align" and {flag(words, "dataset_config") for words in arms} == {"qa"}
    seen = set()
    for words in (base, *arms):
        _, data, training = parse_arguments(words[1:])
        assert data.eval_dataset_name_or_path == str(tmp_path / "mix" / "qa")
        if words is not base:
            assert training.max_steps == 9
            seen.add((training.arm, training.mono_probability, training.seed))
    points = {("x-x", 0.5), ("x-x-mono", 0.5), ("x-y", 0.5), *(("hybrid", a) for a in (0.1, 0.25, 0.5, 0.75, 0.9))}
    assert seen == {(*point, seed) for point in points for seed in (1, 2)}
    targets = {
        Path(flag(words, "output")).relative_to(tmp_path / "out/results").as_posix()
        for words in commands.of("evaluate")
    }
    scored = {Path(flag(words, "output")).stem[-1] for words in commands.of("evaluate") if "--seed" in words}
    assert scored == {"1", "2"}
    assert len(targets) == 2 * 17 and {"xquad_r/base.json", "world_facts/alpha_0.25_2.json"} <= targets


def test_a_teacher_then_a_base_then_twelve_arms(run, tmp_path):
    commands = run("mini")
    assert [words[0] for words in commands.called[:3]] == ["teacher-vectors", "train", "evaluate"]
    teacher = make_parser().parse_args(commands.called[0])
    assert (teacher.model, teacher.dataset_config, teacher.language) == ("teacher/", "align", "en")
    base, *arms = commands.of("train")
    _, _, training = parse_arguments([*base[1:], "--bf16", "false"])
    assert training.teacher_vectors == str(tmp_path / "out/teacher.safetensors") and training.teacher_weight > 0
    assert training.arm == "x-y" and training.gradient_cache
    seen = set()
    for words in arms:
        _, _, training = parse_arguments([*words[1:], "--bf16", "false"])
        assert training.teacher_vectors is None and flag(words, "model_name_or_path") == str(
            tmp_path / "out/base/model"
        )
        seen.add((training.arm, training.seed, training.max_steps, training.global_batch_size))
    assert seen == {(arm, seed, 300, 1024) for arm in ("x-x", "x-x-mono", "x-y", "hybrid") for seed in (1, 2, 3)}
    targets = {
        Path(flag(words, "output")).relative_to(tmp_path / "out/results").as_posix()
        for words in commands.of("evaluate")
        if "/hybrid_" in flag(words, "output")
    }
    names = ("world_facts", "xquad_r", "xquad_r_sentence_in_context")
    assert targets == {f"{name}/hybrid_{seed}.json" for name in names for seed in (1, 2, 3)}
    assert run("mini").called == []


def test_arms_from_an_encoder_that_is_there(run, tmp_path):
    (tmp_path / "encoder").mkdir()
    start = str(tmp_path / "encoder")
    commands = run("small", "--start", start, "--seeds", "4")
    arms = commands.of("train")
    assert {flag(words, "model_name_or_path") for words in arms} == {start} and not commands.of("teacher-vectors")
    assert [(t.arm, t.seed, t.scale) for t in (parse_arguments([*w[1:], "--bf16", "false"])[2] for w in arms)] == [
        (arm, 4, 100.0) for arm in ("x-x-mono", "x-y", "hybrid", "x-x")
    ]
    assert {flag(words, "dataset_config") for words in arms} == {"qa_parallel"}
    assert [flag(w, "output").split("/")[-2:] for w in commands.of("evaluate") if w[1] == start] == [
        ["world_facts", "base.json"],
        ["xquad_r", "base.json"],
    ]
    made = json.loads((tmp_path / "out/arms/x-y/seed_4/training.json").read_text())
    assert made["start"] == "encoder" and [stage["name"] for stage in made["stages"]] == ["x-y"]
    assert made["data_sha256"] == {"qa_parallel/train.parquet": hashlib.sha256(b"qa_parallel").hexdigest()}
    # Without one: the design's.
    assert {flag(words, "model_name_or_path") for words in run("small", "--arms", "hybrid").of("train")} == {
        "xlir-small-base"
    }


def test_arms_on_data_that_were_made_of_the_mix_later(run, tmp_path):
    design = tmp_path / "mine.yaml"
    content = {"start": "xlir-small-base", "arm": "small_arm", "data": "qa_parallel", "seeds": [1]}
    design.write_text(json.dumps({**content, "arms": {"x-y": {"arm": "x-y"}}}))
    (words,) = run(str(design)).of("train")
    assert flag(words, "dataset_config") == "qa_parallel"
    made = json.loads((tmp_path / "out/arms/x-y/seed_1/training.json").read_text())
    # It is not in mix.json.
    data = tmp_path / "mix/qa_parallel/train.parquet"
    assert made["data_sha256"] == {"qa_parallel/train.parquet": file_digest(data)}


def test_what_is_there_is_not_made_again(run, tmp_path):
    first = run("static", "--arms", "hybrid", "--seeds", "1")
    assert (len(first.of("train")), len(first.of("evaluate"))) == (2, 4)
    assert run("static", "--arms", "hybrid", "--seeds", "1").called == []
    (tmp_path / "out/results/xquad_r/hybrid_1.json").unlink()
    assert [words[0] for words in run("static", "--arms", "hybrid", "--seeds", "1").called] == ["evaluate"]
    # Interrupted after a whole checkpoint: it goes on; before one: it begins anew.
    folder = tmp_path / "out/arms/hybrid/seed_2"
    (folder / "checkpoint-7").mkdir(parents=True)
    (folder / "checkpoint-7/manifest.json").write_text(json.dumps({}))
    (tmp_path / "out/arms/hybrid/seed_3/checkpoint-7").mkdir(parents=True)
    again = run("static", "--arms", "hybrid", "--seeds", "2", "3").of("train")
    assert ["--resume" in words for words in again] == [True, False]


def test_what_made_a_model_is_written_when_it_is_made(run, tmp_path):
    from hf_hybrid.publishing.cards.folder_files import read_folder

    run("static", "--arms", "hybrid", "x-y", "--seeds", "2")
    card = tmp_path / "card"
    for arm in ("hybrid", "x-y"):
        file = tmp_path / f"out/arms/{arm}/seed_2/training.json"
        made = json.loads(file.read_text())
        words = f"study arms --config static --mix mix --output out --arms {arm} --seeds 2"
        assert made["command"] == f"hf-hybrid {words}" and make_parser().parse_args(words.split()).arms == [arm]
        assert made["seed"] == 2 and made["data_sha256"]["qa/train.parquet"] == "qa"
        assert [(stage["name"], stage["arm"], stage["batches"]) for stage in made["stages"]] == [
            ("base", "x-y", 300),
            (arm, arm, 400),
        ]
        assert made["teacher"] == {"model": "teacher/", "language": "en", "weights_sha256": "a" * 64}
        git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True)
        assert made["commit"] == (git.stdout.strip() or None)
        (card / "results").mkdir(parents=True, exist_ok=True)
        (card / "results/training.json").write_bytes(file.read_bytes())
        assert set(read_folder(card).named) == {"training"}
    run("static", "--arms", "hybrid", "--seeds", "2")
    assert json.loads((tmp_path / "out/arms/hybrid/seed_2/training.json").read_text())["seed"] == 2


def test_mistakes(mix, tmp_path, capsys):
    where = ["study", "arms", "--config", "static", "--output", str(tmp_path / "out")]
    assert main([*where, "--mix", str(tmp_path)]) == 2
    assert "no mix.json; build it with" in capsys.readouterr().err
    assert main([*where, "--mix", str(mix), "--arms", "x-z"]) == 2
    assert "no arm 'x-z' in the study static; choose among x-x, x-x-mono" in capsys.readouterr().err
    (mix / "qa" / "train.parquet").unlink()
    assert main([*where, "--mix", str(mix)]) == 2
    assert "no qa/train.parquet, which the study static trains on" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_out_of_time_keeps_what_was_spent(mix, tmp_path, monkeypatch, capsys):
    """Training that the budget ends is gone on with, and its time counts."""

    def call(words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
        checkpoint = Path(flag(words, "output_dir")) / "checkpoint-1"
        checkpoint.mkdir(parents=True)
        (checkpoint / "manifest.json").write_text("{}")
        raise jobs.OutOfTime

    monkeypatch.setattr(jobs, "call", call)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "teacher.safetensors").write_bytes(b"")
    flags = ["--config", "static", "--mix", str(mix), "--output", str(tmp_path / "out"), "--minutes", "5"]
    assert main(["study", "arms", *flags]) == 143
    assert "the 5 minutes are over" in capsys.readouterr().err
    assert jobs.spent(tmp_path / "out/base") > 0
    assert not (tmp_path / "out/base/seconds.json").exists()


def test_threads_are_those_of_the_study_unless_told(run):
    few = ("--arms", "hybrid", "--seeds")
    assert run("static", *few, "1").threads == {1}
    assert run("static", *few, "2", "--threads", "3").threads == {3}
    assert run("mini", "--arms", "x-x", "--seeds", "4").threads == {None}
