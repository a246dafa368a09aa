"""Windows: parts of a period that paging can reach to the end. Pure.

A window holds the two times that are sent. It reaches a second beyond what it must bring, because
stored times have fractions, shown ones may be rounded, and `date_till` may exclude its own second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.errors import ComagicError, Refused
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.period import Period
from comagic_cli.query.query import TIME_FORMAT, Query

PAGE_MOST = 10_000  # rows a page, by the API's documentation
MAX_OFFSET = 100_000
SECOND = timedelta(seconds=1)
CHANGES = (3, 4, 9, 10, 11)  # months in which summer time ends somewhere
SATURDAY = 5
UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
UNIT = re.compile(
    r"(?<![\d.:-])(\d{1,4})?\s*(?:(?P<day>days?|д(?:ень|н)|сут)|(?P<week>weeks?|недел)"
    r"|(?P<month>months?|месяц)|(?P<year>years?|год|лет))",
    re.IGNORECASE,
)
# Words that stand before the cap, the surest first; and what follows a length that is too much.
LIMIT_WORDS = (
    re.compile(r"max|\bmost\b|up to|limit|не более|\bдо\b|макс|лимит|огранич", re.IGNORECASE),  # noqa: RUF001 - Russian
    re.compile(r"exceed|over\b|(?:more|longer) than|превыш|больше|свыше", re.IGNORECASE),
)
EXCESS = re.compile(r"\s*(?:too|longer|more|over|больше|лишн)", re.IGNORECASE)


class Window(msgspec.Struct, frozen=True):
    """The two times sent, both taken to belong to it."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        """Return it as messages show it."""
        return f"{self.start:%Y-%m-%d %H:%M:%S} … {self.end:%Y-%m-%d %H:%M:%S}"

    @property
    def span(self) -> timedelta:
        """Tell how long it is."""
        return self.end - self.start


def margin_of(report: ReportType) -> timedelta:
    """Return how far a window reaches beyond what it brings: 2 s where two fields make the time.

    Sums, and rows that are sums of a day, would count what lies in a margin.
    """
    return timedelta(0) if report.is_by_day else SECOND * len(report.time)


def window_around(period: Period, report: ReportType) -> Window:
    """Widen a period by the margin at both ends."""
    margin = margin_of(report)
    return Window(period.start - margin, period.end + margin)


def split_by_days(window: Window, max_days: int, report: ReportType) -> list[Window]:
    """Cut a window into parts that the cap of days allows, whether seconds or dates are counted.

    Parts are as equal as whole seconds allow; neighbours overlap by a second. Rows that are sums of
    a day are cut at midnight, other sums never.
    """
    most = timedelta(days=max(1, max_days) - 1) or timedelta(hours=23)
    if window.span <= most or not report.time:
        return [window]
    if report.is_by_day:
        return _split_at_midnight(window, timedelta(days=max(1, max_days)))
    parts = ceil(window.span / (most - SECOND))
    step = timedelta(seconds=ceil(window.span.total_seconds() / parts))
    starts = [window.start + step * part for part in range(parts)]
    return [
        Window(start - SECOND if part else start, min(start + step, window.end))
        for part, start in enumerate(starts)
        if start < window.end
    ]


def _split_at_midnight(window: Window, most: timedelta) -> list[Window]:
    starts = [window.start]
    while starts[-1] + most <= window.end:
        starts.append(starts[-1] + most)
    return [Window(start, min(start + most - SECOND, window.end)) for start in starts]


def windows_of(query: Query) -> list[Window]:
    """Return the windows that a query is read in."""
    whole = window_around(query.period, query.report)
    return split_by_days(whole, query.report.max_days, query.report)


class RepeatedHour(msgspec.Struct, frozen=True):
    """An hour that clocks repeat: its first and last shown second."""

    first: str
    last: str

    def holds(self, time: str) -> bool:
        """Tell whether a shown time lies in it."""
        return self.first <= time <= self.last


def repeated_hours(period: Period, zone: str | None) -> list[RepeatedHour]:
    """Return the hours of a period that clocks may show twice.

    Where the zone is unknown these are the nights in which summer time may end anywhere: from
    Saturday to Sunday in spring and autumn.
    """
    day = period.start.replace(hour=0, minute=0, second=0) - timedelta(days=1)
    spans = []
    while day <= period.end:
        span = _repeated_on(day, ZoneInfo(zone)) if zone else _night_of(day)
        spans += [span] if span else []
        day += timedelta(days=1)
    return spans


def _night_of(day: datetime) -> RepeatedHour | None:
    if day.month not in CHANGES or day.weekday() != SATURDAY:
        return None
    return _repeated_hour(day.replace(hour=23), timedelta(hours=5))


def _repeated_on(day: datetime, zone: ZoneInfo) -> RepeatedHour | None:
    """Return what clocks of a zone repeat within a day from noon to noon."""
    step = timedelta(minutes=15)
    first = day.replace(hour=12)
    if _offset(first, zone) <= _offset(first + timedelta(days=1), zone):
        return None
    quarters = [first + step * number for number in range(96)]
    twice = [time for time in quarters if _offset(time, zone) > _offset(time, zone, fold=1)]
    return _repeated_hour(twice[0], step * len(twice)) if twice else None


def _offset(moment: datetime, zone: ZoneInfo, fold: int = 0) -> timedelta:
    return moment.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0)


def _repeated_hour(first: datetime, length: timedelta) -> RepeatedHour:
    return RepeatedHour(
        first.strftime(TIME_FORMAT), (first + length - SECOND).strftime(TIME_FORMAT)
    )


def read_day_limit(message: str, window: Window) -> int:
    """Read the cap of days that a refusal names; half of the window's own where it names none.

    Raises `Refused` where the window is too short for that to help.
    """
    span = window.span / timedelta(days=1)
    lengths = _read_lengths(message)
    most = ceil(span)
    if not UNIT.search(message):
        numbers = re.finditer(r"(?<![\d.:-])\d{2,4}(?![\d.:-])", message)
        lengths, most = {found.start(): int(found[0]) for found in numbers}, ceil(span) - 1
    fitting = {place: days for place, days in lengths.items() if 1 <= days <= most}
    cap = _choose_limit(message, fitting) or int(span // 2)
    if cap < 1 or span < 1:
        raise Refused(
            f"the service refuses {window}, however short: it seems not to keep data that old "
            f"({message})",
            hint="Ask for later days.",
        )
    return cap


def find_cap(error: ComagicError, window: Window, report: ReportType) -> int:
    """Return the cap of days that a refusal of a window names.

    Raises any other error, and the refusal itself for sums over the period: they are one answer.
    """
    if error.mnemonic != "date_interval_limit_reached":
        raise error
    if report.time:
        return read_day_limit(error.message, window)
    error.hint = f"{report.command} has sums over the period, which can't be cut: shorten it."
    raise error


def _choose_limit(message: str, lengths: Mapping[int, int]) -> int:
    """Choose among lengths, by their places: the first after a word for a limit, else the largest.

    Of several such words the one with the shortest counts. 0 where there are no lengths.
    """
    for words in LIMIT_WORDS:
        after = [
            lengths[min(places)]
            for word in words.finditer(message)
            if (places := [place for place in lengths if place >= word.end()])
        ]
        if after:
            return min(after)
    return max(lengths.values(), default=0)


def _read_lengths(message: str) -> dict[int, int]:
    """Return the numbers of days, weeks, months and years in a message, in days, by their places.

    Months are taken to be short ones: three of them to be 89 days. What is too much is no limit.
    """
    lengths = {}
    for found in UNIT.finditer(message):
        unit = found.lastgroup or "day"
        if found[1] and not EXCESS.match(message, found.end()):
            lengths[found.start()] = int(found[1]) * UNITS[unit] - (unit == "month")
    return lengths


def parse_time(text: str) -> datetime | None:
    """Read a time of `YYYY-MM-DD hh:mm:ss`; `None` where it is none, as 30 February."""
    try:
        return datetime.strptime(text, TIME_FORMAT)  # noqa: DTZ007 - the account's zone, nowhere named
    except ValueError:
        return None
