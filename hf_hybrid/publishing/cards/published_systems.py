"""Section that sets the model's arms beside systems whose figures others have published.

``results/published.json`` holds these, by hand, each with where it is from::

    {"published_version": 1, "benchmark": "xquad_r",
     "systems": [{"name": "XLM-R base, hybrid batches", "million_parameters": 278, "mo_map": 0.798, "cr_map": 0.705,
                  "mul_map": 0.593, "rank_distance": 287, "source": "https://arxiv.org/abs/2408.10536"}]}

A figure that was not published is null.
"""

from __future__ import annotations

from hf_hybrid.evaluation.figures import ARMS, columns
from hf_hybrid.publishing.cards.encoder_facts import EncoderFacts
from hf_hybrid.publishing.cards.evaluation_sections import columns_with_values
from hf_hybrid.publishing.cards.folder_files import FolderFiles
from hf_hybrid.publishing.cards.sourced_tables import Cell, tied_table
from hf_hybrid.publishing.cards.titles import benchmark_title

FIGURES = ("mo_map", "cr_map", "mul_map", "rank_distance")


def published_section(facts: EncoderFacts, files: FolderFiles) -> str:
    """Every arm's mean over seeds, then the published systems, each with its number of parameters.

    Args:
        facts: Of the encoder; its arms have as many parameters.
        files: With ``published``, and the arms on the same benchmark where there are any.
    """
    source = files.named.get("published")
    if source is None:
        return ""
    arms = files.arms
    if arms is not None and arms.content["benchmark"]["name"] != source.content["benchmark"]:
        arms = None
    shown = [column for column in columns(ARMS, 10) if column.key in FIGURES]
    rows: list[list[Cell]] = []
    for arm in arms.content["arms"] if arms else ():
        means = [
            arms.figure("arms", arm, "figures", column.key, "mean", factor=column.factor, decimals=column.decimals)
            for column in shown
        ]
        rows.append([f"`{arm}`", f"`{facts.parameters / 1e6:.0f} M`", *means])
    for number, system in enumerate(source.content["systems"]):
        values = [
            source.figure("systems", number, column.key, factor=column.factor, decimals=column.decimals)
            for column in shown
        ]
        size = f"`{system['million_parameters']:g} M`"
        rows.append([f"[{system['name']}]({system['source']})", size, *values])
    head = ["", "parameters", *(column.title for column in shown)]
    return "\n\n".join(
        [
            "### Beside published systems",
            f"{benchmark_title(source.content['benchmark'])}: arms as means over seeds, the others as their authors "
            "give them, trained on other data; mAP in percent.",
            tied_table(*columns_with_values(head, rows)),
        ]
    )
