"""Tables to look at: a grid where the columns fit the terminal, else a block a record.

Widths follow from the first rows; what is wider later folds. Nothing that is shown is ever cut.
Where columns were not chosen by the user, a terminal may get the most telling ones alone: `remark`
says which are not shown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat, zip_longest
from textwrap import fill
from typing import Any, BinaryIO, Protocol
from unicodedata import category

from rich.cells import cell_len

from comagic_cli.formats.base import Look
from comagic_cli.formats.flatten import ENUM, Cell, Flattener
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import Digits, RowReader
from comagic_cli.rows.page import Page, slices

BOLD, DIM = "1", "2"
JOINERS = frozenset("\u200c\u200d")  # unprintable, but parts of emoji and of some scripts
JOINED = frozenset({"So", "Sk", "Lo", "Mc"})  # emoji, their tones, letters of such scripts
EMOJI_FOLLOWS = "\ufe0f"
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, formats, line and paragraph separators


def visible(cell: Cell) -> str:
    """Return a cell's text with what is not printable shown as Python would escape it."""
    text = "" if cell is None else str(cell)
    if text.isprintable():
        return text
    return "".join(map(_shown, text, f" {text}", f"{text[1:]} "))


def _shown(character: str, before: str, after: str) -> str:
    if category(character) not in UNSEEN or _joins(character, before, after):
        return character
    return character.encode("unicode_escape").decode()


def _joins(character: str, before: str, after: str) -> bool:
    """Tell whether it joins its neighbours: elsewhere terminals differ in what they make of it."""
    joined = category(before) in JOINED or before == EMOJI_FOLLOWS
    return character in JOINERS and joined and category(after) in JOINED


