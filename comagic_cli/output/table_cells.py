"""Columns as they are shown: times and durations in short, enums coloured by what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from comagic_cli.output.flatten import Cell, Flattener
from comagic_cli.output.sinks import Look
from comagic_cli.output.table_meaning import is_enum, meaning
from comagic_cli.output.table_text import visible
from comagic_cli.request.catalog import Field
from comagic_cli.request.rows import Digits

NUMBERS = frozenset({int, Digits})
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d)", re.ASCII)
DAY, YEAR = len("2026-10-05 "), len("2026-")
HOUR, MINUTE = 3600, 60


@dataclass(frozen=True)
class Column:
    """How a column is shown: its name, its field, and what all its times begin with (`since`)."""

    name: str
    field: Field
    right: bool = False
    since: str = ""

    @property
    def title(self) -> str:
        """Return what stands above it: with the name, what is left out of its times."""
        return f"{self.name} {self.since.rstrip(' -')}" if self.since else self.name

    def short(self, texts: Sequence[str]) -> Sequence[str]:
        """Leave out what the title says of the times; a time of another day or year stays whole."""
        return [text.removeprefix(self.since) for text in texts] if self.since else texts


@dataclass(frozen=True)
class Shown:
    """Some rows of a column: texts, and the colours where there are any."""

    cells: Sequence[Cell]
    texts: Sequence[str]
    styles: Sequence[str]


class Shaper:
    """Turn the values of one field into columns of texts."""

    def __init__(self, field: Field, look: Look) -> None:
        self._flat = Flattener([field], look)
        self._on_terminal = look.width is not None
        self._bare = self._on_terminal and not look.record  # a record is shown whole
        self._colored = look.color and is_enum(field)
        self._lasts = self._on_terminal and is_duration(field)
        self.columns = [Column(name, field) for name in self._flat.names]

    def shown(self, values: Sequence[Any]) -> list[Shown]:
        """Return the field's columns."""
        if not values:
            return [Shown([], [], []) for _ in self.columns]
        if self._bare:
            values = list(map(bare, values))
        styles = list(map(meaning, values)) if self._colored else []
        return [
            Shown(cells, list(map(self._text, cells)), styles)
            for cells in self._flat.columns(zip(values, strict=True))
        ]

    def _text(self, cell: Cell) -> str:
        return brief(cell) if self._lasts else visible(cell)


def bare(value: Any) -> Any:
    """Show a text that the service wraps, as it does a phone's, `{value, extra}`, by itself."""
    wrapped = isinstance(value, dict) and value.keys() == {"value", "extra"}
    return value["value"] if wrapped and isinstance(value["value"], str) else value


def is_duration(field: Field) -> bool:
    """Tell whether a field's numbers are seconds."""
    return field.type == "duration" or (field.type == "number" and field.name.endswith("_duration"))


def brief(cell: Cell) -> str:
    """Show a length of time, seconds or HH:MM:SS, as M:SS or H:MM:SS; anything else as it is."""
    if isinstance(cell, str) and (clock := CLOCK.fullmatch(cell)):
        hours, minutes, seconds = map(int, clock.groups())
        return spelled(hours * HOUR + minutes * MINUTE + seconds)
    return spelled(cell) if type(cell) is int and cell >= 0 else visible(cell)


def spelled(seconds: int) -> str:
    """Write seconds as M:SS, or as H:MM:SS from an hour."""
    minutes, second = divmod(seconds, MINUTE)
    hours, minute = divmod(minutes, MINUTE)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def settled(column: Column, shown: Shown, *, on_terminal: bool) -> Column:
    """Choose by its first rows how a column is aligned and what its times have in common."""
    numbers = are_numbers(shown.cells) or (on_terminal and is_duration(column.field))
    since = common(shown.texts) if on_terminal and column.field.type == "iso8601" else ""
    return replace(column, right=numbers, since=since)


def common(times: Sequence[str]) -> str:
    """Find the day, else the year, that several times begin with; "" where they have none."""
    known = [time for time in times if time]
    if len(known) < 2 or not all(map(TIME.fullmatch, known)):  # noqa: PLR2004 - of one, all is common
        return ""
    least, most = min(known), max(known)
    return next((least[:cut] for cut in (DAY, YEAR) if least[:cut] == most[:cut]), "")


def are_numbers(cells: Sequence[Cell]) -> bool:
    """Tell whether a column holds numbers and nothing else."""
    kinds = set(map(type, cells)) - {type(None)}
    return bool(kinds) and kinds <= NUMBERS
