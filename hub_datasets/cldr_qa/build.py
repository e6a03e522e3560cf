"""Build the CLDR QA data set: parallel questions and passages in many languages, from Unicode CLDR and own templates.

Run ``python hub_datasets/cldr_qa/build.py --force`` from the repository root to rewrite ``data/*.parquet`` and the
tables in ``README.md``. The same Babel and PyArrow versions give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import re
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import babel
import pyarrow as pa
import pyarrow.parquet as pq
from babel.core import get_global
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the sibling modules, whether this file is run or imported

from cldr_names import Names  # noqa: E402
from cldr_relations import Fact, all_facts  # noqa: E402

logger = logging.getLogger("cldr_qa")

BABEL_VERSION = "2.18.0"
CLDR_VERSION = "47"
LANGUAGES = tuple(sorted(path.stem for path in (HERE / "templates").glob("*.toml")))
SPLITS = ("train", "dev", "test")
SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "lang", "query", "passage", "passage_id", "source")])
# A passage that fewer languages can render is left out: the point of the set is that it is parallel.
MIN_LANGUAGES = 14
# Clusters with more questions than this go to train, so that one large country does not make up a tenth of dev or
# test.
MAX_HELD_OUT = 60
SHOWN_EXAMPLE = "currency_of_territory/JP/name"
SHOWN_LANGUAGES = ("en", "ar", "de", "hi", "ja", "ru", "sw", "tr", "zh")
_VERBATIM = {"code", "oldcode", "sym"}

Row = dict[str, str]
Templates = dict[str, dict[str, dict[str, Any]]]


def load_templates() -> Templates:
    """All template files: language -> relation -> question kind or "passage" -> phrasings."""
    return {tag: tomllib.loads((HERE / "templates" / f"{tag}.toml").read_text("utf-8")) for tag in LANGUAGES}


def choice(key: str, count: int) -> int:
    """A number below ``count`` that depends on ``key`` alone, the same in every language and on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % count


def capitalise(text: str, language: str) -> str:
    """Upper-case the first letter, with the Turkish dotted i.

    Example:
        >>> capitalise("iki", "tr")
        'İki'
    """
    first = "İ" if language == "tr" and text[:1] == "i" else text[:1].upper()
    return first + text[1:] if len(first) == 1 else text


def choose_particles(text: str) -> str:
    """Replace "은(는)", "을(를)", "(으)로" by the form that the preceding Korean syllable calls for.

    Example:
        >>> choose_particles("일본은(는) 쿠바을(를) 서울(으)로")
        '일본은 쿠바를 서울로'
    """

    def pick(match: re.Match[str]) -> str:
        final = (ord(match[1]) - 0xAC00) % 28  # 0: no final consonant, 8: ㄹ
        if match[3] == "(으)로":
            return match[1] + match[2] + ("로" if final in (0, 8) else "으로")
        return match[1] + match[2] + (match[3][0] if final else match[3][2])

    return re.sub(r"([가-힣])([’)]*)(은\(는\)|을\(를\)|\(으\)로)", pick, text)


def fill(template: str, fields: dict[str, str], language: str) -> str:
    """Put the fields into a template; a field that begins a sentence is capitalised."""
    pieces, end = [], 0
    for match in re.finditer(r"\{(\w+)\}", template):
        pieces.append(template[end : match.start()])
        name, value = match.group(1), fields[match.group(1)]
        if name not in _VERBATIM and re.search(r"(^|[.!?] )$", template[: match.start()]):
            value = capitalise(value, language)
        pieces.append(value)
        end = match.end()
    text = "".join(pieces) + template[end:]
    if language == "ko":
        text = choose_particles(text)
    if language == "th":
        text = re.sub(r"\)(?=[\u0e00-\u0e7f])", ") ", text)
    return re.sub(r"\.\.(?=$| )", ".", text)  # an abbreviation's full stop also ends the sentence


