"""What is wanted of a report: what was typed, and what was saved in the web account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from comagic_cli.api.endpoints import ask_state
from comagic_cli.commands.columns import with_columns
from comagic_cli.commands.entities import own_params
from comagic_cli.commands.looks import with_needed
from comagic_cli.commands.service import connect
from comagic_cli.errors import UsageProblem
from comagic_cli.export.events import Reporter
from comagic_cli.export.inputs import STDIN, read_text
from comagic_cli.export.options import ExportOptions
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.fields import ExportRequest, build_request
from comagic_cli.query.filter.compiler import Filter
from comagic_cli.query.filter.json import NOTHING_SAVED, SavedReport
from comagic_cli.query.filter.tree import to_expression

if TYPE_CHECKING:
    from comagic_cli.query.filter.json import JsonFilter

# ruff: noqa: PLC0415 - filters other than typed ones are seldom: what reads them is loaded then

OVER = ("fields", "sort")  # what is saved takes the place of these, unless they are typed


def wish_of(
    report: ReportType, options: ExportOptions, reporter: Reporter
) -> tuple[ExportRequest, ExportOptions]:
    """Read and check what was typed, then make it whole with what was saved.

    The account is asked only for what is saved, and for its columns where a field is one that it
    may have. The options that are returned name the report, once it is known. Raises
    `UsageProblem`.
    """
    if options.as_saved and options.users:
        raise UsageProblem(
            "--as-saved: several clients have no report in common that is saved",
            hint="Export one client at a time, or type --fields, --where and --sort.",
        )
    if options.as_saved:
        usual = {name: () for name in OVER if name not in options.typed}
        options = replace(options, **usual)  # type: ignore[arg-type]  # both are tuples of texts
    filter_, extra = Filter(options.where, _given(options)), own_params(report, options)

    def made(saved: SavedReport = NOTHING_SAVED) -> ExportRequest:
        def make(known: ReportType) -> ExportRequest:
            return build_request(known, options.fields, options.sort, filter_, saved)

        wish = replace(with_columns(report, make, options, reporter), extra=extra)
        return with_needed(wish, options)

    wish = made()
    if not options.as_saved or options.dry_run:
        return wish, options
    return _as_saved(report, options, reporter, made)


def _given(options: ExportOptions) -> tuple[JsonFilter, ...]:
    name = options.filter_json
    if name is None:
        return ()
    if name == STDIN and STDIN in options.ids:
        raise UsageProblem("--filter-json and --ids: standard input can be read only once")

    from comagic_cli.query.filter.json import read_json_filter

    origin = f"--filter-json {name}"
    return (read_json_filter(read_text(name, "--filter-json"), origin),)


def _as_saved(
    report: ReportType,
    options: ExportOptions,
    reporter: Reporter,
    made: Callable[[SavedReport], ExportRequest],
) -> tuple[ExportRequest, ExportOptions]:
    from comagic_cli.query.filter.json import read_saved

    with connect(options, reporter) as connection:
        number = connection.number_of(report, options.report_id)
        saved = read_saved(ask_state(connection.client.call, number))
        wish = made(saved)
        for line in _origins(wish, saved, options):
            connection.note(line)
    return wish, replace(options, report_id=str(number))


def _origins(wish: ExportRequest, saved: SavedReport, options: ExportOptions) -> Iterator[str]:
    """Say what comes from where."""
    from comagic_cli.query.filter.json import validate

    parts = (("columns", options.fields, saved.columns), ("sort", options.sort, saved.sort))
    for name, typed, kept in parts:
        values = {"columns": ",".join(wish.columns), "sort": ",".join(map(str, wish.sort))}
        origin = "typed" if typed else "as saved" if kept else "none is saved"
        yield f"{name} {origin}: {values[name] or 'by time'}"
    for given in saved.filters:
        tree = validate(given, wish.report, [])
        text = to_expression(tree) if tree else "none"
        yield f"{given.origin.rpartition(' ')[2]} as saved: {text}"
    for text in options.where:
        yield f"filter typed: {text}"
    yield "the saved dates are not taken: see --from, --till and --period"
