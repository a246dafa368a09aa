"""What an export reports to whoever listens; `cli.console` is the listener of the program."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from comagic_cli.export.progress import Progress, Summary
from comagic_cli.files.stream import Under


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
        """Report a failure after which the export goes on."""

    def finish(self, summary: Summary) -> None:
        """Report the end of an export."""

    def follow(self, output: str | None) -> AbstractContextManager[Progress]:
        """Open the progress of an export to an output."""

    def share(self, stream: Under) -> Under:
        """Return a stream whose rows do not mix with the progress on the same terminal."""
