"""Count or add up rows by groups of time or of a field's values; sums are exact.

Memory holds groups, not rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from itertools import repeat
from typing import Any, Literal, TypeAlias

import msgspec

from comagic_cli.errors import RowsMissing
from comagic_cli.query.catalog import Field
from comagic_cli.query.period import Period
from comagic_cli.rows.decode import RowReader, compact
from comagic_cli.rows.page import Marks, Page, slices

Group: TypeAlias = "str | int | None"
Number: TypeAlias = "int | Decimal"

TIMES = ("hour", "day", "week", "month", "quarter", "weekday")
"""The kinds of groups by time. A week is named by its Monday."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
QUARTERS = {f"{month:02}": f"Q{(month + 2) // 3}" for month in range(1, 13)}
EXACT = Context(prec=200)  # digits; sums of money and seconds have far fewer
CLOCK = re.compile(r"(-?)(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?)", re.ASCII)
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)


class NotANumber(ValueError):
    """A value cannot be added up."""


def group_of_time(kind: str, time: str) -> Group:
    """Return the group of a time `YYYY-MM-DD hh:mm:ss`; `None` if it is unreadable."""
    if not time:
        return None
    if kind == "hour":
        return time[11:13]
    if kind == "quarter":
        return QUARTERS.get(time[5:7]) and f"{time[:4]}-{QUARTERS[time[5:7]]}"
    return time[:7] if kind == "month" else _of_day(kind, time[:10])


@lru_cache(maxsize=4096)
def _of_day(kind: str, text: str) -> Group:
    try:
        day = date.fromisoformat(text)
    except ValueError:  # such as 30 February
        return None
    if kind == "weekday":
        return WEEKDAYS[day.weekday()]
    return str(day - timedelta(days=day.weekday())) if kind == "week" else text


def groups_of_period(kind: str, period: Period) -> list[Group]:
    """Return every group of a period, in order, with or without rows."""
    if kind == "hour":
        return [f"{hour:02}" for hour in range(24)]
    if kind == "weekday":
        return list(WEEKDAYS)
    days = (period.end.date() - period.start.date()).days + 1
    dates = (str(period.start.date() + timedelta(days=day)) for day in range(days))
    return list(dict.fromkeys(group_of_time(kind, day) for day in dates))


def groups_of_value(value: Any) -> tuple[Group, ...]:
    """Return the groups of a plain value, each once: items of an array, tags, a coded value."""
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        value = value["items"]
    if isinstance(value, list):
        return tuple(dict.fromkeys(map(_group, value))) or (None,)
    return (_group(value),)


def _group(value: Any) -> Group:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return None if value == "" else value
    if isinstance(value, dict):
        member = next((name for name in ("value", "name") if name in value), None)
        member = next(iter(value), None) if len(value) < 2 else member  # noqa: PLR2004 - one member
        inner = value.get(member) if member else None
        if member and not isinstance(inner, (dict, list)):
            return _group(inner)
        value = value or None
    return None if value is None else compact(value)


def number_of(value: Any) -> Number | None:
    """Read a number, or a duration in seconds or as HH:MM:SS. Raises `NotANumber`."""
    if isinstance(value, dict) and "value" in value:
        value = value["value"]
    if value is None or value in ("", {}, []):
        return None
    if type(value) is int:
        return value
    if isinstance(value, str):
        if NUMBER.fullmatch(value):
            return _plain(EXACT.create_decimal(value))
        if clock := CLOCK.fullmatch(value):
            sign, hours, minutes, seconds = clock.groups()
            whole = int(hours) * 3600 + int(minutes) * 60
            total = EXACT.add(EXACT.create_decimal(seconds), Decimal(whole))
            return _plain(-total if sign else total)
    raise NotANumber(value)


def add(one: Number, other: Number) -> Number:
    """Add two numbers, digit for digit."""
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return _plain(EXACT.add(Decimal(one), Decimal(other)))


