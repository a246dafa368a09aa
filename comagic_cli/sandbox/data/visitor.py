"""Fields of the visitor and of what brought him: sites, traffic, marks, places, devices, visits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from comagic_cli.sandbox.data.business import (
    CALL,
    FIRST_PERSON,
    Row,
    number_of,
    one_of,
    pair,
    part,
    roll,
    salt,
    visit_id,
    words,
)
from comagic_cli.sandbox.data.rhythm import moment

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Row], Any]

_TRAFFIC = (
    "campaign_name",
    "channel_new",
    "channel_code",
    "source_new",
    "source_name",
    "channel",
    "source",
    "referrer",
    "referrer_domain",
    "search_query",
    "utm_source",
    "utm_medium",
    "utm_term",
    "utm_content",
    "utm_campaign",
)
_UNVISITED = salt("visited")


def site_fields() -> dict[str, Maker]:
    """Make the fields of the site."""
    sites = words()["sites"]
    return {
        "site_domain_name": part("site", sites, "domain"),
        "site_domain_naked": part("site", sites, "naked"),
        "site_name": part("site", sites, "name"),
    }


def traffic_fields() -> dict[str, Maker]:
    """Make the fields of the campaign, its marks and its advertisement."""
    records = words()["traffic"]
    makers = {name: part("traffic", records, name) for name in (*_TRAFFIC, "pc", "gr", "ad", "kw")}
    for name in _TRAFFIC:
        if name.startswith("utm_"):
            makers[f"eq_{name}"] = makers[name]
    makers["utm_referrer"] = makers["eq_utm_referrer"] = part("traffic", records, "referrer_domain")
    makers["utm_expid"] = makers["eq_utm_expid"] = one_of("expid", ["A", "B", "-"], nothing=90)
    makers["tag_from"] = part("traffic", records, "tag_from")
    return makers | _marks()


def _marks() -> dict[str, Maker]:
    makers = {name: _mark(name, name) for name in ("yclid", "gclid", "cm_id", "ymclid")}
    makers["ef_id"] = one_of("ef_id", ["WlT0:20261005:s"], nothing=98)
    openstat = ("ad", "campaign", "service", "source")
    makers |= {f"openstat_{name}": _mark("openstat", f"os_{name}") for name in openstat}
    makers |= {f"{name}_ext_id": _mark("yclid", f"x_{name}") for name in ("pc", "gr", "kw")}
    makers["ad_ext_ids"] = _mark("yclid", "x_ad")
    return makers


def _mark(key: str, name: str) -> Maker:
    """Make a long number as text where the traffic record has the mark."""
    has = part("traffic", words()["traffic"], key)
    multiplier = salt(name)
    return lambda row: str(roll(row, multiplier, 1 << 32) * 1_000_003) if has(row) else None


def visitor_fields() -> dict[str, Maker]:
    """Make the fields of the visitor: where, with what, how often."""
    lists = words()
    places, devices = lists["places"], lists["devices"]
    names = ("visitor_country", "visitor_region", "visitor_city", "visitor_provider")
    makers: dict[str, Maker] = {name: part("place", places, name) for name in names}
    makers |= {
        "visitor_ip_address": _address,
        "visitor_browser_name": part("device", devices, "browser"),
        "visitor_browser_version": part("device", devices, "browser_version"),
        "visitor_os_name": part("device", devices, "os"),
        "visitor_os_version": part("device", devices, "os_version"),
        "visitor_screen": part("device", devices, "screen"),
        "visitor_device": pair("device", [record["device"] for record in devices]),
        "visitor_language": one_of("language", lists["languages"]),
        "visitor_type": pair("visitor_type", lists["pairs"]["visitor_type"]),
        "visitor_session_id": lambda row: visit_id(row.number * 3),
        "entrance_page": one_of("entrance", pages()),
        "visitor_id": lambda row: FIRST_PERSON * 2 + row.person * 3 + (row.hash & 1),
        "person_id": lambda row: FIRST_PERSON + row.person,
        "ua_client_id": _client_id("ua"),
        "ym_client_id": _client_id("ym"),
        "segments": _segments,
    }
    return makers | _visit_time()


def pages() -> list[str]:
    """List the addresses of all pages."""
    return [
        f"https://{site['domain']}{page}" for site in words()["sites"] for page in words()["pages"]
    ]


def page(name: str) -> Maker:
    """Make the address of a page."""
    return one_of(name, pages())


def _address(row: Row) -> str:
    network = words()["networks"]
    start = network[row.hash % len(network)]
    return f"{start}.{row.hash >> 8 & 255}.{row.hash >> 16 & 255}"


def _client_id(name: str) -> Maker:
    some, multiplier = number_of(name, 10**8, 10**9, nothing=35), salt(name + "2")

    def make(row: Row) -> str | None:
        first = some(row)
        return f"{first}.{1_600_000_000 + roll(row, multiplier, 10**8)}" if first else None

    return make


def _segments(row: Row) -> list[dict[str, str]] | None:
    names = words()["segments"]
    count = row.hash >> 12 & 3
    return [{"segment_name": names[(row.hash + i) % len(names)]} for i in range(count)] or None


def _visit_time() -> dict[str, Maker]:
    pairs = words()["pairs"]

    def named(name: str, place: Callable[[Row], int]) -> Maker:
        objects = [{"value": value, "value_id": id_} for value, id_ in pairs[name]]
        return lambda row: objects[place(row)]

    return {
        "visit_date": lambda row: row.shown[:10],
        "visit_hour": lambda row: {"value": row.shown[11:13], "value_id": int(row.shown[11:13])},
        "visit_weekday": named("weekday", lambda row: moment(row.stored).weekday()),
        "visit_month": named("month", lambda row: int(row.shown[5:7]) - 1),
        "visit_year": lambda row: row.shown[:4],
    }


def unvisited(row: Row) -> bool:
    """Tell whether a communication is a call without a visit."""
    return row.kind == CALL and roll(row, _UNVISITED, 10) < 3  # noqa: PLR2004  # three in ten


def visited(makers: dict[str, Maker]) -> dict[str, Maker]:
    """Make nothing for calls without a visit."""
    return {name: partial(_if_visited, make) for name, make in makers.items()}


def _if_visited(make: Maker, row: Row) -> Any:
    return None if unvisited(row) else make(row)
