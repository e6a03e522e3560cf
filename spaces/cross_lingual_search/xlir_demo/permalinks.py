"""Links that open the page as it was: what they may say, and how they are read. Nothing in a link is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from hf_hybrid.errors import InputError

from .checkpoints import NAMES
from .languages import LANGUAGES
from .limits import DEFAULT_RESULTS, MAX_QUESTION, checked_question, checked_results
from .questions import GUESS

TABS = ("compare", "languages", "benchmark", "texts", "programs")
# What links of earlier pages called a tab.
_FORMER_TABS = {"search": "compare"}
# Longest parameter that is looked at; a question may take several characters for one.
_LONGEST = 4 * MAX_QUESTION


@dataclass(frozen=True)
class Link:
    """What a link opens.

    Attributes:
        tab: one of `TABS`.
        question: empty means the page's own example.
        language: of the question, or `GUESS`.
        checkpoint: the second one of the comparison; empty means the usual one.
        other: the first one, likewise.
        only: languages to search in; empty means all.
        k: results.
        fact: a built-in question by its id, where no question is given.
    """

    tab: str = TABS[0]
    question: str = ""
    language: str = GUESS
    checkpoint: str = ""
    other: str = ""
    only: tuple[str, ...] = ()
    k: int = DEFAULT_RESULTS
    fact: str = ""


def link_text(link: Link) -> str:
    """The link's part of an address; what is as usual is left out.

    Example:
        >>> link_text(Link(question="¿qué?", only=("de", "ar"), k=5))
        '?q=%C2%BFqu%C3%A9%3F&only=de%2Car&k=5'
    """
    usual = Link()
    values = {
        "tab": link.tab,
        "q": link.question,
        "lang": link.language,
        "checkpoint": link.checkpoint,
        "other": link.other,
        "only": ",".join(link.only),
        "k": str(link.k),
        "fact": link.fact,
    }
    defaults = dict(zip(values, (usual.tab, "", usual.language, "", "", "", str(usual.k), ""), strict=True))
    said = {name: value for name, value in values.items() if value != defaults[name]}
    return f"?{urlencode(said)}" if said else "?"


def read_link(
    parameters: Mapping[str, str], facts: Sequence[str] = (), checkpoints: Sequence[str] = NAMES
) -> tuple[Link, list[str]]:
    """Read a link.

    Args:
        parameters: of the address.
        facts: that may be asked for.
        checkpoints: that were loaded.

    Returns:
        The link, with the usual in place of whatever is wrong, and a sentence for each of these, without any of the
        link's own words.

    Example:
        >>> read_link({"q": "where?", "k": "1000"})[1]
        ['The link asks for a number of results that this page does not show; it shows 10.']
    """
    usual, wrong = Link(), []
    parameters = {**parameters, "tab": _FORMER_TABS.get(parameters.get("tab", ""), parameters.get("tab", TABS[0]))}

    def choose(name: str, known: Sequence[str], otherwise: str, what: str) -> str:
        value = parameters.get(name)
        if value is None or value in known:
            return otherwise if value is None else value
        wrong.append(f"The link asks for {what} that this page does not have; the usual one is shown.")
        return otherwise

    link = Link(
        tab=choose("tab", TABS, usual.tab, "a tab"),
        question=_question(parameters.get("q"), wrong),
        language=choose("lang", (GUESS, *LANGUAGES), usual.language, "a language"),
        checkpoint=choose("checkpoint", checkpoints, usual.checkpoint, "a checkpoint"),
        other=choose("other", checkpoints, usual.other, "a checkpoint"),
        only=_only(parameters.get("only"), wrong),
        k=_results(parameters.get("k"), wrong),
        fact=choose("fact", facts, usual.fact, "a question"),
    )
    return link, list(dict.fromkeys(wrong))


def _question(value: str | None, wrong: list[str]) -> str:
    if value is None:
        return ""
    try:
        return checked_question(value[:_LONGEST])
    except InputError:
        wrong.append("The question in the link is empty or too long; an example is shown.")
        return ""


def _only(value: str | None, wrong: list[str]) -> tuple[str, ...]:
    if not value:
        return ()
    tags = value[:_LONGEST].split(",")
    known = tuple(tag for tag in LANGUAGES if tag in tags)
    if len(known) != len(tags):
        wrong.append("The link asks for languages that this page does not have; those are left out.")
    return known


def _results(value: str | None, wrong: list[str]) -> int:
    if value is None:
        return Link().k
    try:
        return checked_results(int(value) if value.isascii() and value.isdigit() and len(value) <= 4 else None)
    except InputError:
        wrong.append(f"The link asks for a number of results that this page does not show; it shows {Link().k}.")
        return Link().k
