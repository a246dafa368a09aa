"""What the account says of itself: its columns, reports, filters, users and name.

Columns are asked for once and cached for a day.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from comagic_cli.api.endpoints import (
    ask_columns,
    ask_filters,
    ask_kind,
    custom_dimensions,
    describe_account,
)
from comagic_cli.api.lists import ask_items, objects
from comagic_cli.errors import NotAllowed, Refused, UnknownField, UsageProblem
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context
from comagic_cli.export.customers import find_customers
from comagic_cli.export.options import ExportOptions, ListOptions
from comagic_cli.files.cache import DAY
from comagic_cli.query import listing
from comagic_cli.query.catalog import (
    NAME_OF_CUSTOM,
    Column,
    ReportType,
    is_name,
    page_size_of,
    with_guess,
    with_more,
)
from comagic_cli.query.empty import listed_values
from comagic_cli.query.listing import Row
from comagic_cli.query.older import naming_older
from comagic_cli.rows.page import Answer

FRESH = 600.0  # seconds during which a column that is not in the cache is taken to be missing
Made = TypeVar("Made")
Make = Callable[[ReportType], Made]
LISTS = ("columns", "dimensions")


@dataclass(frozen=True)
class Columns:
    """The columns of reports of a type in one account, and the dimensions of their filters."""

    connection: Connection
    kind: str

    def complete(self, report: ReportType, make: Make[Made]) -> Made:
        """Make something of the report with the account's columns: cached, else asked for.

        Dimensions are asked for only where a filter names what is not a column.
        """
        if (cached := self.recall()) is not None:
            try:
                return make(with_more(report, cached))
            except UnknownField as unknown:
                names = LISTS if unknown.in_filter else ("columns",)
                if all(self._recall(name, FRESH) is not None for name in names):
                    raise
        known = report
        try:
            columns = self._ask("columns")
            known = with_more(report, columns)
            try:
                return make(known)
            except UnknownField as unknown:
                if not unknown.in_filter:
                    raise
            dimensions = self._ask("dimensions")
        except (Refused, NotAllowed) as refused:
            why = f"The account does not tell its own columns ({refused.message})"
            return _guess(known, make, why, self.connection.note)
        return make(with_more(report, (*columns, *dimensions)))

    def ask(self) -> tuple[Column, ...]:
        """Ask the account for its columns, and cache them."""
        return self._ask("columns")

    def recall(self) -> tuple[Column, ...] | None:
        """Return the cached columns and dimensions; `None` where no columns are cached."""
        if (columns := self._recall("columns", DAY)) is None:
            return None
        return (*columns, *(self._recall("dimensions", DAY) or ()))

    def _ask(self, name: str) -> tuple[Column, ...]:
        if name == "columns":
            columns = ask_columns(self.connection.call, self.kind)
        else:
            columns = custom_dimensions(ask_listed_filters(self.connection, self.kind))
        if self.connection.cache:
            text = msgspec.json.encode(columns).decode()
            self.connection.cache.set(self.connection.cache_name(name, self.kind), text)
            titles = ((column.id, column.name) for column in columns)
            self.connection.save_names(f"{name}-{self.kind}", titles)
        return columns

    def _recall(self, name: str, most_age: float) -> tuple[Column, ...] | None:
        cache = self.connection.cache
        text = cache.get(self.connection.cache_name(name, self.kind), most_age) if cache else None
        with suppress(msgspec.DecodeError):  # what is damaged is asked for again
            return msgspec.json.decode(text, type=tuple[Column, ...]) if text else None
        return None


def with_columns(
    report: ReportType, make: Make[Made], options: ExportOptions, context: Context
) -> Made:
    """Make something of a report whose fields may be the account's own.

    `make` raises `UnknownField` for a field that the report lacks: only then the account is asked
    for its columns. Raises that error where the account has no such field either.
    """
    try:
        return make(report)
    except UnknownField as unknown:
        if not is_name(unknown.field) or not report.is_flat:
            raise
    if options.dry_run:
        return _with_cached(report, make, options, context)
    with connect(find_customers(options, context), context) as connection:
        kind = ask_kind(connection.call, report, options.report_id)
        return Columns(connection, kind).complete(report, make)


def _with_cached(
    report: ReportType, make: Make[Made], options: ExportOptions, context: Context
) -> Made:
    """Use the cached columns: a dry run asks for nothing."""
    cached = None
    if not options.sandbox:
        with suppress(UsageProblem), connect(options, context) as connection:  # without a token
            cached = Columns(connection, report.kind).recall()
    known = report if cached is None else with_more(report, cached)
    why = "A dry run does not ask for the account's own columns"
    return _guess(known, make, why, context.reporter.info)


def _guess(report: ReportType, make: Make[Made], why: str, note: Callable[[str], None]) -> Made:
    """Make something of a report, taking each `cc_N` for a column of the account."""
    while True:
        try:
            return make(report)
        except UnknownField as unknown:
            if not NAME_OF_CUSTOM.fullmatch(unknown.field):
                unknown.hint = f"{unknown.hint} {why}."
                raise
            name = unknown.field
        note(f"{why}: {name} is taken for one.")
        report = with_guess(report, name)


def find_titles(
    report: ReportType, report_id: str | None, connection: Connection
) -> tuple[tuple[str, str], ...]:
    """Return the account's titles of columns: cached, else asked for."""
    columns = Columns(connection, ask_kind(connection.call, report, report_id))
    cached = columns.recall()
    known = columns.ask() if cached is None else cached
    return tuple((column.id, column.name) for column in known)


