"""What the data set asks about: relations between CLDR entities, independent of any language.

A :class:`Fact` is one passage: an entity, a relation, and a function that fills the template's fields in a language.
"""

from __future__ import annotations

import calendar
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel import localedata
from babel.core import get_global
from babel.languages import get_official_languages
from cldr_names import Names

_GEOGRAPHY = tomllib.loads((Path(__file__).parent / "geography.toml").read_text("utf-8"))
REGION_OF = {
    territory: (region, continent)
    for continent, regions in _GEOGRAPHY["regions"].items()
    for region, territories in regions.items()
    for territory in territories.split()
}
CAPITALS: dict[str, str] = _GEOGRAPHY["capitals"]
TERRITORIES = tuple(sorted(REGION_OF))
_NOT_LANGUAGES = {"und", "mul", "zxx", "mis", "root", "no", "sh", "tl", "mo", "zbl"}
_NOT_SCRIPTS = {"Zyyy", "Zinh", "Zzzz", "Zxxx", "Zmth", "Zsye", "Zsym", "Hans", "Hant", "Qaag", "Aran", "Latf", "Latg"}
# Precious metals, test and accounting codes are in ISO 4217 but are not currencies that anybody pays with.
_NOT_CURRENCIES = re.compile(r"X(A[GU]|B.|DR|P[DT]|RE|SU|TS|UA|XX)$")
# CLDR’s lists of official languages of these are incomplete or plainly at odds with their law.
_UNCLEAR_OFFICIAL = {"DZ", "ME", "NG", "ZA"}
_MEASURES = {"electric-ampere": "current", "electric-milliampere": "current", "electric-ohm": "resistance"}
_QUANTITIES = {
    *("acceleration", "angle", "area", "consumption", "digital", "duration", "energy", "frequency"),
    *("length", "mass", "power", "pressure", "speed", "temperature", "torque", "volume"),
}
_NOT_UNITS = {"force-kilowatt-hour-per-100-kilometer", "temperature-generic", "duration-night"}

Fields = dict[str, str | None]


@dataclass(frozen=True)
class Fact:
    """One passage in the making.

    Attributes:
        relation: name of the relation, the ``source`` column and a table of every template file.
        entity: code of the subject, e.g. ``"JP"``, ``"JPY"``, ``"Asia/Tokyo"``.
        cluster: the group of entities that a split keeps together, e.g. ``"territory:JP"``.
        fields: fills the template's fields in a language; a field is ``None`` where CLDR has no name.
    """

    relation: str
    entity: str
    cluster: str
    fields: Callable[[Names], Fields]

    @property
    def passage_id(self) -> str:
        """Identifier of the passage, shared by all questions that it answers."""
        return f"{self.relation}/{self.entity}"


def _territory_cluster(code: str | None, other: str) -> str:
    return f"territory:{code}" if code in REGION_OF else other


def currency_cluster(code: str) -> str:
    """A currency belongs to the territory that its code begins with, otherwise (EUR, XAF) it stands alone."""
    return _territory_cluster(code[:2], f"currency:{code}")


def language_cluster(code: str) -> str:
    """A language belongs to its most likely territory in CLDR."""
    return _territory_cluster(get_global("likely_subtags").get(code, "").split("_")[-1], f"language:{code}")


def _script_cluster(code: str) -> str:
    return _territory_cluster(get_global("likely_subtags").get(f"und_{code}", "").split("_")[-1], f"script:{code}")


def _tender(territory: str) -> list[tuple[str, int, int | None]]:
    """Currencies that are or were legal tender, with first and last year (``None``: still in use)."""
    rows = get_global("territory_currencies").get(territory, [])
    return [(code, start[0] if start else 0, end[0] if end else None) for code, start, end, tender in rows if tender]


def currency_of(territory: str) -> str | None:
    """The one present currency of a territory; ``None`` where there are several."""
    current = [code for code, _, end in _tender(territory) if end is None]
    return current[0] if len(current) == 1 else None


def _previous_currency(territory: str) -> tuple[str, int] | None:
    """The currency that the present one took over from, and its last year; ``None`` where that is not clear-cut."""
    rows, current = _tender(territory), currency_of(territory)
    ended = sorted((end, code) for code, _, end in rows if end is not None and code != current)
    if not current or not ended or ended[-1][0] < 1950 or sum(end == ended[-1][0] for end, _ in ended) > 1:
        return None
    start = max(first for code, first, end in rows if code == current and end is None)
    return (ended[-1][1], ended[-1][0]) if abs(start - ended[-1][0]) <= 4 else None


