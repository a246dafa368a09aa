"""Rows that are changed before a format writes them: times with offsets, recordings' addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec

from comagic_cli.output import recordings
from comagic_cli.output.sinks import Look, Sink
from comagic_cli.output.times import edit_times
from comagic_cli.request.catalog import Field
from comagic_cli.request.pages import Page, slices
from comagic_cli.request.rows import RowReader

Change = Callable[[list[Any]], None]


class EditedSink:
    """Change the rows of each page, then pass it on; values that are not changed keep every byte.

    `make` makes the sink that writes the columns, with the one that is added.
    """

    def __init__(
        self, make: Callable[[Sequence[Field]], Sink], columns: Sequence[Field], look: Look
    ) -> None:
        added = (Field(recordings.COLUMN, "array"),) if look.record_urls else ()
        needed = recordings.NEEDED if look.record_urls else ()
        names = (field.name for field in (*columns, *added))
        self._sink = make((*columns, *added))
        self._reader = RowReader(tuple(dict.fromkeys((*names, *needed))))
        self._columns = columns
        self._look = look

    @property
    def remark(self) -> str:
        """Say what a table has to add, once it is written."""
        return getattr(self._sink, "remark", "")

    def begin(self) -> None:
        """Write what stands before the rows."""
        self._sink.begin()

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        look = replace(self._look, zone=page.zone or self._look.zone)
        made = changes(self._columns, self._reader.columns, look)
        for part in slices(page):
            rows = list(self._reader.raw(part))
            for change in made:
                change(rows)
            self._sink.write(Page(rows, part.marker))

    def end(self) -> None:
        """Write what stands after the rows."""
        self._sink.end()


def changes(columns: Sequence[Field], names: Sequence[str], look: Look) -> list[Change]:
    """Return what changes rows of raw values in place; `names` are those of f0, f1, … in them."""
    found = []
    for place, field in enumerate(columns):
        if look.times == "iso" and (edit := edit_times(field, cast("str", look.zone))):
            found.append(_changed(f"f{place}", edit))
    if look.record_urls:
        talk, records, made = (
            f"f{names.index(name)}" for name in (*recordings.NEEDED, recordings.COLUMN)
        )
        found.append(_addressed(look.web, talk, records, made))
    return found


def _changed(member: str, edit: Callable[[msgspec.Raw], msgspec.Raw]) -> Change:
    def change(rows: list[Any]) -> None:
        for row in rows:
            setattr(row, member, edit(getattr(row, member)))

    return change


def _addressed(web: str, talk: str, records: str, made: str) -> Change:
    def change(rows: list[Any]) -> None:
        for row in rows:
            found = recordings.addresses(web, getattr(row, talk), getattr(row, records))
            setattr(row, made, found)

    return change
