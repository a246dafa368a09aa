"""`comagic chart`: rows counted by day, by hour, by a field: as a picture, or as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, BinaryIO, cast

import click

from comagic_cli.cli import completion as offers
from comagic_cli.cli.console import StderrReporter, at_terminal, tell
from comagic_cli.cli.export import dated
from comagic_cli.cli.options import connection_options, query_options, typed_options
from comagic_cli.cli.params import ExportCommand, OutputOption, QueryOption
from comagic_cli.commands.dry import show_plan
from comagic_cli.commands.formats import on_terminal, screen
from comagic_cli.commands.reading import pager_of
from comagic_cli.commands.service import open_service
from comagic_cli.commands.wishes import wish_of
from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import INCOMPATIBLE, ExportOptions
from comagic_cli.export.pipeline import export
from comagic_cli.export.progress import Summary
from comagic_cli.files.output import Target, format_of, open_stream, open_target
from comagic_cli.files.stream import Output, Under
from comagic_cli.formats.aggregate import CountingSink, Counts, Question
from comagic_cli.formats.bars import SEVERAL, Picture
from comagic_cli.formats.base import Look, make_sink
from comagic_cli.formats.grouping import TIMES
from comagic_cli.output.partitions import Template, read_template
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.listing import find_command
from comagic_cli.query.query import IDS

FORMATS = ("bars", "table", "csv", "tsv", "jsonl", "json")
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
    type=click.Choice(FORMATS),
    help=f"{', '.join(FORMATS)}; left out: see below.",
)
@click.option(
    "-o",
    "--output",
    cls=OutputOption,
    metavar="FILE",
    type=click.Path(),
    help="A file (- is stdout), whose name tells the format.",
)
@click.option(
    "--dry-run", cls=OutputOption, is_flag=True, help="Print what would be asked; send nothing."
)
@click.option("-q", "--quiet", cls=OutputOption, is_flag=True, help="Tell nothing but errors.")
@click.option("-v", "--verbose", cls=OutputOption, is_flag=True, help="Tell about every call.")
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
    show_chart(report, question_of(by, split, sum_, avg), dated(typed), typed_options()["typed"])


_without(chart)


BARS = "bars"
COUNTED_FORMATS = (BARS, "table", "csv", "tsv", "jsonl", "json")
ADDED = ("number", "duration", "")  # the types of fields that can be added up


def question_of(by: str, split: str, sum_: str | None, avg: str | None) -> Question:
    """Put together what is counted. Raises `UsageProblem` for what does not go together."""
    if sum_ and avg:
        raise UsageProblem("--sum and --avg: a chart shows one of them", hint="Draw two charts.")
    if split == by or split in TIMES:
        raise UsageProblem(
            f"--split {split}: it takes another field than --by",
            hint="See comagic fields REPORT.",
        )
    return Question(by, split, "sum" if sum_ else "avg" if avg else "rows", sum_ or avg or "")


def show_chart(
    command: str, question: Question, typed: Mapping[str, Any], named: frozenset[str]
) -> None:
    """Count a report's rows, and draw or write what came of them. Raises `ComagicError`."""
    report = find_command(command)
    options = _options(typed, named, question)
    format_ = choose_format(options)
    if IDS in report.params:
        raise UsageProblem(
            f"{report.command} is exported by ids, which a chart can't use",
            hint=f"Export it, and count the rows: comagic {report.command} --help.",
        )
    if question.by in TIMES and not report.time:
        raise UsageProblem(
            f"--by {question.by}: rows of {report.command} have no time",
            hint="Group them by a field: --by FIELD.",
        )
    reporter = StderrReporter(options.quiet, options.verbose)
    try:
        wish, options = wish_of(report, options, reporter)
    except UnknownField as unknown:
        raise _told(unknown, question) from None
    wish = replace(wish, columns=question.fields)
    check(wish, question)
    if options.dry_run:
        show_plan(wish, None, options, reporter)
        return
    count(wish, question, options, reporter, format_)


