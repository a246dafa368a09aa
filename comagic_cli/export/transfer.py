"""The transfer: the pages of one request go to one sink, and a record says what came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from comagic_cli import __version__
from comagic_cli.errors import RowsMissing
from comagic_cli.export.connection import Connection
from comagic_cli.export.customers import CustomersReader, PageReader
from comagic_cli.export.manifest import Record, RowEnd, Stop, WindowCount, format_period
from comagic_cli.export.resume import Checkpoint, CheckpointingSink, write_checkpoint
from comagic_cli.files.store import UnfinishedFile
from comagic_cli.formats.base import Sink
from comagic_cli.paging.reader import Reader, WindowResult
from comagic_cli.query.query import TIME_FORMAT, Query
from comagic_cli.rows.page import Mark, Page, split_key


class PublishedFile(Protocol):
    """A file that gets its name in the end."""

    @property
    def published(self) -> Path | str | None:
        """Return its full name, once it has it."""


class HashedOutput(Protocol):
    """An output that knows what was written: how many bytes, and their hash."""

    @property
    def bytes(self) -> int:
        """Return the number of bytes."""

    @property
    def sha256(self) -> str:
        """Return the hash, as hexadecimal text."""


def write_pages(
    pages: Iterable[Page], sink: Sink, count: Callable[[Page], None] = lambda _: None
) -> None:
    """Write every page to a sink; `count` is called with each before.

    Nothing is written before the first page: a request that fails at once leaves no header. Where
    rows are missing, those that came are ended like a whole output before `RowsMissing` is raised.
    """
    has_begun = False
    try:
        for page in pages:
            count(page)
            if not has_begun:
                sink.begin()
                has_begun = True
            if page.count or page.settled or page.since:
                sink.write(page)
            del page  # else its memory is held until the next one has come
    except RowsMissing:
        if has_begun:
            sink.end()
        raise
    sink.end()


@dataclass
class Transfer:
    """One transfer: what it asks, where the rows go, and what came.

    `file` is the file that holds the rows at the end, if any. `resumable_file` is an unfinished
    file that can be resumed; `checkpoint` is that of an earlier run.
    """

    query: Query
    identity: Mapping[str, Any]
    connection: Connection
    reader: PageReader
    output: HashedOutput
    file: PublishedFile | None = None
    resumable_file: UnfinishedFile | None = None
    checkpoint: Checkpoint | None = None
    sink: CheckpointingSink = field(init=False)

    def send(self, sink: Sink, stream: BinaryIO | None = None) -> None:
        """Send the rows to a sink; save checkpoints of what went to the stream, if there is one."""
        if isinstance(self.reader, Reader) and self.checkpoint:
            self.reader.since = self.checkpoint.since
            self.reader.overstated = self.checkpoint.overstated
            self.reader.outside = self.checkpoint.outside
            self.reader.missing = [*self.checkpoint.missing]
        self.sink = CheckpointingSink(
            sink, self.checkpoint, self.connection.context.clock.monotonic
        )
        if self.resumable_file and stream:
            file = self.resumable_file
            self.sink.save = lambda: self._save(stream, file)
        try:
            self.connection.progress.watch(self.reader)
            write_pages(self.reader.pages(), self.sink, self.connection.progress.count)
        except RowsMissing:
            raise
        except BaseException:
            self.sink.save_last()
            raise
        finally:
            self.connection.report_oddities(self.reader)
            self.connection.report_order(self.reader)

    def record(self) -> Record:
        """Return what was asked, and what came of it so far."""
        earlier, sink, reader = self.checkpoint, self.sink, self.reader
        customers = reader.counts if isinstance(reader, CustomersReader) else []
        query = reader.query if customers else self.query
        first, last = _row_end(sink.first), _row_end(sink.last)
        stops = [*earlier.stops, Stop(earlier.rows, earlier.since)] if earlier else []
        return Record(
            version=__version__,
            asked=dict(self.identity),
            period=format_period(query.period) if query.is_dated else None,
            report_id=query.report_id,
            filter=dict(query.filter) if query.filter else None,
            rows=sink.rows,
            bytes=self.output.bytes,
            sha256=self.output.sha256,
            first=earlier.first if earlier else first,
            last=last or (earlier.last if earlier else None),
            windows=[*(earlier.windows if earlier else ()), *map(_window_count, reader.done)],
            stops=stops,
            points=(earlier.points if earlier else 0) + self.connection.client.calls,
            customers=customers,
            overstated=reader.overstated,
            outside=reader.outside,
        )

    def _save(self, stream: BinaryIO, file: UnfinishedFile) -> None:
        """Make safe what is written, then say so in the checkpoint."""
        stream.flush()
        file.sync()
        write_checkpoint(file.checkpoint_path, self.record(), self.sink.since, self.reader.missing)
        file.is_resumable = True


def _window_count(done: WindowResult) -> WindowCount:
    start, end = (moment.strftime(TIME_FORMAT) for moment in (done.window.start, done.window.end))
    return WindowCount(start, end, done.total, done.received, done.written, done.user_id)


def _row_end(mark: Mark | None) -> RowEnd | None:
    if mark is None:
        return None
    return RowEnd(mark.time, None if mark.key is None else split_key(mark.key))
