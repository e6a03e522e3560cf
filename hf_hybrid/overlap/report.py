"""What was compared and found, as JSON for programs and as Markdown for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hf_hybrid import __version__
from hf_hybrid.markdown import table
from hf_hybrid.overlap.comparable_text import SCALES
from hf_hybrid.overlap.index import Owner
from hf_hybrid.overlap.scan import Hit, Scan

_EXAMPLES = 5
MEANINGS = {
    "exact": "equal after NFKC, without case, accents, punctuation and white space",
    "ngram_13": "a run of 13 words in common (Brown et al., 2020, appendix C)",
    "whole_inside": "an evaluation text of 5 to 7 words is in it as a whole (Brown et al.: the whole of what is too "
    "short)",
    "ngram_8_share": "most of the 8-word runs of the shorter text in common (Chowdhery et al., 2022, section 8)",
    "near_duplicate": "most character n-grams in common (MinHash LSH, then the exact Jaccard similarity)",
    "title": "the title of an article of the evaluation",
}
_LIMITS = """\
Strings are compared, within and across languages alike. A translation has few strings in common with its \
source: **what was translated anew is not seen**, nor is a paraphrase, nor a passage on the same subject. \
Where the evaluation itself exists in a language, a text in that language is compared with it there. \
Simplified and traditional Chinese are different characters and are not matched with each other. Texts of \
fewer letters than the threshold are not compared, unless as titles."""


def build_report(
    scan: Scan, removed: Mapping[str, int] | None = None, candidates: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The report as JSON: the same input gives the same bytes.

    Args:
        scan: What was found.
        removed: Rows and examples that the filtered training set lacks, where one was written.
        candidates: What `candidates.find_candidates` found, where it ran.
    """
    report: dict[str, Any] = {
        "hf_hybrid": __version__,
        "thresholds": {name: getattr(scan.thresholds, name) for name in ("min_letters", "short_share", "similarity")},
        "checks": list(scan.checks),
        "scales": {
            name: {"long": s.long, "short": s.short, "least": s.least, "shingle": s.shingle}
            for name, s in SCALES.items()
        },
        "train": {
            "rows": scan.train_rows.total(),
            "rows_with_title": scan.train_titles,
            "by_source": _nested(scan.train_rows),
        },
        "against": _against(scan),
        "hits": {
            "texts": len(scan.hits),
            "examples": len({hit.key for hit in scan.hits}),
            "by_check": _counts((hit.check, hit.field) for hit in scan.hits),
            "by_language": _counts((hit.lang, hit.check) for hit in scan.hits),
            "by_source": _counts((hit.source, hit.check) for hit in scan.hits),
            "found_by": dict(sorted(Counter(check for hit in scan.hits for check in hit.checks).items())),
        },
    }
    if removed is not None:
        report["removed"] = dict(removed)
    report["list"] = [_record(hit) for hit in scan.hits]
    if candidates is not None:
        report["candidates"] = [dict(candidate) for candidate in candidates]
    return report


def _record(hit: Hit) -> dict[str, Any]:
    own = {"id": hit.key, "lang": hit.lang, "source": hit.source, "field": hit.field, "check": hit.check}
    against = {name: getattr(hit.against, name) for name in ("name", "key", "lang", "field")}
    return own | {"checks": list(hit.checks), "score": round(hit.score, 4), "against": against, "shared": hit.shared}


def _counts(pairs: Any) -> dict[str, dict[str, int]]:
    return _nested(Counter(pairs))


