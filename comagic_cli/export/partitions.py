"""Partitions: one file per day or month, each written once when it has ended.

`calls/{date}.jsonl.gz` names one file per day, `{month}` one per month. Both may be in one name, as
in `{month}/{date}.csv`: then there is one file per day. A literal brace is doubled.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from string import Formatter
from typing import BinaryIO

from comagic_cli.api.http import service_url
from comagic_cli.errors import CannotWrite, RowsMissing, UsageProblem
from comagic_cli.export.account import complete_options
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context
from comagic_cli.export.fingerprint import (
    PERIOD,
    Identity,
    check_note,
    identify,
    read_note,
    write_note,
)
from comagic_cli.export.options import ExportOptions, OutputSpec, check_options
from comagic_cli.export.plan import PlanClock, show_query
from comagic_cli.export.progress import Summary
from comagic_cli.export.request import draft_query, needs_zone, resolve_period
from comagic_cli.export.transfer import write_pages
from comagic_cli.files.lock import lock_file
from comagic_cli.files.stream import write_errors
from comagic_cli.formats.base import Sink, make_sink
from comagic_cli.formats.partitioned import Partition, PartitionedSink, open_partitions
from comagic_cli.paging.reader import AGAIN, Reader
from comagic_cli.paging.totals import Totals
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.period import Period, has_ended, parse_start
from comagic_cli.query.query import Query

SECOND = timedelta(seconds=1)
FORMATS = {"date": "%Y-%m-%d", "month": "%Y-%m"}
BRACES = "{date} writes one file per day, {month} one per month; double a literal brace: {{."
KEPT = "What came is in NAME.incomplete. "
RUN_AGAIN = "Run the same command again: it writes the rest."
MAX_NAMED = 3  # files that a message names


@dataclass(frozen=True)
class Template:
    """The name of an output with placeholders.

    `folder` is what stands before the first of them, `below` is the rest, `daily` tells days from
    months.
    """

    text: str
    folder: Path
    below: str
    daily: bool

    def __str__(self) -> str:
        """Return it as it was typed."""
        return self.text

    @property
    def note(self) -> Path:
        """The hidden file that says what request the others answer."""
        return self.folder / f".{self._name}.json"

    @property
    def lock(self) -> Path:
        """What is locked for all the files."""
        return self.folder / self._name

    @property
    def _name(self) -> str:
        digest = sha256(self.below.encode("utf-8", "surrogateescape")).hexdigest()
        return f"comagic-{digest[:12]}"

    def partitions(self, period: Period) -> Iterator[Partition]:
        """Yield every day or month that the period touches."""
        start = period.start.replace(hour=0, minute=0, second=0)
        start = start if self.daily else start.replace(day=1)
        while start <= period.end:
            after = start + timedelta(days=1) if self.daily else _next_month(start)
            yield self._partition(start, after - SECOND)
            start = after

    def _partition(self, start: datetime, end: datetime) -> Partition:
        names = {kind: start.strftime(form) for kind, form in FORMATS.items()}
        name = names["date" if self.daily else "month"]
        return Partition(name, start, end, Path(self.text.format_map(names)))


@dataclass(frozen=True)
class Plan:
    """Which partitions to write, which to skip as they exist, and which have not ended yet.

    `files` is how many exist, those that are rewritten included.
    """

    write: tuple[Partition, ...]
    skip: tuple[Partition, ...]
    pending: tuple[Partition, ...]
    files: int

    @property
    def runs(self) -> list[list[Partition]]:
        """The partitions to write, neighbours together."""
        runs: list[list[Partition]] = []
        for partition in self.write:
            if runs and runs[-1][-1].end + SECOND == partition.start:
                runs[-1].append(partition)
            else:
                runs.append([partition])
        return runs

    def describe(self) -> list[str]:
        """Say how many files there are and will be, and what has not ended yet."""
        counts = f"files    {len(self.write)} to write, {len(self.skip)} exist already"
        if not self.pending:
            return [counts]
        names = " … ".join(dict.fromkeys((self.pending[0].name, self.pending[-1].name)))
        return [counts, f"not yet  {names} has not ended"]


def read_template(text: str) -> Template | str:
    """Read the name of an output; one without placeholders is a plain path.

    Raises `UsageProblem` for other placeholders and single braces.
    """
    head, kinds = _pieces(text)
    if not kinds:
        return head
    if text.endswith("/"):
        raise UsageProblem(f"-o {text} names a folder", hint="Name the files: {date}/part.csv.")
    below = text.split("/", head.count("/"))[-1]
    folder = Path(head[: head.rfind("/") + 1] or ".")
    return Template(text, folder, below, "date" in kinds)


def _pieces(text: str) -> tuple[str, set[str]]:
    """Return what stands before the first placeholder, and all placeholders' names."""
    head = ""
    kinds: set[str] = set()
    try:
        for literal, field, form, conversion in Formatter().parse(text):
            head += "" if kinds else literal
            if field is None:
                continue
            if field not in FORMATS or form or conversion:
                raise UsageProblem(f"-o {text}: there is no {{{field}}}", hint=BRACES)
            kinds.add(field)
    except ValueError as error:
        raise UsageProblem(f"-o {text}: a brace stands alone", hint=BRACES) from error
    return head, kinds


