"""The typed parts of a results file. What a part does not know is kept, and so is the order of what was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints

Matrix = list[list[float | None]]


@dataclass(frozen=True)
class Part:
    """An object of a results file.

    Attributes:
        further: fields that the class does not name.
        keys: the fields that were read, in their order; empty for a part that was made here.
    """

    further: dict[str, Any] = field(default_factory=dict, kw_only=True)
    keys: tuple[str, ...] = field(default=(), kw_only=True, repr=False, compare=False)
    # field -> class of its value, or of the values of its dictionary
    _parts: ClassVar[dict[str, type[Part]]] = {}
    _parts_by_name: ClassVar[dict[str, type[Part]]] = {}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The part of a JSON object.

        Example:
            >>> Model.from_json({"name": "m", "revision": None, "size": 3}).to_json()
            {'name': 'm', 'revision': None, 'size': 3}
        """
        known = {one.name for one in fields(cls)} - {"further", "keys"}
        values = {name: _read(cls, name, content[name]) for name in known if name in content}
        further = {name: value for name, value in content.items() if name not in known}
        return cls(**values, further=further, keys=tuple(content))

    def to_json(self) -> dict[str, Any]:
        """The JSON object: what was read in its order, then what has been added; a field that is new to a file that
        was read is left out where it has no value."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("further", "keys")}
        values = {**own, **self.further}
        added = [name for name in values if name not in self.keys and not (self.keys and values[name] is None)]
        return {name: _written(values[name]) for name in (*self.keys, *added) if name in values}


def misfit(cls: type[Part], content: Any, place: str = "") -> str | None:
    """What of a JSON object is not of the type that the part declares, in words; None where all is.

    Example:
        >>> misfit(Model, {"name": "m", "revision": 3})
        "field 'revision' must be str, got int"
    """
    if not isinstance(content, dict):
        return f"field {place!r} must be dict, got {type(content).__name__}"
    for name, kinds in _kinds(cls).items():
        if name not in content:
            if name in _required(cls):
                return f"field {f'{place}.{name}'.lstrip('.')!r} is missing"
            continue
        value, where = content[name], f"{place}.{name}".lstrip(".")
        # bool is an int to Python, and to nobody else.
        if isinstance(value, bool) or not isinstance(value, kinds):
            return f"field {where!r} must be {kinds[0].__name__}, got {type(value).__name__}"
        if value is not None and name in cls._parts:
            if found := misfit(cls._parts[name], value, where):
                return found
        for key, one in value.items() if value is not None and name in cls._parts_by_name else ():
            if found := misfit(cls._parts_by_name[name], one, f"{where}.{key}"):
                return found
    return None


@cache
def _required(cls: type[Part]) -> frozenset[str]:
    """Fields without which there is no such part."""
    return frozenset(one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING)


@cache
def _kinds(cls: type[Part]) -> dict[str, tuple[type, ...]]:
    """Field -> the JSON types that it may have, of the outermost level of its declaration."""
    declared = {name: hint for name, hint in get_type_hints(cls).items() if not name.startswith("_")}
    found = {}
    for name in {one.name for one in fields(cls)} - {"further", "keys"}:
        hint = declared[name]
        choices = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        kinds = [get_origin(choice) or choice for choice in choices]
        kinds = [dict if isinstance(kind, type) and issubclass(kind, Part) else kind for kind in kinds]
        found[name] = (*kinds, int) if float in kinds else tuple(kinds)
    return found


def _read(cls: type[Part], name: str, value: Any) -> Any:
    if value is not None and name in cls._parts:
        return cls._parts[name].from_json(value)
    if value is not None and name in cls._parts_by_name:
        return {key: cls._parts_by_name[name].from_json(one) for key, one in value.items()}
    return value


def _written(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_json()
    if isinstance(value, dict) and any(isinstance(one, Part) for one in value.values()):
        return {key: _written(one) for key, one in value.items()}
    return value


@dataclass(frozen=True)
class Model(Part):
    """The model as the user named it, and the revision that was loaded, where it has one."""

    name: str
    revision: str | None = None


@dataclass(frozen=True)
class BenchmarkFacts(Part):
    """What was searched.

    Attributes:
        name: of the benchmark.
        languages: the L tags, the order of everything by language.
        data_sha256: of its texts and judgements.
        queries: their number.
        candidates: their number.
        queries_per_language: L numbers.
        candidates_per_language: L numbers.
        settings: how it was read.
    """

    name: str
    languages: list[str]
    data_sha256: str
    queries: int
    candidates: int
    queries_per_language: list[int] | None = None
    candidates_per_language: list[int] | None = None
    settings: dict[str, Any] | None = None


@dataclass(frozen=True)
class MeasureSettings(Part):
    """How it was measured.

    Attributes:
        k: cutoff of the measures; a corpus has fixed ones.
        ties: rule for equal scores.
        batch_size: texts of 512 tokens encoded at once.
        query_prompt: put before every query.
        passage_prompt: put before every candidate.
        max_seq_length: longest input in tokens, None where there is no limit.
        dimension: of the vectors.
        similarity: by which they were compared; None in files from before there was a choice, where it is the cosine.
        compute_dtype: what the encoder computed in; None in files from before there was a choice, where it is float32.
    """

    k: int | None = None
    ties: str | None = None
    batch_size: int | None = None
    query_prompt: str | None = None
    passage_prompt: str | None = None
    max_seq_length: int | None = None
    dimension: int | None = None
    similarity: str | None = None
    compute_dtype: str | None = None


@dataclass(frozen=True)
class MeasureCells(Part):
    """A measure: L x L, query language by candidate language, and L in the pool of all languages."""

    cells: Matrix
    pool: list[float | None]


@dataclass(frozen=True)
class TopLanguages(Part):
    """Mean share of each language among the top k: L x L, by query language. Empty for a corpus."""

    k: int | None = None
    top: Matrix | None = None


@dataclass(frozen=True)
class BiasCells(Part):
    """The other measures of language bias: three matrices L x L, PEER, and Friedman's test by language."""

    one_target: Matrix | None = None
    mlrs: Matrix | None = None
    mean_ranks: Matrix | None = None
    peer: dict[str, Any] | None = None
    friedman: dict[str, Any] | None = None


@dataclass(frozen=True)
class Hardware(Part):
    """What the seconds were measured on."""

    machine: str | None = None
    cpus: int | None = None
    accelerator: str | None = None


@dataclass(frozen=True)
class Reading(Part):
    """A reader behind the model: which one, what it was asked, and how long it took."""

    reader: dict[str, Any]
    settings: dict[str, Any]
    answers_sha256: str
    pairs: int | None = None
    seconds: dict[str, float] | None = None


@dataclass(frozen=True)
class QueryFile(Part):
    """The table of values per query beside the results file."""

    file: str | None = None
    sha256: str | None = None
