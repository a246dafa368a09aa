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
from comagic_cli.request.rows import Digits, Mark, Page, RowReader, row_struct

# Zero dates and the like are no times, though they look so.
TIME = re.compile(
    r"([12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[ T]"
    r"((?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,]\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?\s*$"
)
# The members of an object may come in another order the next time.
_sorted = msgspec.json.Encoder(order="sorted", enc_hook=lambda digits: msgspec.Raw(digits.encode()))
SHOWN = len("YYYY-MM-DD hh:mm:ss")


@dataclass(frozen=True)
class MarkReader:
    """Read the marks of a page's rows."""

    report: ReportType
    asked: tuple[str, ...]

    def read(self, page: Page) -> list[Mark]:
        """Return a mark a row, in the page's order. Raises `msgspec.DecodeError`."""
        rows = self._decoder.decode(page.data)
        times = list(map(self._time, rows))
        keys = list(map(self._key, rows)) if self.report.key_is_unique else [None] * len(rows)
        if None not in keys:
            return [Mark(key, time, b"") for key, time in zip(keys, times, strict=True)]
        return [
            Mark(key, time, b"" if key is not None else _digest(row))
            for key, time, row in zip(keys, times, self._rows.plain(page), strict=True)
        ]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        paths = (*self.report.key, *self.report.time)
        return tuple(dict.fromkeys(path.split(".")[0] for path in paths))

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[list[Any]]:
        struct = row_struct(self._names, Any, None)
        return msgspec.json.Decoder(list[struct], float_hook=Digits)  # type: ignore[valid-type]  # made at run time

    @cached_property
    def _rows(self) -> RowReader:
        return RowReader(self.asked)

    def _member(self, name: str) -> str:
        return f"f{self._names.index(name)}"

    @cached_property
    def _key_parts(self) -> list[tuple[Any, str]]:
        parts = [path.partition(".") for path in self.report.key]
        return [(attrgetter(self._member(name)), inner) for name, _, inner in parts]

    @cached_property
    def _time_parts(self) -> Any:
        return [attrgetter(self._member(name)) for name in self.report.time]

    def _key(self, row: Any) -> str | None:
        parts = [_part(get(row), inner) for get, inner in self._key_parts]
        return None if None in parts else "\x1f".join(parts)  # type: ignore[arg-type]  # no None is left

    def _time(self, row: Any) -> str:
        return shown_time([get(row) for get in self._time_parts])


def shown_time(parts: Sequence[Any]) -> str:
    """Return a row's time to the second, "" where it is missing or unreadable.

    A fraction, a `T` and an offset are left out: what counts is the wall clock that the API shows.
    """
    text = parts[0] if len(parts) == 1 else " ".join(map(str, parts))
    found = TIME.match(text) if isinstance(text, str) else None
    if not found:
        return ""
    return text if len(text) == SHOWN and text[10] == " " else f"{found[1]} {found[2]:0>8}"


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
