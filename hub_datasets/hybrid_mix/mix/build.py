"""Build the mix: prepare the parts, leave out what overlaps an evaluation, split by document, leave out of train what
overlaps dev.

Everything is written beside the output, which appears when it is whole; an interrupted build takes up the parts that
were prepared.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm.auto import tqdm

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import file_digest
from hf_hybrid.overlap.index import Thresholds
from hf_hybrid.overlap.run import decontaminate
from hf_hybrid.overlap.scan import scan
from mix.card import write_card
from mix.language_check import LANGUAGES, LanguageIdentifier
from mix.licences import licences_of_group
from mix.parts import CONFIGS, HELD_OUT_CONFIG, PARTS, Part
from mix.prepare import RowGroups, prepare
from mix.splits import dev_documents
from mix.statistics import Statistics

logger = logging.getLogger(__name__)
# Equal texts of even a few letters, so that dev is honest; near-duplicates of it have gone before.
_HELD_OUT_THRESHOLDS = Thresholds(min_letters=4)
_HELD_OUT_CHECKS = ("exact", "ngram_13", "whole_inside", "ngram_8_share")
COLUMNS_OF = {
    "align": ("id", "lang", "query", "passage", "passage_id", "source", "licence"),
    "qa": ("id", "lang", "query", "passage", "passage_id", "source", "licence", "title"),
    "text": ("id", "lang", "text", "source", "licence"),
}
COLUMNS_OF |= {"qa_long": COLUMNS_OF["qa"], "bitext": COLUMNS_OF["align"]}


@dataclass(frozen=True)
class MixOptions:
    """What a mix is made of.

    Attributes:
        source: Folder of the Parquet sets.
        output: Folder to make.
        card: Template of the card.
        licences: Group of licences; see `licences.GROUPS`.
        languages: BCP-47 tags.
        against: Name -> evaluation set that must not be in it.
        parts: The parts; for tests and smaller mixes.
    """

    source: Path
    output: Path
    card: Path
    licences: str = "all"
    languages: tuple[str, ...] = LANGUAGES
    against: Mapping[str, Path] = field(default_factory=dict)
    parts: tuple[Part, ...] = PARTS


def build_mix(options: MixOptions, show_progress: bool = False) -> dict[str, Any]:
    """Build the mix and return what `mix.json` holds.

    Raises:
        InputError: A set is missing or damaged, the output exists, an unknown group or language.
    """
    output = options.output
    if output.exists():
        raise InputError(f"{output}: already exists; name another --output or delete it")
    licences_of_group(options.licences)
    for lang in options.languages:
        if lang not in LANGUAGES:
            raise InputError(f"no language '{lang}' in the mix; choose among {', '.join(LANGUAGES)}")
    work = output.with_name(f".{output.name}.work")
    work.mkdir(parents=True, exist_ok=True)
    counts = _prepare_all(options, work, show_progress)
    fresh = work / "new"
    shutil.rmtree(fresh, ignore_errors=True)
    report = _assemble(options, work, fresh, counts, show_progress)
    os.replace(fresh, output)
    shutil.rmtree(work)
    return report


def _prepare_all(options: MixOptions, work: Path, show_progress: bool) -> dict[str, dict[str, Any]]:
    identifier = cache(lambda: LanguageIdentifier(options.languages))
    counts = {}
    with tqdm(options.parts, desc="preparing", unit="part", disable=not show_progress) as progress:
        for part in progress:
            progress.set_postfix_str(part.name)
            counts[part.name] = prepare(
                part, options.source, work, options.languages, options.licences, identifier, show_progress
            )
    return counts


def _assemble(
    options: MixOptions, work: Path, fresh: Path, counts: dict[str, dict[str, Any]], show_progress: bool
) -> dict[str, Any]:
    statistics = Statistics(counts, options.parts)
    evaluation = _evaluation_ids(options, work, fresh, show_progress)
    held_out = dev_documents(
        (part.config, source, document)
        for part in options.parts
        if part.config in ("align", "qa", "qa_long")
        for source, document in _examples(work / f"{part.name}.parquet")
    )
    splits = work / "splits"
    shutil.rmtree(splits, ignore_errors=True)
    for part in options.parts:
        _split_part(part, work / f"{part.name}.parquet", splits, evaluation, held_out, statistics)
    overlapping = _overlapping_ids(splits, show_progress)
    for config in CONFIGS:
        _write_config(config, options.parts, splits, fresh / config, overlapping, statistics)
    shutil.rmtree(splits)
    report = _report(options, fresh, statistics)
    write_card(options.card, fresh / "README.md", report)
    (fresh / "mix.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def _evaluation_ids(options: MixOptions, work: Path, fresh: Path, show_progress: bool) -> set[str]:
    """Ids of the examples that overlap an evaluation set; the report goes into the mix."""
    fresh.mkdir(parents=True)
    if not options.against:
        logger.warning("no --against: the mix is not compared with any evaluation set")
        return set()
    compared = work / "compared"
    shutil.rmtree(compared, ignore_errors=True)
    compared.mkdir()
    for part in options.parts:
        os.link(work / f"{part.name}.parquet", compared / f"{part.name}.parquet")
    pages = fresh / "decontamination.json"
    report = decontaminate(compared, options.against, report=pages, show_progress=show_progress)
    shutil.rmtree(compared)
    return {hit["id"] for hit in report["list"]}


def _examples(file: Path) -> Iterator[tuple[str, str]]:
    """Source and document of every example."""
    table = (
        pq.read_table(file, columns=["id", "source", "document"]).group_by(["id", "source", "document"]).aggregate([])
    )
    yield from zip(table["source"].to_pylist(), table["document"].to_pylist(), strict=True)


def _split_part(
    part: Part, file: Path, splits: Path, evaluation: set[str], held_out: set[str], statistics: Statistics
) -> None:
    """Write the part's rows into a file for each split."""
    table = pq.read_table(file)
    if part.config != HELD_OUT_CONFIG and evaluation:
        kept = pc.invert(pc.is_in(table["id"], pa.array(sorted(evaluation), pa.string())))
        statistics.refuse(part, table.filter(pc.invert(kept))["source"], "evaluation")
        table = table.filter(kept)
    masks = {part.split: None}
    if part.split == "train" and part.config != "text":
        is_dev = pc.is_in(table["document"], pa.array(sorted(held_out), pa.string()))
        masks = {"train": pc.invert(is_dev), "dev": is_dev}
    for split, mask in masks.items():
        folder = splits / ("train" if split == "train" else "held_out")
        folder.mkdir(parents=True, exist_ok=True)
        own = table if mask is None else table.filter(mask)
        with RowGroups(folder / f"{part.name}.{split}.parquet", own.schema) as writer:
            writer.write(own)


