"""Recordings: those of the chosen calls become files, and a manifest has a row for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial

import msgspec

from comagic_cli.api.download import Abandoned, Downloader, DownloadError, check_whole, kind_of
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.errors import (
    ComagicError,
    NetworkFailure,
    NotAllowed,
    RowsMissing,
    UsageProblem,
)
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context, Summary, sized, spaced
from comagic_cli.export.customers import find_customers
from comagic_cli.export.manifest import name_beside
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.plan import show_plan
from comagic_cli.export.recordings.selection import (
    LINKED,
    Selection,
    WebAccount,
    is_without_component,
    older_selection,
    read_selection,
    recordings_of,
)
from comagic_cli.export.recordings.workers import Workers
from comagic_cli.export.request import ExportJob, warn_of_no_rows
from comagic_cli.files.atomic_file import resolve_target
from comagic_cli.files.cloud import is_bucket
from comagic_cli.files.collection import Collection, open_collection
from comagic_cli.files.output import STDOUT, open_output
from comagic_cli.files.stream import write_errors
from comagic_cli.formats.recordings import (
    SAVED,
    Key,
    ManifestRow,
    NameTemplate,
    Recording,
    RecordingManifest,
    is_csv_name,
    parse_manifest,
    read_names,
    same_name,
)
from comagic_cli.query.period import parse_start
from comagic_cli.query.query import TIME_FORMAT

MANIFEST = "recordings.jsonl"  # in the folder of the recordings
SAVE_EVERY = 30.0  # seconds between two writes of the manifest
PATIENCE = 3.0  # seconds that a run that was stopped waits for a bucket
MOST_LISTED = 10  # recordings that a message names
HOPELESS = 10  # failures in a row after which the run stops
CUSTOMERS = {"user_id", "customer"}
KINDS = {"mp3", "wav"}
NAME_APART = "Name them by {communication_id}, {record_id} and {ext}, and {user_id} of an agent."
RUN_AGAIN = "Run the same command again: it downloads only what is missing."


def save_recordings(
    options: ExportOptions, audio: str, context: Context, *, with_voice_mail: bool
) -> None:
    """Save the recordings of the chosen calls. Raises `ComagicError`.

    Raises `RowsMissing` in the end, where some are missing.
    """
    if options.output in STDOUT:
        raise UsageProblem("-o -: recordings are files", hint="Name them: {record_id}.{ext}.")
    template = read_names(str(options.output), audio)
    if template.is_longer:
        context.reporter.info(f"The names get the id of the recording: {template.text}")
    manifest = options.manifest or f"{template.folder}{MANIFEST}"
    is_csv_name(manifest)
    _check_text(name_beside(manifest, template.text))
    are_named = not template.names.isdisjoint(CUSTOMERS)
    if with_voice_mail and audio == "wav":
        raise UsageProblem(
            "--voice-mail can't be used with --audio wav: voice mail is mp3",
            hint="Save voice mail by a second command, without --audio.",
        )
    needs_older = audio == "wav" or with_voice_mail
    job = read_selection(options, context, needs_older=needs_older)
    if options.dry_run:
        show_plan(job)
        return
    own = find_customers(job.options, context, are_named=are_named)
    job = replace(job, options=own)
    with (
        open_collection(template.folder, context.find_store) as collection,
        connect(job.options, context) as connection,
    ):
        web = WebAccount.find(connection, options.record_host)
        run = _Run(job, template, audio, manifest, collection, connection, web, with_voice_mail)
        run.read_manifest()
        run.save_all()


def _check_text(names: str) -> None:
    """Raise `UsageProblem` for names that a manifest, which is UTF-8, can't list."""
    try:
        names.encode()
    except UnicodeEncodeError:
        raise UsageProblem(
            f"-o {names}: the manifest can't list names that are not UTF-8",
            hint="Name the files and their folder in UTF-8.",
        ) from None


def _make_downloader(connection: Connection, web: WebAccount, timeout: float) -> Downloader:
    clock, reporter = connection.context.clock, connection.context.reporter
    policy = RetryPolicy(
        max_wait=connection.client.retry_policy.max_wait, sleep=clock.sleep, jitter=clock.jitter
    )
    return Downloader(
        connection.client.current_token,
        web.is_own,
        timeout,
        policy,
        clock.monotonic,
        connection.note,
        reporter.info,
    )


