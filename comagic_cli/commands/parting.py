"""An export to one file a day or month: those that are missing, each written once it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, BinaryIO

from comagic_cli.api.http import service_url
from comagic_cli.commands.dry import DryClock, show_query
from comagic_cli.commands.known import complete_look
from comagic_cli.commands.reading import report_outside
from comagic_cli.commands.service import Service, draft, open_service, saved_zone, utc_now
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions, check_options
from comagic_cli.export.pipeline import export
from comagic_cli.export.progress import Summary
from comagic_cli.files.lock import held
from comagic_cli.files.stream import naming
from comagic_cli.formats.base import ZONED, Sink, make_sink
from comagic_cli.output.dealing import PartitionedSink, dealing
from comagic_cli.output.fingerprint import changed_look, check_request, keep_request, read_request
from comagic_cli.output.partitions import Part, Plan, Template, make_plan
from comagic_cli.paging.reader import Reader
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.period import Period, has_ended, parse_start, resolve
from comagic_cli.query.query import Query

if TYPE_CHECKING:
    from comagic_cli.commands.resuming import Form

NAMED = 3  # files that a message names


@dataclass(frozen=True)
class Job:
    """What is to be written where; the query's report may still have to be asked for."""

    wish: ExportRequest
    query: Query
    template: Template
    form: Form
    request: dict[str, Any]
    now: Callable[[], datetime]
    refresh: str | None

    def plan(self) -> Plan:
        """Choose what to write. Raises `UsageProblem` for a period of no whole days or months."""
        since = None
        if self.refresh == "all":
            since = self.query.period.start
        elif self.refresh:
            since = parse_start(f"-{self.refresh}", self.now)
        ended = partial(has_ended, now=self.now, utc_now=utc_now)
        return make_plan(self.template, self.query.period, ended, since)

    def sink(self, stream: BinaryIO) -> Sink:
        """Make what writes the rows of one file."""
        return make_sink(self.form.format, stream, self.query.fields, self.form.look)

    def check(self, plan: Plan) -> None:
        """Refuse another request than that of the files there. Raises `UsageProblem`."""
        template = self.template
        check_request(template.note, self.request, template.text, plan.found)


def export_parts(
    wish: ExportRequest, template: Template, form: Form, options: ExportOptions, reporter: Reporter
) -> None:
    """Write the files of a period that are missing. Raises `ComagicError`.

    Nothing is asked of the account, but for its zone where dates are relative, if all are there.
    Rows that are missing in one window leave the files of the others written.
    """
    check_partitions(wish, options)
    if options.dry_run:
        show_parts(wish, template, form, options, reporter)
        return
    with open_service(options, reporter) as service:
        form = service.zoned(form, wish)
        job = make_job(wish, template, form, options, cache(service.now))
        service.note(f"period {job.query.period}")
        if job.query.filter:
            service.note(f"filter {to_expression(job.query.filter)}")
        plan = job.plan()
        for line in told(plan):
            service.note(line)
        if plan.write or plan.there:
            write_parts(service, job)


def check_partitions(wish: ExportRequest, options: ExportOptions) -> None:
    """Refuse what can't be written to one file per day or month."""
    check_options(options, "partitions", str(options.output))
    if not wish.report.time:
        raise UsageProblem(
            f"{wish.report.command} has no time to tell days by: its rows are sums of the period",
            hint="Write to a single file, one period at a time.",
        )
    if options.users:
        raise UsageProblem(
            f"several users can't be used with {options.output}: the days of customers in "
            "several time zones do not end together",
            hint="Export each by itself, to a folder of its own: --user-id N -o 'N/{date}.csv'.",
        )
    if "entity_ids" in wish.report.params:
        raise UsageProblem(
            f"{wish.report.command} can't be used with {options.output}: files would hold the ids "
            "asked for, not of whole days or months",
            hint="Write to a single file.",
        )


def make_job(
    wish: ExportRequest,
    template: Template,
    form: Form,
    options: ExportOptions,
    now: Callable[[], datetime],
) -> Job:
    """Put together what is asked. Raises `UsageProblem` for an order other than by time."""
    period = resolve(options.from_, options.till, options.period, now, utc_now)
    query = replace(draft(wish, options, period, None), filter=wish.tree(now))
    if not query.by_time:
        raise UsageProblem(
            f"--sort {query.sort[0].field}: with {template} rows are read by time",
            hint="Leave --sort out, or sort each file afterwards.",
        )
    request = request_of(wish, query, template, form, options)
    request |= {"types": wish.own_types or None}
    return Job(wish, query, template, form, request, now, options.refresh)


