"""What an account says can be asked for."""

from __future__ import annotations

from comagic_cli.commands.columns import Columns
from comagic_cli.commands.options import ListOptions
from comagic_cli.commands.service import Connection, connect
from comagic_cli.fetch.account import objects
from comagic_cli.fetch.columns import ask_kind
from comagic_cli.fetch.listing import ask_items
from comagic_cli.fetch.wire import Answer
from comagic_cli.request import listing
from comagic_cli.request.catalog import ReportType
from comagic_cli.request.columns import Column
from comagic_cli.request.listing import Row


def reports_of(kind: str | None, options: ListOptions) -> list[Row]:
    """List the account's reports, all or those of a type."""
    with connect(options) as connection:
        return listing.report_rows(_every(connection, "get.reports_list"), kind)


def columns_of(report: ReportType, options: ListOptions) -> tuple[Column, ...]:
    """List the columns of a report as the account has them now."""
    with connect(options) as connection:
        return Columns(connection, ask_kind(connection.client.call, report, None)).ask()


def filters_of(typed: str, field: str | None, options: ListOptions) -> list[Row]:
    """List what a report can be filtered by, with what operators and values."""
    report, method = listing.find_command(typed), "get.report_filters"
    with connect(options) as connection:
        call = connection.client.call
        told = objects(call(method, {"report_type": ask_kind(call, report, None)}), method)
    return listing.filter_rows(told, field, report)


def users_of(options: ListOptions) -> list[Row]:
    """List the users of an agent's clients."""
    with connect(options) as connection:
        return _every(connection, "get.customer_users")


def account_of(options: ListOptions) -> list[Row]:
    """Tell of the account, and of the points that are left."""
    method = "get.account"
    with connect(options) as connection:
        answer = connection.client.call(method, {})
    return listing.account_rows(objects(answer, method), answer.limits)


def _every(connection: Connection, method: str) -> list[Row]:
    """Return every object of a list, however many pages it has; those of one id once."""
    found: dict[str, Row] = {}
    for page in ask_items(connection.client.call, method, {}, connection.note):
        answer = Answer(b"[" + b",".join(page.items) + b"]", marker=page.marker)
        for row in objects(answer, method):
            found.setdefault(str(row.get("id") or row), row)
    return list(found.values())