def size(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def pad(text: str, width: int, right: bool) -> str:  # noqa: FBT001 - as a column has it
    """Fill a text up to a width with blanks, before it or after it."""
    blanks = " " * (width - size(text))
    return blanks + text if right else text + blanks


def fold(text: str, width: int, breaks: str = " ") -> list[str]:
    """Cut a text into lines of at most `width` cells, after one of `breaks` where it can be.

    A blank where a line is full hangs over. A character wider than the width has its own line.
    """
    if size(text) <= width:
        return [text]
    lines = []
    start = cut = used = 0
    for begin, end in _clusters(text):
        cells = size(text[begin:end])
        if used + cells > width and begin > start and text[begin:end] != " ":
            stop = cut if cut > start else begin
            lines.append(text[start:stop].rstrip(" "))
            start, used = stop, size(text[stop:begin])
        used += cells
        cut = end if text[end - 1] in breaks else cut
    return [*lines, text[start:].rstrip(" ")]


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Find the characters as they are seen: with what combines with or is joined to them."""
    start = 0
    for place in range(1, len(text)):
        if text[place - 1] != "\u200d" and size(text[place]):
            yield start, place
            start = place
    yield start, len(text)


def shade(line: str, style: str, *, color: bool) -> str:
    """Make a line bold or dim where escape sequences are allowed."""
    return f"\x1b[{style}m{line}\x1b[0m" if color else line


BETWEEN = " │ "
TITLE = 60  # cells of the line above a block, where no terminal says

Texts = Sequence[Sequence[str]]
"""Rows of visible texts, column by column; of colours a column may be empty."""


class Drawing(Protocol):
    """Draw rows that come column by column."""

    def head(self) -> str:
        """Draw what stands above the rows."""

    def body(self, columns: Texts, styles: Texts) -> str:
        """Draw some rows."""

    def foot(self) -> str:
        """Draw what stands below the rows."""


class Grid:
    """Draw columns side by side; `ruled` draws a line above and below rows that take several."""

    def __init__(
        self,
        names: Sequence[str],
        widths: Sequence[int],
        right: Sequence[bool],
        *,
        ruled: bool,
        color: bool,
    ) -> None:
        self._names = names
        self._columns = list(zip(widths, right, strict=True))
        self._color = color
        line = "─┼─".join("─" * width for width in widths)
        self._head_line = line.replace("─", "━").replace("┼", "┿") if ruled else line
        self._line = shade(line, DIM, color=color) + "\n" if ruled else ""
        self._before = ""  # the row drawn last

    def head(self) -> str:
        """Draw the names and a line under them."""
        folded = self._folded(self._names, self._plain, breaks="_. ")
        lines = [*(shade(line, BOLD, color=self._color) for line in folded), self._head_line]
        return "".join(f"{line}\n" for line in lines)

    def body(self, columns: Texts, styles: Texts) -> str:
        """Draw some rows."""
        padded = [
            list(map(self._cell, texts, repeat(column), colors or repeat("")))
            for texts, column, colors in zip(columns, self._columns, styles, strict=True)
        ]
        colored = _rows(styles, len(columns[0])) if columns else ()
        rows = zip(*padded, strict=True), zip(*columns, strict=True), colored
        return "".join(map(self._apart, map(self._row, *rows)))

    def foot(self) -> str:
        """Draw nothing."""
        return ""

    def _apart(self, row: str) -> str:
        """Put a line between two rows where one of them takes several lines."""
        before, self._before = self._before, row
        several = row.count("\n") > 1 or before.count("\n") > 1
        return self._line + row if before and several else row

    @property
    def _plain(self) -> tuple[str, ...]:
        return ("",) * len(self._columns)

    def _cell(self, text: str, column: tuple[int, bool], style: str) -> str | None:
        """Fill a cell up to its column's width; `None` for a text that has to fold."""
        return tinted(text, *column, style) if size(text) <= column[0] else None

    def _row(
        self, cells: tuple[str | None, ...], texts: tuple[str, ...], styles: tuple[str, ...]
    ) -> str:
        if None not in cells:
            return BETWEEN.join(cells).rstrip(" ") + "\n"  # type: ignore[arg-type]  # no None is in them
        return "".join(f"{line}\n" for line in self._folded(texts, styles))

    def _folded(
        self, texts: Sequence[str], styles: Sequence[str], breaks: str = " "
    ) -> Iterator[str]:
        folded = [
            fold(text, width, breaks) for text, (width, _) in zip(texts, self._columns, strict=True)
        ]
        for line in zip_longest(*folded, fillvalue=""):
            cells = map(tinted, line, *zip(*self._columns, strict=True), styles)
            yield BETWEEN.join(cells).rstrip(" ")


class Blocks:
    """Draw a record as a block: a numbered line, then a line or more for each column.

    `width` `None` folds nothing. With `bare`, what is empty in a record is left out of its block.
    """

    def __init__(
        self, names: Sequence[str], width: int | None, *, color: bool, bare: bool = False
    ) -> None:
        self._width = None if width is None else max(width, 4)
        longest = max(map(size, names), default=0)
        self._label = longest if self._width is None else min(longest, (self._width - 2) // 2)
        self._names = [fold(name, self._label, "_. ") for name in names]
        self._color = color
        self._bare = bare
        self._count = 0

    def head(self) -> str:
        """Draw nothing: every block has the names."""
        return ""

    def body(self, columns: Texts, styles: Texts) -> str:
        """Draw some records."""
        colored = _rows(styles, len(columns[0])) if columns else ()
        return "".join(map(self._block, zip(*columns, strict=True), colored))

    def foot(self) -> str:
        """Draw the names where there was no block to have them."""
        nothing = ("",) * len(self._names)
        return "" if self._count else "".join(self._lines(nothing, nothing))

    def _block(self, texts: tuple[str, ...], styles: tuple[str, ...]) -> str:
        self._count += 1
        title = f"── {self._count} ".ljust(self._width or TITLE, "─")
        return shade(title, BOLD, color=self._color) + "\n" + "".join(self._lines(texts, styles))

    def _lines(self, texts: tuple[str, ...], styles: tuple[str, ...]) -> Iterator[str]:
        for name, text, style in zip(self._names, texts, styles, strict=True):
            if self._bare and self._count and not text:
                continue
            values = [text] if self._width is None else fold(text, self._width - self._label - 2)
            for label, value in zip_longest(name, values, fillvalue=""):
                shown = shade(pad(label, self._label, right=False), DIM, color=self._color)
                yield f"{shown}  {tinted(value, 0, right=False, style=style)}".rstrip(" ") + "\n"


def tinted(text: str, width: int, right: bool, style: str) -> str:  # noqa: FBT001 - as a column has it
    """Fill a text up to a width with blanks; only the text is coloured."""
    if not style or not text:
        return pad(text, width, right)
    return pad(text, width, right).replace(text, shade(text, style, color=True), 1)


def _rows(styles: Texts, count: int) -> Iterator[tuple[str, ...]]:
    """Turn colours column by column into rows, a column without any being one of none."""
    return zip(*(colors or [""] * count for colors in styles), strict=True)


# Patterns of the fields' names, the most telling first; a field is as telling as the first of them
# that matches the whole of its name. What matches none stands at `OTHERS`.
TELLING = (
    r"customer_id|user_id",  # in front of the rows of several clients
    r"(call_start|chat_start|lead|deal|visit|sms|tagging|first_communication)_date_time",
    r"(api_request_start|notification_start|communication)_date_time",
    r"communication_type|tag_name|event_type|notification_name|api_request_method",
    r"contact_phone_number|visitor_phones|(lead|deal)_name|notification_send_to",
    r"(call|chat|notification|api_request)_status|(lead|deal)_current_stage",
    r"contact_full_name|person_id|visitor_names|crm_contact_name|(lead|deal)_contact|sms_message",
    r"call_direction",
    r"(total|call_talk|chat)_duration|deal_revenue|chat_messages_count",
    r"employees?|employee_full_name|(lead|deal)_employee|coaches|source_name|notification_channel",
    r"tags|campaign_name|kw|communicatons_count|visits_count",
    r"virtual_phone_number|call_total_duration|call_type|call_finish_reason|chat_channel_(type|name)",
    r"communication_comment|offline_message_text|call_scenario|goal_name",
    r"OTHERS",
    r"site_.*|.*_code|source_new|channel_new",
    r".*_author|.*_cc|.*_bcc|.*_login|.*_version",
    r"(.*_)?ids?|.*_(id|ids|raw)|communication_number|call_start_(date|time)|call_records",
    r".*_(html|body)|call_events|.*_events|call_scenario_actions|site_analytics",
)
OTHERS = TELLING.index("OTHERS")
_RANKS = [re.compile(pattern) for pattern in TELLING]

BAD, WAITING, GOOD = "31", "35", "32"  # red, magenta, green: seen on dark and on light
# Words of a value or of its id, without the dots of the Russian letter. The first that matches says
# what it means: a call that was `not answered` is no answered one.
_MEANINGS = {
    BAD: r"lost|missed|no[t_ ]+answer|not_processed|unanswered|unsuccessful|abandoned|busy|error"
    r"|fail|reject|declined|cancell?ed|timeout|bad_|denied|потерян|пропущен|нет ответа"
    r"|не отвеч|не обработан|не ?успеш|занято|ошибк|сбой|отклонен|отменен|превышен|неверн",
    WAITING: r"\bactive\b|queued|pending|in_(work|progress)|активен|в очереди|в работе|ожида",
    GOOD: r"\bsuccess|\banswered|\breceived|\bprocessed|\bsent\b|delivered|completed|\bclosed\b"
    r"|успешн|обработан|отправлен|доставлен|завершен\b|принят|состоял",
}
_WORDS = [(style, re.compile(words)) for style, words in _MEANINGS.items()]


def rank(name: str) -> int:
    """Tell how telling a field is by its name: the less, the more."""
    return next((place for place, known in enumerate(_RANKS) if known.fullmatch(name)), OTHERS)


PARTS_OF_TIME = frozenset({"call_start_date", "call_start_time"})  # telling, where nothing is both


def telling_first(names: Sequence[str], texts: Sequence[Sequence[str]]) -> list[int]:
    """Order columns by their fields' names: the most telling first, those without a text last."""
    empty = [not any(column) for column in texts] if any(texts) else [False] * len(names)
    first = frozenset() if "call_start_date_time" in names else PARTS_OF_TIME
    ranks = [-1 if name in first else rank(name) for name in names]
    return sorted(range(len(names)), key=lambda place: (empty[place], ranks[place], place))


def is_enum(field: Field) -> bool:
    """Tell whether the catalogue says that a field is one of a list of values."""
    names = {member.name for member in field.members}
    return field.type == "object" and names <= ENUM and field.name != "tags"


def meaning(value: Any) -> str:
    """Return the colour of `{value, value_id}`; "" for what is neither good nor bad."""
    if not isinstance(value, dict):
        return ""
    words = f"{value.get('value_id')} {value.get('value')}".lower().replace("ё", "е")  # noqa: RUF001 - Russian
    return next((style for style, known in _WORDS if known.search(words)), "")


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
        self._colored = look.color and is_enum(field)
        self._lasts = self._on_terminal and is_duration(field)
        self.columns = [Column(name, field) for name in self._flat.names]

    def shown(self, values: Sequence[Any]) -> list[Shown]:
        """Return the field's columns."""
        if not values:
            return [Shown([], [], []) for _ in self.columns]
        styles = list(map(meaning, values)) if self._colored else []
        return [
            Shown(cells, list(map(self._text, cells)), styles)
            for cells in self._flat.columns(zip(values, strict=True))
        ]

    def _text(self, cell: Cell) -> str:
        return brief(cell) if self._lasts else visible(cell)


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
            " All of them: --vertical; others: --fields a,b.",
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
