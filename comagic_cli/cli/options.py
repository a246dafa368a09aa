"""The options, each declared once, and the groups of options that commands share."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

from comagic_cli.cli import COMMAND_LINE
from comagic_cli.cli import completion as complete
from comagic_cli.cli.console import StderrReporter
from comagic_cli.cli.params import (
    ConnectionOption,
    Decorator,
    Delimiter,
    Duration,
    Format,
    FormatOption,
    Host,
    LookBack,
    ManifestFile,
    OutputFile,
    OutputOption,
    PositiveInt,
    QueryOption,
    ServiceUrl,
    Text,
    User,
    Users,
    bundle,
    join_users,
)
from comagic_cli.cli.profiles import load_profile, profile_option, variables_in_force
from comagic_cli.export.context import Clock, Context, Progress, Terminal
from comagic_cli.export.options import ServiceOptions
from comagic_cli.query.catalog import Param, ReportType

WRITTEN_FORMATS = tuple(complete.FORMATS)
MAX_JOBS = 16
LIST_FORMATS = tuple(name for name in WRITTEN_FORMATS if name != "sqlite")


def make_option(
    kind: type[click.Option], *names: str, env: bool = False, **settings: Any
) -> Decorator[Any]:
    """Declare an option; with `env`, a variable sets it too: COMAGIC_PAGE_SIZE for --page-size."""
    if env:
        settings["envvar"] = f"COMAGIC_{names[0].lstrip('-').replace('-', '_').upper()}"
    return click.option(*names, cls=kind, **settings)


def choose_from(*choices: str) -> dict[str, Any]:
    """Return the settings of an option with choices, of which the first is the default."""
    return {"type": click.Choice(choices), "default": choices[0], "show_default": True}


query_option = partial(make_option, QueryOption)
output_option = partial(make_option, OutputOption)
format_option = partial(make_option, FormatOption, env=True)
connection_option = partial(make_option, ConnectionOption)


# Output


def declare_format(
    choices: Iterable[str], listed: Iterable[str] = (), **settings: Any
) -> Decorator[Any]:
    """Declare --format; its help lists the formats of `listed`, or all choices."""
    return output_option(
        *("--format", "-f"),
        metavar="FORMAT",
        type=Format(tuple(choices)),
        shell_complete=complete.complete_formats,
        help=f"{', '.join(listed or choices)}.",
        **settings,
    )


def declare_output(more: str = "", *, tables: bool = False) -> Decorator[Any]:
    """Declare --output, with `tables` also of databases; `more` is added to its help."""
    what = "A file or database" if tables else "A file (- is stdout)"
    help_ = f"{what}; {more}" if more else f"{what}."
    return output_option(
        "--output", "-o", metavar="FILE", type=OutputFile(tables=tables), help=help_
    )


MAX_ROWS = output_option(
    "--max-rows", metavar="N", type=PositiveInt(), help="Write at most N rows."
)
DRY_RUN = output_option("--dry-run", is_flag=True, help="Print the request; send nothing.")
QUIET = output_option("--quiet", "-q", is_flag=True, help="Show errors only.")
VERBOSE = output_option("--verbose", "-v", is_flag=True, help="Show every API call.")
SUFFIX_SETS_FORMAT = "its suffix sets the format."

output_options = bundle(
    declare_format(WRITTEN_FORMATS, env=True),
    declare_output("{date}, {month}, {customer}: one file each.", tables=True),
    output_option("--vertical", is_flag=True, help="Show each row as a block, one field per line."),
    output_option(
        "--table",
        metavar="NAME",
        type=Text(),
        help="The database's table. [default: the report's name]",
    ),
    MAX_ROWS,
    output_option(
        "--refresh",
        metavar="D",
        type=LookBack(),
        help="Rewrite the files of the last 3d, 2w, 1mo, or all.",
    ),
    output_option("--count", is_flag=True, help="Print the number of rows only."),
    DRY_RUN,
    output_option("--resume", is_flag=True, help="Continue an interrupted export."),
    output_option(
        "--manifest",
        metavar="FILE",
        type=ManifestFile(),
        help="Write a record of request and result; see verify.",
    ),
    output_option(
        "--keep-incomplete", is_flag=True, help="Give the file its name even if rows are missing."
    ),
    QUIET,
    VERBOSE,
)
list_output_options = bundle(
    declare_format(WRITTEN_FORMATS, LIST_FORMATS, env=True),
    declare_output(SUFFIX_SETS_FORMAT),
    QUIET,
    VERBOSE,
)

# Formatting

format_options = bundle(
    format_option(
        "--coded-values",
        metavar="WHICH",
        **choose_from("value", "id", "both"),
        help="Show coded values as value, id or both.",
    ),
    format_option(
        "--list-separator",
        metavar="TEXT",
        type=Text(),
        default="; ",
        show_default=True,
        help="Separator between list items in a cell.",
    ),
    format_option(
        "--header",
        metavar="WHICH",
        **choose_from("id", "title", "none"),
        help="Column names: id, title (of the account) or none.",
    ),
    format_option(
        "--delimiter",
        metavar="CHAR",
        type=Delimiter(),
        help="CSV delimiter: one character, or tab.",
    ),
    format_option(
        "--newlines",
        metavar="HOW",
        **choose_from("keep", "space", "escape"),
        help="Line breaks in texts: keep, space or escape (\\n).",
    ),
    format_option(
        "--decimal",
        metavar="CHAR",
        **choose_from(".", ","),
        help="Decimal separator: . or ,",
    ),
    format_option("--excel", is_flag=True, help="CSV for Excel: ;, a BOM, CR LF, no formulas."),
    format_option(
        "--flatten", is_flag=True, help="In JSON, name.member instead of nested objects."
    ),
    format_option(
        "--times",
        metavar="HOW",
        **choose_from("keep", "iso"),
        help="Dates with times: keep, or iso (with the offset).",
    ),
    format_option(
        "--record-urls", env=False, is_flag=True, help="Add a column with URLs of recordings."
    ),
    format_option(
        "--record-host",
        metavar="HOST",
        type=Host(),
        help="Host of the web account, if it is unknown.",
    ),
    format_option(
        "--record-files",
        metavar="FILE",
        env=False,
        type=click.Path(),
        help="Add a column with the files that this manifest lists.",
    ),
)

# Query

query_options = bundle(
    query_option(
        "--report-id",
        metavar="ID",
        env=True,
        shell_complete=complete.complete_report_ids,
        help="The report, by number or name. [default: the only one]",
    ),
    query_option(
        *("--from", "from_"),
        metavar="WHEN",
        shell_complete=complete.complete_moments,
        help="First day or second, instead: 2026-10-05, 7d.",
    ),
    query_option(
        "--till",
        metavar="WHEN",
        shell_complete=complete.complete_moments,
        help="Last day or second, included. [default: now]",
    ),
    query_option(
        "--period",
        metavar="P",
        shell_complete=complete.complete_periods,
        help="The days: yesterday, last-week, 2026-Q3, 2026-10, 7d.",
    ),
    query_option(
        "--fields",
        metavar="LIST",
        multiple=True,
        env=True,
        shell_complete=complete.complete_fields,
        help="Columns in this order: a,b,@group; @default, @all.",
    ),
    query_option(
        "--where",
        metavar="EXPR",
        multiple=True,
        shell_complete=complete.complete_conditions,
        help="Filter: 'FIELD > 60'; see comagic help filters.",
    ),
    query_option(
        "--filter-json",
        metavar="FILE",
        type=click.Path(),
        help="A filter in the API's form (- is stdin).",
    ),
    query_option("--as-saved", is_flag=True, help="Columns, filters and sort of the web account."),
    query_option(
        "--sort",
        metavar="FIELD[:desc]",
        multiple=True,
        shell_complete=complete.complete_sorts,
        help="Order of the rows; repeatable. [default: by time]",
    ),
    query_option(
        "--page-size",
        metavar="N",
        type=PositiveInt(10_000),
        default=10_000,
        show_default=True,
        help="Rows per API call, 1 to 10000.",
    ),
    query_option(
        "--jobs",
        metavar="N",
        type=PositiveInt(MAX_JOBS),
        default=3,
        env=True,
        show_default=True,
        help="API calls at once, 1 to 16; fewer where it does not help.",
    ),
)

# Parameters of single reports and lists

ID_OPTIONS = {"entity_ids": "--ids", "chat_ids": "--chat-ids"}
OTHER_OPTIONS = {"is_realtime": "--realtime"}  # all others have the names of their parameters
PARAM_HELP = {
    "chat_ids": "Chats, instead of a period: ids, or a file (- is stdin).",
    "entity_ids": "Ids, or a file of ids or of rows (- is stdin).",
    "include_ongoing_calls": "Also calls that are still going on.",
    "include_tech_offline_messages": "Also technical messages.",
    "is_deleted": "Those that are deleted.",
    "is_include_rating": "Also the rating.",
    "is_realtime": "Visits in real time (is_realtime).",
    "only_default_statuses_in_stats": "Only the usual statuses.",
    "report_id": "The report, by its id: comagic reports.",
    "report_type": "The type of the report: calls, communications, …",
    "search_string": "Only those with this text.",
    "site_id": "The site, by its id: comagic list sites.",
}


def param_options(report: ReportType) -> Decorator[Any]:
    """Return an option for each parameter that a report or a list has of its own."""
    params = {name: each for name, each in report.params.items() if not _is_set_by_us(report, name)}
    return bundle(*(param_option(name, param) for name, param in params.items()))


def _is_set_by_us(report: ReportType, name: str) -> bool:
    return report.is_flat and name == "report_type"


def param_option(name: str, param: Param) -> Decorator[Any]:
    """Declare the option of a parameter; its value is kept under the parameter's name."""
    values = f" {', '.join(param.values)}." if param.values and param.type != "boolean" else ""
    help_ = PARAM_HELP.get(name, "" if values else f"The parameter {name}.") + values
    if name in ID_OPTIONS:
        return query_option(
            *(ID_OPTIONS[name], "ids"),
            metavar="N|FILE|-",
            multiple=True,
            required=param.required,
            help=help_,
        )
    flag = OTHER_OPTIONS.get(name, f"--{name.replace('_', '-')}")
    return query_option(flag, f"{PARAM}{name}", help=help_.strip(), **_param_settings(param))


