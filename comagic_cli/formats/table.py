"""Tables for a person: a grid where the columns fit the terminal, else one block per record.

rich draws them. The first rows decide the widths; wider values of later rows are folded, never cut.
If the user did not choose the columns, a terminal may show only the most useful ones: `remark`
names the hidden ones.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from textwrap import fill
from typing import BinaryIO

from rich.box import MINIMAL, MINIMAL_HEAVY_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.display import (
    Layout,
    Order,
    Size,
    choose_layout,
    common_prefix,
    escape_controls,
    is_coded,
    is_duration,
    name_objects,
    naming_member,
    order_columns,
    shorten_duration,
    status_color,
)
from comagic_cli.formats.flatten import Cell, Flattener, cells_of
from comagic_cli.query.catalog import Field
from comagic_cli.query.suggest import first_of
from comagic_cli.rows.decode import Digits, RowReader
from comagic_cli.rows.page import Page, slices

AT_ONCE = 1_000  # rows that are drawn together; the first of them decide the widths
# Widths are in cells of a terminal.
LEAST = 2  # of any column: the width of a wide character, which can't be folded
NARROW = 12  # columns of text are not made narrower than this: phones and dates still fit
NUMBER = 20  # numbers up to this width are never folded
RECORD = 60  # the line above a record where there is no terminal
NUMBERS = frozenset({int, Digits})
MOST_HIDDEN, MOST_EMPTY = 8, 3  # names of hidden columns
WORD = re.compile(r"[^_. ]*[_. ]?")  # names of columns are folded after these characters


def render(parts: Iterable[RenderableType], width: int, *, color: bool) -> str:
    """Draw parts below each other in `width` cells, without blanks at the ends of lines."""
    console = Console(
        width=max(1, width),
        file=io.StringIO(),
        height=AT_ONCE,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return re.sub(" +$", "", capture.get(), flags=re.MULTILINE)


def find_folded(texts: Sequence[Sequence[str]], widths: Sequence[int]) -> list[bool]:
    """Return for each row whether one of its texts needs several lines."""
    columns = [
        [cell_len(text) > width or "\n" in text for text in cells]
        for cells, width in zip(texts, widths, strict=True)
    ]
    return list(map(any, zip(*columns, strict=True)))


def add_rows(
    grid: Table,
    texts: Sequence[Sequence[str]],
    styles: Sequence[Sequence[str]],
    folded: Sequence[bool],
) -> None:
    """Add rows to a table, given column by column.

    Neighbours of one line each become one row of many lines, which rich draws in a third of the
    time. So `show_lines` draws lines around the other rows only.
    """
    start = 0
    for is_folded, rows in groupby(folded):
        stop = start + len(list(rows))
        step = 1 if is_folded else stop - start
        for first in range(start, stop, step):
            last = first + step
            columns = zip(texts, styles, strict=True)
            cells = [join_lines(lines[first:last], of[first:last]) for lines, of in columns]
            for cell in cells:
                cell.no_wrap = not is_folded
            grid.add_row(*cells)
        start = stop


def join_lines(texts: Sequence[str], styles: Sequence[str]) -> Text:
    """Make a cell of one or more lines; the styles apply to the texts, not to the padding."""
    cell = Text("\n".join(texts))
    start = 0
    for text, style in zip(texts, styles, strict=True):
        cell.stylize(style, start, start + len(text))  # nothing for ""
        start += len(text) + 1
    return cell


def fold_name(name: str, width: int) -> str:
    """Fold a column's name between its words."""
    lines = [""]
    for word in WORD.findall(name):
        if lines[-1] and cell_len(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


@dataclass(frozen=True)
class Column:
    """A column; `prefix` is the common start of its times, shown once in the title."""

    name: str
    field: Field
    is_right: bool = False
    prefix: str = ""

    @property
    def title(self) -> str:
        """Return the name and the prefix."""
        return f"{self.name} {self.prefix.rstrip(' -')}" if self.prefix else self.name


@dataclass(frozen=True)
class Values:
    """The values of a column: the cells, their texts, and the styles of the texts."""

    cells: Sequence[Cell] = ()
    texts: Sequence[str] = ()
    styles: Sequence[str] = ()


class TableSink:
    """Write rows as a grid or as one block per record."""

    def __init__(
        self, stream: BinaryIO, columns: Sequence[Field], format_options: FormatOptions
    ) -> None:
        self._stream = stream
        self._format_options = format_options
        self._fields = columns
        self._reader = RowReader(tuple(field.name for field in columns))
        flat = Flattener(columns, format_options)
        self._plans = flat.plans
        fields = [field for field, plan in zip(columns, self._plans, strict=True) for _ in plan]
        names = map(escape_controls, flat.names)
        self._columns = [Column(name, field) for name, field in zip(names, fields, strict=True)]
        self._layout: Layout | None = None  # None: one block per record
        self._count = 0  # rows written
        self._is_folded = False  # the last of them
        self.remark = ""

    def begin(self) -> None:
        """Write nothing: the header depends on the first rows."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for part in slices(page, AT_ONCE):
            values = self._read(part)
            self._draw(values)
            self._count += part.count

    def end(self) -> None:
        """Write the names of the columns if there was no row."""
        if not self._count:
            self._draw([Values()] * len(self._columns))

    def _read(self, page: Page) -> list[Values]:
        """Return the rows column by column."""
        rows = self._reader.plain(page)
        fields = zip(self._fields, self._plans, zip(*rows, strict=True), strict=False)
        return [
            Values(cells, self._texts(field, cells), self._styles(field, values))
            for field, plan, values in fields
            for cells in cells_of(plan, values)
        ]

    def _texts(self, field: Field, cells: Sequence[Cell]) -> list[str]:
        on_terminal = self._format_options.width is not None
        if on_terminal and not self._format_options.vertical and (name := naming_member(field)):
            return [name_objects(cell, name) for cell in cells]
        is_short = on_terminal and is_duration(field)
        return list(map(shorten_duration if is_short else escape_controls, cells))

    def _styles(self, field: Field, values: Sequence[object]) -> list[str]:
        if self._format_options.color and is_coded(field):
            return list(map(status_color, values))
        return [""] * len(values)

    def _draw(self, values: list[Values]) -> None:
        """Draw rows; the first ones decide how."""
        if not self._count:
            columns = list(map(self._aligned, self._columns, values))
            texts = list(map(shorten_times, columns, values))
            self._layout = self._choose_layout(columns, texts)
            self._columns = self._columns if self._layout is None else columns
            self.remark = self._describe_hidden(texts)
        if self._layout is None:
            for text in self._records(values):
                self._stream.write(text.encode())
        else:
            self._stream.write(self._grid(self._layout, values).encode())

    def _aligned(self, column: Column, values: Values) -> Column:
        """Choose the alignment of a column and the prefix of its times by its first rows."""
        on_terminal = self._format_options.width is not None
        kinds = set(map(type, values.cells)) - {type(None)}
        is_right = NUMBERS.issuperset(kinds) if kinds else False
        prefix = common_prefix(values.texts) if column.field.type == "iso8601" else ""
        return replace(
            column,
            is_right=is_right or (on_terminal and is_duration(column.field)),
            prefix=prefix if on_terminal else "",
        )

    def _choose_layout(
        self, columns: Sequence[Column], texts: Sequence[Sequence[str]]
    ) -> Layout | None:
        """Return the layout of a grid; `None` for one block per record."""
        if self._format_options.vertical:
            return None
        sizes = list(map(measure, columns, texts))
        if self._format_options.width is None:
            return Layout(range(len(sizes)), [size.wide for size in sizes])
        asked = self._format_options.asked
        fields = [column.field for column in columns]
        order = Order() if self._format_options.all_columns else order_columns(fields, texts, asked)
        return choose_layout(sizes, self._format_options.width, order)

    def _grid(self, layout: Layout, values: list[Values]) -> str:
        """Draw rows as a grid, with lines around folded rows only."""
        grid = Table(
            box=MINIMAL_HEAVY_HEAD if layout.is_folded else MINIMAL,
            show_edge=False,
            pad_edge=False,
            show_lines=layout.is_folded,
            show_header=not self._count,
            header_style=None,
        )
        columns = [self._columns[place] for place in layout.places]
        for column, width in zip(columns, layout.widths, strict=True):
            title = join_lines([fold_name(column.title, width)], ["bold"])
            grid.add_column(
                title, justify="right" if column.is_right else "left", overflow="fold", width=width
            )
        picked = [values[place] for place in layout.places]
        texts = list(map(shorten_times, columns, picked))
        folded = find_folded(texts, layout.widths)
        add_rows(grid, texts, [some.styles for some in picked], folded)
        line = ""
        if self._count and layout.is_folded and (self._is_folded or folded[0]):
            line = MINIMAL.get_row([width + 2 for width in layout.widths], "row")[2:-2] + "\n"
        self._is_folded = bool(folded) and folded[-1]
        return line + render([grid], layout.width, color=self._format_options.color)

    def _records(self, values: list[Values]) -> Iterator[str]:
        """Draw each record as a block: a line with its number, and below it names and values."""
        rows = zip(*(some.texts for some in values), strict=True)
        styles = zip(*(some.styles for some in values), strict=True)
        for number, (texts, colors) in enumerate(zip(rows, styles, strict=True), self._count + 1):
            line = f"── {number} ".ljust(self._format_options.width or RECORD, "─")
            yield self._record(line, texts, colors)
        if not values or not values[0].texts:
            empty = [""] * len(self._columns)
            yield self._record("", empty, empty)

    def _record(self, line: str, texts: Sequence[str], styles: Sequence[str]) -> str:
        label, value = self._record_widths(texts)
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=label, overflow="fold")
        grid.add_column(width=value, overflow="fold")
        names = [fold_name(column.name, label) for column in self._columns]
        is_whole = self._format_options.all_columns or not line
        rows = [row for row in zip(names, texts, styles, strict=True) if row[1] or is_whole]
        if rows:
            names, texts, styles = map(list, zip(*rows, strict=True))
            folded = find_folded([names, texts], [label, value])
            add_rows(grid, [names, texts], [["dim"] * len(rows), styles], folded)
        parts = [Text(line, style="bold")] * bool(line) + [grid] * bool(rows)
        return render(parts, max(len(line), label + 2 + value), color=self._format_options.color)

    def _record_widths(self, texts: Sequence[str]) -> tuple[int, int]:
        """Return the widths of names and of values; without a terminal no text is folded."""
        label = max((cell_len(column.name) for column in self._columns), default=LEAST)
        width = self._format_options.width
        if width is None:
            return label, max(LEAST, max(map(cell_len, texts), default=0))
        label = max(LEAST, min(label, (width - 2) // 2))
        return label, max(LEAST, width - label - 2)

    def _describe_hidden(self, texts: Sequence[Sequence[str]]) -> str:
        """Describe the hidden columns and how to see them; "" if there are none."""
        if self._layout is None:
            return (
                "" if self._format_options.all_columns else "Fields that are empty are not shown."
            )
        if len(self._layout.places) == len(texts) or not any(texts):
            return ""  # no rows, so nothing is hidden
        filled, empty = self._name_hidden(self._layout, texts)
        if not filled and not empty:
            return ""
        parts = [f"Not shown: {first_of(filled, MOST_HIDDEN)}"] * bool(filled)
        without = "empty" if filled else "Not shown, as empty"
        parts += [f"{without}: {first_of(empty, MOST_EMPTY)}"] * bool(empty)
        return fill(
            f"{len(self._layout.places)} of {len(texts)} columns are shown."
            f" {'; '.join(parts)}. All of them: --vertical; others: --fields a,b.",
            max(self._format_options.width or 0, NARROW),
            break_on_hyphens=False,
        )

    def _name_hidden(
        self, layout: Layout, texts: Sequence[Sequence[str]]
    ) -> tuple[list[str], list[str]]:
        """Name what is hidden, the most useful first: with values, and empty.

        A field of which no part is shown is named once, as --fields takes it. Of others, the parts
        are named that have values.
        """
        fields = [column.field for column in self._columns]
        parts: dict[str, list[int]] = {}
        for place in order_columns(fields, texts).places:
            parts.setdefault(fields[place].name, []).append(place)
        filled, empty = list[str](), list[str]()
        for name, places in parts.items():
            hidden = [place for place in places if place not in layout.places]
            valued = [place for place in hidden if any(texts[place])]
            if len(hidden) < len(places):
                filled += [self._columns[place].name for place in valued]
            else:
                (filled if valued else empty).append(name)
        return filled, empty


def shorten_times(column: Column, values: Values) -> Sequence[str]:
    """Remove the prefix from times; a time of another day or year is unchanged."""
    if not column.prefix:
        return values.texts
    return [text.removeprefix(column.prefix) for text in values.texts]


def measure(column: Column, texts: Sequence[str]) -> Size:
    """Measure a column by its title and its first values."""
    longest = max(LEAST, max(map(cell_len, texts), default=0))
    word = max(map(cell_len, WORD.findall(column.title)))
    narrow = max(word, longest)
    least = min(narrow, max(word, NUMBER if column.is_right else NARROW))
    return Size(max(cell_len(column.title), longest), narrow, least)
