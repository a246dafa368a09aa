"""Standard error: messages, errors and the progress line, or a JSON log.

Thread-safe. A stderr that is closed or full is not an error. Characters that could control a
terminal or break a line are replaced by spaces.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock, Timer
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from comagic_cli.errors import CannotWrite, ComagicError, Place

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from comagic_cli.export.context import Progress, Summary
    from comagic_cli.files.stream import RawStream

# rich is imported inside functions: it is slow to load, and most runs draw nothing.
# ruff: noqa: PLC0415

OPTION, VARIABLE = "--log-format", "COMAGIC_LOG_FORMAT"
FORMATS = ("text", "json")
DELAY = 0.4  # seconds; shorter exports show no progress
CLEAR = "\r\x1b[K\x1b[?25h"  # erases the line, shows the cursor
INDENT = "  "
WARNINGS = frozenset({"warning", "error"})  # levels of lines
WIDTH = 120  # columns without a terminal
MIN_WIDTH = 20  # columns that messages are wrapped to at least


@dataclass
class Outcome:
    """What the last line of a JSON log says of a run; `facts` are those of the command."""

    message: str = "done"
    warnings: int = 0
    facts: dict[str, object] = field(default_factory=dict)
    progresses: list[Progress] = field(default_factory=list)
    start: float = field(default_factory=monotonic)

    def members(self, code: int) -> dict[str, object]:
        """Return the members of the line; what is not known, or does not apply, is null."""
        progresses = self.progresses
        rows = sum(progress.rows for progress in progresses) if progresses else None
        calls = sum(progress.calls for progress in progresses) if progresses else None
        lefts = (progress.points_left for progress in reversed(progresses))
        known = {"rows": rows} | dict.fromkeys(("period", "output", "bytes")) | self.facts
        return known | {
            "points": calls,
            "points_left": next((left for left in lefts if left is not None), None),
            "seconds": round(monotonic() - self.start, 3),
            "warnings": self.warnings,
            "exit_code": int(code),
        }


class Console:
    """Write lines to stderr above the progress line; with `json`, each as a JSON object."""

    def __init__(self) -> None:
        self.json = False
        self.sandbox = False  # then each JSON object says so
        self.outcome = Outcome()
        self._line: Callable[[int], str] | None = None  # the progress in N columns
        self._live: Live | None = None
        self._row_is_open = False  # a row on the same terminal has not ended yet
        self._lock = RLock()

    def begin(self, *, is_json: bool) -> None:
        """Begin a run of the program."""
        self.json, self.sandbox, self.outcome = is_json, False, Outcome()

    def print(self, text: str, **members: object) -> None:
        """Write one line, wrapped to a terminal; `members` are for JSON only."""
        text = plain(text)
        self.outcome.warnings += members.get("level") in WARNINGS
        if self.json:
            sandbox = {"sandbox": "invented data"} if self.sandbox else {}
            text = as_json(text, sandbox | members)
        else:
            text = "\n".join(wrap(text))
        with self._lock:
            newline, self._row_is_open = "\n" * self._row_is_open, False
            if self._live is None:
                self._write(f"{newline}{text}\n")
                self.show()
                return
            from rich.text import Text

            with suppress(OSError, ValueError):
                self._live.console.print(Text(text), soft_wrap=True)

    def print_error(self, error: ComagicError, code: int) -> None:
        """Write an error, its place and its hint; in JSON, as one object."""
        if self.json:
            texts = {"mnemonic": error.mnemonic, "field": error.field, "hint": error.hint}
            members: dict[str, object] = {name: plain(text) for name, text in texts.items()}
            if (place := error.place) is not None:
                text = plain(place.text)
                members |= {"expression": text, "start": place.start, "end": place.end}
            last = self.outcome.members(code) | members
            self.print(error.message, level="error", **last)
            return
        self.print(f"comagic: {error.message}")
        for line in caret_lines(error.place) if error.place else ():
            self.print(line)
        if error.hint:
            self.print(f"{INDENT}{error.hint}")

    def record(self, message: str, **facts: object) -> None:
        """Record what came of the command, for the last line of a JSON log."""
        self.outcome.message = message
        self.outcome.facts |= facts

    def print_end(self, code: int) -> None:
        """Write the last line of a run, if the log is JSON: what came of it."""
        if self.json:
            level = "error" if code else "info"
            last = self.outcome.members(code)
            self.print(self.outcome.message, level=level, **last)

    def start(self, line: Callable[[int], str]) -> None:
        """Set the progress line, which `show` draws until `stop`."""
        self._line = line

    def stop(self) -> None:
        """Remove the progress line."""
        self._line = None
        self.hide()

    def show(self) -> None:
        """Draw the progress line, unless a row on the same terminal has not ended."""
        with self._lock:
            if self._line is None or self._live is not None or self._row_is_open:
                return
            from rich.console import Console as Terminal
            from rich.live import Live

            terminal = Terminal(stderr=True, highlight=False)
            self._live = Live(
                get_renderable=lambda: self._render(terminal.width),
                console=terminal,
                redirect_stdout=False,
                redirect_stderr=False,
                transient=True,
            )
            with suppress(OSError, ValueError):
                self._live.start(refresh=True)

    def hide(self) -> None:
        """Erase the progress line, also if a signal interrupted that before."""
        with self._lock:
            if self._live is None:
                return
            is_interrupted = not self._live.is_started
            with suppress(OSError, ValueError):
                self._live.stop()
            if is_interrupted:
                self._write(CLEAR)
            self._live = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Erase the progress line while something else is written to the same terminal."""
        with self._lock:
            self.hide()
            yield
            self.show()

    def end_rows(self, last: bytes) -> None:
        """Record whether the last row on the same terminal has ended."""
        self._row_is_open = not last.endswith(b"\n")

    def _render(self, columns: int) -> Text:
        from rich.text import Text

        text = plain(self._line(columns)) if self._line else ""
        return Text(text, no_wrap=True, overflow="ellipsis")

    def _write(self, text: str) -> None:
        if sys.stderr is None or sys.stderr.closed:
            return
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            discard_output(sys.stderr)


