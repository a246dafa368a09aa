"""JSON Lines and JSON: every value byte for byte as the service gave it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

from comagic_cli.output.sinks import Look
from comagic_cli.output.spread import Spreader
from comagic_cli.request.catalog import Field
from comagic_cli.request.pages import Page, rendered
from comagic_cli.request.rows import RowReader


class JsonLinesSink:
    """Write an object a line, its members in the asked order."""

    def __init__(self, stream: BinaryIO, columns: Sequence[Field], look: Look) -> None:
        self._stream = stream
        self.render = RowReader(tuple(field.name for field in columns)).json_lines
        if look.flatten:
            self.render = partial(self.render, shape=Spreader(columns).rows)

    def begin(self) -> None:
        """Write nothing: every line stands for itself."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for lines in rendered(page, self.render):
            self._stream.write(lines)

    def end(self) -> None:
        """Write nothing: every line stands for itself."""


class JsonSink(JsonLinesSink):
    """Write one array, an object a line."""

    _between = b"\n"  # what stands before the next row

    def begin(self) -> None:
        """Open the array."""
        self._stream.write(b"[")

    def write(self, page: Page) -> None:
        """Write a page's rows, a comma between any two."""
        for lines in rendered(page, self.render):
            self._stream.write(self._between + lines.removesuffix(b"\n").replace(b"\n", b",\n"))
            self._between = b",\n"

    def end(self) -> None:
        """Close the array; one of no rows is `[]`."""
        self._stream.write(b"]\n" if self._between == b"\n" else b"\n]\n")
