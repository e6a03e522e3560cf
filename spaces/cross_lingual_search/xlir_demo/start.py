"""What is done once, before the page is up: find checkpoints and data, embed the pool, read the measured numbers."""

from __future__ import annotations

from pathlib import Path

from .answers import Answers
from .checkpoints import NAMES, find_dataset, find_model, load_encode
from .corpora import CorpusStore
from .languages import guess_language
from .pool import read_world_facts
from .published import read_published
from .shown import Shown


def load_shown(models: Path | None = None) -> Shown:
    """Load everything that the page shows.

    Args:
        models: folder that holds the checkpoints by their names.

    Raises:
        InputError: a checkpoint or the data cannot be had.
    """
    pool, facts = read_world_facts(find_dataset())
    folders = {name: find_model(name, models) for name in NAMES}
    answers = Answers(pool, facts, {name: load_encode(folder) for name, folder in folders.items()})
    # The identifier reads its tables with the first text: not while somebody waits.
    guess_language("Which language is this?")
    return Shown(answers, read_published(folders), CorpusStore())
