"""The export commands: one per report and list, made from the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from comagic_cli.cli.console import CONSOLE, is_stdout_file
from comagic_cli.cli.options import (
    HELP_OF_LIST,
    drop_profile_period,
    export_options,
    inapplicable_options,
    is_typed,
    make_context,
    read_command_line,
    split_users,
    take_params,
)
from comagic_cli.cli.params import ReportCommand
from comagic_cli.errors import UsageProblem
from comagic_cli.export.context import Context
from comagic_cli.export.options import ExportOptions
from comagic_cli.query.catalog import Param, ReportType, list_named, lists, report, reports
from comagic_cli.query.query import IDS
from comagic_cli.query.suggest import did_you_mean, suggest_in_russian

Export = Callable[[ReportType, ExportOptions, Context], None]

JSON_LINES_WRITTEN = "comagic: JSON Lines were written. For CSV: -f csv, or -o FILE.csv."

EXAMPLES = """\b
Examples:
  comagic {command} --sandbox --period last-week
  comagic {command} --sandbox --from -7d -f csv -o week.csv
  comagic {command} --sandbox --period yesterday | jq ."""

EXAMPLES_WITH_OPTIONS = """\b
Examples:
  comagic {command} --sandbox --period last-week
  comagic {command} --sandbox --period 7d -f csv"""

EXAMPLES_WITH_IDS = """\b
Examples:
  comagic {command} --sandbox --period last-month --ids 5001,5002
  comagic communications --sandbox --fields {ids} -f csv > ids.csv
  comagic {command} --sandbox --ids ids.csv -f csv
  comagic {command} --sandbox --ids - --max-rows 3 < ids.csv"""

EXAMPLES_OF_LIST = """\b
Examples:
  comagic {words}
  comagic {words} -f csv"""
EXAMPLE_VALUES = {"report_type": "calls", "prefix": "495", "site_id": "30001"}
MOST_WORDS = 60  # characters of an example: a longer one does not fit a line of help

EPILOG = """\b
The default --format is that of the suffix of -o (.csv, .tsv, .jsonl, .json,
.xlsx, .parquet, .db), then COMAGIC_FORMAT, else table on a terminal (50 rows)
and jsonl in a pipe. The default period is the seven days before today, and
today. Databases: the table gets the rows that the period has now.
See comagic help filters, dates, formats; comagic fields REPORT.

