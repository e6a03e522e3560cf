"""Find and load pretrained checkpoints: a Hub name or a local directory, safetensors only, none of their code run."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from transformers import AutoConfig

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.padding import warn_of_padding
from hf_hybrid.encoders.text_inputs import ensure_padding
from hf_hybrid.errors import InputError, first_line

logger = logging.getLogger(__name__)

# Nothing of these is read, so nothing of these is downloaded: pickled weights and those of other frameworks.
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
IGNORED = (
    *PICKLES,
    "*.h5",
    "*.msgpack",
    "*.ot",
    "*.onnx",
    "*.onnx_data",
    "*.gguf",
    "*.tflite",
    "onnx/*",
    "openvino/*",
)
# How a file begins that Git LFS keeps elsewhere, and how long it is at most.
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
LFS_POINTER_BYTES = 1024
DROPOUT_SETTINGS = (
    "hidden_dropout_prob attention_probs_dropout_prob dropout attention_dropout embedding_dropout mlp_dropout "
    "hidden_dropout dropout_rate"
).split()


# Where models are that travel with the package: in the wheel, or in the source checkout.
EMBEDDED_MODELS = (Path(__file__).parents[1] / "_data" / "models", Path(__file__).parents[2] / "model_cards")


def embedded_model(name: str) -> Path | None:
    """Folder of the model that travels with the package under this bare name, or None."""
    if "/" in name or name.startswith("."):
        return None
    return next((folder / name for folder in EMBEDDED_MODELS if (folder / name / "modules.json").is_file()), None)


def find_checkpoint(
    name: str, revision: str | None, argument: str = "model_name_or_path", weights: bool = True
) -> Path:
    """Return the local folder of a checkpoint, downloaded or from the cache where the name is a Hub name.

    Args:
        name: A local directory, the bare name of a model that travels with the package, or a Hub name.
        revision: Branch, tag or commit; for Hub names only.
        argument: Name of the argument to blame in errors.
        weights: Whether weights are wanted; otherwise only configuration and tokenizer files are fetched.

    Raises:
        InputError: There is no such directory or Hub name, or the Hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if not folder.exists():
        folder = embedded_model(name) or folder
    if folder.is_dir():
        if revision is not None:
            raise InputError(f"model_revision: {revision} has no meaning for the local directory {name}; leave it out")
        return folder
    if folder.exists():
        raise InputError(f"{argument}: {name} is a file; give the directory that holds the model")
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(f"{argument}: no directory {name}; check the path")
    ignored = IGNORED if weights else (*IGNORED, "*.safetensors")
    try:
        return Path(snapshot_download(name, revision=revision, ignore_patterns=list(ignored)))
    except HFValidationError as error:
        raise InputError(f"{argument}: {name!r} is neither a directory nor a Hub name") from error
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{argument}: no directory {name}, and the Hub cannot be reached nor is it in the cache; check the "
            "spelling, connect to the network, or give a local directory"
        ) from error
    except HfHubHTTPError as error:
        where = name if revision is None else f"{name} at revision {revision}"
        raise InputError(
            f"{argument}: the Hub does not give out {where} ({first_line(error)}); check the name and the revision, "
            "and log in with `hf auth login` if it is private or gated"
        ) from error
    except OSError as error:
        raise InputError(
            f"{argument}: cannot fetch {name} from the Hub ({first_line(error)}); check the network and "
            "HF_HUB_OFFLINE, or give a local directory"
        ) from error


