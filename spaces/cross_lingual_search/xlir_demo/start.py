"""What is done once, before the page is up: find checkpoints and data, embed the pool, read the measured numbers."""

from __future__ import annotations

import logging
from pathlib import Path

from hf_hybrid.errors import InputError

from .answers import Answers
from .checkpoints import HYBRID, NAMES, find_dataset, find_model, load_encode, on_a_space
from .corpora import CorpusStore
from .languages import guess_language
from .page_views import PageViews
from .pool import read_world_facts
from .published import read_published

logger = logging.getLogger(__name__)


def load_page_views(models: Path | None = None) -> PageViews:
    """Load everything that the page shows.

    Args:
        models: folder that holds the checkpoints by their names.

    Raises:
        InputError: a checkpoint or the data cannot be had.
    """
    pool, facts = read_world_facts(find_dataset())
    folders = find_models(models)
    answers = Answers(pool, facts, {name: load_encode(folder) for name, folder in folders.items()})
    # The identifier reads its tables with the first text: not while somebody waits.
    guess_language("Which language is this?")
    return PageViews(answers, read_published(folders), CorpusStore())


def find_models(models: Path | None = None) -> dict[str, Path]:
    """Folders of the checkpoints that are to be had.

    An installed package brings the hybrid one alone, which is enough to search with. On a Space all are pinned, and
    none may be missing.

    Raises:
        InputError: the hybrid one, or on a Space any one, is missing.
    """
    folders = {}
    for name in NAMES:
        try:
            folders[name] = find_model(name, models)
        except InputError as error:
            if name == HYBRID or on_a_space():
                raise
            logger.warning("The page goes without %s: %s", name, error)
    return folders
