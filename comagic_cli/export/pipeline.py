"""The export, from top to bottom: read what was typed, choose the way, sum up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import BinaryIO

from comagic_cli.errors import UsageProblem
from comagic_cli.export.context import Context, Summary, sized, spaced
from comagic_cli.export.customers import export_each, find_customers
from comagic_cli.export.database import ONE_DATABASE, check_table, export_to_database
from comagic_cli.export.manifest import write_manifest
from comagic_cli.export.options import ROWS_ON_A_TERMINAL, ExportOptions, choose_output
from comagic_cli.export.partitions import export_partitions
from comagic_cli.export.plan import show_count, show_plan
from comagic_cli.export.request import ExportJob, naming_older, read_job
from comagic_cli.export.resume import START_AGAIN, reason_against
from comagic_cli.export.stream import export_to_stream
from comagic_cli.export.transfer import Transfer
from comagic_cli.files.cloud import is_bucket
from comagic_cli.files.output import STDOUT, is_file, open_output
from comagic_cli.formats.partitions import BRACES, Template, names_customers, read_template
from comagic_cli.formats.registry import DATABASES
from comagic_cli.query.catalog import ReportType


def run_export(report: ReportType, options: ExportOptions, context: Context) -> None:
    """Export a report as typed. Raises `ComagicError`."""
    job = read_job(report, options, context)
    with naming_older(job):
        _run(job)


def _run(job: ExportJob) -> None:
    """Export a job as its output asks for."""
    options, context = job.options, job.context
    are_named = options.output is not None and names_customers(options.output)
    job = replace(job, options=find_customers(job.options, context, are_named=are_named))
    if options.count:
        show_count(job)
        return
    job = replace(job, output=choose_output(job.options, context.terminal))
    if job.output.format == "sqlite" and is_bucket(options.output):
        raise UsageProblem(
            f"-o {options.output}: a database can't be changed in a bucket.",
            hint="Write a local database, or day files into the bucket: {date}.parquet.",
        )
    job = job.with_formatting(asked=job.request.asked)
    check_table(job.output.format, job.options)

    def export(own: ExportOptions) -> Summary | None:
        return _export_output(replace(job, options=own))

    summary = export_each(job.options, context, export) if are_named else _export_output(job)
    if summary is not None:
        context.reporter.finish(summary)
    elif not job.options.dry_run:
        context.reporter.record("nothing to write", rows=0, output=options.output)


def _export_output(job: ExportJob) -> Summary | None:
    """Export to one output or to partitions; return what came, if there is something new."""
    target = read_template(job.options.output) if job.options.output else job.options.output
    if not isinstance(target, Template):
        return _export_to_one(replace(job, options=replace(job.options, output=target)))
    if job.output.format in DATABASES:
        raise UsageProblem(f"-o {target}: one database takes all days.", hint=ONE_DATABASE)
    return export_partitions(job, target)


def _export_to_one(job: ExportJob) -> Summary | None:
    """Export to one output: standard output, a file or a database; then write the manifest.

    The manifest is written of what is complete, and of what is not by `RowsMissing`, which is
    raised after that.
    """
    options = job.options
    if options.refresh:
        raise UsageProblem("--refresh needs {date} or {month} in --output", hint=BRACES)
    if options.dry_run:
        show_plan(job)
        return None
    reason = _reason_against_resuming(job)
    if options.resume and reason:
        raise UsageProblem(f"--resume: {reason}.", hint=START_AGAIN)
    with _open_manifest(job) as manifest:
        if job.output.format in DATABASES:
            transfer, missing = export_to_database(job)
        else:
            transfer, missing = export_to_stream(job, is_resumable=not reason)
        if manifest is not None:
            published = transfer.file.published if transfer.file else None
            record = transfer.record()
            write_manifest(manifest, str(options.manifest), record, published, missing)
    summary = _summarize(transfer, job)
    if missing:
        job.context.reporter.record(missing.message, **summary.members)
        raise missing
    return summary


def _reason_against_resuming(job: ExportJob) -> str:
    if is_bucket(job.options.output):
        return "an object is put whole: there is no unfinished one to continue"
    if not is_file(job.options.output):
        return "only a file can be resumed; name it with -o FILE"
    if job.options.users:
        return "rows of several customers come one customer after another, not by time"
    return reason_against(job.request, job.output.format)


def _open_manifest(job: ExportJob) -> AbstractContextManager[BinaryIO | None]:
    """Open the manifest before the rows are asked for: in the end it would be too late."""
    if job.options.manifest is None:
        return nullcontext()
    if job.options.manifest in STDOUT:
        raise UsageProblem("--manifest: standard output is for the rows.", hint="Name a file.")
    return open_output(job.options.manifest, find_store=job.context.find_store)


def _summarize(transfer: Transfer, job: ExportJob) -> Summary:
    record = transfer.record()
    file = job.options.output if transfer.resumable_file else None  # an object has another name
    members = {name: getattr(record, name) for name in ("rows", "period", "bytes", "points")}
    return Summary(
        rows=record.rows,
        days=[time[:10] for time in record.period or ()],
        points=record.points,
        progress=transfer.connection.progress,
        output=f"{file} ({sized(record.bytes)})" if file else "",
        members=members | {"output": file},
        remarks=[*_remarks(transfer, job, record.rows)],
    )


def _remarks(transfer: Transfer, job: ExportJob, rows: int) -> Iterator[str]:
    """Yield what a table hides, and which rows are not shown."""
    yield from getattr(transfer.sink.inner, "remark", "").splitlines()
    if job.options.users and job.request.sort and rows:
        yield "Rows are sorted for each customer, one customer after another."
    matching = transfer.reader.matching
    if job.output.is_preview and rows >= ROWS_ON_A_TERMINAL:
        if matching is None:
            yield f"The first {rows} rows. For more: --max-rows N, or -o FILE."
        elif matching > rows:
            yield f"{rows} of {spaced(matching)} rows. For all: --max-rows {matching}, or -o FILE."
