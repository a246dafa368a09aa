"""The chart: rows counted by day, by hour or by a field, as bars or as data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import BinaryIO

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.export.connection import connect
from comagic_cli.export.context import Context
from comagic_cli.export.options import ExportOptions, terminal_of, terminal_options
from comagic_cli.export.partitions import Template, read_template
from comagic_cli.export.plan import show_plan
from comagic_cli.export.progress import Summary
from comagic_cli.export.request import make_query, read_request
from comagic_cli.export.transfer import write_pages
from comagic_cli.files.output import format_of, open_stream, open_target
from comagic_cli.files.stream import Output
from comagic_cli.formats.aggregate import TIMES, CountingSink, Counts, Question
from comagic_cli.formats.bars import SEVERAL, Picture
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.query import IDS

BARS = "bars"
CHART_FORMATS = (BARS, "table", "csv", "tsv", "jsonl", "json")
SUMMABLE = ("number", "duration", "")  # types of fields


def show_chart(
    report: ReportType, question: Question, options: ExportOptions, context: Context
) -> None:
    """Count a report's rows, and draw or write the counts. Raises `ComagicError`."""
    format_ = _choose_format(options, context)
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
    try:
        request, options = read_request(report, options, context)
    except UnknownField as unknown:
        raise _name_option(unknown, question) from None
    request = replace(request, columns=question.fields)
    _check_summable(request, question)
    if options.dry_run:
        show_plan(request, None, options, context)
        return
    _count(request, question, format_, options, context)


def _choose_format(options: ExportOptions, context: Context) -> str:
    """Choose the format: typed, else by the file's name, else by the place."""
    if options.output and isinstance(read_template(options.output), Template):
        raise UsageProblem(
            f"{options.output}: a chart is one file", hint="Write it without {date} or {month}."
        )
    format_ = options.format or format_of(options.output)
    is_terminal = terminal_of(options.output, context.terminal) is not None
    format_ = format_ or (BARS if is_terminal else "jsonl")
    if format_ not in CHART_FORMATS:
        formats = ", ".join(CHART_FORMATS)
        raise UsageProblem(f"a chart is not written as {format_}", hint=f"It can be: {formats}.")
    return format_


def _check_summable(request: ExportRequest, question: Question) -> None:
    """Raise `UsageProblem` for a sum or average of what is not a number."""
    able = [field.name for field in request.report.fields if field.type in SUMMABLE]
    if question.of and request.report.field(question.of).type not in SUMMABLE:
        raise UsageProblem(
            f"--{question.measure}: {question.of} is not a number or a duration",
            hint=f"These can be added up: {', '.join(able)}.",
        )


def _name_option(unknown: UnknownField, question: Question) -> UnknownField:
    """Name the option that the unknown field was typed for."""
    places = {question.of: f"--{question.measure}", question.split: "--split", question.by: "--by"}
    option = places.get(unknown.field, "--fields")
    unknown.message = unknown.message.replace("--fields", option, 1)
    return unknown


def _count(
    request: ExportRequest,
    question: Question,
    format_: str,
    options: ExportOptions,
    context: Context,
) -> None:
    """Count the rows and write the counts, also those of an export that misses rows."""
    format_options = terminal_options(terminal_of(options.output, context.terminal))
    with (
        open_target(options.output, context.stdout) as target,
        connect(options, context) as connection,
    ):
        under = target.under if target.part else context.reporter.share(target.under)
        with open_stream(Output(under, target.name), options.output) as stream:
            query = make_query(request, options, connection, None)
            finish = partial(_write, stream, request, format_, format_options)
            sink = CountingSink(question, query.period, finish)
            reader = connection.read(query)
            try:
                write_pages(connection.progress.watch(reader), sink)
            finally:
                connection.report_oddities(reader.outside)
    if sink.counts.several and format_ != BARS:
        context.reporter.hint(SEVERAL)
    rows, points = sink.counts.rows, connection.client.calls
    context.reporter.finish(
        Summary(
            rows=rows,
            days=[f"{day:%Y-%m-%d}" for day in (query.period.start, query.period.end)],
            points=points,
            progress=connection.progress,
            members={"rows": rows, "points": points},
        )
    )


def _write(
    stream: BinaryIO,
    request: ExportRequest,
    format_: str,
    format_options: FormatOptions,
    counts: Counts,
) -> None:
    """Draw the counts, or write them as any rows are."""
    if format_ == BARS:
        picture = Picture(counts, _title(request, counts), format_options, request.report.known)
        stream.write(picture.draw().encode())
        return
    write_pages(iter([counts.page()]), make_sink(format_, stream, counts.fields(), format_options))


def _title(request: ExportRequest, counts: Counts) -> str:
    """Say what the counts are of."""
    question, period = counts.question, counts.period
    measures = {"rows": "", "sum": f"sum of {question.of} ", "avg": f"average {question.of} "}
    split = f" and {question.split}" if question.split else ""
    days = " to ".join(dict.fromkeys(f"{day:%Y-%m-%d}" for day in (period.start, period.end)))
    what = f"{request.report.command}: {measures[question.measure]}by {question.by}{split}"
    return f"{what}, {days}"
