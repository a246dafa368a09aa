"""Verify what was exported: a file against its manifest, a table against the service."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from comagic_cli.databases.destination import open_database
from comagic_cli.databases.warehouse import SavedRequest
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context
from comagic_cli.export.customers import Customers, find_customers
from comagic_cli.export.manifest import Manifest, format_period
from comagic_cli.export.options import ExportOptions, choose_format
from comagic_cli.export.request import ExportJob, make_query, read_job, resolve_period
from comagic_cli.files.compression import open_decompressor
from comagic_cli.files.stream import read_errors
from comagic_cli.paging.count import count_rows
from comagic_cli.query.catalog import reports
from comagic_cli.query.period import Period

CHUNK = 1 << 20
COMPRESSIONS = {b"\x1f\x8b": ".gz", b"\x28\xb5": ".zst"}  # by the first two bytes
HEADERS = {"csv": 1, "tsv": 1, "jsonl": 0}
"""The lines before the rows, of the formats whose rows can be counted."""


def verify_file(path: Path, manifest: Manifest, name: str) -> None:
    """Check size, hash and rows of a file, which messages call `name`, against its manifest.

    Raises `RowsMissing` where the file is not what the manifest says, or that says incomplete;
    `UsageProblem` where the file can't be read.
    """
    with read_errors(name), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check(name, "bytes", size, manifest.bytes)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        _check(name, "as SHA-256", digest, manifest.sha256)
        file.seek(0)
        if manifest.asked.get("format") in HEADERS:
            _check(name, "rows", _count_rows(name, file, manifest.asked), manifest.rows)
    if manifest.state != "complete":
        raise RowsMissing(f"{name} is incomplete: {manifest.missing}.")


def _check(name: str, what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise RowsMissing(
            f"{name} is not what its manifest says: it has {actual} {what}, not {expected}.",
            hint="It was changed or cut after it was written, or the manifest is another file's.",
        )


def _count_rows(name: str, file: BinaryIO, asked: Mapping[str, Any]) -> int:
    """Count the rows; of damaged compression, those up to the damage."""
    chunks, is_csv = _chunks(file), asked["format"] == "csv"
    try:
        lines = _count_records(chunks) if is_csv else sum(chunk.count(b"\n") for chunk in chunks)
    except (EOFError, zlib.error) as error:
        raise RowsMissing(f"{name} can't be unpacked: {error}.") from error
    return lines - (0 if asked.get("header") == "none" else HEADERS[asked["format"]])


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    compression = COMPRESSIONS.get(file.read(2), "")
    file.seek(0)
    return iter(partial(open_decompressor(file, compression).read, CHUNK), b"")


def _count_records(chunks: Iterator[bytes]) -> int:
    """Count the lines of CSV that end outside of quotes."""
    is_quoted, records = 0, 0
    for chunk in chunks:
        parts = chunk.split(b'"')
        records += sum(part.count(b"\n") for part in parts[is_quoted::2])
        is_quoted = (is_quoted + len(parts) - 1) % 2
    return records


AGAIN = "Export these days again; today's rows may have come since."


def verify_table(options: ExportOptions, context: Context) -> None:
    """Compare the rows of each day in a table with what the service counts, and print both.

    The requests are those that the table has the rows of; without a typed period their own is
    verified. A day costs a call, or one of each customer. Raises `RowsMissing` for days that
    differ, and `UsageProblem` for a table that comagic did not make.
    """
    kind, url, table = choose_format(options, None), str(options.output), str(options.table)
    opening = open_database(kind, url, context.environ, context.reporter.warn)
    different: list[str] = []
    with opening as database, connect(options, context) as connection:
        saved = database.saved_requests(table)
        if not saved:
            raise UsageProblem(
                f"the database has no table {table} that comagic made",
                hint='Name it with --table; SELECT "table" FROM _comagic_requests lists them.',
            )
        for requests in _by_customers(saved):
            counts = _count_days(requests, options, connection)
            for day, counted in counts:
                there = database.count_rows(
                    table, [each.number for each in requests], format_period(day)
                )
                name = f"{day.start:%Y-%m-%d}"
                differs = "" if there == counted else "  differs"
                context.print(f"{name}  {there:>9}  {counted:>9}{differs}")
                different += [name] if differs else []
    if different:
        days = ", ".join(dict.fromkeys(different))
        raise RowsMissing(
            f"{table} has other rows than the service on {len(set(different))} days: {days}",
            hint=AGAIN,
        )


def _by_customers(saved: Sequence[SavedRequest]) -> Iterator[list[SavedRequest]]:
    """Put the requests together that are the same but for the customer."""
    groups: dict[str, list[SavedRequest]] = {}
    for each in saved:
        rows = {name: value for name, value in each.rows.items() if name != "customer"}
        if "customer" in each.rows:
            rows.pop("report_id", None)  # each customer's own
        groups.setdefault(repr(sorted(rows.items())), []).append(each)
    yield from groups.values()


def _count_days(
    requests: Sequence[SavedRequest], options: ExportOptions, connection: Connection
) -> Iterator[tuple[Period, int]]:
    """Yield each day, or the part of it that was exported, and the rows that the service counts."""
    first = requests[0]
    report = next((each for each in reports() if each.command == first.source["report"]), None)
    if report is None or first.period is None:
        raise UsageProblem(
            f"{first.source['report']} has no days: its rows are replaced by every export",
            hint="Export it again instead.",
        )
    if first.source["base_url"] not in (connection.account.url, "sandbox"):
        raise UsageProblem(
            f"the rows are of {first.source['base_url']}, not of {connection.account.url}",
            hint="Choose the account with --profile or --base-url.",
        )
    is_of_several = "customer" in first.rows
    user = first.source.get("user_id")
    if isinstance(user, int) and connection.account.user_id is None:
        connection = connection.for_user(user)
    options = replace(
        options,
        where=tuple(first.rows.get("where", ())),
        report_id=None if is_of_several else _text_or_none(first.rows.get("report_id")),
        users=options.users or (("all",) if is_of_several else ()),
        params=dict(first.rows.get("parameters", {})),
    )
    options = find_customers(options, connection.context)
    job = read_job(report, options, connection.context)
    job = replace(job, request=replace(job.request, columns=()))
    if options.from_ or options.till or options.period:
        period = resolve_period(job, connection.now)
    else:
        period = Period(*map(datetime.fromisoformat, first.period))
    for day in _days_of(period):
        if not is_of_several:
            yield day, _count(job, day, connection)
            continue
        customers = Customers(connection, options.customers)
        count = partial(_count, job, day)
        yield day, sum(customers.each(lambda at, _, count=count: iter([count(at)])))  # type: ignore[misc]  # bound at once


def _count(job: ExportJob, day: Period, connection: Connection) -> int:
    query = make_query(job, connection, None, day)
    return count_rows(query, connection.asker, connection.note)


def _days_of(period: Period) -> Iterator[Period]:
    """Cut a period into days."""
    start = period.start
    while start <= period.end:
        end = start.replace(hour=23, minute=59, second=59)
        yield Period(start, min(end, period.end))
        start = end + timedelta(seconds=1)


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
