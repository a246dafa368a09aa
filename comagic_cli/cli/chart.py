"""`comagic chart`: rows counted by day, hour or field, as bars or as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

import click
import msgspec

from comagic_cli.cli import completion as complete
from comagic_cli.cli.options import (
    DRY_RUN,
    ID_OPTIONS,
    PARAM,
    QUIET,
    SUFFIX_SETS_FORMAT,
    VERBOSE,
    customers_options,
    declare_format,
    declare_output,
    drop_profile_period,
    help_option,
    make_context,
    param_option,
    query_option,
    query_options,
    read_command_line,
    split_users,
    take_params,
)
from comagic_cli.cli.params import ExportCommand, PositiveInt, bundle
from comagic_cli.errors import UsageProblem
from comagic_cli.export.chart import CHART_FORMATS, show_chart
from comagic_cli.export.options import INCOMPATIBLE, ExportOptions
from comagic_cli.formats.aggregate import TIMES, Question
from comagic_cli.query.catalog import reports
from comagic_cli.query.listing import find_command

EPILOG = """\b
The default --format is that of the suffix of -o, else bars on a terminal and
jsonl in a pipe. --by takes day, week (from Monday), month, quarter, hour (of
the day) and weekday, or a field. In tags and other lists each item is
counted, so a row may be counted more than once. Bars show the largest groups,
and the rest as one bar, "other"; data has all groups."""


PARAMS = {
    name: msgspec.structs.replace(param, required=False)
    for entry in reports()
    for name, param in entry.params.items()
    if name not in ID_OPTIONS and name != "report_type"
}
"""The parameters that reports have of their own, except ids."""


@click.command(cls=ExportCommand, epilog=EPILOG)
@click.argument("report", metavar="REPORT", shell_complete=complete.complete_reports)
@query_option(
    "--by",
    metavar="GROUP",
    default="day",
    show_default=True,
    shell_complete=complete.complete_groups,
    help="day, week, month, quarter, hour, weekday, or a field.",
)
@query_option(
    "--split",
    metavar="FIELD",
    default="",
    shell_complete=complete.complete_columns,
    help="Split each group by the values of a field.",
)
@query_option(
    *("--sum", "sum_"),
    metavar="FIELD",
    shell_complete=complete.complete_columns,
    help="Sum of a field: numbers, or durations in seconds.",
)
@query_option(
    "--avg",
    metavar="FIELD",
    shell_complete=complete.complete_columns,
    help="Average of a field, over rows that have it.",
)
@query_option(
    *("--top", "--max-rows", "top"),
    metavar="N",
    type=PositiveInt(),
    help="Only the N largest groups of a field; bars add the rest as one.",
)
@query_options
@bundle(*(param_option(name, param) for name, param in PARAMS.items()))
@declare_format(CHART_FORMATS)
@declare_output(SUFFIX_SETS_FORMAT)
@DRY_RUN
@QUIET
@VERBOSE
@customers_options
@help_option
def chart(
    report: str,
    by: str,
    split: str,
    sum_: str | None,
    avg: str | None,
    top: int | None,
    **values: Any,
) -> None:
    """Count the rows of a report and draw bars.

    \b
    Examples:
      comagic chart calls --sandbox --by hour --period last-month
      comagic chart communications --sandbox --split communication_type
      comagic chart calls --sandbox --by employees --sum call_talk_duration
      comagic chart communications --sandbox --by source_name --top 5
      comagic chart calls --sandbox --by day -f csv -o days.csv
    """  # noqa: D301 - \b is Click's
    question = make_question(by, split, sum_, avg, top)
    entry = find_command(report)
    for name, param in entry.params.items():
        is_needed = param.required and param.type != "boolean" and name in PARAMS
        if is_needed and not values[f"{PARAM}{name}"]:
            flag = f"--{name.replace('_', '-')}"
            raise UsageProblem(
                f"a chart of {entry.command} needs {flag}",
                hint=f"Add {flag} N; the ids: comagic list sites.",
            )
    values = take_params(entry, split_users(drop_profile_period(values)))
    options = _make_options(values | read_command_line(), question)
    show_chart(entry, question, options, make_context(options))


chart.params = [param for param in chart.params if param.name not in INCOMPATIBLE["chart"]]


def make_question(
    by: str, split: str, sum_: str | None, avg: str | None, top: int | None = None
) -> Question:
    """Return what to count. Raises `UsageProblem` for options that exclude each other."""
    if sum_ and avg:
        raise UsageProblem("--sum and --avg: a chart shows one of them", hint="Draw two charts.")
    if split == by:
        raise UsageProblem(
            f"--split {split}: it takes another field than --by",
            hint="See comagic fields REPORT.",
        )
    if split in TIMES:
        hint = "Draw a chart of each." if by in TIMES else f"Write --by {split} --split {by}."
        raise UsageProblem(f"--split {split}: it takes a field, not a time", hint=hint)
    if top and by in TIMES:
        raise UsageProblem(
            f"--top: a chart by {by} shows all of the period", hint="Add --by FIELD."
        )
    measure: Literal["sum", "avg", "rows"] = "sum" if sum_ else "avg" if avg else "rows"
    return Question(by, split, measure, sum_ or avg or "", top)


def _make_options(values: Mapping[str, Any], question: Question) -> ExportOptions:
    """Return the options of an export of the fields that the chart needs."""
    nothing: dict[str, Any] = {each.name: None for each in fields(ExportOptions)} | {"params": {}}
    empty = dict.fromkeys(("sort", "ids", "customers"), ())
    fixed = {"fields": question.fields, "as_saved": False}
    return ExportOptions(**(nothing | empty | dict(values) | fixed))
