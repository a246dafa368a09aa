"""Groups of rows by time or by the values of a field, and exact sums of numbers."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from comagic_cli.query.period import Period
from comagic_cli.rows.decode import compact

Group: TypeAlias = "str | int | None"
Number: TypeAlias = "int | Decimal"

TIMES = ("hour", "day", "week", "month", "weekday")
"""The kinds of groups by time. A week is named by its Monday."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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
    return time[:7] if kind == "month" else _of_day(kind, time[:10])


@lru_cache(maxsize=4096)
def _of_day(kind: str, text: str) -> Group:
    try:
        day = date.fromisoformat(text)
    except ValueError:  # as 30 February
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