CONSOLE = Console()


def print_message(text: str, **members: object) -> None:
    """Write one line to stderr."""
    CONSOLE.print(text, **members)


@dataclass(frozen=True)
class StderrReporter:
    """Report an export on stderr; implements `export.context.Reporter`."""

    quiet: bool
    verbose: bool
    make_progress: Callable[..., Progress]

    def note(self, text: str) -> None:
        """Write a step, with --verbose."""
        if self.verbose and not self.quiet:
            print_message(f"sandbox, invented data: {text}" if CONSOLE.sandbox else text)

    def info(self, text: str, **members: object) -> None:
        """Write a line, unless --quiet."""
        if not self.quiet:
            print_message(text, **members)

    def warn(self, text: str, **members: object) -> None:
        """Write a warning, unless --quiet."""
        if not self.quiet:
            print_message(f"comagic: {text}", level="warning", **members)

    def hint(self, text: str) -> None:
        """Write a line for a person at a terminal."""
        if not self.quiet and (self.verbose or at_terminal()):
            print_message(text)

    def error(self, text: str, **members: object) -> None:
        """Write an error."""
        print_message(f"comagic: {text}", level="error", **members)

    def record(self, message: str, **members: object) -> None:
        """Record what came of the command, for the last line of a JSON log."""
        CONSOLE.record(message, **members)

    def finish(self, summary: Summary) -> None:
        """Write the summary of an export at a terminal and with --verbose; record it for JSON."""
        text = str(summary)
        if CONSOLE.sandbox:
            text = f"{text.removesuffix('.')}, invented data of the sandbox."
        self.record(text, **summary.members)
        if self.quiet or not (self.verbose or CONSOLE.json or at_terminal()):
            return
        for remark in summary.remarks:
            print_message(remark)
        if not CONSOLE.json:
            print_message(text)

    @contextmanager
    def follow(self, output: str | None) -> Iterator[Progress]:
        """Draw the progress of an export if stderr is a terminal; erase it at the end.

        If rows go to a pipe, only waits are drawn: the reader of the pipe may be a pager.
        """
        is_drawn = can_show_progress(quiet=self.quiet)
        progress = self.make_progress(is_watched=is_drawn)
        CONSOLE.outcome.progresses.append(progress)
        if not is_drawn:
            yield progress
            return
        timer = Timer(DELAY, CONSOLE.show)
        timer.daemon = True
        CONSOLE.start(progress.line)
        if is_piped(output):
            progress.on_wait = lambda text: CONSOLE.show() if text else CONSOLE.hide()
        else:
            timer.start()
        try:
            yield progress
        finally:
            timer.cancel()
            progress.on_wait = None
            CONSOLE.stop()

    def share(self, stream: RawStream) -> RawStream:
        """Return a stream that hides the progress line while it writes to a terminal."""
        with suppress(OSError, ValueError, AttributeError):  # it may have no descriptor
            if os.isatty(stream.fileno()):
                return TerminalStream(stream)
        return stream


