"""The sandbox itself: a Data API on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock, Thread
from time import time
from typing import TYPE_CHECKING, Any, Final, Self

from comagic_cli.sandbox import faults, media
from comagic_cli.sandbox.data import rhythm
from comagic_cli.sandbox.faults import Answer
from comagic_cli.sandbox.loopback import PATH, listen
from comagic_cli.sandbox.methods.accounts import TOKEN
from comagic_cli.sandbox.methods.api import Api, Request, read
from comagic_cli.sandbox.methods.discovery import ANSWERED_AS
from comagic_cli.sandbox.methods.refusals import Refusal
from comagic_cli.sandbox.methods.reports import comparable
from comagic_cli.sandbox.methods.shapes import encode, rows_as_dicts, shaper
from comagic_cli.sandbox.quirks import Fault, Quirks
from comagic_cli.sandbox.worlds import Worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

SECRETS: Final = ("access_token", "password")
_NOT_JSON: Final = "?"  # the method of a call that can't be read


@dataclass(frozen=True)
class Call:
    """One call as it came: its params (secrets masked), what became of it, and rows returned.

    `outcome` is "ok", a mnemonic, or a fault's kind; `faulted` says that a fault made it. A spoilt
    answer (slow, truncated, …) counts the rows it would have brought.
    """

    method: str
    params: dict[str, Any]
    outcome: str
    rows: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    faulted: bool = False


class Sandbox:
    """A Data API of one's own, on loopback.

    `rows` communications over `span` (two moments as text), or by `times` (row number → moment);
    `data` gives a report's rows outright. `now` is the account's time, as text or a moment; `clock`
    tells the seconds of sessions and points. `port` 0 is any free one.
    """

    def __init__(  # noqa: PLR0913  # each is a choice of its own, and all but none is the rule
        self,
        *,
        quirks: Quirks | None = None,
        rows: int | None = None,
        span: tuple[str, str] | None = None,
        times: Callable[[int], datetime] | None = None,
        data: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        seed: int = 1,
        now: datetime | str | None = None,
        clock: Callable[[], float] = time,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.quirks = quirks or Quirks()
        self.journal: list[Call] = []
        self.token = TOKEN
        moment = datetime.fromisoformat(now) if isinstance(now, str) else now
        edges = (rhythm.parse(span[0]), rhythm.parse(span[1])) if span else None
        self.worlds = Worlds(self.quirks, seed, rows, edges, times, moment, data or {})
        self._api = Api(self.quirks, self.worlds, clock)
        self._schedule, of_media = (
            faults.Schedule(
                tuple(
                    fault
                    for fault in self.quirks.faults
                    if (fault.method == media.RECORDING) is is_of_media
                )
            )
            for is_of_media in (False, True)
        )
        self._media = media.Media(self.quirks, of_media, self._api.is_token, self._note_fetch)
        self._lock = Lock()
        self._server = listen(host, port, self.answer, self._media.answer, gzipped=self.quirks.gzip)
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """The base URL."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}{PATH}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, name="sandbox", daemon=True)
        self._server.expect()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if error is None and self._server.bugs:
            raise self._server.bugs[0]

    def serve_forever(self) -> None:
        """Serve until `close` is called from another thread, or an exception ends it.

        A signal's handler must raise: `close` on the serving thread would wait for itself.
        """
        self._server.serve_forever()

    def close(self) -> None:
        """Stop serving; connections are shut and sleeping answers woken."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join()

    def truth(
        self,
        command: str,
        start: str,
        end: str,
        *,
        user_id: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows a perfect export of the shown times `start` … `end` holds, in order.

        For sums over a period see `every_row`.
        """
        report = self.worlds.report(user_id, command)
        make = shaper(report.type, report.rows.source, self.quirks)
        paths = [path.split(".") for path in report.type.key]
        makers = [(make(path[0]), path[1:]) for path in paths]
        first, last = (rhythm.parse(edge) // rhythm.SECOND for edge in (start, end))
        rows = report.truth(
            first, last, lambda row: [_at(make(row), path) for make, path in makers]
        )
        fields_of = [field.name for field in report.type.fields if field.documented]
        names = fields or [*fields_of, *self.quirks.columns]
        whole = replace(self.quirks, missing_keys=False)
        shaped = rows_as_dicts(rows, names, lambda name: make(ANSWERED_AS.get(name, name)), whole)
        text = encode(shaped, self.quirks).decode(errors="replace")
        loaded: list[dict[str, Any]] = json.loads(text)
        return loaded

    def every_row(self, method: str, **params: Any) -> list[dict[str, Any]]:
        """Return every row of a list or of sums, all pages of it, without a call.

        For rows that are counted by time see `truth`.
        """
        rows = self._api.every_row(method, params)
        loaded: list[dict[str, Any]] = json.loads(
            encode(rows, self.quirks).decode(errors="replace")
        )
        return loaded

    def answer(self, body: bytes, headers: tuple[tuple[str, str], ...]) -> Answer:
        """Answer the body of a call, and write the call down."""
        with self._lock:
            try:
                request = read(body)
            except Refusal as refusal:
                self._note(Request(None, _NOT_JSON, {}), refusal.mnemonic, headers)
                return self._refused(None, refusal)
            fault = self._schedule.next(request.method)
            if fault is not None and (fault.kind in faults.INSTEAD or fault.kind.isdigit()):
                self._note(request, fault.kind, headers, faulted=True)
                return faults.instead(fault)
            return self._answered(request, fault, headers)

    def _answered(
        self, request: Request, fault: Fault | None, headers: tuple[tuple[str, str], ...]
    ) -> Answer:
        planned = faults.refusal(fault) if fault else None
        try:
            if planned is not None:
                raise planned
            result = self._api.result(request)
        except Refusal as refusal:
            self._note(request, refusal.mnemonic, headers, faulted=refusal is planned)
            answer = self._refused(request.id, refusal)
        else:
            data = result["data"]
            rows = len(data) if isinstance(data, list) else 1
            outcome = fault.kind if fault else "ok"
            self._note(request, outcome, headers, rows=rows, faulted=bool(fault))
            whole = {"jsonrpc": "2.0", "id": _id(request, fault), "result": result}
            answer = Answer(encode(whole, self.quirks))
        return faults.spoilt(fault, answer) if fault else answer

    def _refused(self, id_: Any, refusal: Refusal) -> Answer:
        error = refusal.envelope(self.quirks)
        return Answer(encode({"jsonrpc": "2.0", "id": id_, "error": error}, self.quirks))

    def _note(
        self,
        request: Request,
        outcome: str,
        headers: tuple[tuple[str, str], ...],
        *,
        rows: int = 0,
        faulted: bool = False,
    ) -> None:
        masked = {name: "***" if name in SECRETS else v for name, v in request.params.items()}
        self.journal.append(Call(request.method, masked, outcome, rows, headers, faulted))

    def _note_fetch(self, path: str, outcome: str, headers: Mapping[str, str]) -> None:
        call = Call(media.RECORDING, {"path": path}, outcome, headers=tuple(headers.items()))
        with self._lock:
            self.journal.append(call)


def _id(request: Request, fault: Fault | None) -> Any:
    return "another" if fault is not None and fault.kind == "wrong_id" else request.id


def _at(value: Any, path: Sequence[str]) -> tuple[bool, bool, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return comparable(value)


def open_sandbox(*, is_agent: bool) -> Sandbox:
    """Make a private sandbox for one command."""
    return Sandbox(quirks=Quirks(agent=is_agent))
