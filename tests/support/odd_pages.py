"""A service in memory for the pager's tests: rows, and everything that can be odd about paging."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Lock

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from comagic_cli.errors import Refused
from comagic_cli.paging.lookahead import Lookahead
from comagic_cli.paging.reader import Reader
from comagic_cli.paging.window import Window
from comagic_cli.query.catalog import ReportType, report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.page import Answer, Page

COMMUNICATIONS = report("communications")
FIRST, LAST = 0, 99  # the seconds that are asked for
EXAMPLES = settings().max_examples  # see conftest.py


def oddities_with(*totals: str) -> st.SearchStrategy[dict[str, object]]:
    """Choose the switches of a service whose totals are of these kinds."""
    return st.fixed_dictionaries(
        {
            "inclusive": st.booleans(),
            "rounded": st.booleans(),
            "totals": st.sampled_from(totals),
            "short": st.sampled_from([0, 0, 1, 3, 8]),
            "page_cap": st.sampled_from([None, None, 2, 5]),
            "descending": st.booleans(),
            "text_ids": st.booleans(),
            "jobs": st.integers(0, 8),
        }
    )


oddities = oddities_with("exact", "absent", "one_more", "zero", "of_page", "of_sent")
START = datetime(2026, 10, 1)  # noqa: DTZ001 - the account's zone, as everywhere


@dataclass(frozen=True, order=True)
class Row:
    """A stored row: its exact time in seconds after START, and its key."""

    at: float
    id: int
    type: str | None = "call"

    def shown(self, rounded: bool) -> str:
        seconds = round(self.at) if rounded else int(self.at // 1)
        return str(START + timedelta(seconds=seconds))


@dataclass
class Service:
    """Answer pages as the API does; the switches are its oddities."""

    rows: list[Row]
    inclusive: bool = True
    rounded: bool = False
    totals: str = "exact"  # absent, one_more, zero, of_page, of_sent, one
    short: int = 0  # pages are cut to a random length up to this, of at least one row
    page_cap: int | None = None
    max_days: int | None = None
    descending: bool = False
    text_ids: bool = False
    jobs: int = 0  # so many pages are asked for at once, and their rows render_slices
    reach: int = 100_000
    # after this many calls, rows to add and to remove
    changes: dict[int, tuple[list[Row], list[Row]]] = field(default_factory=dict)
    calls: list[tuple[Window, int, int]] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    delays: random.Random = field(default_factory=lambda: random.Random(2))
    lock: Lock = field(default_factory=Lock)

    def ask(self, window: Window, offset: int, limit: int) -> Answer:
        if self.jobs > 1:  # answers come in another order
            time.sleep(self.delays.random() / 1000)
        with self.lock:
            return self._answer(window, offset, limit)

    def _answer(self, window: Window, offset: int, limit: int) -> Answer:
        self._change()
        self.calls.append((window, offset, limit))
        assert 1 <= limit <= 10_000
        assert 0 <= offset <= self.reach
        if self.max_days is not None and window.span > timedelta(days=self.max_days):
            raise Refused(
                f"the interval is limited to {self.max_days} days",
                mnemonic="date_interval_limit_reached",
            )
        matching = self._matching(window)
        size = min(limit, self.page_cap or limit)
        if self.short:
            size = min(size, self.rng.randint(1, self.short))
        page = matching[offset : offset + size]
        total = self._total(matching, len(page), offset)
        return Answer(msgspec.json.encode([self._row(row) for row in page]), total)

    def _change(self) -> None:
        arrived, gone = self.changes.get(len(self.calls), ([], []))
        self.rows = [row for row in self.rows if row not in gone] + arrived

    def _matching(self, window: Window) -> list[Row]:
        low = (window.start - START).total_seconds()
        high = (window.end - START).total_seconds()
        rows = [
            row
            for row in self.rows
            if low <= row.at and (row.at <= high if self.inclusive else row.at < high)
        ]
        rows.sort(key=lambda row: (row.shown(self.rounded), row.id, row.type or ""))
        if self.descending:
            rows.sort(key=lambda row: row.shown(self.rounded), reverse=True)
        return rows

    def _total(self, matching: list[Row], page: int, offset: int) -> int | None:
        count = len(matching)
        return {
            "exact": count,
            "absent": None,
            "one_more": count + (count > 0),
            "zero": 0,
            "of_page": page,
            "of_sent": offset + page,
            "one": 1,
        }[self.totals]

    def _row(self, row: Row) -> dict[str, object]:
        return {
            "communication_id": str(row.id) if self.text_ids else row.id,
            "communication_date_time": row.shown(self.rounded),
            "communication_type": {"value": "Звонок", "value_id": row.type},
        }


@dataclass
class Exported:
    """What an export through the pager brought: keys in order, calls, the pager itself."""

    keys: list[tuple[str, int, str | None]]
    pager: Reader
    service: Service

    @property
    def calls(self) -> int:
        return len(self.service.calls)


def run(
    service: Service,
    first: float,
    last: float,
    page_size: int = 10_000,
    max_rows: int | None = None,
    report_type: ReportType = COMMUNICATIONS,
    sort: tuple[Sort, ...] = (),
    note: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Export the seconds `first` to `last` after START, both included."""
    period = Period(START + timedelta(seconds=first), START + timedelta(seconds=last))
    columns = ("communication_date_time", "communication_id", "communication_type")
    if service.descending:
        sort = (Sort("communication_date_time", descending=True),)
    query = Query(
        report_type, 1, period, columns, sort=sort, page_size=page_size, max_rows=max_rows
    )
    cut = service.jobs > 0
    pager = Reader(query, service.ask, note, reach=service.reach, cut=cut)
    if service.jobs:
        pager.ahead = slow_lookahead(service.jobs)
    exported = Exported([], pager, service)
    for page in pager.pages():
        exported.keys += _keys(page, columns)
    return exported


