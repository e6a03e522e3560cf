"""The claims of the paper (arXiv 2408.10536, abstract and section 5), each with what was found here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HIGHER, LOWER, NOT_WORSE = "higher", "lower", "not worse"
_BASELINES = ("x-x-mono", "x-y")


@dataclass(frozen=True)
class Claim:
    """One claim about hybrid batches.

    Attributes:
        name: for programs.
        text: for people.
        figure: one of `hf_hybrid.evaluation.figures` that is compared.
        kind: what hybrid should be: `HIGHER`, `LOWER` or `NOT_WORSE`.
        against: arms that it is made about.
    """

    name: str
    text: str
    figure: str
    kind: str
    against: tuple[str, ...]


CLAIMS = (
    Claim("multilingual", "best in multilingual retrieval (Mul)", "mul_map", HIGHER, _BASELINES),
    Claim("monolingual", "at least as good within a language (Mo)", "mo_map", NOT_WORSE, _BASELINES),
    Claim("cross_lingual", "at least as good across languages (Cr)", "cr_map", NOT_WORSE, _BASELINES),
    Claim("bias", "less language bias (rank distance)", "rank_distance", LOWER, ("x-x-mono",)),
)


def claims_table(
    comparisons: Mapping[str, Mapping[str, Any]], claims: Sequence[Claim] = CLAIMS
) -> list[dict[str, Any]]:
    """One entry for each claim and arm that it was compared with.

    Args:
        comparisons: arm -> comparison of `hf_hybrid.evaluation.comparison.compare_results` with this arm as A and
            hybrid as B.
        claims: what is claimed.

    Returns:
        Entries with ``claim``, ``text``, ``figure``, ``kind``, ``against``, the difference hybrid - arm with ``low``
        and ``high``, ``p_value`` (of the one-sided test of non-inferiority for "not worse", else two-sided; corrected
        for nothing), ``margin`` (null unless "not worse"), ``verdict`` of `verdict_of` and ``test``, the comparison's
        own verdict.
    """
    entries = []
    for claim in claims:
        for arm in claim.against:
            found = comparisons.get(arm, {}).get("figures", {}).get(claim.figure)
            if found is None:
                continue
            settings = comparisons[arm]["settings"]
            level = 1 - settings["confidence"]
            not_worse = claim.kind == NOT_WORSE
            entries.append(
                {
                    "claim": claim.name,
                    "text": claim.text,
                    "figure": claim.figure,
                    "kind": claim.kind,
                    "against": arm,
                    **{key: found[key] for key in ("difference", "low", "high")},
                    "p_value": found["p_not_worse"] if not_worse else found["p_value"],
                    "margin": settings["margin"] if not_worse else None,
                    "verdict": verdict_of(claim.kind, found, level),
                    "test": found["verdict"],
                }
            )
    return entries


def verdict_of(kind: str, entry: Mapping[str, Any], level: float) -> str:
    """Whether a claim holds, by the interval of the difference hybrid - arm.

    * "higher": **holds** where the whole interval is above zero, **does not hold** where it is below;
    * "lower": the mirror image;
    * "not worse" ("at least as good"): **holds** where the test of non-inferiority rejects a loss of the margin or
      more at the level of the interval, **does not hold** where it does not and the whole interval is below zero.

    Everything else is **not resolved**: neither is shown, which is not evidence of equality.

    Args:
        kind: of a `Claim`.
        entry: difference, ``low``, ``high`` and, for "not worse", ``p_not_worse``.
        level: of the test of non-inferiority.

    Example:
        >>> verdict_of("higher", {"low": 0.001, "high": 0.004}, 0.05)
        'holds'
        >>> verdict_of("not worse", {"low": -0.03, "high": -0.01, "p_not_worse": 0.9}, 0.05)
        'does not hold'
    """
    above, below = entry["low"] > 0, entry["high"] < 0
    if kind == NOT_WORSE:
        holds, fails = entry["p_not_worse"] < level, below
    else:
        holds, fails = (above, below) if kind == HIGHER else (below, above)
    return "holds" if holds else "does not hold" if fails else "not resolved"
