"""Verify what was exported: a file against its manifest; day files, tables against the service."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from comagic_cli.databases.destination import open_database
from comagic_cli.databases.warehouse import SavedRequest
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context, rows_of
from comagic_cli.export.customers import (
    CustomerResult,
    Customers,
    find_customers,
    furthest_behind,
)
from comagic_cli.export.fingerprint import Identity, read_note
from comagic_cli.export.manifest import Manifest, format_period
from comagic_cli.export.options import ExportOptions, choose_format
from comagic_cli.export.request import ExportJob, make_query, read_job, resolve_period
from comagic_cli.files.store import Store
from comagic_cli.files.stream import read_errors
from comagic_cli.formats.partitions import Plan, Template, make_plan
from comagic_cli.formats.registry import check_format
from comagic_cli.formats.row_count import COUNTED, HEADERS, count_file_rows
from comagic_cli.paging.count import count_rows
from comagic_cli.query.catalog import reports
from comagic_cli.query.period import Period, has_ended


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
            _check(name, "rows", count_file_rows(file, name, manifest.asked), manifest.rows)
    if manifest.state != "complete":
        raise RowsMissing(f"{name} is incomplete: {manifest.missing}.")


def _check(name: str, what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise RowsMissing(
            f"{name} is not what its manifest says: it has {actual} {what}, not {expected}.",
            hint="It was changed or cut after it was written, or the manifest is another file's.",
        )


# What is compared with the service, day by day.

TABLE_AGAIN = "Export these days again; today's rows may have come since."
FILES_AGAIN = "Run the export again: it writes missing files, and others with --refresh all."
EARLIEST = datetime(2000, 1, 1)  # noqa: DTZ001 - a day of the account's; no service is older


def verify_table(options: ExportOptions, context: Context) -> None:
    """Compare the rows of each day in a table with what the service counts, and print both.

    The requests are those that the table has the rows of; without a typed period those of their
    last exports are verified, of each customer its own. A day costs a call, or one of each
    customer. Raises `RowsMissing` for days that differ, and `UsageProblem` for a table that comagic
    did not make.
    """
    kind, url, table = choose_format(options, None), str(options.output), str(options.table)
    opening = open_database(kind, url, context.environ, context.reporter.warn)
    comparison = Comparison(context)
    with opening as database:
        saved = database.saved_requests(table)
        if not saved:
            raise UsageProblem(
                f"the database has no table {table} that comagic made",
                hint='Name it with --table; SELECT "table" FROM _comagic_requests lists them.',
            )
        with connect(options, context, is_agent="user_id" in saved[0].source) as connection:
            for requests in _counted_together(saved, has_period=_has_period(options)):
                counter = _read_saved(requests, options, connection)
                count = partial(database.count_rows, table)
                days = _count_customers if counter.is_of_several else _count_account
                for day, there, counted in days(requests, counter, count):
                    comparison.add(f"{day.start:%Y-%m-%d}", day, there, counted)
    comparison.check(table, "day", TABLE_AGAIN)


def verify_partitions(template: Template, options: ExportOptions, context: Context) -> None:
    """Compare the rows of the file of each day or month with what the service counts.

    The request is that of the note beside the files. Without a typed period the files that are
    there are verified, else those of all days in it that have ended. A file costs a call, or one of
    each customer. Raises `RowsMissing` for files that differ, are damaged or are missing, and
    `UsageProblem` for files whose rows can't be counted.
    """
    store, _ = context.find_store(template.folder)
    asked = _read_asked(template, store)
    comparison = Comparison(context)
    with connect(options, context, is_agent="user_id" in asked) as connection:
        users = asked.get("user_id")
        several = tuple(users) if isinstance(users, list) else ()
        counter = _make_counter(asked, several, options, connection)
        plan = _plan_files(template, store, counter)
        missing = {partition.name for partition in plan.write}
        for partition in sorted((*plan.skip, *plan.write), key=attrgetter("start")):
            there: int | str = "missing"
            if partition.name not in missing:
                there = _count_file(store, partition.file, asked, context)
            period = Period(partition.start, partition.end)
            comparison.add(partition.name, period, there, counter.count(period))
    comparison.check(str(template), "day" if template.daily else "month", FILES_AGAIN)


@dataclass
class Comparison:
    """Prints what is in a destination beside what the service counts, and keeps what differs."""

    context: Context
    different: list[str] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    rows: int = 0

    def add(self, name: str, period: Period, there: int | str, counted: int) -> None:
        """Print a line; `there` is a word where rows could not be counted."""
        differs = "" if there == counted else "  differs"
        self.context.print(f"{name}  {there:>9}  {counted:>9}{differs}")
        self.different += [name] if differs else []
        self.periods.append(period)
        self.rows += there if isinstance(there, int) else 0

    def check(self, destination: str, unit: str, hint: str) -> None:
        """Record what was counted. Raise `RowsMissing` with the days that differ."""
        whole = hull(self.periods)
        self.context.reporter.record(
            f"{destination}: {rows_of(self.rows)}, as the service counts",
            rows=self.rows,
            period=whole and format_period(whole),
            output=destination,
        )
        if names := dict.fromkeys(self.different):
            units = f"{unit}{'s' * (len(names) > 1)}"
            raise RowsMissing(
                f"{destination} has other rows than the service on {len(names)} {units}: "
                f"{', '.join(names)}",
                hint=hint,
            )


def hull(periods: Sequence[Period]) -> Period | None:
    """Return the period from the first start to the last end."""
    if not periods:
        return None
    return Period(min(each.start for each in periods), max(each.end for each in periods))


def _counted_together(
    saved: Sequence[SavedRequest], *, has_period: bool
) -> Iterator[list[SavedRequest]]:
    """Put the requests together that are counted as one: first those whose rows are counted.

    They are the same but for the customer. A row is of the request that wrote it last: so, beside a
    request of all rows, others by filters are only a part of it; and filters of the same period
    (with a typed one, `has_period`, all) are counted by what any of them matches.
    """
    groups: dict[str, list[SavedRequest]] = {}
    for each in sorted(saved, key=_is_filtered):
        rows = {name: value for name, value in each.rows.items() if name != "customer"}
        if "customer" in each.rows:
            rows.pop("report_id", None)  # each customer's own
        of_all = repr(sorted((name, value) for name, value in rows.items() if name != "where"))
        is_of_one = not has_period and "customer" not in each.rows
        of_any = f"{of_all} by filters {each.period if is_of_one else ''}"
        if not _is_filtered(each) or not _has_keys(each.source["report"]):
            group = repr(sorted(rows.items()))
        else:
            group = of_all if of_all in groups else of_any
        groups.setdefault(group, []).append(each)
    yield from groups.values()


def _is_filtered(saved: SavedRequest) -> bool:
    return "where" in saved.rows


def _has_keys(command: str) -> bool:
    return any(each.command == command and each.key_is_unique for each in reports())


def _read_saved(
    requests: Sequence[SavedRequest], options: ExportOptions, connection: Connection
) -> Counter:
    """Return the counter of saved requests that are counted together."""
    saved = requests[0]
    if saved.period is None:
        raise _has_no_days(saved.source["report"])
    asked = {**saved.source, **saved.rows}
    if _is_filtered(saved):
        asked["where"] = _any_of([each.rows["where"] for each in requests])
    if "customer" not in saved.rows:
        return _make_counter(asked, (), options, connection)
    asked.pop("report_id", None)  # each customer's own
    one = () if options.user_id is None else (options.user_id,)
    return _make_counter(asked, options.users or one or ("all",), options, connection)


def _any_of(filters: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return a filter that matches what any of several matches.

    One that is JSON is returned alone: it can't be asked again, as `_make_counter` says.
    """
    different = list(dict.fromkeys(map(tuple, filters)))
    alone = next((each for each in different if any(map(_is_json, each))), None)
    if alone or len(different) == 1:
        return alone or different[0]
    every = [" and ".join(f"({text})" for text in each) for each in different]
    return (" or ".join(f"({text})" for text in every),)


