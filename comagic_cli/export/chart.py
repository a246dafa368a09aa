"""The chart: rows counted by day, by hour or by a field, as bars or as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import BinaryIO

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.export.connection import connect
from comagic_cli.export.context import Context, Summary
from comagic_cli.export.customers import PageReader, find_customers
from comagic_cli.export.options import (
    ExportOptions,
    OutputSpec,
    check_terminal,
    terminal_of,
    terminal_options,
)
from comagic_cli.export.plan import show_plan
from comagic_cli.export.request import (
    ExportJob,
    make_reader,
    naming_older,
    read_job,
    warn_of_no_rows,
)
from comagic_cli.export.transfer import write_pages
from comagic_cli.files.output import check_suffix, format_of, open_stream, open_target
from comagic_cli.files.stream import Output
from comagic_cli.formats.aggregate import TIMES, CountingSink, Counts, Question
from comagic_cli.formats.bars import SEVERAL, BarChart
from comagic_cli.formats.partitions import Template, read_template
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import FIRST_COLUMNS, ReportType, find_field, split_list
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.period import Period
from comagic_cli.query.query import IDS

BARS = "bars"
CHART_FORMATS = (BARS, "table", "csv", "tsv", "jsonl", "json", "xlsx")
DATA = "A chart goes to the terminal, or as data to .csv, .tsv, .jsonl, .json, .xlsx."
SUMMABLE = ("number", "duration", "")  # types of fields
RUSSIAN_TIMES = {
    "день": "day",
    "дата": "day",
    "неделя": "week",
    "месяц": "month",
    "квартал": "quarter",
    "час": "hour",
    "день недели": "weekday",
}


def show_chart(
    report: ReportType, question: Question, options: ExportOptions, context: Context
) -> None:
    """Count a report's rows, and draw or write the counts. Raises `ComagicError`."""
    output = _choose_output(options, context)
    if IDS[0] in report.params:
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
        job = read_job(
            report, replace(options, fields=_own_fields(question.fields, options)), context
        )
    except UnknownField as unknown:
        raise _name_option(unknown, question) from None
    question = _with_names(question, job.request.report)
    request = replace(job.request, columns=_own_fields(question.fields, options))
    _check_summable(request, question)
    job = replace(job, request=request, output=output)
    with naming_older(job):
        job = replace(job, options=find_customers(job.options, context))
        if options.dry_run:
            show_plan(job)
        else:
            _count(job, question)


def _own_fields(names: Sequence[str], options: ExportOptions) -> tuple[str, ...]:
    """Return the fields of the report, without those that tell customers apart."""
    of_customers = {field.name for field in FIRST_COLUMNS} if options.users else set()
    return tuple(name for name in names if name not in of_customers)


def _with_names(question: Question, report: ReportType) -> Question:
    """Replace the titles of fields by their names."""

    def name_of(typed: str) -> str:
        known = not typed or typed in TIMES or typed in {field.name for field in FIRST_COLUMNS}
        return typed if known else find_field(report, typed, "--fields").name

    if len(split_list(report, question.by)) > 1:
        _refuse_list(question.by)
    return replace(
        question,
        by=name_of(question.by),
        split=name_of(question.split),
        of=name_of(question.of),
    )


def _refuse_list(by: str) -> None:
    """Raise `UsageProblem` if --by has several fields."""
    first, comma, others = by.partition(",")
    if comma:
        raise UsageProblem(
            f"--by {by}: it takes one field", hint=f"Write --by {first} --split {others}."
        )


def _choose_output(options: ExportOptions, context: Context) -> OutputSpec:
    """Choose the format: typed, else by the file's name, else by the place."""
    if options.output and isinstance(read_template(options.output), Template):
        raise UsageProblem(
            f"{options.output}: a chart is one file", hint="Write it without {date} or {month}."
        )
    try:
        format_ = options.format or format_of(options.output)
    except UsageProblem as error:
        if not error.hint.startswith("Did you mean"):
            error.hint = DATA
        raise
    terminal = terminal_of(options.output, context.terminal)
    format_ = format_ or (BARS if terminal else "jsonl")
    if format_ not in CHART_FORMATS:
        formats = ", ".join(CHART_FORMATS)
        raise UsageProblem(f"a chart is not written as {format_}", hint=f"It can be: {formats}.")
    check_suffix(format_, options.output)
    check_terminal(format_, terminal)
    return OutputSpec(format_, terminal_options(terminal))


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
    if unknown.field in question.by.split(","):
        _refuse_list(question.by)
    places = {question.of: f"--{question.measure}", question.split: "--split", question.by: "--by"}
    option = places.get(unknown.field, "--fields")
    if time := RUSSIAN_TIMES.get(unknown.field.lower()):
        unknown.hint = f"Write {option} {time}."
    unknown.message = unknown.message.replace("--fields", option, 1)
    return unknown


def _count(job: ExportJob, question: Question) -> None:
    """Count the rows and write the counts, also those of an export that misses rows."""
    target_name, reporter = job.options.output, job.context.reporter
    with (
        open_target(target_name, job.context.stdout, find_store=job.context.find_store) as target,
        connect(job.options, job.context) as connection,
    ):
        raw = target.raw if target.file else reporter.share(target.raw)
        with open_stream(Output(raw, target.name), target_name) as stream:
            reader = make_reader(job, connection)
            finish = partial(_write, stream, job, reader)
            sink = CountingSink(question, reader.query.period, finish)
            try:
                connection.progress.watch(reader)
                write_pages(reader.pages(), sink, connection.progress.count)
            finally:
                connection.report_oddities(reader)
        if not sink.counts.rows:
            warn_of_no_rows(reader.query, job, connection)
    if sink.counts.several and job.output.format != BARS:
        reporter.hint(SEVERAL)
    rows, points = sink.counts.rows, connection.client.calls
    reporter.finish(
        Summary(
            rows=rows,
            days=[f"{day:%Y-%m-%d}" for day in _ends(reader.query.period)],
            points=points,
            progress=connection.progress,
            members={
                "rows": rows,
                "period": [str(end) for end in _ends(reader.query.period)],
                "output": target_name,
                "points": points,
            },
        )
    )


def _ends(period: Period) -> tuple[datetime, datetime]:
    return period.start, period.end


def _write(stream: BinaryIO, job: ExportJob, reader: PageReader, counts: Counts) -> None:
    """Draw the counts, or write them as any rows are."""
    output, request = job.output, job.request
    counts.period = reader.query.period  # that of customers in several zones is known only now
    if output.format == BARS:
        title = _title(request.report.command, counts)
        picture = BarChart(counts, title, output.format_options, request.report.known)
        stream.write(picture.draw().encode())
        return
    counts.whole_seconds = output.format == "xlsx"
    sink = make_sink(output.format, stream, counts.fields(), output.format_options)
    write_pages([counts.page()], sink)


def _title(command: str, counts: Counts) -> str:
    """Say what the counts are of."""
    question, period = counts.question, counts.period
    measures = {"rows": "", "sum": f"sum of {question.of} ", "avg": f"average {question.of} "}
    split = f" and {question.split}" if question.split else ""
    days = " to ".join(dict.fromkeys(f"{day:%Y-%m-%d}" for day in _ends(period)))
    what = f"{command}: {measures[question.measure]}by {question.by}{split}"
    return f"{what}, {days}"
