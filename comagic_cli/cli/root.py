"""The root of the command line: each command is imported when it is typed."""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from shlex import quote
from textwrap import wrap
from typing import TYPE_CHECKING, Any, ClassVar

import click
from click.core import ParameterSource
from click.exceptions import NoSuchOption
from click.shell_completion import CompletionItem, shell_complete

from comagic_cli import __version__, query
from comagic_cli.cli import COMMAND_LINE, COMPLETE
from comagic_cli.cli.console import CONSOLE, FORMATS, OPTION, VARIABLE

if TYPE_CHECKING:  # they load msgspec
    from comagic_cli.export.context import Clock, Context
    from comagic_cli.export.options import ExportOptions
    from comagic_cli.query.catalog import ReportType

EXPLORING = {
    "list": ("List employees, numbers, sites, campaigns, tags, …", "export:list_group"),
    "reports": ("List the account's reports", "explore:reports"),
    "fields": ("List the fields of a report", "explore:fields"),
    "filters": ("List the fields, operators and values for filters", "explore:filters"),
    "users": ("List the users of an agent's customers", "explore:users"),
    "account": ("Show the account: time zone, points left", "explore:account"),
}
OTHERS = {
    "recordings": ("Save the recordings of calls as files", "recordings:recordings"),
    "transcripts": ("Write what was said in calls", "recordings:transcripts"),
    "chart": ("Count the rows of a report and draw bars", "chart:chart"),
    "api": ("Call a read-only API method and print the answer", "api:api"),
    "login": ("Save an account: service, token, time zone", "auth:login"),
    "logout": ("Delete the token or login of a profile", "auth:logout"),
    "profiles": ("List and change the saved accounts", "auth:profiles"),
    "doctor": ("Check the setup: token, address, rights, reports, points", "doctor:doctor"),
    "help": ("Show this help, or a topic: dates, filters, cron, errors", "help:help_"),
    "completion": ("Print the script that completes commands in a shell", "completion:completion"),
    "sandbox": ("Serve a sandbox of the API with invented data", "sandbox:sandbox"),
    "verify": ("Check files and tables against manifests or the service", "verify:verify"),
}
"""The commands that are not exports: help and `module:command`."""
COMMANDS = EXPLORING | OTHERS
OTHER_COMMANDS = {
    "auth": "comagic login",
    "config": "comagic profiles",
    "status": "comagic doctor",
    "version": "comagic --version",
    "whoami": "comagic account",
}
"""Commands of other programs, and ours."""
OLDER = "Older reports, which need no component; calls-report has UTM and employees"
NOTES = {"communications": "; with UTM", "calls": "; with employees"}
"""What help adds to the titles of reports, for those who must choose one."""


@cache
def catalog_reports() -> dict[str, dict[str, Any]]:
    """Return the entries of the catalogue by command, without loading the catalogue's code."""
    text = Path(query.__path__[0], "reports.json").read_text(encoding="utf-8")
    return {entry["command"]: entry for entry in json.loads(text)}


def run_export(report: ReportType, options: ExportOptions, context: Context) -> None:
    """Export a report. Loads the network code only now: help and completion don't need it."""
    from comagic_cli.export import pipeline

    pipeline.run_export(report, options, context)


