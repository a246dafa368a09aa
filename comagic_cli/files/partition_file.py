"""The file of a partition: it grows beside its name, and gets that when it is whole."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, cast

from comagic_cli.files.atomic_file import Part, remove
from comagic_cli.files.compression import find_compressor, open_compressor
from comagic_cli.files.lock import hidden_path
from comagic_cli.files.stream import Output, write_errors


class PartitionFile:
    """Take bytes, compress them by the name's suffix, and keep them until the file is moved.

    It may be closed at any time, so that few descriptors are in use: it continues where it ended,
    in a further member (gzip) or frame (Zstandard). What a killed run left is replaced; the lock on
    all partitions keeps other runs out. Folders are made. Raises `CannotWrite`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._packer = find_compressor(path.name)
        with write_errors(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._part = Part(str(path))
        # Not the place of an export to this one file, which holds another lock.
        self._part.place = hidden_path(self._part.real, "growing")
        self._incomplete = self._part.real.with_name(f"{self._part.real.name}.incomplete")
        self._opened = ExitStack()
        self._stream: BinaryIO | None = None
        self._begun = False

    def write(self, data: bytes) -> int:
        """Write all the bytes."""
        return self._open().write(data)

    def close(self) -> None:
        """Close the descriptor; the next write opens it again."""
        self._stream = None
        self._opened.close()

    def publish(self) -> None:
        """Move the file to its name, once it is on the disk; remove what an earlier try left."""
        self._move(self._part.real)
        remove(self._incomplete)

    def keep(self) -> None:
        """Move the file to `NAME.incomplete`."""
        self._move(self._incomplete)

    def discard(self) -> None:
        """Remove the file if it is not moved yet; never raises."""
        with suppress(Exception):  # the first error is told; a second one says no more
            self.close()
        self._part.kept = False
        self._part.close()

    def _open(self) -> BinaryIO:
        if self._stream is None:
            self._reach_end()
            self._opened.callback(self._let_go)
            output = cast("BinaryIO", Output(self._part, self._part.name))
            self._stream = self._opened.enter_context(open_compressor(output, self._packer))
            self._begun = True
        return self._stream

    def _reach_end(self) -> None:
        if self._part.begun:
            with write_errors(self._part.name):
                size = self._part.place.stat().st_size
            self._part.go_on(size)

    def _let_go(self) -> None:
        self._part.kept = True
        self._part.close()

    def _move(self, target: Path) -> None:
        if not self._begun:
            self._open()  # an empty file is compressed too
        self.close()
        self._reach_end()
        self._part.publish(target)
