"""Run an export: what was typed becomes a query, its pages go to a sink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from comagic_cli.commands.formats import choose_format, on_terminal, screen
from comagic_cli.commands.looks import choose_look
from comagic_cli.commands.resuming import Form, Run, Store, export_to_output
from comagic_cli.commands.wishes import wish_of
from comagic_cli.errors import UsageProblem
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.progress import Summary, sized, spaced
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.fields import ExportRequest

# Most exports are of one client to one file: what others need is imported where they part.
# ruff: noqa: PLC0415

ROWS_ON_A_TERMINAL = 50


def run_export(report: ReportType, options: ExportOptions, reporter: Reporter) -> None:
    """Export a report as typed. Raises `ComagicError`."""
    wish, options = wish_of(report, options, reporter)
    if options.users:
        from comagic_cli.commands.agency import with_clients

        options = with_clients(options, reporter)
    if options.count:
        from comagic_cli.commands.count import show_count

        show_count(wish, options, reporter)
        return
    form = choose_form(options)
    if options.output and not {"{", "}"}.isdisjoint(options.output):
        _export_to_named(wish, form, options, reporter)
    else:
        _export_to_one(wish, form, options, reporter)


def _export_to_named(
    wish: ExportRequest, form: Form, options: ExportOptions, reporter: Reporter
) -> None:
    """Export to the files that a name with braces stands for, which may be one."""
    from comagic_cli.output.partitions import Template, read_template

    output = read_template(str(options.output))
    if not isinstance(output, Template):
        _export_to_one(wish, form, replace(options, output=output), reporter)
        return
    if form.format == "sqlite":
        from comagic_cli.commands.storing import ONE_DATABASE

        raise UsageProblem(f"-o {output}: one database takes all days.", hint=ONE_DATABASE)
    from comagic_cli.commands.parting import export_parts

    export_parts(wish, output, form, options, reporter)


def _export_to_one(
    wish: ExportRequest, form: Form, options: ExportOptions, reporter: Reporter
) -> None:
    if options.refresh:
        from comagic_cli.output.partitions import BRACES

        raise UsageProblem("--refresh needs {date} or {month} in --output", hint=BRACES)
    if options.dry_run:
        from comagic_cli.commands.dry import show_plan

        show_plan(wish, form.most, options, reporter)
        return
    store: Store | None = None
    if form.format == "sqlite":
        from comagic_cli.commands.storing import export_to_database

        store = export_to_database
    run = export_to_output(wish, form, options, reporter, store)
    reporter.finish(_summary(run, form, options))


def choose_form(options: ExportOptions) -> Form:
    """Choose how rows are written, by what was typed and by where they go."""
    terminal = on_terminal(options.output)
    format_ = choose_format(options)
    if format_ == "sqlite" or options.table is not None:
        from comagic_cli.commands.storing import check_storing

        check_storing(format_, options)
    capped = terminal and format_ == "table" and options.max_rows is None
    most = ROWS_ON_A_TERMINAL if capped else options.max_rows
    fields_chosen = bool(options.fields) or options.as_saved or not terminal
    show = replace(screen(terminal=terminal), all_columns=fields_chosen)
    look = choose_look(format_, options, show)
    return Form(format_, look, most, capped)


def _summary(run: Run, form: Form, options: ExportOptions) -> Summary:
    """Describe what came of an export."""
    record = run.record()
    file = run.part.name if run.part else None
    members = {name: getattr(record, name) for name in ("rows", "period", "bytes", "points")}
    return Summary(
        rows=record.rows,
        days=[time[:10] for time in record.period],
        points=record.points,
        progress=run.service.progress,
        output=f"{file} ({sized(record.bytes)})" if file else "",
        members=members | {"file": file},
        remarks=[*_remarks(run, form, options, record.rows)],
    )


def _remarks(run: Run, form: Form, options: ExportOptions, rows: int) -> Iterator[str]:
    """Yield what a table hides, which rows are not shown, and ids or filters without rows."""
    yield from getattr(run.sink.inner, "remark", "").splitlines()
    matching = run.pager.matching
    if form.capped and rows >= ROWS_ON_A_TERMINAL:
        if matching is None:
            yield f"The first {rows} rows. For more: --max-rows N, or -o FILE."
        elif matching > rows:
            yield f"{rows} of {spaced(matching)} rows. For all: --max-rows {matching}, or -o FILE."
    if options.where and not rows:
        name = run.pager.query.report.command
        yield f"No rows match --where. For the values of a list: comagic filters {name} FIELD."
    if not options.ids:
        return
    from comagic_cli.paging.id_batches import LotPager

    ids = run.pager.unfound if isinstance(run.pager, LotPager) else 0
    if ids > 0:
        verb = "id was" if ids == 1 else "ids were"
        yield f"{ids} {verb} not found in this period: see --period."
