"""Sections about what was measured with the released weights: languages, benchmarks, bias, limits, sizes and speed."""

from __future__ import annotations

from typing import Any

from hf_hybrid.publishing.cards.folder_files import FolderFiles
from hf_hybrid.publishing.cards.sourced_tables import Cell, Source, Tied, tied_table, tied_text
from hf_hybrid.publishing.cards.training_sections import made_by
from hf_hybrid.publishing.cards.wording import (
    COLUMNS,
    CORPUS_COLUMNS,
    benchmark_title,
    columns_with_values,
    language_title,
    listed,
    title_of,
)

PICTURES = "pictures"
_WEAKEST = 3
_LONG_TABLE = 30


def picture_name(source: Source, picture: str) -> str:
    """The path of a picture of a results file, in the repository."""
    return f"{PICTURES}/{source.content['benchmark']['name']}_{picture}.png"


def has_matrix(source: Source) -> bool:
    """Whether there is something to draw for every pair of languages."""
    return "cr_map" in source.content["summary"] and "map" in source.content["measures"]


def pictured_bias(files: FolderFiles) -> Source | None:
    """The results whose language bias is drawn: the first that have any."""
    return next((one for one in files.results if "rank_distance" in one.content["summary"] and has_matrix(one)), None)


def languages_section(files: FolderFiles) -> str:
    """A table by language of the query, for every benchmark."""
    if not files.results:
        return "Nothing was measured by language."
    parts = [
        "By language of the question; mAP and shares in percent, see [Evaluation](#evaluation) for what they mean."
    ]
    for source in files.results:
        table = _languages_table(source)
        if len(source.content["benchmark"]["languages"]) > _LONG_TABLE:
            table = f"<details><summary>{title_of(source)}</summary>\n\n{table}\n\n</details>"
            parts.append(table)
        else:
            parts += [f"{title_of(source)}:", table]
    return "\n\n".join(parts)


def _languages_table(source: Source) -> str:
    share = f"own language in top {_cutoff(source)}"
    bias = (("rank distance", "rank_distance", 1, 0), (share, "own_language_share", 100, 1))
    columns = (*COLUMNS, *bias, *(CORPUS_COLUMNS if "mo_map" not in source.content["summary"] else ()))
    rows: list[list[Cell]] = []
    for tag in source.content["per_language"]:
        values = [
            source.figure("per_language", tag, key, factor=factor, decimals=decimals)
            for _, key, factor, decimals in columns
        ]
        rows.append([language_title(tag), *values])
    return tied_table(*columns_with_values(["language", *(title for title, *_ in columns)], rows))


def evaluation_section(files: FolderFiles, with_pictures: bool = True) -> str:
    """One line for every benchmark, the matrices, and where the numbers are from."""
    if not files.results:
        return "This model was not evaluated yet."
    corpora = any("mo_map" not in source.content["summary"] for source in files.results)
    columns = (*COLUMNS, *CORPUS_COLUMNS) if corpora else COLUMNS
    rows: list[list[Cell]] = []
    for source in files.results:
        values = [
            source.figure("summary", key, factor=factor, decimals=decimals) for _, key, factor, decimals in columns
        ]
        sizes = [source.figure("benchmark", key) for key in ("queries", "candidates")]
        rows.append([title_of(source), *sizes, *values])
    head = ["benchmark", "questions", "candidates", *(title for title, *_ in columns)]
    parts = [
        "mAP in percent, exact over the whole pool: **Mo**, question and answer in one language; **Cr**, mean over ordered pairs of two "
        "languages; **Mul**, one pool of all languages, where every translation of the answer is relevant.",
        tied_table(*columns_with_values(head, rows)),
    ]
    parts += [
        f"![mAP of every language pair on {title_of(source)}]({picture_name(source, 'map_matrix')})"
        for source in files.results
        if with_pictures and has_matrix(source)
    ]
    parts += ["Every number in this card is from a file beside it:", "\n".join(map(_provenance, files.results))]
    return "\n\n".join(parts)


def _provenance(source: Source) -> str:
    content: dict[str, Any] = source.content
    version = content["versions"].get("hf_hybrid", "?")
    return (
        f"* [`{source.file}`]({source.file}): {title_of(source)}, data with sha256 `{content['benchmark']['data_sha256']}`, "
        f"measured `{content['created'][:10]}` with `hf_hybrid {version}`"
    )


