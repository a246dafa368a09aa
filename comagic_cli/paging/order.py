"""Compare shown times in the order of reading, ascending or descending."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from comagic_cli.paging.window import (
    SECOND,
    RepeatedHour,
    Window,
    margin_of,
    parse_time,
    repeated_hours,
)
from comagic_cli.query.query import TIME_FORMAT, Query


@dataclass(frozen=True)
class Order:
    """Compare shown times in the order of reading.

    `first` and `last` are the seconds of the period, whatever the order; `far` is the one behind
    it. `start` is the second to begin at, `before_all` comes before every time. `repeated` are the
    hours that clocks show twice.
    """

    by_time: bool
    descending: bool
    first: str
    last: str
    far: str
    margin: timedelta
    repeated: Sequence[RepeatedHour]

    @classmethod
    def of(cls, query: Query, zone: str | None) -> Order:
        """Return the order of a query's rows; the zone tells which hours are shown twice."""
        period = query.period
        return cls(
            query.by_time,
            query.descending,
            shown(period.start),
            shown(period.end),
            shown(period.start - SECOND if query.descending else period.end + SECOND),
            margin_of(query.report),
            repeated_hours(period, zone),
        )

    @property
    def start(self) -> str:
        """The first second of the period, in this order."""
        return self.last if self.descending else self.first

    @property
    def before_all(self) -> str:
        """A text that comes before every time."""
        return "~" if self.descending else ""

    def is_before(self, time: str, other: str) -> bool:
        """Check that a time comes before another."""
        return other < time if self.descending else time < other

    def earlier(self, time: str, other: str) -> str:
        """Return the time that comes first."""
        return time if self.is_before(time, other) else other

    def count_before(self, times: Sequence[str], bound: str) -> int:
        """Count the times before a bound."""
        return bisect_left(times, True, key=lambda time: not self.is_before(time, bound))  # noqa: FBT003

    def is_sorted(self, times: Sequence[str]) -> bool:
        """Check that times do not go back, except within an hour that clocks repeat."""
        if list(times) == sorted(times, reverse=self.descending):
            return True
        return all(
            not self.is_before(later, earlier)
            or any(span.holds(earlier) and span.holds(later) for span in self.repeated)
            for earlier, later in pairwise(times)
        )

    def complete_until(self, time: str) -> str:
        """Return the second before which rows are complete, once a row showed `time`."""
        for span in self.repeated:
            if span.holds(time):
                return span.last if self.descending else span.first
        return time

    def select(self, times: Sequence[str], since: str) -> Sequence[int]:
        """Return the places of the times from `since` to the end of the period."""
        if self.repeated:
            return [
                place
                for place, time in enumerate(times)
                if not self.is_before(time, since) and self.is_before(time, self.far)
            ]
        return range(self.count_before(times, since), self.count_before(times, self.far))

    def window_end(self, window: Window) -> str:
        """Return the first second that a window does not bring for certain at its far end."""
        more = self.margin - SECOND
        edge = shown(window.start + more if self.descending else window.end - more)
        return self.complete_until(edge) if self.by_time else edge

    def join(self, before: Window, window: Window) -> Window:
        """Return a window that begins where the one before it ends for certain.

        That is earlier than its end, where it ends within an hour that clocks repeat.
        """
        moment = parse_time(self.window_end(before))
        if moment is None or not self.margin or not self.by_time:
            return window
        if self.descending:
            return Window(window.start, max(window.end, moment + self.margin))
        return Window(min(window.start, moment - self.margin), window.end)

    def rest_of(self, window: Window, since: str, *, tight: bool = False) -> Window:
        """Return the part of a window from a second on, with a margin unless it is tight."""
        moment = parse_time(since)
        if moment is None or not self.by_time:
            return window
        margin = timedelta(0) if tight else self.margin
        if self.descending:
            return Window(window.start, max(window.start, min(window.end, moment + margin)))
        return Window(min(window.end, max(window.start, moment - margin)), window.end)

    def second_before(self, bound: str) -> str:
        """Return the second before a bound."""
        moment = parse_time(bound)
        return bound if moment is None else shown(moment - SECOND)

    def settled(self, since: str, bound: str) -> tuple[str, str] | None:
        """Return the first and last second of what lies between `since` and before `bound`."""
        first, last = parse_time(since), parse_time(bound)
        if first is None or last is None:
            return None
        if self.descending:
            return shown(last + SECOND), shown(first)
        return shown(first), shown(last - SECOND)


def shown(moment: datetime) -> str:
    """Return a moment as the service shows it."""
    return moment.strftime(TIME_FORMAT)


def fill_times(times: Sequence[str], before: str) -> Sequence[str]:
    """Give each row without a time that of the row before it."""
    if "" not in times:
        return times
    filled = []
    for time in times:
        before = time or before
        filled.append(before)
    return filled
