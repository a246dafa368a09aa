"""Rows by position: each report's rows in the order of their stored times, without storing them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import (
    CALL,
    CHAT,
    FIRST_PERSON,
    GOAL,
    NOT_EMAIL,
    PERSON_ROWS,
    PERSONS,
    REQUEST,
    Business,
    Row,
)
from comagic_cli.sandbox.data.rhythm import parse
from comagic_cli.sandbox.data.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from comagic_cli.query.catalog import ReportType

    Maker = Callable[[Row], Any]

_OWN: Final = 5 * 10**8  # visits that led to nothing are numbered from here
VISITS: Final = 3  # visits a communication

FIELDS: Final[Mapping[str, str]] = {
    "communications": "talks:communications",
    "calls": "calls:calls",
    "chats": "calls:chats",
    "leads": "dealings:leads",
    "deals": "dealings:deals",
    "visits": "dealings:visits",
    "sms": "dealings:sms",
    "tags-history": "dealings:tags_history",
    "notifications": "dealings:notifications",
    "api-requests": "dealings:api_requests",
    "mgf-calls": "calls:mgf_calls",
    "call-details": "calls:call_details",
    "person-details": "dealings:persons",
    "calls-report": "older_calls:calls_report",
    "call-legs-report": "older_calls:call_legs_report",
    "financial-call-legs-report": "older_calls:financial_call_legs_report",
    "communications-report": "older:communications_report",
    "chats-report": "older:chats_report",
    "chat-messages-report": "older:chat_messages_report",
    "offline-messages-report": "older:offline_messages_report",
    "goals-report": "older:goals_report",
    "visitor-sessions-report": "older:visitor_sessions_report",
}
"""What makes the fields of a report: a module, imported when needed, and a function."""
_IN_PARTS: Final = {  # several rows to a communication
    "call-legs-report": "parts:Legs",
    "financial-call-legs-report": "parts:Legs",
    "chat-messages-report": "parts:Messages",
}

_KINDS: Final = {  # what the rows are of; calls where nothing is said
    "chats": CHAT,
    "communications-report": NOT_EMAIL,
    "chats-report": CHAT,
    "chat-messages-report": CHAT,
    "offline-messages-report": REQUEST,
    "goals-report": GOAL,
}
_EVERY: Final = {  # one row to so many communications, and whether rows repeat
    "leads": (20, True),
    "deals": (40, True),
    "sms": (4, False),
    "tags-history": (2, True),
    "notifications": (2, False),
    "api-requests": (1, False),
    "communications": (1, False),
}


@dataclass(frozen=True)
class Span:
    """Which communications there are (`first` to before `last`), and when each came."""

    first: int
    last: int
    stored: Callable[[int], int]
    visited: Callable[[int], int]


def _every(business: Business, rows: int, *, repeats: bool) -> Callable[[int], int]:
    """Place the n-th row at one of its `rows` communications; now and then at its neighbour's."""
    if rows == 1:
        return int

    def place(number: int) -> int:
        hashed = business.hashed(~number & 0xFFFFFFFF)
        if repeats and number and hashed >> 58 == 0:
            number -= 1
            hashed = business.hashed(~number & 0xFFFFFFFF)
        return number * rows + hashed % rows

    return place


def _imported(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(f"comagic_cli.sandbox.data.{module}"), name)


def makers_of(command: str) -> dict[str, Maker]:
    """Return what makes each field of a report."""
    makers: dict[str, Maker] = _imported(FIELDS[command])()
    return makers


