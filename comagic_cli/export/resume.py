"""Resuming: checkpoints of what is safe on the disk, and the sink that writes them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from comagic_cli.errors import UsageProblem
from comagic_cli.export.fingerprint import Identity, differences, digest
from comagic_cli.export.manifest import Record
from comagic_cli.files.atomic_file import write_private
from comagic_cli.files.store import UnfinishedFile
from comagic_cli.files.stream import read_errors, write_errors
from comagic_cli.formats.base import Sink
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.period import Period
from comagic_cli.query.query import IDS, Query
from comagic_cli.rows.page import Mark, Page

FORMAT = 3  # of the checkpoint and of the unfinished file beside it
START_AGAIN = "Omit --resume to start again."
CHUNK = 1 << 20
MAX_SHARE = 0.03  # of the time may be spent on checkpoints: to flush bytes to the disk takes some
RESUMABLE = ("csv", "tsv", "jsonl")  # formats that may end between any two rows


class Checkpoint(Record, frozen=True, kw_only=True):
    """What an unfinished export has on the disk.

    `bytes` of the unfinished file are safe, with that `sha256`. `since` is the position of the
    reader there: see `Reader`. `missing` says what the windows that were read lack.
    """

    format: int
    fingerprint: str
    since: str
    missing: list[str]


class _Format(msgspec.Struct):
    format: Any = None
    version: Any = None


def fingerprint_of(record: Record) -> str:
    """Return the SHA-256 of all that decides which rows come, and how they are written."""
    return digest([record.asked, record.period, record.report_id, record.filter])


def write_checkpoint(path: Path, record: Record, since: str, missing: list[str]) -> None:
    """Write a checkpoint, whole or not at all. Raises `CannotWrite`."""
    checkpoint = Checkpoint(
        format=FORMAT,
        fingerprint=fingerprint_of(record),
        since=since,
        missing=missing,
        **record.members,
    )
    with write_errors(str(path)):
        write_private(path, msgspec.json.encode(checkpoint), path.with_name(f"{path.name}.new"))


def has_checkpoint(file: UnfinishedFile) -> bool:
    """Check for an unfinished file; one that ended before its first rows is none."""
    return file.checkpoint_path.exists() and file.path.exists()


def read_checkpoint(file: UnfinishedFile, identity: Identity) -> tuple[Checkpoint, hashlib._Hash]:
    """Read the checkpoint of an unfinished file, and the hash of the bytes that are safe.

    Raises `UsageProblem` where it is of another format or request, or the file was changed.
    """
    with read_errors(str(file.checkpoint_path)):
        checkpoint = _decode(file, file.checkpoint_path.read_bytes())
    with read_errors(str(file.path)):
        hashed = _hash_file(file.path, checkpoint.bytes)
    if hashed.hexdigest() != checkpoint.sha256:
        raise UsageProblem(
            f"--resume: {file.path} is not as the unfinished export left it.", hint=START_AGAIN
        )
    if changes := differences(checkpoint.asked, identity):
        raise UsageProblem(
            f"--resume: the unfinished export asked for something else: {changes}.",
            hint="Type the same as then, or omit --resume to start again.",
        )
    return checkpoint, hashed


def _decode(file: UnfinishedFile, text: bytes) -> Checkpoint:
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        header = msgspec.json.decode(text, type=_Format)
        if header.format != FORMAT:
            raise UsageProblem(
                f"--resume: {file.checkpoint_path} is of format {header.format}, by comagic "
                f"{header.version}; this version reads format {FORMAT}.",
                hint=START_AGAIN,
            )
        checkpoint = msgspec.json.decode(text, type=Checkpoint)
        if fingerprint_of(checkpoint) == checkpoint.fingerprint:
            return checkpoint
    raise UsageProblem(
        f"--resume: {file.checkpoint_path} is damaged or was changed by hand.", hint=START_AGAIN
    )


def _hash_file(path: Path, size: int) -> hashlib._Hash:
    """Hash the first bytes of a file, or all where it is shorter."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while size and (chunk := file.read(min(size, CHUNK))):
            hashed.update(chunk)
            size -= len(chunk)
    return hashed


def reason_against(request: ExportRequest, format_: str) -> str:
    """Return why an export to a file can't be resumed; "" where it can."""
    if format_ not in RESUMABLE:
        return f"a {format_} file is written whole; only {', '.join(RESUMABLE)} can be resumed"
    report = request.report
    if any(name in request.extra for name in IDS):
        return f"rows of {report.command} come by the ids asked for, not by time"
    if not report.time:
        return f"rows of {report.command} have no time to continue from"
    nowhere = Period(datetime.min, datetime.min)  # noqa: DTZ901 - the order does not depend on it
    if not Query(report, 0, nowhere, (), sort=request.sort).by_time:
        return "only an export sorted by time can be resumed"
    return ""


def remaining_query(query: Query, checkpoint: Checkpoint | None) -> Query:
    """Return the query of what an earlier run did not write: that many rows fewer."""
    if checkpoint is None or query.max_rows is None:
        return query
    return replace(query, max_rows=max(0, query.max_rows - checkpoint.rows))


class CheckpointingSink:
    """Pass pages on to a sink, know what was written, and save it now and then.

    `save` is called between two pages, after each unless that would take more than `MAX_SHARE` of
    the time: all that was written so far can be made safe then. `since` is the reader's position
    there. `checkpoint` is that of an earlier run: the header is written.
    """

    def __init__(
        self,
        sink: Sink,
        checkpoint: Checkpoint | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.save: Callable[[], None] | None = None
        self.rows = self._saved_rows = checkpoint.rows if checkpoint else 0
        self.since = checkpoint.since if checkpoint else ""
        self.first: Mark | None = None
        self.last: Mark | None = None
        self.inner = sink
        self._has_header = checkpoint is not None
        self._clock = clock
        self._next_at: float | None = None  # when the next checkpoint is due
        self._is_between_pages = True  # whatever interrupts

    def begin(self) -> None:
        """Write what stands before the rows, unless it is there."""
        if not self._has_header:
            self.inner.begin()

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        self._is_between_pages = False
        self.inner.write(page)
        if marks := page.marks:
            self.first = self.first or marks[0]
            self.last = marks[-1]
        self.rows += page.count
        self.since = page.since
        self._is_between_pages = True
        if page.since and (self._next_at is None or self._clock() >= self._next_at):
            self._save()

    def end(self) -> None:
        """Write what stands after the rows."""
        self.inner.end()

    def save_last(self) -> None:
        """Save what is written, where the export ends early between two pages."""
        if self._is_between_pages and self.since and self.rows > self._saved_rows:
            with suppress(Exception):  # report the first error; the previous checkpoint stays valid
                self._save()

    def _save(self) -> None:
        if self.save is None:
            return
        self._is_between_pages = False
        started = self._clock()
        self.save()
        ended = self._clock()
        self._is_between_pages = True
        self._saved_rows = self.rows
        self._next_at = ended + (ended - started) / MAX_SHARE
