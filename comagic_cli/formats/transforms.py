"""Changes of rows before a format writes them: times with offsets, addresses of recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.formats.base import FormatOptions, Sink
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.page import Page, slices

COLUMN = "call_record_urls"
FILES = "call_record_files"
NEEDED = ("communication_id", "call_records")  # the fields that addresses consist of
APPS = {
    "dataapi.comagic.ru": "app.comagic.ru",
    "dataapi.uiscom.ru": "app.uiscom.ru",
    "dataapi.callgear.com": "app.callgear.com",
    "dataapi.callgear.ae": "app.callgear.ae",
    "dataapi-jsonrpc.novofon.ru": "app.novofon.ru",
}
"""The host of the web account for each host of the API."""
PLAIN = re.compile(rb'"?([A-Za-z0-9._~-]+)"?')
NULL = msgspec.Raw(b"null")
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def web_account(api: str, host: str | None) -> str | None:
    """Return the address of the web account by its host or the API's address, else `None`."""
    host = host or APPS.get(urlsplit(api).hostname or "")
    return host and (host if "://" in host else f"https://{host}")


def addresses(web: str, communication: msgspec.Raw, records: msgspec.Raw) -> msgspec.Raw:
    """Return the array of addresses for an array of recording ids; null for any other value.

    Null replaces the address if the recording or the communication has no id.
    """
    try:
        ids = _ITEMS.decode(records)
    except msgspec.ValidationError:
        return NULL
    start, talk = f"{web}/system/media/talk".encode(), _text(communication)
    made = (_address(start, talk, _text(record)) for record in ids)
    return msgspec.Raw(b"[" + b",".join(made) + b"]")


def _address(start: bytes, talk: bytes, record: bytes) -> bytes:
    return b'"%s/%s/%s/"' % (start, talk, record) if talk and record else b"null"


def _text(raw: msgspec.Raw) -> bytes:
    """Return an id (a number or a text) as part of an address; empty for any other value."""
    data = bytes(raw)
    if data in (b"null", b"true", b"false"):
        return b""
    if plain := PLAIN.fullmatch(data):
        return plain[1]
    return quote(json.loads(data), safe="").encode() if data.startswith(b'"') else b""


TIME = rb'"(\d{4}-\d\d-\d\d)[ T]((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d(?:\.\d+)?)"'
WHOLE = re.compile(TIME)
MAX_CACHED = 4_096  # minutes: rows are sorted by time, so that few are needed again
MINUTE = len("2024-10-02T12:00")

Edit = Callable[[msgspec.Raw], msgspec.Raw]


def edit_times(field: Field, zone: str) -> Edit | None:
    """Return a function that writes a field's times as `2024-10-02T12:00:00+03:00`.

    `None` if neither the field nor a member of its items is a time. A value that is not a time of
    the zone is unchanged. Of an hour that the clock shows twice, the first is meant.
    """
    offset = offsets(zone)

    def add_offset(match: re.Match[bytes]) -> bytes:
        date, minute, rest = match.groups()[-3:]
        found = offset(date + b"T" + minute)
        head = match[0][: match.start(len(match.groups()) - 2) - match.start()]
        return (
            match[0] if found is None else b"".join((head, date, b"T", minute, rest, found, b'"'))
        )

    if field.type == "iso8601":
        return _of_field(add_offset)
    names = [member.name for member in field.members if member.type == "iso8601"]
    return _of_members(names, add_offset) if names else None


def _of_field(add_offset: Callable[[re.Match[bytes]], bytes]) -> Edit:
    def edit(raw: msgspec.Raw) -> msgspec.Raw:
        match = WHOLE.fullmatch(raw)
        return msgspec.Raw(add_offset(match)) if match else raw

    return edit