def bias_section(files: FolderFiles, with_pictures: bool = True) -> str:
    """Language bias on every benchmark that has translations of one answer."""
    sources = [source for source in files.results if "rank_distance" in source.content["summary"]]
    if not sources:
        return ""
    rows: list[list[Cell]] = []
    for source in sources:
        k = _cutoff(source)
        rows.append(
            [
                title_of(source),
                source.figure("summary", "rank_distance", decimals=1),
                source.figure("summary", "rank_distance_median", decimals=1),
                source.figure("summary", "rank_distance_normalised", factor=100, decimals=1),
                source.figure("summary", f"own_language_share_at_{k}", factor=100, decimals=1),
                source.figure("summary", "own_language_share_of_pool", factor=100, decimals=1),
            ]
        )
    head = ["benchmark", "rank distance", "median", "% of the pool", "own language in the top, %", "of the pool, %"]
    parts = [
        "### Language bias",
        "**Rank distance**: between the best and the worst placed translation of one answer, in the pool of all languages; mean, median and as a "
        "share of the pool. It falls when retrieval gets better, too. **Own language in the top**: how much of the top results is in the "
        "question's language, against that language's share of the pool.",
        tied_table(*columns_with_values(head, rows)),
    ]
    drawn = pictured_bias(files)
    if with_pictures and drawn is not None:
        told = f"Share of the question's language among the top results on {title_of(drawn)}"
        parts.append(f"![{told}]({picture_name(drawn, 'language_bias')})")
    return "\n\n".join(parts)


def limits_section(files: FolderFiles) -> str:
    """The weakest languages, and what was not measured."""
    if not files.results:
        return ""
    source = files.results[0]
    key, what = next(
        (
            pair
            for pair in (("mul_map", "one pool of all languages"), ("mo_map", "their own language"))
            if pair[0] in source.content["summary"]
        ),
        ("mo_ndcg_at_10", "their own language"),
    )
    values = {tag: found[key] for tag, found in source.content["per_language"].items() if key in found}
    weakest = sorted(values, key=lambda tag: values[tag])[:_WEAKEST]
    figures = [source.figure("per_language", tag, key, factor=100, decimals=1) for tag in weakest]
    names = listed([f"{language_title(tag)} ({{}})" for tag in weakest])
    measure = "nDCG" if "ndcg" in key else "mAP"
    told = f"* **Weakest languages** on {title_of(source)}: questions in {names}, {measure} in percent over {what}."
    measured = listed(list(dict.fromkeys(map(title_of, files.results))))
    return (
        tied_text(Tied(told, tuple(figure for figure in figures if figure)))
        + f"\n\n* **Measured on {measured} only**: other languages, domains and lengths of text were not measured."
    )


def sizes_section(files: FolderFiles) -> str:
    """Sizes of variants of the weights and what they cost in mAP, and speed on a CPU."""
    variants, speed = files.named.get("variants"), files.named.get("speed")
    if variants is None and speed is None:
        return ""
    parts = ["## Sizes and speed"]
    if variants is not None:
        rows: list[list[Cell]] = []
        for number, entry in enumerate(variants.content["variants"]):
            at = ("variants", number)
            rows.append(
                [
                    entry["name"],
                    variants.figure(*at, "dimension"),
                    entry["precision"],
                    variants.figure(*at, "megabytes", decimals=1),
                    variants.figure(*at, "vector_bytes"),
                    *(variants.figure(*at, key, factor=factor, decimals=digits) for _, key, factor, digits in COLUMNS),
                ]
            )
        parts += [
            f"mAP in percent on {benchmark_title(variants.content['benchmark'])}:",
            tied_table(
                ["variant", "dimensions", "precision", "weights, MB", "vector, bytes", "Mo", "Cr", "Mul"], rows
            ),
        ]
    if speed is not None:
        rows = [
            [
                entry["what"],
                speed.figure("rows", number, "texts"),
                speed.figure("rows", number, "batch_size"),
                speed.figure("rows", number, "texts_per_second"),
                speed.figure("rows", number, "milliseconds", decimals=2),
            ]
            for number, entry in enumerate(speed.content["rows"])
        ]
        hardware = ", ".join(f"`{name}: {value}`" for name, value in speed.content["hardware"].items())
        parts += [
            f"Encoding on a CPU ({hardware}), measured by {made_by(speed.content)}:",
            tied_table(["texts", "number", "batch", "texts a second", "one text alone, ms"], rows),
        ]
    return "\n\n".join(parts)


def _cutoff(source: Source) -> int:
    return source.content["settings"].get("k", 10)
