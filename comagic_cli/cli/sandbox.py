"""`comagic sandbox`: serve a private sandbox of the Data API on loopback."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, cast

import click

from comagic_cli.cli.console import print_message
from comagic_cli.cli.params import PositiveInt
from comagic_cli.errors import UsageProblem
from comagic_cli.sandbox.media import RECORDING
from comagic_cli.sandbox.quirks import Fault, Quirks
from comagic_cli.sandbox.server import Sandbox

EXAMPLES = """\b
Examples:
  comagic sandbox --port 8080
  comagic sandbox --rows 1000000
  comagic sandbox --agent
  comagic sandbox --older-only
  comagic sandbox --trap cut --trap late
  comagic sandbox --trap all --trap token --trap no-ranges
In another terminal, with the variables that it prints:
  export COMAGIC_BASE_URL=http://127.0.0.1:8080 COMAGIC_TOKEN=sandbox-token
  comagic communications --period yesterday
Instead of the token: COMAGIC_LOGIN=sandbox COMAGIC_PASSWORD=sandbox

\b
Traps, for some of the requests for recordings:
  late   the recording is not there yet: the next request gets it
  cut    the answer ends too early;  stall  the same, after a second
  slow   the answer begins after a second
  reset  the connection is closed;   empty  zero bytes come
  html   a web page comes, with status 200
  308    a redirect to a login;      403, 429, 503  a refusal
  all    all of these
For every request:
  token  recordings need the token;  login  they need a login
  no-ranges  a part of a recording can't be asked for"""
FAULTS = {
    "cut": ("truncate", 5),
    "late": ("404", 7),
    "slow": ("slow", 11),
    "503": ("503", 13),
    "308": ("308", 17),
    "html": ("html", 19),
    "403": ("403", 23),
    "reset": ("reset", 29),
    "empty": ("empty", 31),
    "429": ("429", 37),
    "stall": ("stall", 41),
}
"""The traps that befall some recordings: the kind of fault, and one request of how many."""
CLOSED = ("token", "login")
TRAPS = (*FAULTS, "all", *CLOSED, "no-ranges")
WAIT = 1.0  # seconds of what is slow


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
@click.option(
    "--trap",
    "traps",
    metavar="TRAP",
    type=click.Choice(TRAPS),
    multiple=True,
    help="What goes wrong with recordings: see above; repeatable.",
)
@click.help_option("-h", "--help", help="Show this help.")
def sandbox(
    port: int | None,
    rows: int | None,
    seed: int,
    traps: tuple[str, ...],
    *,
    agent: bool,
    older_only: bool,
) -> None:
    """Serve until interrupted; print the variables for clients to stdout."""
    quirks = _set(Quirks(agent=agent, flat_reports=not older_only), traps)
    box = Sandbox(quirks=quirks, rows=rows, seed=seed, port=port or 0)
    click.echo(f"export COMAGIC_BASE_URL={box.url} COMAGIC_TOKEN={box.token}")
    if sys.stderr is not None and sys.stderr.isatty():
        print_message("Serving. Stop with Ctrl-C.")
    box.serve_forever()


def _set(quirks: Quirks, traps: tuple[str, ...]) -> Quirks:
    """Set traps of recordings. Raises `UsageProblem` for two that can't be together."""
    closed = [trap for trap in CLOSED if trap in traps]
    if len(closed) > 1:
        raise UsageProblem("--trap token and --trap login can't be together", hint="Choose one.")
    faults = tuple(
        Fault(kind, every=every, method=RECORDING, seconds=WAIT)
        for trap, (kind, every) in FAULTS.items()
        if trap in traps or "all" in traps
    )
    return replace(
        quirks,
        faults=faults,
        recordings=cast("Any", closed[0] if closed else "open"),
        recording_ranges="no-ranges" not in traps,
    )
