"""`comagic chart`: rows counted by day, by hour, by a field: as a picture, or as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

import click

from comagic_cli.cli import completion as offers
from comagic_cli.cli.export import dated
from comagic_cli.cli.options import (
    connection_options,
    query_options,
    typed_options,
    world,
)
from comagic_cli.cli.params import ExportCommand, OutputOption, QueryOption
from comagic_cli.errors import UsageProblem
from comagic_cli.export.chart import CHART_FORMATS, show_chart
from comagic_cli.export.options import INCOMPATIBLE, ExportOptions
from comagic_cli.formats.aggregate import TIMES, Question
from comagic_cli.query.listing import find_command

EPILOG = """\b
Left out, --format follows the name of -o, else it is bars on a terminal and
jsonl in a pipe. --by takes day, week (from Monday), month, hour (of the day)
and weekday, or a field; of tags and other lists each item is counted, so that
a row may be counted more than once. Bars of a field that are many are one bar,
`other`; as data all groups are there."""


def _without(command: click.Command) -> click.Command:
    command.params = [param for param in command.params if param.name not in INCOMPATIBLE["chart"]]
    return command


@click.command(cls=ExportCommand, epilog=EPILOG)
@click.argument("report", metavar="REPORT", shell_complete=offers.reports)
@click.option(
    "--by",
    cls=QueryOption,
    metavar="GROUP",
    default="day",
    shell_complete=offers.groups,
    help="day, week, month, hour, weekday, or a field [default: day].",
)
@click.option(
    "--split",
    cls=QueryOption,
    metavar="FIELD",
    default="",
    shell_complete=offers.grouped,
    help="Each group once more, by the values of a field.",
)
@click.option(
    "--sum",
    "sum_",
    cls=QueryOption,
    metavar="FIELD",
    shell_complete=offers.grouped,
    help="Add up a field: numbers, or lengths of time as seconds.",
)
@click.option(
    "--avg",
    cls=QueryOption,
    metavar="FIELD",
    shell_complete=offers.grouped,
    help="The average of a field, over rows that have it.",
)
@query_options
@click.option(
    "-f",
    "--format",
    cls=OutputOption,
    metavar="FORMAT",
    type=click.Choice(CHART_FORMATS),
    help=f"{', '.join(CHART_FORMATS)}; default: see below.",
)
@click.option(
    "-o",
    "--output",
    cls=OutputOption,
    metavar="FILE",
    type=click.Path(),
    help="A file (- is stdout); its suffix sets the format.",
)
@click.option("--dry-run", cls=OutputOption, is_flag=True, help="Print the request; send nothing.")
@click.option("-q", "--quiet", cls=OutputOption, is_flag=True, help="Show errors only.")
@click.option("-v", "--verbose", cls=OutputOption, is_flag=True, help="Show every API call.")
@connection_options
@click.help_option("-h", "--help", help="Show this help.")
def chart(
    report: str, by: str, split: str, sum_: str | None, avg: str | None, **typed: Any
) -> None:
    """Count the rows of a report and draw bars.

    \b
    Examples:
      comagic chart calls --sandbox --by hour --period last-month
      comagic chart communications --sandbox --split communication_type
      comagic chart calls --sandbox --by employees --sum call_talk_duration
      comagic chart calls --sandbox --by day -f csv -o days.csv
    """  # noqa: D301 - \b is Click's
    question = question_of(by, split, sum_, avg)
    options = _options(dated(typed), typed_options()["typed"], question)
    show_chart(find_command(report), question, options, world(options))


_without(chart)


def question_of(by: str, split: str, sum_: str | None, avg: str | None) -> Question:
    """Put together what to count. Raises `UsageProblem` for options that exclude each other."""
    if sum_ and avg:
        raise UsageProblem("--sum and --avg: a chart shows one of them", hint="Draw two charts.")
    if split == by or split in TIMES:
        raise UsageProblem(
            f"--split {split}: it takes another field than --by",
            hint="See comagic fields REPORT.",
        )
    return Question(by, split, "sum" if sum_ else "avg" if avg else "rows", sum_ or avg or "")


def _options(typed: Mapping[str, Any], named: frozenset[str], question: Question) -> ExportOptions:
    """Return the options of an export of the fields that are needed, and of nothing else."""
    nothing = dict.fromkeys((each.name for each in fields(ExportOptions)), None)
    empty: dict[str, Any] = dict.fromkeys(("sort", "ids", "users", "customers"), ())
    chosen = {"fields": question.fields, "typed": named, "realtime": False, "as_saved": False}
    return ExportOptions(**(cast("dict[str, Any]", nothing) | empty | dict(typed) | chosen))
