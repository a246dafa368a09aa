"""Raw streams: every byte is written, or an error names the output."""

from __future__ import annotations

import io
import select
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENAMETOOLONG, ENOSPC
from typing import TYPE_CHECKING, Protocol

from comagic_cli.errors import CannotWrite, UsageProblem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


HINTS = {
    ENAMETOOLONG: "Choose a shorter name.",
    ENOSPC: "Free some space on that disk, or write to another one.",
    EDQUOT: "Free some of your quota on that disk, or write to another one.",
    EFBIG: "Write a shorter period to each file, or raise the limit (`ulimit -f`).",
}


class RawStream(Protocol):
    """A raw stream: `write` may take only some of the bytes, or none for now (`None`)."""

    def write(self, data: memoryview, /) -> int | None:
        """Write some of the bytes and return how many."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Output(io.RawIOBase):
    """Write all bytes to a raw stream, without a buffer.

    So nothing can fail when the stream is garbage-collected after an error. The caller closes the
    raw stream.
    """

    def __init__(self, raw: RawStream, name: str) -> None:
        self._raw = raw
        self.name = name

    def writable(self) -> bool:
        """Return true."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the raw stream."""
        return self._raw.fileno()

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all bytes. Raises `CannotWrite`, or `BrokenPipeError` for a closed pipe."""
        rest = memoryview(data).cast("B")
        size = rest.nbytes
        with write_errors(self.name):
            while rest:
                rest = rest[self._write_some(rest) :]
        return size

    def _write_some(self, rest: memoryview) -> int:
        written = self._raw.write(rest)
        if written is None:  # a full pipe that another process made non-blocking
            select.select([], [self.fileno()], [])
        return written or 0


@contextmanager
def write_errors(name: str) -> Iterator[None]:
    """Turn an `OSError`, except that of a closed pipe, into `CannotWrite` with the name."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        hint = HINTS.get(error.errno or 0, "")
        raise CannotWrite(f"{name} can't be written: {reason}.", hint=hint) from error


@contextmanager
def read_errors(name: str) -> Iterator[None]:
    """Turn an `OSError` into `UsageProblem` with the name: the user named the file."""
    try:
        yield
    except OSError as error:
        raise UsageProblem(f"{name} can't be read: {error.strerror or error}.") from error
