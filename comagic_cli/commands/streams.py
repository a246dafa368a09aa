"""The standard streams, when they are there, and when they are closed, full or gone."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from comagic_cli.errors import CannotWrite


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


def tell(text: str) -> None:
    """Write one line to stderr; one that is closed, full or gone changes nothing.

    What could command a terminal, or break the line, becomes a blank.
    """
    if sys.stderr is None or sys.stderr.closed:
        return
    line = "".join(char if char.isprintable() else " " for char in text)
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)


def forget(stream: TextIO | None) -> None:
    """Let what is buffered go nowhere, else Python complains of it at the end."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = stream.fileno()  # type: ignore[union-attr]  # None is suppressed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
