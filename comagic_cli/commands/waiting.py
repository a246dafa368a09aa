"""The countdown of a wait: one line of stderr, written over each second, on a terminal only."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from comagic_cli.commands.streams import forget


@dataclass
class Countdown:
    """Show a line in the place of the one before; "" takes it away. Closed, it shows no more."""

    _shown: int = 0  # characters to write over
    _closed: bool = False
    _lock: Lock = field(default_factory=Lock)

    def show(self, text: str) -> None:
        """Write the line; a stream that is closed or gone changes nothing."""
        with self._lock:
            if not self._closed:
                self._write(text)

    def close(self) -> None:
        """Take the line away for good: the thread that waits may outlive the end of the program."""
        with self._lock:
            self._write("")
            self._closed = True

    def _write(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        erased = " " * self._shown + "\r" if self._shown else ""
        if not text and not erased:
            return
        self._shown = len(text)
        try:
            sys.stderr.write(f"\r{erased}{text}")
            sys.stderr.flush()
        except (OSError, ValueError):
            forget(sys.stderr)


@contextmanager
def open_countdown(*, quiet: bool) -> Iterator[Callable[[str], None] | None]:
    """Give what shows a countdown; nothing where stderr is no terminal, or by --quiet."""
    if quiet or sys.stderr is None or sys.stderr.closed or not sys.stderr.isatty():
        yield None
        return
    countdown = Countdown()
    try:
        yield countdown.show
    finally:
        countdown.close()
