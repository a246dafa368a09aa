"""The one voice on stderr: lines, a line of progress below them, or JSON for machines.

Several threads speak: the one that fetches and the one that writes. A stderr that is closed, full
or gone changes nothing. What could command a terminal, or break a line, becomes a blank.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, Any, Protocol, TextIO
from unicodedata import combining, east_asian_width

from rich.cells import cell_len

from comagic_cli.api.rate_limit import Quota, read_quotas
from comagic_cli.api.retry import format_duration
from comagic_cli.errors import CannotWrite, ComagicError, Place
from comagic_cli.fetch.pager import Pager
from comagic_cli.fetch.windows import outer, parse_time, spread
from comagic_cli.files.atomic_file import Part

if TYPE_CHECKING:
    from comagic_cli.api.envelope import Answer
    from comagic_cli.files.stream import Under
    from comagic_cli.query.query import Query
    from comagic_cli.request.pages import Page


OPTION, VARIABLE = "--log-format", "COMAGIC_LOG_FORMAT"
FORMATS = ("text", "json")
ERASE, ERASE_BELOW = "\r\x1b[K", "\x1b[J"
USUAL = 80  # columns of a terminal that doesn't tell


class Voice:
    """Say lines, and draw one that is written over by the next.

    `machine` makes every line a JSON object, and draws none.
    """

    def __init__(self) -> None:
        self.machine = False
        self.sandbox = False  # every line for a machine says so
        self._drawn = ""
        self._columns = 0  # the terminal's when it was drawn
        self._midway = False  # rows on the same terminal have not ended their line
        self._lock = RLock()

    def say(self, text: str, **members: object) -> None:
        """Write one line; a machine gets the members too."""
        text = plain(text)
        if self.machine:
            text = as_json(
                text, {"sandbox": "invented data", **members} if self.sandbox else members
            )
        with self._lock:
            drawn, broken = self._drawn, "\n" * self._midway
            self._midway = False
            self._put(f"{self._erased()}{broken}{text}\n")
            self._drawn = ""
            self._draw(drawn)

    def fail(self, error: ComagicError, code: int) -> None:
        """Tell what went wrong, in one or two lines; to a machine in one object."""
        if self.machine:
            members = {"mnemonic": error.mnemonic, "field": error.field, "hint": error.hint}
            said: dict[str, object] = {name: plain(text) for name, text in members.items()}
            if (at := error.place) is not None:
                said |= {"expression": plain(at.text), "start": at.start, "end": at.end}
            self.say(error.message, level="error", exit_code=code, **said)
            return
        self.say(f"comagic: {error.message}")
        if error.place:
            # moved

            for line in pointed(error.place):
                self.say(line)
        if error.hint:
            self.say(f"  {error.hint}")

    def draw(self, text: str) -> None:
        """Put a line in the place of the one drawn before; "" takes it away."""
        with self._lock:
            self._draw(plain(text))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while rows are written to the same terminal."""
        with self._lock:
            self._draw("")
            yield

    def leave(self, last: bytes) -> None:
        """Remember whether rows on the same terminal have ended their line."""
        self._midway = not last.endswith(b"\n")

    def _draw(self, text: str) -> None:
        if self.machine or self._midway:
            return
        columns = width()
        text = cut(text, columns - 1)
        if text == self._drawn and columns == self._columns:
            return
        erased = self._erased()
        if text:  # before it is written: a signal in the midst of that must not leave it there
            self._drawn, self._columns = text, columns
        self._put(erased + text)
        self._drawn, self._columns = text, columns

    def _erased(self) -> str:
        """Return what takes the drawn line away, where the terminal was made narrower too."""
        if not self._drawn:
            return ""
        columns = width()
        above = (cells(self._drawn) - 1) // columns if folds_again() else 0
        return ERASE + f"\x1b[{above}A{ERASE_BELOW}" * bool(above)

    def _put(self, text: str) -> None:
        if not text or sys.stderr is None or sys.stderr.closed:
            return
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            forget(sys.stderr)


VOICE = Voice()


def tell(text: str, **members: object) -> None:
    """Write one line to stderr."""
    VOICE.say(text, **members)