def _nested(counter: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = defaultdict(dict)
    for (outer, inner), count in sorted(counter.items()):
        table[outer][inner] = count
    return dict(table)


def _against(scan: Scan) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for (name, field, lang), count in sorted(scan.against_texts.items()):
        cell = {"texts": count, "hit": scan.against_hit[name, field, lang]}
        table.setdefault(name, {}).setdefault(field, {})[lang] = cell
    return table


def report_markdown(report: Mapping[str, Any]) -> str:
    """The report for people: what was compared, tables by check, language and source, examples, and what cannot be
    seen.
    """
    hits, train = report["hits"], report["train"]
    parts = [
        "# Decontamination",
        f"{train['rows']:,} training rows were compared with {', '.join(report['against'])}: **{hits['texts']:,} "
        "texts "
        f"of {hits['examples']:,} examples overlap**." + _removed_sentence(report),
        "## What was compared",
        _against_table(report["against"]),
        _title_sentence(report),
        "## What overlaps",
        _checks_table(report),
    ]
    if hits["texts"]:
        parts += [
            "By language of the training text:",
            _count_table("language", hits["by_language"], report["checks"]),
            "By source of the training text, with its rows:",
            _count_table("source", hits["by_source"], report["checks"], _source_rows(train["by_source"])),
            "### Examples",
            _examples(report["list"], report["checks"]),
        ]
    parts += ["## What this cannot see", _LIMITS]
    if "candidates" in report:
        parts += ["## Candidates across languages", _candidates(report["candidates"])]
    return "\n\n".join(parts) + "\n"


def _removed_sentence(report: Mapping[str, Any]) -> str:
    if "removed" not in report:
        return ""
    return f" The filtered set lacks {report['removed']['rows']:,} rows of {report['removed']['examples']:,} examples."


def _title_sentence(report: Mapping[str, Any]) -> str:
    rows = report["train"]["rows_with_title"]
    if not any("title" in fields for fields in report["against"].values()):
        return "Article titles were not compared: the evaluation has none."
    if not rows:
        return "Article titles were not compared: the training set has no column `title`."
    return f"Article titles were compared in the {rows:,} training rows that have one."


def _against_table(against: Mapping[str, Any]) -> str:
    rows = []
    for name, fields in against.items():
        for field, langs in fields.items():
            cells = list(langs.values())
            hit = sum(cell["hit"] for cell in cells)
            rows.append([name, field, len(cells), sum(cell["texts"] for cell in cells), hit])
    return table(["evaluation", "field", "languages", "texts", "of them overlapping"], rows)


def _checks_table(report: Mapping[str, Any]) -> str:
    by_check, found_by, thresholds = report["hits"]["by_check"], report["hits"]["found_by"], report["thresholds"]
    notes = {
        "exact": f"at least {thresholds['min_letters']:g} letters",
        "ngram_8_share": f"at least {thresholds['short_share']:.0%}",
        "near_duplicate": f"at least {thresholds['similarity']:g}",
    }
    rows = []
    for check in report["checks"]:
        cells = by_check.get(check, {})
        note = f"; {notes[check]}" if check in notes else ""
        own = [cells.get("query", 0), cells.get("passage", 0), cells.get("both", 0), cells.get("title", 0)]
        rows.append([f"`{check}`", MEANINGS[check] + note, *own, found_by.get(check, 0)])
    head = ["check", "texts overlap when", "queries", "passages", "query = passage", "titles", "found by it at all"]
    scales = ", ".join(
        f"{s['long']}, {s['short']} or {s['least']} characters ({name})"
        for name, s in report["scales"].items()
        if name != "words"
    )
    return (
        table(head, rows, left=2)
        + "\n\nA text is counted once, under the first check that found it; the last column counts every check. "
        "Where words are "
        f"not written apart, as many characters stand for 13, 8 or 5 words as these take on average: {scales}."
    )


def _count_table(
    what: str, counts: Mapping[str, Mapping[str, int]], checks: Sequence[str], rows_of: Mapping[str, int] | None = None
) -> str:
    head = [what, *([] if rows_of is None else ["rows"]), *(f"`{check}`" for check in checks), "all"]
    rows = []
    for name, cells in counts.items():
        before = [] if rows_of is None else [rows_of[name]]
        rows.append([name or "(none)", *before, *(cells.get(check, 0) for check in checks), sum(cells.values())])
    return table(head, rows)


def _source_rows(by_source: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {source: sum(langs.values()) for source, langs in by_source.items()}


def _examples(records: Sequence[Mapping[str, Any]], checks: Sequence[str]) -> str:
    rows = []
    for check in checks:
        of_check = sorted(
            (record for record in records if record["check"] == check), key=lambda r: (-r["score"], r["id"], r["lang"])
        )
        for record in of_check[:_EXAMPLES]:
            against = record["against"]
            rows.append(
                [
                    f"`{check}`",
                    f"{record['id']} ({record['lang']}, {record['field']})",
                    f"{against['name']}: {against['key']} ({against['lang']}, {against['field']})",
                    f"{record['score']:.3g}",
                    record["shared"],
                ]
            )
    return table(["check", "training text", "evaluation text", "score", "longest common run"], rows, left=3)


def _candidates(candidates: Sequence[Mapping[str, Any]]) -> str:
    note = (
        "Texts whose vector is close to that of an evaluation text in **another** language. These are candidates to "
        "look at, not proofs: nothing was removed because of them."
    )
    rows = [
        [f"{c['cosine']:.3f}", f"{c['id']} ({c['lang']}, {c['field']})", _owner(c["against"])] for c in candidates[:20]
    ]
    return f"{note} {len(candidates):,} were kept; the closest:\n\n" + table(
        ["cosine", "training text", "evaluation text"], rows
    )


def _owner(against: Mapping[str, str] | Owner) -> str:
    return f"{against['name']}: {against['key']} ({against['lang']}, {against['field']})"
