"""Vectors of a teacher for the texts of one language, in one file: a second target of training.

    vectors             float16 [texts, d], unit vectors of the distinct texts
    query, passage      int32 [examples], the text's row in `vectors`; -1 where the example has no such text in the
                        language
    id_bytes, id_ends   the examples' ids, UTF-8 end to end, int64 [examples]
    metadata            JSON under `teacher`: `TeacherSettings`

All translations of a text have the same target, the vector of the text in the teacher's language: multilingual
distillation (Reimers & Gurevych, 2020, https://huggingface.co/papers/2004.09813), here with the cosine (module
`losses.teacher`).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from hf_hybrid.data.pairs import TEXT_COLUMNS, ParallelPairs
from hf_hybrid.encoders.prompts import resolve_prompt
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.output_files import check_output, file_digest, whole_file
from hf_hybrid.retrieval.compute_dtype import compute_dtype_of
from hf_hybrid.retrieval.encode_corpus import encode_corpus
from hf_hybrid.retrieval.encode_sources import TextCorpus
from hf_hybrid.retrieval.provenance import model_sha256

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SCHEMA_VERSION = 1
# Vectors that an interrupted run loses at most.
ROWS_PER_SHARD = 4096


@dataclass(frozen=True)
class TeacherSettings:
    """What the vectors are of.

    Attributes:
        model, revision: The teacher, as the user named it.
        weights_sha256: Digest of its weights: a name says little.
        language: Language of the texts.
        data_sha256: `ParallelPairs.sha256` of the renditions in this language.
        dimension: Of the vectors.
        compute_dtype: What the teacher computed in; always float32 before there was a choice.
    """

    model: str
    revision: str | None
    weights_sha256: str
    language: str
    data_sha256: str
    dimension: int
    compute_dtype: str = "float32"


@dataclass(frozen=True)
class TeacherVectors:
    """A file of teacher vectors, memory-mapped. Made by `TeacherVectors.open`.

    Attributes:
        path, sha256: The file and its digest.
        settings: What the vectors are of.
        ids: Ids of the examples.
        rows: For `query` and `passage` int32 `[examples]`, rows of `vectors` or -1.
        vectors: float16 `[texts, d]`.
    """

    path: Path
    sha256: str
    settings: TeacherSettings
    ids: pa.Array
    rows: dict[str, np.ndarray]
    vectors: torch.Tensor

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> TeacherVectors:
        """Read a file that `write_teacher_vectors` made.

        Raises:
            InputError: There is no such file, or it is another or damaged.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise InputError(f"teacher_vectors: no file {path}; make it with `hf-hybrid teacher-vectors`")
        try:
            with safe_open(path, framework="pt") as file:
                content = json.loads((file.metadata() or {})["teacher"])
                tensors = {name: file.get_tensor(name) for name in ("vectors", *TEXT_COLUMNS, "id_bytes", "id_ends")}
            version = content.pop("schema_version")
            settings = TeacherSettings(**content)
        except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"teacher_vectors: {path} cannot be read ({first_line(error)}); make it again with `hf-hybrid "
                "teacher-vectors`"
            ) from error
        if version != SCHEMA_VERSION:
            raise InputError(f"teacher_vectors: {path} has schema {version}, not {SCHEMA_VERSION}; make it again")
        rows = {side: tensors[side].numpy() for side in TEXT_COLUMNS}
        ids = _strings(tensors["id_bytes"].numpy(), tensors["id_ends"].numpy())
        return cls(path, file_digest(path), settings, ids, rows, tensors["vectors"])


