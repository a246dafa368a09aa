"""Sums over a period: of call tracking, of employees, and of campaigns by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import (
    CALL,
    CHAT,
    GOAL,
    REQUEST,
    Row,
    mixed,
    visit_id,
    words,
)
from comagic_cli.sandbox.data.ids import (
    distinct,
    employee_id,
    group_place,
    id_of,
    line_place,
    name_of,
    place_in,
    place_of,
    traffic,
    traffic_place,
)
from comagic_cli.sandbox.data.older import tags_of
from comagic_cli.sandbox.data.rhythm import DAY, SECOND, moment
from comagic_cli.sandbox.data.talks import LINES, employee_names, kinds, pairs_of, seconds
from comagic_cli.sandbox.data.visitor import unvisited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from comagic_cli.sandbox.data.business import Business

    Records = list[dict[str, Any]]

_ENGINES: Final = {"Яндекс": "yandex.direct", "Google": "google.adwords", "VK": "vk.ads"}


@dataclass(frozen=True)
class Summed:
    """What is summed: the rows of a period (microseconds, the end excluded) of one account.

    `rows` gives the rows of a report by its command. `site` is the number of the site that was
    asked for.
    """

    business: Business
    start: int
    end: int
    rows: Callable[[str, int, int], Iterable[Row]]
    site: int | None = None
    only_default: bool = False

    def rows_of(self, command: str) -> Iterable[Row]:
        """Return the rows of a report that the period has."""
        return self.rows(command, self.start, self.end)


def sites_of(business: Business) -> dict[int, dict[str, Any]]:
    """Return the sites by their numbers."""
    return {id_of(business, "site", place): each for place, each in enumerate(words()["sites"])}


def ct_summary(summed: Summed) -> Records:
    """Sum up the calls of each site."""
    site, by_site = place_of("site", words()["sites"]), defaultdict[int, list[Row]](list)
    for row in summed.rows_of("calls-report"):
        by_site[id_of(row.business, "site", site(row) or 0)].append(row)
    return [
        {
            "site_id": number,
            "site_domain": record["domain"],
            **_tracked(by_site[number]),
            "reserve_numbers_count": LINES - len(set(map(line_place, by_site[number]))),
        }
        for number, record in sites_of(summed.business).items()
    ]


def _tracked(rows: list[Row]) -> dict[str, Any]:
    kind = pairs_of("call_type")
    dynamic = sum(kind(row)["value_id"] == "dynamic_call_tracking" for row in rows)
    return {
        "calls_count": len(rows),
        "dt_ratio": round(100 * dynamic / len(rows), 2) if rows else 0,
        "active_numbers_count": len(set(map(line_place, rows))),
        "non_session_calls_count": sum(map(unvisited, rows)),
    }


def ct_ac_summary(summed: Summed) -> Records:
    """Sum up the calls of each campaign of a site; those without one are the reserve's."""
    site, campaign = place_of("site", words()["sites"]), traffic("campaign")
    by_campaign = defaultdict[int | None, list[Row]](list)
    for row in summed.rows_of("calls-report"):
        if id_of(row.business, "site", site(row) or 0) == summed.site:
            by_campaign[campaign(row)].append(row)
    names: dict[int | None, str] = {
        id_of(summed.business, "campaign", place): name_of("campaign", record)
        for place, record in enumerate(distinct("campaign"))
    }
    return [
        {
            "ac_id": number,
            "ac_name": name,
            "is_static": place % 3 == 2,  # noqa: PLR2004  # every third
            "is_dynamic": place % 3 != 2,  # noqa: PLR2004  # the others
            "is_reserve_pool": number is None,
            **_tracked(by_campaign[number]),
        }
        for place, (number, name) in enumerate((names | {None: "Резервный пул"}).items())
    ]


def employee_stat(summed: Summed) -> Records:
    """Sum up what each employee did: seconds of each status, and of talks."""
    talked: Counter[str] = Counter()
    for row in summed.rows_of("calls-report"):
        if names := employee_names(row):
            talked[names[-1]] += seconds(row)
    span = (summed.end - summed.start) // SECOND
    return [
        named_employee(summed.business, place)
        | {"status_stats": _statuses(place, span, summed) | {"talk": talked[name]}}
        for place, name in enumerate(words()["employees"])
    ]


