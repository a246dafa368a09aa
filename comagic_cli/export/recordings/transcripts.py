"""Transcripts: what was said in the chosen calls, as JSON Lines or as a text of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from comagic_cli.errors import (
    ComagicError,
    NetworkFailure,
    NotAllowed,
    Refused,
    RowsMissing,
    UsageProblem,
)
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context, Summary, spaced
from comagic_cli.export.customers import find_customers
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.plan import show_plan
from comagic_cli.export.recordings.selection import (
    Call,
    Selection,
    is_without_component,
    older_selection,
    read_selection,
)
from comagic_cli.export.recordings.workers import Workers
from comagic_cli.export.request import ExportJob, warn_of_no_rows
from comagic_cli.files.collection import Collection, open_collection
from comagic_cli.files.output import format_of, is_file, open_output
from comagic_cli.formats.recordings import NameTemplate, Recording, read_names, same_name
from comagic_cli.paging.lookahead import Lookahead
from comagic_cli.rows.page import Answer

METHOD = "getobj.call_session_recognition_info"
SIDES = {True: "operator", False: "contact"}
CUSTOMERS = {"user_id", "customer"}
MOST_LISTED = 10  # calls that a message names
HOPELESS = 3  # failures in a row, each after all its retries, after which the run stops
NO_TEXTS = {".jsonl", ".ndjson", ".json", ".csv", ".mp3", ".wav"}

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_objects = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True)
class Phrase:
    """One phrase of a transcript; the edited one counts where there is one."""

    text: str = ""
    start_time: str = ""
    side: str = ""

    @classmethod
    def of(cls, value: Any) -> Phrase:
        """Read one; a value of another kind than documented is read as far as it is text."""
        if not isinstance(value, dict):
            return cls(_text(value))
        is_operator = value.get("is_operator")
        side = f"{SIDES[is_operator]}: " if isinstance(is_operator, bool) else ""
        text = _text(value.get("edited_phrase")) or _text(value.get("phrase"))
        return cls(text, _text(value.get("start_time")), side)

    @property
    def line(self) -> str:
        """Return it as a line of text."""
        return f"{self.start_time} {self.side}{self.text}".strip()


def _text(value: Any) -> str:
    """Return a text or a number as one line of text."""
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return " ".join(str(value).split()) if is_text else ""


@dataclass(frozen=True)
class Transcript:
    """What the service knows of a call, as JSON, and its phrases; `error` is why it is refused."""

    members: dict[str, msgspec.Raw] = field(default_factory=dict)
    phrases: tuple[Phrase, ...] = ()
    error: ComagicError | None = None

    @classmethod
    def of(cls, answer: Answer) -> Transcript:
        """Read an answer; an empty one has no phrases."""
        data = answer.data.replace(answer.marker, b"\\\\u") if answer.marker else answer.data
        if data.lstrip().startswith(b"["):
            data = bytes(next(iter(_objects(data)), b"{}"))
        members = _object(data) if data.lstrip().startswith(b"{") else {}
        phrases = msgspec.json.decode(members.get("speech_phrases", b"null")) or []
        found = phrases if isinstance(phrases, list) else [phrases]
        return cls(members, tuple(Phrase.of(each) for each in found if each is not None))


def save_transcripts(options: ExportOptions, context: Context) -> None:
    """Write the transcripts of the chosen calls. Raises `ComagicError`.

    Raises `RowsMissing` in the end, where the service refused some.
    """
    output = options.output
    template = None
    if output is not None and "{" in output:
        template = read_names(output, with_record=False)
        if "record_id" in template.names:
            raise UsageProblem(
                f"-o {output}: a transcript is of a call, not of a recording",
                hint="Name it by {communication_id}.",
            )
        if Path(output).suffix.lower() in NO_TEXTS:
            raise UsageProblem(
                f"-o {output}: with braces each transcript is a text of its own",
                hint="Name them '{communication_id}.txt', or a file of JSON Lines without braces.",
            )
        if template.is_longer:
            context.reporter.info(f"The names get the id of the call: {template.text}")
    elif format_of(output) not in {None, "jsonl"}:
        raise UsageProblem(
            f"-o {output}: transcripts are JSON Lines, or one text a call",
            hint="Name it .jsonl, or '{communication_id}.txt'.",
        )
    job = read_selection(options, context)
    if options.dry_run:
        show_plan(job)
        return
    are_named = template is not None and not template.names.isdisjoint(CUSTOMERS)
    job = replace(job, options=find_customers(job.options, context, are_named=are_named))
    if template is None:
        with (
            _telling_incomplete(output),
            open_output(output, context.stdout, find_store=context.find_store) as stream,
            connect(job.options, context) as connection,
        ):
            _Run(job, connection, _Lines(stream)).save_all()
    else:
        with (
            open_collection(template.folder, context.find_store) as collection,
            connect(job.options, context) as connection,
        ):
            texts = _Texts(template, collection, job.options.jobs)
            try:
                _Run(job, connection, texts).save_all()
            finally:
                texts.stop()


@contextmanager
def _telling_incomplete(output: str | None) -> Iterator[None]:
    """Let the error say where the lines of a file are, of which some are missing."""
    try:
        yield
    except RowsMissing as missing:
        if is_file(output):
            missing.hint = f"What came is in {output}.incomplete. {missing.hint}"
        raise


@dataclass
class _Lines:
    """Write transcripts as JSON Lines."""

    stream: BinaryIO

    def is_there(self, call: Call) -> bool:  # noqa: ARG002 - as in `_Texts`
        """Return False."""
        return False

    def write(self, call: Call, transcript: Transcript) -> None:
        """Write a line: the call's id, then what the service answered."""
        names = ("communication_id", "user_id")
        own = {name: call.common[name] for name in names if call.common[name] is not None}
        line = msgspec.json.encode(own | transcript.members | own)
        self.stream.write(msgspec.json.format(line, indent=-1) + b"\n")

    def finish(self) -> None:
        """Do nothing: each line is written at once."""


