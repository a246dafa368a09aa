"""The standard streams, when they are there, and when they are closed, full or gone."""

from __future__ import annotations

import io

from comagic_cli.commands.voice import forget, tell
from comagic_cli.errors import CannotWrite

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