def load_checkpoint(folder: Path, name: str, args: ModelArguments) -> SentenceTransformer:
    """Load a sentence-transformers or `transformers` checkpoint from a local folder, on the CPU.

    A plain `transformers` encoder gets mean pooling and unit vectors; a sentence-transformers model keeps its modules.

    Args:
        folder: The checkpoint's folder, from `find_checkpoint`.
        name: What the user called it, for errors and the model card.
        args: Data type, attention implementation and dropout.

    Raises:
        InputError: The weights are pickled, damaged or missing, or the model needs code of its own.
    """
    refuse_unsafe_weights(folder, name)
    model_kwargs: dict[str, Any] = {"use_safetensors": True}
    model_kwargs["dtype"] = "auto" if args.dtype == "auto" else getattr(torch, args.dtype)
    if args.attn_implementation is not None:
        model_kwargs["attn_implementation"] = args.attn_implementation
    try:
        model = SentenceTransformer(
            str(folder),
            device="cpu",
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs=model_kwargs,
            config_kwargs=_dropout_settings(folder, args.dropout),
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"model_name_or_path: cannot load {name} ({first_line(error)}); give an encoder that `transformers` or "
            "sentence-transformers loads without code of its own, stored whole as safetensors"
        ) from error
    ensure_padding(model, name)
    warn_of_padding(model, name)
    if not (folder / "modules.json").is_file() and isinstance(model[0], Transformer):
        model.append(Normalize())
    if args.dtype != "auto":
        model.to(getattr(torch, args.dtype))
    if folder.resolve() != Path(name).expanduser().resolve():
        model.model_card_data.base_model = name
    model.model_card_data.base_model_revision = snapshot_commit(folder)
    return model


def snapshot_commit(folder: Path) -> str | None:
    """Return the commit that a folder of the Hub's cache holds; None for every other folder, which has no revision.

    Example:
        >>> commit = "ab" * 20
        >>> snapshot_commit(Path("models--intfloat--e5/snapshots") / commit)[:4], snapshot_commit(Path("runs/a/model"))
        ('abab', None)
    """
    folder = folder.resolve()
    in_cache = folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--")
    return folder.name if in_cache and re.fullmatch(r"[0-9a-f]{40}", folder.name) else None


def saved_prompts(folder: Path) -> dict[str, str | None]:
    """Return the prompts that a sentence-transformers checkpoint names in its configuration, empty ones included."""
    path = folder / "config_sentence_transformers.json"
    return _read_json(path).get("prompts") or {} if path.is_file() else {}


def refuse_unsafe_weights(folder: Path, name: str) -> None:
    """Refuse a checkpoint with pickled weights only, or with pointers of Git LFS in place of its files.

    Raises:
        InputError: names the file and the remedy.
    """
    _refuse_lfs_pointers(folder, name)
    _refuse_pickled_weights(folder, name)


def _refuse_lfs_pointers(folder: Path, name: str) -> None:
    """Refuse a clone whose large files were left on the server: what lies in their place is three lines of text."""
    for path in sorted(folder.rglob("[!.]*.*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if (
            not hidden
            and path.is_file()
            and path.stat().st_size < LFS_POINTER_BYTES
            and path.read_bytes().startswith(LFS_POINTER)
        ):
            raise InputError(
                f"model_name_or_path: {name} holds a pointer of Git LFS in place of {path.relative_to(folder)}: run "
                f"`git lfs install` and `git lfs pull` in {folder}"
            )


def _refuse_pickled_weights(folder: Path, name: str) -> None:
    modules = _read_json(folder / "modules.json") if (folder / "modules.json").is_file() else []
    parts = {folder, *(folder / module["path"] for module in modules)}
    for router in [part / "router_config.json" for part in parts if (part / "router_config.json").is_file()]:
        parts |= {router.parent / route for route in _read_json(router).get("types", {})}
    for part in parts:
        pickles = sorted(path.name for pattern in PICKLES for path in part.glob(pattern))
        if pickles and not any(part.glob("*.safetensors")):
            raise InputError(
                f"model_name_or_path: {name} has only pickled weights ({pickles[0]}), which can run code when read; "
                f"convert them where you trust them: SentenceTransformer({name!r}).save_pretrained('converted')"
            )


def _dropout_settings(folder: Path, dropout: float | None) -> dict[str, float]:
    """Return the settings by which this architecture calls its dropout."""
    if dropout is None or not (folder / "config.json").is_file():
        return {}
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    return {name: dropout for name in DROPOUT_SETTINGS if hasattr(config, name)}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); fetch the checkpoint again") from error
