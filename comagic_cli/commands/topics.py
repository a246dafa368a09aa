"""`comagic help`: what is worth a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from comagic_cli.commands import pages, tables

ERRORS = """\
How the service refuses, by the name that stands in parentheses in our errors;
what that means, and what to do about it."""

CODES = "What the program ends with, for scripts and cron."

ENVIRONMENT = """\
What can be set in the environment. Options that are typed go before it, and it
goes before a profile. What changes one run only can't be set here."""


def _exit_codes(_: click.Group) -> Iterator[str]:
    yield from (CODES, "", *tables.listed(dict(tables.exit_codes())))
    yield from ("", "Example:", "  comagic calls --sandbox --period yesterday -o calls.csv")


def _environment(root: click.Group) -> Iterator[str]:
    yield from (ENVIRONMENT, "", *tables.listed(dict(tables.variables(root))))
    yield from ("", "Example:", "  COMAGIC_FORMAT=csv comagic calls --sandbox --max-rows 3")


def _errors(_: click.Group) -> Iterator[str]:
    yield ERRORS
    for mnemonic, sentence, remedy, code in tables.mnemonics():
        yield f"\n{mnemonic}\n  {sentence} (exit code {code})\n  {remedy}"


def _page(text: str) -> Callable[[click.Group], Iterator[str]]:
    return lambda _: iter(text.splitlines())


TOPICS = {
    "filters": ("Which rows: the language of --where", _page(pages.FILTERS)),
    "dates": ("Which days: --from, --till, --period", _page(pages.DATES)),
    "formats": ("How rows are written, and where to", _page(pages.FORMATS)),
    "cron": ("Every night by itself, and rows that change later", _page(pages.CRON)),
    "exit-codes": ("What the program ends with", _exit_codes),
    "environment": ("What can be set in the environment", _environment),
    "errors": ("How the service refuses, and what to do", _errors),
}


class Topic(click.Choice[str]):
    """A topic, or a command, whose help is told as by its own --help."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return its name."""
        root = ctx and ctx.find_root().command
        if ctx and isinstance(root, click.Group) and value in root.list_commands(ctx):
            return str(value)
        return super().convert(value, param, ctx)


@click.command("help")
@click.argument("topic", metavar="[TOPIC]", required=False, type=Topic([*TOPICS]), default=None)
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def help_(context: click.Context, topic: str | None) -> None:
    """Print the help of a topic or a command; without one, list them.

    \b
    Examples:
      comagic help
      comagic help dates
      comagic help calls
    """  # noqa: D301 - \b is Click's
    root = context.find_root()
    if topic is not None and topic not in TOPICS:
        root.command.main([topic, "--help"], prog_name="comagic", standalone_mode=False)
        return
    if topic is None:
        click.echo(f"{root.get_help()}\n\nTopics of comagic help:")
        lines = tables.listed({name: title for name, (title, _) in TOPICS.items()})
    else:
        command = root.command
        lines = TOPICS[topic][1](command) if isinstance(command, click.Group) else iter(())
    for line in lines:
        click.echo(line)