PARAM = "param_"  # before the names of parameters, which may be those of options


def _param_settings(param: Param) -> dict[str, Any]:
    if param.type == "boolean":
        return {"is_flag": True}
    settings: dict[str, Any] = {"required": param.required}
    if param.type == "number":
        return settings | {"metavar": "N", "type": int}
    if param.type == "array":
        return settings | {"metavar": "LIST", "multiple": True, "callback": split_items}
    choice = click.Choice(param.values) if param.values else Text()
    return settings | {"metavar": "TEXT", "type": choice}


def split_items(
    _context: click.Context, _option: click.Parameter, values: Sequence[str]
) -> list[int | str]:
    """Split lists at commas; items of digits are numbers."""
    items = [item.strip() for value in values for item in value.split(",")]
    return [int(item) if item.isdecimal() else item for item in items if item]


def take_params(report: ReportType, values: Mapping[str, Any]) -> dict[str, Any]:
    """Move the values of a report's own parameters into `params`, without those not typed.

    A flag that the service requires is sent in any case.
    """
    rest = {name: value for name, value in values.items() if not name.startswith(PARAM)}
    typed = {
        name: values[f"{PARAM}{name}"]
        for name, param in report.params.items()
        if values.get(f"{PARAM}{name}") or (param.required and f"{PARAM}{name}" in values)
    }
    return rest | {"params": typed}


