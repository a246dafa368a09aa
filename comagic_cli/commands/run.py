"""Run an export: what was typed becomes a query, its pages go to a sink."""

from __future__ import annotations

import sys
from dataclasses import replace

from comagic_cli.cli.console import tell
from comagic_cli.cli.options import ExportOptions
from comagic_cli.cli.summary import ROWS_ON_A_TERMINAL, tell_end
from comagic_cli.commands.formats import choose_format, on_terminal, screen
from comagic_cli.commands.looks import choose_look
from comagic_cli.commands.resuming import Form, Run, Store, export_to_output
from comagic_cli.commands.wishes import wish_of
from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.fields import ExportRequest

# Most exports are of one client to one file: what others need is imported where they part.
# ruff: noqa: PLC0415


def run_export(report: ReportType, options: ExportOptions) -> None:
    """Export a report as typed. Raises `ComagicError`."""
    wish, options = wish_of(report, options)
    if options.users:
        from comagic_cli.commands.agency import with_clients

        options = with_clients(options)
    if options.count:
        from comagic_cli.commands.count import show_count

        show_count(wish, options)
        return
    form = choose_form(options)
    if options.output and not {"{", "}"}.isdisjoint(options.output):
        _export_to_named(wish, form, options, options.output)
    else:
        _export_to_one(wish, form, options)


def _export_to_named(wish: ExportRequest, form: Form, options: ExportOptions, name: str) -> None:
    """Export to the files that a name with braces stands for, which may be one."""
    from comagic_cli.output.partitions import Template, read_template

    output = read_template(name)
    if not isinstance(output, Template):
        _export_to_one(wish, form, replace(options, output=output))
        return
    if form.format == "sqlite":
        from comagic_cli.commands.storing import ONE_DATABASE

        raise UsageProblem(f"-o {output}: one database takes all days.", hint=ONE_DATABASE)
    from comagic_cli.commands.parting import export_parts

    export_parts(wish, output, form, options)


def _export_to_one(wish: ExportRequest, form: Form, options: ExportOptions) -> None:
    if options.refresh:
        from comagic_cli.output.partitions import BRACES

        raise UsageProblem("--refresh goes with {date} or {month} in --output", hint=BRACES)
    if options.dry_run:
        from comagic_cli.commands.dry import show_plan

        show_plan(wish, form.most, options)
        return
    store: Store | None = None
    if form.format == "sqlite":
        from comagic_cli.commands.storing import export_to_database

        store = export_to_database
    run = export_to_output(wish, form, options, store)
    tell_end(run, form, options)
    if options.entity_id and not options.quiet:
        _tell_unfound(run)


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


def _tell_unfound(run: Run) -> None:
    """Say on a terminal how many of the ids brought nothing: the period may be the reason."""
    from comagic_cli.paging.id_batches import LotPager

    ids = run.pager.unfound if isinstance(run.pager, LotPager) else 0
    if ids > 0 and sys.stderr is not None and sys.stderr.isatty():
        tell(f"{ids} of the ids have no row in this period. See --period.")
