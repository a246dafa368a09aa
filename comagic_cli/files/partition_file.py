"""The file of a partition: it is appended to under a hidden name, and published when complete."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import BinaryIO, cast

from comagic_cli.files.compression import find_compressor, open_compressor
from comagic_cli.files.store import Store
from comagic_cli.files.stream import Output, write_errors


class PartitionFile:
    """Write bytes, compressed by the name's suffix, to a file that is published at the end.

    It can be closed at any time, to save descriptors: the next write appends, in a new member
    (gzip) or frame (Zstandard). A file of a killed run is replaced; the lock on all partitions
    excludes other runs. Folders are created. Raises `CannotWrite`.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.bytes = 0  # once it is published
        self._compressor = find_compressor(name)
        # Not the suffix that an export to this one file uses, since that has another lock.
        self._file = store.unfinished(name, "growing", create=True)
        self.name = store.title(name)
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
        """Give the file its name; delete the incomplete file of an earlier run."""
        self._publish()
        self._file.remove_incomplete()

    def publish_incomplete(self) -> None:
        """Give the file the name `NAME.incomplete`."""
        self._publish(incomplete=True)

    def discard(self) -> None:
        """Delete the file if it is not published yet; never raises."""
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

    def _publish(self, *, incomplete: bool = False) -> None:
        if not self._is_started:
            self._open()  # an empty file is compressed too
        self.close()
        self._reopen()
        self._file.publish(incomplete=incomplete)
