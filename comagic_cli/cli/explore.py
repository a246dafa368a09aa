"""`comagic reports`, `fields`, `filters`, `users` and `account`: what can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
import msgspec

from comagic_cli.cli import completion as offers
from comagic_cli.cli.options import list_options, typed_options, world
from comagic_cli.cli.params import ExportCommand, QueryOption
from comagic_cli.errors import UsageProblem
from comagic_cli.export import account as lists
from comagic_cli.export.context import Terminal
from comagic_cli.export.options import ListOptions, choose_format, terminal_of, terminal_options
from comagic_cli.export.transfer import write_pages
from comagic_cli.files.output import WHOLE, is_file, open_output
from comagic_cli.formats.registry import make_sink
from comagic_cli.query import listing
from comagic_cli.query.listing import ACCOUNT, FIELDS, FILTERS, LIVE_FIELDS, REPORTS, USERS, Row
from comagic_cli.rows.page import Page

report_argument = click.argument("report", metavar="REPORT", shell_complete=offers.reports)


@click.command(cls=ExportCommand)
@click.option(
    "--type",
    "kind",
    cls=QueryOption,
    metavar="TYPE",
    shell_complete=offers.kinds,
    help="Only the reports of this type.",
)
@list_options
def reports(kind: str | None, **typed: Any) -> None:
    """List the account's reports, and the commands that export them.

    \b
    Examples:
      comagic reports --sandbox
      comagic reports --sandbox --type calls -f csv
    """  # noqa: D301 - \b is Click's
    options = ListOptions(**typed, **typed_options())
    write_list(REPORTS, lambda: lists.list_reports(kind, options, world(options)), options)


@click.command(cls=ExportCommand)
@report_argument
@click.option(
    "--search",
    "words",
    cls=QueryOption,
    metavar="WORDS",
    default="",
    help="Only fields with these words in name or text.",
)
@click.option(
    "--live", cls=QueryOption, is_flag=True, help="Ask the account for its titles and own columns."
)
@list_options
def fields(report: str, words: str, *, live: bool, **typed: Any) -> None:
    """List the fields of a report: what they are, and what can be done with them.

    They come from the catalogue of the program; only --live calls the service.

    \b
    Examples:
      comagic fields calls
      comagic fields communications --search utm
      comagic fields calls --sandbox --live -f csv
    """  # noqa: D301 - \b is Click's
    options = ListOptions(**typed, **typed_options())
    columns = LIVE_FIELDS if live else FIELDS
    write_list(columns, lambda: fields_of(report, words, options, live=live), options)


@click.command(cls=ExportCommand)
@report_argument
@click.argument("field", metavar="[FIELD]", required=False, shell_complete=offers.filtered)
@list_options
def filters(report: str, field: str | None, **typed: Any) -> None:
    """List the fields, operators and values for filters of a report.

    \b
    Examples:
      comagic filters calls --sandbox
      comagic filters calls call_status --sandbox | jq '.values[]'
    """  # noqa: D301 - \b is Click's
    options = ListOptions(**typed, **typed_options())
    write_list(
        FILTERS,
        lambda: lists.list_filters(report, field, options, world(options)),
        options,
        record=field is not None,
    )


@click.command(cls=ExportCommand)
@list_options
def users(**typed: Any) -> None:
    """List the users of an agent's customers: their ids are for --user-id.

    \b
    Examples:
      comagic users
      comagic users -f csv | csvcut -c id,name
    """  # noqa: D301 - \b is Click's
    options = ListOptions(**typed, **typed_options())
    write_list(USERS, lambda: lists.list_users(options, world(options)), options)


@click.command(cls=ExportCommand)
@list_options
def account(**typed: Any) -> None:
    """Show the account: name, id, time zone, points left.

    \b
    Examples:
      comagic account --sandbox
      comagic account --sandbox | jq .day_points_left
    """  # noqa: D301 - \b is Click's
    options = ListOptions(**typed, **typed_options())
    write_list(ACCOUNT, lambda: lists.list_account(options, world(options)), options, record=True)


DATABASE = "sqlite"  # which is updated by exports, row by row


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
    context = world(options)
    terminal = terminal_of(options.output, context.terminal)
    format_ = _format(options, terminal)
    format_options = replace(terminal_options(terminal), vertical=record)
    with open_output(options.output, context.stdout) as stream:
        listed = rows()
        shown = columns
        if format_ == "table" and format_options.width is not None and not record:
            shown = listing.fitting(columns, listed, format_options.width)
        page = Page(list(map(msgspec.json.encode, listed)))
        write_pages(
            iter([page]), make_sink(format_, stream, listing.as_fields(shown), format_options)
        )
    if len(shown) < len(columns):
        hidden = ", ".join(name for name in columns if name not in shown)
        context.reporter.hint(f"Hidden, as the terminal is too narrow: {hidden}. See -f csv.")


def _format(options: ListOptions, terminal: Terminal | None) -> str:
    """Choose the format; a default for exports to files does not apply to a list."""
    is_default = "format" not in options.typed and not is_file(options.output)
    if is_default and options.format in {*WHOLE, DATABASE}:
        options = replace(options, format=None)
    format_ = choose_format(options, terminal)
    if format_ == DATABASE:
        raise UsageProblem(f"A list is not written as {format_}.", hint="Name -o FILE.csv.")
    return format_


def fields_of(name: str, words: str, options: ListOptions, *, live: bool) -> list[Row]:
    """List the fields of a report; with `live` as the account has them."""
    report = listing.find_command(name)
    columns = lists.list_columns(report, options, world(options)) if live else ()
    return listing.search(listing.field_rows(report, columns), words)
