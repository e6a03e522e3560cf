"""Sections about how the weights were made: recipe, run, training data with licences, decontamination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.cards.folder_files import RECIPE, FolderFiles
from hf_hybrid.publishing.cards.sourced_tables import Cell, Figure, Source, Tied, tied_table, tied_text

_UNITS = {
    "global_batch_size": "texts of each side in a batch",
    "mono_probability": "probability of monolingual batches (alpha)",
}


def training_section(files: FolderFiles) -> str:
    """Settings and facts of the run, as far as they are recorded."""
    training = files.named.get("training")
    parts = []
    if training is not None:
        _check_data(training, files.named.get("mix"))
        parts.append(_facts(training))
    elif plan := _plan(files):
        parts.append(plan)
    if files.recipe is not None:
        parts += [
            f"Settings ([`{RECIPE}`]({RECIPE}), for `hf-hybrid train --config`):",
            f"```yaml\n{files.recipe.strip()}\n```",
        ]
    return "\n\n".join(parts) or "How this model was trained is not recorded here."


def _facts(source: Source) -> str:
    content = source.content
    hardware = ", ".join(f"{name} {value}" for name, value in content["hardware"].items() if value is not None)
    lines = [f"* made by {made_by(content)}", f"* hardware: `{hardware}`"]
    if versions := content.get("versions"):
        lines.append("* versions: `" + ", ".join(f"{name} {version}" for name, version in versions.items()) + "`")
    lines += [f"* trained on `{name}`, sha256 `{digest}`" for name, digest in content["data_sha256"].items()]
    if teacher := content.get("teacher"):
        what = f"`{teacher['model']}` on the texts in `{teacher['language']}`"
        lines.append(f"* teacher of the base: {what}, sha256 of its weights `{teacher['weights_sha256']}`")
    figures = [source.figure("seed"), source.figure("seconds")]
    told = tied_text(Tied("Seed {}; {} seconds of training.", tuple(filter(None, figures))))
    parts = [told, "\n".join(lines)]
    if stages := content.get("stages"):
        rows: list[list[Cell]] = [
            [
                stage["name"],
                f"`{stage['arm']}`",
                *(source.figure("stages", number, key) for key in ("batches", "batch_size", "seconds")),
            ]
            for number, stage in enumerate(stages)
        ]
        parts.append(tied_table(["stage", "arm", "batches", "rows of a batch", "seconds"], rows))
    return "\n\n".join(parts)


def made_by(content: Mapping[str, Any]) -> str:
    """The command that made something, with the commit that has it: later ones may not."""
    commit, command = content.get("commit"), content.get("command")
    what = f"`{command}`" if command else "code"
    return f"{what} of commit `{commit}`" if commit else what


def _plan(files: FolderFiles) -> str:
    """What a results file that a training run wrote says of the run."""
    for source in files.results:
        training: dict[str, Any] = source.content.get("training") or {}
        plan = training.get("plan") or {}
        shown: list[tuple[str, Figure | None]] = [
            ("batches", source.figure("training", "steps")),
            ("seed", source.figure("training", "plan", "seed")),
            *(
                (title, source.figure("training", "plan", name, decimals=2 if name == "mono_probability" else 0))
                for name, title in _UNITS.items()
            ),
        ]
        rows: list[list[Cell]] = [[title, figure] for title, figure in shown if figure is not None]
        if plan and rows:
            return f"Batches are drawn as arm `{plan['arm']}` of `hf_hybrid`.\n\n" + tied_table(
                ["of the run", ""], rows
            )
    return ""


def _check_data(training: Source, mix: Source | None) -> None:
    """The data of the run are those of the mix that the card describes."""
    outputs = mix.content["outputs"] if mix else {}
    for name, digest in training.content["data_sha256"].items():
        if name in outputs and outputs[name]["sha256"] != digest:
            raise InputError(
                f"{training.file} names another {name} than {mix.file if mix else ''}: put the mix.json of the data "
                "that was trained on there"
            )


def data_section(files: FolderFiles) -> str:
    """The sources of the training mix with their licences and sizes."""
    mix = files.named.get("mix")
    if mix is None:
        return ""
    parts = [
        "### Data",
        "Examples and their renditions (one language each) that were to train on, by source, with the strictest "
        "licence of each row.",
    ]
    for config, splits in mix.content["rows"].items():
        if "train" not in splits:
            continue
        rows: list[list[Cell]] = []
        for name in sorted(splits["train"]):
            licences = ", ".join(sorted(mix.content["row_licences"].get(config, {}).get(name, {})))
            examples = mix.figure("examples", config, "train", name, total=True)
            renditions = mix.figure("rows", config, "train", name, total=True)
            rows.append([f"`{name}`", f"`{licences}`" if licences else None, examples, renditions])
        whole = [mix.figure(key, config, "train", total=True) for key in ("examples", "rows")]
        rows.append(["all", "", *whole])
        parts += [f"`{config}`:", tied_table(["source", "licence", "examples", "renditions"], rows)]
    digests = [f"{entry['sha256']}  {name}" for name, entry in mix.content["outputs"].items()]
    if digests:
        parts += [
            f"All counts: [`{mix.file}`]({mix.file}). SHA-256 of the files:",
            "```text\n" + "\n".join(digests) + "\n```",
        ]
    return "\n\n".join(parts)


def decontamination_section(files: FolderFiles) -> str:
    """What training and evaluation had in common, and that it was left out."""
    mix = files.named.get("mix")
    if mix is None:
        return ""
    found = mix.content.get("decontamination")
    head = "### Decontamination"
    if found is None:
        return f"{head}\n\n**The training data was not compared with any evaluation set.**"
    at = ("decontamination", "against")
    rows: list[list[Cell]] = [
        [
            f"`{name}`",
            mix.figure(*at, name, "*", "*", "texts", total=True),
            mix.figure(*at, name, "*", "*", "hit", total=True),
        ]
        for name in found["against"]
    ]
    hits = (mix.figure("decontamination", "hits", "texts"), mix.figure("decontamination", "hits", "examples"))
    parts = [
        head,
        "Training texts were compared with evaluation sets by equal forms, runs of words in common, near-duplicates "
        "and titles, in every language (`hf-hybrid decontaminate`). What overlapped was left out with all its "
        "translations. A passage that somebody translated anew is not seen.",
        tied_table(["evaluation set", "texts", "of them overlapping"], rows),
        tied_text(Tied("{} training texts of {} examples overlapped.", _present(hits))),
    ]
    checks: list[list[Cell]] = [
        [f"`{check}`", mix.figure("decontamination", "hits", "by_check", check, total=True)]
        for check in found["hits"].get("by_check", {})
    ]
    if checks:
        parts.append(tied_table(["found by", "training texts"], checks))
    return "\n\n".join(parts)


def _present(figures: Sequence[Figure | None]) -> tuple[Figure, ...]:
    if None in figures:
        raise InputError("results/mix.json: field 'decontamination.hits' must have 'texts' and 'examples'")
    return tuple(figure for figure in figures if figure is not None)