def request_of(
    wish: ExportRequest, query: Query, template: Template, form: Form, options: ExportOptions
) -> dict[str, Any]:
    """Return all that the files depend on, by the names of the options; never the key."""
    return {
        "report": query.report.command,
        "--base-url": "sandbox" if options.sandbox else service_url(options.base_url),
        "--user-id": options.user_id,
        "--report-id": options.report_id,
        "--fields": query.columns,
        "--where": wish.filter.texts,
        "--sort": [*map(str, query.sort)],
        "parameters": dict(query.extra),
        "--format": form.format,
        "look": changed_look(form.look),
        "--output": template.below,
    }


def write_parts(service: Service, job: Job) -> None:
    """Write what is missing, while no other run does. Raises `RowsMissing`, `OutputBusy`."""
    with naming(str(job.template.folder)):
        job.template.folder.mkdir(parents=True, exist_ok=True)
    with held(job.template.lock, job.template.text):
        plan = job.plan()
        job.check(plan)
        if not plan.write:
            return
        keep_request(job.template.note, job.request)
        query = replace(job.query, report_id=service.report_id(job.wish))
        look = complete_look(job.form.look, job.wish.report, service)
        job = replace(job, form=replace(job.form, look=look))
        _write_runs(service, job, query, plan.runs)


def _write_runs(service: Service, job: Job, query: Query, runs: list[list[Part]]) -> None:
    """Write parts, those that stand next to each other in one go; tell of all that are short."""
    ask = service.asker(query)
    first: RowsMissing | None = None
    short: list[Part] = []
    for run in runs:
        here = replace(query, period=Period(run[0].start, run[-1].end))
        reader = Reader(here, ask, service.note, zone=service.known_zone)
        sink = PartitionedSink(run, job.sink, service.note)
        try:
            with dealing(sink):
                export(service.progress.watch(reader), sink)
        except RowsMissing as error:
            first = first or error
            short += sink.waiting.values()
        finally:
            report_outside(reader, service)
    service.report_members()
    if first:
        raise _missing(first, short)
    count = sum(map(len, runs))
    files = f"{count} file{'s' * (count != 1)} of {job.template}"
    whole = Period(runs[0][0].start, runs[-1][-1].end)
    rows, points = service.progress.rows, service.client.calls
    service.reporter.finish(
        Summary(
            rows=rows,
            days=[f"{day:%Y-%m-%d}" for day in (whole.start, whole.end)],
            points=points,
            progress=service.progress,
            output=files,
            members={"rows": rows, "points": points},
        )
    )


def _missing(first: RowsMissing, short: list[Part]) -> RowsMissing:
    more = f" and {len(short) - NAMED} more" if len(short) > NAMED else ""
    named = ", ".join(str(part.path) for part in short[:NAMED])
    return RowsMissing(
        f"{first.message}; not written: {named}{more}",
        hint="What came is in NAME.incomplete. Run the same command again: it writes the rest.",
    )


def show_parts(
    wish: ExportRequest, template: Template, form: Form, options: ExportOptions, reporter: Reporter
) -> None:
    """Print which files would be written, and the first request; nothing is sent or written."""
    known = options.tz or saved_zone(options)
    clock = DryClock(known)
    instants = form.format in ZONED or form.look.times == "iso"
    zone = known or zone_of(template) if instants else None
    form = replace(form, look=replace(form.look, zone=zone))
    job = make_job(wish, template, form, options, clock)
    plan = job.plan()
    job.check(plan)
    if plan.write:
        first = Period(plan.runs[0][0].start, plan.runs[0][-1].end)
        show_query(replace(job.query, period=first), clock, options, reporter)
    for line in (*told(plan), *(f"would write {part.path}" for part in plan.write)):
        reporter.info(line)


def zone_of(template: Template) -> str | None:
    """Return the zone of the times in the files there; `None` where there is none."""
    look = (read_request(template.note) or {}).get("look") or {}
    return str(look["zone"]) if "zone" in look else None


def told(plan: Plan) -> list[str]:
    """Say how many files there are and will be, and what has not ended yet."""
    counts = f"files    {len(plan.write)} to write, {len(plan.there)} there already"
    if not plan.pending:
        return [counts]
    names = " … ".join(dict.fromkeys((plan.pending[0].name, plan.pending[-1].name)))
    return [counts, f"not yet  {names} has not ended"]