def invented(report: ReportType, business: Business, span: Span, shift: int) -> Source:
    """Make the source of a report's invented rows."""
    makers = makers_of(report.command)
    if report.command in {"visits", "visitor-sessions-report"}:
        first, last = span.first * VISITS, span.last * VISITS
        return Source(business, shift, first, last, _visit, span.visited, makers)
    if report.command == "person-details":
        groups = (span.first // PERSON_ROWS, -(-span.last // PERSON_ROWS))
        first, last = (group * PERSONS for group in groups)
        return Source(business, shift, first, last, _person, _of(span.stored, _person), makers)
    place = _placing(report.command, business)
    first, last = (bisect_left(range(span.last), n, key=place) for n in (span.first, span.last))
    in_parts = _IN_PARTS.get(report.command)
    make = _imported(in_parts) if in_parts else Source
    source: Source = make(business, shift, first, last, place, _of(span.stored, place), makers)
    return source


def _placing(command: str, business: Business) -> Callable[[int], int]:
    if command in _EVERY:
        rows, repeats = _EVERY[command]
        return _every(business, rows, repeats=repeats)
    kind = _KINDS.get(command, CALL)
    return lambda number: business.nth(kind, number)


def _of(stored: Callable[[int], int], place: Callable[[int], int]) -> Callable[[int], int]:
    return stored if place is int else lambda index: stored(place(index))


def _visit(index: int) -> int:
    return _OWN + index if index % VISITS else index // VISITS


def _person(index: int) -> int:
    return index // PERSONS * PERSON_ROWS


def stored_time(report: ReportType, row: Mapping[str, Any]) -> int:
    """Read the stored time of a given row: `_stored`, else what it shows; 0 where it has none."""
    shown = " ".join(str(row.get(name)) for name in report.time)
    text = str(row.get("_stored") or shown)
    try:
        return parse(text)
    except ValueError:
        return 0


class Rows:
    """A report's rows as they are now: the source's, with arrivals, without what vanished.

    Ranks count them in the order of their stored times.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.version = 0
        self._extras: list[Row] = []
        self._extra_ranks: list[int] = []
        self._gone: list[int] = []  # offsets from the source's first row
        self._shifts: list[int] = []  # those offsets less the number of those before

    def __len__(self) -> int:
        return self.source.last - self.source.first - len(self._gone) + len(self._extras)

    def stored(self, rank: int) -> int:
        """Return the stored time of a rank."""
        extra, index = self._find(rank)
        return extra.stored if extra else self._source_stored(index)

    def row(self, rank: int) -> Row:
        """Return the row of a rank."""
        extra, index = self._find(rank)
        return extra or self.source.row(index)

    def rank_from(self, stored: int) -> int:
        """Return the rank of the first row stored at that time or later."""
        return bisect_left(range(len(self)), stored, key=self.stored)

    def add(self, rows: Sequence[Row]) -> None:
        """Let rows arrive."""
        for row in rows:
            insort(self._extras, row, key=lambda extra: extra.stored)
        self._settle()

    def remove(self, rank: int, count: int) -> None:
        """Let rows vanish, from a rank on; arrivals stay."""
        found = (self._find(place) for place in range(max(0, rank), min(len(self), rank + count)))
        gone = [index - self.source.first for extra, index in found if not extra]
        self._gone = sorted(self._gone + gone)
        self._settle()

    def _settle(self) -> None:
        """Work out the ranks anew."""
        self.version += 1
        self._shifts = [offset - place for place, offset in enumerate(self._gone)]
        self._extra_ranks = []
        left = range(self.source.last - self.source.first - len(self._gone))
        for place, extra in enumerate(self._extras):
            before = bisect_right(left, extra.stored, key=self._left_stored)
            self._extra_ranks.append(before + place)

    def _find(self, rank: int) -> tuple[Row | None, int]:
        """Find an arrival, or else the number of the source's row."""
        if not self.version:
            return None, self.source.first + rank
        place = bisect_left(self._extra_ranks, rank)
        if place < len(self._extra_ranks) and self._extra_ranks[place] == rank:
            return self._extras[place], 0
        return None, self._left(rank - place)

    def _left(self, rank: int) -> int:
        return self.source.first + rank + bisect_right(self._shifts, rank)

    def _left_stored(self, rank: int) -> int:
        return self._source_stored(self._left(rank))

    def _source_stored(self, index: int) -> int:
        givens = self.source.givens
        return self.source.stored(index) if givens is None else givens[index][0]


def find_entity(command: str, source: Source, entity: int) -> int | None:
    """Return the number of the row that an id of `entity_ids` names, if there is one."""
    if command == "person-details":
        index = entity - FIRST_PERSON
    else:
        number = source.business.call_number(entity)
        if number is None:
            return None
        index = bisect_left(range(number + 1), number, key=source.place)
    return index if source.first <= index < source.last else None
