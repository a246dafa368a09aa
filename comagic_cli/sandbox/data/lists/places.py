"""Places: a country's regions, and the towns of each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from comagic_cli.sandbox.data.business import Business

_FIRST_COUNTRY, _FIRST_REGION, _FIRST_TOWN = 1, 101, 10_001
COUNTRIES: Final[Mapping[str, str]] = {"Россия": "RU", "Казахстан": "KZ"}


@cache
def _regions() -> dict[str, str]:
    """Return the regions, and the country of each."""
    places = words()["places"]
    return {
        each["visitor_region"]: each["visitor_country"]
        for each in places
        if each["visitor_region"] is not None
    }


def region_id(name: str | None) -> int | None:
    """Return the number of a region."""
    return None if name is None else _FIRST_REGION + list(_regions()).index(name)


def geolocations(_: Business) -> list[dict[str, Any]]:
    """List countries, regions and towns; they are the same for every account."""
    countries = list(COUNTRIES)
    listed: list[dict[str, Any]] = [
        {"id": _FIRST_COUNTRY + place, "parent_id": None, "name": name}
        for place, name in enumerate(countries)
    ]
    listed += [
        {
            "id": region_id(name),
            "parent_id": _FIRST_COUNTRY + countries.index(country),
            "name": name,
        }
        for name, country in _regions().items()
    ]
    towns = _towns()
    return listed + [
        {"id": _FIRST_TOWN + place, "parent_id": region_id(region), "name": name}
        for place, (name, region) in enumerate(towns)
    ]


def _towns() -> list[tuple[str, str]]:
    """Return towns and their regions: those that visitors come from, and invented ones."""
    real = {
        each["visitor_city"]: each["visitor_region"]
        for each in words()["places"]
        if each["visitor_city"] is not None
    }
    regions = list(_regions())
    names = [f"{first} {second}" for second in words()["towns"] for first in words()["town_kinds"]]
    return [
        *real.items(),
        *((name, regions[place % len(regions)]) for place, name in enumerate(names)),
    ]
