"""What is asked: the options of the request."""

from __future__ import annotations

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options.kinds import Whole
from comagic_cli.commands.sections import Asked, bundle

what_is_asked = bundle(
    click.option(
        "--report-id",
        cls=Asked,
        metavar="ID",
        envvar="COMAGIC_REPORT_ID",
        help="The report, by number or name; left out: the only one.",
    ),
    click.option(
        "--from",
        "from_",
        cls=Asked,
        metavar="WHEN",
        shell_complete=offers.moments,
        help="First day or second: 2026-10-05, yesterday, -7d.",
    ),
    click.option(
        "--till",
        cls=Asked,
        metavar="WHEN",
        shell_complete=offers.moments,
        help="Last day or second, included; left out: now.",
    ),
    click.option(
        "--period",
        cls=Asked,
        metavar="P",
        shell_complete=offers.periods,
        help="Instead of both: yesterday, last-week, 2026-10, 7d.",
    ),
    click.option(
        "--fields",
        cls=Asked,
        metavar="LIST",
        multiple=True,
        envvar="COMAGIC_FIELDS",
        shell_complete=offers.fields,
        help="Columns in this order: a,b,@group; @default, @all.",
    ),
    click.option(
        "--where",
        cls=Asked,
        metavar="EXPR",
        multiple=True,
        shell_complete=offers.conditions,
        help="Rows wanted: 'FIELD > 60'; see comagic help filters.",
    ),
    click.option(
        "--filter-json",
        cls=Asked,
        metavar="FILE",
        type=click.Path(),
        help="A filter as the API takes it (- is stdin).",
    ),
    click.option(
        "--as-saved",
        cls=Asked,
        is_flag=True,
        help="Columns, filters and sort of the web account.",
    ),
    click.option(
        "--sort",
        cls=Asked,
        metavar="FIELD[:desc]",
        multiple=True,
        shell_complete=offers.sorts,
        help="Order of the rows; repeatable; left out: by time.",
    ),
    click.option(
        "--page-size",
        cls=Asked,
        metavar="N",
        type=Whole(10_000),
        default=10_000,
        help="Rows a call, 1 to 10000 (10000 unless told).",
    ),
)