def _options(typed: Mapping[str, Any], named: frozenset[str], question: Question) -> ExportOptions:
    """Take what was typed for an export of the fields that are needed, and of nothing else."""
    nothing = dict.fromkeys((each.name for each in fields(ExportOptions)), None)
    empty: dict[str, Any] = dict.fromkeys(("sort", "ids", "users", "clients"), ())
    chosen = {"fields": question.fields, "typed": named, "realtime": False, "as_saved": False}
    return ExportOptions(**(cast("dict[str, Any]", nothing) | empty | dict(typed) | chosen))


def choose_format(options: ExportOptions) -> str:
    """Choose the format: typed, else by the file's name, else by the place."""
    if options.output and isinstance(read_template(options.output), Template):
        raise UsageProblem(
            f"{options.output}: a chart is one file", hint="Write it without {date} or {month}."
        )
    format_ = options.format or format_of(options.output)
    format_ = format_ or (BARS if on_terminal(options.output) else "jsonl")
    if format_ not in COUNTED_FORMATS:
        raise UsageProblem(
            f"a chart is not written as {format_}", hint=f"It can be: {', '.join(COUNTED_FORMATS)}."
        )
    return format_


def check(wish: ExportRequest, question: Question) -> None:
    """Refuse to add up what is no number. Raises `UsageProblem`."""
    able = [field.name for field in wish.report.fields if field.type in ADDED]
    if question.of and wish.report.field(question.of).type not in ADDED:
        raise UsageProblem(
            f"--{question.measure}: {question.of} is not a number or a duration",
            hint=f"These can be added up: {', '.join(able)}.",
        )


def _told(unknown: UnknownField, question: Question) -> UnknownField:
    """Name the option that the unknown field was typed for."""
    places = {question.of: f"--{question.measure}", question.split: "--split", question.by: "--by"}
    option = places.get(unknown.field, "--fields")
    unknown.message = unknown.message.replace("--fields", option, 1)
    return unknown


def count(
    wish: ExportRequest,
    question: Question,
    options: ExportOptions,
    reporter: Reporter,
    format_: str,
) -> None:
    """Count the rows and write the counts; those of an export that misses rows too."""
    with (
        open_target(options.output) as target,
        open_service(options, reporter) as service,
        open_stream(Output(_shared(target, reporter), target.name), options.output) as stream,
    ):
        query = service.query(wish, None)
        look = screen(terminal=on_terminal(options.output))
        finish = partial(write, stream, wish, format_, look)
        sink = CountingSink(question, query.period, finish)
        export(service.progress.watch(pager_of(query, service)), sink)
    if sink.counts.several and format_ != BARS and not options.quiet and at_terminal():
        tell(SEVERAL)
    rows, points = sink.counts.rows, service.client.calls
    reporter.finish(
        Summary(
            rows=rows,
            days=[f"{day:%Y-%m-%d}" for day in (query.period.start, query.period.end)],
            points=points,
            progress=service.progress,
            members={"rows": rows, "points": points},
        )
    )


def _shared(target: Target, reporter: Reporter) -> Under:
    return reporter.share(target.under) if target.part is None else target.under


def write(stream: BinaryIO, wish: ExportRequest, format_: str, look: Look, counts: Counts) -> None:
    """Draw the counts, or write them as any rows are."""
    if format_ == BARS:
        picture = Picture(counts, title(wish, counts), look, wish.report.known)
        stream.write(picture.draw().encode())
        return
    export(iter([counts.page()]), make_sink(format_, stream, counts.fields(), look))


def title(wish: ExportRequest, counts: Counts) -> str:
    """Say what the counts are of."""
    question, period = counts.question, counts.period
    measures = {"rows": "", "sum": f"sum of {question.of} ", "avg": f"average {question.of} "}
    split = f" and {question.split}" if question.split else ""
    days = " to ".join(dict.fromkeys(f"{day:%Y-%m-%d}" for day in (period.start, period.end)))
    what = f"{wish.report.command}: {measures[question.measure]}by {question.by}{split}"
    return f"{what}, {days}"
