"""LoRA: low-rank adapters in place inside the encoder, by `peft` through sentence-transformers' own adapter support.

The encoder stays the same `SentenceTransformer`, so training, checkpoints (which then hold the adapter alone) and
evaluation go on as they are. Afterwards the adapter is stored, then merged into the weights, which leaves a plain
encoder.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from hf_hybrid.arguments import LoraArguments
from hf_hybrid.errors import InputError, first_line, nearest
from hf_hybrid.output_files import new_directory

logger = logging.getLogger(__name__)

# The name that transformers and peft give an adapter that is not named.
ADAPTER = "default"
LINEAR = (nn.Linear, Conv1D)
# What peft puts an adapter on, and an encoder has.
LAYERS = (*LINEAR, nn.Embedding, nn.Conv1d, nn.Conv2d)
# Of an adapter's configuration, what has to be the same for its weights to mean the same.
SETTINGS = "r lora_alpha lora_dropout use_rslora use_dora target_modules exclude_modules modules_to_save".split()


def add_lora(model: SentenceTransformer, args: LoraArguments) -> None:
    """Put an adapter on the encoder, in place, and freeze everything else. The vectors do not change by it.

    Layers that are frozen already get none: BERT's pooler, which the vectors do not pass, would be trained without
    ever getting a gradient, and distributed training stops at such a parameter.

    Args:
        model: A pretrained encoder, as `build_encoder` loads it. Draws the adapter from torch's global generator.
        args: Rank, scale and layers.

    Raises:
        InputError: The encoder is no transformer, carries an adapter already, or has no such layers.
    """
    from peft import LoraConfig, TaskType

    if not isinstance(model[0], Transformer) or not model.has_peft_compatible_model():
        raise InputError(
            "use_peft: an adapter needs a transformer, and this encoder is "
            f"a {type(model[0]).__name__}; leave use_peft out: all of it is trained then"
        )
    if has_adapter(model):
        raise InputError(
            "use_peft: the encoder is itself a base with an adapter, and a second one would have no stored base; give "
            "the merged model (a run's `model` folder) as model_name_or_path"
        )
    transformer = model.transformers_model
    _check_modules_to_save(transformer, args.lora_modules_to_save)
    targets, excluded = lora_targets(transformer, args.lora_target_modules)
    config = LoraConfig(
        task_type=TaskType.FEATURE_EXTRACTION,
        r=args.lora_r,
        lora_alpha=args.lora_alpha,
        lora_dropout=args.lora_dropout,
        target_modules=targets,
        exclude_modules=excluded or None,
        modules_to_save=args.lora_modules_to_save,
        use_rslora=args.use_rslora,
        bias="none",
    )
    # A Dense module after the transformer would not be stored with the adapter; those of the transformer peft freezes.
    model.requires_grad_(False)
    try:
        model.add_adapter(config, ADAPTER)
    except ValueError as error:
        raise InputError(f"lora_target_modules, lora_modules_to_save: {first_line(error)}") from error
    layers = adapted_layers(model)
    for name in layers:
        # As peft itself does: a base of 16 bits keeps them, an adapter in 16 bits would lose its small updates.
        for parameter in model.get_submodule(name).parameters():
            parameter.data = parameter.data.float() if parameter.requires_grad else parameter.data
    trained, every = parameter_counts(model)
    logger.info(
        "LoRA of rank %d on %d layers (%s): %s of %s parameters are trained (%.2f %%)",
        *(args.lora_r, len(layers), ", ".join(sorted({_leaf(name) for name in layers}))),
        *(f"{trained:,}", f"{every:,}", 100 * trained / every),
    )


def has_adapter(model: SentenceTransformer) -> bool:
    """Return whether the encoder carries an adapter."""
    return getattr(model.transformers_model, "_hf_peft_config_loaded", False)


def adapted_layers(model: SentenceTransformer) -> list[str]:
    """Return the names of the layers that carry an adapter."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [name for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)]


