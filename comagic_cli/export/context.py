"""The reporter, progress, clock and streams of a command."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

from comagic_cli.api.rate_limit import Quota, read_quotas
from comagic_cli.api.redact import redactor
from comagic_cli.api.retry import format_duration
from comagic_cli.errors import UsageProblem
from comagic_cli.files.cloud import Bucket, is_bucket, split_url
from comagic_cli.files.object_store import ObjectStore
from comagic_cli.files.output import open_output
from comagic_cli.files.store import Store, find_folder
from comagic_cli.files.stream import RawStream, read_errors
from comagic_cli.paging.reader import Reader
from comagic_cli.paging.window import parse_time, windows_of
from comagic_cli.query.query import Query
from comagic_cli.rows.page import Answer, Page

STDIN = "-"  # the name of standard input
BETWEEN = ", "
SURE = 0.02  # the part that must be done before the time left is estimated
PERIODS = ("day", "hour", "minute")
UNITS = {"day": "today"}  # else `this minute`


class Paged(Protocol):
    """A reader of pages; `matching` is the number of matching rows, where it is known."""

    query: Query
    matching: int | None


@dataclass
class Progress:
    """How far an export is.

    `rows` and answers (`calls`) that came, `points` left as the service last said. `of_files`
    describes what comes besides rows, and stands in their place.
    """

    clock: Callable[[], float] = time.monotonic
    is_watched: bool = False
    on_wait: Callable[[str], None] | None = None
    rows: int = 0
    calls: int = 0
    points: Sequence[Quota] = ()
    of_files: Callable[[], Iterable[str]] | None = None
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

    @property
    def points_left(self) -> int | None:
        """Return the points left, of the day or a shorter period; `None` if it is not known."""
        return main_quota(self.points).remaining if self.points else None

    def wait(self, text: str) -> None:
        """Report what is waited for and how long; "" when the wait has ended."""
        self._waiting = text
        if self.on_wait is not None:
            self.on_wait(text)

    def heard(self, params: Mapping[str, Any], answer: Answer) -> None:
        """Note the window of an answer, and the points that are left; each answer costs one."""
        self.calls += 1
        if "date_from" in params and "offset" in params:
            self._window = days_of(*self._within(params["date_from"], params["date_till"]))
        self.points = read_quotas(answer.limits) or self.points

    def watch(self, pager: Paged) -> None:
        """Follow a reader from now on."""
        self._pager = pager
        self._by_time = isinstance(pager, Reader)  # not customer by customer, or ids by ids
        self._is_one_window = self._by_time and len(windows_of(pager.query)) == 1

    def count(self, page: Page) -> None:
        """Count the rows of a page."""
        self.rows += page.count
        if page.marks:
            self._latest = page.marks[-1].time

    def reach(self, moment: str) -> None:
        """Count one row, of that time, where what is done with rows takes longer than pages."""
        self.rows += 1
        self._latest = moment

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
        if self._waiting:
            yield self._waiting
        yield from self._parts_of_files(self.of_files) if self.of_files else self._parts_of_rows()
        if self.points:
            yield f"points: {left_of(self.points)}"
        if not self._waiting:  # two durations would be confused
            yield format_duration(self.seconds)

    def _parts_of_files(self, of_files: Callable[[], Iterable[str]]) -> Iterator[str]:
        yield from of_files()
        if share := self.share():
            yield f"{share:.0%}"
            yield from self._time_left(share)

    def _parts_of_rows(self) -> Iterator[str]:
        total, share = self._expected(), self.share()
        yield f"{spaced(self.rows)} of {spaced(total)} rows" if total else rows_of(self.rows)
        if share and not total:
            yield f"{share:.0%} of the period"
        if share:
            yield from self._time_left(share)
        if self.rows and self.seconds > 0 and not self._waiting:
            yield f"{spaced(round(self.rows / self.seconds))}/s"
        if self._window:
            yield self._window

    def _time_left(self, share: float) -> Iterator[str]:
        if share >= SURE and not self._waiting:
            yield f"{format_duration(self.seconds * (1 - share) / share)} left"

    def _expected(self) -> int | None:
        """Return the expected number of rows, where it is known and plausible."""
        total = self._pager.matching if self._pager and self._is_one_window else None
        if total is None or self._pager is None:
            return None
        most = self._pager.query.max_rows
        expected = total if most is None else min(most, total)
        return expected if expected >= self.rows else None

    def share(self) -> float | None:
        """Return the part that is done, of the rows or else of the period; None if unknown."""
        if expected := self._expected():
            return self.rows / expected
        query = self._pager.query if self._pager else None
        latest = parse_time(self._latest)
        if query is None or latest is None or not self._by_time or query.max_rows is not None:
            return None
        if not query.by_time:
            return None
        start, end = query.period.start, query.period.end
        done = end - latest if query.descending else latest - start
        return max(0.0, min(1.0, done / (end - start))) if end > start else None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came of an export; `days` are its first and last one, `members` are for a JSON log.

    `counted` stands in place of the number of rows.
    """

    rows: int
    days: Sequence[str]
    points: int
    progress: Progress
    output: str = ""  # the file or files
    members: Mapping[str, Any] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    counted: str = ""

    def __str__(self) -> str:
        days = " to ".join(dict.fromkeys(self.days))
        left = [left_of(self.progress.points)] if self.progress.points else []
        points = f"{points_word(self.points)} spent"
        parts = [self.counted or rows_of(self.rows), days, self.output, points, *left]
        return f"{', '.join(filter(None, [*parts, lasted(self.progress.seconds)]))}."


