"""How it is written: the options of the output."""

from __future__ import annotations

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options.kinds import Back, Text, Whole
from comagic_cli.commands.sections import Written, bundle

FORMATS = tuple(offers.FORMATS)

how_it_is_written = bundle(
    click.option(
        "-f",
        "--format",
        cls=Written,
        metavar="FORMAT",
        type=click.Choice(FORMATS),
        envvar="COMAGIC_FORMAT",
        shell_complete=offers.formats,
        help=f"{', '.join(FORMATS)}.",
    ),
    click.option(
        "-o",
        "--output",
        cls=Written,
        metavar="FILE",
        type=click.Path(),
        help="A file (- is stdout); {date} or {month}: one each.",
    ),
    click.option(
        "--record", cls=Written, is_flag=True, help="In a table: one block a record, whole."
    ),
    click.option(
        "--table",
        cls=Written,
        metavar="NAME",
        type=Text(),
        help="The table of sqlite; left out: the report's name.",
    ),
    click.option(
        "--max-rows", cls=Written, metavar="N", type=Whole(), help="Write no more rows than this."
    ),
    click.option(
        "--refresh",
        cls=Written,
        metavar="D",
        type=Back(),
        help="Write the last 3d, 2w or 1mo again, or all files.",
    ),
    click.option(
        "--count", cls=Written, is_flag=True, help="Print how many rows there are, and no row."
    ),
    click.option(
        "--dry-run", cls=Written, is_flag=True, help="Print what would be asked; send nothing."
    ),
    click.option(
        "--resume",
        cls=Written,
        is_flag=True,
        help="Go on with the file of a run that was stopped, if one is left.",
    ),
    click.option(
        "--manifest",
        cls=Written,
        metavar="FILE",
        type=click.Path(),
        help="Write what was asked and what came; see verify.",
    ),
    click.option(
        "--keep-incomplete",
        cls=Written,
        is_flag=True,
        help="Where rows are missing, still name the file so.",
    ),
    click.option("-q", "--quiet", cls=Written, is_flag=True, help="Tell nothing but errors."),
    click.option("-v", "--verbose", cls=Written, is_flag=True, help="Tell about every call."),
)
