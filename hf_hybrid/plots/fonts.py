"""Fonts for names in any script: one that is installed and has the letters, else the name without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, wraps
from typing import Any, TypeVar

from hf_hybrid.plots.files import require_matplotlib

Content, Drawn = TypeVar("Content"), TypeVar("Drawn")
# What stands for letters that no font has.
MISSING = "…"


def font_settings(texts: Iterable[str]) -> dict[str, Any]:
    """Settings of matplotlib under which all letters of these texts are drawn for which a font is installed.

    Args:
        texts: What will be drawn.

    Returns:
        For `matplotlib.rc_context`: matplotlib's own font first, then one for what it lacks.
    """
    import matplotlib

    families = list(matplotlib.rcParams["font.sans-serif"])
    missing = set("".join(texts)) - _letters_of(families)
    added = []
    while missing:
        name, has = max(_installed().items(), key=lambda font: len(missing & font[1]), default=("", frozenset()))
        if not missing & has:
            break
        added.append(name)
        missing -= has
    if not added:
        return {}
    # Families are tried letter by letter, but only if none of them is missing from the machine.
    own = [name for name in families if name in _installed()][:1]
    return {"font.family": [*own, *added]}


def in_fonts_for(draw: Callable[[Content], Drawn]) -> Callable[[Content], Drawn]:
    """Let a function that draws results run with fonts for all names in them: matplotlib takes a text's font as the
    text is made.
    """

    @wraps(draw)
    def drawing(content: Content) -> Drawn:
        require_matplotlib()
        import matplotlib

        with matplotlib.rc_context(font_settings(texts_of(content))):
            return draw(content)

    return drawing


def drawable_labels(languages: Iterable[str]) -> list[str]:
    """Labels of languages; one that no font can write is numbered."""
    return [drawable(language, f"language {number}") for number, language in enumerate(languages, start=1)]


def drawable(text: str, fallback: str | None = None) -> str:
    """A text as far as fonts have its letters.

    Args:
        text: A name.
        fallback: Drawn instead where a letter is missing; by default runs of missing letters become dots.

    Example:
        >>> drawable("runs/e5")
        'runs/e5'
    """
    known = _everything()
    if set(text) <= known:
        return text
    if fallback is not None and set(fallback) <= known:
        return fallback
    parts: list[str] = []
    for letter in text:
        if letter in known:
            parts.append(letter)
        elif not parts or parts[-1] != MISSING:
            parts.append(MISSING)
    return "".join(parts)


def texts_of(content: Any) -> list[str]:
    """All texts in nested JSON types and dataclasses."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, Mapping):
        return [text for key, value in content.items() for text in (str(key), *texts_of(value))]
    if is_dataclass(content):
        return [text for each in fields(content) for text in texts_of(getattr(content, each.name))]
    return [text for value in content for text in texts_of(value)] if isinstance(content, list | tuple) else []


def _letters_of(families: list[str]) -> frozenset[str]:
    return next((_installed()[name] for name in families if name in _installed()), frozenset())


@cache
def _everything() -> frozenset[str]:
    return frozenset().union(*_installed().values())


@cache
def _installed() -> dict[str, frozenset[str]]:
    """Letters of every installed font of upright, regular weight, by family."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    found: dict[str, frozenset[str]] = {}
    for entry in font_manager.fontManager.ttflist:
        if entry.name in found or entry.style != "normal" or str(entry.weight) not in ("400", "normal", "regular"):
            continue
        try:
            found[entry.name] = frozenset(map(chr, FT2Font(entry.fname).get_charmap()))
        except (OSError, RuntimeError):
            continue
    return found
