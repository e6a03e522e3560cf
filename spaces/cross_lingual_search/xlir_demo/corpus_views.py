"""What is said of a visitor's own texts."""

from __future__ import annotations

from .corpora import Corpus
from .languages import language_name
from .limits import CORPUS_SECONDS
from .markup import Markup, percent, view

_NAMED = 8


def corpus_view(corpus: Corpus, file_name: str = "") -> str:
    """What was added: how many passages in which languages, and when they go."""
    mix = sorted(corpus.pool.language_share.items(), key=lambda item: (-item[1], item[0]))
    named = [Markup("{} {}").format(language_name(tag), percent(share)) for tag, share in mix[:_NAMED]]
    rest = f" and {len(mix) - _NAMED} more languages" if len(mix) > _NAMED else ""
    source = Markup(" from <bdi>{}</bdi>").format(file_name) if file_name else ""
    return view(
        "Your texts",
        Markup(
            '<p class="xd-message" role="status"><b>{}</b>{} ready: {}{}. Only this page in this browser can search them. They are deleted '
            "when you say so, and in any case {} minutes after they were added.</p>"
        ).format(
            "1 passage" if len(corpus.pool) == 1 else f"{len(corpus.pool):,} passages",
            source,
            Markup(", ").join(named),
            rest,
            CORPUS_SECONDS // 60,
        ),
    )
