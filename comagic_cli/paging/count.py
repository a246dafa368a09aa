"""How many rows the service says there are: one row asked for in each window, and its total."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import ceil

from comagic_cli.errors import Refused, UsageProblem
from comagic_cli.paging.id_batches import MOST, halve_batch, is_about_ids
from comagic_cli.paging.reader import Ask
from comagic_cli.paging.window import SECOND, Window, read_day_limit
from comagic_cli.query.query import IDS, Query

Asking = Callable[[Query], Ask]
Note = Callable[[str], None]


def count_rows(query: Query, asking: Asking, note: Note = lambda _: None) -> int:
    """Add up what the service says matches, in as few calls as the caps allow.

    `asking` makes what asks pages of a query. Raises `Refused` where the service gives no total,
    `UsageProblem` for a period that can't be cut, and what asking raises.
    """
    if IDS not in query.extra:
        return _count(query, asking(query), note)
    left, size, total = list(query.extra[IDS]), MOST, 0
    while left:
        lot = left[:size]
        part = replace(query, extra={**query.extra, IDS: lot})
        try:
            total += _count(part, asking(part), note)
        except Refused as error:
            if not is_about_ids(error):
                raise
            size = halve_batch(lot, error, note)
            continue
        left = left[size:]
    return total


def split_window(query: Query, window: Window, max_days: int) -> list[Window]:
    """Cut a window into parts that the cap of days allows, in which no second is twice.

    Raises `UsageProblem` where there is no time to cut by.
    """
    most = timedelta(days=max(1, max_days) - 1) or timedelta(hours=23)
    parts = ceil((window.span + SECOND) / most)
    if parts > 1 and not query.report.time:
        raise UsageProblem(
            f"the period is longer than {max_days - 1} days, the most at once",
            hint="Ask for a shorter one.",
        )
    starts = [window.start + most * part for part in range(parts)]
    return [Window(start, min(start + most - SECOND, window.end)) for start in starts]


def _count(query: Query, ask: Ask, note: Note) -> int:
    pending = split_window(
        query, Window(query.period.start, query.period.end), query.report.max_days
    )
    total = 0
    while pending:
        window = pending.pop(0)
        try:
            answer = ask(window, 0, 1)
        except Refused as error:
            if error.mnemonic != "date_interval_limit_reached":
                raise
            cap = read_day_limit(error.message, window)
            note(f"the service takes {cap} days at once: cutting {window}")
            pending[:0] = split_window(query, window, cap)
            continue
        if answer.total is None:
            raise Refused(
                f"{query.report.method}: the service does not say how many rows there are",
                hint="Leave --count out, and count the rows of the export.",
            )
        total += answer.total
    return total
