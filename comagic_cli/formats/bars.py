"""Counts as a bar chart that is readable in black and white.

A split bar has a pattern for each part, which a legend explains. If a field has many groups, the
smallest are merged to one, `other`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from rich.cells import cell_len
from rich.columns import Columns
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from comagic_cli.formats.aggregate import TIMES, Counts, Group, Number, Tally
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.display import (
    escape_controls,
    format_duration,
    is_coded,
    is_duration,
    status_color,
)
from comagic_cli.formats.table import render
from comagic_cli.query.catalog import Field

DEFAULT_WIDTH = 80  # cells, if there is no terminal
MAX_GROUPS = 20  # of a field; the smallest are merged
PATTERNS = "█▓▒░"
EIGHTHS = " ▏▎▍▌▋▊▉"
DATE = len("2026-11-01 Sun")
LEAST = 8  # cells of the longest bar, however long its label is
SEVERAL = "A row with several values is counted once for each of them."
NONE, OTHER = "(none)", "other"


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its value, and the parts of the value."""

    label: str
    value: Number | None
    parts: Sequence[Number] = ()
    style: str = ""


@dataclass(frozen=True)
class BarChart:
    """A bar chart of counts; `known` are the fields of the report."""

    counts: Counts
    title: str
    format_options: FormatOptions
    known: Sequence[Field]

    def draw(self) -> str:
        """Return the lines."""
        width = self.format_options.width or DEFAULT_WIDTH
        title = Text(escape_controls(self.title), style="bold")
        parts: list[RenderableType] = [
            title,
            *self._legend(),
            self._table(list(self._bars()), width),
            *self._remarks(),
        ]
        return render(parts, width, color=self.format_options.color)

    # What there is to draw

    def _bars(self) -> Iterator[Bar]:
        counts, sums = self.counts, self.counts.by_group()
        groups, rest = self._merge_groups(counts.groups())
        for group in groups:
            yield from self._of(self._label(group), [group], sums.get(group, Tally()), group)
        if rest:
            label = f"{OTHER} ({len(rest)})"
            yield from self._of(label, rest, _sum(sums[group] for group in rest), None)

    def _merge_groups(self, groups: list[Group]) -> tuple[list[Group], list[Group]]:
        top = self.counts.question.top or MAX_GROUPS
        if self.counts.question.by in TIMES or len(groups) <= top:
            return groups, []
        shown = self.counts.question.top or MAX_GROUPS - 1
        return groups[:shown], groups[shown:]

    def _of(self, label: str, groups: Sequence[Group], tally: Tally, group: Group) -> Iterator[Bar]:
        """Yield the bars of a group: one with parts if they add up, else one more for each part."""
        question = self.counts.question
        style = self._style(question.by, group)
        if not question.split:
            yield Bar(label, tally.value(question), style=style)
            return
        parts = [_sum(self._tallies(groups, some)) for some in self._merge_splits()]
        values = [part.value(question) for part in parts]
        if question.measure != "avg" and all((value or 0) >= 0 for value in values):
            yield Bar(label, tally.value(question), [value or 0 for value in values])
            return
        yield Bar(label, tally.value(question), style=style)
        for name, value, part in zip(self._split_names(), values, parts, strict=True):
            if part.rows:
                yield Bar(f"  {name}", value)

    def _tallies(self, groups: Sequence[Group], splits: Sequence[Group]) -> Iterator[Tally]:
        pairs = ((group, split) for group in groups for split in splits)
        return (self.counts.tallies[pair] for pair in pairs if pair in self.counts.tallies)

    def _merge_splits(self) -> list[list[Group]]:
        """Return the splits to draw; the smallest are merged."""
        splits = self.counts.splits()
        most = len(PATTERNS)
        if len(splits) <= most:
            return [[split] for split in splits]
        return [*([split] for split in splits[: most - 1]), splits[most - 1 :]]

    def _split_names(self) -> list[str]:
        return [
            _text(batch[0]) if len(batch) == 1 else f"{OTHER} ({len(batch)})"
            for batch in self._merge_splits()
        ]

    def _label(self, group: Group) -> str:
        text = _text(group)
        if self.counts.question.by == "day" and group is not None:
            return f"{text} {date.fromisoformat(text):%a}"
        return text

    def _style(self, name: str, group: Group) -> str:
        """Return the colour of a coded value, if colours are allowed."""
        field = next((field for field in self.known if field.name == name), None)
        if not self.format_options.color or field is None or not is_coded(field):
            return ""
        return status_color({"value": group, "value_id": None})

    # How it is drawn

    def _legend(self) -> Iterator[Columns]:
        question = self.counts.question
        if question.split and question.measure != "avg":
            keys = zip(PATTERNS, self._split_names(), self._split_styles(), strict=False)
            yield Columns(
                [Text.assemble((pattern, style), f" {name}") for pattern, name, style in keys],
                padding=(0, 2),
            )

    def _split_styles(self) -> list[str]:
        batches = self._merge_splits()
        split = self.counts.question.split
        return [self._style(split, batch[0]) if len(batch) == 1 else "" for batch in batches]

    def _table(self, bars: Sequence[Bar], width: int) -> Table:
        values = [self._value(bar.value) for bar in bars]
        figures = max(map(cell_len, values), default=0)
        longest = max((cell_len(bar.label) for bar in bars), default=0)
        label = max(2, min(longest, max(DATE, width // 3), width - figures - LEAST - 2))
        room = max(1, width - label - figures - 2)
        most = max((bar.value or 0 for bar in bars), default=0)
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=label, overflow="fold")
        table.add_column(overflow="fold")
        for bar, value in zip(bars, values, strict=True):
            line = self._draw_bar(bar, most, room)
            table.add_row(Text(bar.label), line.append(f"{' ' * bool(line)}{value}"))
        return table

    def _draw_bar(self, bar: Bar, most: Number, room: int) -> Text:
        if not bar.value or bar.value < 0 or not most:
            return Text()
        if not bar.parts:
            return Text.assemble((_smooth(bar.value, most, room), bar.style))
        text, reached, done = Text(), 0, Decimal(0)
        for pattern, part, style in zip(PATTERNS, bar.parts, self._split_styles(), strict=False):
            done += Decimal(part)
            end = int((done * room / Decimal(most)).to_integral_value(ROUND_HALF_UP))
            text.append(pattern * (end - reached), style)
            reached = end
        return text or Text(PATTERNS[0])

    def _value(self, value: Number | None) -> str:
        question = self.counts.question
        if value is None:
            return "-"
        field = next((field for field in self.known if field.name == question.of), None)
        if field is not None and is_duration(field):
            whole = int(Decimal(value).to_integral_value(ROUND_HALF_UP))
            return f"-{format_duration(-whole)}" if whole < 0 else format_duration(whole)
        shown = value if isinstance(value, int) else value.quantize(Decimal("0.01"))
        return f"{shown:,}".replace(",", " ")

    def _remarks(self) -> Iterator[Text]:
        counts = self.counts
        rows = f"{counts.rows:,}".replace(",", " ")
        yield Text(f"{rows} row{'s' * (counts.rows != 1)}", style="dim")
        if counts.several:
            yield Text(SEVERAL)


def _smooth(value: Number, most: Number, room: int) -> str:
    """Draw a bar to an eighth of a cell; at least one eighth."""
    eighths = max(1, int(Decimal(value) * room * 8 / Decimal(most)))
    whole, rest = divmod(eighths, 8)
    return PATTERNS[0] * whole + (EIGHTHS[rest] if rest else "")


def _sum(tallies: Iterator[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.join(tally)
    return total


def _text(group: Group) -> str:
    return NONE if group is None or group == "" else escape_controls(group)
