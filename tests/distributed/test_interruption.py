"""Runs that are stopped or killed, as processes of the real command: they end in time, and resumed they are the
straight run.

More kills, at random: `benchmarks/kill_and_resume.py`.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.train import train
from hf_hybrid.training.checkpoints import last_checkpoint, whole_steps
from hf_hybrid.training.stop_signal import Interrupted
from tests.forked_ranks import Ranks
from tests.killing import Point, kill_and_resume, straight_run
from tests.launching import finish, start
from tests.recorded_runs import FLAGS, STEPS, RecordingTrainer, same_weights, seen_batches, train_recorded
from tests.test_train import write_splits

BEST = "--load_best_model_at_end --metric_for_best_model eval_mean_map --eval_steps 7 --save_total_limit 1".split()
# Of a run that takes long enough to be met in the midst of it.
LONG = ["--max_steps", "100000", "--batches_per_epoch", "1000"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_splits(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """Runs that are left alone, by encoder and number of ranks; each is made when it is first asked for."""
    folder, made, ports = tmp_path_factory.mktemp("straight"), {}, iter(range(29720, 29800))

    def get(encoder: str, ranks: int) -> Path:
        if (encoder, ranks) not in made:
            made[encoder, ranks] = straight_run(data, folder, encoder, ranks, next(ports))
        return made[encoder, ranks]

    return get


def command(data: Path, output: Path, *more: str, encoder: str = "static") -> list[str]:
    return [*FLAGS, "--encoder", encoder, "--dataset_name_or_path", str(data), "--output_dir", str(output), *more]


# -- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    [
        Point("transformer", ranks=1, after=17, victim=0.0, delay=0.01),
        Point("static", ranks=2, after=16, victim=0.7, saving=True),
        Point("transformer", ranks=2, after=24, victim=0.0, resume_ranks=1),
    ],
    ids=["one rank", "half a checkpoint", "another number of ranks"],
)
def test_killed_and_resumed(point, data, straight, tmp_path, unused_port):
    runs = (straight(point.encoder, ranks) for ranks in (point.ranks, point.resume_ranks or point.ranks))
    result = kill_and_resume(point, data, tmp_path / "run", *runs, unused_port)
    assert result["all_ended"] and result["seconds_to_end"] < 60
    assert result["same_batches"] and 0 < result["batches_before"] < STEPS
    assert result["same_weights"] or point.resume_ranks
    assert result["half_written"] == ([21] if point.saving else [])


# -- asked to stop ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_signal_to_one_process_saves_and_ends_all(ranks, data, straight, tmp_path, unused_port):
    output = tmp_path / "run"
    run = Ranks(command(data, output, encoder="transformer"), tmp_path / "log", ranks, unused_port, train_recorded)
    run.wait_for(output, "checkpoint-7/manifest.json")
    os.kill(run.processes[-1].pid, signal.SIGTERM)
    assert run.finish() == [143] * ranks
    stopped = whole_steps(output)[-1]
    assert run.output().count(f"Stopped after step {stopped} (SIGTERM) and saved {output / 'checkpoint-'}") == 1
    assert 7 < stopped < STEPS and not (output / "model").exists()
    again = Ranks(
        command(data, output, "--resume", encoder="transformer"), tmp_path / "log", ranks, unused_port, train_recorded
    )
    assert again.finish() == [0] * ranks
    assert seen_batches(output, ranks) == seen_batches(straight("transformer", ranks), ranks)
    assert same_weights(output, straight("transformer", ranks))


def test_all_processes_of_a_rank_may_get_the_signal(data, tmp_path):
    """Launchers signal a rank's whole group; the workers that load its data bring the last batch all the same."""
    output = tmp_path / "run"
    run = Ranks(command(data, output, *LONG, "--dataloader_num_workers", "2"), tmp_path / "log")
    run.wait_for(output, "checkpoint-7/manifest.json")
    rank = psutil.Process(run.processes[0].pid)
    for process in [*rank.children(recursive=True), rank]:
        process.send_signal(signal.SIGTERM)
    assert run.finish() == [143]
    assert whole_steps(output)[-1] > 7 and "Traceback" not in run.output()


