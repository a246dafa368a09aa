"""`comagic help`: what is worth a page of its own."""

from __future__ import annotations

from collections.abc import Iterator

import click

from comagic_cli.fetch.refusals import MEANING

ERRORS = """\
How the service refuses, by the name that stands in parentheses in our errors;
what that means, and what to do about it."""


@click.command("help")
@click.argument("topic", metavar="[errors]", required=False, type=click.Choice(["errors"]))
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def help_(context: click.Context, topic: str | None) -> None:
    """Print the help, or a topic of it: errors.

    \b
    Example:
      comagic help errors
    """  # noqa: D301 - \b is Click's
    if topic is None:
        click.echo(context.find_root().get_help())
        return
    for line in _errors():
        click.echo(line)


def _errors() -> Iterator[str]:
    """Say of every mnemonic what it means, out of the table that the program goes by."""
    yield ERRORS
    for mnemonic, (kind, sentence, remedy) in MEANING.items():
        told = remedy.replace("{option}", "the option it names")
        yield f"\n{mnemonic}\n  {sentence} (exit code {kind.exit_code})"
        yield f"  {told.replace('{address}', 'the address it names')}"
