"""An export that can be gone on with: what is written is followed, and now and then made safe."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from comagic_cli.formats.base import Sink
from comagic_cli.output.checkpoint import Checkpoint
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.rows.page import Mark, Page

SHARE = 0.03  # of the time may be spent on checkpoints: putting bytes on the disk takes some
LINES = ("csv", "tsv", "jsonl")  # formats that end anywhere between two rows


class FollowedSink:
    """Pass pages on to a sink, and know what was written.

    `keep` is called between two pages, after each unless that would take more than `SHARE` of the
    time: all that was written so far can be made safe then. `since` is the reader's position there.
    `left` is what an earlier run left: it has the header.
    """

    def __init__(
        self,
        sink: Sink,
        left: Checkpoint | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keep: Callable[[], None] | None = None
        self.rows = self._safe = left.rows if left else 0
        self.since = left.since if left else ""
        self.first: Mark | None = None
        self.last: Mark | None = None
        self.inner = sink
        self._left = left
        self._clock = clock
        self._next_at: float | None = None  # when the next checkpoint is due
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
        self.rows += page.count
        self.since = page.since
        self._whole = True
        if page.since and (self._next_at is None or self._clock() >= self._next_at):
            self._keep()

    def end(self) -> None:
        """Write what stands after the rows."""
        self.inner.end()

    def keep_last(self) -> None:
        """Make safe what is written, where the export ends early between two pages."""
        if self._whole and self.since and self.rows > self._safe:
            with suppress(Exception):  # what ended it is told; the checkpoint before this one holds
                self._keep()

    def _keep(self) -> None:
        if self.keep is None:
            return
        self._whole = False
        began = self._clock()
        self.keep()
        ended = self._clock()
        self._whole = True
        self._safe = self.rows
        self._next_at = ended + (ended - began) / SHARE


def rest_of(query: Query, left: Checkpoint) -> Query:
    """Return the query of what an earlier run did not write: that many rows fewer."""
    return query if query.most is None else replace(query, most=max(0, query.most - left.rows))


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
