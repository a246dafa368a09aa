"""Tables to look at: a grid where the columns fit the terminal, else a block a record.

Widths follow from the first rows; what is wider later folds. Nothing that is shown is ever cut.
Where columns were not chosen by the user, a terminal may get the most telling ones alone: `remark`
says which are not shown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from textwrap import fill
from typing import BinaryIO

from comagic_cli.output.flatten import Flattener
from comagic_cli.output.sinks import Look
from comagic_cli.output.table_cells import Shaper, Shown, settled
from comagic_cli.output.table_grid import BETWEEN, Blocks, Drawing, Grid
from comagic_cli.output.table_meaning import telling_first
from comagic_cli.output.table_text import size, visible
from comagic_cli.request.catalog import Field
from comagic_cli.request.pages import Page, slices
from comagic_cli.request.rows import RowReader

NARROW = 12  # cells; columns of text may be made as narrow as this: phones, dates still fit
NUMBER = 20  # cells; numbers up to this long are never folded
LONG = 30  # cells; a longer text may fold rather than keep another column out
FEWEST = 3  # columns; fewer are no table of a record of many
WORD = re.compile(r"[^_. ]*[_. ]?")  # what a column's name may be folded after


@dataclass(frozen=True)
class Plan:
    """How rows are drawn, and which columns, in which order."""

    drawing: Drawing
    picked: Sequence[int]


class TableSink:
    """Draw the rows as text; the first of them decide how."""

    def __init__(self, stream: BinaryIO, columns: Sequence[Field], look: Look) -> None:
        self._stream = stream
        self._reader = RowReader(tuple(field.name for field in columns))
        self._shapers = [Shaper(field, look) for field in columns]
        names = map(visible, Flattener(columns, look).names)  # titles tell all columns apart
        self._columns = [
            replace(column, name=next(names))
            for shaper in self._shapers
            for column in shaper.columns
        ]
        self._look = look
        self._plan: Plan | None = None
        self.remark = ""

    def begin(self) -> None:
        """Write nothing: the first rows decide how the header looks."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for part in slices(page, 1_000):
            columns = self._shown(self._reader.plain(part))
            plan = self._plan or self._begun(columns)
            texts = [self._columns[place].short(columns[place].texts) for place in plan.picked]
            styles = [columns[place].styles for place in plan.picked]
            self._stream.write(plan.drawing.body(texts, styles).encode())

    def end(self) -> None:
        """Write the header where no row has brought it."""
        plan = self._plan or self._begun(self._shown([]))
        self._stream.write(plan.drawing.foot().encode())

    def _shown(self, rows: list[tuple[object, ...]]) -> list[Shown]:
        values = zip(*rows, strict=True) if rows else [()] * len(self._shapers)
        pairs = zip(self._shapers, values, strict=False)  # rows of no columns have no values
        return [column for shaper, some in pairs for column in shaper.shown(some)]

    def _begun(self, columns: list[Shown]) -> Plan:
        grid = [
            settled(column, shown, on_terminal=self._look.width is not None)
            for column, shown in zip(self._columns, columns, strict=True)
        ]
        texts = [column.short(shown.texts) for column, shown in zip(grid, columns, strict=True)]
        plan = layout(
            [column.title for column in grid],
            texts,
            [column.right for column in grid],
            self._look,
            telling_first([column.field.name for column in grid], texts),
        )
        if isinstance(plan.drawing, Grid):
            self._columns = grid
        else:
            plan = Plan(self._blocks(), range(len(grid)))
        self.remark = self._remark(plan, texts)
        self._plan = plan
        self._stream.write(plan.drawing.head().encode())
        return plan

    def _blocks(self) -> Blocks:
        names = [column.name for column in self._columns]
        bare = not self._look.all_columns
        return Blocks(names, self._look.width, color=self._look.color, bare=bare)

    def _remark(self, plan: Plan, texts: Sequence[Sequence[str]]) -> str:
        """Say what is not shown, and how to see it; "" where all is."""
        if isinstance(plan.drawing, Blocks):
            return "" if self._look.all_columns else "Fields that are empty are not shown."
        hidden = [place for place in range(len(texts)) if place not in set(plan.picked)]
        if not hidden or not any(texts):
            return ""  # all are there, or there is no row that could have had more
        told = self._named(place for place in hidden if any(texts[place]))
        empty = self._named(place for place in hidden if not any(texts[place]))
        parts = [told] * bool(told) + [f"empty: {empty}"] * bool(empty)
        return fill(
            f"{len(plan.picked)} of {len(texts)} columns are shown. Not shown: {'; '.join(parts)}."
            " All of them: --record; others: --fields a,b.",
            max(self._look.width or 0, NARROW),
            break_on_hyphens=False,
        )

    def _named(self, places: Iterable[int]) -> str:
        """Name columns as --fields takes them."""
        return ", ".join(dict.fromkeys(self._columns[place].field.name for place in places))


