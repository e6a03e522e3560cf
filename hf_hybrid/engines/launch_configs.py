"""Where the configurations of `accelerate launch` are that travel with the package."""

from __future__ import annotations

from pathlib import Path

from hf_hybrid.errors import InputError, nearest

FOLDER = Path(__file__).parents[1] / "recipes" / "accelerate"


def launch_config(name: str) -> str:
    """Path of a packaged configuration for `accelerate launch --config_file`; its head says how to use it.

    Args:
        name: `ddp`, `fsdp2`, `multi_node`, `zero1`, `zero2` or `zero3`.

    Raises:
        InputError: There is no such configuration.

    Example:
        >>> Path(launch_config("ddp")).name
        'ddp.yaml'
    """
    known = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    if name not in known:
        match = nearest(name, known)
        hint = f"did you mean {match!r}?" if match else f"choose one of {', '.join(known)}"
        raise InputError(f"launch_config: no configuration {name!r}; {hint}")
    return str(FOLDER / f"{name}.yaml")
