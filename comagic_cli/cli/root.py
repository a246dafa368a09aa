"""The root of the command line: the commands, each imported when it is typed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from click.core import ParameterSource
from click.exceptions import NoSuchOption
from click.shell_completion import CompletionItem, shell_complete

from comagic_cli import __version__, query
from comagic_cli.cli.console import CONSOLE, FORMATS, OPTION, VARIABLE

if TYPE_CHECKING:  # it loads msgspec
    from comagic_cli.export.context import Clock

COMPLETE = "_COMAGIC_COMPLETE"  # set by the scripts of `comagic completion`
COMMAND_LINE = "comagic.command_line"  # in `Context.meta`: the words that were typed

EXPLORING = {
    "reports": ("List the account's reports", "explore:reports"),
    "fields": ("List the fields of a report", "explore:fields"),
    "filters": ("List the fields, operators and values for filters", "explore:filters"),
    "users": ("List the users of an agent's customers", "explore:users"),
    "account": ("Show the account: time zone, points left", "explore:account"),
}
OTHERS = {
    "chart": ("Count the rows of a report and draw bars", "chart:chart"),
    "api": ("Call a read-only API method and print the answer", "api:api"),
    "login": ("Save an account: service, token, time zone", "auth:login"),
    "logout": ("Delete the token or login of a profile", "auth:logout"),
    "profiles": ("List and change the saved accounts", "auth:profiles"),
    "doctor": ("Check the setup: token, address, rights, reports, points", "doctor:doctor"),
    "help": ("Show this help, or a topic: dates, filters, formats, cron, errors", "help:help_"),
    "completion": ("Print the script that completes commands in a shell", "completion:completion"),
    "sandbox": ("Serve a sandbox of the API with invented data", "sandbox:sandbox"),
    "verify": ("Check a file against the manifest of its export", "verify:verify"),
}
"""The commands that are not exports: title and `module:command`."""
COMMANDS = EXPLORING | OTHERS


@cache
def catalog_reports() -> dict[str, dict[str, Any]]:
    """Return the reports of the catalogue by command, without loading the catalogue's code."""
    text = Path(query.__path__[0], "reports.json").read_text(encoding="utf-8")
    return {entry["command"]: entry for entry in json.loads(text)}


def guess_type(entry: Mapping[str, Any]) -> str:
    """Return the report type by the method, for a report whose entry has none."""
    return str(entry["method"]).removeprefix("get.")


class Root(click.Group):
    """Import commands when they are typed: their titles are enough to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's
        """Name the export commands in the catalogue's order, then the others."""
        return [*catalog_reports(), *COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Make the command of that name."""
        if name in COMMANDS:
            module, _, variable = COMMANDS[name][1].partition(":")
            command = getattr(import_module(f"comagic_cli.cli.{module}"), variable)
            return with_log_option(command) if isinstance(command, click.Command) else None
        if name not in catalog_reports():
            return None
        exports = import_module("comagic_cli.cli." + "export")
        return with_log_option(exports.report_command(catalog_reports()[name]))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed; suggest similar ones where there is none."""
        names = self.list_commands(ctx)
        if args[0] not in names and (hint := _suggest(args[0], names)):
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the titles of all commands."""
        sections = (
            ("Reports", _reports()),
            ("Explore", _titles(EXPLORING)),
            ("Other commands", _titles(OTHERS)),
        )
        for heading, titles in sections:
            with formatter.section(heading):
                formatter.write_dl(list(titles.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer commands with their titles, and options after a dash."""
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


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="comagic", help="Show the version.")
@click.help_option("-h", "--help", help="Show this help.")
def cli() -> None:
    """Export calls, chats, requests and visits from CoMagic / UIS with one command.

    \b
    Examples:
      comagic communications --sandbox
      comagic communications --sandbox --period last-month -o month.csv
    """  # noqa: D301 - \b is Click's


def run_command(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run a command line, or complete it for a shell; return the exit code.

    Commands find `clock` in their context.
    """
    if instruction := os.environ.get(COMPLETE):
        return shell_complete(cli, {}, "comagic", COMPLETE, instruction)
    try:
        with cli.make_context("comagic", list(arguments), obj=clock) as context:
            context.meta[COMMAND_LINE] = tuple(arguments)
            cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


SIMILARITY = 0.75  # from 0 to 1; the dashes alone make options somewhat similar
KNOWN_AS = {
    "--columns": "--fields",
    "--date": "--period",
    "--file": "--output",
    "--filter": "--where",
    "--limit": "--max-rows",
    "--order": "--sort",
    "--order-by": "--sort",
    "--out": "--output",
    "--query": "--where",
    "--select": "--fields",
    "--since": "--from",
    "--start": "--from",
    "--end": "--till",
    "--timezone": "--tz",
    "--to": "--till",
    "--until": "--till",
}
"""What other programs call our options."""


def explain_option(error: NoSuchOption) -> str:
    """Explain that there is no such option, and suggest a similar one."""
    options = _options(error)
    other = KNOWN_AS.get(error.option_name, "")
    is_known = other in options
    hint = (
        f"Did you mean {other}?" if is_known else _suggest(error.option_name, options, SIMILARITY)
    )
    if not hint and error.ctx and not error.ctx.parent:
        hint = f"Options follow a command: comagic calls {error.option_name}"
    return f"No such option {error.option_name!r}.{' ' * bool(hint)}{hint}"


def _options(error: NoSuchOption) -> Sequence[str]:
    """Name the long options of the command."""
    command = error.ctx.command if error.ctx else None
    names = (name for param in command.params for name in param.opts) if command else ()
    return [name for name in names if name.startswith("--")]


def _suggest(word: str, words: Sequence[str], *similarity: float) -> str:
    suggest = import_module("comagic_cli.query." + "suggest")
    return str(suggest.did_you_mean(word, words, *similarity))


class LogOption(click.Option):
    """--log-format: `console.log_format` has read it before the command line is parsed."""

    section: ClassVar[str] = "Output"


def with_log_option(command: click.Command) -> click.Command:
    """Give --log-format to a command, once, and to those below a group."""
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
        for below in command.commands.values():
            with_log_option(below)
    return command


def _set_log_format(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    """Use the format of a profile from now on: it was not known before."""
    if context.get_parameter_source(option.name or "") is ParameterSource.DEFAULT_MAP:
        CONSOLE.json = value == "json"
    return value


with_log_option(cli)