\b
The token comes from --token-file, COMAGIC_TOKEN or a profile (comagic login).
COMAGIC_PROFILE, _BASE_URL, _TOKEN_FILE, _USER_ID, _TZ, _REPORT_ID, _FIELDS,
_FORMAT, _TIMEOUT and _MAX_WAIT set the options of those names and override
the profile. So do COMAGIC_CODED_VALUES, _LIST_SEPARATOR, _HEADER, _DELIMITER,
_NEWLINES, _DECIMAL, _EXCEL, _FLATTEN, _TIMES and _RECORD_HOST, in formats
that they apply to."""

PERIOD_AND_TABLE = """\
and jsonl in a pipe. The default period is the seven days before today, and
today. Databases: the table gets the rows that the period has now.
See comagic help filters, dates, formats; comagic fields REPORT."""
TABLE_OF_LIST = """\
and jsonl in a pipe. Databases: the table has the rows that the list has now.
See comagic help filters, formats; comagic fields {command}."""


def is_redirected(options: ExportOptions) -> bool:
    """Check if rows went to a file, as by `> calls.csv`, and nothing says in which format."""
    is_chosen = options.format or options.output or options.count or options.dry_run
    return not is_chosen and is_stdout_file()


def report_command(name: str, run: Export) -> click.Command:
    """Make the command that exports a report; `run` exports it."""
    entry = report(name)
    ids = "person_id" if name == "person-details" else "communication_id"
    examples, command = EXAMPLES, name
    if IDS[0] in entry.params:
        examples = EXAMPLES_WITH_IDS
    elif required := _required(entry):
        examples, command = EXAMPLES_WITH_OPTIONS, name + required
    return export_command(entry, name, examples.format(command=command, ids=ids), run)


def list_command(name: str, run: Export) -> click.Command:
    """Make the command that exports a list; `run` exports it."""
    entry = list_named(name)
    words = f"{entry.words} --sandbox{_required(entry)}"
    examples = EXAMPLES_OF_LIST.format(words=words)
    return export_command(entry, name, examples if len(words) < MOST_WORDS else "", run)


def _required(entry: ReportType) -> str:
    """Return the options that must be typed, with values to show in an example."""
    flags = {name: param for name, param in entry.params.items() if param.required}
    options = (f" --{name.replace('_', '-')} {_example_of(name, flags[name])}" for name in flags)
    return "".join(options) if entry.family != "flat" else ""


def _example_of(name: str, param: Param) -> str:
    """Return a value to show in an example."""
    if param.type == "boolean":
        return ""
    if param.values or name in EXAMPLE_VALUES:
        return (*param.values, EXAMPLE_VALUES.get(name, ""))[0]
    return "1"


def export_command(entry: ReportType, name: str, examples: str, run: Export) -> click.Command:
    """Make the command that exports a report or a list; `run` exports it."""

    @click.command(
        name,
        cls=ReportCommand,
        short_help=entry.title,
        help=f"Export: {entry.title}.\n\n{examples}",
        epilog=_epilog(entry),
    )
    @export_options(entry)
    def command(**values: Any) -> None:
        values = take_params(entry, split_users(drop_profile_period(values)))
        if entry.is_list and not is_typed("fields"):  # a default is of reports
            values["fields"] = ()
        options = ExportOptions(**values, **read_command_line())
        context = make_context(options)
        run(entry, options, context)
        if is_redirected(options) and CONSOLE.outcome.facts.get("rows"):
            context.reporter.info(JSON_LINES_WRITTEN)

    inapplicable = inapplicable_options(entry)
    command.params = [param for param in command.params if param.name not in inapplicable]
    helps = HELP_OF_LIST if entry.is_list else {}
    if not entry.time or not all(entry.field(name).sort for name in entry.time):
        helps = helps | {"sort": HELP_OF_LIST["sort"]}  # the service has an order of its own
    for param in command.params:
        if isinstance(param, click.Option):
            param.help = helps.get(param.name or "", param.help)
    return command


def _epilog(entry: ReportType) -> str:
    if not entry.is_list or entry.dated:
        return EPILOG
    return EPILOG.replace(PERIOD_AND_TABLE, TABLE_OF_LIST.format(command=entry.command))


SECTIONS: dict[str, Callable[[ReportType], bool]] = {
    "Lists": lambda entry: entry.family == "list" and not _needs_options(entry),
    "Lists that need options": lambda entry: entry.family == "list" and _needs_options(entry),
    "Single objects": lambda entry: entry.family == "object",
}


def _needs_options(entry: ReportType) -> bool:
    return any(param.required for param in entry.params.values())


class Lists(click.Group):
    """A group with a command for each list of the catalogue, made when it is typed.

    `run` exports a list; `finish` adds to each command what all commands have.
    """

    run: Export
    finish: Callable[[click.Command], click.Command]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's
        """Return the names of all lists."""
        return [entry.command for entry in lists()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Make the command of a list, which may be named as the method is."""
        name = name.rpartition(".")[2].replace("_", "-")
        if name not in self.list_commands(ctx):
            return None
        return self.finish(list_command(name, self.run))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the list that was typed; suggest similar ones if there is none."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            names = self.list_commands(ctx)
            hint = did_you_mean(args[0], names) or suggest_in_russian(
                args[0],
                {entry.command: f"comagic {entry.command}" for entry in reports()},
                {name: name for name in names},
            )
            hint = hint or "See comagic list."
            raise UsageProblem(f"there is no list {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write all lists with their titles."""
        for heading, is_in in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(each.command, each.title) for each in lists() if is_in(each)])


def list_group(run: Export, finish: Callable[[click.Command], click.Command]) -> click.Group:
    """Make the group of lists; `run` exports one, `finish` completes each command."""

    @click.group(
        "list",
        cls=Lists,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    @click.help_option("-h", "--help", help="Show this help.")
    @click.pass_context
    def list_(context: click.Context) -> None:
        """List employees, numbers, sites, campaigns, tags and whatever else the account has.

        Every list takes the options of an export, and is written in any format.

        \b
        Examples:
          comagic list employees --sandbox
          comagic list virtual-numbers --sandbox -o numbers.xlsx
          comagic list campaigns --sandbox --fields id,name,status -f csv
        """  # noqa: D301 - \b is Click's
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    list_.run, list_.finish = run, finish
    return list_
