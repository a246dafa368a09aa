"""How far an export is: one line on a terminal, written over as it goes, and its sum at the end."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol

from comagic_cli.commands.voice import VOICE, cells, looked_at, width
from comagic_cli.fetch.pager import Pager
from comagic_cli.fetch.points import Left, points_of
from comagic_cli.fetch.saying import spell
from comagic_cli.fetch.windows import outer, parse_time, spread
from comagic_cli.output.whole import Part

if TYPE_CHECKING:
    from comagic_cli.fetch.wire import Answer
    from comagic_cli.output.stream import Under
    from comagic_cli.request.pages import Page
    from comagic_cli.request.query import Query

BETWEEN = ", "
OFTEN = 0.1  # seconds between two drawings, at least
TICK = 0.5  # seconds between two drawings where nothing happens
SHORT = 0.4  # seconds; what ends sooner is not drawn at all
SURE = 0.02  # the part of an export that must be done before the time left is told
TOLD = ("day", "hour", "minute")
UNITS = {"day": "today"}  # what is left of a unit's points, in words; else `this minute`


class Paged(Protocol):
    """What reads a query's pages; `matching` is how many rows match, as far as is known."""

    query: Query
    matching: int | None

    def pages(self) -> Iterator[Page]:
        """Yield the pages."""


@dataclass
class Progress:
    """Follow an export and draw how far it is; `draw` is `None` where nobody looks.

    `rows` are those that came, `points` what is left of them as the service last said. Where rows
    are `piped` only waits are drawn: who reads the pipe (a pager, say) may use the same terminal.
    """

    draw: Callable[[str], None] | None = None
    clock: Callable[[], float] = time.monotonic
    rows: int = 0
    points: Sequence[Left] = ()
    piped: bool = False
    _began: float = field(init=False)
    _window: str = ""
    _waiting: str = ""
    _pager: Paged | None = None
    _by_time: bool = False
    _whole: bool = False  # one window is the whole period, so that its total is the export's
    _latest: str = ""
    _drawn_at: float | None = None

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return self.clock() - self._began

    def wait(self, text: str) -> None:
        """Show what is waited for and how long; "" when that has ended."""
        self._waiting = text
        if self.draw is not None:
            self._put()

    def heard(self, params: Mapping[str, Any], answer: Answer) -> None:
        """Take in an answer: its window, and what is left of the points."""
        if "date_from" in params and "offset" in params:
            self._window = days_of(*self._within(params["date_from"], params["date_till"]))
        self.points = points_of(answer.limits) or self.points
        self.tick()

    def watch(self, pager: Paged) -> Iterator[Page]:
        """Yield the pages, counting the rows as they come."""
        self._pager = pager
        self._by_time = isinstance(pager, Pager)  # and not client by client, or lot by lot
        self._whole = self._by_time and in_one_window(pager.query)
        for page in pager.pages():
            self.rows += page.count
            if page.marks:
                self._latest = page.marks[-1].time
            self.tick()
            yield page
            del page  # else its memory is held until the next one has come

    def tick(self) -> None:
        """Draw how far it is, unless that was done a moment ago."""
        now = self.clock()
        if self.draw is None or now - self._began < SHORT or (self.piped and not self._waiting):
            return
        if self._drawn_at is None or now - self._drawn_at >= OFTEN:
            self._put()

    def line(self, columns: int) -> str:
        """Say how far it is, the most telling first, in so many cells."""
        text = ""
        for part in self._parts():
            longer = f"{text}{BETWEEN}{part}" if text else part
            text = longer if cells(longer) < columns or not text else text
        return text

    def _within(self, *times: str) -> Iterator[datetime]:
        """Read a window's ends without the seconds that it reaches beyond the period."""
        for moment in filter(None, map(parse_time, times)):
            if self._pager is None:
                yield moment
            else:
                period = self._pager.query.period
                yield max(period.start, min(moment, period.end))

    def _put(self) -> None:
        self._drawn_at = self.clock()
        if self.draw is not None:
            hidden = self.piped and not self._waiting
            self.draw("" if hidden else self.line(width()))

    def _parts(self) -> Iterator[str]:
        total, share = self._expected(), self.share()
        if self._waiting:
            yield self._waiting
        yield f"{spaced(self.rows)} of {spaced(total)} rows" if total else rows_of(self.rows)
        if share and not total:
            yield f"{share:.0%} of the period"
        if share and share >= SURE and not self._waiting:
            yield f"{spell(self.seconds * (1 - share) / share)} left"
        if self.rows and self.seconds > 0 and not self._waiting:
            yield f"{spaced(round(self.rows / self.seconds))}/s"
        if self._window:
            yield self._window
        if self.points:
            yield f"points: {left_of(self.points)}"
        if not self._waiting:  # two lengths of time would be taken for each other
            yield spell(self.seconds)

    def _expected(self) -> int | None:
        """Return how many rows will come, where that is known and believed."""
        total = self._pager.matching if self._pager and self._whole else None
        if total is None or self._pager is None:
            return None
        most = self._pager.query.most
        expected = total if most is None else min(most, total)
        return expected if expected >= self.rows else None

    def share(self) -> float | None:
        """Return which part is done: of the rows, else of the period; `None` where none tells."""
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