def write_teacher_vectors(
    model: SentenceTransformer,
    pairs: ParallelPairs,
    output: str | os.PathLike[str],
    *,
    model_name: str,
    revision: str | None = None,
    language: str = "en",
    batch_size: int = 128,
    overwrite: bool = False,
    show_progress: bool = False,
) -> TeacherVectors:
    """Embed the queries and passages of one language and write them to a file, whole or not at all.

    What an interrupted call has embedded is kept in a folder beside the file, and the next call goes on from there.

    Args:
        model: The teacher, on its device.
        pairs: The renditions to train on, in any languages.
        output: The file.
        model_name, revision: Kept in the file.
        language: Whose texts are embedded.
        batch_size: Texts of 512 tokens that a batch may hold; of shorter texts it holds more.
        overwrite: Replace an existing file.
        show_progress: Show a progress bar.

    Raises:
        InputError: The file exists, the data does not have the language, or several processes were started.

    Example:
        >>> write_teacher_vectors(teacher, pairs, "teacher.safetensors", model_name="teacher")    # doctest: +SKIP
    """
    output = Path(output).expanduser()
    check_output(output, overwrite)
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise InputError("teacher-vectors: writes one file from one process; start it without a launcher")
    chosen = pairs.select_languages([language])
    (language,) = chosen.languages
    texts, rows = _distinct_texts(model, chosen)
    parts = []
    for kind, part in texts.items():
        corpus = TextCorpus([str(number) for number in range(len(part))], part)
        folder = _scratch(output, kind)
        shards = encode_corpus(
            model,
            corpus,
            folder,
            model_name=model_name,
            revision=revision,
            kind=kind,
            dtype="float16",
            rows_per_shard=ROWS_PER_SHARD,
            batch_size=batch_size,
            show_progress=show_progress,
            similarity="cosine",
        )
        parts += [vectors.half() for _, vectors in shards.blocks(ROWS_PER_SHARD)]
    settings = TeacherSettings(
        model_name,
        revision,
        model_sha256(model),
        language,
        chosen.sha256,
        model.get_embedding_dimension(),
        compute_dtype_of(model),
    )
    _write(output, settings, chosen.example_ids, rows, torch.cat(parts))
    for kind in texts:
        shutil.rmtree(_scratch(output, kind))
    return TeacherVectors.open(output)


def _distinct_texts(
    model: SentenceTransformer, pairs: ParallelPairs
) -> tuple[dict[str, list[str]], dict[str, np.ndarray]]:
    """Texts to embed, by the kind that they are embedded as, and each side's rows among all of them."""
    kinds = _kinds(model)
    texts: dict[str, dict[str, int]] = {kind: {} for kind in dict.fromkeys(kinds.values())}
    of_side = {}
    for side, matrix in (("query", pairs.query_row), ("passage", pairs.passage_row)):
        index = texts[kinds[side]]
        strings = pairs.dataset.select_columns(side)[:][side]
        found = [index.setdefault(strings[row], len(index)) if row >= 0 else -1 for row in matrix[:, 0].tolist()]
        of_side[side] = np.array(found, dtype=np.int32)
    first = dict(zip(texts, np.cumsum([0, *map(len, texts.values())])[:-1].tolist(), strict=True))
    rows = {side: np.where(own >= 0, own + first[kinds[side]], -1).astype(np.int32) for side, own in of_side.items()}
    return {kind: list(index) for kind, index in texts.items() if index}, rows


def _kinds(model: SentenceTransformer) -> dict[str, str]:
    """As what each side's texts are embedded; as one kind where that makes no difference, so that a text is embedded
    once.
    """
    from sentence_transformers.base.modules import Router

    same = resolve_prompt(model, "query") == resolve_prompt(model, "passage")
    routed = any(isinstance(module, Router) for module in model)
    return {"query": "passage" if same and not routed else "query", "passage": "passage"}


def _scratch(output: Path, kind: str) -> Path:
    return output.with_name(f".{output.name}.{kind}")


def _write(
    output: Path, settings: TeacherSettings, ids: list[str], rows: dict[str, np.ndarray], vectors: torch.Tensor
) -> None:
    encoded = [identifier.encode() for identifier in ids]
    tensors = {
        "vectors": vectors.contiguous(),
        **{side: torch.from_numpy(own) for side, own in rows.items()},
        "id_bytes": torch.from_numpy(np.frombuffer(b"".join(encoded), dtype=np.uint8).copy()),
        "id_ends": torch.from_numpy(np.cumsum([len(one) for one in encoded], dtype=np.int64)),
    }
    metadata = {"teacher": json.dumps({"schema_version": SCHEMA_VERSION, **asdict(settings)})}
    with whole_file(output) as fresh:
        save_file(tensors, fresh, metadata)


def _strings(content: np.ndarray, ends: np.ndarray) -> pa.Array:
    """Strings from their bytes end to end, without a copy of each."""
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(content))]
    return pa.Array.from_buffers(pa.large_string(), len(ends), buffers)


def position_of_ids(wanted: pa.Array, ids: pa.Array) -> np.ndarray:
    """int64 `[wanted]`: where each id is among `ids`, -1 where it is not.

    Example:
        >>> position_of_ids(pa.array(["b", "x"]), pa.array(["a", "b"])).tolist()
        [1, -1]
    """
    found = pc.index_in(wanted.cast(pa.large_string()), value_set=ids.cast(pa.large_string()))
    return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
