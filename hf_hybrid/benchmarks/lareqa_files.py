"""Where the files of LAReQA's benchmarks are: ``<language>.json``, or what ``hub_datasets/<name>/build.py`` makes of
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.downloads import benchmark_folder
from hf_hybrid.benchmarks.hub_layout import TABLES, read_layout
from hf_hybrid.benchmarks.lareqa import read_lareqa
from hf_hybrid.benchmarks.registry import benchmark_spec
from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import wanted_languages


@dataclass(frozen=True)
class LareqaSource:
    """One of LAReQA's benchmarks.

    Attributes:
        name: of the benchmark here.
        folder: name of its folder in LAReQA's repository.
        published: language -> (questions, candidate sentences), as published.
        how_to_get: where its files come from; the end of every error message.
    """

    name: str
    folder: str
    published: Mapping[str, tuple[int, int]]
    how_to_get: str

    @property
    def title(self) -> str:
        """What its authors call it."""
        return benchmark_spec(self.name).title

    @property
    def languages(self) -> tuple[str, ...]:
        """All of its languages."""
        return tuple(self.published)

    def load(
        self,
        data_dir: str | Path | None,
        hub_id: str | None,
        revision: str | None,
        languages: Sequence[str] | None,
        candidate_text: str,
    ) -> Benchmark:
        """Read the wanted languages from LAReQA's JSON files, or from the Parquet files of a folder that was built of
        them.

        Raises:
            InputError: no data named, a missing or damaged file, an unknown language.
        """
        wanted = tuple(wanted_languages(languages, "--languages") or self.languages)
        for tag in wanted:
            if tag not in self.languages:
                raise InputError(f"{self.title} has no language {tag!r}: choose among {', '.join(self.languages)}")
        patterns = [f"{folder}{tag}.json" for folder in ("", f"{self.folder}/") for tag in self.languages]
        patterns += [f"{table}/*.parquet" for table in TABLES]
        folder = benchmark_folder(self.name, self.how_to_get, data_dir, hub_id, revision, patterns)
        if hub_id and (folder / self.folder).is_dir():
            folder = folder / self.folder
        if (folder / "corpus").is_dir():
            return read_layout(self.name, folder, wanted, candidate_text)
        return read_lareqa(self.name, language_files(folder, wanted, self.how_to_get), candidate_text)

    def differences(self, counts: Mapping[str, tuple[int, int]]) -> list[str]:
        """Say where the numbers of questions and sentences of a language differ from the published ones."""
        return [
            f"{self.title}: {tag} has {queries} questions and {candidates} sentences instead of "
            f"{self.published[tag][0]} and {self.published[tag][1]}"
            for tag, (queries, candidates) in counts.items()
            if self.published[tag] != (queries, candidates)
        ]


def language_files(folder: Path, languages: Sequence[str], how_to_get: str) -> dict[str, Path]:
    """Language tag -> JSON file.

    Raises:
        InputError: a file is missing.
    """
    files = {tag: folder / f"{tag}.json" for tag in languages}
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}: {how_to_get}")
    return files
