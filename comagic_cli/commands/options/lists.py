"""How a list is written: the options of what is no export of rows."""

from __future__ import annotations

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options.written import FORMATS
from comagic_cli.commands.sections import Written, bundle

how_a_list_is_written = bundle(
    click.option(
        "-f",
        "--format",
        cls=Written,
        metavar="FORMAT",
        type=click.Choice(FORMATS),
        envvar="COMAGIC_FORMAT",
        shell_complete=offers.formats,
        help=f"{', '.join(name for name in FORMATS if name != 'sqlite')}.",
    ),
    click.option(
        "-o",
        "--output",
        cls=Written,
        metavar="FILE",
        type=click.Path(),
        help="A file (- is stdout), whose name tells the format.",
    ),
    click.option("-q", "--quiet", cls=Written, is_flag=True, help="Tell nothing but errors."),
    click.option("-v", "--verbose", cls=Written, is_flag=True, help="Tell about every call."),
)
