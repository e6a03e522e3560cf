"""Section on parallel sentences: how often the nearest one in another language is the translation."""

from __future__ import annotations

from hf_hybrid.publishing.cards.folder_files import BITEXT, FolderFiles
from hf_hybrid.publishing.cards.sourced_tables import Cell, tied_table

TITLES = {"tatoeba": "Tatoeba", "ntrex": "NTREX"}


def bitext_section(name: str, files: FolderFiles) -> str:
    """Mean accuracy of the model, and of others measured on the same sentences.

    Args:
        name: Of the model.
        files: With ``bitext``, and ``bitext_of_others`` where there are any.
    """
    own = files.named.get(BITEXT)
    if own is None:
        return ""
    rows: list[list[Cell]] = [
        [f"`{shown}`", *(source.figure(kind, "mean", factor=100, decimals=1) for kind in TITLES)]
        for shown, source in {name: own, **files.bitext_of_others}.items()
        if all(source.content[kind]["data_sha256"] == own.content[kind]["data_sha256"] for kind in TITLES)
    ]
    return "\n\n".join(
        [
            "### Parallel sentences",
            "How often the nearest sentence of another language is the translation, in percent, mean over ordered "
            "pairs of languages: Tatoeba, everyday sentences with English on one side; NTREX, news, every pair. Both "
            "sides are read as questions.",
            tied_table(["", *TITLES.values()], rows),
        ]
    )
