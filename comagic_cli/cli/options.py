"""The options of commands, in groups: declared here, held by `export.options`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from typing import Any

import click
from click.core import ParameterSource

from comagic_cli.cli import completion as offers
from comagic_cli.cli.console import StderrReporter
from comagic_cli.cli.params import (
    Command,
    ConnectionOption,
    Decorator,
    Delimiter,
    Duration,
    FormatOption,
    Host,
    LookBack,
    OutputOption,
    PositiveInt,
    QueryOption,
    ServiceUrl,
    Text,
    Users,
    bundle,
    unique_users,
)
from comagic_cli.cli.profile_option import load_profile, profile_option
from comagic_cli.cli.root import COMMAND_LINE
from comagic_cli.export.context import Clock, Context, Terminal
from comagic_cli.export.options import ServiceOptions

WRITTEN_FORMATS = tuple(offers.FORMATS)

output_options = bundle(
    click.option(
        "-f",
        "--format",
        cls=OutputOption,
        metavar="FORMAT",
        type=click.Choice(WRITTEN_FORMATS),
        envvar="COMAGIC_FORMAT",
        shell_complete=offers.formats,
        help=f"{', '.join(WRITTEN_FORMATS)}.",
    ),
    click.option(
        "-o",
        "--output",
        cls=OutputOption,
        metavar="FILE",
        type=click.Path(),
        help="A file (- is stdout); {date} or {month}: one file each.",
    ),
    click.option(
        "--vertical",
        cls=OutputOption,
        is_flag=True,
        help="Show each row as a block, one field per line.",
    ),
    click.option(
        "--table",
        cls=OutputOption,
        metavar="NAME",
        type=Text(),
        help="The SQLite table. [default: the report's name]",
    ),
    click.option(
        "--max-rows",
        cls=OutputOption,
        metavar="N",
        type=PositiveInt(),
        help="Write at most so many rows.",
    ),
    click.option(
        "--refresh",
        cls=OutputOption,
        metavar="D",
        type=LookBack(),
        help="Rewrite the files of the last 3d, 2w, 1mo, or all.",
    ),
    click.option("--count", cls=OutputOption, is_flag=True, help="Print the number of rows only."),
    click.option(
        "--dry-run", cls=OutputOption, is_flag=True, help="Print the request; send nothing."
    ),
    click.option(
        "--resume",
        cls=OutputOption,
        is_flag=True,
        help="Continue an interrupted export.",
    ),
    click.option(
        "--manifest",
        cls=OutputOption,
        metavar="FILE",
        type=click.Path(),
        help="Write a record of request and result; see verify.",
    ),
    click.option(
        "--keep-incomplete",
        cls=OutputOption,
        is_flag=True,
        help="Give the file its name even if rows are missing.",
    ),
    click.option("-q", "--quiet", cls=OutputOption, is_flag=True, help="Show errors only."),
    click.option("-v", "--verbose", cls=OutputOption, is_flag=True, help="Show every API call."),
)


list_output_options = bundle(
    click.option(
        "-f",
        "--format",
        cls=OutputOption,
        metavar="FORMAT",
        type=click.Choice(WRITTEN_FORMATS),
        envvar="COMAGIC_FORMAT",
        shell_complete=offers.formats,
        help=f"{', '.join(name for name in WRITTEN_FORMATS if name != 'sqlite')}.",
    ),
    click.option(
        "-o",
        "--output",
        cls=OutputOption,
        metavar="FILE",
        type=click.Path(),
        help="A file (- is stdout); its suffix sets the format.",
    ),
    click.option("-q", "--quiet", cls=OutputOption, is_flag=True, help="Show errors only."),
    click.option("-v", "--verbose", cls=OutputOption, is_flag=True, help="Show every API call."),
)


format_options = bundle(
    click.option(
        "--coded-values",
        cls=FormatOption,
        metavar="WHICH",
        type=click.Choice(("value", "id", "both")),
        default="value",
        envvar="COMAGIC_CODED_VALUES",
        show_default=True,
        help="Show coded values as value, id or both.",
    ),
    click.option(
        "--list-separator",
        cls=FormatOption,
        metavar="TEXT",
        type=Text(),
        default="; ",
        envvar="COMAGIC_LIST_SEPARATOR",
        show_default=True,
        help="Separator between list items in a cell.",
    ),
    click.option(
        "--header",
        cls=FormatOption,
        metavar="WHICH",
        type=click.Choice(("id", "title", "none")),
        default="id",
        envvar="COMAGIC_HEADER",
        show_default=True,
        help="Column names: id, title (of the account) or none.",
    ),
    click.option(
        "--delimiter",
        cls=FormatOption,
        metavar="CHAR",
        type=Delimiter(),
        envvar="COMAGIC_DELIMITER",
        help="CSV delimiter: one character, or tab.",
    ),
    click.option(
        "--newlines",
        cls=FormatOption,
        metavar="HOW",
        type=click.Choice(("keep", "space", "escape")),
        default="keep",
        envvar="COMAGIC_NEWLINES",
        show_default=True,
        help="Line breaks in texts: keep, space or escape (\\n).",
    ),
    click.option(
        "--decimal",
        cls=FormatOption,
        metavar="CHAR",
        type=click.Choice((".", ",")),
        default=".",
        envvar="COMAGIC_DECIMAL",
        show_default=True,
        help="Decimal separator: . or ,",
    ),
    click.option(
        "--excel",
        cls=FormatOption,
        is_flag=True,
        envvar="COMAGIC_EXCEL",
        help="CSV for Excel: ;, a BOM, CR LF, no formulas.",
    ),
    click.option(
        "--flatten",
        cls=FormatOption,
        is_flag=True,
        envvar="COMAGIC_FLATTEN",
        help="In JSON, name.member instead of nested objects.",
    ),
    click.option(
        "--times",
        cls=FormatOption,
        metavar="HOW",
        type=click.Choice(("keep", "iso")),
        default="keep",
        envvar="COMAGIC_TIMES",
        show_default=True,
        help="Dates with times: keep, or iso (with the offset).",
    ),
    click.option(
        "--record-urls",
        cls=FormatOption,
        is_flag=True,
        help="Add a column with URLs of recordings.",
    ),
    click.option(
        "--record-host",
        cls=FormatOption,
        metavar="HOST",
        type=Host(),
        envvar="COMAGIC_RECORD_HOST",
        help="Host of the web account, where it is unknown.",
    ),
)


query_options = bundle(
    click.option(
        "--report-id",
        cls=QueryOption,
        metavar="ID",
        envvar="COMAGIC_REPORT_ID",
        help="The report, by number or name. [default: the only one]",
    ),
    click.option(
        "--from",
        "from_",
        cls=QueryOption,
        metavar="WHEN",
        shell_complete=offers.moments,
        help="First day or second: 2026-10-05, yesterday, -7d.",
    ),
    click.option(
        "--till",
        cls=QueryOption,
        metavar="WHEN",
        shell_complete=offers.moments,
        help="Last day or second, included. [default: now]",
    ),
    click.option(
        "--period",
        cls=QueryOption,
        metavar="P",
        shell_complete=offers.periods,
        help="Instead of both: yesterday, last-week, 2026-10, 7d.",
    ),
    click.option(
        "--fields",
        cls=QueryOption,
        metavar="LIST",
        multiple=True,
        envvar="COMAGIC_FIELDS",
        shell_complete=offers.fields,
        help="Columns in this order: a,b,@group; @default, @all.",
    ),
    click.option(
        "--where",
        cls=QueryOption,
        metavar="EXPR",
        multiple=True,
        shell_complete=offers.conditions,
        help="Filter: 'FIELD > 60'; see comagic help filters.",
    ),
    click.option(
        "--filter-json",
        cls=QueryOption,
        metavar="FILE",
        type=click.Path(),
        help="A filter as the API takes it (- is stdin).",
    ),
    click.option(
        "--as-saved",
        cls=QueryOption,
        is_flag=True,
        help="Columns, filters and sort of the web account.",
    ),
    click.option(
        "--sort",
        cls=QueryOption,
        metavar="FIELD[:desc]",
        multiple=True,
        shell_complete=offers.sorts,
        help="Order of the rows; repeatable. [default: by time]",
    ),
    click.option(
        "--page-size",
        cls=QueryOption,
        metavar="N",
        type=PositiveInt(10_000),
        default=10_000,
        show_default=True,
        help="Rows per API call, 1 to 10000.",
    ),
)


class OneUser(ConnectionOption):
    """A single customer's user; several in the environment are for exports and ignored here."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the environment variable."""
        value = super().resolve_envvar_value(ctx)
        words = (value or "").replace(",", " ").split()
        return None if len(words) > 1 or words == ["all"] else value