def mean(total: Number, count: int) -> Number:
    """Divide a sum by a count, to six decimal places."""
    six = EXACT.divide(Decimal(total), Decimal(count)).quantize(Decimal("1e-6"), context=EXACT)
    return _plain(six)


def _plain(number: Decimal) -> Number:
    """Return a whole number as an int."""
    whole = number.to_integral_value()
    return int(whole) if whole == number else number


def digits(number: Number) -> str:
    """Write a number as in JSON, without trailing zeros."""
    if isinstance(number, int):
        return str(number)
    return f"{number:f}".rstrip("0")


@dataclass(frozen=True)
class Question:
    """The question of a chart: `by` is one of `TIMES` or a field, `split` another field or "".

    `of` is the field to add up or average; "" to count rows. `top` is how many of the largest
    groups to show, `None` for all.
    """

    by: str
    split: str = ""
    measure: Literal["rows", "sum", "avg"] = "rows"
    of: str = ""
    top: int | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields to ask for."""
        by = "" if self.by in TIMES else self.by
        return tuple(dict.fromkeys(filter(None, (by, self.split, self.of))))

    @property
    def column(self) -> str:
        """Return the name of the measure's column."""
        return f"{self.measure}_{self.of}" if self.of else "rows"


@dataclass(slots=True)
class Tally:
    """The totals of one group: its rows, and the numbers in them."""

    rows: int = 0
    numbers: int = 0
    total: Number = 0

    def take(self, number: Number | None) -> None:
        """Count a row."""
        self.rows += 1
        if number is not None:
            self.numbers += 1
            self.total = add(self.total, number)

    def join(self, other: Tally) -> None:
        """Add the totals of another group."""
        self.rows += other.rows
        self.numbers += other.numbers
        self.total = add(self.total, other.total)

    def value(self, question: Question) -> Number | None:
        """Return the measure; `None` for an average without numbers."""
        if question.measure == "rows":
            return self.rows
        if question.measure == "sum":
            return self.total
        return mean(self.total, self.numbers) if self.numbers else None


@dataclass
class Counts:
    """The groups of an export: a tally for each pair of group and split (`None` without one).

    `whole_seconds` says that durations are rounded, as a workbook needs them.
    """

    question: Question
    period: Period
    rows: int = 0
    several: bool = False  # a row was counted in more than one group
    whole_seconds: bool = False
    unread: int = 0  # values that are not numbers
    tallies: dict[tuple[Group, Group], Tally] = field(default_factory=lambda: defaultdict(Tally))

    def settle(self) -> None:
        """Merge groups with the same text: ids can be numbers and texts."""
        texts = [
            {group for group in groups if type(group) is str}
            for groups in zip(*self.tallies, strict=True)
        ]
        found, self.tallies = self.tallies, defaultdict(Tally)
        for pair, tally in found.items():
            group, split = map(_as_text, pair, texts)
            self.tallies[group, split].join(tally)

    def groups(self) -> list[Group]:
        """Return the groups: of time in order, all of them; of a field by size."""
        found = self.by_group()
        if self.question.by not in TIMES:
            return self._by_size(found)
        known = groups_of_period(self.question.by, self.period)
        more = sorted((group for group in found.keys() - set(known) if group is not None), key=str)
        nowhere: list[Group] = [None] if None in found else []
        return [*known, *more, *nowhere]

    def by_group(self) -> dict[Group, Tally]:
        """Return the totals of each group, of all its splits."""
        return self._joined(0)

    def splits(self) -> list[Group]:
        """Return the splits by size; `[None]` if there are none."""
        return self._by_size(self._joined(1)) or [None]

    def _joined(self, place: int) -> dict[Group, Tally]:
        sums: dict[Group, Tally] = defaultdict(Tally)
        for pair, tally in self.tallies.items():
            sums[pair[place]].join(tally)
        return dict(sums)

    def _by_size(self, sums: dict[Group, Tally]) -> list[Group]:
        return sorted(sums, key=lambda group: _size(sums[group], group, self.question))

    def fields(self) -> list[Field]:
        """Return the columns of the counts as data."""
        question = self.question
        names = dict.fromkeys(filter(None, (question.by, question.split)))
        measure = Field(question.column, "number", format="fraction")
        return [*map(Field, names), Field("rows", "number"), *[measure] * bool(question.of)]

    def page(self) -> Page:
        """Return the counts as rows: one for each pair with rows, and for each empty group."""
        return Page([msgspec.json.encode(row) for row in self._lines()])

    def _lines(self) -> Iterator[dict[str, Any]]:
        order = {split: place for place, split in enumerate(self.splits())}
        splits: dict[Group, list[Group]] = defaultdict(list)
        for group, split in self.tallies:
            splits[group].append(split)
        for group in self.groups()[: self.question.top]:
            for split in sorted(splits.get(group, [None]), key=lambda each: order.get(each, 0)):
                yield self._line(group, split, self.tallies.get((group, split), Tally()))

    def _line(self, group: Group, split: Group, tally: Tally) -> dict[str, Any]:
        question = self.question
        line: dict[str, Any] = {question.by: _written(group)}
        if question.split:
            line[question.split] = _written(split)
        line["rows"] = tally.rows
        if question.of:
            value = tally.value(question)
            if value is not None and self.whole_seconds and question.of.endswith("_duration"):
                value = round(value)
            line[question.column] = None if value is None else msgspec.Raw(digits(value).encode())
        return line


