"""`comagic api`: any method that only reads, and its answer as it came."""

from __future__ import annotations

from typing import Any

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options import ServiceOptions
from comagic_cli.commands.options.account import whose_account
from comagic_cli.commands.options.kinds import Whole
from comagic_cli.commands.sections import Asked, ExportCommand, Written, bundle

FORMATS = ("json", "jsonl", "csv", "tsv", "table")

how = bundle(
    click.option(
        "--params",
        cls=Asked,
        metavar="JSON",
        default="{}",
        help="The parameters: an object, @FILE of one, or - for stdin.",
    ),
    click.option(
        "-f",
        "--format",
        cls=Written,
        type=click.Choice(FORMATS),
        metavar="FORMAT",
        default="json",
        shell_complete=offers.formats,
        help=f"{', '.join(FORMATS)}; json unless told.",
    ),
    click.option("-o", "--output", cls=Written, metavar="FILE", type=click.Path(), help="A file."),
    click.option(
        "--max-rows", cls=Written, metavar="N", type=Whole(), help="Print no more items than this."
    ),
    click.option("--dry-run", cls=Written, is_flag=True, help="Print the call; send nothing."),
    click.option("-q", "--quiet", cls=Written, is_flag=True, help="Tell nothing but errors."),
    click.option("-v", "--verbose", cls=Written, is_flag=True, help="Tell about every call."),
)


@click.command(cls=ExportCommand)
@click.argument("method", shell_complete=offers.methods)
@how
@whose_account
@click.help_option("-h", "--help", help="Show this help.")
def api(
    method: str,
    params: str,
    format: str,  # noqa: A002 - the option's own name
    output: str | None,
    max_rows: int | None,
    *,
    dry_run: bool,
    **typed: Any,
) -> None:
    """Send a method of the API that only reads, and print what it answers.

    METHOD begins with get. or getobj. The key is added, and --user-id where it is given. A list is
    paged to its end, unless the parameters hold limit or offset: then one call is made.

    \b
    Examples:
      comagic api get.account --sandbox
      comagic api get.reports_list --sandbox -f table
      comagic api getobj.columns_tree --sandbox --params '{"report_type": "calls"}'
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.answers import (  # noqa: PLC0415 - slow to load
        Request,
        print_answer,
    )

    request = Request.typed(method, params)
    print_answer(request, ServiceOptions(**typed), format, output, max_rows, dry_run=dry_run)
