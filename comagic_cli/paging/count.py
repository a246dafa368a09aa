"""How many rows the service says there are: one row asked for in each window, and its total."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import ceil

from comagic_cli.errors import Refused
from comagic_cli.paging.id_batches import MOST, halve_batch, is_about_ids
from comagic_cli.paging.source import Ask, Totals, read_page
from comagic_cli.paging.whole_answer import WholeAnswerReader
from comagic_cli.paging.window import SECOND, Window, find_cap
from comagic_cli.query.query import Query
from comagic_cli.rows.page import Answer

Asking = Callable[[Query], Ask]
Note = Callable[[str], None]
HINT = "Leave --count out, and count the rows of the export."


def count_rows(query: Query, asking: Asking, note: Note = lambda _: None) -> int:
    """Add up what the service says matches, in as few calls as the caps allow.

    `asking` makes what asks pages of a query. Raises `Refused` where the service gives no total or
    only that of a page, and what asking raises.
    """
    totals = Totals()
    if query.report.is_one_answer:
        return WholeAnswerReader(query, asking(query), note).read().count
    if query.ids is None:
        return _count(query, asking(query), note, totals)
    left, size, total = list(query.ids), MOST, 0
    while left:
        lot = left[:size]
        part = query.with_ids(lot)
        try:
            total += _count(part, asking(part), note, totals)
        except Refused as error:
            if not is_about_ids(error):
                raise
            size = halve_batch(lot, error, note)
            continue
        left = left[size:]
    return total


def split_window(query: Query, window: Window, max_days: int) -> list[Window]:
    """Cut a window into parts that the cap of days allows, in which no second is twice.

    Sums over the period are not cut.
    """
    most = timedelta(days=max(1, max_days) - 1) or timedelta(hours=23)
    parts = ceil((window.span + SECOND) / most) if query.report.time else 1
    starts = [window.start + most * part for part in range(parts)]
    return [Window(start, min(start + most - SECOND, window.end)) for start in starts]


def _count(query: Query, ask: Ask, note: Note, totals: Totals) -> int:
    pending = split_window(
        query, Window(query.period.start, query.period.end), query.report.max_days
    )
    total = 0
    while pending:
        window = pending.pop(0)
        try:
            answer = ask(window, 0, 1)
        except Refused as error:
            cap = find_cap(error, window, query.report)
            note(f"the service takes {cap} days at once: cutting {window}")
            pending[:0] = split_window(query, window, cap)
            continue
        total += _read_total(query, ask, window, answer, totals)
    return total


def _read_total(query: Query, ask: Ask, window: Window, answer: Answer, totals: Totals) -> int:
    """Return how many rows of a window match; a total of 1 may be that of the page alone."""
    rows = read_page(answer).count
    if answer.total == 1 and not rows:  # some services count one row too many
        return 0
    total = totals.read(answer.total, rows)
    if total is None:
        raise Refused(
            f"{query.report.method}: the service does not say how many rows there are", hint=HINT
        )

    def check(offset: int, limit: int) -> tuple[int | None, int]:
        behind = ask(window, offset, limit)
        return behind.total, read_page(behind).count

    if total == rows and not totals.confirm(rows, check):
        raise Refused(
            f"{query.report.method}: the service counts the rows of a page, not all that match",
            hint=HINT,
        )
    return total