def _overlapping_ids(splits: Path, show_progress: bool) -> set[str]:
    """Ids of the training examples with a text that dev or bitext has, too, in any language or configuration."""
    found = scan(
        [splits / "train"],
        {"held_out": splits / "held_out"},
        thresholds=_HELD_OUT_THRESHOLDS,
        checks=_HELD_OUT_CHECKS,
        max_memory_mb=2048,
        show_progress=show_progress,
    )
    return {hit.key for hit in found.hits}


def _write_config(
    config: str, parts: tuple[Part, ...], splits: Path, folder: Path, overlapping: set[str], statistics: Statistics
) -> None:
    """Put the parts of a configuration together, split by split."""
    columns = COLUMNS_OF[config]
    schema = pa.schema([(column, pa.string()) for column in columns])
    for split in ("train", "dev", "test"):
        files = [
            (part, file)
            for part in parts
            for place in ("train", "held_out")
            if part.config == config and (file := splits / place / f"{part.name}.{split}.parquet").is_file()
        ]
        if not any(pq.read_metadata(file).num_rows for _, file in files):
            continue
        folder.mkdir(exist_ok=True)
        with RowGroups(folder / f"{split}.parquet", schema) as writer:
            for part, file in files:
                table = pq.read_table(file)
                if split == "train" and overlapping:
                    kept = pc.invert(pc.is_in(table["id"], pa.array(sorted(overlapping), pa.string())))
                    statistics.refuse(part, table.filter(pc.invert(kept))["source"], "held_out")
                    table = table.filter(kept)
                statistics.count(config, split, table)
                if config == "text":
                    table = table.drop(["query"]).rename_columns({"passage": "text"})
                writer.write(table.select(list(columns)))


def _report(options: MixOptions, fresh: Path, statistics: Statistics) -> dict[str, Any]:
    files = sorted({f"{part.file}.parquet" for part in options.parts})
    report = {
        "licences": options.licences,
        "languages": list(options.languages),
        "against": sorted(options.against),
        "inputs": {name: file_digest(options.source / name) for name in files},
        **statistics.as_dict(),
        "outputs": {
            path.relative_to(fresh).as_posix(): {"sha256": file_digest(path), "bytes": path.stat().st_size}
            for path in sorted(fresh.rglob("*.parquet"))
        },
    }
    if options.against:
        found = json.loads((fresh / "decontamination.json").read_text(encoding="utf-8"))
        report["decontamination"] = {name: found[name] for name in ("thresholds", "against", "hits")}
    return report