class Polite:
    """Take the drawn line away before rows are written to the same terminal."""

    def __init__(self, under: Under) -> None:
        self._under = under

    def write(self, data: memoryview, /) -> int | None:
        """Write some of the bytes and return how many."""
        with VOICE.aside():
            written = self._under.write(data)
            if written:
                VOICE.leave(bytes(data[written - 1 : written]))
            return written

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._under.fileno()


def polite(under: Under) -> Under:
    """Let rows that go to a terminal take the drawn line away first."""
    if isinstance(under, Part):  # to ask for its descriptor would begin it anew: see --resume
        return under
    with suppress(OSError, ValueError, AttributeError):  # what is in memory has no descriptor
        if os.isatty(under.fileno()):
            return Polite(under)
    return under


@contextmanager
def open_progress(*, quiet: bool, piped: bool = False) -> Iterator[Progress]:
    """Give what shows how far it is; it draws nothing where stderr is no terminal, or by --quiet.

    The line is taken away for good in the end: the thread that fetches may outlive it.
    """
    if not looked_at(quiet=quiet):
        yield Progress()
        return
    progress, ended = Progress(VOICE.draw, piped=piped), Event()

    def tick() -> None:
        while not ended.wait(TICK):
            progress.tick()

    ticking = Thread(target=tick, daemon=True, name="progress")
    ticking.start()
    try:
        yield progress
    finally:
        ended.set()
        progress.draw = None
        ticking.join(TICK)  # it may be drawing
        VOICE.draw("")


def into_a_pipe(output: str | None) -> bool:
    """Tell whether rows go to standard output, and that is a pipe."""
    if sys.stdout is None or output not in (None, "-"):
        return False
    with suppress(OSError, ValueError, AttributeError):  # what is in memory has no descriptor
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return False


def in_one_window(query: Query) -> bool:
    """Tell whether the first answer's total is that of the whole period."""
    return len(spread(outer(query.period, len(query.report.time)), query.report.max_days)) == 1


def days_of(*moments: datetime) -> str:
    """Name the first and last day of some times."""
    return " to ".join(dict.fromkeys(f"{moment:%Y-%m-%d}" for moment in moments))


def left_of(points: Sequence[Left]) -> str:
    """Say how many points are left: of the day, else of the next unit that is told."""
    units = {left.unit: left for left in reversed(points)}
    left = next((units[unit] for unit in TOLD if unit in units), points[0])
    unit = UNITS.get(left.unit, f"this {left.unit}" if left.unit else "")
    return f"{spaced(left.remaining)} left {unit}".rstrip()


def points_word(count: int) -> str:
    """Count points."""
    return f"{spaced(count)} point{'s' * (count != 1)}"


def rows_of(count: int) -> str:
    """Count rows."""
    return f"{spaced(count) if count else 'no'} row{'s' * (count != 1)}"


def spaced(number: int) -> str:
    """Write a number with a blank before every three digits."""
    return f"{number:,}".replace(",", " ")


def sized(count: int) -> str:
    """Write a number of bytes."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - of the unit, one of the next
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
