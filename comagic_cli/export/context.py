"""What a command is given by the program around it: a listener, the time, the streams."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from comagic_cli.errors import UsageProblem
from comagic_cli.export.progress import Progress, Summary
from comagic_cli.files.output import open_output
from comagic_cli.files.stream import RawStream, read_errors

STDIN = "-"  # the name of standard input


class Reporter(Protocol):
    """Whoever listens to an export; several threads may call it."""

    @property
    def verbose(self) -> bool:
        """Return whether `note` is shown: else its texts need not be made."""

    def note(self, text: str) -> None:
        """Report a step; only --verbose shows it."""

    def info(self, text: str, **members: object) -> None:
        """Report one line; --quiet hides it."""

    def hint(self, text: str) -> None:
        """Report one line for a person at a terminal; --quiet hides it."""

    def error(self, text: str, **members: object) -> None:
        """Report a failure after which the export continues."""

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

    def print(self, text: str) -> None:
        """Write lines to standard output, in UTF-8. Raises `CannotWrite`."""
        with open_output(None, self.stdout) as stream:
            stream.write(f"{text}\n".encode())


def _decode(data: bytes, name: str, option: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{option}: {name} is not UTF-8 text") from error
