"""`comagic chart`: rows counted by day, by hour, by a field: as a picture, or as data."""

from __future__ import annotations

from typing import Any

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options import typed_options
from comagic_cli.commands.options.account import whose_account
from comagic_cli.commands.options.asked import what_is_asked
from comagic_cli.commands.reports import dated
from comagic_cli.commands.sections import Asked, ExportCommand, Written

NOT_HERE = frozenset({"fields", "sort", "as_saved"})  # of what is asked, what a chart decides
FORMATS = ("bars", "table", "csv", "tsv", "jsonl", "json")
EPILOG = """\b
Left out, --format follows the name of -o, else it is bars on a terminal and
jsonl in a pipe. --by takes day, week (from Monday), month, hour (of the day)
and weekday, or a field; of tags and other lists each item is counted, so that
a row may be counted more than once. Bars of a field that are many are one bar,
`other`; as data all groups are there."""


def _without(command: click.Command) -> click.Command:
    command.params = [param for param in command.params if param.name not in NOT_HERE]
    return command


@click.command(cls=ExportCommand, epilog=EPILOG)
@click.argument("report", metavar="REPORT", shell_complete=offers.reports)
@click.option(
    "--by",
    cls=Asked,
    metavar="GROUP",
    default="day",
    shell_complete=offers.groups,
    help="day, week, month, hour, weekday, or a field (day unless told).",
)
@click.option(
    "--split",
    cls=Asked,
    metavar="FIELD",
    default="",
    shell_complete=offers.grouped,
    help="Each group once more, by the values of a field.",
)
@click.option(
    "--sum",
    "sum_",
    cls=Asked,
    metavar="FIELD",
    shell_complete=offers.grouped,
    help="Add up a field: numbers, or lengths of time as seconds.",
)
@click.option(
    "--avg",
    cls=Asked,
    metavar="FIELD",
    shell_complete=offers.grouped,
    help="The average of a field, over rows that have it.",
)
@what_is_asked
@click.option(
    "-f",
    "--format",
    cls=Written,
    metavar="FORMAT",
    type=click.Choice(FORMATS),
    help=f"{', '.join(FORMATS)}; left out: see below.",
)
@click.option(
    "-o",
    "--output",
    cls=Written,
    metavar="FILE",
    type=click.Path(),
    help="A file (- is stdout), whose name tells the format.",
)
@click.option(
    "--dry-run", cls=Written, is_flag=True, help="Print what would be asked; send nothing."
)
@click.option("-q", "--quiet", cls=Written, is_flag=True, help="Tell nothing but errors.")
@click.option("-v", "--verbose", cls=Written, is_flag=True, help="Tell about every call.")
@whose_account
@click.help_option("-h", "--help", help="Show this help.")
def chart(
    report: str, by: str, split: str, sum_: str | None, avg: str | None, **typed: Any
) -> None:
    """Count the rows of a report, and draw them as bars.

    \b
    Examples:
      comagic chart calls --sandbox --by hour --period last-month
      comagic chart communications --sandbox --split communication_type
      comagic chart calls --sandbox --by employees --sum call_talk_duration
      comagic chart calls --sandbox --by day -f csv -o days.csv
    """  # noqa: D301 - \b is Click's
    # What counts imports the network and is slow to load: --help does without.
    from comagic_cli.commands.counted import question_of, show_chart  # noqa: PLC0415

    show_chart(report, question_of(by, split, sum_, avg), dated(typed), typed_options())


_without(chart)
