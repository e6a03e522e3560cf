"""Arguments from a YAML recipe and flags, in TRL's manner: the recipe sets defaults, flags override them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from transformers import HfArgumentParser

from hf_hybrid.arguments import DataArguments, HybridTrainingArguments, LoraArguments, ModelArguments
from hf_hybrid.arguments.without_effect import FORMER
from hf_hybrid.errors import InputError, nearest

RECIPES = Path(__file__).resolve().parents[1] / "recipes"

# Of the arguments inherited from transformers, those that `--help` shows; `--help_all` shows every one.
COMMON = """
output_dir learning_rate weight_decay num_train_epochs max_steps warmup_steps lr_scheduler_type optim max_grad_norm
gradient_accumulation_steps gradient_checkpointing bf16 fp16 torch_compile use_cpu seed data_seed logging_steps
eval_strategy eval_steps save_strategy save_steps save_total_limit load_best_model_at_end metric_for_best_model
dataloader_num_workers report_to push_to_hub hub_model_id
""".split()

DESCRIPTION = """Train a multilingual retriever with hybrid batch training.

With no argument: trains on the embedded parallel question/passage data, without a network, and evaluates before and
after.
A recipe (--config FILE, or the bare name of a packaged one: {recipes})
sets defaults and flags override it. Without --config the recipe is `default`, unless --model_name_or_path or --encoder
chooses an encoder: then the defaults are those listed below (the paper's, where it states them).
"""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """One spelling per option, a short placeholder, and the default value."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=34, width=119)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        name = " ".join(option for option in action.option_strings if option[:2] != "--" or "-" not in option[2:])
        return name if action.nargs == 0 else f"{name} {self._placeholder(action)}"

    @staticmethod
    def _placeholder(action: argparse.Action) -> str:
        if action.choices:
            return "|".join(map(str, action.choices))
        if action.metavar:
            return str(action.metavar)
        kinds = {int: "N", float: "X", "string_to_bool": "true|false"}
        kind = kinds.get(action.type) or kinds.get(getattr(action.type, "__name__", "")) or "VALUE"
        return f"{kind} ..." if action.nargs in ("+", "*") else kind

    def _expand_help(self, action: argparse.Action) -> str:
        text = (action.help or "").replace("%(default)s", str(action.default))
        shown = isinstance(action.default, int | float | str) and action.default not in ("", argparse.SUPPRESS)
        return f"{text} [{action.default}]" if shown and action.nargs != 0 else text


class HybridArgumentParser(HfArgumentParser):
    """`HfArgumentParser` over the three dataclasses, whose errors are one line and name the nearest valid argument."""

    def __init__(self) -> None:
        super().__init__(
            (ModelArguments, DataArguments, HybridTrainingArguments),
            prog="hf-hybrid train",
            description=DESCRIPTION.format(recipes=", ".join(recipe_names())),
            formatter_class=HelpFormatter,
            allow_abbrev=False,
            add_help=False,
        )
        self._take_auto()
        self._show_in_groups()
        general = self.add_argument_group("general")
        general.add_argument("-h", "--help", action="store_true", help="show this help and exit")
        general.add_argument(
            "--help_all", action="store_true", help="show every argument of transformers too, and exit"
        )
        general.add_argument("--config", metavar="RECIPE", help="YAML file of arguments, or a packaged recipe's name")

    def _take_auto(self) -> None:
        """Flags that may be left to the program: bare, `true`, `false` or `auto`, which the arguments check."""
        for action in self._actions:
            if action.dest in ("bf16", "padding_free"):
                action.type, action.metavar = str, "auto|true|false"

    def _show_in_groups(self) -> None:
        """Sort the options into groups for `--help`, keeping what the parsing does."""
        own = set(HybridTrainingArguments.__annotations__) - {
            "output_dir",
            "learning_rate",
            "weight_decay",
            "report_to",
            "bf16",
        }
        groups = {
            "hybrid batch training": own,
            "data": set(DataArguments.__dataclass_fields__),
            "encoder": set(ModelArguments.__dataclass_fields__) - set(LoraArguments.__dataclass_fields__),
            "adapter (LoRA), for encoders from a checkpoint": set(LoraArguments.__dataclass_fields__),
            "training (of transformers, most used)": set(COMMON),
        }
        titled = {name: self.add_argument_group(name) for name in groups}
        rest = self.add_argument_group("training (of transformers, further)")
        self._rest = rest
        for action in list(self._actions):
            title = next((name for name, members in groups.items() if action.dest in members), None)
            group = titled[title] if title else rest
            for old in self._action_groups:
                if action in old._group_actions:
                    old._group_actions.remove(action)
            group._group_actions.append(action)

    def print_all(self, everything: bool) -> None:
        if not everything:
            self._action_groups.remove(self._rest)
            for action in self._rest._group_actions:
                action.help = argparse.SUPPRESS
            self.epilog = "Every argument of transformers.TrainingArguments is accepted too: --help_all lists them."
        self.usage = "%(prog)s [--config RECIPE] [--argument value ...]"
        self.print_help()

    def error(self, message: str) -> None:
        # argparse lists both spellings of an option; the first is the one that recipes use.
        raise InputError(re.sub(r"^argument (--\w+)(/--[\w-]+)?", r"\1", message) + "; see --help")


def recipe_names() -> list[str]:
    """Bare names of the recipes that travel with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def read_recipe(name_or_path: str) -> dict[str, Any]:
    """Read a recipe: a YAML mapping of argument names to values.

    Args:
        name_or_path: A file, or the bare name of a packaged recipe.

    Raises:
        InputError: No such recipe, not YAML, or not a mapping.
    """
    packaged = RECIPES / f"{name_or_path}.yaml"
    path = packaged if packaged.is_file() and not Path(name_or_path).is_file() else Path(name_or_path)
    if not path.is_file():
        raise InputError(
            f"config: no file '{name_or_path}' and no packaged recipe of that "
            f"name{_nearest(name_or_path, recipe_names())}"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: not valid YAML ({' '.join(str(error).split())[:160]})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path.name}: not a mapping of argument names to values")
    return content


def parse_arguments(
    argv: Sequence[str] | None = None,
) -> tuple[ModelArguments, DataArguments, HybridTrainingArguments]:
    """Parse flags and the recipe they name.

    Args:
        argv: Flags; default: those of the command line.

    Raises:
        InputError: An unknown recipe key or flag (with the nearest valid one) or a value that does not fit.
        SystemExit: After `--help`.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = HybridArgumentParser()
    if {"-h", "--help", "--help_all"} & set(argv):
        parser.print_all(everything="--help_all" in argv)
        raise SystemExit(0)
    known = sorted({action.dest for action in parser._actions} - {"help", "help_all", "config"})
    recipe = _recipe_of(argv)
    for key in recipe:
        if key in FORMER:
            raise InputError(f"config: {key}: is not known any more; {FORMER[key]}")
        if key not in known:
            raise InputError(f"config: unknown key '{key}'{_nearest(key, known)}")
    # argparse converts string defaults as it does flags: YAML's 2e-5, which is a string, means the same in both.
    parser.set_defaults(**recipe)
    for action in parser._actions:
        action.required = False
    namespace, unknown = parser.parse_known_args(argv)
    if unknown:
        name = unknown[0].split("=")[0]
        if reason := FORMER.get(name.lstrip("-").replace("-", "_")):
            raise InputError(f"{name.lstrip('-')}: is not known any more; {reason}")
        raise InputError(f"unknown argument '{name}'{_nearest(name.lstrip('-'), known, '--')}")
    values = vars(namespace)
    return tuple(
        cls(**{name: values[name] for name, f in cls.__dataclass_fields__.items() if f.init})
        for cls in (ModelArguments, DataArguments, HybridTrainingArguments)
    )


def _recipe_of(argv: Sequence[str]) -> dict[str, Any]:
    """The recipe that sets the defaults: `--config`, else `default` unless the flags choose an encoder of their
    own.
    """
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--config")
    finder.add_argument("--model_name_or_path")
    finder.add_argument("--encoder")
    try:
        found, _ = finder.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise InputError(f"{error.argument_name}: {error.message}; see --help") from None
    if found.config is not None:
        return read_recipe(found.config)
    return {} if found.model_name_or_path or found.encoder else read_recipe("default")


def _nearest(name: str, known: Sequence[str], prefix: str = "") -> str:
    match = nearest(name, known)
    return f"; did you mean '{prefix}{match}'?" if match else f"; valid: {', '.join(known[:12])} ..."
