"""What a reader said of passages, kept for the next retriever: most of what two retrievers find is the same."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import whole_file
from hf_hybrid.reading.reader import ReadingSettings
from hf_hybrid.reading.spans import Span

if TYPE_CHECKING:
    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.reading.reader import Reader

logger = logging.getLogger(__name__)

_SCHEMA = pa.schema(
    [
        ("query", pa.int64()),
        ("candidate", pa.int64()),
        ("text", pa.string()),  # null where the passage has no span
        ("start", pa.int64()),
        ("score", pa.float64()),
        ("null", pa.float64()),
    ]
)


class KeptSpans:
    """The best spans of pairs of a benchmark, in files that several processes may add to.

    Files lie in a folder named by the digest of the reader's weights and precision, the benchmark's data and the
    settings, so that other ones are never taken for these. A file is written whole and never changed.

    Args:
        folder: of all readings.
        reader: what reads.
        benchmark: whose queries and candidates.
        settings: how it reads.
    """

    def __init__(self, folder: str | Path, reader: Reader, benchmark: Benchmark, settings: ReadingSettings) -> None:
        facts = reader.describe()
        made_of = {
            "weights": facts["weights_sha256"],
            "dtype": facts["compute_dtype"],
            "data": benchmark.data_sha256,
            "windows": [settings.windows.max_length, settings.windows.stride],
            "max_answer_tokens": settings.max_answer_tokens,
        }
        self._folder = Path(folder) / hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]

    def load(self) -> dict[tuple[int, int], Span | None]:
        """(query, candidate) -> the best span of what was read before; None where the passage has none.

        A damaged file is left out with a warning: its passages are read again.
        """
        found: dict[tuple[int, int], Span | None] = {}
        for file in sorted(self._folder.glob("*.parquet")):
            try:
                columns = pq.read_table(file, schema=_SCHEMA).to_pydict()
            except (OSError, pa.ArrowInvalid) as error:
                logger.warning("%s cannot be read and is left out: %s", file, " ".join(str(error).split())[:160])
                continue
            for query, candidate, text, *place in zip(*columns.values(), strict=True):
                found[query, candidate] = None if text is None else Span(text, *place)
        return found

    def add(self, spans: Mapping[tuple[int, int], Span | None]) -> None:
        """Keep spans, in a file of their own.

        Raises:
            InputError: they cannot be written.
        """
        rows = [
            (query, row, *((None,) * 4 if span is None else (span.text, span.start, span.score, span.null)))
            for (query, row), span in sorted(spans.items())
        ]
        name = hashlib.sha256(repr(rows).encode()).hexdigest()[:32]
        columns = dict(zip(_SCHEMA.names, zip(*rows, strict=True), strict=True))
        try:
            with whole_file(self._folder / f"{name}.parquet") as fresh:
                pq.write_table(pa.table(columns, schema=_SCHEMA), fresh)
        except OSError as error:
            raise InputError(
                f"--readings: cannot write below {self._folder.parent}: {error.strerror or error}"
            ) from error