def _languages_of(territory: str) -> dict[str, float]:
    shares: Counter[str] = Counter()
    for tag, row in get_global("territory_languages").get(territory, {}).items():
        shares[tag.split("_")[0]] += row["population_percent"]
    return dict(shares)


def _official_languages(territory: str) -> list[str]:
    """Official languages, most speakers first; none where CLDR mixes official and de facto official ones."""
    legal, either = (get_official_languages(territory, de_facto=de_facto) for de_facto in (False, True))
    if territory in _UNCLEAR_OFFICIAL or (legal and legal != either):
        return []
    return list(dict.fromkeys(tag.split("_")[0] for tag in either))


def _speaking_territories(language: str) -> list[str]:
    shares = {t: _languages_of(t).get(language, 0.0) for t in TERRITORIES}
    return sorted((t for t in shares if shares[t] >= 0.1), key=lambda t: (-shares[t], t))


def _week_data() -> dict[str, tuple[int, int, int]]:
    """First day and weekend of each territory, where every Babel locale of the territory agrees."""
    found: dict[str, set[tuple[int, int, int]]] = {}
    for identifier in sorted(localedata.locale_identifiers()):
        territory = identifier.split("_")[-1]
        if territory in REGION_OF:
            week = localedata.load(identifier)["week_data"]
            value = (week["first_day"], week["weekend_start"], week["weekend_end"])
            found.setdefault(territory, set()).add(value)
    return {t: next(iter(values)) for t, values in found.items() if len(values) == 1}


def _territory_facts() -> Iterator[Fact]:
    weeks = _week_data()
    for t in TERRITORIES:
        cluster, (region, continent) = f"territory:{t}", REGION_OF[t]

        def fact(relation: str, fill: Callable[[Names], Fields], t: str = t, cluster: str = cluster) -> Fact:
            return Fact(relation, t, cluster, lambda n: {"t": n.territory(t, article=True), **fill(n)})

        yield fact("code_of_territory", lambda n, t=t: {"code": t})
        yield fact(
            "region_of_territory",
            lambda n, r=region, c=continent: {"region": n.territory(r), "continent": n.territory(c)},
        )
        currency, previous = currency_of(t), _previous_currency(t)
        if currency:
            yield fact("currency_of_territory", lambda n, c=currency: _currency_fields(n, c))
        if currency and previous:
            old, year = previous
            yield fact(
                "previous_currency_of_territory",
                lambda n, c=currency, o=old, y=year: {
                    **_currency_fields(n, c),
                    "old": n.currency(o),
                    "oldcode": o,
                    "year": n.number(y),
                },
            )
        official = _official_languages(t)
        if 1 <= len(official) <= 5:
            yield fact(
                "official_languages_of_territory",
                lambda n, tags=official: {"langs": n.join([n.listed_language(tag) for tag in tags])},
            )
        if t in CAPITALS:
            yield fact("capital_of_territory", lambda n, t=t: {"c": n.city(CAPITALS[t])})
        if t in weeks:
            first, start, end = weeks[t]
            weekend = [(start + i) % 7 for i in range((end - start) % 7 + 1)]
            yield fact(
                "week_of_territory",
                lambda n, f=first, w=weekend: {"first": n.days[f], "weekend": n.join([n.days[d] for d in w])},
            )


def _currency_fields(n: Names, code: str) -> Fields:
    return {"cur": n.currency(code), "code": code, "sym": n.currency_symbol(code)}


def _currency_facts() -> Iterator[Fact]:
    users: dict[str, list[str]] = {}
    for t in TERRITORIES:
        if currency_of(t):
            users.setdefault(str(currency_of(t)), []).append(t)
    for code in sorted(c for c in get_global("all_currencies") if not _NOT_CURRENCIES.match(c)):
        cluster = currency_cluster(code)
        yield Fact("code_of_currency", code, cluster, lambda n, c=code: _currency_fields(n, c))
        if 1 <= len(users.get(code, [])) <= 10:
            yield Fact(
                "territories_of_currency",
                code,
                cluster,
                lambda n, c=code: {**_currency_fields(n, c), "terrs": n.join([n.territory(t) for t in users[c]])},
            )