class SignalledInEvaluation(RecordingTrainer):
    """Its process gets the signal while it evaluates at step 7, and with `before` just before it would."""

    before = False

    def training_step(self, *args, **kwargs):
        if self.before and self.state.global_step == 6 and not self.args.resume:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().training_step(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        if not self.before and self.state.global_step == 7 and not self.args.resume:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().evaluate(*args, **kwargs)


class SignalledBeforeEvaluation(SignalledInEvaluation):
    before = True


def signalled_in_evaluation(flags: Sequence[str]) -> int:
    return _train_as(SignalledInEvaluation, flags)


def signalled_before_evaluation(flags: Sequence[str]) -> int:
    return _train_as(SignalledBeforeEvaluation, flags)


def _train_as(trainer_class: type, flags: Sequence[str]) -> int:
    try:
        train(*parse_arguments(flags), trainer_class=trainer_class)
    except Interrupted as stop:
        return stop.code
    return 0


def evaluations(output: Path) -> dict[int, float]:
    state = json.loads((Path(last_checkpoint(output)) / "trainer_state.json").read_text())
    return {entry["step"]: entry["eval_mean_map"] for entry in state["log_history"] if "eval_mean_map" in entry}


@pytest.mark.parametrize("target", [signalled_in_evaluation, signalled_before_evaluation])
def test_an_evaluation_is_not_lost(target, data, tmp_path):
    """It ends, or if it was due is left to the resumed run; the best checkpoint and the model are the straight
    run's.
    """
    flags = [*BEST, "--max_steps", "21"]
    runs = {name: command(data, tmp_path / name, *flags, encoder="transformer") for name in ("straight", "run")}
    assert Ranks(runs["straight"], tmp_path / "log").finish() == [0]
    assert Ranks(runs["run"], tmp_path / "log", target=target).finish() == [143]
    manifest = json.loads((tmp_path / "run" / "checkpoint-7" / "manifest.json").read_text())
    assert (manifest.get("evaluation") == "pending") == (target is signalled_before_evaluation)
    assert whole_steps(tmp_path / "run") == [7]
    assert Ranks([*runs["run"], "--resume"], tmp_path / "log", target=target).finish() == [0]
    assert same_weights(tmp_path / "run", tmp_path / "straight")
    assert evaluations(tmp_path / "run") == pytest.approx(evaluations(tmp_path / "straight"))


def test_a_signal_before_the_first_step_ends_well(data, tmp_path):
    output = tmp_path / "run"
    run = Ranks(command(data, output), tmp_path / "log")
    run.wait_for(output, "arguments.yaml")
    run.processes[0].terminate()
    # Before training there is nothing to save.
    assert run.finish()[0] in (-signal.SIGTERM, 143)
    assert Ranks(command(data, output, "--resume"), tmp_path / "log").finish() == [0]


@pytest.mark.parametrize(
    "launch_flags",
    [[], ["--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]],
    ids=["one process", "two processes"],
)
def test_a_signal_to_the_launcher(launch_flags, data, tmp_path):
    """`accelerate launch` hands it on to several processes; of a single one it just dies, which that one notices."""
    output = tmp_path / "run"
    launch = start(launch_flags, command(data, output, *LONG))
    deadline = time.monotonic() + 120
    while not whole_steps(output) and time.monotonic() < deadline and launch.process.poll() is None:
        time.sleep(0.05)
    ranks = psutil.Process(launch.process.pid).children(recursive=True)
    launch.process.terminate()
    assert not psutil.wait_procs(ranks, timeout=60)[1]
    ((status, printed),) = finish(launch)
    assert status != 0 and f"saved {last_checkpoint(output)}; go on with the same command and --resume" in printed


def test_a_rank_that_dies_takes_the_run_down(data, tmp_path, unused_port):
    output = tmp_path / "run"
    run = Ranks(command(data, output, *LONG), tmp_path / "log", 2, unused_port)
    run.wait_for(output, "checkpoint-7/manifest.json")
    run.processes[0].kill()
    since = time.monotonic()
    assert run.finish() == [-signal.SIGKILL, 1]
    assert time.monotonic() - since < 60


def test_a_folder_in_training_is_not_opened_twice(data, tmp_path):
    output = tmp_path / "run"
    run = Ranks(command(data, output, *LONG), tmp_path / "log")
    run.wait_for(output, "checkpoint-7/manifest.json")
    second = Ranks(command(data, output), tmp_path / "second")
    assert second.finish() == [2] and "is in use" in second.output()
    run.processes[0].terminate()
    # Resumed while the first still saves: it waits for that.
    shorter = ["--max_steps", "9", "--resume", "--resume_with_changes"]
    again = Ranks(command(data, output, *LONG, *shorter), tmp_path / "second")
    assert again.finish() == [0] and run.finish() == [143]