# Connection


class SingleUser(ConnectionOption):
    """A single customer's user. A variable with several users, for exports, is ignored."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the environment variable."""
        value = super().resolve_envvar_value(ctx)
        words = (value or "").replace(",", " ").split()
        return None if len(words) > 1 or words == ["all"] else value


def declare_service(**settings: Any) -> Decorator[Any]:
    """Declare --base-url."""
    return connection_option(
        "--base-url",
        metavar="URL",
        type=ServiceUrl(),
        env=True,
        shell_complete=complete.complete_services,
        help="The service: comagic, uis, callgear … or a URL.",
        **settings,
    )


TIMEOUT = connection_option(
    "--timeout",
    metavar="DURATION",
    type=Duration(0.1),
    default=120,
    env=True,
    show_default=True,
    help="Timeout of one API call: 90, 90s, 5m.",
)
USER = make_option(
    SingleUser,
    "--user-id",
    metavar="N",
    type=User(),
    env=True,
    shell_complete=complete.complete_users,
    help="For agents: the customer's user.",
)
USERS = connection_option(
    *("--user-id", "users"),
    metavar="N",
    type=Users(),
    multiple=True,
    env=True,
    callback=join_users,
    shell_complete=complete.complete_users,
    help="For agents: a customer's user; repeatable; or all.",
)


