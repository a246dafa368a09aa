"""Marks: what tells a row from others and when it was, read from a page beside its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec

from comagic_cli.request.catalog import ReportType
from comagic_cli.request.pages import PART, Marks, Page
from comagic_cli.request.rows import Digits, RowReader, plain_values

# Zero dates and the like are no times, though they look so.
TIME = re.compile(
    r"([12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[ T]"
    r"((?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,]\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?\s*$"
)
# As times nearly always are: read the fastest, all together.
PLAIN = b'"0000-00-00 00:00:00"\n'
DIGITS = bytes.maketrans(b"123456789", b"000000000")
HOUR = re.compile(
    r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]) (?:[01]\d|2[0-3])", re.ASCII
)
TENS = (PLAIN.index(b":") + 1, PLAIN.rindex(b":") + 1)  # places of the tens of minutes and seconds
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
        cut = page if page.columns else self._needed.cut(page)
        times = _times([cut.column(name) for name in self.report.time], page.count)
        keys: Sequence[str | None] = [None] * page.count
        if self.report.key_is_unique:
            keys = _keys([_part_of(cut, path) for path in reversed(self.report.key)])
        if None not in keys:
            return Marks(keys, times)
        wholes = [
            b"" if key is not None else _digest(row)
            for key, row in zip(keys, self._rows.plain(page), strict=True)
        ]
        return Marks(keys, times, wholes)

    @cached_property
    def _needed(self) -> RowReader:
        """Read only what marks are made of."""
        paths = (*self.report.key, *self.report.time)
        return RowReader(tuple(dict.fromkeys(path.split(".")[0] for path in paths)))

    @cached_property
    def _rows(self) -> RowReader:
        return RowReader(self.asked)


class _Known(dict[bytes, "str | None"]):
    """Objects that stand in a key, as they came, each read once, and the part that tells them."""

    def __init__(self, member: str) -> None:
        super().__init__()
        self._member = member

    def __missing__(self, came: bytes) -> str | None:
        part = self[came] = _part(_any.decode(came), self._member)
        return part


def _part_of(page: Page, path: str) -> Sequence[str | None]:
    """Return the column of a part of the key, as texts."""
    name, inside, member = path.partition(".")
    column = page.column(name)
    if inside:
        return list(map(_Known(member).__getitem__, map(bytes, column)))
    joined = b",".join(column)
    if joined.replace(b",", b"").isdigit():
        return joined.decode().split(",")
    return _texts(plain_values(column))


def _keys(parts: Sequence[Sequence[str | None]]) -> Sequence[str | None]:
    if len(parts) == 1:
        return parts[0]
    if not any(None in part for part in parts):
        return list(map(PART.join, zip(*parts, strict=True)))
    return [None if None in key else PART.join(key) for key in zip(*parts, strict=True)]


def _texts(values: list[Any]) -> Sequence[str | None]:
    if set(map(type, values)) == {str} and "" not in values:
        return values
    return [_part(value, "") for value in values]


def _times(columns: Sequence[Sequence[msgspec.Raw]], count: int) -> Sequence[str]:
    if not columns:
        return [""] * count
    plain = _plain_times(columns[0]) if len(columns) == 1 else None
    return plain or list(map(shown_time, zip(*map(plain_values, columns), strict=True)))


def _plain_times(column: Sequence[msgspec.Raw]) -> list[str] | None:
    """Read a column of times as they are shown; `None` where one is otherwise."""
    lines = b"\n".join([*column, b""])
    if lines.translate(DIGITS) != PLAIN * len(column):
        return None
    if any(max(lines[place :: len(PLAIN)], default=0) > ord("5") for place in TENS):
        return None
    times = lines.replace(b'"', b"").decode().split("\n")[:-1]
    hours = {time[:13] for time in times}
    return times if all(map(HOUR.fullmatch, hours)) else None


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
