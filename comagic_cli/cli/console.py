"""Standard error: messages, errors, the progress line, or JSON lines for programs.

Several threads write. A stderr that is closed, full or gone changes nothing. Characters that could
control a terminal or break a line are replaced by spaces.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock, Timer
from typing import TYPE_CHECKING, TextIO

from comagic_cli.errors import CannotWrite, ComagicError, Place

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from comagic_cli.export.context import Progress, Summary
    from comagic_cli.files.stream import RawStream

# Imports inside functions: most runs draw nothing, and rich is slow to load.
# ruff: noqa: PLC0415

OPTION, VARIABLE = "--log-format", "COMAGIC_LOG_FORMAT"
FORMATS = ("text", "json")
DELAY = 0.4  # seconds; a shorter export shows no progress
CLEAR = "\r\x1b[K\x1b[?25h"  # erases the line and shows the cursor
INDENT = "  "
WIDTH = 120  # columns where there is no terminal


class Console:
    """Write lines to stderr, above a line of progress; `json` makes each line a JSON object."""

    def __init__(self) -> None:
        self.json = False
        self.sandbox = False  # every line for a machine says so
        self._line: Callable[[int], str] | None = None  # the progress for so many columns
        self._live: Live | None = None
        self._is_midway = False  # rows on the same terminal have not ended their line
        self._lock = RLock()

    def print(self, text: str, **members: object) -> None:
        """Write one line; the members are for JSON only."""
        text = plain(text)
        if self.json:
            told = {"sandbox": "invented data", **members} if self.sandbox else members
            text = as_json(text, told)
        with self._lock:
            newline, self._is_midway = "\n" * self._is_midway, False
            if self._live is None:
                self._write(f"{newline}{text}\n")
                self.show()
                return
            from rich.text import Text

            with suppress(OSError, ValueError):
                self._live.console.print(Text(text), soft_wrap=True)

    def fail(self, error: ComagicError, code: int) -> None:
        """Write an error, its place and its hint; as JSON in one object."""
        if self.json:
            texts = {"mnemonic": error.mnemonic, "field": error.field, "hint": error.hint}
            members: dict[str, object] = {name: plain(text) for name, text in texts.items()}
            if (place := error.place) is not None:
                text = plain(place.text)
                members |= {"expression": text, "start": place.start, "end": place.end}
            self.print(error.message, level="error", exit_code=code, **members)
            return
        self.print(f"comagic: {error.message}")
        for line in caret_lines(error.place) if error.place else ():
            self.print(line)
        if error.hint:
            self.print(f"{INDENT}{error.hint}")

    def start(self, line: Callable[[int], str]) -> None:
        """Take a line of progress, which `show` draws until `stop`."""
        self._line = line

    def stop(self) -> None:
        """Erase the progress for good."""
        self._line = None
        self.hide()

    def show(self) -> None:
        """Draw the progress, unless a row on the same terminal has not ended."""
        with self._lock:
            if self._line is None or self._live is not None or self._is_midway:
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
        """Erase the progress, also where a signal interrupted that before."""
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
        """Erase the progress while something else is written to the same terminal."""
        with self._lock:
            self.hide()
            yield
            self.show()

    def end_rows(self, last: bytes) -> None:
        """Remember whether rows on the same terminal have ended their line."""
        self._is_midway = not last.endswith(b"\n")

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


def tell(text: str, **members: object) -> None:
    """Write one line to stderr."""
    CONSOLE.print(text, **members)


@dataclass(frozen=True)
class StderrReporter:
    """Report on stderr what happens in an export: implements `export.context.Reporter`."""

    quiet: bool
    verbose: bool

    def note(self, text: str) -> None:
        """Write a step with --verbose."""
        if self.verbose and not self.quiet:
            tell(f"sandbox, invented data: {text}" if CONSOLE.sandbox else text)

    def info(self, text: str, **members: object) -> None:
        """Write a line, except with --quiet."""
        if not self.quiet:
            tell(text, **members)

    def hint(self, text: str) -> None:
        """Write a line for a person."""
        if not self.quiet and (self.verbose or at_terminal()):
            tell(text)

    def error(self, text: str, **members: object) -> None:
        """Write a failure."""
        tell(f"comagic: {text}", level="error", **members)

    def finish(self, summary: Summary) -> None:
        """Write what came of an export: for a person, with --verbose, and always as JSON."""
        if self.quiet or not (self.verbose or CONSOLE.json or at_terminal()):
            return
        for remark in summary.remarks:
            tell(remark)
        seconds = round(summary.progress.seconds, 3)
        text = str(summary)
        if CONSOLE.sandbox:
            text = f"{text.removesuffix('.')}, invented data of the sandbox."
        tell(text, **summary.members, seconds=seconds)

    @contextmanager
    def follow(self, output: str | None) -> Iterator[Progress]:
        """Draw the progress of an export, where stderr is a terminal, and erase it in the end.

        Where rows are piped only waits are drawn: the reader of the pipe may be a pager.
        """
        from comagic_cli.export.context import Progress

        if not is_watched(quiet=self.quiet):
            yield Progress()
            return
        progress = Progress(is_watched=True)
        timer = Timer(DELAY, CONSOLE.show)
        timer.daemon = True
        CONSOLE.start(progress.line)
        if into_a_pipe(output):
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
        """Return a stream that hides the progress while it writes to a terminal."""
        with suppress(OSError, ValueError, AttributeError):  # a buffer has no descriptor
            if os.isatty(stream.fileno()):
                return TerminalStream(stream)
        return stream


class TerminalStream:
    """Write rows to a terminal that may show the progress too."""

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream

    def write(self, data: memoryview, /) -> int | None:
        """Write some of the bytes and return how many."""
        with CONSOLE.paused():
            written = self._stream.write(data)
            if written:
                CONSOLE.end_rows(bytes(data[written - 1 : written]))
            return written

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._stream.fileno()


class ClosedStdout(io.TextIOBase):
    """Standard output that was closed before the program began: writing to it is an error."""

    closed = True
    encoding = "utf-8"

    def write(self, _: str, /) -> int:
        """Refuse. Raises `CannotWrite`."""
        raise CannotWrite("Standard output is closed.", hint="Write to a file with -o FILE.")

    def isatty(self) -> bool:
        """Return False."""
        return False


def discard_output(stream: TextIO | None) -> None:
    """Discard what is buffered, else Python reports it at the end."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = stream.fileno()  # type: ignore[union-attr]  # None is suppressed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def log_format(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Find the log format before the command line is parsed: its errors are written in it."""
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
    # Characters that could control a terminal are escaped, in names of files too.
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def plain(text: str) -> str:
    """Replace characters that are not printable by spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def at_terminal() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def is_watched(*, quiet: bool = False) -> bool:
    """Return whether a progress line can be drawn on stderr."""
    can_draw = not quiet and not CONSOLE.json and os.environ.get("TERM") != "dumb"
    return can_draw and at_terminal()


def into_a_pipe(output: str | None) -> bool:
    """Return whether rows go to standard output, and that is a pipe."""
    if sys.stdout is None or output not in (None, "-"):
        return False
    with suppress(OSError, ValueError, AttributeError):  # a buffer has no descriptor
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return False


def caret_lines(place: Place, width: int | None = None) -> tuple[str, ...]:
    """Return the text in one line of at most `width` columns, and carets below the place.

    `…` stands for text that does not fit. A blank text gets no lines.
    """
    from rich.cells import cell_len

    text = plain(place.text)
    if not text.strip():
        return ()
    room = (width or _terminal_width()) - len(INDENT) - 1
    left, right = _visible(text, place, room)
    before = "…" * (left > 0) + text[left : place.start]
    after = text[place.start : right] + "…" * (right < len(text))
    marked = max(1, cell_len(text[place.start : min(place.end, right)]))
    return (
        f"{INDENT}{before}{after}",
        f"{INDENT}{' ' * cell_len(before)}{'^' * marked}",
    )


def _terminal_width() -> int:
    return shutil.get_terminal_size().columns if at_terminal() else WIDTH


def _visible(text: str, place: Place, room: int) -> tuple[int, int]:
    """Choose the part of a text that fits: all of it, else what surrounds the place."""
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
