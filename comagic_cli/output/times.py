"""Times of the account's wall clock, written with the zone's offset."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.request.catalog import Field

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
