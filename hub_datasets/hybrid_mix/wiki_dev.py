"""Development sets near XQuAD-R, made of the mix: two folders for `hf-hybrid evaluate --benchmark local`.

    python hub_datasets/hybrid_mix/wiki_dev.py hybrid_mix --output wiki_dev
    hf-hybrid evaluate MODEL --benchmark local --data_dir wiki_dev/parallel
    hf-hybrid evaluate MODEL --benchmark local --data_dir wiki_dev/questions

`parallel`: parallel sentences (PUD: Wikipedia and news, in `align`) are the candidates, in every language, in one
pool. A query is a part of a sentence, cut at the same relative place in every language; it is to find the whole
sentence in all of them. It gives Mo, Cr, Mul, rank distance and the share of the query's language among the top.
Training must leave this source out, as `qa_parallel.py` does.

`questions`: questions that people asked about passages of Wikipedia (the development split of `qa_long`), in the
languages that have them. As in XQuAD-R the candidates are the sentences of all these passages, of which the one with
the answer is relevant; the parallel sentences of the other folder are in the pool, too. It gives Mo and Mul; no
question has an answer in another language, so that its own language fills the top of a fair list.

Both depend on the mix and the options alone: no random numbers, no order of rows.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from mix.built import DEVELOPED_ON, LANGUAGES, check_built
from mix.cleaning import MAX_PASSAGE, SPACE, split_sentences, stable_fraction

from hf_hybrid.errors import run_command
from hf_hybrid.output_files import new_directory

# Sets of questions with whole passages of Wikipedia. nqg is left out: its passages are single sentences in lower case.
WIKIPEDIA_SOURCES = ("afriqa", "arcd", "cmrc2018", "drcd", "enelpi", "iapp_wiki", "qed", "selqa")
# Written in other characters, and read by the same people.
COUNTS_AS = {"zh-Hant": "zh"}
# Languages written without spaces: there a text may be cut between any two characters.
_UNSPACED = frozenset({"th", "zh", "zh-Hant", "ja"})
# Thai vowels that stand after their consonant, and marks that follow a word: no part begins with one.
_NEVER_FIRST = frozenset("ะาำๅๆฯ")
# A shorter part of a sentence says too little; a Chinese character says as much as two or three letters.
_LEAST_PART = {"zh": 8, "zh-Hant": 8, "ja": 10}
_LEAST_LETTERS = 20
_MARKS_AT_ENDS = re.compile(r"^[^\w]+|[^\w]+$")


@dataclass
class Folder:
    """A benchmark in the layout of `hf_hybrid.benchmarks.local`."""

    corpus: list[dict[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    relevant: list[tuple[str, str]] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the three files, making the folder."""
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        for name, rows in (("corpus", self.corpus), ("queries", self.queries)):
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        lines = ["query-id\tcorpus-id\tscore\n", *(f"{query}\t{passage}\t1\n" for query, passage in self.relevant)]
        (folder / "qrels" / "test.tsv").write_text("".join(lines), encoding="utf-8")


def part_of(text: str, lang: str, place: float, share: float) -> str | None:
    """A contiguous part of a sentence.

    Args:
        text: the sentence.
        lang: its language; where it has spaces, words stay whole.
        place: where the part begins, 0 for the earliest place and 1 for the latest.
        share: its length as a share of the sentence's.

    Returns:
        The part without punctuation at its ends, or None where the sentence is too short for one that says something.

    Example:
        >>> part_of("Dust storms usually start in desert margins where fine material lies.", "en", 0.5, 0.4)
        'in desert margins where'
    """
    start = round(place * (1 - share) * len(text))
    stop = round(start + share * len(text))
    if lang in _UNSPACED:
        start, stop = (_next(text, at, _can_be_first) for at in (start, stop))
    else:
        start = 0 if start == 0 else _next(text, start - 1, str.isspace)
        stop = _next(text, stop, str.isspace)
    part = _MARKS_AT_ENDS.sub("", text[start:stop])
    enough = _LEAST_PART.get(lang, _LEAST_LETTERS)
    return part if sum(map(str.isalnum, part)) >= enough and len(part) <= 0.75 * len(text) else None


def _can_be_first(character: str) -> bool:
    """Whether a text may be cut before it: vowel signs and tone marks stay with their letter."""
    return not unicodedata.category(character).startswith("M") and character not in _NEVER_FIRST


def _next(text: str, at: int, wanted: Callable[[str], bool]) -> int:
    """The first place from `at` on whose character is wanted, else the end."""
    return next((place for place in range(at, len(text)) if wanted(text[place])), len(text))


def parallel_folder(
    sentences: Mapping[str, Mapping[str, str]], languages: Sequence[str], share: float, most: int | None = None
) -> Folder:
    """The folder `parallel`.

    Args:
        sentences: id -> language -> sentence.
        languages: a sentence takes part where it exists in all of these.
        share: length of a query as a share of its sentence's.
        most: at most so many sentences are candidates, those of lowest hash: few are among those of many.
    """
    folder = Folder()
    whole = [name for name, texts in sentences.items() if all(lang in texts for lang in languages)]
    for name in sorted(whole, key=stable_fraction)[:most]:
        texts = sentences[name]
        folder.corpus += [{"_id": f"{lang}:{name}", "lang": lang, "text": texts[lang]} for lang in languages]
        place = stable_fraction(f"part of {name}")
        parts = {lang: part_of(texts[lang], lang, place, share) for lang in languages}
        if None in parts.values():
            continue
        for lang, part in parts.items():
            # Sentences of one document are not independent: the id of PUD begins with it.
            row = {"_id": f"{lang}:{name}?", "lang": lang, "text": part, "example": name, "cluster": name[:-3]}
            folder.queries.append(row)
            folder.relevant += [(row["_id"], f"{other}:{name}") for other in languages]
    return folder