def _is_json(where: str) -> bool:
    return where.startswith(("{", "["))


CountRows = Callable[[Sequence[int], tuple[str, str]], int]
"""Count the rows in a table of requests by number, in a period."""


def _count_account(
    requests: Sequence[SavedRequest], counter: Counter, count: CountRows
) -> Iterator[tuple[Period, int, int]]:
    """Yield each day, its rows in the table, and what the service counts.

    The period is the typed one, or that of the last export.
    """
    period = _typed_period(counter, counter.connection) or _period_of(requests[:1])
    for day in _days_of(period):
        there = count([each.number for each in requests], format_period(day))
        yield day, there, counter.count(day)


def _count_customers(
    requests: Sequence[SavedRequest], counter: Counter, count: CountRows
) -> Iterator[tuple[Period, int, int]]:
    """Yield each day of several customers; each has a period of its own, by its time zone."""
    own: dict[str, list[SavedRequest]] = {}
    for each in requests:
        own.setdefault(str(each.rows["customer"]), []).append(each)

    def count_days(
        connection: Connection, result: CustomerResult
    ) -> Iterator[tuple[Period, int, int]]:
        saved = own.get(result.customer.key, [])
        period = _typed_period(counter, connection) or _period_of(saved[:1] or requests)
        for day in _days_of(period):
            there = count([each.number for each in saved], format_period(day)) if saved else 0
            yield day, there, counter.count_of(connection, day)

    days: dict[Period, tuple[int, int]] = {}
    customers = Customers(counter.connection, counter.job.options.customers)
    for day, there, counted in customers.each(count_days):
        earlier = days.get(day, (0, 0))
        days[day] = (earlier[0] + there, earlier[1] + counted)
    for day in sorted(days, key=attrgetter("start")):
        yield day, *days[day]


