"""An export to a table of a SQLite database, which is updated in place."""

from __future__ import annotations

import re

from comagic_cli import __version__
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.connection import connect
from comagic_cli.export.fingerprint import Identity, differences, identify
from comagic_cli.export.manifest import format_period
from comagic_cli.export.options import ExportOptions, check_options
from comagic_cli.export.request import ExportJob, make_query
from comagic_cli.export.transfer import Transfer
from comagic_cli.files.output import is_file
from comagic_cli.formats.sqlite import REQUESTS, Request, SqliteSink, open_database
from comagic_cli.query.query import Query

RESERVED = re.compile(r"sqlite_.*|" + REQUESTS, re.IGNORECASE)
SOURCE = ("report", "base_url", "user_id", "coded_values")
"""What all rows of a table have in common."""
ONE_DATABASE = "Omit the braces; the same command every night keeps each row once."


def check_table(format_: str, options: ExportOptions) -> None:
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


def export_to_database(job: ExportJob) -> tuple[Transfer, RowsMissing | None]:
    """Put the rows into the table that the options name; return what is missing of them.

    Rows that are missing leave the table as it was, unless `--keep-incomplete` says otherwise.
    Raises `ComagicError`.
    """
    transfer, options = None, job.options
    keep = options.keep_incomplete
    try:
        with (
            open_database(str(options.output), keep_incomplete=keep) as database,
            connect(options, job.context) as connection,
        ):
            query = make_query(job, connection, None)
            identity = identify(job, connection.account.url)
            reader = connection.read(query)
            transfer = Transfer(query, identity, connection, reader, database, file=database)
            request = _table_request(query, identity, options)
            formatting = job.output.format_options
            transfer.send(SqliteSink(database.connection, query.fields, formatting, request))
    except RowsMissing as missing:
        if transfer is None:
            raise
        return transfer, missing
    return transfer, None


def _table_request(query: Query, identity: Identity, options: ExportOptions) -> Request:
    source = {name: identity[name] for name in SOURCE if name in identity}
    rows = {"report_id": query.report_id} | {
        name: identity[name] for name in ("where", "parameters") if name in identity
    }
    table = options.table or query.report.command.replace("-", "_")
    period = format_period(query.period)
    return Request(table, source, rows, period, __version__, differences)
