"""Rows dealt to the files of their days or months, each of which appears when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, cast

from comagic_cli.errors import RowsMissing
from comagic_cli.formats.base import Sink
from comagic_cli.output.partfile import PartFile
from comagic_cli.output.partitions import SECOND, Part
from comagic_cli.query.period import Period
from comagic_cli.rows.page import Marks, Page, dealt

MOST_OPEN = 8  # files; rows come by time, so that more are seldom written to
# What is read next may bring rows of this much before its start: a row that has just arrived at the
# seam, or an hour that is shown twice because clocks went back.
SEAM = timedelta(hours=1, seconds=2)


@dataclass
class Growing:
    """A part that has rows, or is about to be written without any."""

    file: PartFile
    sink: Sink
    rows: int = 0


class PartitionedSink:
    """Deal rows to parts by the times they show; `make` makes what writes one part's rows.

    A part gets its name when all of it is settled: the rows of every window that reaches into it
    were counted. A row without a readable time goes to the part of the row before it, or, where
    that has its name already, to the first that has not. `note` is told of every part written.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        make: Callable[[BinaryIO], Sink],
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.waiting = {part.name: part for part in parts}  # those without their name, in order
        self._names = frozenset(self.waiting)
        self._place = parts[0].name  # where a row without a time goes
        self._shown = len(self._place)  # how much of a time is the part's name
        self._period = Period(parts[0].start, parts[-1].end)
        self._settled: list[Period] = []
        self._growing: dict[str, Growing] = {}
        self._open: list[PartFile] = []
        self._make = make
        self._note = note

    def begin(self) -> None:
        """Write nothing: each part has its own beginning."""

    def write(self, page: Page) -> None:
        """Write a page's rows, and publish the parts that it settles.

        Raises `RowsMissing` for a row of a part that has its name already.
        """
        names = [self._name(time) for time in Marks.of(page.marks).times]
        for name, some in dealt(page, names).items() if page.count else ():
            growing = self._grow(name)
            growing.sink.write(some)
            growing.rows += some.count
        if page.settled:
            first, last = map(datetime.fromisoformat, page.settled)
            self._settled = joined(self._settled, Period(first, last))
            self._publish(SEAM)

    def end(self) -> None:
        """Publish what is settled, and end the others like whole ones."""
        self._publish(timedelta(0))
        for growing in self._growing.values():
            growing.sink.end()

    def check(self) -> None:
        """Raise `RowsMissing` where a part was not settled."""
        if self.waiting:
            raise RowsMissing(f"{', '.join(self.waiting)}: the rows were not counted")

    def keep(self) -> None:
        """Leave the rows of the parts that were not settled as `NAME.incomplete`."""
        for growing in self._growing.values():
            growing.file.keep()

    def discard(self) -> None:
        """Leave nothing of the parts that were not settled."""
        for growing in self._growing.values():
            growing.file.discard()

    def _name(self, time: str) -> str:
        """Name the part that a row of a time goes to."""
        name = time[: self._shown]
        if name in self.waiting:
            self._place = name
        elif name in self._names or not self.waiting:
            raise RowsMissing(
                f"a row of {name or 'no time'} came after its file was written",
                hint="Write it again with --refresh.",
            )
        return self._place

    def _grow(self, name: str) -> Growing:
        if name not in self._growing:
            file = PartFile(self.waiting[name].path)
            self._growing[name] = Growing(file, self._make(cast("BinaryIO", file)))
            self._make_room(file)
            self._growing[name].sink.begin()
        self._make_room(self._growing[name].file)
        return self._growing[name]

    def _make_room(self, file: PartFile) -> None:
        """Close the file that was longest not written to, where there are too many open."""
        if file in self._open:
            self._open.remove(file)
        self._open.append(file)
        if len(self._open) > MOST_OPEN:
            self._open.pop(0).close()

    def _publish(self, margin: timedelta) -> None:
        whole = [part.name for part in self.waiting.values() if self._is_settled(part, margin)]
        for name in whole:
            self._publish_one(name)
        if self._place not in self.waiting:
            self._place = next(iter(self.waiting), "")

    def _publish_one(self, name: str) -> None:
        growing = self._grow(name)
        growing.sink.end()
        growing.file.publish()
        self._open.remove(growing.file)
        del self._growing[name], self.waiting[name]
        self._note(f"{growing.file.path}: {growing.rows} rows")

    def _is_settled(self, part: Part, margin: timedelta) -> bool:
        start = max(part.start - margin, self._period.start)
        end = min(part.end + margin, self._period.end)
        return any(span.start <= start and end <= span.end for span in self._settled)


@contextmanager
def dealing(sink: PartitionedSink) -> Iterator[PartitionedSink]:
    """Write to a sink; what is not whole in the end is told, or discarded.

    After `RowsMissing` the rows that came are left as `NAME.incomplete`; after any other exception
    nothing is. Parts that have their names keep them in both.
    """
    try:
        yield sink
        sink.check()
    except RowsMissing:
        sink.keep()
        raise
    finally:
        sink.discard()


def joined(spans: Sequence[Period], new: Period) -> list[Period]:
    """Add a span to others; those that touch become one."""
    apart = []
    for span in spans:
        if span.end + SECOND < new.start or new.end + SECOND < span.start:
            apart.append(span)
        else:
            new = Period(min(span.start, new.start), max(span.end, new.end))
    return [*apart, new]
