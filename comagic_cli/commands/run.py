"""Run an export: what was typed becomes a query, its pages go to a sink."""

from __future__ import annotations

import sys
from dataclasses import replace

from comagic_cli.commands.agency import with_clients
from comagic_cli.commands.count import show_count
from comagic_cli.commands.dry import show_plan
from comagic_cli.commands.ending import ROWS_ON_A_TERMINAL, tell_end
from comagic_cli.commands.formats import choose_format, on_terminal, screen
from comagic_cli.commands.looks import choose_look
from comagic_cli.commands.options import ExportOptions
from comagic_cli.commands.parting import export_parts
from comagic_cli.commands.resuming import Form, export_to_output
from comagic_cli.commands.storing import ONE_DATABASE, check_storing, export_to_database
from comagic_cli.commands.streams import tell
from comagic_cli.commands.wishes import wish_of
from comagic_cli.errors import UsageProblem
from comagic_cli.fetch.lots import LotPager
from comagic_cli.output.partitions import BRACES, Template, read_template
from comagic_cli.request.catalog import ReportType


def run_export(report: ReportType, options: ExportOptions) -> None:
    """Export a report as typed. Raises `ComagicError`."""
    wish, options = wish_of(report, options)
    options = with_clients(options)
    if options.count:
        show_count(wish, options)
        return
    form = choose_form(options)
    output = read_template(options.output) if options.output else options.output
    if isinstance(output, Template):
        if form.format == "sqlite":
            raise UsageProblem(f"-o {output}: one database takes all days.", hint=ONE_DATABASE)
        export_parts(wish, output, form, options)
        return
    options = replace(options, output=output)
    if options.refresh:
        raise UsageProblem("--refresh goes with {date} or {month} in --output", hint=BRACES)
    if options.dry_run:
        show_plan(wish, form.most, options)
        return
    store = export_to_database if form.format == "sqlite" else None
    run = export_to_output(wish, form, options, store)
    tell_end(run, form, options)
    if isinstance(run.pager, LotPager) and not options.quiet:
        _tell_unfound(run.pager.unfound)


def choose_form(options: ExportOptions) -> Form:
    """Choose how rows are written, by what was typed and by where they go."""
    terminal = on_terminal(options.output)
    format_ = choose_format(options)
    check_storing(format_, options)
    capped = terminal and format_ == "table" and options.max_rows is None
    most = ROWS_ON_A_TERMINAL if capped else options.max_rows
    fields_chosen = bool(options.fields) or options.as_saved or not terminal
    show = replace(screen(terminal=terminal), all_columns=fields_chosen)
    look = choose_look(format_, options, show)
    return Form(format_, look, most, capped)


def _tell_unfound(ids: int) -> None:
    """Say on a terminal how many of the ids brought nothing: the period may be the reason."""
    if ids > 0 and sys.stderr is not None and sys.stderr.isatty():
        tell(f"{ids} of the ids have no row in this period. See --period.")