@dataclass(frozen=True)
class Answered:
    """A question, the sentence that answers it, the passage with the sentence, and its article where that is known."""

    id: str
    lang: str
    question: str
    sentence: str
    passage: str
    article: str | None


def questions_folder(answered: Iterable[Answered], foils: Folder, per_language: int) -> Folder:
    """The folder `questions`.

    Args:
        answered: the questions.
        foils: their candidates are put into the pool.
        per_language: at most so many questions of a language, those of lowest hash.
    """
    folder = Folder(corpus=list(foils.corpus))
    asked: dict[str, int] = {}
    known: dict[tuple[str, str], str] = {(row["lang"], row["text"]): row["_id"] for row in foils.corpus}
    for one in sorted(answered, key=lambda one: stable_fraction(one.id)):
        if asked.get(one.lang, 0) == per_language:
            continue
        texts = [SPACE.sub(" ", one.passage[a:b]).strip() for a, b in split_sentences(one.passage, one.lang)]
        found = next((place for place, text in enumerate(texts) if one.sentence in text or text in one.sentence), None)
        if found is None:
            continue
        # The sentence as it was cut for training, where it was too long.
        texts[found] = one.sentence
        asked[one.lang] = asked.get(one.lang, 0) + 1
        for number, text in enumerate(texts):
            name = known.setdefault((one.lang, text[:MAX_PASSAGE]), f"{one.lang}:{one.id}#{number}")
            if name == f"{one.lang}:{one.id}#{number}":
                folder.corpus.append({"_id": name, "lang": one.lang, "text": text[:MAX_PASSAGE]})
            if number == found:
                answer = name
        query = f"{one.lang}:{one.id}"
        # Questions about one article are not independent.
        cluster = f"{one.lang}:{one.article}" if one.article else answer
        folder.queries.append({"_id": query, "lang": one.lang, "text": one.question, "cluster": cluster})
        folder.relevant.append((query, answer))
    return folder


def read_sentences(mix: Path) -> dict[str, dict[str, str]]:
    """The parallel sentences of `align`: id -> language -> text."""
    found: dict[str, dict[str, str]] = {}
    for split in ("train", "dev"):
        table = pq.read_table(mix / "align" / f"{split}.parquet", columns=["id", "lang", "passage", "source"])
        for row in table.filter(pc.equal(table["source"], DEVELOPED_ON)).to_pylist():
            found.setdefault(row["id"], {})[COUNTS_AS.get(row["lang"], row["lang"])] = row["passage"]
    return found


def read_answered(mix: Path) -> list[Answered]:
    """The development questions whose answering sentence (`qa`) and whole passage (`qa_long`) are both known."""
    columns = ["id", "lang", "query", "passage", "source", "title"]
    rows = {config: pq.read_table(mix / config / "dev.parquet", columns=columns) for config in ("qa", "qa_long")}
    wanted = pc.is_in(rows["qa_long"]["source"], pa.array(WIKIPEDIA_SOURCES))
    sentences = {(row["id"], row["lang"]): row["passage"] for row in rows["qa"].to_pylist()}
    found = []
    for row in rows["qa_long"].filter(wanted).to_pylist():
        lang, sentence = COUNTS_AS.get(row["lang"], row["lang"]), sentences.get((row["id"], row["lang"]))
        if lang in LANGUAGES and sentence and row["query"] and row["passage"]:
            found.append(Answered(row["id"], lang, row["query"], sentence, row["passage"], row["title"]))
    return found


def main() -> int:
    """Write the folders."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("mix", type=Path, help="the folder that build.py made")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="write both folders into this one")
    parser.add_argument("--share", type=float, default=0.4, help="length of a query as a share of its sentence's")
    parser.add_argument("--most_sentences", type=int, metavar="N", help="take at most N parallel sentences")
    parser.add_argument("--questions_per_language", type=int, default=200, metavar="N", help="ask at most N questions")
    parser.add_argument("--overwrite", action="store_true", help="replace a folder that is there")
    args = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    check_built(args.mix, "align/dev.parquet", "qa/dev.parquet", "qa_long/dev.parquet")
    sentences = read_sentences(args.mix)
    present = {lang for texts in sentences.values() for lang in texts}
    parallel = parallel_folder(sentences, [x for x in LANGUAGES if x in present], args.share, args.most_sentences)
    questions = questions_folder(read_answered(args.mix), parallel, args.questions_per_language)
    with new_directory(args.output, args.overwrite) as fresh:
        for name, folder in (("parallel", parallel), ("questions", questions)):
            folder.write(fresh / name)
            size = f"{len(folder.corpus):,} candidates, {len(folder.queries):,} queries"
            sys.stdout.write(f"{args.output / name}: {size}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
