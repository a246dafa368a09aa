"""The export, from top to bottom: options, request, connection, transfer, summary, manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import BinaryIO, cast

from comagic_cli.errors import ComagicError, RowsMissing, UsageProblem
from comagic_cli.export.account import complete_options
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context
from comagic_cli.export.customers import (
    Customers,
    CustomersReader,
    ask_any_customer,
    find_customers,
    period_in_utc,
)
from comagic_cli.export.database import ONE_DATABASE, check_table, export_to_database
from comagic_cli.export.fingerprint import identify
from comagic_cli.export.manifest import write_manifest
from comagic_cli.export.options import (
    ROWS_ON_A_TERMINAL,
    ExportOptions,
    OutputSpec,
    choose_output,
    repeat_command,
)
from comagic_cli.export.partitions import BRACES, Template, export_partitions, read_template
from comagic_cli.export.plan import show_count, show_plan
from comagic_cli.export.progress import Summary, sized, spaced
from comagic_cli.export.request import draft_query, make_query, needs_zone, read_request
from comagic_cli.export.resume import (
    START_AGAIN,
    has_checkpoint,
    read_checkpoint,
    reason_against,
    remaining_query,
)
from comagic_cli.export.transfer import Transfer
from comagic_cli.files.compression import new_frame
from comagic_cli.files.output import (
    STDOUT,
    MeasuredOutput,
    Target,
    is_file,
    open_output,
    open_stream,
    open_target,
)
from comagic_cli.paging.id_batches import IdBatchReader
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.period import Period


def run_export(report: ReportType, options: ExportOptions, context: Context) -> None:
    """Export a report as typed. Raises `ComagicError`."""
    request, options = read_request(report, options, context)
    options = find_customers(options, context)
    if options.count:
        show_count(request, options, context)
        return
    spec = choose_output(options, context.terminal)
    check_table(spec.format, options)
    output = read_template(options.output) if options.output else options.output
    if not isinstance(output, Template):
        _export_to_one(request, spec, replace(options, output=output), context)
    elif spec.format == "sqlite":
        raise UsageProblem(f"-o {output}: one database takes all days.", hint=ONE_DATABASE)
    else:
        export_partitions(request, output, spec, options, context)


def _export_to_one(
    request: ExportRequest, spec: OutputSpec, options: ExportOptions, context: Context
) -> None:
    """Export to one output: standard output, a file or a database; then write the manifest.

    The manifest is written of what is complete, and of what is not by `RowsMissing`, which is
    raised after that.
    """
    if options.refresh:
        raise UsageProblem("--refresh needs {date} or {month} in --output", hint=BRACES)
    if options.dry_run:
        show_plan(request, spec.max_rows, options, context)
        return
    reason = _reason_against_resuming(request, spec, options)
    if options.resume and reason:
        raise UsageProblem(f"--resume: {reason}.", hint=START_AGAIN)
    with _open_manifest(options, context) as manifest:
        if spec.format == "sqlite":
            transfer, missing = export_to_database(request, spec, options, context)
        else:
            is_resumable = not reason
            transfer, missing = _export_to_stream(request, spec, options, context, is_resumable)
        if manifest is not None:
            path, record = str(options.manifest), transfer.record()
            write_manifest(manifest, path, record, transfer.published, missing)
    if missing:
        raise missing
    context.reporter.finish(_summarize(transfer, spec, options))


def _reason_against_resuming(
    request: ExportRequest, spec: OutputSpec, options: ExportOptions
) -> str:
    if not is_file(options.output):
        return "only a file can be resumed; name it with -o FILE"
    if options.users:
        return "rows of several customers come one customer after another, not by time"
    return reason_against(request.report, request.sort, spec.format)


def _open_manifest(
    options: ExportOptions, context: Context
) -> AbstractContextManager[BinaryIO | None]:
    """Open the manifest before the rows are asked for: in the end it would be too late."""
    if options.manifest is None:
        return nullcontext()
    if options.manifest in STDOUT:
        raise UsageProblem("--manifest: standard output is for the rows.", hint="Name a file.")
    return open_output(options.manifest, context.stdout)


def _export_to_stream(
    request: ExportRequest,
    spec: OutputSpec,
    options: ExportOptions,
    context: Context,
    is_resumable: bool,  # noqa: FBT001 - the only caller names it
) -> tuple[Transfer, RowsMissing | None]:
    """Export, and return what is missing once what there is has its name."""
    transfer = None
    keep = options.keep_incomplete
    try:
        with (
            open_target(options.output, context.stdout, keep_incomplete=keep) as target,
            connect(options, context) as connection,
        ):
            spec = _complete(request, spec, options, connection)
            shared = target.under if target.part else context.reporter.share(target.under)
            to = replace(target, under=shared)
            transfer = _begin(request, spec, options, connection, to)
            with open_stream(cast("MeasuredOutput", transfer.output), options.output) as stream:
                transfer.write(stream, spec, is_resumable=is_resumable)
    except RowsMissing as missing:
        if transfer is None:
            raise
        return transfer, missing
    except BaseException as error:
        if transfer is not None and transfer.part is not None and transfer.part.kept:
            _suggest_resuming(error, options, context)
        raise
    return transfer, None


def _complete(
    request: ExportRequest, spec: OutputSpec, options: ExportOptions, connection: Connection
) -> OutputSpec:
    """Add what only the account knows to how rows are written; of several customers ask one."""
    if needs_zone(request, spec) and (options.tz or not options.customers):
        spec = replace(spec, format_options=replace(spec.format_options, zone=connection.zone.key))
    complete = partial(complete_options, spec.format_options, request.report, options)
    return replace(spec, format_options=ask_any_customer(connection, options, complete))


def _begin(
    request: ExportRequest,
    spec: OutputSpec,
    options: ExportOptions,
    connection: Connection,
    target: Target,
) -> Transfer:
    """Make the query, its reader and the output, from where an earlier run stopped if resumed."""
    identity = identify(request, spec, options, connection.account.url)
    output = MeasuredOutput(target.under, target.name)
    if options.customers:
        period = period_in_utc(options, connection.context)
        query = draft_query(request, options, period, spec.max_rows)
        customers = CustomersReader(
            query,
            Customers(connection, options.customers),
            partial(make_query, request, options),
            with_zones=options.times == "iso",
        )
        return Transfer(query, identity, connection, customers, output, target.part)
    if not options.resume or target.part is None or not has_checkpoint(target.part):
        query = make_query(request, options, connection, spec.max_rows)
        return Transfer(query, identity, connection, connection.read(query), output, target.part)
    checkpoint, digest = read_checkpoint(target.part, identity)
    period = Period(*map(datetime.fromisoformat, checkpoint.period))
    query = draft_query(request, options, period, spec.max_rows)
    query = replace(query, report_id=checkpoint.report_id, filter=checkpoint.filter)
    connection.note(f"period {query.period}, {checkpoint.rows} rows are there")
    target.part.go_on(checkpoint.bytes)
    output = MeasuredOutput(target.under, target.name, digest, checkpoint.bytes)
    output.write(new_frame(target.name))
    reader = connection.read(remaining_query(query, checkpoint))
    return Transfer(query, identity, connection, reader, output, target.part, checkpoint)


def _suggest_resuming(error: BaseException, options: ExportOptions, context: Context) -> None:
    """Say that the export can be resumed: in the error's hint, where it has one."""
    text = f"What is written is kept. Continue with: {repeat_command(options, '--resume')}"
    if isinstance(error, ComagicError):
        error.hint = f"{error.hint} {text}".strip()
    else:
        context.reporter.info(f"comagic: {text}")


