"""Belebele (facebook/belebele, CC BY-SA 4.0): 900 questions about 488 passages in 122 language variants, all parallel.

The data's own task is multiple choice. For retrieval a question is a query and the passages are the candidates; the
options are not used. A passage is known by its ``link``, a question by ``link`` and ``question_number``, in every
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.downloads import benchmark_folder
from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag
from hf_hybrid.text_files import json_lines

HOW_TO_GET = (
    "pass --hub_id facebook/belebele, or run `hf download facebook/belebele --repo-type dataset --include "
    "'data/*.jsonl' --local-dir DIR` and pass --data_dir DIR"
)
FIELDS = {"link": str, "question_number": (int, str), "flores_passage": str, "question": str}
# FLORES-200 names the leading variety of a macrolanguage by its own code; in BCP-47 the macrolanguage's code stands
# for it.
_LEADING = {
    "als": "sq",
    "arb": "ar",
    "azj": "az",
    "fuv": "ff",
    "gaz": "om",
    "khk": "mn",
    "lvs": "lv",
    "npi": "ne",
    "ory": "or",
    "pbt": "ps",
    "pes": "fa",
    "plt": "mg",
    "swh": "sw",
    "uzn": "uz",
    "zsm": "ms",
}


def load_belebele(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Load Belebele from a folder or a dataset repository in the layout of facebook/belebele.

    Args:
        data_dir: folder with ``<FLORES code>.jsonl`` (or ``.parquet``) files, or with a folder ``data`` that has them.
        hub_id: dataset repository in that layout: facebook/belebele.
        revision: its revision.
        languages: FLORES codes (``deu_Latn``) or BCP-47 tags (``de``); by default all that are there.

    Raises:
        InputError: no data named, a language that is not there, a damaged row; names the file and the line.

    Example:
        >>> load_belebele("belebele", languages=["de", "th", "swh_Latn"]).describe()["queries"]  # doctest: +SKIP
        2700
    """
    patterns = ["data/*.jsonl"]
    if languages and all("_" in language for language in languages):
        patterns = [f"data/{language}.jsonl" for language in languages]
    folder = benchmark_folder("belebele", HOW_TO_GET, data_dir, hub_id, revision, patterns)
    files = _chosen_files(_files_by_tag(folder), languages, folder)
    return _assemble(files)


def bcp47(flores_code: str) -> str:
    """BCP-47 tag of a FLORES-200 code, without the script where the language has a usual one.

    Example:
        >>> [bcp47(code) for code in ("deu_Latn", "zho_Hans", "arb_Arab", "arb_Latn", "kor_Hang")]
        ['de', 'zh-Hans', 'ar', 'ar-Latn', 'ko']
    """
    import langcodes

    language, _, script = flores_code.partition("_")
    language = _LEADING.get(language, language)
    # FLORES says Hangul, the registry the mixed script Kore.
    script = "" if (language, script) == ("kor", "Hang") else script
    return langcodes.standardize_tag(f"{language}-{script}" if script else language)


def _files_by_tag(folder: Path) -> dict[str, Path]:
    place = folder / "data" if (folder / "data").is_dir() else folder
    files = sorted(path for path in place.iterdir() if path.suffix in (".jsonl", ".parquet") and "_" in path.stem)
    if not files:
        raise InputError(f"{place} has no <FLORES code>.jsonl: {HOW_TO_GET}")
    by_tag: dict[str, Path] = {}
    for path in files:
        # A copy of the repository converted to Parquet calls its files test-00000-of-00001 below folders of languages;
        # we take flat ones.
        try:
            tag = bcp47(path.stem)
        except ValueError:
            raise InputError(f"{path}: its name is no FLORES code such as deu_Latn; rename or remove it") from None
        if tag in by_tag:
            raise InputError(f"{path} and {by_tag[tag].name} are both of language {tag}: keep one of them")
        by_tag[tag] = path
    return by_tag


def _chosen_files(by_tag: dict[str, Path], languages: Sequence[str] | None, folder: Path) -> dict[str, Path]:
    if not languages:
        return by_tag
    by_name = {path.stem: tag for tag, path in by_tag.items()}
    chosen = {}
    for language in languages:
        tag = by_name.get(language) or _tag_of(language)
        if tag not in by_tag:
            raise InputError(f"{folder} has no file for language {language!r}: it has {', '.join(by_tag)}")
        chosen[tag] = by_tag[tag]
    return dict(sorted(chosen.items()))


def _tag_of(language: str) -> str:
    """Canonical tag of a language that may be named by its FLORES code; what is neither stays as it is."""
    try:
        return bcp47(language) if re.fullmatch("[a-z]{3}_[A-Z][a-z]{3}", str(language)) else canonical_tag(language)
    except ValueError:
        return language


def _assemble(files: dict[str, Path]) -> Benchmark:
    candidate_ids: list[str] = []
    candidates: list[str] = []
    candidate_languages: list[int] = []
    of_link: dict[str, list[int]] = {}
    asked: list[tuple[int, str, str, str]] = []
    for language, (tag, path) in enumerate(files.items()):
        texts: dict[str, str] = {}
        for where, row in _rows(path):
            link, passage = row["link"], row["flores_passage"]
            if link not in texts:
                texts[link] = passage
                of_link.setdefault(link, []).append(len(candidates))
                candidate_ids.append(f"{tag}:{link}")
                candidates.append(passage)
                candidate_languages.append(language)
            elif texts[link] != passage:
                raise InputError(f"{where}: another passage for link {link!r} than before; mend one of the two")
            asked.append((language, f"{tag}:{link}#{row['question_number']}", row["question"], link))
    links = {link: number for number, link in enumerate(of_link)}
    questions = {identifier.split(":", 1)[1]: None for _, identifier, _, _ in asked}
    examples = {name: number for number, name in enumerate(questions)}
    relevant = [of_link[link] for *_, link in asked]
    return Benchmark(
        name="belebele",
        languages=tuple(files),
        query_ids=[identifier for _, identifier, _, _ in asked],
        queries=[text for _, _, text, _ in asked],
        query_languages=np.array([language for language, *_ in asked]),
        query_examples=np.array([examples[identifier.split(":", 1)[1]] for _, identifier, _, _ in asked]),
        candidate_ids=candidate_ids,
        candidates=candidates,
        candidate_languages=np.array(candidate_languages),
        relevance_offsets=np.concatenate([[0], np.cumsum([len(found) for found in relevant])]),
        relevance_candidates=np.concatenate(relevant),
        clusters=np.array([links[link] for *_, link in asked]),
    )


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(where, row)``."""
    if path.suffix == ".parquet":
        from hf_hybrid.data.tables import open_parquet

        with open_parquet(path) as parquet:
            rows = enumerate(parquet.read().to_pylist(), start=1)
    else:
        rows = json_lines(path)
    for number, row in rows:
        where = f"{path}, line {number}"
        for name, kind in FIELDS.items():
            if not isinstance(row.get(name), kind):
                raise InputError(f"{where}: field {name!r} is missing or of the wrong type: {HOW_TO_GET}")
        yield where, row
