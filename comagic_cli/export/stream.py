"""The export to one stream of bytes: standard output, a device or a file, which can be resumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast

from comagic_cli.errors import ComagicError, RowsMissing
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.customers import ask_any_customer
from comagic_cli.export.fingerprint import identify
from comagic_cli.export.options import repeat_command
from comagic_cli.export.request import (
    ExportJob,
    columns_of,
    complete_job,
    draft_query,
    make_reader,
    warn_of_no_rows,
)
from comagic_cli.export.resume import has_checkpoint, read_checkpoint, remaining_query
from comagic_cli.export.transfer import Transfer
from comagic_cli.files.compression import new_frame
from comagic_cli.files.output import MeasuredOutput, Target, open_stream, open_target
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.period import Period


def export_to_stream(job: ExportJob, *, is_resumable: bool) -> tuple[Transfer, RowsMissing | None]:
    """Export to the output that the options name; return what is missing of the rows.

    What came has its name then. Raises `ComagicError`.
    """
    transfer, options, context = None, job.options, job.context
    keep = options.keep_incomplete
    try:
        with (
            open_target(
                options.output,
                context.stdout,
                keep_incomplete=keep,
                find_store=context.find_store,
            ) as target,
            connect(options, context) as connection,
        ):
            complete = _complete(job, connection)
            shared = target.raw if target.file else context.reporter.share(target.raw)
            transfer = _begin(complete, connection, replace(target, raw=shared))
            with open_stream(cast("MeasuredOutput", transfer.output), options.output) as stream:
                columns, output = columns_of(complete, transfer.query), complete.output
                sink = make_sink(output.format, stream, columns, output.format_options)
                transfer.send(sink, stream if is_resumable else None)
            if not transfer.sink.rows:
                warn_of_no_rows(transfer.reader.query, job, connection)
    except RowsMissing as missing:
        if transfer is None:
            raise
        if options.customers and transfer.file and not keep:
            missing.hint = f"What came is in {options.output}.incomplete. {missing.hint}"
        return transfer, missing
    except BaseException as error:
        file = transfer.resumable_file if transfer else None
        if file is not None and file.is_resumable:
            _suggest_resuming(error, job)
        raise
    return transfer, None


def _complete(job: ExportJob, connection: Connection) -> ExportJob:
    """Add what only the account knows to how rows are written; of several customers ask one."""
    options = job.options
    if job.needs_zone and (options.tz or not options.customers):
        job = job.with_formatting(zone=connection.zone.key)
    return ask_any_customer(connection, options, partial(complete_job, job))


def _begin(job: ExportJob, connection: Connection, target: Target) -> Transfer:
    """Make the query, its reader and the output, from where an earlier run stopped if resumed."""
    options, file = job.options, target.file
    identity = identify(job, connection.account.url)
    output = MeasuredOutput(target.raw, target.name)
    begin = partial(
        Transfer, identity=identity, connection=connection, file=file, resumable_file=file
    )
    if not options.resume or file is None or not has_checkpoint(file):
        with_zones = options.times == "iso"
        reader = make_reader(job, connection, job.output.max_rows, with_zones=with_zones)
        return begin(reader.query, reader=reader, output=output)
    checkpoint, digest = read_checkpoint(file, identity)
    ends = map(datetime.fromisoformat, checkpoint.period or ())
    period = Period(*ends)
    query = draft_query(job, period, job.output.max_rows)
    query = replace(query, report_id=checkpoint.report_id, filter=checkpoint.filter)
    connection.note(f"period {query.period}, {checkpoint.rows} rows are there")
    file.reopen(checkpoint.bytes)
    output = MeasuredOutput(target.raw, target.name, digest, checkpoint.bytes)
    output.write(new_frame(target.name))
    cut = job.output.takes_cut_rows
    rest = connection.read(remaining_query(query, checkpoint), cut=cut)
    return begin(query, reader=rest, output=output, checkpoint=checkpoint)


def _suggest_resuming(error: BaseException, job: ExportJob) -> None:
    """Say that the export can be resumed: in the error's hint, where it has one."""
    text = f"What is written is kept. Continue with: {repeat_command(job.options, '--resume')}"
    if isinstance(error, ComagicError):
        error.hint = f"{error.hint} {text}".strip()
    else:
        job.context.reporter.info(f"comagic: {text}")