@dataclass
class _Texts:
    """Write each transcript as a text file of its own, `jobs` at once: a put takes its time."""

    template: NameTemplate
    collection: Collection
    jobs: int
    _names: dict[str, object] = field(default_factory=dict)
    _workers: Workers[tuple[str, bytes], None] = field(init=False)

    def __post_init__(self) -> None:
        """Make the threads that write."""
        self._workers = Workers(self.jobs, self._save, lambda _: None)

    def is_there(self, call: Call) -> bool:
        """Check for the file of a call. Raises `UsageProblem` if it would be that of another."""
        path = self._path(call)
        key = (call.common["user_id"], call.common["communication_id"])
        if self._names.setdefault(same_name(path), key) != key:
            raise UsageProblem(
                f"-o {self.template.text}: two transcripts would be {path}",
                hint="Name them by {communication_id}, and {user_id} of an agent.",
            )
        return self.collection.find(path) is not None

    def write(self, call: Call, transcript: Transcript) -> None:
        """Let the file of a call be written. Raises what an earlier one raised."""
        text = "".join(f"{phrase.line}\n" for phrase in transcript.phrases)
        self._workers.submit((self._path(call), text.encode(errors="replace")))

    def finish(self) -> None:
        """Wait until all are written. Raises what writing one raised."""
        self._workers.finish_all()

    def stop(self) -> None:
        """Write no more of them."""
        self._workers.stop()

    def _save(self, item: tuple[str, bytes]) -> None:
        path, data = item
        part = self.collection.begin(path)
        try:
            part.write(data)
            self.collection.publish(part, path)
        finally:
            part.close()

    def _path(self, call: Call) -> str:
        return self.template.fill(Recording(**call.common, record_id="", audio="txt"))


