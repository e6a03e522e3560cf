"""Licences by the Hub's identifiers, and the groups that a mix can be limited to."""

from __future__ import annotations

from hf_hybrid.errors import InputError

# `public-domain`: old Bible translations; the Hub has no identifier for works whose term has run out.
_PERMISSIVE = ("apache-2.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc0-1.0", "mit", "public-domain")
_SHARE_ALIKE = ("cc-by-sa-3.0", "cc-by-sa-4.0")
UNKNOWN = "unknown"
# Each group holds the one before it.
GROUPS = {
    "permissive": frozenset(_PERMISSIVE),
    "share-alike": frozenset(_PERMISSIVE + _SHARE_ALIKE),
    "all": frozenset((*_PERMISSIVE, *_SHARE_ALIKE, UNKNOWN)),
}


def licence_id(text: str | None) -> str:
    """The identifier of a licence as a source spells it; `unknown` for what is not in the list.

    Example:
        >>> licence_id("CC-BY-SA-4.0"), licence_id("CC-BY-2.0-FR (tatoeba.org)"), licence_id(None)
        ('cc-by-sa-4.0', 'cc-by-2.0', 'unknown')
    """
    name = (text or "").split(" (")[0].strip().lower().removesuffix("-fr")
    return name if name in GROUPS["all"] else UNKNOWN


def licences_of_group(group: str) -> frozenset[str]:
    """The licences of a group.

    Raises:
        InputError: there is no such group.
    """
    if group not in GROUPS:
        raise InputError(f"unknown group of licences '{group}'; choose among {', '.join(GROUPS)}")
    return GROUPS[group]
