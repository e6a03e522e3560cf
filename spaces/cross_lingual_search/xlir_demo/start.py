"""What is done once, before the page is up: find checkpoints and data, embed the pool, read the measured numbers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .answers import Answers
from .checkpoints import find_dataset, find_models, load_encode, title_of, usual_pair, weights_digest
from .corpus_store import CorpusStore
from .examples import FILE, Measured, choose, read_measured
from .languages import guess_language
from .measuring import Figures, figures, outcomes
from .page_views import PageViews
from .pool import Facts, Pool, read_world_facts
from .published import read_published
from .searching import Encode
from .vectors import SHIPPED, VectorCache, cache_folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """Checkpoints in memory, with the pool embedded by each.

    Attributes:
        pool: the passages.
        facts: the questions.
        folders: name of a checkpoint -> its folder.
        digests: name -> digest of its weights.
        encoders: name -> its encoder.
        passages: name -> vectors of the pool.
        cache: where further vectors come from.
    """

    pool: Pool
    facts: Facts
    folders: Mapping[str, Path]
    digests: Mapping[str, str]
    encoders: Mapping[str, Encode]
    passages: Mapping[str, np.ndarray]
    cache: VectorCache

    def question_vectors(self, name: str) -> np.ndarray:
        """Vectors of all built-in questions, in the order of `Facts.asked`; made where they are not kept yet."""
        words = [one.words for one in self.facts.asked]
        return self.cache.vectors(self.encoders[name], words, "query", self.digests[name], title_of(name))


def load_checkpoints(models: Path | None = None, cache: VectorCache | None = None) -> Loaded:
    """Load data and checkpoints, and embed the pool with each, as far as that has not been done before.

    Args:
        models: folder that holds the checkpoints by their names.
        cache: of vectors; by default those that travel with the page and those of earlier starts.

    Raises:
        InputError: a checkpoint or the data cannot be had.
    """
    pool, facts = read_world_facts(find_dataset())
    cache = cache or VectorCache(cache_folder(), [SHIPPED])
    folders = find_models(models)
    digests = {name: weights_digest(folder) for name, folder in folders.items()}
    encoders = {name: load_encode(folder) for name, folder in folders.items()}
    passages = {
        name: cache.vectors(encode, list(pool.texts), "passage", digests[name], title_of(name))
        for name, encode in encoders.items()
    }
    return Loaded(pool, facts, folders, digests, encoders, passages, cache)


def data_digest(pool: Pool, facts: Facts) -> str:
    """sha256 of passages and questions, which figures and examples depend on."""
    texts = [*pool.texts, *pool.languages, *(one.words for one in facts.asked)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def measure(loaded: Loaded, file: Path | None = FILE) -> tuple[Measured, dict[str, np.ndarray]]:
    """Figures of every checkpoint and examples of the usual pair: from the file where it is about these checkpoints,
    made where not.

    Args:
        loaded: the checkpoints.
        file: that `prepare.py` has written; None for making everything anew.

    Returns:
        What was measured, and the vectors of the built-in questions of those checkpoints that needed them.
    """
    pair = usual_pair(list(loaded.encoders))
    known = Measured({}, pair, ())
    if file is not None:
        known = read_measured(file, loaded.digests, data_digest(loaded.pool, loaded.facts), pair)
    asked = loaded.facts.asked
    vectors: dict[str, np.ndarray] = {}
    found = {}
    for name in loaded.encoders:
        if name not in known.figures or (name in pair and not known.examples):
            vectors[name] = loaded.question_vectors(name)
            found[name] = outcomes(loaded.pool, asked, loaded.passages[name], vectors[name])
    made: dict[str, Figures] = {name: figures(loaded.pool, asked, one) for name, one in found.items()}
    examples = known.examples or tuple(choose(asked, found[pair[0]], found[pair[1]]))
    return Measured({**known.figures, **made}, pair, examples), vectors


def load_page_views(models: Path | None = None, cache: VectorCache | None = None) -> PageViews:
    """Load everything that the page shows.

    Args:
        models: folder that holds the checkpoints by their names.
        cache: of vectors, see `load_checkpoints`.

    Raises:
        InputError: a checkpoint or the data cannot be had.
    """
    loaded = load_checkpoints(models, cache)
    measured, vectors = measure(loaded)
    words = [one.words for one in loaded.facts.asked]
    known = {name: dict(zip(words, found, strict=True)) for name, found in vectors.items()}
    answers = Answers(loaded.pool, loaded.facts, loaded.encoders, loaded.passages, known, measured.figures)
    # The identifier reads its tables with the first text: not while somebody waits.
    guess_language("Which language is this?")
    return PageViews(answers, read_published(loaded.folders), CorpusStore(), measured)
