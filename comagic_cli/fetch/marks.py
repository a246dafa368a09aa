"""Marks: what tells a row from others and when it was, read from a page beside its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec

from comagic_cli.request.catalog import ReportType
from comagic_cli.request.rows import NULL, Digits, Marks, Page, RowReader

# Zero dates and the like are no times, though they look so.
TIME = re.compile(
    r"([12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[ T]"
    r"((?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,]\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?\s*$"
)
# As times nearly always are: read the fastest.
PLAIN_TIME = re.compile(
    r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d",
    re.ASCII,
)
# The members of an object may come in another order the next time.
_sorted = msgspec.json.Encoder(order="sorted", enc_hook=lambda digits: msgspec.Raw(digits.encode()))
_any = msgspec.json.Decoder(float_hook=Digits)


@dataclass(frozen=True)
class MarkReader:
    """Read the marks of rows, column by column: rows are many."""

    report: ReportType
    asked: tuple[str, ...]

    def read(self, page: Page) -> Marks:
        """Return a mark a row, in the page's order. Raises `msgspec.DecodeError`."""
        rows = list(map(self._decoder.decode, page.rows))
        times = _times([self._column(rows, name) for name in self.report.time], len(rows))
        keys: Sequence[str | None] = [None] * len(rows)
        if self.report.key_is_unique:
            keys = _keys([self._part(rows, path) for path in self.report.key])
        if None not in keys:
            return Marks(keys, times)
        wholes = [
            b"" if key is not None else _digest(row)
            for key, row in zip(keys, self._rows.plain(page), strict=True)
        ]
        return Marks(keys, times, wholes)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        paths = (*self.report.key, *self.report.time)
        return tuple(dict.fromkeys(path.split(".")[0] for path in paths))

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Any]:
        """Read only what marks are made of; objects as they came, since few differ."""
        inside = {path.split(".")[0] for path in self.report.key if "." in path}
        members = [
            (f"f{place}", msgspec.Raw if name in inside else Any, member_of(name, inside))
            for place, name in enumerate(self._names)
        ]
        struct = msgspec.defstruct("Marked", members, gc=False)
        return msgspec.json.Decoder(struct, float_hook=Digits)

    @cached_property
    def _rows(self) -> RowReader:
        return RowReader(self.asked)

    def _column(self, rows: list[Any], name: str) -> list[Any]:
        return list(map(attrgetter(f"f{self._names.index(name)}"), rows))

    def _part(self, rows: list[Any], path: str) -> Sequence[str | None]:
        """Return the column of a part of the key, as texts."""
        name, inside, member = path.partition(".")
        column = self._column(rows, name)
        if inside:
            return list(map(_Known(member).__getitem__, map(bytes, column)))
        return _texts(column)


class _Known(dict[bytes, "str | None"]):
    """Objects that stand in a key, as they came, each read once, and the part that tells them."""

    def __init__(self, member: str) -> None:
        super().__init__()
        self._member = member

    def __missing__(self, came: bytes) -> str | None:
        part = self[came] = _part(_any.decode(came), self._member)
        return part


def _are_plain(times: list[Any]) -> bool:
    kinds = set(map(type, times))
    return kinds == {str} and None not in map(PLAIN_TIME.fullmatch, times)


def member_of(name: str, inside: set[str]) -> Any:
    """Describe the struct's member of a field."""
    return msgspec.field(name=name, default=NULL if name in inside else None)


def _keys(parts: Sequence[Sequence[str | None]]) -> Sequence[str | None]:
    if len(parts) == 1:
        return parts[0]
    if not any(None in part for part in parts):
        return list(map("\x1f".join, zip(*parts, strict=True)))
    return [None if None in key else "\x1f".join(key) for key in zip(*parts, strict=True)]


def _texts(column: list[Any]) -> Sequence[str | None]:
    kinds = set(map(type, column))
    if kinds == {int}:
        return list(map(str, column))
    if kinds == {str} and "" not in column:
        return column
    return [_part(value, "") for value in column]


def _times(columns: Sequence[list[Any]], count: int) -> list[str]:
    if not columns:
        return [""] * count
    if len(columns) == 1 and _are_plain(columns[0]):
        return columns[0]
    return list(map(shown_time, zip(*columns, strict=True)))


def shown_time(parts: Sequence[Any]) -> str:
    """Return a row's time to the second, "" where it is missing or unreadable.

    A fraction, a `T` and an offset are left out: what counts is the wall clock that the API shows.
    """
    text = parts[0] if len(parts) == 1 else " ".join(map(str, parts))
    found = TIME.match(text) if isinstance(text, str) else None
    if not found:
        return ""
    return f"{found[1]} {found[2]:0>8}"


def _digest(row: tuple[Any, ...]) -> bytes:
    """Return 16 bytes that stand for the row: whole rows of a window would take much memory."""
    return blake2b(_sorted.encode(row), digest_size=16).digest()


def _part(value: Any, inner: str) -> str | None:
    """Return a part of the key as text, the same for `7` and `"7"`."""
    if inner and isinstance(value, dict):
        value = value.get(inner)
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        return _sorted.encode(value).decode()
    return str(value)
