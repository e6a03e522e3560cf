"""Sections about what was measured with the released weights: languages, benchmarks, bias, limits, sizes and speed."""

from __future__ import annotations

from collections.abc import Sequence

from hf_hybrid.evaluation.figures import CARD, CARD_BIAS, CARD_LANGUAGES, MAIN, Column, columns, find_figure
from hf_hybrid.publishing.cards.folder_files import FolderFiles, ResultsSource
from hf_hybrid.publishing.cards.sourced_tables import Cell, Figure, Source, Tied, tied_table, tied_text
from hf_hybrid.publishing.cards.titles import benchmark_title, language_title, listed, title_of
from hf_hybrid.publishing.cards.training_sections import made_by

PICTURES = "pictures"
_WEAKEST = 3
_LONG_TABLE = 30


def picture_name(source: ResultsSource, picture: str) -> str:
    """The path of a picture of a results file, in the repository."""
    return f"{PICTURES}/{source.results.benchmark.name}_{picture}.png"


def has_matrix(source: ResultsSource) -> bool:
    """Whether there is something to draw for every pair of languages."""
    return "cr_map" in source.results.summary and "map" in source.results.measures


def pictured_bias(files: FolderFiles) -> ResultsSource | None:
    """The results whose language bias is drawn: the first that have any."""
    return next((one for one in files.results if "rank_distance" in one.results.summary and has_matrix(one)), None)


def columns_with_values(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> tuple[list[str], list[list[Cell]]]:
    """A table without the columns in which no row has anything."""
    kept = [number for number in range(len(head)) if any(row[number] is not None for row in rows)]
    return [head[number] for number in kept], [[row[number] for number in kept] for row in rows]


def languages_section(files: FolderFiles) -> str:
    """A table by language of the query, for every benchmark."""
    if not files.results:
        return "Nothing was measured by language."
    parts = [
        "By language of the question; mAP and shares in percent, see [Evaluation](#evaluation) for what they mean."
    ]
    for source in files.results:
        table = _languages_table(source)
        if len(source.results.benchmark.languages) > _LONG_TABLE:
            table = f"<details><summary>{title_of(source)}</summary>\n\n{table}\n\n</details>"
            parts.append(table)
        else:
            parts += [f"{title_of(source)}:", table]
    return "\n\n".join(parts)


def _languages_table(source: ResultsSource) -> str:
    shown = columns(CARD_LANGUAGES, _cutoff(source), by_language=True)
    if _of_corpora(source):
        shown += columns(CARD_LANGUAGES, by_language=True, corpora=True)
    rows: list[list[Cell]] = []
    for tag in source.results.per_language:
        values = [_shown(source, column, "per_language", tag) for column in shown]
        rows.append([language_title(tag), *values])
    return tied_table(*columns_with_values(["language", *(column.title for column in shown)], rows))


def evaluation_section(files: FolderFiles, with_pictures: bool = True) -> str:
    """One line for every benchmark, the matrices, and where the numbers are from."""
    if not files.results:
        return "This model was not evaluated yet."
    cutoff = _cutoff(files.results[0])
    shown = columns(CARD, cutoff)
    if any(map(_of_corpora, files.results)):
        shown += columns(CARD, corpora=True)
    rows: list[list[Cell]] = []
    measured = [*files.results, *files.in_context]
    for source in measured:
        values = [_shown(source, column, "summary") for column in shown]
        sizes = [source.figure("benchmark", key) for key in ("queries", "candidates")]
        rows.append([_measured_title(source, files), *sizes, *values])
    head = ["benchmark", "questions", "candidates", *(column.title for column in shown)]
    parts = [
        "mAP in percent, exact over the whole pool: **Mo**, question and answer in one language; **Cr**, mean over "
        "ordered pairs of two languages; **Mul**, one pool of all languages, where every translation of the answer "
        "is relevant.",
        tied_table(*columns_with_values(head, rows)),
    ]
    parts += [
        f"![mAP of every language pair on {title_of(source)}]({picture_name(source, 'map_matrix')})"
        for source in files.results
        if with_pictures and has_matrix(source)
    ]
    parts += [
        "Every number in this card is from a file beside it:",
        "\n".join(_provenance(source, files) for source in measured),
    ]
    return "\n\n".join(parts)


def _measured_title(source: ResultsSource, files: FolderFiles) -> str:
    return f"{title_of(source)}, sentences in their passage" if source in files.in_context else title_of(source)


def _provenance(source: ResultsSource, files: FolderFiles) -> str:
    results = source.results
    version = results.versions.get("hf_hybrid", "?")
    return (
        f"* [`{source.file}`]({source.file}): {_measured_title(source, files)}, "
        f"data with sha256 `{results.benchmark.data_sha256}`, "
        f"measured `{results.created[:10]}` with `hf_hybrid {version}`"
    )


def bias_section(files: FolderFiles, with_pictures: bool = True) -> str:
    """Language bias on every benchmark that has translations of one answer."""
    sources = [source for source in files.results if "rank_distance" in source.results.summary]
    if not sources:
        return ""
    rows: list[list[Cell]] = []
    for source in sources:
        shown = columns(CARD_BIAS, _cutoff(source))
        rows.append([title_of(source), *(_shown(source, column, "summary") for column in shown)])
    head = ["benchmark", *(column.title for column in columns(CARD_BIAS))]
    parts = [
        "### Language bias",
        "**Rank distance**: between the best and the worst placed translation of one answer, in the pool of all "
        "languages; mean, median and as a share of the pool. It falls when retrieval gets better, too. **Own language "
        "in the top**: how much of the top results is in the question's language, against that language's share of "
        "the pool.",
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
            if pair[0] in source.results.summary
        ),
        ("mo_ndcg_at_10", "their own language"),
    )
    values = {tag: found[key] for tag, found in source.results.per_language.items() if key in found}
    weakest = sorted(values, key=lambda tag: values[tag])[:_WEAKEST]
    figure = find_figure(key)
    figures = [_shown(source, figure.column(CARD), "per_language", tag) for tag in weakest]
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
                    *(_shown(variants, column, *at) for column in columns(CARD)),
                ]
            )
        head = ["variant", "dimensions", "precision", "weights, MB", "vector, bytes"]
        head += [column.title for column in columns(CARD)]
        parts += [
            f"mAP in percent on {benchmark_title(variants.content['benchmark'])}:",
            tied_table(*columns_with_values(head, rows)),
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


def _cutoff(source: ResultsSource) -> int:
    return source.results.settings.k or 10


def _shown(source: Source, column: Column, *place: str | int) -> Figure | None:
    """The value of a column at a place of a file."""
    return source.figure(*place, column.key, factor=column.factor, decimals=column.decimals)


def _of_corpora(source: ResultsSource) -> bool:
    """Whether nothing but the passages of each question's own language was searched."""
    return f"mo_{MAIN}" not in source.results.summary