def slow_lookahead(jobs: int) -> Lookahead:
    """Make a lookahead to which all answers seem slow, so that it asks as many as it may."""
    ticks = count().__next__
    return Lookahead(jobs, limit=jobs, clock=ticks, latency_clock=ticks)


def _keys(page: Page, columns: tuple[str, ...]) -> list[tuple[str, int, str | None]]:
    rows = RowReader(columns).plain(page)
    assert len(rows) == page.count
    for mark, (shown, number, kind) in zip(page.marks, rows, strict=True):
        key = f"{number}\x1f{kind['value_id']}" if kind["value_id"] else None
        assert mark.key == key
        assert mark.time in {shown, ""}  # of a report without one
    return [(shown, int(number), kind["value_id"]) for shown, number, kind in rows]


def truth(service: Service, first: float, last: float) -> list[tuple[str, int, str | None]]:
    """Return the keys of a perfect export: by shown time, both seconds included."""
    low, high = (str(START + timedelta(seconds=second)) for second in (first, last))
    rows = sorted(
        (row.shown(service.rounded), row.id, row.type)
        for row in service.rows
        if low <= row.shown(service.rounded) <= high
    )
    if service.descending:
        rows.sort(key=lambda row: row[0], reverse=True)
    return rows


def calls_for(rows: int, page: int) -> int:
    """Return how many calls it takes: pages overlap by one row.

    A total that is just the end of a full page is proven by one more, and so is that of a single
    page.
    """
    calls = 1 if rows <= page else 1 + -(-(rows - page) // (page - 1))
    return calls + (rows >= page and (rows - page) % (page - 1) == 0) + (0 < rows <= page)


def evenly(count: int, span: float = 100.0) -> list[Row]:
    return [Row(n * span / count, n + 1) for n in range(count)]


@st.composite
def stored_rows(draw: st.DrawFn, most: int = 60) -> list[Row]:
    """Rows of dense and empty stretches, some beyond the period, ids alike for two types."""
    seconds = st.one_of(
        st.floats(FIRST - 3, LAST + 3, width=32),
        st.sampled_from([0.0, -0.4, -0.6, 0.4, 98.9, 99.4, 99.6, 50.0, 50.25, 50.5]),
    )
    times = draw(st.lists(seconds, max_size=most))
    kinds = draw(st.lists(st.sampled_from(["call", "chat"]), min_size=most, max_size=most))
    return [Row(at, 2**31 + n // 2, kinds[n]) for n, at in enumerate(times)]


def unique(rows: list[Row]) -> list[Row]:
    return list({(row.id, row.type): row for row in rows}.values())