@dataclass
class _Run:
    """One run: what it saves, and what came of it so far."""

    job: ExportJob
    template: NameTemplate
    audio: str
    manifest_path: str
    collection: Collection
    connection: Connection
    web: WebAccount
    with_voice_mail: bool
    manifest: RecordingManifest = field(default_factory=RecordingManifest)
    bytes: int = 0  # of the files that were saved
    received: int = 0  # bytes so far, as far as the progress needs to know
    counts: Counter[str] = field(default_factory=Counter)  # by state, and `present`
    lacking: list[ManifestRow] = field(default_factory=list)  # the first of them
    only_mp3: int = 0  # calls without a wav, where that is asked for
    _names: dict[str, Key] = field(default_factory=dict)
    _taken: set[Key] = field(default_factory=set)
    _in_a_row: int = 0  # failures of the host, and refusals
    _saved_at: float = 0.0
    _has_manifest: bool = False  # or will have one: it is written also without rows
    _selection: Selection = field(init=False)
    _downloader: Downloader = field(init=False)
    _workers: Workers[tuple[Recording, str], tuple[ManifestRow, bool]] = field(init=False)

    def __post_init__(self) -> None:
        """Make what downloads."""
        options = self.job.options
        self._downloader = _make_downloader(self.connection, self.web, options.timeout)
        self._downloader.count = self._count_bytes
        self._workers = Workers(options.jobs, self._download, self._finish)
        self._selection = Selection(self.job, self.connection)
        self.connection.progress.of_files = self._progress
        self._saved_at = self.connection.context.clock.monotonic()

    def read_manifest(self) -> None:
        """Read the manifest of earlier runs, if there is one.

        Raises `CannotWrite` where none can be written: after the downloads it would be too late.
        """
        if not is_bucket(self.manifest_path):
            with write_errors(self.manifest_path):
                resolve_target(self.manifest_path)
        self.manifest.is_csv = is_csv_name(self.manifest_path)
        text = self.connection.context.find_text(self.manifest_path, "--manifest")
        if text is not None:
            self._has_manifest = True
            self.manifest = parse_manifest(text, self.manifest_path)
        saved = (row for row in self.manifest.rows.values() if row.state == SAVED)
        self._names = {same_name(row.path): row.key for row in saved}

    def save_all(self) -> None:
        """Save what is chosen, and what was missing earlier; then say what came of it."""
        missing: RowsMissing | None = None
        try:
            try:
                for recording in self._recordings():
                    self._take(recording)
            except RowsMissing as error:
                missing = error
            for recording in self._noted():
                self._take(recording)
            self._workers.finish_all()
        except BaseException as error:
            self._stop()
            self._tell_refusals()
            with suppress(ComagicError):  # the first error is the one to report
                self._write_manifest(None if isinstance(error, Exception) else PATIENCE)
            raise
        finally:
            self._downloader.close()
        self._has_manifest = True  # also without rows: what reads it next finds a file
        self._write_manifest()
        self._report(missing)

    def _recordings(self) -> Iterator[Recording]:
        """Yield the recordings of the calls, of the older report where there is only that."""
        try:
            yield from self._of_calls()
        except NotAllowed as error:
            if self._selection.calls or not is_without_component(error, self.job):
                raise
            self.connection.note(f"{error.message}: the calls are read from the older report")
            self.job = older_selection(self.job)
            self._selection = Selection(self.job, self.connection)
            yield from self._of_calls()

    def _of_calls(self) -> Iterator[Recording]:
        with_voice_mail = self.with_voice_mail
        for call in self._selection:
            self.only_mp3 += self.audio == "wav" and not call.wav and bool(call.talk)
            yield from recordings_of(call, self.audio, self.web, with_voice_mail=with_voice_mail)

    def _noted(self) -> Iterator[Recording]:
        """Yield what the manifest says was missing, of calls since --refresh."""
        refresh = self.job.options.refresh
        if not refresh:
            return
        since = ""
        if refresh != "all":
            since = parse_start(f"-{refresh}", cache(self.connection.now)).strftime(TIME_FORMAT)
        names = [each.name for each in msgspec.structs.fields(Recording)]
        for row in list(self.manifest.rows.values()):
            if row.state != SAVED and row.time >= since and row.audio == self.audio:
                values = {name: getattr(row, name) for name in names}
                if row.kind != LINKED and not self.web.is_own(row.url):
                    values["url"] = self.web.address(row.communication_id, row.record_id, row.audio)
                yield Recording(**values)

    def _take(self, recording: Recording) -> None:
        """Skip a recording that is there, else let it be downloaded."""
        self._workers.check()
        path = self.template.fill(recording)
        name = same_name(self._place(path))
        if self._names.setdefault(name, recording.key) != recording.key:
            raise UsageProblem(
                f"-o {self.template.text}: two recordings would be {path}", hint=NAME_APART
            )
        if recording.key in self._taken:  # the account and the manifest may both name it
            return
        self._taken.add(recording.key)
        if not self._is_there(recording, path):
            self._workers.submit((recording, path))
        if self.connection.context.clock.monotonic() - self._saved_at > SAVE_EVERY:
            self._write_manifest()

    def _is_there(self, recording: Recording, path: str) -> bool:
        """Check for a whole file; add its row to the manifest if that has none."""
        size = self.collection.find(path)
        if size is None:
            return False
        row, place = self.manifest.rows.get(recording.key), self._place(path)
        if row and (row.state, row.path, row.bytes) == (SAVED, place, size):
            self.counts["present"] += 1
            return True
        if row and (row.state, row.path) == (SAVED, place):
            self.connection.note(f"{path} has another size than the manifest says: it comes anew")
            return False
        head, sha256 = self.collection.inspect(path)
        if reason := check_whole(head, size, recording.audio):
            if kind_of(head) in KINDS - {recording.audio}:
                raise UsageProblem(
                    f"-o {self.template.text}: {path} is there as {kind_of(head)}", hint=NAME_APART
                )
            self.connection.note(f"{path} is replaced: {reason}")
            return False
        self.manifest.add(_row(recording, path=place, bytes=size, sha256=sha256))
        self.counts["present"] += 1
        return True

    def _download(self, item: tuple[Recording, str]) -> tuple[ManifestRow, bool]:
        """Download a recording, in a thread of its own; return its row, and if the host failed."""
        recording, path = item
        part = self.collection.begin(path)
        try:
            self._downloader.fetch(recording.url, recording.audio, part)
            if not self.collection.publish(part, path):
                raise Abandoned
        except DownloadError as error:
            return _row(recording, state=error.state, reason=error.reason), error.gave_up
        finally:
            part.close()
        place = self._place(path)
        return _row(recording, path=place, bytes=part.size, sha256=part.sha256), False

    def _finish(self, done: tuple[ManifestRow, bool]) -> None:
        """Count what came of a download. It is called by one thread at a time."""
        row, is_down = done
        self.manifest.add(row)
        self.counts[row.state] += 1
        if row.state == SAVED:
            self.bytes += row.bytes or 0
            self._in_a_row = 0
            return
        if len(self.lacking) < MOST_LISTED:
            self.lacking.append(row)
        if row.state != "refused" and not is_down:  # the host works: the next may come
            return
        self._in_a_row += 1
        if self._in_a_row < HOPELESS:
            return
        if row.state == "refused" and not (self.counts[SAVED] or self.counts["present"]):
            raise NotAllowed(
                f"{HOPELESS} recordings in a row were refused: {row.reason}",
                hint=f"See in a browser what the host asks for: {row.url}",
            )
        if row.state == "failed":
            raise NetworkFailure(
                f"{HOPELESS} recordings in a row failed: {row.reason}",
                hint="Try again later: what is there is kept.",
            )

    def _place(self, path: str) -> str:
        """Return a path as the manifest has it."""
        return name_beside(self.manifest_path, path)

    def _tell_refusals(self) -> None:
        for text in self._downloader.refusals():
            self.connection.context.reporter.info(text)

    def _stop(self) -> None:
        self._downloader.stopped.set()
        self._workers.stop()
        self.collection.close()

    def _write_manifest(self, patience: float | None = None) -> None:
        """Write the manifest; `patience` is how long a bucket may take for each request."""
        if not self.manifest.rows and not self._has_manifest:
            return
        with self._workers.changed:  # no row is added meanwhile
            self.collection.settle()  # a row must not outlive its file
            find_store = partial(self.connection.context.find_store, patience=patience)
            with open_output(self.manifest_path, find_store=find_store) as stream:
                for chunk in self.manifest.chunks():
                    stream.write(chunk)
            self._saved_at = self.connection.context.clock.monotonic()

    def _count_bytes(self, count: int) -> None:
        self.received += count

    def _progress(self) -> Iterator[str]:
        """Describe the files that came, and how fast."""
        yield f"{_recordings_of(self.counts[SAVED])} saved"
        seconds = self.connection.progress.seconds
        if self.received and seconds > 0:
            yield f"{sized(self.received)}, {sized(round(self.received / seconds))}/s"
        if self.counts["present"]:
            yield f"{spaced(self.counts['present'])} were there"
        if lacking := self._lacking():
            yield f"{spaced(lacking)} missing"

    def _lacking(self) -> int:
        return sum(self.counts[state] for state in ("missing", "refused", "failed"))

    def _report(self, missing: RowsMissing | None) -> None:
        reporter, lacking = self.connection.context.reporter, self._lacking()
        self._tell_refusals()
        found = sum(self.counts.values())
        members = {
            "period": self._selection.ends,
            "recordings": found,
            "saved": self.counts[SAVED],
            "present": self.counts["present"],
            "missing": lacking,
            "bytes": self.bytes,
            "output": self.template.folder.rstrip("/") or ".",
            "manifest": self.manifest_path,
        }
        if not self._selection.calls and not missing:
            warn_of_no_rows(self._selection.query, self._selection.job, self.connection)
        elif not found:
            reporter.warn(_none_of(self._selection.calls))
        if self.only_mp3:
            reporter.info(_of_mp3_only(self.only_mp3))
        counted = [f"{_recordings_of(self.counts[SAVED])} saved ({sized(self.bytes)})"]
        if self.counts["present"]:
            counted.append(f"{spaced(self.counts['present'])} were there")
        counted += [f"{spaced(lacking)} missing"] if lacking else []
        summary = Summary(
            rows=self._selection.calls,
            days=(),
            points=self.connection.client.calls,
            progress=self.connection.progress,
            output=f"manifest {self.manifest_path}",
            members=members,
            counted=", ".join(counted),
        )
        reporter.finish(summary)
        self._raise_missing(missing, found, lacking)

    def _raise_missing(self, missing: RowsMissing | None, found: int, lacking: int) -> None:
        """Name the first recordings that are missing; raise the error for all."""
        reporter = self.connection.context.reporter
        for row in self.lacking:
            name = f"{row.communication_id} {row.record_id} of {row.time}"
            reporter.error(f"{name}: {row.reason}", state=row.state, url=row.url)
        if lacking > len(self.lacking):
            reporter.error(f"and {lacking - len(self.lacking)} more: see {self.manifest_path}")
        if missing:
            raise missing
        if lacking:
            verb = "is" if lacking == 1 else "are"
            raise RowsMissing(
                f"{spaced(lacking)} of {_recordings_of(found)} {verb} missing",
                hint=f"{RUN_AGAIN} The list: {self.manifest_path}",
            )


def _row(recording: Recording, **more: object) -> ManifestRow:
    return ManifestRow(**msgspec.structs.asdict(recording), **more)  # type: ignore[arg-type]  # they are its own


def _recordings_of(count: int) -> str:
    return f"{spaced(count) if count else 'no'} recording{'s' * (count != 1)}"


def _of_mp3_only(calls: int) -> str:
    has = "call has" if calls == 1 else "calls have"
    return f"{spaced(calls)} {has} a recording as mp3 only: omit --audio to save those."


def _none_of(calls: int) -> str:
    if calls == 1:
        return "1 call, and it has no recording"
    return f"{spaced(calls)} calls, and none has a recording"