def forget(stream: TextIO | None) -> None:
    """Let what is buffered go nowhere, else Python complains of it at the end."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = stream.fileno()  # type: ignore[union-attr]  # None is suppressed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def as_json(text: str, members: Mapping[str, object]) -> str:
    """Write a line for a machine: when, how grave, and what it says."""
    import json  # noqa: PLC0415 - seldom needed, and slow to load
    from datetime import UTC, datetime  # noqa: PLC0415 - the same

    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"time": at, "level": "info", "message": text, **members}
    text = json.dumps(line, ensure_ascii=False, default=str)
    # What could command a terminal is escaped, in names of files too.
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def width() -> int:
    """Return the columns of the terminal that stderr is, now."""
    with suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL
    return USUAL


def log_format(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Find the log format before the command line is read: what is wrong with it is told in it."""
    typed = arguments[: arguments.index("--")] if "--" in arguments else arguments
    found = environment.get(VARIABLE, "")
    for word, after in zip(typed, [*typed[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name == OPTION:
            found = value if equals else after
    return found


def at_terminal() -> bool:
    """Tell whether stderr is a terminal."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def looked_at(*, quiet: bool = False) -> bool:
    """Tell whether stderr is a terminal that lines can be drawn on."""
    drawn = not quiet and not VOICE.machine and os.environ.get("TERM") != "dumb"
    return drawn and at_terminal()


def plain(text: str) -> str:
    """Put blanks in the place of what is not printable."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def cells(text: str) -> int:
    """Count the cells of a terminal that a text takes, at most."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, most: int) -> str:
    """Cut a text to so many cells."""
    while cells(text) > most:
        text = text[:-1] if text else ""
        if not text:
            break
    return text


def folds_again() -> bool:
    """Tell whether the terminal folds lines anew when it gets narrower: all but xterm do."""
    return "XTERM_VERSION" not in os.environ


def _cells(char: str) -> int:
    return 0 if combining(char) else 1 + (east_asian_width(char) in "WF")


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
    points: Sequence[Quota] = ()
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
        self.points = read_quotas(answer.limits) or self.points
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
            yield f"{format_duration(self.seconds * (1 - share) / share)} left"
        if self.rows and self.seconds > 0 and not self._waiting:
            yield f"{spaced(round(self.rows / self.seconds))}/s"
        if self._window:
            yield self._window
        if self.points:
            yield f"points: {left_of(self.points)}"
        if not self._waiting:  # two lengths of time would be taken for each other
            yield format_duration(self.seconds)

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


def left_of(points: Sequence[Quota]) -> str:
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


INDENT = "  "
NO_TERMINAL = 120  # cells of a line where there is no terminal


def pointed(place: Place, width: int | None = None) -> tuple[str, ...]:
    """Return the text on one line of at most `width` cells, and carets under the place.

    What is cut off, left or right, is shown as `…`. A text that shows nothing gets no lines.
    """
    text = "".join(char if char.isprintable() else " " for char in place.text)
    if not text.strip():
        return ()
    room = (width or _width()) - len(INDENT) - 1
    left, right = _shown(text, place, room)
    before = "…" * (left > 0) + text[left : place.start]
    after = text[place.start : right] + "…" * (right < len(text))
    marked = max(1, cell_len(text[place.start : min(place.end, right)]))
    return (
        f"{INDENT}{before}{after}",
        f"{INDENT}{' ' * cell_len(before)}{'^' * marked}",
    )


def _width() -> int:
    terminal = sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()
    return shutil.get_terminal_size().columns if terminal else NO_TERMINAL


def _shown(text: str, place: Place, room: int) -> tuple[int, int]:
    """Choose what of a text is shown: all if it fits, else what surrounds the place."""
    if cell_len(text) < room:
        return 0, len(text)
    room -= 2  # the two signs of a cut
    left = right = place.start
    while left and cell_len(text[left - 1 : place.start]) <= room // 3:
        left -= 1
    while right < len(text) and cell_len(text[left : right + 1]) <= room:
        right += 1
    while left and cell_len(text[left - 1 : right]) <= room:
        left -= 1
    return left, right


__all__ = ["ClosedStdout", "forget", "tell"]


class ClosedStdout(io.TextIOBase):
    """Standard output that was closed before the program began: writing to it is no success."""

    closed = True
    encoding = "utf-8"

    def write(self, _: str, /) -> int:
        """Refuse. Raises `CannotWrite`."""
        raise CannotWrite("Standard output is closed.", hint="Write to a file with -o FILE.")

    def isatty(self) -> bool:
        """Tell that it is no terminal."""
        return False
