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
from comagic_cli.export.context import Summary
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
from comagic_cli.export.request import ExportJob, complete_job, draft_query, resolve_period
from comagic_cli.export.transfer import write_pages
from comagic_cli.files.lock import lock_file
from comagic_cli.files.stream import write_errors
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
from comagic_cli.query.query import Query

KEPT = "What came is in NAME.incomplete. "
RUN_AGAIN = "Run the same command again: it writes the rest."
MAX_NAMED = 3  # files that a message names


@dataclass(frozen=True)
class PartitionJob:
    """What is written where; the query's report id may still have to be asked for."""

    job: ExportJob
    template: Template
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
        return make_plan(self.template, self.query.period, ended, since)

    def check(self, plan: Plan) -> None:
        """Refuse another request than that of the existing files. Raises `UsageProblem`."""
        check_note(self.template.note, self.identity, self.template.text, plan.files)

    def make_sink(self, stream: BinaryIO) -> Sink:
        """Make the sink of one file."""
        output = self.job.output
        return make_sink(output.format, stream, self.query.fields, output.format_options)


def export_partitions(job: ExportJob, template: Template) -> None:
    """Write the missing files of a period. Raises `ComagicError`.

    Where all exist, nothing is asked of the account, except its zone for relative dates. Rows that
    are missing in one window do not stop the files of the others.
    """
    check_partitions(job)
    if job.options.dry_run:
        _show_partitions(job, template)
        return
    with connect(job.options, job.context) as connection:
        if job.needs_zone:
            job = job.with_formatting(zone=connection.zone.key)
        partitions = _make_job(job, template, cache(connection.now), connection.account.url)
        connection.note(f"period {partitions.query.period}")
        if partitions.query.filter:
            connection.note(f"filter {to_expression(partitions.query.filter)}")
        plan = partitions.plan
        for line in plan.describe():
            connection.note(line)
        if plan.write or plan.skip:
            _write_partitions(partitions, connection)


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
    if options.users:
        raise UsageProblem(
            f"several users can't be used with {options.output}: the days of customers in "
            "several time zones do not end together",
            hint="Export each by itself, to a folder of its own: --user-id N -o 'N/{date}.csv'.",
        )
    if "entity_ids" in request.report.params:
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
    return PartitionJob(job, template, query, identity, now)


def _write_partitions(partitions: PartitionJob, connection: Connection) -> None:
    """Write what is missing, while no other run does. Raises `RowsMissing`, `OutputBusy`."""
    job, template = partitions.job, partitions.template
    with write_errors(str(template.folder)):
        template.folder.mkdir(parents=True, exist_ok=True)
    with lock_file(template.lock, template.text):
        plan = partitions.plan  # another run may have written some before the lock was ours
        partitions.check(plan)
        if not plan.write:
            return
        write_note(template.note, partitions.identity)
        report_id = connection.find_report_id(job.request.report, job.options.report_id)
        query = replace(partitions.query, report_id=report_id)
        job = complete_job(job, connection)
        _write_runs(replace(partitions, job=job, query=query), plan, connection)


def _write_runs(partitions: PartitionJob, plan: Plan, connection: Connection) -> None:
    """Write partitions, neighbours in one reading; name all that are incomplete."""
    first: RowsMissing | None = None
    incomplete: list[Partition] = []
    readers, is_kept = list[OddRows](), False
    try:
        for run in plan.runs:
            reader = connection.read(
                replace(partitions.query, period=Period(run[0].start, run[-1].end))
            )
            readers.append(reader)
            sink = PartitionedSink(run, partitions.make_sink, connection.note)
            try:
                with open_partitions(sink):
                    connection.progress.watch(reader)
                    write_pages(reader.pages(), sink, connection.progress.count)
            except RowsMissing as error:
                first = first or error
                incomplete += sink.waiting.values()
                is_kept = is_kept or sink.is_kept
    finally:
        connection.report_oddities(*readers)
    if first:
        raise _missing(first, incomplete, is_kept=is_kept)
    _report_end(partitions.template, plan, connection)


def _report_end(template: Template, plan: Plan, connection: Connection) -> None:
    files = len(plan.write)
    rows, points = connection.progress.rows, connection.client.calls
    connection.context.reporter.finish(
        Summary(
            rows=rows,
            days=[f"{day:%Y-%m-%d}" for day in (plan.write[0].start, plan.write[-1].end)],
            points=points,
            progress=connection.progress,
            output=f"{files} file{'s' * (files != 1)} of {template}",
            members={"rows": rows, "points": points},
        )
    )


def _missing(first: RowsMissing, incomplete: list[Partition], *, is_kept: bool) -> RowsMissing:
    """Name the files that are not written; `is_kept` says that rows of some are kept."""
    if not incomplete:
        return first
    more = f" and {len(incomplete) - MAX_NAMED} more" if len(incomplete) > MAX_NAMED else ""
    named = ", ".join(str(partition.path) for partition in incomplete[:MAX_NAMED])
    return RowsMissing(
        f"{first.message}; not written: {named}{more}",
        hint=f"{KEPT if is_kept else ''}{RUN_AGAIN if first.hint == AGAIN else first.hint}",
    )


def _show_partitions(job: ExportJob, template: Template) -> None:
    """Print which files would be written, and the first request; nothing is sent or written."""
    clock = PlanClock(job)
    zone = clock.zone or _zone_of_files(template) if job.needs_zone else None
    job = job.with_formatting(zone=zone)
    partitions = _make_job(job, template, clock, service_url(job.options.base_url))
    plan = partitions.plan
    partitions.check(plan)
    if plan.write:
        period = Period(plan.runs[0][0].start, plan.runs[0][-1].end)
        show_query(replace(partitions.query, period=period), clock)
    writes = (f"would write {partition.path}" for partition in plan.write)
    for line in (*plan.describe(), *writes):
        job.context.reporter.info(line)


def _zone_of_files(template: Template) -> str | None:
    """Return the zone of the times in existing files; `None` where there is none."""
    zone = (read_note(template.note) or {}).get("tz")
    return None if zone is None else str(zone)