@dataclass
class _Run:
    """One run: the calls it asks for, and what came of them so far."""

    job: ExportJob
    connection: Connection
    sink: _Lines | _Texts
    saved: int = 0
    present: int = 0
    without: int = 0
    refused: int = 0
    refusals: list[tuple[Call, ComagicError]] = field(default_factory=list)  # the first of them
    _failed_in_a_row: int = 0
    _selection: Selection = field(init=False)

    def __post_init__(self) -> None:
        """Show the progress of transcripts."""
        self._selection = Selection(self.job, self.connection)
        self.connection.progress.of_files = self._progress

    def save_all(self) -> None:
        """Write all transcripts, in the order of the calls, then say what came of them."""
        client = self.connection.client
        ahead = Lookahead(
            self.job.options.jobs, spare=lambda: client.spare_points, note=self.connection.note
        )
        waiting = deque[tuple[object, Callable[[], Transcript], Call]]()
        missing: RowsMissing | None = None

        def take_first() -> None:
            ahead.begin((key, ask) for key, ask, _ in waiting)
            key, ask, call = waiting.popleft()
            self._finish(call, ahead.call(key, ask))

        try:
            for call in self._calls():
                if self.sink.is_there(call):
                    self.present += 1
                    continue
                ask = partial(ahead.measure, partial(self._ask, call))
                waiting.append(((call.session_id, call.common["user_id"]), ask, call))
                if len(waiting) >= self.job.options.jobs:
                    take_first()
        except RowsMissing as error:
            missing = error
        while waiting:
            take_first()
        self.sink.finish()
        self._report(missing)

    def _calls(self) -> Iterator[Call]:
        """Yield the calls with recordings, of the older report where there is only that."""
        try:
            yield from (call for call in self._selection if call.talk or call.link)
        except NotAllowed as error:
            if self._selection.calls or not is_without_component(error, self.job):
                raise
            self.connection.note(f"{error.message}: the calls are read from the older report")
            self.job = older_selection(self.job)
            self._selection = Selection(self.job, self.connection)
            yield from (call for call in self._selection if call.talk or call.link)

    def _ask(self, call: Call) -> Transcript:
        client, user_id = self.connection.client, call.common["user_id"]
        try:
            answer = client.call_as(user_id, METHOD, {"call_session_id": _number(call.session_id)})
        except Refused as error:
            return Transcript(error=error)
        except NetworkFailure as error:
            if error.mnemonic != "internal_error":  # with it the service fails on this call only
                raise
            return Transcript(error=error)
        return Transcript.of(answer)

    def _finish(self, call: Call, transcript: Transcript) -> None:
        is_failed = isinstance(transcript.error, NetworkFailure)
        self._failed_in_a_row = self._failed_in_a_row + 1 if is_failed else 0
        if transcript.error is not None:
            if self._failed_in_a_row == HOPELESS:
                raise transcript.error
            self.refused += 1
            if len(self.refusals) < MOST_LISTED:
                self.refusals.append((call, transcript.error))
        elif not transcript.phrases:
            self.without += 1
        else:
            self.sink.write(call, transcript)
            self.saved += 1

    def _progress(self) -> Iterator[str]:
        yield f"{_transcripts_of(self.saved)}"
        if self.without:
            yield f"{spaced(self.without)} calls without one"

    def _report(self, missing: RowsMissing | None) -> None:
        reporter, selection = self.connection.context.reporter, self._selection
        counted = [f"{_transcripts_of(self.saved)}"]
        counted += [f"{spaced(self.present)} were there"] if self.present else []
        without = self.without + selection.calls - selection.recorded
        calls = "call" if without == 1 else "calls"
        counted += [f"{spaced(without)} {calls} without one"] if without else []
        if not selection.calls and not missing:
            warn_of_no_rows(selection.query, selection.job, self.connection)
        elif without:
            reporter.info(
                f"{spaced(without)} of {spaced(selection.calls)} calls have no transcript."
            )
        members = {
            "period": selection.ends,
            "transcripts": self.saved,
            "present": self.present,
            "without": without,
            "refused": self.refused,
            "output": self.job.options.output,
        }
        summary = Summary(
            rows=selection.calls,
            days=(),
            points=self.connection.client.calls,
            progress=self.connection.progress,
            members=members,
            counted=", ".join(counted),
        )
        reporter.finish(summary)
        if missing:
            raise missing
        if self.refusals:
            self._raise_refused()

    def _raise_refused(self) -> None:
        """Name the first calls whose transcripts are refused; raise the error for all."""
        first = self.refusals[0][1]
        if not self.saved and not self.present and not self.without:
            raise first
        for call, error in self.refusals:
            name = f"{call.common['communication_id']} of {call.common['time']}"
            self.connection.context.reporter.error(f"{name}: {error.message}")
        verb = "transcript is" if self.refused == 1 else "transcripts are"
        more = self.refused - len(self.refusals)
        raise RowsMissing(
            f"{spaced(self.refused)} {verb} missing{f', {more} more than named' * (more > 0)}",
            hint="Run the same command again, or omit these calls with --where.",
        )


def _number(id_: int | str) -> int | str:
    return int(id_) if isinstance(id_, str) and id_.isdecimal() else id_


def _transcripts_of(count: int) -> str:
    return f"{spaced(count) if count else 'no'} transcript{'s' * (count != 1)}"
