"""--dry-run and --count: the exact request without sending it, and the number of rows alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from comagic_cli.api.endpoints import zone_named
from comagic_cli.api.http import service_url
from comagic_cli.config.credentials import saved_zone
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.customers import Customers, period_in_utc
from comagic_cli.export.options import ExportOptions, OutputSpec, check_options
from comagic_cli.export.request import (
    ExportJob,
    draft_query,
    make_query,
    resolve_period,
    warn_of_no_rows,
)
from comagic_cli.paging.count import count_rows, split_window
from comagic_cli.paging.id_batches import MOST
from comagic_cli.paging.window import Window, windows_of
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.query import Query

MASK = "***"
AS_SAVED = "(as saved in the account)"


def show_plan(job: ExportJob) -> None:
    """Print the plan to stderr and the first request, as JSON, to stdout; the token is masked.

    The account's time zone is not asked for: relative dates are read in --tz, else in UTC.
    """
    clock = PlanClock(job)
    show_query(clock.query(), clock)


@dataclass
class PlanClock:
    """Tell the account's time without asking the account: in --tz, as saved, else in UTC."""

    job: ExportJob
    zone: str | None = field(init=False)
    is_guess: bool = False  # once the time was told in UTC

    def __post_init__(self) -> None:
        options = self.job.options
        saved = None if options.sandbox else saved_zone(options, self.job.context.environ)
        self.zone = options.tz or saved

    def __call__(self) -> datetime:
        """Return the time, aware, in whole seconds."""
        self.is_guess = self.zone is None
        zone = zone_named(self.zone or "UTC", "--tz")
        return self.job.context.clock.now().astimezone(zone).replace(microsecond=0)

    def query(self) -> Query:
        """Make the query, with dates by this clock."""
        now = cache(self)
        return draft_query(self.job, resolve_period(self.job, now), self.job.output.max_rows, now)


def show_query(query: Query, clock: PlanClock, windows: Sequence[Window] | None = None) -> None:
    """Print the plan of a query, and its first request; the clock has told the period."""
    options, context = clock.job.options, clock.job.context
    windows = windows or windows_of(query)
    for line in _plan(query, windows, clock):
        context.reporter.info(line)
    request = _first_request(query, windows, options)
    context.print(json.dumps(request, ensure_ascii=False, indent=2))


def _plan(query: Query, windows: Sequence[Window], clock: PlanClock) -> list[str]:
    options = clock.job.options
    service = "a private sandbox" if options.sandbox else service_url(options.base_url)
    lines = [
        f"service  {service}",
        f"report   {query.report.command}: {query.report.title}",
        *([f"period   {query.period}", f"windows  {len(windows)}"] if query.is_dated else ()),
        f"columns  {'as saved' if 'fields' in _saved(query, options) else len(query.columns)}",
    ]
    if query.ids is not None:
        lines.append(f"ids      {len(query.ids)}, {MOST} per call")
    filters = ["as saved"] if options.as_saved else []
    if query.filter:
        filters.append(to_expression(query.filter))
    if filters:
        lines.append(f"filter   {' and '.join(filters)}")
    if options.users:
        named = ", ".join(map(str, options.users))
        lines.append(f"users    {named}, one after another; the first is shown")
    if clock.is_guess:
        lines.append("A dry run does not ask for the account's time zone: UTC is shown. See --tz.")
    return lines


def _first_request(
    query: Query, windows: Sequence[Window], options: ExportOptions
) -> dict[str, Any]:
    if query.ids is not None:
        query = query.with_ids(query.ids[:MOST])
    first = windows[-1] if query.descending else windows[0]
    limit = min(query.page_size, query.max_rows or query.page_size)
    user: dict[str, Any] = {} if options.user_id is None else {"user_id": options.user_id}
    if options.users and not user:
        user = {"user_id": "(asked of the agent)"}
    params = query.params(first.start, first.end, 0, limit) | _saved(query, options)
    return masked_call(query.report.method, user | params)


def masked_call(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return a call of a method as it is sent, without the token."""
    params = {"access_token": MASK} | params
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _saved(query: Query, options: ExportOptions) -> dict[str, Any]:
    """Stand in for what the account would be asked for with --as-saved."""
    if not options.as_saved:
        return {}
    filters = [AS_SAVED, dict(query.filter)] if query.filter else []
    saved: dict[str, Any] = {
        "fields": AS_SAVED,
        "sort": AS_SAVED,
        "filter": {"filters": filters, "condition": "and"} if filters else AS_SAVED,
    }
    typed = {"fields": options.fields or options.count, "sort": options.sort}
    return {name: value for name, value in saved.items() if not typed.get(name)}


def show_count(job: ExportJob) -> None:
    """Print the number of rows that the service counts, to stdout. Raises `ComagicError`.

    Of several customers it is the sum of those that did not refuse, also where one did.
    """
    options, context = job.options, job.context
    check_options(options, "count", "--count")
    # The columns that are always asked for are enough, and one row.
    job = replace(job, request=replace(job.request, columns=()), output=OutputSpec("", max_rows=1))
    if options.dry_run:
        _show_count_plan(job)
        return
    counts: list[int] = []
    with connect(options, context) as connection:
        if not options.customers:
            query = make_query(job, connection, None)
            count = count_rows(query, connection.asker, connection.note)
            context.print_count(count, _ends(job, query.period.start, query.period.end))
            if not count:
                warn_of_no_rows(query, job, connection)
            return
        customers = Customers(connection, options.customers)
        try:
            counts.extend(customers.each(lambda at, _: iter([_count(job, at)])))
        finally:
            if counts:
                period = period_in_utc(options, context)
                ends = _ends(job, period.start, period.end)
                context.print_count(sum(counts), ends)
        if not sum(counts):
            query = draft_query(job, period_in_utc(options, context), None, connection.now)
            warn_of_no_rows(query, job, connection)


def _ends(job: ExportJob, start: datetime, end: datetime) -> list[str] | None:
    return [str(start), str(end)] if job.is_dated else None


def _count(job: ExportJob, connection: Connection) -> int:
    return count_rows(make_query(job, connection, None), connection.asker, connection.note)


def _show_count_plan(job: ExportJob) -> None:
    clock = PlanClock(job)
    query = clock.query()
    window = Window(query.period.start, query.period.end)
    show_query(query, clock, split_window(query, window, query.report.max_days))
