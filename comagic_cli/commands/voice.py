"""The one voice on stderr: lines, a line of progress below them, or JSON for machines.

Several threads speak: the one that fetches and the one that writes. A stderr that is closed, full
or gone changes nothing. What could command a terminal, or break a line, becomes a blank.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import RLock
from typing import TextIO
from unicodedata import combining, east_asian_width

from comagic_cli.errors import ComagicError

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
        self._drawn = ""
        self._columns = 0  # the terminal's when it was drawn
        self._midway = False  # rows on the same terminal have not ended their line
        self._lock = RLock()

    def say(self, text: str, **members: object) -> None:
        """Write one line; a machine gets the members too."""
        text = plain(text)
        if self.machine:
            text = as_json(text, members)
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
            from comagic_cli.commands.pointing import pointed  # noqa: PLC0415 - imports rich

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
