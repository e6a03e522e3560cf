"""The card of a mix: the template's text with the numbers of this build between its markers, see
`hf_hybrid.markdown`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hf_hybrid.markdown import replace_field_blocks, replace_text_blocks
from hf_hybrid.output_files import write_bytes
from hf_hybrid.overlap.report import table
from hf_hybrid.publishing.lint.hub_values import size_category
from mix.filters import REASONS
from mix.parts import CONFIGS

_SPLITS = ("train", "dev", "test")
_DEFAULT = "qa"
_PUBLIC_DOMAIN = "public-domain"
_MARK = "build.py"


def write_card(template: Path, target: Path, report: Mapping[str, Any]) -> None:
    """Write the card of a build, and its licence file beside it.

    Args:
        template: `README.md` of the data set's folder, with markers; `LICENSE` is beside it.
        target: The card to write; may be the template itself.
        report: What `mix.json` holds.

    Raises:
        InputError: The template lacks a marker.
    """
    text = template.read_text(encoding="utf-8")
    text = replace_field_blocks(text, front_matter(report), _MARK, template)
    text = replace_text_blocks(text, sections(report), _MARK, template)
    write_bytes(target, text.encode(), overwrite=True)
    licence = template.with_name("LICENSE")
    if licence.is_file() and licence.resolve() != target.with_name("LICENSE").resolve():
        shutil.copyfile(licence, target.with_name("LICENSE"))


def front_matter(report: Mapping[str, Any]) -> dict[str, str]:
    """Blocks of YAML: licences, languages, sizes, configurations."""
    licences = sorted(
        {licence for config in report["row_licences"].values() for own in config.values() for licence in own}
    )
    named = sorted({"other" if licence in (_PUBLIC_DOMAIN, "unknown") else licence for licence in licences})
    lines = ["license:", *(f"  - {licence}" for licence in named)]
    if "other" in named:
        lines += ["license_name: several", "license_link: LICENSE"]
    rows = sum(_rows_of(report, config) for config in report["rows"])
    return {
        "licences": "\n".join(lines),
        "languages": f"language: [{', '.join(_languages(report))}]",
        "sizes": f"size_categories:\n  - {size_category(rows)}",
        "configs": "\n".join(
            ["configs:", *(_config(report, config) for config in CONFIGS if config in report["rows"])]
        ),
    }


def _config(report: Mapping[str, Any], config: str) -> str:
    default = "    default: true\n" if config == _DEFAULT else ""
    files = [
        f"      - split: {split}\n        path: {config}/{split}.parquet"
        for split in _SPLITS
        if split in report["rows"][config]
    ]
    return f"  - config_name: {config}\n{default}    data_files:\n" + "\n".join(files)


def sections(report: Mapping[str, Any]) -> dict[str, str]:
    """Blocks of Markdown: counts, sources, filters, decontamination, checksums."""
    blocks = [_configs_table(report), "Renditions by language:", _languages_table(report)]
    for config in CONFIGS:
        if config in report["rows"]:
            blocks += [f"`{config}` by source, with its licences:", _sources_table(report, config)]
    return {
        "counts": "\n\n".join(blocks),
        "filters": _filters(report),
        "decontamination": _decontamination(report),
        "checksums": _checksums(report),
    }


def _languages(report: Mapping[str, Any]) -> list[str]:
    return sorted({lang for config in report["rows"] for lang in _by_language(report, config)})


def _by_language(report: Mapping[str, Any], config: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for sources in report["rows"][config].values():
        for langs in sources.values():
            total.update(langs)
    return total


def _rows_of(report: Mapping[str, Any], config: str, split: str | None = None, source: str | None = None) -> int:
    return sum(
        sum(langs.values())
        for own_split, sources in report["rows"][config].items()
        if split in (None, own_split)
        for own_source, langs in sources.items()
        if source in (None, own_source)
    )


def _examples_of(report: Mapping[str, Any], config: str, source: str) -> int:
    return sum(sources.get(source, 0) for sources in report["examples"][config].values())


def _configs_table(report: Mapping[str, Any]) -> str:
    rows = []
    for config in CONFIGS:
        if config in report["rows"]:
            examples = sum(sum(own.values()) for own in report["examples"][config].values())
            splits = [_rows_of(report, config, split) for split in _SPLITS]
            rows.append([f"`{config}`", _rows_of(report, config), *splits, examples])
    return table(["config", "rows", *(f"{split} rows" for split in _SPLITS), "examples"], rows)


def _languages_table(report: Mapping[str, Any]) -> str:
    counts = {config: _by_language(report, config) for config in CONFIGS if config in report["rows"]}
    rows = [[f"`{lang}`", *(own[lang] for own in counts.values())] for lang in _languages(report)]
    return table(["lang", *(f"`{config}`" for config in counts)], rows)


def _sources_table(report: Mapping[str, Any], config: str) -> str:
    rows = []
    for source in sorted({name for own in report["rows"][config].values() for name in own}):
        langs = {lang for own in report["rows"][config].values() for lang in own.get(source, {})}
        licences = ", ".join(sorted(report["row_licences"][config][source]))
        splits = [_rows_of(report, config, split, source) for split in _SPLITS if split in report["rows"][config]]
        rows.append([f"`{source}`", licences, len(langs), _examples_of(report, config, source), *splits])
    splits = [f"{split} renditions" for split in _SPLITS if split in report["rows"][config]]
    return table(["source", "licence", "languages", "examples", *splits], rows, left=2)


def _filters(report: Mapping[str, Any]) -> str:
    configs = [config for config in CONFIGS if config in report["read"]]
    rows = [["read", "", *(sum(report["read"][config].values()) for config in configs)]]
    for reason, meaning in REASONS.items():
        refused = [_refused(report, config, reason) for config in configs]
        if any(refused):
            rows.append([f"`{reason}`", meaning, *refused])
    rows.append(["kept", "", *(_rows_of(report, config) if config in report["rows"] else 0 for config in configs)])
    return table(["", "refused because", *(f"`{config}`" for config in configs)], rows, left=2)


def _refused(report: Mapping[str, Any], config: str, reason: str) -> int:
    return sum(reasons.get(reason, 0) for reasons in report["refused"].get(config, {}).values())


def _decontamination(report: Mapping[str, Any]) -> str:
    found = report.get("decontamination")
    if found is None:
        return (
            "**This build was not compared with any evaluation set**: build it with `--against` before you evaluate "
            "on one."
        )
    rows = []
    for name, fields in found["against"].items():
        texts = sum(cell["texts"] for langs in fields.values() for cell in langs.values())
        hit = sum(cell["hit"] for langs in fields.values() for cell in langs.values())
        rows.append([f"`{name}`", texts, hit])
    checks = [[f"`{check}`", sum(cells.values())] for check, cells in found["hits"]["by_check"].items()]
    told = (
        f"{found['hits']['texts']:,} texts of {found['hits']['examples']:,} examples overlapped and were left out in "
        f"all their languages."
    )
    parts = [table(["evaluation set", "texts", "of them overlapping"], rows), told]
    if checks:
        parts.append(table(["found by", "texts left out"], checks))
    return "\n\n".join(parts)


def _checksums(report: Mapping[str, Any]) -> str:
    def block(names: Sequence[tuple[str, str]]) -> str:
        return "```text\n" + "\n".join(f"{digest}  {name}" for name, digest in names) + "\n```"

    outputs = [(name, cell["sha256"]) for name, cell in report["outputs"].items()]
    return (
        f"SHA-256 of the files:\n\n{block(outputs)}\n\nOf the sets that they were built "
        f"from:\n\n{block(list(report['inputs'].items()))}"
    )
