"""What `comagic chart` does: a report's rows are counted as they pass, then drawn or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, BinaryIO, cast

from comagic_cli.commands.dry import show_plan
from comagic_cli.commands.ending import tell_counted
from comagic_cli.commands.formats import on_terminal, screen
from comagic_cli.commands.options import ExportOptions
from comagic_cli.commands.progress import polite
from comagic_cli.commands.reading import pager_of
from comagic_cli.commands.service import open_service
from comagic_cli.commands.voice import at_terminal, tell
from comagic_cli.commands.wishes import wish_of
from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.export import export
from comagic_cli.output.counting import CountingSink, Counts, Question
from comagic_cli.output.files import format_of, open_stream, open_target
from comagic_cli.output.partitions import Template, read_template
from comagic_cli.output.sinks import Look, make_sink
from comagic_cli.output.stream import Output
from comagic_cli.output.table_bars import SEVERAL, Picture
from comagic_cli.request.choice import Wish
from comagic_cli.request.groups import TIMES
from comagic_cli.request.listing import find_command
from comagic_cli.request.query import IDS

BARS = "bars"
FORMATS = (BARS, "table", "csv", "tsv", "jsonl", "json")
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
            f"{report.command} is asked for by ids, which a chart does not take",
            hint=f"Export it, and count the rows: comagic {report.command} --help.",
        )
    if question.by in TIMES and not report.time:
        raise UsageProblem(
            f"--by {question.by}: rows of {report.command} have no time",
            hint="Group them by a field: --by FIELD.",
        )
    try:
        wish, options = wish_of(report, options)
    except UnknownField as unknown:
        raise _told(unknown, question) from None
    wish = replace(wish, columns=question.fields)
    check(wish, question)
    if options.dry_run:
        show_plan(wish, None, options)
        return
    count(wish, question, options, format_)


def _options(typed: Mapping[str, Any], named: frozenset[str], question: Question) -> ExportOptions:
    """Take what was typed for an export of the fields that are needed, and of nothing else."""
    nothing = dict.fromkeys((each.name for each in fields(ExportOptions)), None)
    empty: dict[str, Any] = dict.fromkeys(("sort", "entity_id", "users", "clients"), ())
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
    if format_ not in FORMATS:
        raise UsageProblem(
            f"a chart is not written as {format_}", hint=f"It can be: {', '.join(FORMATS)}."
        )
    return format_


def check(wish: Wish, question: Question) -> None:
    """Refuse to add up what is no number. Raises `UsageProblem`."""
    able = [field.name for field in wish.report.fields if field.type in ADDED]
    if question.of and wish.report.field(question.of).type not in ADDED:
        raise UsageProblem(
            f"--{question.measure}: {question.of} is no number and no length of time",
            hint=f"These can be added up: {', '.join(able)}.",
        )


def _told(unknown: UnknownField, question: Question) -> UnknownField:
    """Name the option that the unknown field was typed for."""
    places = {question.of: f"--{question.measure}", question.split: "--split", question.by: "--by"}
    option = places.get(unknown.field, "--fields")
    unknown.message = unknown.message.replace("--fields", option, 1)
    return unknown


def count(wish: Wish, question: Question, options: ExportOptions, format_: str) -> None:
    """Count the rows and write the counts; those of an export that misses rows too."""
    with (
        open_target(options.output) as target,
        open_service(options) as service,
        open_stream(Output(polite(target.under), target.name), options.output) as stream,
    ):
        query = service.query(wish, None)
        look = screen(terminal=on_terminal(options.output))
        finish = partial(write, stream, wish, format_, look)
        sink = CountingSink(question, query.period, finish)
        export(service.progress.watch(pager_of(query, service)), sink)
    if sink.counts.several and format_ != BARS and not options.quiet and at_terminal():
        tell(SEVERAL)
    tell_counted(sink.counts.rows, query.period, service)


def write(stream: BinaryIO, wish: Wish, format_: str, look: Look, counts: Counts) -> None:
    """Draw the counts, or write them as any rows are."""
    if format_ == BARS:
        picture = Picture(counts, title(wish, counts), look, wish.report.known)
        stream.write(picture.draw().encode())
        return
    export(iter([counts.page()]), make_sink(format_, stream, counts.fields(), look))


def title(wish: Wish, counts: Counts) -> str:
    """Say what the counts are of."""
    question, period = counts.question, counts.period
    measures = {"rows": "", "sum": f"sum of {question.of} ", "avg": f"average {question.of} "}
    split = f" and {question.split}" if question.split else ""
    days = " to ".join(dict.fromkeys(f"{day:%Y-%m-%d}" for day in (period.start, period.end)))
    what = f"{wish.report.command}: {measures[question.measure]}by {question.by}{split}"
    return f"{what}, {days}"
