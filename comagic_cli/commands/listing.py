"""List what can be asked for: of the catalogue, or of the account."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from comagic_cli.commands.columns import Columns
from comagic_cli.commands.formats import choose_format, on_terminal, screen
from comagic_cli.commands.options import ListOptions
from comagic_cli.commands.service import connect
from comagic_cli.commands.streams import tell
from comagic_cli.export import export
from comagic_cli.fetch.account import ask_all, ask_reports, objects
from comagic_cli.fetch.columns import ask_kind
from comagic_cli.output.files import open_output
from comagic_cli.output.sinks import make_sink
from comagic_cli.request import listing
from comagic_cli.request.listing import Row
from comagic_cli.request.rows import Page


def write_list(
    columns: Mapping[str, str],
    rows: Callable[[], Sequence[Row]],
    options: ListOptions,
    *,
    record: bool = False,
) -> None:
    """Write rows as any export is written; nothing is asked where they can't be.

    A terminal gets the first columns that it has room for; or, of a `record`, a block.
    """
    format_ = choose_format(options)
    look = replace(screen(terminal=on_terminal(options.output)), record=record)
    with open_output(options.output) as stream:
        listed = rows()
        shown = columns
        if format_ == "table" and look.width is not None and not record:
            shown = listing.fitting(columns, listed, look.width)
        page = Page(list(map(msgspec.json.encode, listed)))
        export(iter([page]), make_sink(format_, stream, listing.as_fields(shown), look))
    told = not options.quiet and sys.stderr is not None and sys.stderr.isatty()
    if told and len(shown) < len(columns):
        hidden = ", ".join(name for name in columns if name not in shown)
        tell(f"Not shown, for want of room: {hidden}. See -f csv.")


def reports_of(kind: str | None, options: ListOptions) -> list[Row]:
    """List the account's reports, all or those of a type."""
    with connect(options) as connection:
        return listing.report_rows(ask_reports(connection.client.call), kind)


def fields_of(typed: str, words: str, options: ListOptions, *, live: bool) -> list[Row]:
    """List a report's fields; where it is `live`, as the account has them."""
    report = listing.find_command(typed)
    rows = listing.field_rows(report)
    if live:
        with connect(options) as connection:
            kind = ask_kind(connection.client.call, report, None)
            rows = listing.field_rows(report, Columns(connection, kind).ask())
    return listing.search(rows, words)


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
        return ask_all(connection.client.call, "get.customer_users")


def account_of(options: ListOptions) -> list[Row]:
    """Tell of the account, and of the points that are left."""
    method = "get.account"
    with connect(options) as connection:
        answer = connection.client.call(method, {})
    return listing.account_rows(objects(answer, method), answer.limits)