def _statuses(place: int, span: int, summed: Summed) -> dict[str, int]:
    """Divide the period among the statuses."""
    shares = {"available": 22 + place, "break": 3, "do_not_disturb": 2 + place % 3}
    shares |= {} if summed.only_default else {"measuring": 5}
    known = {name: span * share // 100 for name, share in shares.items()}
    return known | {"not_at_work": span - sum(known.values())}


def named_employee(business: Business, place: int) -> dict[str, Any]:
    """Make the name, the number and the group of the n-th employee."""
    name = words()["employees"][place]
    parts = [*name.split(), None, None]
    group = group_place(place)
    return {
        "id": employee_id(business, name),
        "full_name": name,
        "last_name": parts[0],
        "first_name": parts[1],
        "patronymic": parts[2],
        "groups": [
            {
                "group_id": id_of(business, "group", group),
                "group_name": words()["employee_groups"][group],
            }
        ],
    }


def campaign_daily_stat(summed: Summed) -> Records:
    """Sum up each day that the period touches: the campaigns of a site that day."""
    days = range(summed.start // DAY * DAY, summed.end, DAY)
    return [record for day in days for record in _campaigns_of_day(summed, day)]


def _campaigns_of_day(summed: Summed, day: int) -> Records:
    site, campaign = place_of("site", words()["sites"]), traffic_place("campaign")
    by_campaign = defaultdict[int, list[Row]](list)
    visits = defaultdict[int, list[Row]](list)
    for command, found in (
        ("communications-report", by_campaign),
        ("visitor-sessions-report", visits),
    ):
        for row in summed.rows(command, day, day + DAY):
            place = campaign(row)
            is_of_site = id_of(row.business, "site", site(row) or 0) == summed.site
            if place is not None and is_of_site:
                found[place].append(row)
    return [
        _stat(summed, day, place, by_campaign[place], visits[place])
        for place in range(len(distinct("campaign")))
    ]


def _stat(
    summed: Summed, day: int, place: int, rows: list[Row], visits: list[Row]
) -> dict[str, Any]:
    record = distinct("campaign")[place]
    business, site = summed.business, summed.site or 0
    dice = mixed(day // DAY * 1000 + place * 10 + site % 10)
    is_paid = bool(record.get("pc"))
    clicks = len(visits) + dice % 5 if is_paid else 0
    counts = Counter(row.kind for row in rows)
    return {
        "date": moment(day).date().isoformat(),
        "site_id": site,
        "site_domain_name": sites_of(business)[site]["domain"],
        "campaign_id": id_of(business, "campaign", place),
        "campaign_name": name_of("campaign", record),
        "campaign_ext_id": record["pc"].split()[0] if is_paid else None,
        "campaign_ext_name": record.get("pc"),
        "engine": _ENGINES.get(record["source"]) if is_paid else None,
        "banner_group_id": str(4_821_557 + place) if is_paid else None,
        "banner_group_name": record.get("gr"),
        "keyword_id": str(700_000 + place) if is_paid else None,
        "keyword": record.get("kw"),
        "cost_sum": f"{clicks * (dice % 9000 + 1500) / 100:.2f}",
        "shows_count": clicks * (7 + dice % 60),
        "clicks_count": clicks,
        "calls_count": counts[CALL],
        "chats_count": counts[CHAT],
        "goals_count": counts[GOAL],
        "offline_messages_count": counts[REQUEST],
        "current_banner_id": 800_000 + place if is_paid else None,
        "current_banner_name": record.get("ad"),
        "old_banner_ids": [800_100 + place] if is_paid else [],
        "visits_count": len(visits),
        "daily_budget": 1500.5 if is_paid else None,
        "weekly_budget": 10_000 if is_paid else None,
        "currency": "RUB",
        "session_ids": [visit_id(row.index) for row in visits],
        "source_id": id_of(business, "source", place_in("source", record) or 0),
        "source_name": record["source_name"],
        "communications": _communications(rows),
    }


def _communications(rows: list[Row]) -> Records:
    return [
        {
            "communication_type": row.kind,
            "communication_id": row.identity,
            "attributes": kinds(row) or [],
            "tags": tags_of(row) or [],
        }
        for row in rows
    ]


SUMS: Final[Mapping[str, Callable[[Summed], Records]]] = {
    "campaign-daily-stat": campaign_daily_stat,
    "ct-summary-report": ct_summary,
    "ct-ac-summary-report": ct_ac_summary,
    "employee-stat": employee_stat,
}
