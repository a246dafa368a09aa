"""The calls with recordings of an account: of the flat report, else of the older one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from comagic_cli.api.proxies import is_loopback
from comagic_cli.errors import NotAllowed, UnknownField, UsageProblem
from comagic_cli.export.connection import Connection
from comagic_cli.export.context import Context
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.request import ExportJob, columns_of, make_reader, read_job
from comagic_cli.formats.recordings import Id, Recording
from comagic_cli.formats.transforms import APPS, web_account
from comagic_cli.query.catalog import report
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.older import NO_COMPONENT, older_filter
from comagic_cli.query.query import Query
from comagic_cli.rows.decode import RowReader

FLAT, OLDER = "calls", "calls-report"
FIELDS: Mapping[str, Mapping[str, str]] = {
    FLAT: {
        "communication_id": "communication_id",
        "time": "call_start_date_time",
        "contact_phone_number": "contact_phone_number",
        "virtual_phone_number": "virtual_phone_number",
        "direction": "call_direction",
        "employees": "employees",
        "duration": "call_talk_duration",
        "talk": "call_records",
    },
    OLDER: {
        "communication_id": "communication_id",
        "session_id": "id",
        "time": "start_time",
        "contact_phone_number": "contact_phone_number",
        "virtual_phone_number": "virtual_phone_number",
        "direction": "direction",
        "employees": "employees",
        "duration": "talk_duration",
        "talk": "call_records",
        "wav": "wav_call_records",
        "voice_mail": "voice_mail_records",
        "link": "full_record_file_link",
    },
}
"""What is read of a call, and the field of each report that has it."""
LINKED = "full"  # the id of a recording that only has a link


@dataclass(frozen=True)
class Call:
    """One call: its id in `getobj.` methods, what its recordings have in common, and their ids."""

    session_id: Id
    common: Mapping[str, Any]
    talk: tuple[str, ...] = ()
    wav: tuple[str, ...] = ()
    voice_mail: tuple[str, ...] = ()
    link: str = ""

    @property
    def is_recorded(self) -> bool:
        """Whether it has any recording."""
        return bool(self.talk or self.wav or self.voice_mail or self.link)


def read_selection(
    options: ExportOptions, context: Context, *, needs_older: bool = False
) -> ExportJob:
    """Read which calls are meant; `needs_older` says that only the older report will do.

    A filter may be typed in the fields of either report. Raises `UsageProblem`.
    """
    try:
        job = _read(FLAT, options, context)
    except (UnknownField, NotAllowed) as error:
        is_unknown = isinstance(error, UnknownField)
        if not is_unknown and error.mnemonic != NO_COMPONENT:
            raise
        try:
            return _read(OLDER, options, context)
        except UnknownField:
            raise error from None
    return older_selection(job) if needs_older else job


def _read(command: str, options: ExportOptions, context: Context) -> ExportJob:
    fields = tuple(FIELDS[command].values())
    return read_job(report(command), replace(options, fields=fields), context)


def older_selection(job: ExportJob) -> ExportJob:
    """Return the same selection of the older report. Raises `UsageProblem` if it has no equal."""
    if job.request.report.command == OLDER:
        return job
    tree = job.request.tree(cache(job.context.clock.now))
    where: tuple[str, ...] = ()
    if tree is not None:
        equal, missing = older_filter(job.request.report, tree)
        if equal is None or missing:
            raise UsageProblem(
                f"--where: {OLDER} is needed here, and can't be filtered by {'; '.join(missing)}",
                hint=f"Write the filter with its fields: comagic fields {OLDER}.",
            )
        where = (to_expression(equal),)
    options = replace(job.options, where=where, filter_json=None, report_id=None)
    return _read(OLDER, options, job.context)


def is_without_component(error: NotAllowed, job: ExportJob) -> bool:
    """Check that an account lacks the component of the flat reports, but may have the older."""
    return error.mnemonic == NO_COMPONENT and job.request.report.command == FLAT


@dataclass
class Selection:
    """The calls of a job, as they come: how many there were, and how many had a recording."""

    job: ExportJob
    connection: Connection
    calls: int = 0
    recorded: int = 0
    query: Query = field(init=False)

    @property
    def ends(self) -> list[str]:
        """The first and the last second of the calls, once they are asked for."""
        return [str(self.query.period.start), str(self.query.period.end)]

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls. Raises what the reader raises, `RowsMissing` in the end."""
        job, connection = self.job, self.connection
        reader = make_reader(job, connection, job.options.max_rows)
        names = [each.name for each in columns_of(job, reader.query)]
        rows = RowReader(tuple(names))
        self.query = reader.query
        connection.progress.watch(reader)
        try:
            for page in reader.pages():
                for values in rows.plain(page):
                    call = self._call(dict(zip(names, values, strict=True)))
                    self.calls += 1
                    self.recorded += call.is_recorded
                    connection.progress.reach(call.common["time"])
                    yield call
        finally:
            connection.report_oddities(reader)

    def _call(self, row: Mapping[str, Any]) -> Call:
        known = FIELDS[self.job.request.report.command]
        values = {name: row.get(field) for name, field in known.items()}
        session_id = _id(values.get("session_id")) or _id(values["communication_id"])
        user_id = row.get("user_id", self.connection.account.user_id)
        common = {
            "communication_id": _id(values["communication_id"]) or session_id,
            "time": _text(values["time"]),
            "contact_phone_number": _text(values["contact_phone_number"]),
            "virtual_phone_number": _text(values["virtual_phone_number"]),
            "direction": _text(values["direction"], "value_id"),
            "employees": tuple(_texts(values["employees"], "employee_full_name")),
            "duration": _id(values["duration"]),
            "user_id": user_id if isinstance(user_id, int) else None,
            "customer": _text(row.get("customer_name")),
        }
        talk, wav, mail = (
            tuple(_texts(values.get(name))) for name in ("talk", "wav", "voice_mail")
        )
        return Call(session_id or "", common, talk, wav, mail, _text(values.get("link")))


