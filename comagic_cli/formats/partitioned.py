"""The sink of partitions: each row goes to the file of its day, which appears when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from comagic_cli.errors import RowsMissing
from comagic_cli.files.partition_file import PartitionFile
from comagic_cli.formats.base import Sink
from comagic_cli.query.period import Period
from comagic_cli.rows.page import Marks, Page, split_page

MAX_OPEN = 8  # files; rows come by time, so that few are written to at once
SECOND = timedelta(seconds=1)
# What is read next may bring rows of this much before its start: a row that has just arrived there,
# or an hour that is shown twice because clocks went back.
OVERLAP = timedelta(hours=1, seconds=2)


@dataclass(frozen=True, slots=True)
class Partition:
    """A day or a month: its name as the times of rows begin, its two ends, and its file."""

    name: str
    start: datetime
    end: datetime
    path: Path


@dataclass
class OpenPartition:
    """A partition that has rows, or is about to be written without any."""

    file: PartitionFile
    sink: Sink
    rows: int = 0


class PartitionedSink:
    """Write rows to partitions by the times they show; `make` makes the sink of one file.

    A file gets its name when its partition is settled: the rows of every window that reaches into
    it were counted. A row without a readable time goes to the partition of the row before it, or,
    where that is published already, to the first that is not. `note` is told of every file.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        make: Callable[[BinaryIO], Sink],
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.waiting = {each.name: each for each in partitions}  # those not published, in order
        self.is_kept = False  # once rows of one were left as `NAME.incomplete`
        self._names = frozenset(self.waiting)
        self._current = partitions[0].name  # where a row without a time goes
        self._name_length = len(self._current)  # how much of a time names the partition
        self._period = Period(partitions[0].start, partitions[-1].end)
        self._settled: list[Period] = []
        self._begun: dict[str, OpenPartition] = {}
        self._open: list[PartitionFile] = []
        self._make = make
        self._note = note

    def begin(self) -> None:
        """Write nothing: each file has its own beginning."""

    def write(self, page: Page) -> None:
        """Write a page's rows, and publish the partitions that it settles.

        Raises `RowsMissing` for a row of a partition that is published already.
        """
        names = [self._name_of(time) for time in Marks.of(page.marks).times]
        for name, some in split_page(page, names).items() if page.count else ():
            begun = self._begin(name)
            begun.sink.write(some)
            begun.rows += some.count
        if page.settled:
            first, last = map(datetime.fromisoformat, page.settled)
            self._settled = merge_periods(self._settled, Period(first, last))
            self._publish(OVERLAP)

    def end(self) -> None:
        """Publish what is settled, and end the others like whole ones."""
        self._publish(timedelta(0))
        for begun in self._begun.values():
            begun.sink.end()

    def check(self) -> None:
        """Raise `RowsMissing` where a partition was not settled."""
        if self.waiting:
            raise RowsMissing(f"{', '.join(self.waiting)}: the rows were not counted")

    def keep(self) -> None:
        """Keep the rows of partitions that were not settled as `NAME.incomplete`."""
        for begun in self._begun.values():
            begun.file.keep()
            self.is_kept = True

    def discard(self) -> None:
        """Remove what was written of partitions that were not settled."""
        for begun in self._begun.values():
            begun.file.discard()

    def _name_of(self, time: str) -> str:
        """Return the name of the partition of a row's time."""
        name = time[: self._name_length]
        if name in self.waiting:
            self._current = name
        elif name in self._names or not self.waiting:
            raise RowsMissing(
                f"a row of {name or 'no time'} came after its file was written",
                hint="Write it again with --refresh.",
            )
        return self._current

    def _begin(self, name: str) -> OpenPartition:
        if name not in self._begun:
            file = PartitionFile(self.waiting[name].path)
            self._begun[name] = OpenPartition(file, self._make(cast("BinaryIO", file)))
            self._make_room(file)
            self._begun[name].sink.begin()
        self._make_room(self._begun[name].file)
        return self._begun[name]

    def _make_room(self, file: PartitionFile) -> None:
        """Close the file not written to for longest, where too many are open."""
        if file in self._open:
            self._open.remove(file)
        self._open.append(file)
        if len(self._open) > MAX_OPEN:
            self._open.pop(0).close()

    def _publish(self, margin: timedelta) -> None:
        whole = [each.name for each in self.waiting.values() if self._is_settled(each, margin)]
        for name in whole:
            self._publish_one(name)
        if self._current not in self.waiting:
            self._current = next(iter(self.waiting), "")

    def _publish_one(self, name: str) -> None:
        begun = self._begin(name)
        begun.sink.end()
        begun.file.publish()
        self._open.remove(begun.file)
        del self._begun[name], self.waiting[name]
        self._note(f"{begun.file.path}: {begun.rows} rows")

    def _is_settled(self, partition: Partition, margin: timedelta) -> bool:
        start = max(partition.start - margin, self._period.start)
        end = min(partition.end + margin, self._period.end)
        return any(each.start <= start and end <= each.end for each in self._settled)


@contextmanager
def open_partitions(sink: PartitionedSink) -> Iterator[PartitionedSink]:
    """Write to a sink; raise `RowsMissing` in the end where a partition is not whole.

    After `RowsMissing` the rows that came are kept as `NAME.incomplete`; after any other exception
    nothing is. Published files stay in both.
    """
    try:
        yield sink
        sink.check()
    except RowsMissing:
        sink.keep()
        raise
    finally:
        sink.discard()


def merge_periods(periods: Sequence[Period], new: Period) -> list[Period]:
    """Add a period to others; those that touch become one."""
    apart = []
    for each in periods:
        if each.end + SECOND < new.start or new.end + SECOND < each.start:
            apart.append(each)
        else:
            new = Period(min(each.start, new.start), max(each.end, new.end))
    return [*apart, new]
