"""What is said of a visitor's own texts."""

from __future__ import annotations

from collections.abc import Sequence

from .corpus_store import Corpus
from .languages import UNKNOWN, language_name
from .limits import CORPUS_SECONDS
from .markup import Markup, joined, percent, view

_NAMED = 8
_PROBLEMS = 5


def corpus_view(corpus: Corpus, file_name: str = "", problems: Sequence[str] = ()) -> str:
    """What was added: how many passages in which languages, what was left out, and when they go."""
    mix = sorted(corpus.pool.language_share.items(), key=lambda item: (-item[1], item[0]))
    named = [Markup("{} {}").format(_name(tag), percent(share)) for tag, share in mix[:_NAMED]]
    rest = f" and {len(mix) - _NAMED} more languages" if len(mix) > _NAMED else ""
    source = Markup(" from <bdi>{}</bdi>").format(file_name) if file_name else ""
    return view(
        "Your texts",
        Markup(
            '<p class="xd-message" role="status"><b>{}</b>{} ready: {}{}. Only this page in this browser can search them. They are deleted '
            "when you say so, and in any case {} minutes after they were added.</p>{}"
        ).format(
            "1 passage" if len(corpus.pool) == 1 else f"{len(corpus.pool):,} passages",
            source,
            Markup(", ").join(named),
            rest,
            CORPUS_SECONDS // 60,
            _left_out(problems),
        ),
    )


def _left_out(problems: Sequence[str]) -> Markup:
    if not problems:
        return Markup("")
    number = "1 row was" if len(problems) == 1 else f"{len(problems):,} rows were"
    items = [Markup("<li>{}</li>").format(text) for text in problems[:_PROBLEMS]]
    if len(problems) > _PROBLEMS:
        items.append(Markup("<li>and {} more</li>").format(f"{len(problems) - _PROBLEMS:,}"))
    return Markup('<div class="xd-message" role="alert"><p>{} left out:</p><ul>{}</ul></div>').format(
        number, joined(items)
    )


def _name(tag: str) -> str:
    return "language not told" if tag == UNKNOWN else language_name(tag)
