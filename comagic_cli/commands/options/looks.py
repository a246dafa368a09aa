"""How values are shown: the options of cells, lines and headers."""

from __future__ import annotations

import click

from comagic_cli.commands.options.kinds import Delimiter, Host, Text
from comagic_cli.commands.sections import Shown, bundle

how_values_look = bundle(
    click.option(
        "--enum",
        cls=Shown,
        metavar="WHICH",
        type=click.Choice(("value", "id", "both")),
        default="value",
        envvar="COMAGIC_ENUM",
        help="Of {value, value_id}: value, id or both.",
    ),
    click.option(
        "--list-separator",
        cls=Shown,
        metavar="TEXT",
        type=Text(),
        default="; ",
        envvar="COMAGIC_LIST_SEPARATOR",
        help="What joins lists in a cell ('; ' unless told).",
    ),
    click.option(
        "--header",
        cls=Shown,
        metavar="WHICH",
        type=click.Choice(("id", "title", "none")),
        default="id",
        envvar="COMAGIC_HEADER",
        help="Name columns by id, by title (the account's), none.",
    ),
    click.option(
        "--delimiter",
        cls=Shown,
        metavar="CHAR",
        type=Delimiter(),
        envvar="COMAGIC_DELIMITER",
        help="Between cells of csv: a character, or tab.",
    ),
    click.option(
        "--newlines",
        cls=Shown,
        metavar="HOW",
        type=click.Choice(("keep", "space", "escape")),
        default="keep",
        envvar="COMAGIC_NEWLINES",
        help="Line breaks in texts: keep, space or escape (\\n).",
    ),
    click.option(
        "--decimal",
        cls=Shown,
        metavar="CHAR",
        type=click.Choice((".", ",")),
        default=".",
        envvar="COMAGIC_DECIMAL",
        help="The point of numbers: . or ,",
    ),
    click.option(
        "--excel",
        cls=Shown,
        is_flag=True,
        envvar="COMAGIC_EXCEL",
        help="CSV for Excel: ;, a BOM, CR LF, no formulas.",
    ),
    click.option(
        "--flatten",
        cls=Shown,
        is_flag=True,
        envvar="COMAGIC_FLATTEN",
        help="In JSON, name.member instead of nested objects.",
    ),
    click.option(
        "--times",
        cls=Shown,
        metavar="HOW",
        type=click.Choice(("keep", "iso")),
        default="keep",
        envvar="COMAGIC_TIMES",
        help="Dates with times: keep, or iso (with the offset).",
    ),
    click.option(
        "--record-urls",
        cls=Shown,
        is_flag=True,
        help="Add a column of the recordings' addresses.",
    ),
    click.option(
        "--record-host",
        cls=Shown,
        metavar="HOST",
        type=Host(),
        envvar="COMAGIC_RECORD_HOST",
        help="The web account's host, where it is not known.",
    ),
)