class Root(click.Group):
    """Import each command when it is typed; the list needs only their help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's
        """Return the export commands in the catalogue's order, then the others."""
        return [*catalog_reports(), *COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command of that name."""
        if name in COMMANDS:
            module, _, variable = COMMANDS[name][1].partition(":")
            command = getattr(import_module(f"comagic_cli.cli.{module}"), variable)
            if name == "list":  # it makes its commands when they are typed
                command = command(run_export, add_log_option)
            return add_log_option(command) if isinstance(command, click.Command) else None
        if name not in catalog_reports():
            return None
        from comagic_cli.cli.export import report_command

        return add_log_option(report_command(name, run_export))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that was typed; suggest similar ones if there is none."""
        names = self.list_commands(ctx)
        if args[0] in OTHER_COMMANDS:
            ctx.fail(f"No such command {args[0]!r}. Write {OTHER_COMMANDS[args[0]]}.")
        if args[0] not in names and args[0] in _list_names():
            ctx.fail(f"No such command {args[0]!r}. It is a list: comagic list {args[0]}")
        if args[0] not in names and (hint := _suggest_command(args[0], names)):
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write all commands with their help."""
        titles = {name: title + NOTES.get(name, "") for name, title in _reports().items()}
        older = [name for name, entry in catalog_reports().items() if "family" in entry]
        flat = {name: title for name, title in titles.items() if name not in older}
        with formatter.section("Reports"):
            formatter.write_dl(list(flat.items()))
        with formatter.section(OLDER):
            width = formatter.width - formatter.current_indent
            for line in wrap(", ".join(older), width, break_on_hyphens=False):
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        for heading, commands in (("Explore", EXPLORING), ("Other commands", OTHERS)):
            with formatter.section(heading):
                formatter.write_dl(list(_titles(commands).items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands, and options after a dash."""
        commands = [
            CompletionItem(name, help=title)
            for name, title in (_reports() | _titles(COMMANDS)).items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


def _reports() -> dict[str, str]:
    return {name: entry["title"] for name, entry in catalog_reports().items()}


def _titles(commands: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {name: title for name, (title, _) in commands.items()}


@click.group(
    cls=Root, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", prog_name="comagic", help="Show the version.")
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def cli(context: click.Context) -> None:
    """Export calls, chats, requests and visits from CoMagic / UIS.

    \b
    Examples:
      comagic communications --sandbox
      comagic communications --sandbox --period last-month -o month.csv
    """  # noqa: D301 - \b is Click's
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run_command(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run a command line, or complete it for a shell; return the exit code.

    Commands get `clock` from their context.
    """
    if instruction := os.environ.get(COMPLETE):
        return shell_complete(cli, {}, "comagic", COMPLETE, instruction)
    context: click.Context | None = None
    try:
        with cli.make_context("comagic", list(arguments), obj=clock) as context:
            context.meta[COMMAND_LINE] = tuple(arguments)
            cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        if error.ctx is None and context is not None:  # Click names no command in some errors
            error.ctx = _command_context(context)
        raise
    return 0


def _command_context(root: click.Context) -> click.Context:
    name = root.invoked_subcommand
    command = cli.get_command(root, name) if name else None
    return click.Context(command, parent=root, info_name=name) if command else root


SIMILARITY = 0.75  # from 0 to 1; the dashes make any two options similar
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "--date": ("--period",),
    "--date-from": ("--from",),
    "--date-to": ("--till",),
    "--end": ("--till",),
    "--entity-id": ("--ids",),
    "--enum": ("--coded-values",),
    "--file": ("--output",),
    "--filter": ("--where",),
    "--head": ("--max-rows",),
    "--order": ("--sort",),
    "--order-by": ("--sort",),
    "--out": ("--output",),
    "--query": ("--where",),
    "--record": ("--vertical",),
    "--select": ("--fields",),
    "--since": ("--from",),
    "--start": ("--from",),
    "--timezone": ("--tz",),
    "--until": ("--till",),
    "-p": ("--period", "--profile"),
}
"""The names of our options in other programs, and in earlier versions."""
CREDENTIALS_HINT = "Save the token with comagic login, or name a file with --token-file."
INSTEAD: Mapping[str, tuple[str, str]] = {
    "--access-token": ("--token-file", CREDENTIALS_HINT),
    "--api-key": ("--token-file", CREDENTIALS_HINT),
    "--append": (
        "--refresh",
        "Rows are added to a database (-o FILE.db); {date} in the name makes one file per day.",
    ),
    "--csv": ("--format", "Write -f csv."),
    "--employee": ("--where", "Write a condition after --where; see comagic filters {command}."),
    "--full": ("--fields", "For all columns write --fields @all."),
    "--json": ("--format", "Write -f json or -f jsonl."),
    "--key": ("--token-file", CREDENTIALS_HINT),
    "--token": ("--token-file", CREDENTIALS_HINT),
    "--search": ("--where", "Write a condition: --where 'FIELD ilike \"%TEXT%\"'."),
    "--top": ("--max-rows", "Write --sort FIELD:desc --max-rows N."),
}
"""What to write instead of options of other programs, where the command has the first one."""


def explain_option(error: NoSuchOption) -> str:
    """Explain that there is no such option, and say what to write instead."""
    options = _options(error)
    name = _whole_option(error, options)
    if name in ("-V", "--version"):
        return f"No such option {name!r}. Write comagic --version."
    meant = [option for option in OTHER_NAMES.get(name, ()) if option in options]
    needed, instead = INSTEAD.get(name, ("", ""))
    if name.startswith("-") and f"-{name}" in options:
        meant = [f"-{name}"]
    if meant:
        hint = f"Did you mean {' or '.join(meant)}?"
    elif needed in options:
        hint = instead.replace("{command}", str(error.ctx and error.ctx.info_name))
    else:
        hint = _suggest(name, options, SIMILARITY)
    if not hint and error.ctx and isinstance(error.ctx.command, click.Group):
        is_list = error.ctx.info_name == "list"
        example = "calls" if not error.ctx.parent else "list employees" if is_list else ""
        if example and _is_of_calls(error.ctx.find_root(), name):
            hint = f"Options follow a command: comagic {example} {name}"
    return f"No such option {name!r}.{' ' * bool(hint)}{hint}"


def _whole_option(error: NoSuchOption, options: Sequence[str]) -> str:
    """Return the option as typed, also a long one after a single dash."""
    words = error.ctx.meta.get(COMMAND_LINE, ()) if error.ctx else ()
    return next(
        (word for word in words if f"-{word}" in options and word.startswith(error.option_name)),
        error.option_name,
    )


def _is_of_calls(root: click.Context, name: str) -> bool:
    command = cli.get_command(root, "calls")
    return command is not None and any(name in param.opts for param in command.params)


IDS = {
    "--report-type": "comagic list report-types",
    "--site-id": "comagic list sites --fields id,name",
}
"""What lists the values of an option that a report or a list needs."""


def explain_missing(error: click.UsageError) -> str:
    """Say what lists the values of a missing option; "" if it is not known."""
    names = error.param.opts if isinstance(error, click.MissingParameter) and error.param else ()
    return next((f"The values: {IDS[name]}" for name in names if name in IDS), "")


EXTRA = "Got unexpected extra argument"
LISTED = ("--fields", "--columns", "--sort", "--user-id", "--ids")
TITLED = ("--fields", "--columns", "--sort")
ORDER = re.compile(r":?(asc|desc)", re.IGNORECASE)
QUOTED = ("--from", "--till", "--to", "--period", "--report-id", "--table")


def explain_argument(error: click.UsageError) -> str:
    """Say what an unexpected argument was meant to be; "" if it is not known."""
    if not error.message.startswith(EXTRA) or error.ctx is None:
        return ""
    words = error.ctx.meta.get(COMMAND_LINE, ())
    extras = error.message.partition("(")[2].rstrip(")")
    extra = extras.split(" ")[0]
    options = {name for param in error.ctx.command.params for name in param.opts}
    if f"--{extra}" in options:
        return f"Did you mean --{extra}?"
    option, value = next(
        (pair for *pair, word in zip(words, words[1:], words[2:], strict=False) if word == extra),
        ("", ""),
    )
    if option == "--sort" and ORDER.fullmatch(extra):
        order = f"{value}:{extra.lstrip(':')}"
        return f"Write it without a blank: --sort {quote(order)}"
    if option in TITLED and not f"{value}{extra}".isascii():
        return f"Put a title with blanks in quotes: {option} '{value} {extras}'"
    if option in LISTED:
        return f"Write a list without blanks: {option} {value.rstrip(',')},{extra.lstrip(',')}"
    if option == "--where":
        return "Put the whole condition in quotes: --where 'FIELD = VALUE'"
    if option in QUOTED:
        return f"Put a value with blanks in quotes: {option} '{value} {extra}'"
    return ""


def _options(error: NoSuchOption) -> Sequence[str]:
    """Return the long options of the command."""
    command = error.ctx.command if error.ctx else None
    names = (name for param in command.params for name in param.opts) if command else ()
    return [name for name in names if name.startswith("--")]


def _list_names() -> Sequence[str]:
    from comagic_cli.query.catalog import lists

    return [entry.command for entry in lists()]


def _suggest_command(word: str, names: Sequence[str]) -> str:
    from comagic_cli.query.suggest import suggest_command

    lists = {name: f"comagic list {name}" for name in _list_names()}
    return suggest_command(word, {name: name for name in names}, lists)


def _suggest(word: str, words: Sequence[str], *similarity: float) -> str:
    from comagic_cli.query.suggest import did_you_mean

    return did_you_mean(word, words, *similarity)


class LogOption(click.Option):
    """--log-format, which `console.log_format` reads before the command line is parsed."""

    section: ClassVar[str] = "Output"


def add_log_option(command: click.Command) -> click.Command:
    """Add --log-format to a command, or to a group and its commands, unless it has it."""
    if all(OPTION not in param.opts for param in command.params):
        command.params.append(
            LogOption(
                [OPTION],
                type=click.Choice(FORMATS),
                metavar="F",
                envvar=VARIABLE,
                expose_value=False,
                callback=_set_log_format,
                help="Log format on stderr: text or json.",
            )
        )
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            add_log_option(subcommand)
    return command


def _set_log_format(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    """Use the log format of the profile, which has just been read."""
    if context.get_parameter_source(option.name or "") is ParameterSource.DEFAULT_MAP:
        CONSOLE.json = value == "json"
    return value


add_log_option(cli)