def recordings_of(
    call: Call, audio: str, web: WebAccount, *, with_voice_mail: bool
) -> Iterator[Recording]:
    """Yield the recordings of a call, each with its address."""
    id_ = call.common["communication_id"]
    if not id_:
        return
    ids = call.talk if audio == "mp3" else call.wav
    link = call.link
    if link.startswith("http:") and not web.is_own(link):
        link = link.replace("http:", "https:", 1)  # where plain HTTP redirects to
    for record in dict.fromkeys(ids):
        url = web.address(id_, record, audio)
        # The link is that of all parts together, so it is another recording where there are more.
        if audio == "mp3" and len(ids) == 1 and web.is_own(link):
            url = link
        yield Recording(**call.common, record_id=record, audio=audio, url=url)
    if audio == "mp3" and not ids and link.startswith("https:"):
        yield Recording(**call.common, record_id=LINKED, kind=LINKED, url=link)
    for record in dict.fromkeys(call.voice_mail) if with_voice_mail and audio == "mp3" else ():
        url = web.address(id_, record, audio)
        yield Recording(**call.common, record_id=record, kind="voice_mail", url=url)


@dataclass(frozen=True)
class WebAccount:
    """The web account of a service, which has the recordings: its address, and the API's."""

    address_of_account: str
    api: str

    @classmethod
    def find(cls, connection: Connection, host: str | None) -> WebAccount:
        """Find it by the address of the API, or by the host that was typed.

        A sandbox is its own web account. Raises `UsageProblem` where it is not known.
        """
        api = connection.account.url
        parts = urlsplit(api)
        own = f"{parts.scheme}://{parts.netloc}" if is_loopback(parts.hostname or "") else None
        found = web_account(api, host) if host or own is None else own
        if not found:
            raise UsageProblem(
                f"where the recordings of {api} are is not known",
                hint=f"Name the web account's host: --record-host {APPS['dataapi.comagic.ru']}",
            )
        return cls(found, api)

    def address(self, communication_id: Id, record_id: str, audio: str) -> str:
        """Return the address of a recording."""
        folder = "talk" if audio == "mp3" else audio
        ids = (quote(str(id_), safe="") for id_ in (communication_id, record_id))
        return "/".join((self.address_of_account, "system/media", folder, *ids, ""))

    def is_own(self, url: str) -> bool:
        """Check that an address belongs to the service, so that it may be sent the token.

        Of a service that is not known by its name only the host of the API does.
        """
        api, home = urlsplit(self.api), urlsplit(self.api).hostname or ""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # the account and the manifest may name anything
            return False
        if parts.scheme != "https" and not (is_loopback(host) and is_loopback(home)):
            return False
        if parts.netloc == api.netloc:
            return True
        domain = APPS.get(home, "").removeprefix("app.")
        is_below = bool(domain) and (host == domain or host.endswith(f".{domain}"))
        return is_below and port in {None, 443} and "@" not in parts.netloc


def _id(value: Any) -> Id | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return str(value) if isinstance(value, str) and value else None


def _text(value: Any, member: str = "value") -> str:
    """Return a text or a number as text; of an object, that member of it."""
    if isinstance(value, dict):
        value = value.get(member, value.get("value"))
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _texts(value: Any, member: str = "value") -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if text := _text(item, member):
            yield text
