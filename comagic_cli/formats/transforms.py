"""Rows that are changed before a format writes them: times with offsets, recordings' addresses."""

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
NEEDED = ("communication_id", "call_records")  # the fields that addresses are made of
APPS = {
    "dataapi.comagic.ru": "app.comagic.ru",
    "dataapi.uiscom.ru": "app.uiscom.ru",
    "dataapi.callgear.com": "app.callgear.com",
    "dataapi.callgear.ae": "app.callgear.ae",
    "dataapi-jsonrpc.novofon.ru": "app.novofon.ru",
}
"""The web account's host, by the API's."""
PLAIN = re.compile(rb'"?([A-Za-z0-9._~-]+)"?')
NULL = msgspec.Raw(b"null")
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def web_account(api: str, host: str | None) -> str | None:
    """Return the web account's address, by its host or the API's address; `None`: not known."""
    host = host or APPS.get(urlsplit(api).hostname or "")
    return host and (host if "://" in host else f"https://{host}")


def addresses(web: str, communication: msgspec.Raw, records: msgspec.Raw) -> msgspec.Raw:
    """Make the array of addresses of an array of recordings' ids; of anything else, null.

    A recording without an id, and one of a communication without, has null in its place.
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
    """Return an id, a number or a text, as addresses have it; empty for what is none."""
    data = bytes(raw)
    if data in (b"null", b"true", b"false"):
        return b""
    if plain := PLAIN.fullmatch(data):
        return plain[1]
    return quote(json.loads(data), safe="").encode() if data.startswith(b'"') else b""


TIME = rb'"(\d{4}-\d\d-\d\d)[ T]((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d(?:\.\d+)?)"'
WHOLE = re.compile(TIME)
REMEMBERED = 4_096  # minutes: rows come by time, so that few are met again later
MINUTE = len("2024-10-02T12:00")

Edit = Callable[[msgspec.Raw], msgspec.Raw]


def edit_times(field: Field, zone: str) -> Edit | None:
    """Return what writes a field's times as `2024-10-02T12:00:00+03:00`; `None`: it has none.

    Those are the field itself, or members of its array's items. What is no date and time of that
    clock is left as it came. Of an hour that the clock shows twice, the first is meant.
    """
    offset = offsets(zone)

    def edited(match: re.Match[bytes]) -> bytes:
        date, minute, rest = match.groups()[-3:]
        found = offset(date + b"T" + minute)
        head = match[0][: match.start(len(match.groups()) - 2) - match.start()]
        return (
            match[0] if found is None else b"".join((head, date, b"T", minute, rest, found, b'"'))
        )

    if field.type == "iso8601":
        return _of_field(edited)
    names = [member.name for member in field.members if member.type == "iso8601"]
    return _of_members(names, edited) if names else None


def _of_field(edited: Callable[[re.Match[bytes]], bytes]) -> Edit:
    def edit(raw: msgspec.Raw) -> msgspec.Raw:
        match = WHOLE.fullmatch(raw)
        return msgspec.Raw(edited(match)) if match else raw

    return edit


def _of_members(names: list[str], edited: Callable[[re.Match[bytes]], bytes]) -> Edit:
    """Edit members of those names; inside of a text, a backslash stands before each quote."""
    known = "|".join(map(re.escape, names)).encode()
    member = re.compile(rb'(?<!\\)("(?:' + known + rb')"\s*:\s*)' + TIME)
    return lambda raw: msgspec.Raw(member.sub(edited, bytes(raw)))


@lru_cache(maxsize=8)
def offsets(zone: str) -> Callable[[bytes], bytes | None]:
    """Return what finds the offset of a minute of the zone's wall clock; `None`: there is none."""
    clock = ZoneInfo(zone)

    @lru_cache(maxsize=REMEMBERED)
    def offset(minute: bytes) -> bytes | None:
        with suppress(ValueError):
            moment = datetime.fromisoformat(minute.decode()).replace(tzinfo=clock, fold=0)
            return moment.isoformat("T", "minutes")[MINUTE:].encode()
        return None

    return offset


Change = Callable[[list[Any]], None]


class EditedSink:
    """Change the rows of each page, then pass it on; values that are not changed keep every byte.

    `make` makes the sink that writes the columns, with the one that is added.
    """

    def __init__(
        self,
        make: Callable[[Sequence[Field]], Sink],
        columns: Sequence[Field],
        format_options: FormatOptions,
    ) -> None:
        added = (Field(COLUMN, "array"),) if format_options.record_urls else ()
        needed = NEEDED if format_options.record_urls else ()
        names = (field.name for field in (*columns, *added))
        self._sink = make((*columns, *added))
        self._reader = RowReader(tuple(dict.fromkeys((*names, *needed))))
        self._columns = columns
        self._format_options = format_options

    @property
    def remark(self) -> str:
        """Say what a table has to add, once it is written."""
        return getattr(self._sink, "remark", "")

    def begin(self) -> None:
        """Write what stands before the rows."""
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
        """Write what stands after the rows."""
        self._sink.end()


def changes(
    columns: Sequence[Field], names: Sequence[str], format_options: FormatOptions
) -> list[Change]:
    """Return what changes rows of raw values in place; `names` are those of f0, f1, … in them."""
    found = []
    for place, field in enumerate(columns):
        if format_options.times == "iso" and (
            edit := edit_times(field, cast("str", format_options.zone))
        ):
            found.append(_changed(f"f{place}", edit))
    if format_options.record_urls:
        talk, records, made = (f"f{names.index(name)}" for name in (*NEEDED, COLUMN))
        found.append(_addressed(format_options.web, talk, records, made))
    return found


def _changed(member: str, edit: Callable[[msgspec.Raw], msgspec.Raw]) -> Change:
    def change(rows: list[Any]) -> None:
        for row in rows:
            setattr(row, member, edit(getattr(row, member)))

    return change


def _addressed(web: str, talk: str, records: str, made: str) -> Change:
    def change(rows: list[Any]) -> None:
        for row in rows:
            found = addresses(web, getattr(row, talk), getattr(row, records))
            setattr(row, made, found)

    return change
