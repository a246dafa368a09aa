"""How far an export is, and what came of it, in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from comagic_cli.api.rate_limit import Quota, read_quotas
from comagic_cli.api.retry import format_duration
from comagic_cli.paging.reader import Reader
from comagic_cli.paging.window import parse_time, split_by_days, window_around
from comagic_cli.query.query import Query
from comagic_cli.rows.answer import Answer
from comagic_cli.rows.page import Page

BETWEEN = ", "
SURE = 0.02  # the part that must be done before the time left is estimated
PERIODS = ("day", "hour", "minute")
UNITS = {"day": "today"}  # else `this minute`


class Paged(Protocol):
    """A reader of pages; `matching` is the number of matching rows, where it is known."""

    query: Query
    matching: int | None

    def pages(self) -> Iterator[Page]:
        """Yield the pages."""


@dataclass
class Progress:
    """How far an export is: `rows` that came, `points` left as the service last said."""

    clock: Callable[[], float] = time.monotonic
    is_watched: bool = False
    on_wait: Callable[[str], None] | None = None
    rows: int = 0
    points: Sequence[Quota] = ()
    _start: float = field(init=False)
    _window: str = ""
    _waiting: str = ""
    _pager: Paged | None = None
    _by_time: bool = False
    _is_one_window: bool = False  # so that its total is that of the export
    _latest: str = ""

    def __post_init__(self) -> None:
        self._start = self.clock()

    @property
    def seconds(self) -> float:
        """Return the seconds since the start."""
        return self.clock() - self._start

    def wait(self, text: str) -> None:
        """Report what is waited for and how long; "" when the wait has ended."""
        self._waiting = text
        if self.on_wait is not None:
            self.on_wait(text)

    def heard(self, params: Mapping[str, Any], answer: Answer) -> None:
        """Note the window of an answer, and the points that are left."""
        if "date_from" in params and "offset" in params:
            self._window = days_of(*self._within(params["date_from"], params["date_till"]))
        self.points = read_quotas(answer.limits) or self.points

    def watch(self, pager: Paged) -> Iterator[Page]:
        """Yield the pages, and count their rows."""
        self._pager = pager
        self._by_time = isinstance(pager, Reader)  # not customer by customer, or ids by ids
        self._is_one_window = self._by_time and in_one_window(pager.query)
        for page in pager.pages():
            self.rows += page.count
            if page.marks:
                self._latest = page.marks[-1].time
            yield page
            del page  # else its memory is held until the next one has come

    def line(self, columns: int) -> str:
        """Describe the progress in at most so many columns, the most important part first."""
        text = ""
        for part in self._parts():
            longer = f"{text}{BETWEEN}{part}" if text else part
            text = longer if len(longer) < columns or not text else text
        return text

    def _within(self, *times: str) -> Iterator[datetime]:
        """Read the ends of a window, without its margins beyond the period."""
        for moment in filter(None, map(parse_time, times)):
            if self._pager is None:
                yield moment
            else:
                period = self._pager.query.period
                yield max(period.start, min(moment, period.end))

    def _parts(self) -> Iterator[str]:
        total, share = self._expected(), self.share()
        if self._waiting:
            yield self._waiting
        yield f"{spaced(self.rows)} of {spaced(total)} rows" if total else rows_of(self.rows)
        if share and not total:
            yield f"{share:.0%} of the period"
        if share and share >= SURE and not self._waiting:
            yield f"{format_duration(self.seconds * (1 - share) / share)} left"
        if self.rows and self.seconds > 0 and not self._waiting:
            yield f"{spaced(round(self.rows / self.seconds))}/s"
        if self._window:
            yield self._window
        if self.points:
            yield f"points: {left_of(self.points)}"
        if not self._waiting:  # two durations would be confused
            yield format_duration(self.seconds)

    def _expected(self) -> int | None:
        """Return the expected number of rows, where it is known and plausible."""
        total = self._pager.matching if self._pager and self._is_one_window else None
        if total is None or self._pager is None:
            return None
        most = self._pager.query.most
        expected = total if most is None else min(most, total)
        return expected if expected >= self.rows else None

    def share(self) -> float | None:
        """Return the part that is done, of the rows or else of the period; None if unknown."""
        if expected := self._expected():
            return self.rows / expected
        query = self._pager.query if self._pager else None
        latest = parse_time(self._latest)
        if query is None or latest is None or not self._by_time or query.most is not None:
            return None
        if not query.by_time:
            return None
        start, end = query.period.start, query.period.end
        done = end - latest if query.descending else latest - start
        return max(0.0, min(1.0, done / (end - start))) if end > start else None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came of an export; `days` are its first and last one, `members` are for a JSON log."""

    rows: int
    days: Sequence[str]
    points: int
    progress: Progress
    output: str = ""  # the file or files
    members: Mapping[str, object] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    def __str__(self) -> str:
        days = " to ".join(dict.fromkeys(self.days))
        left = [left_of(self.progress.points)] if self.progress.points else []
        points = f"{points_word(self.points)} spent"
        parts = [rows_of(self.rows), days, self.output, points, *left]
        return f"{', '.join(filter(None, [*parts, lasted(self.progress.seconds)]))}."


def in_one_window(query: Query) -> bool:
    """Return whether one window covers the period."""
    return (
        len(
            split_by_days(
                window_around(query.period, len(query.report.time)), query.report.max_days
            )
        )
        == 1
    )


def days_of(*moments: datetime) -> str:
    """Name the first and last day."""
    return " to ".join(dict.fromkeys(f"{moment:%Y-%m-%d}" for moment in moments))


def left_of(points: Sequence[Quota]) -> str:
    """Describe the points left: of the day, else of the next shorter period."""
    units = {left.unit: left for left in reversed(points)}
    left = next((units[unit] for unit in PERIODS if unit in units), points[0])
    unit = UNITS.get(left.unit, f"this {left.unit}" if left.unit else "")
    return f"{spaced(left.remaining)} left {unit}".rstrip()


def points_word(count: int) -> str:
    """Count points."""
    return f"{spaced(count)} point{'s' * (count != 1)}"


def rows_of(count: int) -> str:
    """Count rows."""
    return f"{spaced(count) if count else 'no'} row{'s' * (count != 1)}"


def spaced(number: int) -> str:
    """Write a number with spaces between thousands."""
    return f"{number:,}".replace(",", " ")


def sized(count: int) -> str:
    """Write a number of bytes."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - of the unit, one of the next
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def lasted(seconds: float) -> str:
    """Write a duration."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
