"""The export to partitions: one file per day or month, each written once when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import BinaryIO

from comagic_cli.api.http import service_url
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.connection import Connection, OddRows, connect
from comagic_cli.export.context import Summary, files_of
from comagic_cli.export.customers import PageReader, ask_any_customer, furthest_behind
from comagic_cli.export.fingerprint import (
    PERIOD,
    Identity,
    check_note,
    identify,
    read_note,
    write_note,
)
from comagic_cli.export.options import check_options
from comagic_cli.export.plan import PlanClock, show_query
from comagic_cli.export.request import (
    ExportJob,
    columns_of,
    complete_job,
    draft_query,
    make_reader,
    resolve_period,
    warn_of_no_rows,
)
from comagic_cli.export.transfer import write_pages
from comagic_cli.files.store import Store
from comagic_cli.formats.base import Sink
from comagic_cli.formats.partitions import (
    Partition,
    PartitionedSink,
    Plan,
    Template,
    make_plan,
    open_partitions,
)
from comagic_cli.formats.registry import make_sink
from comagic_cli.paging.reader import AGAIN
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.period import Period, has_ended, parse_start
from comagic_cli.query.query import IDS, Query

KEPT = "What came is in NAME.incomplete. "
RUN_AGAIN = "Run the same command again: it writes the rest."
MAX_NAMED = 3  # files that a message names


@dataclass(frozen=True)
class PartitionJob:
    """What is written where; the query's report id may still have to be asked for."""

    job: ExportJob
    template: Template
    store: Store
    query: Query
    identity: Identity
    now: Callable[[], datetime]

    @property
    def plan(self) -> Plan:
        """Choose what to write. Raises `UsageProblem` where the period cuts a partition in two."""
        since, refresh = None, self.job.options.refresh
        if refresh == "all":
            since = self.query.period.start
        elif refresh:
            since = parse_start(f"-{refresh}", self.now)
        ended = partial(has_ended, now=self.now, utc_now=self.job.context.clock.now)
        return make_plan(self.template, self.store, self.query.period, ended, since)

    def check(self, plan: Plan) -> None:
        """Refuse another request than that of the existing files. Raises `UsageProblem`.

        Where no file is complete, none of another request is there.
        """
        template = self.template
        if plan.files or self.store.has(template.pattern):
            check_note(self.store, template.note, self.identity, template.text, plan.files)

    def title(self, partition: Partition) -> str:
        """Return the path or URL of a partition's file."""
        return self.store.title(partition.file)

    def make_sink(self, stream: BinaryIO) -> Sink:
        """Make the sink of one file."""
        output = self.job.output
        columns = columns_of(self.job, self.query)
        return make_sink(output.format, stream, columns, output.format_options)

    def read(self, period: Period, connection: Connection) -> PageReader:
        """Make the reader of a period, of the account or of its customers one after another."""
        with_zones = self.job.output.format_options.times == "iso"
        return make_reader(self.job, connection, period=period, with_zones=with_zones)


def export_partitions(job: ExportJob, template: Template) -> Summary | None:
    """Write the missing files of a period; return what came. Raises `ComagicError`.

    Where all exist, nothing is asked of the account, except its zone for relative dates. Rows that
    are missing in one window do not stop the files of the others.
    """
    check_partitions(job)
    if job.options.dry_run:
        _show_partitions(job, template)
        return None
    with connect(job.options, job.context) as connection:
        customers = job.options.customers
        if job.needs_zone and (job.options.tz or not customers):
            job = job.with_formatting(zone=connection.zone.key)
        now = partial(furthest_behind, connection, customers) if customers else connection.now
        partitions = _make_job(job, template, cache(now), connection.account.url)
        connection.note(f"period {partitions.query.period}")
        if partitions.query.filter:
            connection.note(f"filter {to_expression(partitions.query.filter)}")
        plan = partitions.plan
        for line in plan.describe():
            connection.note(line)
        if plan.write or plan.skip:
            return _write_partitions(partitions, connection)
    return None


def check_partitions(job: ExportJob) -> None:
    """Refuse what can't be written to one file per day or month."""
    request, options = job.request, job.options
    check_options(options, "partitions", str(options.output))
    command = request.report.command
    if not request.report.time:
        raise UsageProblem(
            f"{command} has no time to tell days by: its rows are sums of the period",
            hint="Write to a single file, one period at a time.",
        )
    if any(name in request.extra for name in IDS):
        raise UsageProblem(
            f"{command} can't be used with {options.output}: files would hold the ids "
            "asked for, not of whole days or months",
            hint="Write to a single file.",
        )


