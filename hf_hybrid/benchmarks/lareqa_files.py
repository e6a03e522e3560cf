"""Where the files of LAReQA's benchmarks are: ``<language>.json`` in a folder or a dataset repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .downloads import benchmark_folder


@dataclass(frozen=True)
class LareqaSource:
    """One of LAReQA's benchmarks.

    Attributes:
        name: of the benchmark here.
        title: what its authors call it.
        folder: name of its folder in LAReQA's repository.
        languages: all of its languages.
        how_to_get: where its files come from; the end of every error message.
    """

    name: str
    title: str
    folder: str
    languages: tuple[str, ...]
    how_to_get: str

    def files(
        self,
        data_dir: str | Path | None,
        hub_id: str | None,
        revision: str | None,
        languages: Sequence[str] | None,
    ) -> dict[str, Path]:
        """Language tag -> file, for the wanted languages.

        Raises:
            InputError: no data named, a missing file, an unknown language.
        """
        wanted = tuple(languages) if languages else self.languages
        patterns = [f"{folder}{tag}.json" for folder in ("", f"{self.folder}/") for tag in self.languages]
        for tag in wanted:
            if tag not in self.languages:
                raise InputError(f"{self.title} has no language {tag!r}: choose among {', '.join(self.languages)}")
        folder = benchmark_folder(self.name, self.how_to_get, data_dir, hub_id, revision, patterns)
        if hub_id and (folder / self.folder).is_dir():
            folder = folder / self.folder
        files = {tag: folder / f"{tag}.json" for tag in wanted}
        missing = [path.name for path in files.values() if not path.is_file()]
        if missing:
            raise InputError(f"{folder} lacks {', '.join(missing)}: {self.how_to_get}")
        return files
