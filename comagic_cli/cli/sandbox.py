"""`comagic sandbox`: serve a private sandbox of the Data API on loopback."""

from __future__ import annotations

import sys

import click

from comagic_cli.cli.console import print_message
from comagic_cli.cli.params import PositiveInt
from comagic_cli.sandbox.quirks import Quirks
from comagic_cli.sandbox.server import Sandbox

EXAMPLES = """\b
Examples:
  comagic sandbox --port 8080
  comagic sandbox --rows 1000000
  comagic sandbox --agent
  comagic sandbox --older-only
In another terminal, with the variables that it prints:
  export COMAGIC_BASE_URL=http://127.0.0.1:8080 COMAGIC_TOKEN=sandbox-token
  comagic communications --period yesterday
Instead of the token: COMAGIC_LOGIN=sandbox COMAGIC_PASSWORD=sandbox"""


@click.command(help=f"Serve a private sandbox of the Data API with invented data.\n\n{EXAMPLES}")
@click.option(
    "--port", metavar="N", type=PositiveInt(65_535), help="The port. [default: any free one]"
)
@click.option(
    "--rows",
    metavar="N",
    type=PositiveInt(),
    help="Number of communications. [default: three years]",
)
@click.option(
    "--seed",
    metavar="N",
    type=PositiveInt(),
    default=1,
    help="Random seed: another number makes other data.",
)
@click.option("--agent", is_flag=True, help="Make the account an agent with several customers.")
@click.option(
    "--older-only",
    is_flag=True,
    help="Make an account without the component of the flat reports: only older ones and lists.",
)
@click.help_option("-h", "--help", help="Show this help.")
def sandbox(
    port: int | None, rows: int | None, seed: int, *, agent: bool, older_only: bool
) -> None:
    """Serve until interrupted; print the variables for clients to stdout."""
    quirks = Quirks(agent=agent, flat_reports=not older_only)
    box = Sandbox(quirks=quirks, rows=rows, seed=seed, port=port or 0)
    click.echo(f"export COMAGIC_BASE_URL={box.url} COMAGIC_TOKEN={box.token}")
    if sys.stderr is not None and sys.stderr.isatty():
        print_message("Serving. Stop with Ctrl-C.")
    box.serve_forever()