def make_plan(
    template: Template, period: Period, ended: Callable[[datetime], bool], since: datetime | None
) -> Plan:
    """Choose which partitions of a period to write.

    `ended` tells whether a second is past. Existing files that reach `since` are rewritten. Raises
    `UsageProblem` where the period cuts a partition in two.
    """
    partitions = list(template.partitions(period))
    past = [partition for partition in partitions if ended(partition.end)]
    last = past[-1].end if past else period.end
    _check_whole(template, period, partitions[0].start, last)
    existing = [partition for partition in past if _exists(partition.path)]
    skip = [partition for partition in existing if since is None or partition.end < since]
    write = [partition for partition in past if partition not in skip]
    return Plan(tuple(write), tuple(skip), tuple(partitions[len(past) :]), len(existing))


def _check_whole(template: Template, period: Period, start: datetime, end: datetime) -> None:
    """Refuse a period that begins or, unless that is still to come, ends inside a partition."""
    if period.start == start and period.end >= end:
        return
    unit, placeholder = ("day", "{date}") if template.daily else ("month", "{month}")
    where = f"begins at {period.start}" if period.start != start else f"ends at {period.end}"
    raise UsageProblem(
        f"{placeholder} writes whole {unit}s, and the period {where}",
        hint=f"Let --from be the first second of a {unit}, and --till the last, "
        f"or say --period {'7d' if template.daily else '3mo'}.",
    )


def _exists(path: Path) -> bool:
    with write_errors(str(path)):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
    if stat.S_ISDIR(mode):
        raise CannotWrite(f"{path} is a folder.", hint="A file of that name is to be written.")
    return True


def _next_month(start: datetime) -> datetime:
    return (start + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True)
class PartitionJob:
    """What is written where; the query's report id may still have to be asked for."""

    query: Query
    template: Template
    spec: OutputSpec
    identity: Identity
    plan: Plan

    def check(self) -> None:
        """Refuse another request than that of the existing files. Raises `UsageProblem`."""
        check_note(self.template.note, self.identity, self.template.text, self.plan.files)

    def make_sink(self, stream: BinaryIO) -> Sink:
        """Make the sink of one file."""
        return make_sink(self.spec.format, stream, self.query.fields, self.spec.format_options)


def export_partitions(
    request: ExportRequest,
    template: Template,
    spec: OutputSpec,
    options: ExportOptions,
    context: Context,
) -> None:
    """Write the missing files of a period. Raises `ComagicError`.

    Where all exist, nothing is asked of the account, except its zone for relative dates. Rows that
    are missing in one window do not stop the files of the others.
    """
    check_partitions(request, options)
    if options.dry_run:
        _show_partitions(request, template, spec, options, context)
        return
    with connect(options, context) as connection:
        if needs_zone(request, spec):
            spec = replace(
                spec, format_options=replace(spec.format_options, zone=connection.zone.key)
            )
        now, url = cache(connection.now), connection.account.url
        job = _make_job(request, template, spec, options, (url, now), context)
        connection.note(f"period {job.query.period}")
        if job.query.filter:
            connection.note(f"filter {to_expression(job.query.filter)}")
        for line in job.plan.describe():
            connection.note(line)
        if job.plan.write or job.plan.skip:
            _write_partitions(request, job, options, connection, now)


