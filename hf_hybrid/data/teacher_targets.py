"""`TeacherTargets`: which texts of a batch have a teacher's vector as their target, and which vector."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.data.teacher_vectors import TeacherVectors, position_of_ids
from hf_hybrid.errors import InputError
from hf_hybrid.plan.types import GlobalBatch

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchTargets:
    """Targets of a rank's rows of a global batch.

    Attributes:
        texts: int64 `[k]`, the texts that have a target, counted through the rank's queries and then its passages.
        vectors: float16 `[k, d]`, unit vectors.
        global_count: Texts with a target in the whole global batch, which every rank knows from the plan.
    """

    texts: np.ndarray
    vectors: torch.Tensor
    global_count: int


class TeacherTargets:
    """A teacher's vectors for the examples of a training set.

    Args:
        teacher: The file of vectors.
        pairs: The renditions that are trained on. A text in any language has its example's vector as target.
        dimension: Of the student's vectors.

    Raises:
        InputError: The dimensions differ, or the vectors are of other data.
    """

    def __init__(self, teacher: TeacherVectors, pairs: ParallelPairs, dimension: int):
        own = teacher.settings
        if own.dimension != dimension:
            raise InputError(
                f"teacher_vectors: {teacher.path.name} has {own.dimension} dimensions, the encoder {dimension}; train "
                f"an encoder of {own.dimension} dimensions or take another teacher"
            )
        _check_data(teacher, pairs)
        position = position_of_ids(pa.array(pairs.example_ids, pa.large_string()), teacher.ids)
        self._vectors = teacher.vectors
        # A row of -1 behind the others, which is where the position -1 points.
        self._rows = {side: np.append(rows, -1)[position].astype(np.int64) for side, rows in teacher.rows.items()}
        _check_complete(self._rows, teacher, pairs)
        covered = sum(int((rows >= 0).sum()) for rows in self._rows.values())
        if not covered:
            raise InputError(
                f"teacher_vectors: {teacher.path.name} has no vector for any example of {pairs.name}; make it of this "
                "data with `hf-hybrid teacher-vectors`"
            )
        logger.info("Teacher %s: targets for %.1f %% of the examples' sides", own.model, 50 * covered / len(position))

    def take(self, rows: GlobalBatch, whole: GlobalBatch) -> BatchTargets:
        """Targets of `rows`, a rank's slice of the batch `whole`."""
        of_text = self._of(rows)
        texts = np.flatnonzero(of_text >= 0)
        vectors = self._vectors[torch.from_numpy(of_text[texts])]
        return BatchTargets(texts, vectors, int((self._of(whole) >= 0).sum()))

    def _of(self, batch: GlobalBatch) -> np.ndarray:
        """Row of the target of every query and then of every passage, or -1."""
        return np.concatenate([self._rows[side][batch.examples] for side in ("query", "passage")])


def _check_data(teacher: TeacherVectors, pairs: ParallelPairs) -> None:
    own = teacher.settings
    if own.language not in pairs.languages:
        logger.warning(
            "teacher_vectors: %s has no renditions in '%s', so it cannot be told whether the vectors are of this data",
            pairs.name,
            own.language,
        )
        return
    found = pairs.select_languages([own.language]).sha256
    if found != own.data_sha256:
        raise InputError(
            f"teacher_vectors: {teacher.path.name} is of other data (sha256 of the renditions in '{own.language}' is "
            f"{own.data_sha256[:12]}... there, {found[:12]}... in {pairs.name}); make it of this data with "
            "`hf-hybrid teacher-vectors`"
        )


def _check_complete(rows: dict[str, np.ndarray], teacher: TeacherVectors, pairs: ParallelPairs) -> None:
    """Every text in the teacher's language has a vector."""
    if teacher.settings.language not in pairs.languages:
        return
    column = pairs.languages.index(teacher.settings.language)
    for side, matrix in (("query", pairs.query_row), ("passage", pairs.passage_row)):
        missing = np.flatnonzero((matrix[:, column] >= 0) & (rows[side] < 0))
        if len(missing):
            raise InputError(
                f"teacher_vectors: {teacher.path.name} lacks the {side} of {len(missing)} examples, the first is "
                f"{pairs.example_ids[missing[0]]!r}; make it again with `hf-hybrid teacher-vectors`"
            )
