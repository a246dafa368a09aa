"""`comagic reports`, `fields`, `filters`, `users` and `account`: lists of what exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import click
import msgspec

from comagic_cli.cli import completion as complete
from comagic_cli.cli.options import list_options, make_context, query_option, read_command_line
from comagic_cli.cli.params import ExportCommand
from comagic_cli.errors import UsageProblem
from comagic_cli.export import account as lists
from comagic_cli.export.connection import read_names
from comagic_cli.export.context import Context, Terminal, rows_of
from comagic_cli.export.options import ListOptions, choose_format, terminal_of, terminal_options
from comagic_cli.export.transfer import write_pages
from comagic_cli.files.output import BINARY_FORMATS, is_file, open_output
from comagic_cli.formats.registry import make_sink
from comagic_cli.query import listing
from comagic_cli.query.listing import ACCOUNT, FIELDS, FILTERS, LIVE_FIELDS, REPORTS, USERS, Row
from comagic_cli.rows.page import Page


def _read_options(values: dict[str, Any]) -> tuple[ListOptions, Context]:
    options = ListOptions(**values, **read_command_line())
    return options, make_context(options)


report_argument = click.argument(
    "report", metavar="REPORT", shell_complete=complete.complete_reports
)


@click.command(cls=ExportCommand)
@query_option(
    *("--type", "kind"),
    metavar="TYPE",
    shell_complete=complete.complete_types,
    help="Only the reports of this type.",
)
@list_options
def reports(kind: str | None, **values: Any) -> None:
    """List the account's reports and the commands that export them.

    \b
    Examples:
      comagic reports --sandbox
      comagic reports --sandbox --type calls -f csv
    """  # noqa: D301 - \b is Click's
    options, context = _read_options(values)
    write_list(REPORTS, lambda: lists.list_reports(kind, options, context), options, context)


@click.command(cls=ExportCommand)
@report_argument
@query_option(
    *("--search", "words"),
    metavar="WORDS",
    default="",
    help="Only fields with these words in name or description.",
)
@query_option("--live", is_flag=True, help="Add the account's titles and own columns.")
@list_options
def fields(report: str, words: str, *, live: bool, **values: Any) -> None:
    """List the fields of a report, their types and descriptions.

    The list is built in; only --live calls the service.

    \b
    Examples:
      comagic fields calls
      comagic fields communications --search utm
      comagic fields calls --sandbox --live -f csv
    """  # noqa: D301 - \b is Click's
    options, context = _read_options(values)
    columns = LIVE_FIELDS if live else FIELDS
    rows = partial(list_fields, report, words, options, context, live=live)
    write_list(columns, rows, options, context)


@click.command(cls=ExportCommand)
@report_argument
@click.argument(
    "field", metavar="[FIELD]", required=False, shell_complete=complete.complete_filter_fields
)
@list_options
def filters(report: str, field: str | None, **values: Any) -> None:
    """List the fields, operators and values for filters of a report.

    \b
    Examples:
      comagic filters calls --sandbox
      comagic filters calls call_status --sandbox | jq '.values[]'
    """  # noqa: D301 - \b is Click's
    options, context = _read_options(values)
    rows = partial(lists.list_filters, report, field, options, context)
    write_list(FILTERS, rows, options, context, vertical=field is not None)


@click.command(cls=ExportCommand)
@query_option(
    *("--search", "words"),
    metavar="TEXT",
    default="",
    help="Only users with this in their id, login, name or description.",
)
@list_options
def users(words: str, **values: Any) -> None:
    """List the users of an agent's customers: the ids for --user-id.

    \b
    Examples:
      comagic users
      comagic users --search окна
      comagic users -f csv | csvcut -c id,name
    """  # noqa: D301 - \b is Click's
    options, context = _read_options(values)
    write_list(USERS, partial(find_users, words, options, context), options, context)


def find_users(words: str, options: ListOptions, context: Context) -> list[Row]:
    """List the users that have every word, in any case."""
    found = listing.having(lists.list_users(options, context), words, tuple(USERS))
    if words and not found:
        context.reporter.warn(f"no user has {words!r}: comagic users lists all")
    return found


@click.command(cls=ExportCommand)
@list_options
def account(**values: Any) -> None:
    """Show the account: name, id, time zone, points left.

    \b
    Examples:
      comagic account --sandbox
      comagic account --sandbox | jq .day_points_left
    """  # noqa: D301 - \b is Click's
    options, context = _read_options(values)
    rows = partial(lists.list_account, options, context)
    write_list(ACCOUNT, rows, options, context, vertical=True)


DATABASE = "sqlite"  # not for lists: its rows have no key


def write_list(
    columns: Mapping[str, str],
    rows: Callable[[], Sequence[Row]],
    options: ListOptions,
    context: Context,
    *,
    vertical: bool = False,
) -> None:
    """Write the rows; `rows` is called only once the output is open.

    A table on a terminal has the first columns that fit; with `vertical`, rows are blocks.
    """
    terminal = terminal_of(options.output, context.terminal)
    format_ = _format(options, terminal)
    format_options = replace(terminal_options(terminal), vertical=vertical)
    with open_output(options.output, context.stdout, find_store=context.find_store) as stream:
        items = rows()
        shown = columns
        if format_ == "table" and format_options.width is not None and not vertical:
            shown = listing.fitting(columns, items, format_options.width)
        page = Page(list(map(msgspec.json.encode, items)))
        write_pages(
            iter([page]), make_sink(format_, stream, listing.as_fields(shown), format_options)
        )
    context.reporter.record(rows_of(len(items)), rows=len(items), output=options.output)
    if len(shown) < len(columns):
        hidden = ", ".join(name for name in columns if name not in shown)
        context.reporter.hint(f"Hidden, as the terminal is too narrow: {hidden}. See -f csv.")


def _format(options: ListOptions, terminal: Terminal | None) -> str:
    """Choose the format; ignore a default that is meant for exports to files."""
    is_default = "format" not in options.typed and not is_file(options.output)
    if is_default and options.format in {*BINARY_FORMATS, DATABASE}:
        options = replace(options, format=None)
    format_ = choose_format(options, terminal)
    if format_ == DATABASE:
        raise UsageProblem(f"A list is not written as {format_}.", hint="Name -o FILE.csv.")
    return format_


def list_fields(
    name: str, words: str, options: ListOptions, context: Context, *, live: bool
) -> list[Row]:
    """List the fields of a report; with `live`, also the account's own."""
    report = listing.find_command(name)
    if live and not report.is_flat:
        raise UsageProblem(
            f"--live: an account has no columns of its own in {report.command}",
            hint="Omit --live.",
        )
    columns = lists.list_columns(report, options, context) if live else ()
    titles = {} if live else read_names(f"columns-{report.kind}", options, context)
    found = listing.search(listing.field_rows(report, columns), words, titles)
    if not found:
        hint = "" if live or not report.is_flat else " --live also searches the account's titles."
        context.reporter.warn(f"{listing.explain_nothing(report, words)}{hint}")
    return found
