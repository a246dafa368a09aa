"""--dry-run: the plan and the exact request, and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import click

from comagic_cli.api.endpoints import zone_named
from comagic_cli.api.http import service_url
from comagic_cli.commands.service import draft, saved_zone, utc_now
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions
from comagic_cli.paging.id_batches import MOST
from comagic_cli.paging.window import Window, outer, spread
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.period import resolve
from comagic_cli.query.query import IDS, Query

MASK = "***"
AS_SAVED = "(as saved in the account)"


def show_plan(
    wish: ExportRequest, most: int | None, options: ExportOptions, reporter: Reporter
) -> None:
    """Print the plan to stderr and the first request, as JSON, to stdout; the key is masked.

    The account's time zone is not asked: relative dates are read in --tz, else in UTC.
    """
    clock = DryClock(options.tz or saved_zone(options))
    show_query(dry_query(wish, most, clock, options), clock, options, reporter)


def dry_query(
    wish: ExportRequest, most: int | None, clock: DryClock, options: ExportOptions
) -> Query:
    """Make the query of a dry run; the clock tells the dates of the period and of the filter."""
    now = cache(clock)
    period = resolve(options.from_, options.till, options.period, now, utc_now)
    return replace(draft(wish, options, period, most), filter=wish.tree(now))


class DryClock:
    """Tell the time without asking the account: in the zone of --tz, else in UTC."""

    def __init__(self, zone: str | None) -> None:
        self._zone = zone
        self.guessed = False

    def __call__(self) -> datetime:
        """Return the time, aware, in whole seconds."""
        self.guessed = self._zone is None
        return datetime.now(zone_named(self._zone or "UTC", "--tz")).replace(microsecond=0)


def show_query(
    query: Query,
    clock: DryClock,
    options: ExportOptions,
    reporter: Reporter,
    windows: Sequence[Window] | None = None,
) -> None:
    """Print the plan of a query, and its first request; the clock has told the period."""
    windows = windows or spread(outer(query.period, len(query.report.time)), query.report.max_days)
    for line in _plan(query, windows, clock, options):
        reporter.info(line)
    request = json.dumps(_request(query, windows, options), ensure_ascii=False, indent=2)
    click.echo(request.encode())  # UTF-8, as all data, whatever the locale is


def _plan(
    query: Query, windows: Sequence[Window], clock: DryClock, options: ExportOptions
) -> list[str]:
    service = "a private sandbox" if options.sandbox else service_url(options.base_url)
    lines = [
        f"service  {service}",
        f"report   {query.report.command}: {query.report.title}",
        f"period   {query.period}",
        f"windows  {len(windows)}",
        f"columns  {'as saved' if 'fields' in _saved(query, options) else len(query.columns)}",
    ]
    if IDS in query.extra:
        ids = len(query.extra[IDS])
        lines.append(f"ids      {ids}, {MOST} a call")
    filters = ["as saved"] if options.as_saved else []
    if query.filter:
        filters.append(to_expression(query.filter))
    if filters:
        lines.append(f"filter   {' and '.join(filters)}")
    if options.users:
        named = ", ".join(map(str, options.users))
        lines.append(f"clients  {named}, one after another; the first is shown")
    if clock.guessed:
        lines.append("A dry run does not ask for the account's time zone: UTC is shown. See --tz.")
    return lines


def _request(query: Query, windows: Sequence[Window], options: ExportOptions) -> dict[str, Any]:
    if IDS in query.extra:
        query = replace(query, extra={**query.extra, IDS: query.extra[IDS][:MOST]})
    first = windows[-1] if query.descending else windows[0]
    limit = min(query.page_size, query.most or query.page_size)
    user: dict[str, Any] = {} if options.user_id is None else {"user_id": options.user_id}
    if options.users and not user:
        user = {"user_id": "(asked of the agent)"}
    params = query.params(first.start, first.end, 0, limit) | _saved(query, options)
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": query.report.method,
        "params": {"access_token": MASK} | user | params,
    }


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
