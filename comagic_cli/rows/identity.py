"""Read the marks of a page: the key and the time of each row, which tell rows apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec

from comagic_cli.query.catalog import ReportType
from comagic_cli.rows.decode import RowReader, each_of, plain_values
from comagic_cli.rows.page import PART, Marks, Page

# Zero dates and the like are no times, though they look so.
TIME = re.compile(
    r"([12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[ T]"
    r"((?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,]\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?\s*$"
)
# As times nearly always are, so that many can be read together: the form, where in it numbers of
# two digits begin, and what these can be.
PLAIN = b'"0000-00-00 00:00:00"\n'
NUMBERS = {6: (1, 12), 9: (1, 31), 12: (0, 23), 15: (0, 59), 18: (0, 59)}
BOUNDS = {place: bytes(range(least, most + 1)) for place, (least, most) in NUMBERS.items()}
ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
WORTH = bytes.maketrans(b"0123456789", bytes(range(10)))
MOST_KNOWN = 1_000  # objects that stand in keys, kept beside what they say
# The members of an object may come in another order the next time.
_sorted = msgspec.json.Encoder(order="sorted", enc_hook=lambda digits: msgspec.Raw(digits.encode()))


@dataclass(frozen=True)
class MarkReader:
    """Read the marks of rows, column by column: rows are many."""

    report: ReportType
    asked: tuple[str, ...]

    def read(self, page: Page) -> Marks:
        """Return a mark a row, in the page's order. Raises `msgspec.DecodeError`."""
        cut = page if page.columns else self._needed.cut(page)
        columns = [cut.column(name) for name in self.report.time]
        times = _days(columns[0]) if self.report.is_by_day else _times(columns, page.count)
        keys: Sequence[str | None] = [None] * page.count
        if self.report.key_is_unique:
            keys = _keys([self._part(cut, path) for path in reversed(self.report.key)])
        if None not in keys:
            return Marks(keys, times)
        digests = [
            b"" if key is not None else _digest(row)
            for key, row in zip(keys, self._rows.plain(page), strict=True)
        ]
        return Marks(keys, times, digests)

    def _part(self, page: Page, path: str) -> Sequence[str | None]:
        """Return the column of a part of the key, as texts."""
        name, inside, member = path.partition(".")
        column = page.column(name)
        if inside:
            return list(map(self._known[member].__getitem__, each_of(column)))
        joined = b",".join(column)
        if joined.replace(b",", b"").isdigit():
            return joined.decode().split(",")
        return _texts(plain_values(column))

    @cached_property
    def _known(self) -> dict[str, _Known]:
        members = (path.partition(".")[2] for path in self.report.key)
        return {member: _Known(member) for member in members}

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
        if len(self) >= MOST_KNOWN:
            self.clear()
        part = self[came] = _part(plain_values([came])[0], self._member)
        return part


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


def _days(column: Sequence[msgspec.Raw]) -> Sequence[str]:
    """Read a column of days, as the first seconds of them; some services may add a time."""
    values = plain_values(column)
    return [shown_time((value,)) or shown_time((f"{value} 00:00:00",)) for value in values]


def _plain_times(column: Sequence[msgspec.Raw]) -> list[str] | None:
    """Read a column of times as they are shown; `None` where one is otherwise."""
    lines = b"\n".join([*column, b""])
    if lines.translate(ANY_DIGIT) != PLAIN * len(column):
        return None
    if lines[1 :: len(PLAIN)].translate(None, b"12"):
        return None
    digits = lines.translate(WORTH)
    for place, possible in BOUNDS.items():
        if _numbers(digits, place).translate(None, possible):
            return None
    return lines.replace(b'"', b"").decode().split("\n")[:-1]


def _numbers(digits: bytes, place: int) -> bytes:
    """Return the number of two digits that stands at a place of each line, as a byte.

    All of them are computed as one large integer: none is larger than a byte holds.
    """
    tens, ones = (digits[start :: len(PLAIN)] for start in (place, place + 1))
    number = 10 * int.from_bytes(tens, "big") + int.from_bytes(ones, "big")
    return number.to_bytes(len(tens), "big")


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