class TerminalStream:
    """Write rows to a terminal that may also show the progress line."""

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream

    def write(self, data: memoryview, /) -> int | None:
        """Write bytes; return how many were written."""
        with CONSOLE.paused():
            written = self._stream.write(data)
            if written:
                CONSOLE.end_rows(bytes(data[written - 1 : written]))
            return written

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._stream.fileno()


class ClosedStdout(io.TextIOBase):
    """Stand in for a standard output that was closed at the start: writing is an error."""

    closed = True
    encoding = "utf-8"

    def write(self, _: str, /) -> int:
        """Raise `CannotWrite`."""
        raise CannotWrite("Standard output is closed.", hint="Write to a file with -o FILE.")

    def isatty(self) -> bool:
        """Return False."""
        return False


def discard_output(stream: TextIO | None) -> None:
    """Discard the buffer of a closed stream; otherwise Python prints an error at exit."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = stream.fileno()  # type: ignore[union-attr]  # None is suppressed
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, descriptor)
        os.close(devnull)


def log_format(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the log format before the command line is parsed: parse errors need it."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    name = environment.get(VARIABLE, "")
    for word, following in zip(words, [*words[1:], ""], strict=False):
        option, equals, value = word.partition("=")
        if option == OPTION:
            name = value if equals else following
    return name


def as_json(text: str, members: Mapping[str, object]) -> str:
    """Return a line of JSON: time, level and message."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"time": now, "level": "info", "message": text, **members}
    text = json.dumps(line, ensure_ascii=False, default=str)
    # Characters that could control a terminal are escaped, also in file names.
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def plain(text: str) -> str:
    """Replace unprintable characters by spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def at_terminal() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def can_show_progress(*, quiet: bool = False) -> bool:
    """Return whether the progress line can be drawn on stderr."""
    can_draw = not quiet and not CONSOLE.json and os.environ.get("TERM") != "dumb"
    return can_draw and at_terminal()


def is_piped(output: str | None) -> bool:
    """Return whether rows go to standard output and it is a pipe."""
    return output in (None, "-") and stat.S_ISFIFO(_mode_of_stdout())


def is_stdout_file() -> bool:
    """Return whether standard output is a regular file: `comagic calls > calls.csv`."""
    return stat.S_ISREG(_mode_of_stdout())


def _mode_of_stdout() -> int:
    """Return the type of standard output, as `stat` has it; 0 where it is not known."""
    with suppress(OSError, ValueError, AttributeError):  # it may have no descriptor
        return os.fstat(sys.stdout.fileno()).st_mode if sys.stdout else 0
    return 0


def wrap(text: str) -> list[str]:
    """Break a message into lines that fit a terminal, between words; elsewhere it is one line."""
    width = max(_terminal_width(), MIN_WIDTH)
    if not at_terminal() or len(text) <= width:
        return [text]
    return textwrap.wrap(
        plain(text),
        width,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def caret_lines(place: Place, width: int | None = None) -> tuple[str, ...]:
    """Return the text in one line of at most `width` columns, and carets below the place.

    Text that does not fit is replaced by `…`. A blank text has no lines.
    """
    from rich.cells import cell_len

    text = plain(place.text)
    if not text.strip():
        return ()
    room = (width or _terminal_width()) - len(INDENT) - 1
    left, right = _visible(text, place, room)
    before = "…" * (left > 0) + text[left : place.start]
    after = text[place.start : right] + "…" * (right < len(text))
    length = max(1, cell_len(text[place.start : min(place.end, right)]))
    return (
        f"{INDENT}{before}{after}",
        f"{INDENT}{' ' * cell_len(before)}{'^' * length}",
    )


def _terminal_width() -> int:
    return shutil.get_terminal_size().columns if at_terminal() else WIDTH


def _visible(text: str, place: Place, room: int) -> tuple[int, int]:
    """Return the start and end of the part that fits: the whole text, or around the place."""
    from rich.cells import cell_len

    if cell_len(text) < room:
        return 0, len(text)
    room -= 2  # the two ellipses
    left = right = place.start
    while left and cell_len(text[left - 1 : place.start]) <= room // 3:
        left -= 1
    while right < len(text) and cell_len(text[left : right + 1]) <= room:
        right += 1
    while left and cell_len(text[left - 1 : right]) <= room:
        left -= 1
    return left, right
