"""Numbers of what the business has: its sites, campaigns, employees and so on.

Reports and lists take them from here, so that rows of one can be joined with rows of the other.
Each customer of an agent has numbers of its own.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import Business, Row, one_of, words
from comagic_cli.sandbox.data.talks import LINES, employee_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FIRST: Final[Mapping[str, int]] = {
    "site": 30_001,
    "campaign": 40_001,
    "source": 41_001,
    "source_group": 42_001,
    "source_channel": 43_001,
    "employee": 20_001,
    "group": 21_001,
    "position": 22_001,
    "line": 23_001,
    "sip": 24_001,
    "phone": 25_001,
    "scenario": 31_001,
    "schedule": 32_001,
    "segment": 33_001,
    "channel": 34_001,
    "status": 35_001,
    "media": 36_001,
    "block": 37_001,
    "goal": 38_001,
    "organization": 39_001,
    "contacts": 39_501,
}
"""The first number of each kind. Tags have the numbers of `business.json`, contacts their own."""
_MARKS: Final = {
    "campaign": ("campaign_name",),
    "source": ("source_name", "source_new", "channel_code"),
    "source_group": ("source_new", "channel_code"),
    "source_channel": ("channel_new",),
}
"""What tells these from each other in the traffic records; the first is their name."""
FIRST_CONTACT: Final = 60_000_000
_OF_ACCOUNT: Final = 1_000_000  # numbers of a customer of an agent are so far from another's


def id_of(business: Business, kind: str, place: int) -> int:
    """Return the number of the n-th site, campaign, employee and so on."""
    return business.account * _OF_ACCOUNT + FIRST[kind] + place


def contact_id(business: Business, person: int) -> int:
    """Return the number of the contact that a person is."""
    return business.account * 1000 * _OF_ACCOUNT + FIRST_CONTACT + person


def place_of(name: str, choices: Sequence[Any], nothing: int = 0) -> Callable[[Row], int | None]:
    """Return which of the choices a row has: `one_of` of the same name makes the choice itself."""
    return one_of(name, range(len(choices)), nothing)


def numbered(kind: str, place: Callable[[Row], int | None]) -> Callable[[Row], int | None]:
    """Make the number of what stands at a row's place; None where it has none."""

    def make(row: Row) -> int | None:
        found = place(row)
        return None if found is None else id_of(row.business, kind, found)

    return make


@cache
def distinct(kind: str) -> tuple[Mapping[str, Any], ...]:
    """Return the first traffic record of each campaign, source, group of sources, or channel."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for record in words()["traffic"]:
        found.setdefault(_mark_of(kind, record), record)
    return tuple(record for mark, record in found.items() if mark[0] is not None)


def _mark_of(kind: str, record: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in _MARKS[kind])


def name_of(kind: str, record: Mapping[str, Any]) -> Any:
    """Name what a traffic record has of a kind."""
    return record[_MARKS[kind][0]]


def place_in(kind: str, record: Mapping[str, Any]) -> int | None:
    """Return which campaign, source, group of sources or channel a traffic record has."""
    marks = [_mark_of(kind, each) for each in distinct(kind)]
    mark = _mark_of(kind, record)
    return marks.index(mark) if mark in marks else None


def traffic_place(kind: str) -> Callable[[Row], int | None]:
    """Return which campaign, source, group of sources or channel a row has."""
    records = words()["traffic"]
    return one_of("traffic", [place_in(kind, each) for each in records])


def traffic(kind: str) -> Callable[[Row], int | None]:
    """Make the number of a row's campaign, source, group of sources, or channel."""
    return numbered(kind, traffic_place(kind))


def employee_id(business: Business, name: str) -> int:
    """Return the number of an employee."""
    return id_of(business, "employee", words()["employees"].index(name))


def staff_of(row: Row) -> list[tuple[int, str]]:
    """Return number and name of those who took part."""
    return [(employee_id(row.business, name), name) for name in employee_names(row)]


def employee_phone(place: int) -> str:
    """Return the mobile phone of the n-th employee."""
    return f"7916{5_550_100 + place * 7:07}"


def group_place(place: int) -> int:
    """Return which group the n-th employee belongs to."""
    return place % len(words()["employee_groups"])


def sip_phone(business: Business, place: int) -> str:
    """Return the SIP line of the n-th employee."""
    return f"0{(business.account or 100) * 1000 + 10 + place}"


def line_place(row: Row) -> int:
    """Return which of our numbers was called."""
    return row.hash % LINES
