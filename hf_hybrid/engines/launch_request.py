"""What a launcher asked for: engine, ranks and precision, from the environment, the arguments, and the launcher's own
command.

torchrun, DeepSpeed and `accelerate launch` mostly hand their wishes on in environment variables. `accelerate launch`
loses them where it starts one process instead of several (`--cpu --num_processes 2`, a configuration with `MULTI_CPU`,
`--cpu` beside a DeepSpeed configuration, several processes on a machine with one GPU). Its command line still stands
in the process above this one, and is read there with accelerate's own parser.

What cannot be seen: a launcher in another container or of another user, one that has ended, and task counts of `srun`
and the like that start Python without torchrun and without MPI's variables.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from accelerate.commands.config.config_args import default_config_file, load_config_from_file
from accelerate.commands.launch import launch_command_parser
from accelerate.utils import DistributedType

logger = logging.getLogger(__name__)

DEEPSPEED, FSDP = "DeepSpeed", "FSDP"
# In the order in which accelerate takes them for ranks on CPUs.
RANK_COUNTS = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
SHOWN_COMMAND = 100


@dataclass(frozen=True)
class Request:
    """What was asked for; None or "" where nothing was said.

    Attributes:
        engine: `DeepSpeed` or `FSDP`.
        engine_source: Who asked for the engine, for errors.
        zero_stage: DeepSpeed's ZeRO stage.
        ranks: Number of processes over all machines.
        ranks_source: Who asked for that number.
        precision: `bf16`, `fp16` or `fp8`.
    """

    engine: str | None = None
    engine_source: str = ""
    zero_stage: int | None = None
    ranks: int | None = None
    ranks_source: str = ""
    precision: str | None = None


def read_request(args: Any, environment: Mapping[str, str] = os.environ) -> Request:
    """What this process was asked for.

    Args:
        args: The training arguments, whose `deepspeed` and `fsdp` count as requests.
        environment: Variables of the process.
    """
    launched = "ACCELERATE_MIXED_PRECISION" in environment
    # Processes of torchrun have everything in their environment; only a process started alone may have lost a request.
    command = find_launch() if launched and "LOCAL_RANK" not in environment else None
    return merge_requests(request_of_environment(environment), request_of_arguments(args), command or Request())


def merge_requests(*requests: Request) -> Request:
    """One request of several; earlier ones win, wish by wish."""

    def first(name: str) -> Request:
        return next((request for request in requests if getattr(request, name)), Request())

    by_engine, by_ranks = first("engine"), first("ranks")
    return Request(
        by_engine.engine,
        by_engine.engine_source,
        by_engine.zero_stage,
        by_ranks.ranks,
        by_ranks.ranks_source,
        first("precision").precision,
    )


def request_of_environment(environment: Mapping[str, str]) -> Request:
    """The request in the variables that accelerate, torchrun, DeepSpeed and MPI set.

    Example:
        >>> request_of_environment({"WORLD_SIZE": "2", "ACCELERATE_USE_FSDP": "true"}).engine
        'FSDP'
    """
    engine = source = stage = None
    for name, wanted in (("ACCELERATE_USE_DEEPSPEED", DEEPSPEED), ("ACCELERATE_USE_FSDP", FSDP)):
        if environment.get(name, "").lower() == "true":
            engine, source = wanted, f"{name}=true"
    if engine == DEEPSPEED:
        file = environment.get("ACCELERATE_DEEPSPEED_CONFIG_FILE", "none")
        stage = _stage_of_file(file) if file != "none" else environment.get("ACCELERATE_DEEPSPEED_ZERO_STAGE")
    counts = [(name, int(environment[name])) for name in RANK_COUNTS if environment.get(name, "").isdigit()]
    name, ranks = counts[0] if counts else ("", None)
    precision = environment.get("ACCELERATE_MIXED_PRECISION", "no").lower()
    return Request(
        engine,
        source or "",
        None if stage is None else int(stage),
        ranks,
        f"{name}={ranks}" if counts else "",
        None if precision == "no" else precision,
    )


def request_of_arguments(args: Any) -> Request:
    """The request in the training arguments `deepspeed` and `fsdp`."""
    if args.deepspeed:
        return Request(engine=DEEPSPEED, engine_source="the argument deepspeed", zero_stage=_stage(args.deepspeed))
    return Request(engine=FSDP, engine_source="the argument fsdp") if args.fsdp else Request()


def request_of_launch(command: Sequence[str], folder: str | os.PathLike[str] = ".") -> Request | None:
    """The request in a command line of `accelerate launch`, with the configuration file that it reads.

    Args:
        command: The program and its arguments.
        folder: Where the command was run.

    Returns:
        The request, or None where the command is not `accelerate launch` or not one that this accelerate understands.

    Example:
        >>> request_of_launch(["accelerate", "launch", "--multi_gpu", "--num_processes", "2", "train.py"]).ranks
        2
    """
    flags = _launch_flags(command)
    if flags is None:
        return None
    shown = shlex.join(["accelerate", "launch", *flags])
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            args, _ = launch_command_parser().parse_known_args(flags)
        config = _launch_config(args, Path(folder))
    except (SystemExit, OSError, ValueError, TypeError) as error:
        logger.debug("cannot read what `%s` asks for: %s", shown, error)
        return None
    source = f"`{shown if len(shown) <= SHOWN_COMMAND else shown[:SHOWN_COMMAND] + ' ...'}`"
    given = {
        DEEPSPEED: args.use_deepspeed,
        FSDP: args.use_fsdp,
        None: args.multi_gpu or args.tpu or args.use_megatron_lm,
    }
    kinds = {DistributedType.DEEPSPEED: DEEPSPEED, DistributedType.FSDP: FSDP}
    by_config = kinds.get(config.distributed_type) if config else None
    engine = next((name for name, wanted in given.items() if wanted), by_config)
    ranks = args.num_processes or (config.num_processes if config else None)
    precision = args.mixed_precision or (config.mixed_precision if config else None)
    return Request(
        engine,
        source if engine else "",
        None,
        ranks if ranks and ranks > 0 else None,
        source if ranks and ranks > 0 else "",
        None if precision in (None, "no") else precision,
    )


def find_launch() -> Request | None:
    """The request of the `accelerate launch` that this process descends from, if it can be seen."""
    return next((request for command, folder in _ancestors() if (request := request_of_launch(command, folder))), None)


def _ancestors() -> Iterator[tuple[list[str], str]]:
    try:
        parents = psutil.Process().parents()
    except psutil.Error:
        return
    for process in parents:
        try:
            yield process.cmdline(), process.cwd()
        except psutil.Error:
            # Gone, or another user's: nothing to be seen there.
            continue


def _launch_flags(command: Sequence[str]) -> list[str] | None:
    """What follows `accelerate launch`, in its three spellings."""
    for number, (word, following) in enumerate(zip(command, [*command[1:], ""], strict=True)):
        name = Path(word).name
        if name == "accelerate-launch" or (word == "accelerate.commands.launch" and command[number - 1] == "-m"):
            return list(command[number + 1 :])
        if following == "launch" and (name == "accelerate" or word == "accelerate.commands.accelerate_cli"):
            return list(command[number + 2 :])
    return None


def _launch_config(args: Any, folder: Path) -> Any:
    """The configuration file that `accelerate launch` reads with these flags, or None."""
    if args.config_file is not None:
        return load_config_from_file(str(folder / args.config_file))
    return load_config_from_file(None) if Path(default_config_file).is_file() and not args.cpu else None


def _stage(config: Any) -> int | None:
    if isinstance(config, str):
        return _stage_of_file(config)
    stage = config.get("zero_optimization", {}).get("stage")
    return stage if isinstance(stage, int) else None


def _stage_of_file(path: str) -> int | None:
    try:
        return _stage(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        # accelerate also takes configurations in base64; then only the engine is compared.
        logger.debug("cannot read the ZeRO stage of %s: %s", path, error)
        return None