class CountingSink:
    """Count rows; `finish` is called with the counts at the end."""

    def __init__(
        self, question: Question, period: Period, finish: Callable[[Counts], None]
    ) -> None:
        self.counts = Counts(question, period)
        self._finish = finish
        self._reader = RowReader(question.fields)

    def begin(self) -> None:
        """Write nothing: the counts are known at the end."""

    def write(self, page: Page) -> None:
        """Count a page's rows."""
        times = Marks.of(page.marks).times or ("",) * page.count
        place = 0
        for part in slices(page, 1_000):
            self._count(part, times[place : place + part.count])
            place += part.count

    def end(self) -> None:
        """Call `finish`. Raises `RowsMissing` if values could not be added up."""
        self.counts.settle()
        self._finish(self.counts)
        if self.counts.unread:
            raise RowsMissing(
                f"{self.counts.unread} values of {self.counts.question.of} are not numbers and not"
                f" in the result",
                hint="Export them with comagic REPORT --fields and that field.",
            )

    def _count(self, page: Page, times: Sequence[str]) -> None:
        counts, question = self.counts, self.counts.question
        counts.rows += page.count
        values = self._values(page)
        groups: Iterator[tuple[Group, ...]]
        if question.by in TIMES:
            groups = ((group_of_time(question.by, time),) for time in times)
        else:
            groups = map(groups_of_value, values[question.by])
        splits = map(groups_of_value, values[question.split]) if question.split else repeat((None,))
        numbers = map(self._number, values[question.of]) if question.of else repeat(None)
        for some, others, number in zip(groups, splits, numbers, strict=False):  # some are endless
            counts.several = counts.several or len(some) > 1 or len(others) > 1
            for group in some:
                for split in others:
                    counts.tallies[group, split].take(number)

    def _values(self, page: Page) -> dict[str, Sequence[Any]]:
        if not self._reader.columns:
            return {}
        return dict(
            zip(self._reader.columns, zip(*self._reader.plain(page), strict=True), strict=True)
        )

    def _number(self, value: Any) -> Number | None:
        try:
            return number_of(value)
        except NotANumber:
            self.counts.unread += 1
            return None


def _as_text(group: Group, texts: Container[str]) -> Group:
    return str(group) if group is not None and str(group) in texts else group


def _written(group: Group) -> msgspec.Raw | str | None:
    """Return a number with all its digits, a text unchanged."""
    return group if group is None or type(group) is str else msgspec.Raw(str(group).encode())


def _size(tally: Tally, group: Group, question: Question) -> tuple[bool, Number, str]:
    """Sort the largest first, groups without a value last, equal ones by name."""
    value = tally.value(question)
    return value is None, -(value or 0), "" if group is None else str(group)
