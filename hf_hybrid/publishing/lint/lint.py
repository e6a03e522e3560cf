"""Check cards without a network: every rule, over one card or all cards of a project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.lint.card import README, Card, Finding, read_card
from hf_hybrid.publishing.lint.croissant import check_croissant
from hf_hybrid.publishing.lint.data_files import check_checksums, check_configs, check_counts
from hf_hybrid.publishing.lint.eval_results import check_eval_results
from hf_hybrid.publishing.lint.figures import check_figures
from hf_hybrid.publishing.lint.links import check_hub_names, check_links, check_owners
from hf_hybrid.publishing.lint.loading import check_loading
from hf_hybrid.publishing.lint.metadata import (
    check_fields,
    check_languages,
    check_licence,
    check_local_paths,
    check_sections,
    check_snippet,
    check_tasks,
)
from hf_hybrid.publishing.lint.pins import check_pins
from hf_hybrid.publishing.lint.project import Project, project_of, repositories_below
from hf_hybrid.publishing.lint.sources import check_sources
from hf_hybrid.publishing.lint.spaces import check_space


def lint_cards(
    paths: Sequence[str | Path],
    kind: str | None = None,
    built: bool = False,
    load: bool = True,
    croissant: bool = False,
) -> tuple[list[Path], list[Finding]]:
    """Check cards.

    Args:
        paths: cards, folders with one, or a project's folder: then all cards in its ``hub_datasets``, ``spaces`` and
            ``model_cards``.
        kind: of the repositories, where their folders and fields do not tell.
        built: data sets must have their files; else a folder that has none, but a ``build.py``, is checked without
            them. What a Space loads must be pinned.
        load: load every configuration with `datasets`.
        croissant: check Croissant metadata with `mlcroissant`.

    Returns:
        The cards, and what is wrong with them in the order of cards and lines.

    Raises:
        InputError: a path without a card; mlcroissant asked for and not installed.
    """
    found = list(dict.fromkeys(path for name in paths for path in card_paths(Path(name))))
    findings: list[Finding] = []
    cards: list[tuple[Card, Project]] = []
    for path in found:
        card = (
            read_card(path, kind)
            if path.is_file()
            else Finding(path, 1, "card", "the repository has no card: write one")
        )
        if isinstance(card, Finding):
            findings.append(card)
        else:
            cards.append((card, project_of(card.folder)))
            findings += _check(*cards[-1], built, load, croissant)
    findings += check_owners(cards)
    order = {path: number for number, path in enumerate(found)}
    return found, sorted(findings, key=lambda finding: (order.get(finding.path, len(order)), finding.line))


def lint_folder(folder: Path, kind: str) -> list[str]:
    """What is wrong with the card of a repository that is to be published: its data must be there.

    Args:
        folder: the repository.
        kind: ``model``, ``dataset`` or ``space``.

    Returns:
        One sentence for each finding.
    """
    _, findings = lint_cards([folder], kind, built=True)
    return [f"{finding.path.name}, line {finding.line}: {finding.message}" for finding in findings]


def card_paths(path: Path) -> list[Path]:
    """The cards that a path stands for.

    Raises:
        InputError: there are none.
    """
    if path.is_file():
        return [path]
    folders = repositories_below(path) if path.is_dir() else []
    if not folders:
        raise InputError(
            f"{path}: no card there; name a README.md, a folder with one, or a project with cards in its folders"
        )
    return [folder / README for folder in folders]


def _check(card: Card, project: Project, built: bool, load: bool, croissant: bool) -> Iterator[Finding]:
    rules: list[Iterable[Finding]] = [
        check_fields(card),
        check_licence(card),
        check_languages(card),
        check_tasks(card),
        check_sections(card),
        check_local_paths(card),
        check_links(card),
        check_hub_names(card, project),
        check_figures(card),
    ]
    if card.kind == "model":
        rules += [check_snippet(card), check_eval_results(card), check_sources(card)]
    if card.kind == "space":
        rules.append(check_space(card, project))
        # In a checkout there may be nothing yet to pin to.
        rules += [check_pins(card)] if built else []
    if card.kind == "dataset":
        data, findings = check_configs(card, built)
        rules.append(findings)
        # What cannot be found cannot be counted or loaded either.
        if data.is_built and not findings:
            rules += [check_counts(data), check_checksums(data)]
            rules += [check_loading(data)] if load else []
            rules += [check_croissant(data)] if croissant else []
    for rule in rules:
        yield from rule