WHERE: tuple[Decorator[Any], ...] = (
    click.option(
        "--sandbox",
        cls=ConnectionOption,
        is_flag=True,
        is_eager=True,
        callback=load_profile,
        help="A private sandbox with invented data.",
    ),
    profile_option,
    click.option(
        "--base-url",
        cls=ConnectionOption,
        metavar="URL",
        type=ServiceUrl(),
        default="comagic",
        envvar="COMAGIC_BASE_URL",
        shell_complete=offers.services,
        show_default=True,
        help="The service: comagic, uis, callgear … or a URL.",
    ),
    click.option(
        "--token-file",
        cls=ConnectionOption,
        metavar="FILE",
        type=click.Path(),
        help="A file with the token, instead of COMAGIC_TOKEN.",
    ),
)
USER: Decorator[Any] = click.option(
    "--user-id",
    cls=OneUser,
    metavar="N",
    type=PositiveInt(),
    envvar="COMAGIC_USER_ID",
    help="For agents: the customer's user.",
)
USERS: Decorator[Any] = click.option(
    "--user-id",
    "users",
    cls=ConnectionOption,
    metavar="N",
    type=Users(),
    multiple=True,
    envvar="COMAGIC_USER_ID",
    callback=unique_users,
    help="For agents: a customer's user; repeatable; or all.",
)
HOW: tuple[Decorator[Any], ...] = (
    click.option(
        "--tz",
        cls=ConnectionOption,
        metavar="ZONE",
        envvar="COMAGIC_TZ",
        help="The time zone. [default: that of the account]",
    ),
    click.option(
        "--timeout",
        cls=ConnectionOption,
        metavar="S",
        type=Duration(0.1),
        default=120,
        envvar="COMAGIC_TIMEOUT",
        show_default=True,
        help="Timeout of one API call, in seconds.",
    ),
    click.option(
        "--max-wait",
        cls=ConnectionOption,
        metavar="D",
        type=Duration(),
        default=3600,
        envvar="COMAGIC_MAX_WAIT",
        help="Give up before a longer wait for retries or points. [default: 1h]",
    ),
)

