"""`comagic reports`, `fields`, `filters`, `users` and `account`: what can be asked for."""

from __future__ import annotations

from typing import Any

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options import ListOptions, list_options, typed_options
from comagic_cli.commands.sections import Asked, ExportCommand

# What asks the service is slow to load: --help does without.
# ruff: noqa: PLC0415

report_argument = click.argument("report", metavar="REPORT", shell_complete=offers.reports)


@click.command(cls=ExportCommand)
@click.option(
    "--type",
    "kind",
    cls=Asked,
    metavar="TYPE",
    shell_complete=offers.kinds,
    help="Only the reports of this type.",
)
@list_options
def reports(kind: str | None, **typed: Any) -> None:
    """List the account's reports, and the commands that export them.

    \b
    Examples:
      comagic reports --sandbox
      comagic reports --sandbox --type calls -f csv
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands import listing, lists
    from comagic_cli.request.listing import REPORTS

    options = ListOptions(**typed, typed=typed_options())
    lists.write_list(REPORTS, lambda: listing.reports_of(kind, options), options)


@click.command(cls=ExportCommand)
@report_argument
@click.option(
    "--search",
    "words",
    cls=Asked,
    metavar="WORDS",
    default="",
    help="Only fields that have these words in name or text.",
)
@click.option(
    "--live", cls=Asked, is_flag=True, help="Ask the account: its titles, its own columns."
)
@list_options
def fields(report: str, words: str, *, live: bool, **typed: Any) -> None:
    """List the fields of a report: what they are, and what can be done with them.

    They come from the program's own catalogue, and nothing is asked of the service, but with
    --live.

    \b
    Examples:
      comagic fields calls
      comagic fields communications --search utm
      comagic fields calls --sandbox --live -f csv
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands import lists
    from comagic_cli.request.listing import FIELDS, LIVE_FIELDS

    options = ListOptions(**typed, typed=typed_options())
    columns = LIVE_FIELDS if live else FIELDS
    lists.write_list(columns, lambda: lists.fields_of(report, words, options, live=live), options)


@click.command(cls=ExportCommand)
@report_argument
@click.argument("field", metavar="[FIELD]", required=False, shell_complete=offers.filtered)
@list_options
def filters(report: str, field: str | None, **typed: Any) -> None:
    """List what a report can be filtered by: fields, operators, and the values of lists.

    \b
    Examples:
      comagic filters calls --sandbox
      comagic filters calls call_status --sandbox | jq '.values[]'
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands import listing, lists
    from comagic_cli.request.listing import FILTERS

    options = ListOptions(**typed, typed=typed_options())
    lists.write_list(
        FILTERS,
        lambda: listing.filters_of(report, field, options),
        options,
        record=field is not None,
    )


@click.command(cls=ExportCommand)
@list_options
def users(**typed: Any) -> None:
    """List the users of an agent's clients: their ids are for --user-id.

    \b
    Examples:
      comagic users
      comagic users -f csv | csvcut -c id,name
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands import listing, lists
    from comagic_cli.request.listing import USERS

    options = ListOptions(**typed, typed=typed_options())
    lists.write_list(USERS, lambda: listing.users_of(options), options)


@click.command(cls=ExportCommand)
@list_options
def account(**typed: Any) -> None:
    """Tell of the account: name, id, time zone, and the points that are left.

    \b
    Examples:
      comagic account --sandbox
      comagic account --sandbox | jq .day_points_left
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands import listing, lists
    from comagic_cli.request.listing import ACCOUNT

    options = ListOptions(**typed, typed=typed_options())
    lists.write_list(ACCOUNT, lambda: listing.account_of(options), options, record=True)