def _connection_options(user: Decorator[Any]) -> Decorator[Any]:
    return bundle(
        connection_option(
            "--sandbox",
            is_flag=True,
            is_eager=True,
            callback=load_profile,
            help="A private sandbox with invented data.",
        ),
        profile_option,
        declare_service(default="comagic", show_default=True),
        connection_option(
            "--token-file",
            metavar="FILE",
            type=click.Path(),
            help="A file with the token, instead of COMAGIC_TOKEN.",
        ),
        user,
        connection_option(
            "--tz",
            metavar="ZONE",
            env=True,
            shell_complete=complete.complete_zones,
            help="The time zone. [default: that of the account]",
        ),
        TIMEOUT,
        connection_option(
            "--max-wait",
            metavar="DURATION",
            type=Duration(),
            default=3600,
            env=True,
            help="Give up before a longer wait for retries or points. [default: 1h]",
        ),
    )


connection_options = _connection_options(USER)
customers_options = _connection_options(USERS)  # of several customers, one after another


# Whole commands

help_option: Decorator[Any] = click.help_option("-h", "--help", help="Show this help.")


def export_options(report: ReportType) -> Decorator[Any]:
    """Return the options of `ExportOptions`, with those for a report's own parameters."""
    return bundle(
        *(param_options(report), query_options, output_options, format_options),
        *(customers_options, help_option),
    )


NOT_OF_LISTS = {"refresh", "resume", "record_urls", "record_host", "record_files"}
HELP_OF_LIST = {
    "output": "A file or database; {customer}: one file each.",
    "sort": "Order of the rows; repeatable.",
    "table": "The database's table. [default: the list's name]",
}


def inapplicable_options(report: ReportType) -> set[str]:
    """Name the options of `export_options` that mean nothing for a report or a list."""
    of_time = {"from_", "till", "period"}
    inapplicable = set() if report.is_flat else {"report_id", "as_saved"}
    inapplicable |= set() if report.dated else of_time
    inapplicable |= set() if "filter" in report.takes else {"where", "filter_json"}
    inapplicable |= set() if _is_sortable(report) else {"sort"}
    inapplicable |= set() if report.paged else {"page_size", "jobs"}
    return inapplicable | (NOT_OF_LISTS if report.is_list else set())


def _is_sortable(report: ReportType) -> bool:
    return report.paged and ("sort" in report.takes or any(each.sort for each in report.fields))


list_options = bundle(list_output_options, connection_options, help_option)


def make_context(options: ServiceOptions) -> Context:
    """Return the context of a command: the clock given to `main`, and the process's streams."""
    clock = click.get_current_context().find_object(Clock)
    is_open = sys.stdin is not None and not sys.stdin.closed
    terminal = None
    if sys.stdout is not None and sys.stdout.isatty():
        color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        terminal = Terminal(shutil.get_terminal_size().columns, color)
    return Context(
        reporter=StderrReporter(options.quiet, options.verbose, Progress),
        clock=clock or Clock(),
        environ=os.environ,
        stdin=getattr(sys.stdin, "buffer", None) if is_open else None,
        stdout=sys.stdout,
        terminal=terminal,
    )


def read_command_line() -> dict[str, Any]:
    """Return `typed` and `command_line` of `ListOptions`."""
    context = click.get_current_context()
    typed = frozenset(
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )
    return {"typed": typed, "command_line": context.meta.get(COMMAND_LINE, ())}


def is_typed(name: str) -> bool:
    """Check that an option stands on the command line."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def drop_profile_period(values: dict[str, Any]) -> dict[str, Any]:
    """Drop the period of a profile if --from or --till is given."""
    source = click.get_current_context().get_parameter_source("period")
    if source is ParameterSource.DEFAULT_MAP and (values.get("from_") or values.get("till")):
        return values | {"period": None}
    return values


def split_users(values: dict[str, Any]) -> dict[str, Any]:
    """Set `user_id` for a single customer's user, `users` only for several."""
    users = values["users"]
    if len(users) == 1 and users != ("all",):
        return values | {"user_id": users[0], "users": ()}
    return values | {"user_id": None}


def credential_source(options: ServiceOptions) -> str:
    """Return where the credentials come from, if not from the profile."""
    return "--token-file" if options.token_file else variables_in_force()[0]