def list_reports(kind: str | None, options: ListOptions, context: Context) -> list[Row]:
    """List the reports of the account, all or those of a type."""
    with connect(options, context) as connection:
        listed = _every(connection, "get.reports_list")
        connection.save_names("reports", ((row.get("id"), row.get("name")) for row in listed))
    rows = listing.report_rows(listed, kind)
    if kind is not None and not rows:
        context.reporter.warn(listing.explain_no_reports(kind, listed))
    return rows


def list_columns(report: ReportType, options: ListOptions, context: Context) -> tuple[Column, ...]:
    """List the columns of a report as the account has them now."""
    with naming_older(report, options.command_line), connect(options, context) as connection:
        return Columns(connection, ask_kind(connection.call, report, None)).ask()


def list_filters(name: str, field: str | None, options: ListOptions, context: Context) -> list[Row]:
    """List the fields, operators and values for filters of a report."""
    report = listing.find_command(name)
    if not report.is_flat:
        return listing.filter_rows(listing.documented_filters(report), field, report)
    with naming_older(report, options.command_line), connect(options, context) as connection:
        kind = ask_kind(connection.call, report, None)
        filters = ask_listed_filters(connection, kind)
    return listing.filter_rows(filters, field, report)


def ask_listed_filters(connection: Connection, kind: str) -> list[Row]:
    """Ask what reports of a type can be filtered by, and cache its operators."""
    filters = ask_filters(connection.call, kind)
    connection.save_operators(kind, filters)
    return filters


def find_values(connection: Connection, kind: str) -> dict[str, list[str]]:
    """Return the values of the account's lists: cached, else asked for."""
    cache, name = connection.cache, connection.cache_name("values", kind)
    with suppress(msgspec.DecodeError):
        if text := cache.get(name) if cache else None:
            return msgspec.json.decode(text, type=dict[str, list[str]])
    listed = listed_values(ask_listed_filters(connection, kind))
    if cache:
        cache.set(name, msgspec.json.encode(listed).decode())
    return listed


def list_users(options: ListOptions, context: Context) -> list[Row]:
    """List the users of an agent's customers."""
    with connect(options, context, is_agent=True) as connection:
        users = _every(connection, "get.customer_users")
        connection.save_names("users", ((row.get("id"), row.get("name")) for row in users))
        return users


def list_account(options: ListOptions, context: Context) -> list[Row]:
    """Describe the account and the points left."""
    with connect(options, context) as connection:
        account = describe_account(connection.call)
    return listing.account_rows([account.facts], account.limits)


def _every(connection: Connection, method: str) -> list[Row]:
    """Return the objects of a list from all its pages, each id once."""
    rows: dict[str, Row] = {}
    size = page_size_of(method)
    for page in ask_items(connection.call, method, {}, connection.note, size):
        answer = Answer(b"[" + b",".join(page.items) + b"]", marker=page.marker)
        for row in objects(answer, method):
            rows.setdefault(str(row.get("id") or row), row)
    return list(rows.values())