def parameter_counts(model: nn.Module) -> tuple[int, int]:
    """Return how many parameters are trained and how many there are, shared ones counted once."""
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(number for number, trained in counts if trained), sum(number for number, _ in counts)


def lora_targets(transformer: PreTrainedModel, wanted: list[str] | None) -> tuple[list[str] | str, list[str]]:
    """Resolve `lora_target_modules` against a transformer.

    Args:
        transformer: The model; what is frozen in it gets no adapter.
        wanted: Ends of layers' names, one regular expression for whole names, or `all-linear`; None for `all-linear`.

    Returns:
        `target_modules` and `exclude_modules` of a `peft.LoraConfig`, independent of where the model is stored.

    Raises:
        InputError: A name fits no layer, or only layers that are not trained.

    Example:
        >>> from transformers import DistilBertConfig, DistilBertModel
        >>> lora_targets(DistilBertModel(DistilBertConfig(n_layers=1)), None)
        (['k_lin', 'lin1', 'lin2', 'out_lin', 'q_lin', 'v_lin'], [])
    """
    layers = {name: module for name, module in transformer.named_modules() if isinstance(module, LAYERS)}
    usable = [name for name, module in layers.items() if any(p.requires_grad for p in module.parameters())]
    if wanted is None or [name.lower() for name in wanted] == ["all-linear"]:
        wanted = sorted({_leaf(name) for name in usable if isinstance(layers[name], LINEAR)})
    elif len(wanted) == 1 and not _ending(wanted[0], layers) and (pattern := _pattern(wanted[0])) is not None:
        matched = [name for name in layers if pattern.fullmatch(name)]
        if set(matched) & set(usable):
            return wanted[0], [name for name in matched if name not in usable]
    for name in wanted:
        if not _ending(name, layers):
            raise InputError(
                f"lora_target_modules: no layer {name!r} in {type(transformer).__name__}"
                + _known(name, {_leaf(each) for each in usable})
            )
        if not _ending(name, usable):
            raise InputError(
                f"lora_target_modules: the vectors do not pass {name!r}, so it cannot learn; leave it out"
            )
    matched = [name for name in layers if any(_ending(each, [name]) for each in wanted)]
    return list(wanted), [name for name in matched if name not in usable]


def merge_adapter(model: SentenceTransformer) -> None:
    """Add the adapter to the weights and take it off, in place (peft's `merge_and_unload`). The vectors stay the same.

    Every weight can be trained again afterwards. Nothing happens to an encoder without an adapter.
    """
    if not has_adapter(model):
        return
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import AuxiliaryTrainingWrapper

    transformer = model.transformers_model
    wrapped = {
        n: m for n, m in transformer.named_modules() if isinstance(m, BaseTunerLayer | AuxiliaryTrainingWrapper)
    }
    for name, module in wrapped.items():
        if isinstance(module, AuxiliaryTrainingWrapper):
            plain = module.unload_and_optionally_merge_module(merge=True, safe_merge=True, adapter_names=None)
        else:
            module.merge(safe_merge=True)
            plain = module.get_base_layer()
        setattr(transformer.get_submodule(name.rpartition(".")[0]), _leaf(name), plain)
    del transformer.peft_config
    transformer._hf_peft_config_loaded = False
    model.requires_grad_(True)


