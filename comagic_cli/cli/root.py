"""The root of the command line: what there is to type first."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.exceptions import NoSuchOption

from comagic_cli import __version__
from comagic_cli.cli import report_index as menu
from comagic_cli.cli.command_line import keep_typed
from comagic_cli.cli.options import logged
from comagic_cli.query.suggest import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


COMPLETE = "_COMAGIC_COMPLETE"  # set by the scripts of `comagic completion`

EXPLORING = {
    "reports": ("The account's reports", "explore:reports"),
    "fields": ("The fields of a report, and what they are", "explore:fields"),
    "filters": ("What a report can be filtered by", "explore:filters"),
    "users": ("The users of an agent's clients", "explore:users"),
    "account": ("The account: its time zone, the points left", "explore:account"),
}
OTHERS = {
    "chart": ("Count the rows of a report, and draw them as bars", "chart:chart"),
    "api": ("Send any method that only reads, and print its answer", "api:api"),
    "login": ("Remember an account, so that it need not be named", "auth:login"),
    "logout": ("Forget the key or the login of a profile", "auth:logout"),
    "profiles": ("List the accounts that login has saved", "auth:profiles"),
    "doctor": ("Look whether all is as exports need it", "auth:doctor"),
    "help": ("Print this, or a topic: dates, filters, formats, cron, errors", "help:help_"),
    "completion": ("Print the script that completes commands in a shell", "completion:completion"),
    "sandbox": ("Serve a private sandbox of the API, to try things out", "sandbox:sandbox"),
    "verify": ("Hold a file against the manifest of its export", "verify:verify"),
}
"""The commands that export nothing: title, and `module:command`, imported when it is asked for."""
COMMANDS = EXPLORING | OTHERS


class Root(click.Group):
    """Make commands when they are asked for: to list them, their titles are enough."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's
        """Name the export commands in the catalogue's order, then the others."""
        return [*menu.reports(), *COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Make the command of that name."""
        if name in COMMANDS:
            module, _, variable = COMMANDS[name][1].partition(":")
            found = getattr(import_module(f"comagic_cli.cli.{module}"), variable)
            return logged(found) if isinstance(found, click.Command) else None
        if name not in menu.reports():
            return None
        from comagic_cli.cli.export import report_command  # noqa: PLC0415 - read when needed

        return logged(report_command(menu.reports()[name]))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is typed; one that there is not has near ones named."""
        if args[0] not in (names := self.list_commands(ctx)):
            from comagic_cli.query.suggest import did_you_mean  # noqa: PLC0415 - read when needed

            if hint := did_you_mean(args[0], names):
                ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the titles of all commands."""
        sections = (
            ("Reports", _reports()),
            ("What can be asked for", _titles(EXPLORING)),
            ("Other commands", _titles(OTHERS)),
        )
        for heading, titles in sections:
            with formatter.section(heading):
                formatter.write_dl(list(titles.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer commands with their titles, and options after a dash."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - read when needed

        commands = [
            CompletionItem(name, help=title)
            for name, title in (_reports() | _titles(COMMANDS)).items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


def _reports() -> dict[str, str]:
    return {name: entry["title"] for name, entry in menu.reports().items()}


def _titles(commands: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {name: title for name, (title, _) in commands.items()}


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="comagic", help="Show the version.")
@click.help_option("-h", "--help", help="Show this help.")
def cli() -> None:
    """Export calls, chats, requests and visits from CoMagic / UIS call tracking.

    \b
    Examples:
      comagic communications --sandbox
      comagic communications --sandbox --period last-month -o month.csv
    """  # noqa: D301 - \b is Click's


logged(cli)


def answer(arguments: Sequence[str]) -> int:
    """Do what a command line asks for, or complete it for a shell; return the exit code."""
    if instruction := os.environ.get(COMPLETE):
        from comagic_cli.cli.completion import complete  # noqa: PLC0415 - read when needed

        return complete(cli, instruction)
    try:
        with cli.make_context("comagic", list(arguments)) as context:
            keep_typed(context, arguments)
            cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


LIKE = 0.75  # from 0 to 1; the dashes alone make options somewhat like
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
"""What other programs call ours."""


def sentence(error: NoSuchOption) -> str:
    """Say that there is no such option, and which one is near or called so elsewhere."""
    there = _options(error)
    other = KNOWN_AS.get(error.option_name, "")
    near = did_you_mean(error.option_name, there, LIKE)
    hint = f"Did you mean {other}?" if other in there else near
    if not hint and error.ctx and not error.ctx.parent:
        hint = f"Options stand behind a command: comagic calls {error.option_name}"
    return f"No such option {error.option_name!r}.{' ' * bool(hint)}{hint}"


def _options(error: NoSuchOption) -> Sequence[str]:
    """Name the long options of the command."""
    command = error.ctx.command if error.ctx else None
    names = (name for param in command.params for name in param.opts) if command else ()
    return [name for name in names if name.startswith("--")]
