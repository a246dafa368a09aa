"""The accounts' data: made when first asked for, changed by arrivals and vanishings."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from comagic_cli.query.catalog import report as report_type
from comagic_cli.sandbox.data import rhythm
from comagic_cli.sandbox.data.business import Business
from comagic_cli.sandbox.data.source import EXTRA, Source
from comagic_cli.sandbox.data.sources import (
    VISITS,
    Rows,
    Span,
    invented,
    stored_time,
)
from comagic_cli.sandbox.methods.accounts import timezone
from comagic_cli.sandbox.methods.reports import Query, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from comagic_cli.query.catalog import ReportType
    from comagic_cli.sandbox.data.business import Row
    from comagic_cli.sandbox.quirks import Arrival, Quirks, Vanishing

    Records = Sequence[dict[str, Any]]

YEARS: Final = timedelta(days=3 * 365)  # how long the business has gone on
_REMEMBERED: Final = 64  # lists and sums
_INSIDE: Final = 2 * rhythm.SECOND + rhythm.SECOND // 2  # arrivals stand this far inside a period


@dataclass
class Worlds:
    """Every account's reports.

    `rows` communications are spread over `span`, or placed by `times`; where neither is told the
    business has gone on for three years up to `now`, which is the account's own time.
    """

    quirks: Quirks
    seed: int = 1
    rows: int | None = None
    span: tuple[int, int] | None = None
    times: Callable[[int], datetime] | None = None
    now: datetime | None = None
    data: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    _reports: dict[tuple[int | None, str, bool], Report] = field(default_factory=dict)
    _remembered: dict[tuple[Any, ...], Records] = field(default_factory=dict)
    _arrived: int = 0
    _lock: RLock = field(default_factory=RLock)

    def report(self, user: int | None, command: str, *, with_unusual: bool = False) -> Report:
        """Return a report of the account, or of an agent's client.

        With the unusual, the last row comes a second time, as a call that goes on or a technical
        message.
        """
        with self._lock:
            key = (user, command, with_unusual)
            if key not in self._reports:
                self._reports[key] = self._make(user, report_type(command))
                if with_unusual:
                    _add_unusual(self._reports[key])
            return self._reports[key]

    def business(self, user: int | None) -> Business:
        """Return the business of the account, or of an agent's client."""
        return Business(self.seed + (user or 0), user or 0)

    def rows_between(self, user: int | None, command: str, start: int, end: int) -> Iterator[Row]:
        """Yield the rows of a report from `start` to before `end`, in microseconds."""
        report = self.report(user, command)
        return (report.rows.row(rank) for rank in range(*report.between(start, end)))

    def remember(self, key: tuple[Any, ...], make: Callable[[], Records]) -> Records:
        """Return rows of a list or sums, made once."""
        with self._lock:
            if key not in self._remembered:
                self._remembered[key] = make()
            while len(self._remembered) > _REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            return self._remembered[key]

    def _make(self, user: int | None, type_: ReportType) -> Report:
        business = self.business(user)
        shift = rhythm.SECOND // 2 if self.quirks.shown == "rounded" else 0
        given = self.data.get(type_.command)
        if given is None:
            source = invented(type_, business, self.span_of(user, business), shift)
        else:
            rows = sorted(((stored_time(type_, row), row) for row in given), key=lambda row: row[0])
            source = Source(business, shift, 0, len(rows), givens=rows)
        return Report(type_, Rows(source), self.quirks)

    def local_now(self, user: int | None) -> datetime:
        """Return the account's time when the sandbox began, or a client's."""
        zone = ZoneInfo(self.quirks.timezone)
        now = self.now or datetime.now(zone)
        now = now if now.tzinfo else now.replace(tzinfo=zone)
        return now.astimezone(ZoneInfo(timezone(user, self.quirks))).replace(tzinfo=None)

    def span_of(self, user: int | None, business: Business) -> Span:
        """Return which communications an account has."""
        if self.times is not None:
            return self._timed(self.times)
        now = self.local_now(user)
        start, end = rhythm.micros(now - YEARS), rhythm.micros(now)
        if self.rows is not None:
            beat = rhythm.spread(self.rows, *(self.span or (start, end)), business.hashed)
            return Span(0, self.rows, beat.stored, beat.faster(VISITS).stored)
        beat = rhythm.endless(business.hashed)
        if self.span:
            start, end = self.span
        most = range((end - rhythm.FIRST_MONDAY) // rhythm.WEEK * rhythm.ROWS_A_WEEK + 2000)
        first, last = (bisect_left(most, edge, key=beat.stored) for edge in (start, end))
        return Span(first, last, beat.stored, beat.faster(VISITS).stored)

    def _timed(self, times: Callable[[int], datetime]) -> Span:
        def stored(number: int) -> int:
            return rhythm.micros(times(number))

        return Span(0, self.rows or 0, stored, lambda number: stored(number // VISITS))

    def pass_time(self, report: Report, calls: int, query: Query) -> None:
        """Let rows arrive and vanish after a call; `calls` of the report's method were answered."""
        with self._lock:
            for arrival in self.quirks.arrivals:
                if (arrival.method, arrival.after_call) == (report.type.method, calls):
                    self._arrive(report, arrival, query)
            for vanishing in self.quirks.vanishings:
                if (vanishing.method, vanishing.after_call) == (report.type.method, calls):
                    _vanish(report, vanishing, query)

    def _arrive(self, report: Report, arrival: Arrival, query: Query) -> None:
        source = report.rows.source
        rows: list[Row] = []
        given = [None] * arrival.rows if isinstance(arrival.rows, int) else arrival.rows
        for place, values in enumerate(given):
            self._arrived += 1
            stored = _arrival_time(arrival, query) + place * 1000
            if values is None:
                rows.append(source.row(EXTRA + self._arrived, stored))
            else:
                source.mixed = True
                when = stored_time(report.type, values) or stored
                rows.append(source.given_row(EXTRA + self._arrived, when, values))
        report.rows.add(rows)


def _add_unusual(report: Report) -> None:
    source = report.rows.source
    if source.givens is not None or source.last == source.first:
        return
    row = source.row(EXTRA, source.stored(source.last - 1))
    row.is_unusual = True
    report.rows.add([row])


def _arrival_time(arrival: Arrival, query: Query) -> int:
    if arrival.at == "start":
        return query.start + _INSIDE
    return query.end - _INSIDE if arrival.at == "end" else rhythm.parse(arrival.at)


def _vanish(report: Report, vanishing: Vanishing, query: Query) -> None:
    first, last = report.between(query.start, query.end)
    if vanishing.at == "end":
        first = last - vanishing.rows
    elif vanishing.at != "start":
        first = report.rows.rank_from(rhythm.parse(vanishing.at))
    report.rows.remove(first, vanishing.rows)
