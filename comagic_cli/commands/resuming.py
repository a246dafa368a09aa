"""An export to one output: to a file that can be gone on with, or to a stream; and its manifest."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from comagic_cli import __version__
from comagic_cli.commands.known import complete_look
from comagic_cli.commands.reading import pager_of, report_outside
from comagic_cli.commands.service import Service, draft, open_service, rough_period
from comagic_cli.errors import ComagicError, RowsMissing, UsageProblem
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions, repeat_command
from comagic_cli.export.pipeline import export
from comagic_cli.files.atomic_file import Part
from comagic_cli.files.compression import gone_on
from comagic_cli.files.output import (
    STDOUT,
    Measured,
    Target,
    is_file,
    open_output,
    open_stream,
    open_target,
)
from comagic_cli.following import FollowedSink, rest_of, why_not
from comagic_cli.formats.base import OF_THE_RUN, Look, Rendering, Sink, make_sink
from comagic_cli.output import checkpoint, manifest
from comagic_cli.output.checkpoint import Checkpoint, is_left
from comagic_cli.output.manifest import Manifest
from comagic_cli.output.record import ClientCount, Record, RowEnd, Stop, WindowCount
from comagic_cli.paging.reader import Reader, WindowDone
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.period import Period
from comagic_cli.query.query import TIME_FORMAT, Query
from comagic_cli.rows.page import Mark, parts_of

if TYPE_CHECKING:
    from comagic_cli.commands.agency import AgencyPager
    from comagic_cli.formats.sqlite import Database
    from comagic_cli.paging.id_batches import LotPager

# ruff: noqa: PLC0415 - few are agents: what several clients need is imported for them

# What changes neither the rows nor their bytes. An option not named here does, or might.
ANYHOW = frozenset(
    {
        # See `service` below.
        *("base_url", "sandbox", "profile", "tz", "token_file", "timeout", "max_wait"),
        *("fields", "output", "page_size", "manifest", "keep_incomplete", "resume", "refresh"),
        *("count", "dry_run", "quiet", "verbose", "typed", "command_line"),
        *(
            "realtime",
            "ids",
            "users",
            "clients",
            "coded_values",
            "vertical",
        ),  # see `parameters` and `look`
        *("where", "filter_json"),  # see `filters`
    }
)


@dataclass(frozen=True)
class Form:
    """How the rows are written: the format, its look, and how many at most."""

    format: str
    look: Look
    most: int | None
    capped: bool  # by us, not by --max-rows


@dataclass
class Run:
    """One run of an export: what it asks, where the rows go, and how far it is.

    `part` is a file's, `left` what an earlier run left of it.
    """

    wish: ExportRequest
    query: Query
    asked: dict[str, Any]
    service: Service
    output: Measured | Database
    part: Part | None
    left: Checkpoint | None
    pager: Reader | LotPager | AgencyPager = field(init=False)
    sink: FollowedSink = field(init=False)

    def write(self, stream: BinaryIO, form: Form, *, resumable: bool) -> None:
        """Write the rows to a stream that ends in the output; keep them, where that helps."""
        columns = self.query.fields
        if self.service.options.clients:
            from comagic_cli.commands.agency import FRONT

            columns = (*FRONT, *columns)
        sink = make_sink(form.format, stream, columns, form.look)
        self.send(sink, stream if resumable else None)

    def send(self, sink: Sink, stream: BinaryIO | None = None) -> None:
        """Send the rows to a sink; keep what went to the stream, where there is one."""
        query = rest_of(self.query, self.left) if self.left else self.query
        if self.service.options.clients:
            from comagic_cli.commands.agency import agency_pager

            self.pager = agency_pager(self.wish, query, self.service)
        else:
            self.pager = pager_of(query, self.service)
        if isinstance(self.pager, Reader):
            self.pager.cut = isinstance(sink, Rendering)
            if self.left:
                self.pager.since = self.left.since
                self.pager.overstated = self.left.overstated
                self.pager.outside = self.left.outside
                self.pager.missing = [*self.left.missing]
        self.sink = FollowedSink(sink, self.left)
        if self.part and stream:
            part = self.part
            self.sink.keep = lambda: self._keep(stream, part)
        try:
            export(self.service.progress.watch(self.pager), self.sink)
        except RowsMissing:
            raise
        except BaseException:
            self.sink.keep_last()
            raise
        finally:
            report_outside(self.pager, self.service)
            self.service.report_members()

    @property
    def published(self) -> Path | None:
        """The file that holds the rows, once it does."""
        if not isinstance(self.output, Measured):
            return self.output.published
        return self.part.published if self.part else None

    def record(self) -> Record:
        """Return what was asked, and what came of it so far."""
        left, sink = self.left, self.sink
        query = self.pager.query if self.service.options.clients else self.query
        first, last = _end(sink.first), _end(sink.last)
        return Record(
            version=__version__,
            asked=self.asked,
            period=(_shown(query.period.start), _shown(query.period.end)),
            report_id=query.report_id,
            filter=dict(query.filter) if query.filter else None,
            rows=sink.rows,
            bytes=self.output.bytes,
            sha256=self.output.sha256,
            first=left.first if left else first,
            last=last or (left.last if left else None),
            windows=[*(left.windows if left else ()), *map(_window, self.pager.done)],
            stops=[*left.stops, Stop(left.rows, left.since)] if left else [],
            points=(left.points if left else 0) + self.service.client.calls,
            clients=self._clients(),
            overstated=self.pager.overstated,
            outside=self.pager.outside,
        )

    def _clients(self) -> list[ClientCount]:
        """Return what came of each client, where there are several."""
        if not self.service.options.clients:
            return []
        from comagic_cli.commands.agency import clients_of

        return clients_of(self.pager)

    def _keep(self, stream: BinaryIO, part: Part) -> None:
        """Make safe what is written, then say so in the checkpoint."""
        stream.flush()
        part.sync()
        record = self.record()
        kept = Checkpoint(
            format=checkpoint.FORMAT,
            fingerprint=checkpoint.fingerprint_of(record),
            since=self.sink.since,
            missing=self.pager.missing,
            **_members(record),
        )
        checkpoint.write_checkpoint(part.checkpoint, kept)
        part.kept = True


Store: TypeAlias = Callable[
    [ExportRequest, Form, ExportOptions, Reporter], tuple[Run, RowsMissing | None]
]


def export_to_output(
    wish: ExportRequest,
    form: Form,
    options: ExportOptions,
    reporter: Reporter,
    store: Store | None = None,
) -> Run:
    """Export to the output that the options name; go on with what is there where they say so.

    `store` exports to what is no stream. A manifest is written of what is complete, and of what is
    not by `RowsMissing`, which is raised after that. Raises `ComagicError`.
    """
    reason = _why_not(wish, form, options)
    if options.resume and reason:
        raise UsageProblem(f"--resume: {reason}.", hint=checkpoint.ANEW)
    with _manifest_stream(options) as notes:
        if store:
            run, missing = store(wish, form, options, reporter)
        else:
            run, missing = _export(wish, form, options, reporter, resumable=not reason)
        if notes is not None:
            manifest.write_manifest(notes, _manifest(run, missing, str(options.manifest)))
    if missing:
        raise missing
    return run


def _why_not(wish: ExportRequest, form: Form, options: ExportOptions) -> str:
    if not is_file(options.output):
        return "only a file can be gone on with; name it with -o FILE"
    if options.users:
        return "rows of several clients come one client after another, not by time"
    return why_not(wish.report, wish.sort, form.format)


def _export(
    wish: ExportRequest, form: Form, options: ExportOptions, reporter: Reporter, *, resumable: bool
) -> tuple[Run, RowsMissing | None]:
    """Export, and return what is missing once what there is has its name."""
    run = None
    try:
        with (
            open_target(options.output, keep_incomplete=options.keep_incomplete) as target,
            open_service(options, reporter) as service,
        ):
            zoned = service.zoned(form, wish)
            form = replace(zoned, look=_complete_look(zoned.look, wish.report, service))
            shared = target.under if target.part else reporter.share(target.under)
            run = _begun(wish, form, service, replace(target, under=shared))
            with open_stream(cast("Measured", run.output), options.output) as stream:
                run.write(stream, form, resumable=resumable)
    except RowsMissing as missing:
        if run is None:
            raise
        return run, missing
    except BaseException as error:
        if run is not None and run.part is not None and run.part.kept:
            _tell_to_go_on(error, options, reporter)
        raise
    return run, None


def _complete_look(look: Look, report: ReportType, service: Service) -> Look:
    """Add to a look what only the account knows; of several clients it is asked of one."""
    if not service.options.clients:
        return complete_look(look, report, service)
    from comagic_cli.commands.agency import of_any_client

    return of_any_client(service, lambda at: complete_look(look, report, at))


def _begun(wish: ExportRequest, form: Form, service: Service, target: Target) -> Run:
    """Make the query and the output; where an earlier run is gone on with, from what it left."""
    asked = asked_of(wish, form, service)
    if service.options.clients:
        query = draft(wish, service.options, rough_period(service.options), form.most)
        output = Measured(target.under, target.name)
        return Run(wish, query, asked, service, output, target.part, None)
    if not service.options.resume or target.part is None or not is_left(target.part):
        query = service.query(wish, form.most)
        output = Measured(target.under, target.name)
        return Run(wish, query, asked, service, output, target.part, None)
    left, digest = checkpoint.read_checkpoint(target.part)
    checkpoint.check_same(left, asked)
    start, end = map(datetime.fromisoformat, left.period)
    query = draft(wish, service.options, Period(start, end), form.most)
    query = replace(query, report_id=left.report_id, filter=left.filter)
    service.note(f"period {query.period}, {left.rows} rows are there")
    target.part.go_on(left.bytes)
    output = Measured(target.under, target.name, digest, left.bytes)
    output.write(gone_on(target.name))
    return Run(wish, query, asked, service, output, target.part, left)


def asked_of(wish: ExportRequest, form: Form, service: Service) -> dict[str, Any]:
    """Return the request as typed, but for the key: all that decides the rows and their bytes."""
    options = service.options
    typed = {each.name: getattr(options, each.name) for each in fields(options)}
    look = {name: value for name, value in asdict(form.look).items() if name not in OF_THE_RUN}
    return {
        "report": wish.report.command,
        "service": "a private sandbox" if options.sandbox else service.account.url,
        "fields": list(wish.columns),
        "types": wish.own_types,
        **{name.rstrip("_"): value for name, value in typed.items() if name not in ANYHOW},
        **({"user_id": list(options.users)} if options.users else {}),
        "sort": [*map(str, wish.sort)],
        "filters": wish.filter.texts,
        **({"parameters": dict(wish.extra)} if wish.extra else {}),
        "format": form.format,
        **look,
    }


def _tell_to_go_on(error: BaseException, options: ExportOptions, reporter: Reporter) -> None:
    """Say that there is something to go on with: in the error's hint, where it has one."""
    text = f"What is written is kept. Go on with: {repeat_command(options, '--resume')}"
    if isinstance(error, ComagicError):
        error.hint = f"{error.hint} {text}".strip()
    else:
        reporter.info(f"comagic: {text}")


def _manifest_stream(options: ExportOptions) -> AbstractContextManager[BinaryIO | None]:
    """Open the manifest's file before the rows are asked for: in the end it would be too late."""
    if options.manifest is None:
        return nullcontext()
    if options.manifest in STDOUT:
        raise UsageProblem("--manifest: standard output is for the rows.", hint="Name a file.")
    return open_output(options.manifest)


def _manifest(run: Run, missing: RowsMissing | None, path: str) -> Manifest:
    published = run.published
    folder = Path(os.path.realpath(path)).parent
    return Manifest(
        comagic_manifest=manifest.FORMAT,
        state="incomplete" if missing else "complete",
        missing=missing.message if missing else "",
        output=os.path.relpath(published, folder) if published else None,
        **_members(run.record()),
    )


def _members(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__struct_fields__}


def _shown(moment: datetime) -> str:
    return moment.strftime(TIME_FORMAT)


def _window(done: WindowDone) -> WindowCount:
    start, end = _shown(done.window.start), _shown(done.window.end)
    return WindowCount(start, end, done.total, done.received, done.written, done.user_id)


def _end(mark: Mark | None) -> RowEnd | None:
    if mark is None:
        return None
    return RowEnd(mark.time, None if mark.key is None else parts_of(mark.key))