def _city_facts() -> Iterator[Fact]:
    english = Names("en")
    for zone, t in sorted(get_global("zone_territories").items()):
        city, place = english.city(zone), english.territory(t) if t in REGION_OF else None
        # "Aruba is in Aruba" teaches nothing: cities that bear (part of) the territory's name are left out.
        if city and place and not set(city.split()) <= set(place.split()):
            yield Fact(
                "time_zone_of_city",
                zone,
                f"territory:{t}",
                lambda n, z=zone, t=t: {"c": n.city(z), "t": n.territory(t, article=True), "zone": n.zone_time(z)},
            )


def _language_facts() -> Iterator[Fact]:
    likely, aliases = get_global("likely_subtags"), get_global("language_aliases")
    for code in sorted(localedata.load("en")["languages"]):
        if not code.isalpha() or code in _NOT_LANGUAGES or code in aliases:
            continue
        cluster = language_cluster(code)
        yield Fact("code_of_language", code, cluster, lambda n, c=code: {"l": n.language_name(c), "code": c})
        parts = likely.get(code, "").split("_")
        if len(parts) == 3 and parts[1] not in _NOT_SCRIPTS:
            yield Fact(
                "script_of_language",
                code,
                cluster,
                lambda n, c=code, s=parts[1]: {"l": n.language_name(c), "s": n.script(s)},
            )
        places = _speaking_territories(code)
        if 1 <= len(places) <= 6:
            yield Fact(
                "territories_of_language",
                code,
                cluster,
                lambda n, c=code, p=places: {"l": n.language_name(c), "terrs": n.join([n.territory(t) for t in p])},
            )


def _script_facts() -> Iterator[Fact]:
    likely, english = get_global("likely_subtags"), localedata.load("en")["languages"]
    users: dict[str, list[str]] = {}
    for code in sorted(english):
        parts = likely.get(code, "").split("_")
        if code.isalpha() and len(parts) == 3 and code not in _NOT_LANGUAGES:
            users.setdefault(parts[1], []).append(code)
    for script in sorted(s for s in localedata.load("en")["scripts"] if s not in _NOT_SCRIPTS):
        cluster = _script_cluster(script)
        yield Fact("code_of_script", script, cluster, lambda n, s=script: {"s": n.script(s), "code": s})
        if 1 <= len(users.get(script, [])) <= 6:
            yield Fact(
                "languages_of_script",
                script,
                cluster,
                lambda n, s=script: {"s": n.script(s), "langs": n.join([n.listed_language(c) for c in users[s]])},
            )


def _other_facts(quantities: dict[str, dict[str, str]]) -> Iterator[Fact]:
    for unit in sorted(localedata.load("en")["unit_display_names"]):
        kind = unit.split("-")[0]
        quantity = _MEASURES.get(unit) or {"electric-volt": "voltage", "force-newton": "force"}.get(unit)
        quantity = quantity or (kind if kind in _QUANTITIES else None)
        if quantity and unit not in _NOT_UNITS:
            yield Fact(
                "symbol_of_unit",
                unit,
                f"unit:{unit}",
                lambda n, u=unit, q=quantity: {
                    "u": n.unit(u),
                    "sym": n.unit_symbol(u),
                    "q": quantities[n.language][q],
                },
            )
    for month in range(1, 13):
        length = calendar.monthrange(2023, month)[1]
        yield Fact(
            "order_of_months",
            f"{month:02d}",
            f"month:{month:02d}",
            lambda n, m=month, length=length: {
                "m": n.months[m],
                "n": n.number(m),
                "next": n.months[m % 12 + 1],
                "prev": n.months[(m - 2) % 12 + 1],
                "days": n.number(28) + "–" + n.number(29) if m == 2 else n.number(length),
            },
        )
    for day in range(7):
        yield Fact(
            "order_of_weekdays",
            str(day + 1),
            f"weekday:{day + 1}",
            lambda n, d=day: {"d": n.days[d], "next": n.days[(d + 1) % 7], "prev": n.days[(d - 1) % 7]},
        )


def all_facts(quantities: dict[str, dict[str, str]]) -> list[Fact]:
    """Every fact of the data set, in a fixed order.

    Args:
        quantities: per language, the names of the measured quantities (CLDR has none); from the template files.
    """
    parts = [_territory_facts(), _currency_facts(), _city_facts(), _language_facts(), _script_facts()]
    return [fact for part in [*parts, _other_facts(quantities)] for fact in part]
