"""An export to a table of a SQLite database, which is updated in place."""

from __future__ import annotations

import re
from typing import Any

from comagic_cli import __version__
from comagic_cli.commands.resuming import Form, Run, asked_of
from comagic_cli.commands.service import Service, open_service
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions, check_options
from comagic_cli.files.output import is_file
from comagic_cli.formats.sqlite import LEDGER, Request, SqliteSink, open_database
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.query import TIME_FORMAT, Query

RESERVED = re.compile(r"sqlite_.*|" + LEDGER, re.IGNORECASE)
ONE_DATABASE = "Leave the braces out; the same command every night keeps each row once."


def check_storing(format_: str, options: ExportOptions) -> None:
    """Refuse options that can't be used with a database, or only with one.

    Raises `UsageProblem`.
    """
    if format_ != "sqlite":
        if options.table is not None:
            raise UsageProblem("--table can be used only with -f sqlite.", hint="Name -o FILE.db.")
        return
    if not is_file(options.output):
        raise UsageProblem("sqlite goes to a file.", hint="Name one with -o FILE.db.")
    check_options(options, "sqlite", "-f sqlite")
    if options.users:
        hint = "Run it for each with --user-id and --table."
        raise UsageProblem("several users do not go into one table.", hint=hint)
    table = options.table
    if table is not None and (not table.isprintable() or not table or RESERVED.fullmatch(table)):
        raise UsageProblem(f"--table: {table!r} can't be a table's name.")


def export_to_database(
    wish: ExportRequest, form: Form, options: ExportOptions, reporter: Reporter
) -> tuple[Run, RowsMissing | None]:
    """Put the rows into the table that the options name; return what is missing of them.

    They are in it then only where `--keep-incomplete` says so. Raises `ComagicError`.
    """
    run = None
    kept = options.keep_incomplete
    try:
        with (
            open_database(str(options.output), keep_incomplete=kept) as database,
            open_service(options, reporter) as service,
        ):
            query = service.query(wish, None)
            run = Run(wish, query, asked_of(wish, form, service), service, database, None, None)
            request = request_of(wish.report, query, service)
            run.send(SqliteSink(database.connection, query.fields, form.look, request))
    except RowsMissing as missing:
        if run is None:
            raise
        return run, missing
    return run, None


def request_of(report: ReportType, query: Query, service: Service) -> Request:
    """Return whose rows go to the table."""
    options = service.options
    source: dict[str, Any] = {
        "report": report.command,
        "--base-url": "sandbox" if options.sandbox else service.account.url,
        "--user-id": service.account.user_id,
        "--coded-values": options.coded_values,
    }
    rows = {
        "--report-id": query.report_id,
        "--where": list(options.where),
        "parameters": dict(query.extra),
    }
    first, last = query.period.start, query.period.end
    period = (first.strftime(TIME_FORMAT), last.strftime(TIME_FORMAT))
    table = options.table or report.command.replace("-", "_")
    return Request(table, source, rows, period, __version__)