def _summarize(transfer: Transfer, spec: OutputSpec, options: ExportOptions) -> Summary:
    record = transfer.record()
    file = transfer.part.name if transfer.part else None
    members = {name: getattr(record, name) for name in ("rows", "period", "bytes", "points")}
    return Summary(
        rows=record.rows,
        days=[time[:10] for time in record.period],
        points=record.points,
        progress=transfer.connection.progress,
        output=f"{file} ({sized(record.bytes)})" if file else "",
        members=members | {"file": file},
        remarks=[*_remarks(transfer, spec, options, record.rows)],
    )


def _remarks(
    transfer: Transfer, spec: OutputSpec, options: ExportOptions, rows: int
) -> Iterator[str]:
    """Yield what a table hides, which rows are not shown, and ids or filters without rows."""
    yield from getattr(transfer.sink.inner, "remark", "").splitlines()
    matching = transfer.reader.matching
    if spec.is_preview and rows >= ROWS_ON_A_TERMINAL:
        if matching is None:
            yield f"The first {rows} rows. For more: --max-rows N, or -o FILE."
        elif matching > rows:
            yield f"{rows} of {spaced(matching)} rows. For all: --max-rows {matching}, or -o FILE."
    if options.where and not rows:
        name = transfer.query.report.command
        yield f"No rows match --where. For the values of a list: comagic filters {name} FIELD."
    unfound = transfer.reader.unfound if isinstance(transfer.reader, IdBatchReader) else 0
    if unfound > 0:
        verb = "id was" if unfound == 1 else "ids were"
        yield f"{unfound} {verb} not found in this period: see --period."
