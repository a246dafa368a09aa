"""A stream that takes bytes only while it is opened."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Gate(io.RawIOBase):
    """Let bytes through to a stream while it is opened, else nowhere.

    Writers of whole files, when they are dropped after an error, write the file's end all the same:
    what was broken off would pass for a whole file.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._open = False

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all the bytes, or none of them."""
        if self._open:
            self._stream.write(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Do nothing, also once closed: what is dropped may be closed in any order."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let bytes through to the end of the block."""
        self._open = True
        try:
            yield
        finally:
            self._open = False