def save_adapter(
    model: SentenceTransformer, directory: str | os.PathLike[str], base: str, overwrite: bool = False
) -> Path:
    """Save the adapter without the base's weights, so that either the whole directory appears or nothing does.

    The directory is in sentence-transformers' layout, with tokenizer, pooling and prompts:
    `SentenceTransformer(directory)` loads the base that it names with the adapter on it,
    `PeftModel.from_pretrained(base, directory)` the transformer alone, and `encoder.load_adapter(directory)` puts it
    on a base that is already loaded.

    Args:
        model: An encoder with an adapter.
        directory: Where to save it.
        base: Hub name or directory that the encoder was loaded from.
        overwrite: Replace an adapter that is there.

    Raises:
        InputError: The directory is in use.
    """
    config = model.transformers_model.peft_config[ADAPTER]
    folder = Path(config.base_model_name_or_path)
    with new_directory(directory, overwrite) as fresh:
        model.save_pretrained(str(fresh), create_model_card=False)
        file = fresh / "adapter_config.json"
        # While training, the base is the local copy, so that no checkpoint asks the network for it; a stored adapter
        # names what others can load as well: the Hub's name and commit.
        local = Path(base).expanduser().is_dir()
        name, revision = (str(folder.resolve()), None) if local else (base, folder.name)
        content = json.loads(file.read_text(encoding="utf-8"))
        content |= {"base_model_name_or_path": name, "revision": revision}
        file.write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")
    return Path(directory).expanduser()


def load_adapter_weights(model: SentenceTransformer, directory: str | os.PathLike[str]) -> None:
    """Load a checkpoint's adapter into the encoder's own, without loading the base again.

    Args:
        model: An encoder with an adapter.
        directory: A folder that `save_adapter` or the Trainer wrote.

    Raises:
        InputError: There is no adapter, it is damaged, or it has other settings; names them and both values.
    """
    from peft import set_peft_model_state_dict

    folder = Path(directory)
    transformer = model.transformers_model
    try:
        stored = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{folder}: no adapter can be read from it ({first_line(error)}); was it trained with use_peft?"
        ) from error
    own = {name: getattr(transformer.peft_config[ADAPTER], name) for name in SETTINGS}
    differing = [name for name in SETTINGS if _plain(stored.get(name)) != _plain(own[name])]
    if differing:
        values = "; ".join(f"{name} was {_plain(stored.get(name))}, is {_plain(own[name])}" for name in differing)
        raise InputError(f"{folder}: its adapter has other settings ({values}); restore these or start a new run")
    # Files carry the prefix of a peft wrapper, which an adapter in place has not.
    weights = {name.removeprefix("base_model.model."): weight for name, weight in weights.items()}
    loaded = set_peft_model_state_dict(transformer, weights, ADAPTER)
    trained = {name for name, parameter in transformer.named_parameters() if parameter.requires_grad}
    unfit = sorted({*loaded.unexpected_keys, *(trained & set(loaded.missing_keys))})
    if unfit:
        raise InputError(f"{folder}: its adapter does not fit this encoder ({unfit[0]} and {len(unfit) - 1} others)")


def _check_modules_to_save(transformer: PreTrainedModel, wanted: list[str] | None) -> None:
    modules = {name: module for name, module in transformer.named_modules() if name}
    for name in wanted or []:
        found = _ending(name, modules)
        if not found:
            raise InputError(
                f"lora_modules_to_save: no module {name!r} in {type(transformer).__name__}"
                + _known(name, {_leaf(each) for each in modules if not _leaf(each).isdigit()})
            )
        if not all(parameter.requires_grad for each in found for parameter in modules[each].parameters()):
            raise InputError(
                f"lora_modules_to_save: the vectors do not pass {name!r}, so it cannot learn; leave it out"
            )


def _ending(end: str, names: Iterable[str]) -> list[str]:
    """The names that peft would match: those that are or end in a dot and this one."""
    return [name for name in names if name == end or name.endswith(f".{end}")]


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:
        return None


def _known(name: str, leaves: set[str]) -> str:
    match = nearest(name, sorted(leaves))
    hint = f"; did you mean {match!r}?" if match else ";"
    return f"{hint} It has {', '.join(sorted(leaves))}"


def _plain(value: object) -> object:
    """A setting as JSON would hold it: sets and lists sorted, nothing where there is none."""
    return sorted(value) if isinstance(value, list | set | tuple) else value or None