def _typed_period(counter: Counter, connection: Connection) -> Period | None:
    """Return the typed period, by the clocks of an account; `None` if there is none."""
    if not _has_period(counter.job.options):
        return None
    return resolve_period(counter.job, connection.now)


def _period_of(requests: Sequence[SavedRequest]) -> Period:
    """Return the period that holds those of the last exports of requests."""
    periods = [each.period for each in requests if each.period]
    first, last = min(first for first, _ in periods), max(last for _, last in periods)
    return Period(datetime.fromisoformat(first), datetime.fromisoformat(last))


def _read_asked(template: Template, store: Store) -> Identity:
    """Return the request in the note beside files whose rows can be counted."""
    asked = read_note(store, template.note)
    if asked is None:
        raise UsageProblem(
            f"{template}: {store.title(template.note)} does not say of which request the files are",
            hint="Name the files as their export did, with the same placeholders.",
        )
    if asked.get("format") not in COUNTED:
        raise UsageProblem(
            f"{template}: the rows of {asked.get('format')} files can't be counted",
            hint=f"Only those of {', '.join(COUNTED)} can.",
        )
    check_format(str(asked["format"]))
    return asked


def _plan_files(template: Template, store: Store, counter: Counter) -> Plan:
    """Choose the files to verify: `skip` of the plan are there, `write` are missing."""
    job, clock = counter.job, counter.job.context.clock
    if _has_period(job.options):
        now = cache(counter.now)
        ended = partial(has_ended, now=now, utc_now=clock.now)
        plan = make_plan(template, store, resolve_period(job, now), ended, None)
        for line in plan.describe()[1:]:
            job.context.reporter.info(line)
        return plan
    tomorrow = clock.now().replace(tzinfo=None) + timedelta(days=1)
    every = list(template.partitions(Period(EARLIEST, tomorrow)))
    names = store.existing(partition.file for partition in every)
    there = tuple(partition for partition in every if partition.file in names)
    if not there:
        raise UsageProblem(f"{template}: there are no such files", hint="Check the name.")
    first, last = (every.index(partition) for partition in (there[0], there[-1]))
    if gaps := last - first + 1 - len(there):
        unit = "day" if template.daily else "month"
        job.context.reporter.warn(
            f"{gaps} {unit}{'s' * (gaps != 1)} between {there[0].name} and {there[-1].name} "
            "without a file: name a period to verify them, too"
        )
    return Plan((), there, (), len(there))