connection_options = bundle(*WHERE, USER, *HOW)
customers_options = bundle(*WHERE, USERS, *HOW)  # of several customers, one after another


def export_options(command: Command) -> Command:
    """Give a command the options of `ExportOptions`."""
    for give in (customers_options, format_options, output_options, query_options):
        command = give(command)  # the last one's options come first
    return command


def list_options(command: Command) -> Command:
    """Give a command the options of `ListOptions`."""
    command = click.help_option("-h", "--help", help="Show this help.")(command)
    return list_output_options(connection_options(command))  # type: ignore[no-any-return]  # decorators keep the type


def world(options: ServiceOptions) -> Context:
    """Return the world around a command: the clock given to `main`, and the process's streams."""
    clock = click.get_current_context().find_object(Clock)
    is_open = sys.stdin is not None and not sys.stdin.closed
    terminal = None
    if sys.stdout is not None and sys.stdout.isatty():
        color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        terminal = Terminal(shutil.get_terminal_size().columns, color)
    return Context(
        reporter=StderrReporter(options.quiet, options.verbose),
        clock=clock or Clock(),
        environ=os.environ,
        stdin=getattr(sys.stdin, "buffer", None) if is_open else None,
        stdout=sys.stdout,
        terminal=terminal,
    )


def typed_options() -> dict[str, Any]:
    """Return `typed` and `command_line` of `ListOptions`."""
    context = click.get_current_context()
    typed = frozenset(
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )
    return {"typed": typed, "command_line": context.meta.get(COMMAND_LINE, ())}


OPTIONS: dict[str, Decorator[Any]] = {
    "is_realtime": click.option(
        "--realtime",
        cls=QueryOption,
        is_flag=True,
        help="Visits in real time (is_realtime).",
    ),
    "entity_ids": click.option(
        "--ids",
        cls=QueryOption,
        metavar="N|FILE|-",
        multiple=True,
        required=True,
        help="Ids, or a file of ids (- is stdin).",
    ),
}
"""The options by the parameters that they set; `report_type` has none."""


def own_options(params: Iterable[str]) -> Decorator[Any]:
    """Return a decorator with the options for a report's own parameters."""
    return bundle(*(OPTIONS[name] for name in params if name in OPTIONS))
