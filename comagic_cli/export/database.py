"""An export to a table of a database, which is updated in place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from comagic_cli import __version__
from comagic_cli.api.endpoints import Customer
from comagic_cli.databases.destination import open_database
from comagic_cli.databases.warehouse import REQUESTS, Database, Request, TableSink
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.connection import connect
from comagic_cli.export.customers import CustomerResult, CustomersReader
from comagic_cli.export.fingerprint import Identity, differences, identify
from comagic_cli.export.manifest import format_period
from comagic_cli.export.options import ExportOptions, check_options
from comagic_cli.export.request import ExportJob, columns_of, make_reader, warn_of_no_rows
from comagic_cli.export.transfer import Transfer
from comagic_cli.files.output import is_file, scheme_of
from comagic_cli.formats.base import Sink
from comagic_cli.formats.registry import DATABASES
from comagic_cli.query.query import Query
from comagic_cli.rows.page import Page

RESERVED = re.compile(rf"sqlite_.*|(.*\.)?{REQUESTS}", re.IGNORECASE)
SOURCE = ("report", "base_url", "user_id", "coded_values")
"""What all rows of a table have in common."""
SEVERAL = "several customers"
ONE_DATABASE = "Omit the braces; the same command every night keeps each row once."


def check_table(format_: str, options: ExportOptions) -> None:
    """Refuse options that can't be used with a database, or only with one.

    Raises `UsageProblem`.
    """
    if format_ not in DATABASES:
        if options.table is not None:
            raise UsageProblem("--table can be used only with -f sqlite.", hint="Name -o FILE.db.")
        return
    is_sqlite = format_ == "sqlite"
    if is_sqlite and not is_file(options.output):
        raise UsageProblem("sqlite goes to a file.", hint="Name one with -o FILE.db.")
    name = "-f sqlite" if is_sqlite else f"-o {scheme_of(options.output)}://"
    check_options(options, "database", name)
    table = options.table
    if table is None:
        return
    parts = [table] if is_sqlite else table.split(".", 1)
    if not table.isprintable() or not all(parts) or RESERVED.fullmatch(table):
        raise UsageProblem(f"--table: {table!r} can't be a table's name.")
    if format_ == "clickhouse" and "." in table:
        database, name = table.split(".", 1)
        raise UsageProblem(
            f"--table: {table!r} names a database, which the URL does",
            hint=f"Write -o clickhouse://HOST/{database} --table {name}.",
        )


def export_to_database(job: ExportJob) -> tuple[Transfer, RowsMissing | None]:
    """Put the rows into the table that the options name; return what is missing of them.

    Rows that are missing leave the table as it was, unless `--keep-incomplete` says otherwise.
    Raises `ComagicError`.
    """
    transfer, options, context = None, job.options, job.context
    opening = open_database(
        job.output.format,
        str(options.output),
        context.environ,
        context.reporter.warn,
        keep_incomplete=options.keep_incomplete,
    )
    try:
        with opening as database, connect(options, context) as connection:
            identity = identify(job, connection.account.url)
            reader = make_reader(job, connection)
            query = reader.query
            make = partial(_make_sink, job, database, identity)
            sink: Sink
            if isinstance(reader, CustomersReader):
                sink = CustomersSink(make)
                reader.on_customer = sink.follow
            else:
                sink = make(query)
            transfer = Transfer(query, identity, connection, reader, database, file=database)
            transfer.send(sink)
            if not transfer.sink.rows:
                warn_of_no_rows(transfer.reader.query, job, connection)
    except RowsMissing as missing:
        if transfer is None:
            raise
        return transfer, missing
    return transfer, None


@dataclass
class CustomersSink:
    """Write the rows of each customer as a request of its own; `make` makes the sink of one."""

    make: Callable[[Query, Customer], Sink]
    _result: CustomerResult | None = None
    _sink: Sink | None = None

    def follow(self, result: CustomerResult) -> None:
        """Expect the pages of a customer; nothing of it is replaced before the first."""
        self.end()
        self._result = result

    def begin(self) -> None:
        """Write nothing: each customer begins with its first page."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        if self._result is not None and self._result.query is not None:
            self._sink = self.make(self._result.query, self._result.customer)
            self._sink.begin()
            self._result = None
        if self._sink is not None:
            self._sink.write(page)

    def end(self) -> None:
        """End the rows of the customer."""
        if self._sink is not None:
            self._sink.end()
        self._sink = None


def _make_sink(
    job: ExportJob,
    database: Database,
    identity: Identity,
    query: Query,
    customer: Customer | None = None,
) -> Sink:
    """Make the sink of an account, or of one of several customers."""
    source = {name: identity[name] for name in SOURCE if name in identity}
    rows = {"report_id": query.report_id} | {
        name: identity[name] for name in ("where", "parameters") if name in identity
    }
    if customer:
        source["user_id"], rows["customer"] = SEVERAL, customer.key
    request = Request(
        job.options.table or query.report.command.replace("-", "_"),
        source,
        rows,
        format_period(query.period) if query.is_dated else None,
        __version__,
        differences,
        customer.key if customer else "",
    )
    columns = columns_of(job, query)
    table = database.make_table(request)
    return TableSink(table, columns, job.output.format_options, request)
