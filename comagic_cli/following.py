"""An export that can be gone on with: what is written is followed, and now and then made safe."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from comagic_cli.fetch.seen import Tail
from comagic_cli.fetch.windows import SECOND, parse_time
from comagic_cli.formats.base import Sink
from comagic_cli.output.checkpoint import Checkpoint
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.request.pages import Mark, Page

EVERY = 1.0  # seconds between two checkpoints: putting bytes on the disk takes its time
LINES = ("csv", "tsv", "jsonl")  # formats that end anywhere between two rows
HOUR = timedelta(hours=1)


class FollowedSink:
    """Pass pages on to a sink, and know what was written.

    `keep` is called between two pages, after the first and then at most every `EVERY` seconds: all
    that was written so far can be made safe then. `left` is what an earlier run left: it has the
    header.
    """

    def __init__(
        self,
        sink: Sink,
        query: Query,
        left: Checkpoint | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keep: Callable[[], None] | None = None
        self.rows = self._safe = left.rows if left else 0
        self.tail = Tail(descending=query.descending, before=left.marks if left else ())
        self.first: Mark | None = None
        self.last: Mark | None = None
        self.inner = sink
        self._left = left
        self._clock = clock
        self._kept_at: float | None = None
        self._whole = True  # nothing is written in part, whatever interrupts

    def begin(self) -> None:
        """Write what stands before the rows, unless it is there."""
        if self._left is None:
            self.inner.begin()

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        self._whole = False
        self.inner.write(page)
        if marks := page.marks:
            self.first = self.first or marks[0]
            self.last = marks[-1]
            self.tail.add(marks)
        self.rows += page.count
        self._whole = True
        if self._kept_at is None or self._clock() - self._kept_at >= EVERY:
            self._keep()

    def end(self) -> None:
        """Write what stands after the rows."""
        self.inner.end()

    def keep_last(self) -> None:
        """Make safe what is written, where the export ends early between two pages."""
        if self._whole and self.rows > self._safe:
            with suppress(Exception):  # what ended it is told; the checkpoint before this one holds
                self._keep()

    def _keep(self) -> None:
        if self.keep is None:
            return
        self._whole = False
        self.keep()
        self._whole = True
        self._safe = self.rows
        self._kept_at = self._clock()


def rest_of(query: Query, left: Checkpoint) -> Query:
    """Return the query of what an earlier run did not write, from a second before its last row.

    Where clocks may show that hour twice, from an hour more: which of the two the service takes a
    time for is not known.
    """
    most = None if query.most is None else max(0, query.most - left.rows)
    return replace(query, period=_rest(query, left.last_time), most=most)


def _rest(query: Query, last_time: str) -> Period:
    period, reached = query.period, parse_time(last_time)
    if reached is None:
        return period
    before = SECOND + (HOUR if may_repeat(reached) else timedelta(0))
    if query.descending:
        return Period(period.start, min(period.end, reached + before))
    return Period(max(period.start, reached - before), period.end)


def may_repeat(moment: datetime) -> bool:
    """Tell whether clocks anywhere show a time twice, since summer time ends there."""
    zones = map(ZoneInfo, available_timezones())
    return any(_ahead(moment, zone, fold=0) > _ahead(moment, zone, fold=1) for zone in zones)


def _ahead(moment: datetime, zone: ZoneInfo, *, fold: int) -> timedelta:
    return moment.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0)


def why_not(report: ReportType, sort: tuple[Sort, ...], format_: str) -> str:
    """Say why an export to a file can't be gone on with; "" where it can."""
    if format_ not in LINES:
        return f"a {format_} file is whole or nothing; only {', '.join(LINES)} can be gone on with"
    if "entity_ids" in report.params:
        return f"rows of {report.command} come by the ids asked for, not by time"
    if not report.time:
        return f"rows of {report.command} have no time to go on after"
    nowhere = Period(datetime.min, datetime.min)  # noqa: DTZ901 - the order does not depend on it
    if not Query(report, 0, nowhere, (), sort=sort).by_time:
        return "only an export sorted by time can be gone on with"
    return ""
