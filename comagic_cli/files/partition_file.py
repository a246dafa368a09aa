"""The file of a partition: it is appended to beside its name, and renamed when complete."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, cast

from comagic_cli.files.atomic_file import UnfinishedFile, remove
from comagic_cli.files.compression import find_compressor, open_compressor
from comagic_cli.files.lock import hidden_path
from comagic_cli.files.stream import Output, write_errors


class PartitionFile:
    """Write bytes, compressed by the name's suffix, to a file that is renamed at the end.

    It can be closed at any time, to save descriptors: the next write appends, in a new member
    (gzip) or frame (Zstandard). A file of a killed run is replaced; the lock on all partitions
    excludes other runs. Folders are created. Raises `CannotWrite`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0  # once it is published
        self._compressor = find_compressor(path.name)
        with write_errors(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = UnfinishedFile(str(path))
        # Not the path that an export to this one file uses, since that has another lock.
        self._file.path = hidden_path(self._file.final_path, "growing")
        self._incomplete = self._file.final_path.with_name(
            f"{self._file.final_path.name}.incomplete"
        )
        self._exit_stack = ExitStack()
        self._stream: BinaryIO | None = None
        self._is_started = False

    def write(self, data: bytes) -> int:
        """Write all bytes."""
        return self._open().write(data)

    def close(self) -> None:
        """Close the descriptor; the next write opens it again."""
        self._stream = None
        self._exit_stack.close()

    def publish(self) -> None:
        """Rename the file to its name; delete the incomplete file of an earlier run."""
        self._move(self._file.final_path)
        remove(self._incomplete)

    def publish_incomplete(self) -> None:
        """Rename the file to `NAME.incomplete`."""
        self._move(self._incomplete)

    def discard(self) -> None:
        """Delete the file if it is not renamed yet; never raises."""
        with suppress(Exception):  # the first error is the one to report
            self.close()
        self._file.is_resumable = False
        self._file.close()

    def _open(self) -> BinaryIO:
        if self._stream is None:
            self._reopen()
            self._exit_stack.callback(self._suspend)
            output = cast("BinaryIO", Output(self._file, self._file.name))
            self._stream = self._exit_stack.enter_context(open_compressor(output, self._compressor))
            self._is_started = True
        return self._stream

    def _reopen(self) -> None:
        if self._file.is_open:
            with write_errors(self._file.name):
                self.bytes = self._file.path.stat().st_size
            self._file.reopen(self.bytes)

    def _suspend(self) -> None:
        self._file.is_resumable = True
        self._file.close()

    def _move(self, target: Path) -> None:
        if not self._is_started:
            self._open()  # an empty file is compressed too
        self.close()
        self._reopen()
        self._file.publish(target)