def _of_members(names: list[str], add_offset: Callable[[re.Match[bytes]], bytes]) -> Edit:
    """Edit the members of those names, but not inside of texts, where quotes are escaped."""
    known = "|".join(map(re.escape, names)).encode()
    member = re.compile(rb'(?<!\\)("(?:' + known + rb')"\s*:\s*)' + TIME)
    return lambda raw: msgspec.Raw(member.sub(add_offset, bytes(raw)))


@lru_cache(maxsize=8)
def offsets(zone: str) -> Callable[[bytes], bytes | None]:
    """Return a cached function from a minute of the wall clock to its offset, `None` if invalid."""
    clock = ZoneInfo(zone)

    @lru_cache(maxsize=MAX_CACHED)
    def offset(minute: bytes) -> bytes | None:
        with suppress(ValueError):
            moment = datetime.fromisoformat(minute.decode()).replace(tzinfo=clock, fold=0)
            return moment.isoformat("T", "minutes")[MINUTE:].encode()
        return None

    return offset


Change = Callable[[list[Any]], None]


class TransformSink:
    """Change the rows of each page, then pass it to another sink; other values are unchanged.

    `make` makes the sink for the columns, including the added one.
    """

    def __init__(
        self,
        make: Callable[[Sequence[Field]], Sink],
        columns: Sequence[Field],
        format_options: FormatOptions,
    ) -> None:
        added: tuple[Field, ...] = ()
        added += (Field(COLUMN, "array"),) if format_options.record_urls else ()
        added += (Field(FILES, "array"),) if format_options.record_files else ()
        needed = NEEDED if format_options.record_urls else NEEDED[:1] if added else ()
        names = (field.name for field in (*columns, *added))
        self._sink = make((*columns, *added))
        self._reader = RowReader(tuple(dict.fromkeys((*names, *needed))))
        self._columns = columns
        self._format_options = format_options

    @property
    def remark(self) -> str:
        """Return the remark of a table once it is written."""
        return getattr(self._sink, "remark", "")

    def begin(self) -> None:
        """Write what comes before the rows."""
        self._sink.begin()

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        format_options = replace(self._format_options, zone=page.zone or self._format_options.zone)
        made = changes(self._columns, self._reader.columns, format_options)
        for part in slices(page):
            rows = list(self._reader.raw(part))
            for change in made:
                change(rows)
            self._sink.write(Page(rows, part.marker))

    def end(self) -> None:
        """Write what comes after the rows."""
        self._sink.end()


def changes(
    columns: Sequence[Field], names: Sequence[str], format_options: FormatOptions
) -> list[Change]:
    """Return functions that change raw rows in place; `names` are the columns f0, f1, …."""
    found = []
    for place, field in enumerate(columns):
        if format_options.times == "iso" and (
            edit := edit_times(field, cast("str", format_options.zone))
        ):
            found.append(_edit_column(f"f{place}", edit))
    if format_options.record_urls:
        talk, records, made = (f"f{names.index(name)}" for name in (*NEEDED, COLUMN))
        found.append(_add_addresses(format_options.web, talk, records, made))
    if format_options.files_of:
        talk, made = (f"f{names.index(name)}" for name in (NEEDED[0], FILES))
        found.append(_add_files(format_options.files_of, talk, made))
    return found


def _edit_column(member: str, edit: Callable[[msgspec.Raw], msgspec.Raw]) -> Change:
    def change(rows: list[Any]) -> None:
        for row in rows:
            setattr(row, member, edit(getattr(row, member)))

    return change


def _add_addresses(web: str, talk: str, records: str, made: str) -> Change:
    def change(rows: list[Any]) -> None:
        for row in rows:
            found = addresses(web, getattr(row, talk), getattr(row, records))
            setattr(row, made, found)

    return change


def _add_files(files_of: Callable[[str], Sequence[str]], talk: str, made: str) -> Change:
    def change(rows: list[Any]) -> None:
        for row in rows:
            found = files_of(_text(getattr(row, talk)).decode())
            setattr(row, made, msgspec.Raw(msgspec.json.encode(found)))

    return change