class Reporter(Protocol):
    """Whoever listens to an export; several threads may call it."""

    @property
    def verbose(self) -> bool:
        """Return whether `note` is shown: else its texts need not be made."""

    def note(self, text: str) -> None:
        """Report a step; only --verbose shows it."""

    def info(self, text: str, **members: object) -> None:
        """Report one line; --quiet hides it."""

    def warn(self, text: str, **members: object) -> None:
        """Report one line about what may not be as wanted; --quiet hides it."""

    def hint(self, text: str) -> None:
        """Report one line for a person at a terminal; --quiet hides it."""

    def error(self, text: str, **members: object) -> None:
        """Report a failure after which the export continues."""

    def record(self, message: str, **members: object) -> None:
        """Record what came of the command, for the last line of a JSON log."""

    def finish(self, summary: Summary) -> None:
        """Report the end of an export."""

    def follow(self, output: str | None) -> AbstractContextManager[Progress]:
        """Open the progress of an export to an output."""

    def share(self, stream: RawStream) -> RawStream:
        """Return a stream whose rows do not mix with the progress on the same terminal."""


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """The time: `now` is aware, in UTC; `monotonic` and `sleep` are in seconds.

    `jitter` returns a random number from 0 to 1, which changes the length of pauses.
    """

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True)
class Terminal:
    """The terminal that standard output is: its width in cells, and whether it shows colors."""

    width: int
    color: bool


@dataclass(frozen=True, kw_only=True)
class Context:
    """The world around a command; a stream is `None` where it is closed."""

    reporter: Reporter
    clock: Clock = field(default_factory=Clock)
    environ: Mapping[str, str] = field(default_factory=dict)
    stdin: BinaryIO | None = None
    stdout: TextIO | None = None
    terminal: Terminal | None = None  # `None` where standard output is not one

    def read_text(self, name: str, option: str) -> str:
        """Read a whole file, or standard input (`-`), as UTF-8. Raises `UsageProblem`."""
        if name != STDIN:
            with read_errors(name):
                return _decode(Path(name).read_bytes(), name, option)
        if self.stdin is None:
            raise UsageProblem(f"{option}: standard input is closed", hint="Name a file.")
        with read_errors("standard input"):
            return _decode(self.stdin.read(), "standard input", option)

    def find_text(self, target: str, option: str) -> str | None:
        """Read a whole file or object as UTF-8; return `None` if there is none.

        Raises `UsageProblem`, of a bucket also `CannotWrite` and `NetworkFailure`.
        """
        if not is_bucket(target):
            return self.read_text(target, option) if Path(target).exists() else None
        store, name = self.find_store(target)
        data = store.read(name)
        return None if data is None else _decode(data, target, option)

    def find_store(self, target: str, patience: float | None = None) -> tuple[Store, str]:
        """Return the store of an output's path or URL, and the output's name there.

        `patience` is how many seconds a bucket may take for a request, less than it takes at most.
        """
        if not is_bucket(target):
            return find_folder(target)
        scheme, name, key = split_url(target)
        folder, slash, file = key.rpartition("/")
        reporter, sleep = self.reporter, self.clock.sleep
        bucket = Bucket(scheme, name, self.environ, redactor, reporter.note, sleep, patience)
        return ObjectStore(bucket, f"{folder}{slash}", reporter.hint, sleep), file

    def print(self, text: str) -> None:
        """Write lines to standard output, in UTF-8. Raises `CannotWrite`."""
        with open_output(None, self.stdout) as stream:
            stream.write(f"{text}\n".encode())

    def print_count(self, count: int, period: Sequence[str] | None) -> None:
        """Write the rows of a period to standard output, and record them. Raises `CannotWrite`."""
        self.print(str(count))
        self.reporter.record(rows_of(count), rows=count, period=period)


def _decode(data: bytes, name: str, option: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{option}: {name} is not UTF-8 text") from error


def files_of(count: int, template: object) -> str:
    """Count files of a template."""
    return f"{count} file{'s' * (count != 1)} of {template}"


def days_of(*moments: datetime) -> str:
    """Name the first and last day."""
    return " to ".join(dict.fromkeys(f"{moment:%Y-%m-%d}" for moment in moments))


def main_quota(points: Sequence[Quota]) -> Quota:
    """Return the quota of the day, else of the next shorter period."""
    units = {left.unit: left for left in reversed(points)}
    return next((units[unit] for unit in PERIODS if unit in units), points[0])


def left_of(points: Sequence[Quota]) -> str:
    """Describe the points left."""
    left = main_quota(points)
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