def render(fact: Fact, names: Names, templates: dict[str, dict[str, Any]]) -> list[Row]:
    """All rows of one fact in one language; none if CLDR lacks a name."""
    table = templates[fact.relation]
    fields = {key: value for key, value in fact.fields(names).items() if value}
    kinds = [kind for kind in table if kind not in ("passage", "symbol") or isinstance(table[kind], list)]
    kinds.remove("passage")
    phrasing = table["passage"][choice(fact.passage_id, len(table["passage"]))]
    needed = set(re.findall(r"\{(\w+)\}", " ".join([phrasing, *(q for kind in kinds for q in table[kind])])))
    if not needed <= fields.keys():
        return []
    passage = fill(phrasing, fields, names.language)
    if isinstance(table.get("symbol"), str) and "sym" in fields:
        space = "" if names.language in ("zh", "ja") else " "
        passage += space + fill(table["symbol"], fields, names.language)
    rows = []
    for kind in kinds:
        example = f"{fact.passage_id}/{kind}"
        query = fill(table[kind][choice(example, len(table[kind]))], fields, names.language)
        values = (example, names.language, query, passage, fact.passage_id, fact.relation)
        rows.append(dict(zip(SCHEMA.names, values, strict=True)))
    return rows


def drop_ambiguous(rows: list[Row]) -> list[Row]:
    """Remove renditions of one language whose passage or question text belongs to more than one passage."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        for column in ("query", "passage"):
            owners[column, row[column].casefold()].add(row["passage_id"])
    return [row for row in rows if all(len(owners[c, row[c].casefold()]) == 1 for c in ("query", "passage"))]


def split_of_clusters(sizes: dict[str, int]) -> dict[str, str]:
    """Assign every cluster of entities to a split by the hash of its name, about 80/10/10; large clusters to train."""
    splits = {}
    for cluster in sorted(sizes):
        ticket = choice("split:" + cluster, 1000)
        held_out = "dev" if ticket < 110 else "test" if ticket < 220 else "train"
        splits[cluster] = held_out if sizes[cluster] <= MAX_HELD_OUT else "train"
    return splits


def build_rows() -> tuple[dict[str, list[Row]], dict[str, str]]:
    """Render everything.

    Returns:
        The rows of each split, sorted by (lang, id), and the cluster of every passage.
    """
    templates = load_templates()
    facts = all_facts({tag: table["quantity"] for tag, table in templates.items()})
    cluster_of = {fact.passage_id: fact.cluster for fact in facts}
    rows: list[Row] = []
    for tag in tqdm(LANGUAGES, desc="languages", disable=None):
        names = Names(tag)
        rows += drop_ambiguous([row for fact in facts for row in render(fact, names, templates[tag])])
    languages_of = Counter(row["id"] for row in rows)
    rows = [row for row in rows if languages_of[row["id"]] >= MIN_LANGUAGES]
    examples = {row["id"]: cluster_of[row["passage_id"]] for row in rows}
    splits = split_of_clusters(Counter(examples.values()))
    result: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for row in sorted(rows, key=lambda row: (row["lang"], row["source"], row["id"])):
        result[splits[cluster_of[row["passage_id"]]]].append(row)
    return result, cluster_of


def write_parquet(rows: list[Row], path: Path) -> str:
    """Write rows with fixed settings under a temporary name, rename, and return the file's sha256."""
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    temporary = path.with_name(path.name + ".tmp")
    pq.write_table(
        table,
        temporary,
        compression="zstd",
        compression_level=19,
        use_dictionary=["lang", "passage", "passage_id", "source"],
        row_group_size=1 << 17,
        data_page_size=1 << 22,
        dictionary_pagesize_limit=1 << 25,
        version="2.6",
        store_schema=False,
    )
    os.replace(temporary, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _table(head: list[str], body: list[list[Any]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "\n".join(
        "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in line) + " |" for line in lines
    )


def card_block(splits: dict[str, list[Row]], digests: dict[str, str]) -> str:
    """The counts and checksums that stand between the markers of README.md."""
    ids = {split: {row["id"]: row["source"] for row in rows} for split, rows in splits.items()}
    passages = {split: {row["passage_id"] for row in rows} for split, rows in splits.items()}
    rows_of = {split: Counter(row["lang"] for row in rows) for split, rows in splits.items()}
    total = sum(len(ids[split]) for split in SPLITS)
    full = Counter(Counter(row["id"] for rows in splits.values() for row in rows).values())[len(LANGUAGES)]
    per_split = [[s, len(splits[s]), len(ids[s]), len(passages[s])] for s in SPLITS]
    per_split.append(["all", *(sum(int(line[i]) for line in per_split) for i in (1, 2, 3))])
    sources = {split: Counter(ids[split].values()) for split in SPLITS}
    names = sorted({source for counts in sources.values() for source in counts})
    per_source = [[f"`{n}`", *(sources[s][n] for s in SPLITS), sum(sources[s][n] for s in SPLITS)] for n in names]
    per_language = [
        [f"`{tag}`", *(rows_of[s][tag] for s in SPLITS), f"{sum(rows_of[s][tag] for s in SPLITS) / total:.1%}"]
        for tag in LANGUAGES
    ]
    versions = f"Babel {babel.__version__}, Unicode CLDR {get_global('cldr')['version']}, PyArrow {pa.__version__}"
    return "\n\n".join(
        [
            f"{len(LANGUAGES)} languages, {total:,} examples, of which {full:,} ({full / total:.1%}) in all "
            "languages.",
            _table(["split", "rows", "examples", "passages"], per_split),
            "Examples per relation:",
            _table(["source", *SPLITS, "all"], per_source),
            "Rows per language, and the share of all examples that the language has:",
            _table(["lang", *SPLITS, "presence"], per_language),
            f"Built with {versions}. SHA-256:",
            "```text\n" + "\n".join(f"{digests[s]}  data/{s}.parquet" for s in SPLITS) + "\n```",
        ]
    )


def example_block(splits: dict[str, list[Row]]) -> str:
    """One example in several languages, for the top of README.md."""
    shown = {row["lang"]: row for rows in splits.values() for row in rows if row["id"] == SHOWN_EXAMPLE}
    lines = [[f"`{tag}`", shown[tag]["query"], shown[tag]["passage"]] for tag in SHOWN_LANGUAGES if tag in shown]
    return _table(["lang", "query", "passage"], lines).replace("---:", "---")


def build_digest(digests: dict[str, str]) -> str:
    """Sixteen hexadecimal digits that stand for the content of all splits."""
    return hashlib.sha256(" ".join(digests[split] for split in SPLITS).encode()).hexdigest()[:16]


def update_card(path: Path, blocks: dict[str, str], digests: dict[str, str]) -> None:
    """Replace the marked blocks of the dataset card and the digest in its front matter.

    Args:
        path: the card.
        blocks: the new text by the block's name, as in ``<!-- build.py: counts -->`` ... ``<!-- end: counts -->``.
        digests: sha256 of each split. The library `datasets` names its cache of a local folder after the card's
            configs, not after the files: without this line it would go on serving the previous build.
    """
    text = path.read_text("utf-8")
    text = re.sub(r"(?m)^(    description: build ).*$", lambda m: m[1] + build_digest(digests), text, count=1)
    for name, block in blocks.items():
        pattern = rf"(<!-- build.py: {name} -->\n).*?(<!-- end: {name} -->)"
        text, count = re.subn(pattern, lambda m, b=block: f"{m[1]}\n{b}\n\n{m[2]}", text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{path}: expected one block marked {name!r}, found {count}; restore the markers")
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)


def main(argv: list[str] | None = None) -> None:
    """Command line: build the three splits and, for the default output, refresh the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "data", metavar="DIR", help="default: %(default)s")
    parser.add_argument("--force", action="store_true", help="replace existing Parquet files")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    found = (babel.__version__, str(get_global("cldr")["version"]))
    if found != (BABEL_VERSION, CLDR_VERSION):
        logger.warning(
            "installed Babel %s (CLDR %s) is not the recorded Babel %s (CLDR %s): the text may differ",
            *(*found, BABEL_VERSION, CLDR_VERSION),
        )
    paths = {split: arguments.output / f"{split}.parquet" for split in SPLITS}
    existing = [str(path) for path in paths.values() if path.exists()]
    if existing and not arguments.force:
        parser.exit(2, f"{existing[0]} exists: pass --force to replace it, or another --output\n")
    arguments.output.mkdir(parents=True, exist_ok=True)
    splits, _ = build_rows()
    digests = {split: write_parquet(splits[split], paths[split]) for split in SPLITS}
    for split in SPLITS:
        logger.info("%s: %d rows, sha256 %s", paths[split], len(splits[split]), digests[split])
    if arguments.output.resolve() == HERE / "data":
        blocks = {"examples": example_block(splits), "counts": card_block(splits, digests)}
        update_card(HERE / "README.md", blocks, digests)


if __name__ == "__main__":
    main()