def check_partitions(request: ExportRequest, options: ExportOptions) -> None:
    """Refuse what can't be written to one file per day or month."""
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
    request: ExportRequest,
    template: Template,
    spec: OutputSpec,
    options: ExportOptions,
    account: tuple[str, Callable[[], datetime]],
    context: Context,
) -> PartitionJob:
    """Put together what is asked of an account, given by its URL and time.

    Raises `UsageProblem` for an order other than by time.
    """
    url, now = account
    period = resolve_period(options, now, context)
    query = replace(draft_query(request, options, period, None), filter=request.tree(now))
    if not query.by_time:
        raise UsageProblem(
            f"--sort {query.sort[0].field}: with {template} rows are read by time",
            hint="Omit --sort, or sort each file afterwards.",
        )
    identity = identify(request, spec, options, url)
    identity = {name: value for name, value in identity.items() if name not in PERIOD}
    identity["output"] = template.below
    plan = _plan(template, period, options.refresh, now, context)
    return PartitionJob(query, template, spec, identity, plan)


def _plan(
    template: Template,
    period: Period,
    refresh: str | None,
    now: Callable[[], datetime],
    context: Context,
) -> Plan:
    since = None
    if refresh == "all":
        since = period.start
    elif refresh:
        since = parse_start(f"-{refresh}", now)
    ended = partial(has_ended, now=now, utc_now=context.clock.now)
    return make_plan(template, period, ended, since)


def _write_partitions(
    request: ExportRequest,
    job: PartitionJob,
    options: ExportOptions,
    connection: Connection,
    now: Callable[[], datetime],
) -> None:
    """Write what is missing, while no other run does. Raises `RowsMissing`, `OutputBusy`."""
    template = job.template
    with write_errors(str(template.folder)):
        template.folder.mkdir(parents=True, exist_ok=True)
    with lock_file(template.lock, template.text):
        # Another run may have written some before the lock was ours.
        plan = _plan(template, job.query.period, options.refresh, now, connection.context)
        job = replace(job, plan=plan)
        job.check()
        if not plan.write:
            return
        write_note(template.note, job.identity)
        report_id = connection.find_report_id(request.report, options.report_id)
        format_options = complete_options(
            job.spec.format_options, request.report, options, connection
        )
        job = replace(
            job,
            query=replace(job.query, report_id=report_id),
            spec=replace(job.spec, format_options=format_options),
        )
        _write_runs(job, connection)


def _write_runs(job: PartitionJob, connection: Connection) -> None:
    """Write partitions, neighbours in one reading; name all that are incomplete."""
    ask = connection.asker(job.query)
    first: RowsMissing | None = None
    incomplete: list[Partition] = []
    outside, is_kept, runs = 0, False, job.plan.runs
    totals = Totals()
    try:
        for run in runs:
            query = replace(job.query, period=Period(run[0].start, run[-1].end))
            zone = connection.known_zone
            reader = Reader(query, ask, connection.note, zone=zone, totals=totals)
            sink = PartitionedSink(run, job.make_sink, connection.note)
            try:
                with open_partitions(sink):
                    write_pages(connection.progress.watch(reader), sink)
            except RowsMissing as error:
                first = first or error
                incomplete += sink.waiting.values()
                is_kept = is_kept or sink.is_kept
            finally:
                outside += reader.outside
    finally:
        connection.report_oddities(outside)
    if first:
        raise _missing(first, incomplete, is_kept=is_kept)
    _report_end(job, connection)


def _report_end(job: PartitionJob, connection: Connection) -> None:
    files = len(job.plan.write)
    rows, points = connection.progress.rows, connection.client.calls
    whole = (job.plan.write[0].start, job.plan.write[-1].end)
    connection.context.reporter.finish(
        Summary(
            rows=rows,
            days=[f"{day:%Y-%m-%d}" for day in whole],
            points=points,
            progress=connection.progress,
            output=f"{files} file{'s' * (files != 1)} of {job.template}",
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


def _show_partitions(
    request: ExportRequest,
    template: Template,
    spec: OutputSpec,
    options: ExportOptions,
    context: Context,
) -> None:
    """Print which files would be written, and the first request; nothing is sent or written."""
    clock = PlanClock(options, context)
    zone = clock.zone or _zone_of_files(template) if needs_zone(request, spec) else None
    spec = replace(spec, format_options=replace(spec.format_options, zone=zone))
    url = service_url(options.base_url)
    job = _make_job(request, template, spec, options, (url, clock), context)
    job.check()
    if job.plan.write:
        first = job.plan.runs[0]
        query = replace(job.query, period=Period(first[0].start, first[-1].end))
        show_query(query, clock, options, context)
    writes = (f"would write {partition.path}" for partition in job.plan.write)
    for line in (*job.plan.describe(), *writes):
        context.reporter.info(line)


def _zone_of_files(template: Template) -> str | None:
    """Return the zone of the times in existing files; `None` where there is none."""
    zone = (read_note(template.note) or {}).get("tz")
    return None if zone is None else str(zone)