def layout(
    names: Sequence[str],
    texts: Sequence[Sequence[str]],
    right: Sequence[bool],
    look: Look,
    telling: Sequence[int],
) -> Plan:
    """Choose the drawing that suits the first rows' texts; `right` are the columns of numbers.

    Where the terminal is too narrow names fold first, then texts. Too many columns become blocks,
    or, where some may be left out, the grid of as many as fit, in the order of `telling`.
    """
    everything = range(len(names))
    if look.record:
        return Plan(Blocks(names, look.width, color=look.color), everything)
    table = Sizes.of(names, texts, right, everything)
    if look.width is None:
        return Plan(table.grid(table.wide, ruled=False, color=look.color), everything)
    if drawing := table.fitted(look.width, color=look.color):
        return Plan(drawing, everything)
    for count in range(len(telling) - 1, FEWEST - 1, -1) if not look.all_columns else ():
        some = Sizes.of(names, texts, right, telling[:count])
        if some.comfortable(look.width) and (drawing := some.fitted(look.width, color=look.color)):
            return Plan(drawing, telling[:count])
    return Plan(Blocks(names, look.width, color=look.color), everything)


@dataclass(frozen=True)
class Sizes:
    """Cells of columns: `wide` with whole names, `narrow` with folded ones, `floors` at least."""

    names: Sequence[str]
    right: Sequence[bool]
    wide: list[int]
    narrow: list[int]
    floors: list[int]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        texts: Sequence[Sequence[str]],
        right: Sequence[bool],
        places: Sequence[int],
    ) -> Sizes:
        """Measure some of the columns."""
        some = [names[place] for place in places]
        whole = list(map(size, some))
        folded = [max(map(size, WORD.findall(name))) for name in some]
        cells = [max(map(size, texts[place]), default=0) for place in places]
        narrow = list(map(max, folded, cells))
        least = [NUMBER if right[place] else NARROW for place in places]
        floors = list(map(min, narrow, map(max, folded, least)))
        sides = [right[place] for place in places]
        return cls(some, sides, list(map(max, whole, cells)), narrow, floors)

    def comfortable(self, width: int) -> bool:
        """Tell whether all but long texts are read without folding."""
        wanted = [min(narrow, max(LONG, floor)) for narrow, floor in self._pairs]
        return sum(wanted) <= self._room(width)

    def fitted(self, width: int, *, color: bool) -> Grid | None:
        """Draw them in a grid of a width; `None` where they don't fit."""
        room = self._room(width)
        if sum(self.narrow) <= room:
            return self.grid(fit(self.wide, self.narrow, room), ruled=False, color=color)
        if sum(self.floors) <= room:
            return self.grid(fit(self.narrow, self.floors, room), ruled=True, color=color)
        return None

    def grid(self, widths: Sequence[int], *, ruled: bool, color: bool) -> Grid:
        """Draw them in a grid of these widths."""
        return Grid(self.names, widths, self.right, ruled=ruled, color=color)

    def _room(self, width: int) -> int:
        return width - len(BETWEEN) * (len(self.names) - 1)

    @property
    def _pairs(self) -> list[tuple[int, int]]:
        return list(zip(self.narrow, self.floors, strict=True))


def fit(wishes: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """Narrow the widest columns, none below its floor, until all fit the room; the floors must."""

    def widths(cap: int) -> list[int]:
        return [min(wish, max(floor, cap)) for wish, floor in zip(wishes, floors, strict=True)]

    caps = range(max(wishes, default=0) + 1)
    return widths(bisect_right(caps, room, key=lambda cap: sum(widths(cap))) - 1)
