"""Train and dev, by document: no file, article, page or chapter gives text to both, in any language or
configuration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mix.cleaning import stable_fraction

# Share of a source's examples that goes to dev. Sets of questions are small, and dev has to tell systems apart.
DEV_SHARE = {"align": 0.03, "qa": 0.05, "qa_long": 0.05}


def dev_documents(examples: Iterable[tuple[str, str, str]]) -> set[str]:
    """The documents that are held out: of each source those of lowest hash, until they hold its share of the examples.

    A document that alone holds more than half of the share stays in train: one long article would otherwise make up
    dev.

    Args:
        examples: (configuration, source, document) of every example. A document that several sources or configurations
            share is held out of all of them if it is held out of one.

    Example:
        >>> sorted(dev_documents(("qa", "s", f"d{n}") for n in range(40)))
        ['d0', 'd34']
    """
    sizes: dict[str, Counter[str]] = {}
    share: dict[str, float] = {}
    for config, source, document in examples:
        sizes.setdefault(source, Counter())[document] += 1
        share[source] = max(share.get(source, 0.0), DEV_SHARE[config])
    held_out: set[str] = set()
    for source, size_of in sizes.items():
        wanted = share[source] * size_of.total()
        order = sorted(size_of, key=lambda name: (stable_fraction(name), name))
        small = [name for name in order if size_of[name] <= wanted / 2]
        # Where all are large, the smallest.
        if not small and len(order) > 1:
            small = sorted(order, key=lambda name: size_of[name])[:1]
        held = 0
        for name in small:
            if held >= wanted:
                break
            held_out.add(name)
            held += size_of[name]
    return held_out