def _count_file(store: Store, name: str, asked: Identity, context: Context) -> int | str:
    """Count the rows of a file, of an object in a copy that is deleted then."""
    title = store.title(name)
    with store.open():
        path = store.fetch(name)
        if path is None:
            return "missing"  # it was removed after it was listed
        try:
            with read_errors(title), path.open("rb") as file:
                return count_file_rows(file, title, asked)
        except RowsMissing as error:
            context.reporter.error(error.message)
            return "damaged"


@dataclass(frozen=True)
class Counter:
    """Counts the rows of a request that was saved; `is_of_several` says of several customers."""

    job: ExportJob
    connection: Connection
    is_of_several: bool

    def now(self) -> datetime:
        """Return the account's time, of several customers that which is the furthest behind."""
        if self.is_of_several:
            return furthest_behind(self.connection, self.job.options.customers)
        return self.connection.now()

    def count(self, period: Period) -> int:
        """Return how many rows the service counts."""

        def count(connection: Connection, _: object) -> Iterator[int]:
            yield self.count_of(connection, period)

        if not self.is_of_several:
            return self.count_of(self.connection, period)
        return sum(Customers(self.connection, self.job.options.customers).each(count))

    def count_of(self, connection: Connection, period: Period) -> int:
        """Return how many rows the service counts of the account of a connection."""
        query = make_query(self.job, connection, None, period)
        return count_rows(query, connection.asker, connection.note)


def _make_counter(
    asked: Mapping[str, Any],
    users: tuple[int | str, ...],
    options: ExportOptions,
    connection: Connection,
) -> Counter:
    """Make the counter of a request: its report, filter and parameters are in `asked`.

    `users` are several customers' whose rows it has. Raises `UsageProblem` where the request is
    another service's, or can't be made again.
    """
    report = next((each for each in reports() if each.command == asked["report"]), None)
    if report is None:
        raise _has_no_days(asked["report"])
    service = "sandbox" if options.sandbox else connection.account.url
    if asked["base_url"] != service:
        raise UsageProblem(
            f"the rows are of {asked['base_url']}, not of {service}",
            hint="Choose the account with --profile or --base-url.",
        )
    where = tuple(asked.get("where", ()))
    if any(map(_is_json, where)):
        raise UsageProblem(
            "the rows were chosen by --filter-json or --as-saved, which can't be asked again",
            hint="Only rows chosen by --where, or all, can be verified.",
        )
    user = asked.get("user_id")
    if isinstance(user, int) and connection.account.user_id is None:
        connection = connection.for_user(user)
    if isinstance(user, int) and connection.account.user_id != user:
        raise UsageProblem(
            f"the rows are of user {user}, not of {connection.account.user_id}",
            hint="Omit --user-id.",
        )
    report_id = asked.get("report_id")
    options = replace(
        options,
        where=where,
        report_id=None if report_id is None else str(report_id),
        users=users,
        params=dict(asked.get("parameters", {})),
    )
    options = find_customers(options, connection.context)
    job = read_job(report, options, connection.context)
    job = replace(job, request=replace(job.request, columns=()))
    return Counter(job, connection, bool(users))


def _has_no_days(command: str) -> UsageProblem:
    return UsageProblem(
        f"{command} has no days: its rows are replaced by every export",
        hint="Export it again instead.",
    )


def _has_period(options: ExportOptions) -> bool:
    return bool(options.from_ or options.till or options.period)


def _days_of(period: Period) -> Iterator[Period]:
    """Cut a period into days."""
    start = period.start
    while start <= period.end:
        end = start.replace(hour=23, minute=59, second=59)
        yield Period(start, min(end, period.end))
        start = end + timedelta(seconds=1)
