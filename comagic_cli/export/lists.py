"""Lists that the account gives: reports, columns, filters, users, the account itself."""

from __future__ import annotations

from comagic_cli.api.endpoints import ask_items, ask_kind, objects
from comagic_cli.commands.columns import Columns
from comagic_cli.commands.service import Connection, connect
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ListOptions
from comagic_cli.query import listing
from comagic_cli.query.catalog import Column, ReportType
from comagic_cli.query.listing import Row
from comagic_cli.rows.answer import Answer


def ask_reports(kind: str | None, options: ListOptions, reporter: Reporter) -> list[Row]:
    """List the reports of the account, all or those of a type."""
    with connect(options, reporter) as connection:
        return listing.report_rows(_every(connection, "get.reports_list"), kind)


def ask_columns(report: ReportType, options: ListOptions, reporter: Reporter) -> tuple[Column, ...]:
    """List the columns of a report as the account has them now."""
    with connect(options, reporter) as connection:
        return Columns(connection, ask_kind(connection.client.call, report, None)).ask()


def ask_filters(
    name: str, field: str | None, options: ListOptions, reporter: Reporter
) -> list[Row]:
    """List the fields, operators and values for filters of a report."""
    report, method = listing.find_command(name), "get.report_filters"
    with connect(options, reporter) as connection:
        call = connection.client.call
        filters = objects(call(method, {"report_type": ask_kind(call, report, None)}), method)
    return listing.filter_rows(filters, field, report)


def ask_users(options: ListOptions, reporter: Reporter) -> list[Row]:
    """List the users of an agent's customers."""
    with connect(options, reporter) as connection:
        return _every(connection, "get.customer_users")


def ask_account(options: ListOptions, reporter: Reporter) -> list[Row]:
    """Describe the account and the points left."""
    method = "get.account"
    with connect(options, reporter) as connection:
        answer = connection.client.call(method, {})
    return listing.account_rows(objects(answer, method), answer.limits)


def _every(connection: Connection, method: str) -> list[Row]:
    """Return the objects of a list from all its pages, each id once."""
    rows: dict[str, Row] = {}
    for page in ask_items(connection.client.call, method, {}, connection.note):
        answer = Answer(b"[" + b",".join(page.items) + b"]", marker=page.marker)
        for row in objects(answer, method):
            rows.setdefault(str(row.get("id") or row), row)
    return list(rows.values())