def _make_job(
    job: ExportJob, template: Template, now: Callable[[], datetime], url: str
) -> PartitionJob:
    """Put together what is written; `now` is the account's time, `url` its service.

    Raises `UsageProblem` for an order other than by time.
    """
    query = draft_query(job, resolve_period(job, now), None, now)
    if not query.by_time:
        raise UsageProblem(
            f"--sort {query.sort[0].field}: with {template} rows are read by time",
            hint="Omit --sort, or sort each file afterwards.",
        )
    identity = identify(job, url)
    identity = {name: value for name, value in identity.items() if name not in PERIOD}
    identity["output"] = template.below
    store, _ = job.context.find_store(template.folder)
    return PartitionJob(job, template, store, query, identity, now)


def _write_partitions(partitions: PartitionJob, connection: Connection) -> Summary | None:
    """Write what is missing, while no other run does. Raises `RowsMissing`, `OutputBusy`."""
    job, template, store = partitions.job, partitions.template, partitions.store
    with store.open(create=True), store.lock(template.lock, template.text):
        plan = partitions.plan  # another run may have written some before the lock was ours
        partitions.check(plan)
        if not plan.write:
            return None
        if not job.options.customers:  # each customer has a report of its own
            report_id = connection.find_report_id(job.request.report, job.options.report_id)
            job = replace(job, options=replace(job.options, report_id=str(report_id)))
        job = ask_any_customer(connection, job.options, partial(complete_job, job))
        write_note(store, template.note, partitions.identity)
        try:
            return _write_runs(replace(partitions, job=job), plan, connection)
        finally:
            if not store.has(template.pattern):
                store.remove(template.note)


def _write_runs(partitions: PartitionJob, plan: Plan, connection: Connection) -> Summary:
    """Write partitions, neighbours in one reading; name all that are incomplete."""
    first: RowsMissing | None = None
    incomplete: list[Partition] = []
    readers, is_kept, size = list[OddRows](), False, 0
    try:
        for run in plan.runs:
            reader = partitions.read(Period(run[0].start, run[-1].end), connection)
            readers.append(reader)
            sink = PartitionedSink(run, partitions.store, partitions.make_sink, connection.note)
            try:
                with open_partitions(sink):
                    connection.progress.watch(reader)
                    write_pages(reader.pages(), sink, connection.progress.count)
            except RowsMissing as error:
                first = first or error
                incomplete += sink.waiting.values()
                is_kept = is_kept or sink.is_kept
            size += sink.bytes
    finally:
        connection.report_oddities(*readers)
        connection.report_order(*readers)
    rows, files = connection.progress.rows, len(plan.write) - len(incomplete)
    if not rows and not first:
        warn_of_no_rows(partitions.query, partitions.job, connection)
    points, period = connection.client.calls, partitions.query.period
    summary = Summary(
        rows=rows,
        days=[f"{day:%Y-%m-%d}" for day in (plan.write[0].start, plan.write[-1].end)],
        points=points,
        progress=connection.progress,
        output=files_of(files, partitions.template),
        members={
            "rows": rows,
            "period": [str(period.start), str(period.end)],
            "output": str(partitions.template),
            "bytes": size,
            "points": points,
            "files": files,
        },
    )
    if first:
        missing = _missing(first, [*map(partitions.title, incomplete)], is_kept=is_kept)
        connection.context.reporter.record(missing.message, **summary.members)
        raise missing
    return summary


def _missing(first: RowsMissing, incomplete: list[str], *, is_kept: bool) -> RowsMissing:
    """Name the files that are not written; `is_kept` says that rows of some are kept."""
    if not incomplete:
        return first
    more = f" and {len(incomplete) - MAX_NAMED} more" if len(incomplete) > MAX_NAMED else ""
    named = ", ".join(incomplete[:MAX_NAMED])
    return RowsMissing(
        f"{first.message}; not written: {named}{more}",
        hint=f"{KEPT if is_kept else ''}{RUN_AGAIN if first.hint == AGAIN else first.hint}",
    )


def _show_partitions(job: ExportJob, template: Template) -> None:
    """Print which files would be written, and the first request; nothing is sent or written."""
    clock = PlanClock(job)
    zone = clock.zone or _zone_of_files(job, template) if job.needs_zone else None
    job = job.with_formatting(zone=zone)
    partitions = _make_job(job, template, clock, service_url(job.options.base_url))
    plan = partitions.plan
    partitions.check(plan)
    if plan.write:
        period = Period(plan.runs[0][0].start, plan.runs[0][-1].end)
        show_query(replace(partitions.query, period=period), clock)
    writes = (f"would write {partitions.title(partition)}" for partition in plan.write)
    for line in (*plan.describe(), *writes):
        job.context.reporter.info(line)


def _zone_of_files(job: ExportJob, template: Template) -> str | None:
    """Return the zone of the times in existing files; `None` where there is none."""
    store, _ = job.context.find_store(template.folder)
    zone = (read_note(store, template.note) or {}).get("tz")
    return None if zone is None else str(zone)
