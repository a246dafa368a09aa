"""What a column holds, by the catalogue's word alone, and what becomes of a value of that kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from comagic_cli.request.catalog import Field, Member

Kind: TypeAlias = Literal[
    "text", "whole", "real", "boolean", "moment", "date", "clock", "seconds", "list"
]
Fit: TypeAlias = Callable[[Any], Any]


class Unfit:
    """What a value becomes that is not of its column's kind."""


UNFIT: Final = Unfit()

# The catalogue has one word for all numbers. These can have a fraction; the others are counts, ids
# and the like.
FRACTIONS = frozenset(
    {
        "deal_revenue",
        "avg_deal_revenue",
        "deal_cycle",
        "employee_rating",
        "api_request_method_weight",
        "api_request_execution_time",
    }
)
BY_TYPE: dict[str, Kind] = {"boolean": "boolean", "duration": "seconds", "array": "list"}
BY_FORMAT: dict[str, Kind] = {
    "YYYY-MM-DD hh:mm:ss": "moment",
    "YYYY-MM-DD": "date",
    "hh:mm:ss": "clock",
}
BITS: Final = 64
CLOCK = re.compile(r"(\d{1,7}):([0-5]\d):([0-5]\d)", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times are a wall clock's until their zone is added
PLAIN = re.compile(r"(?!-0(?:\.0*)?$)-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?", re.ASCII)
DAY = 86_400  # seconds


def kind_of(field: Field | Member) -> Kind:
    """Tell what a field, or a member of one, holds; objects are text, member by member."""
    if field.type in {"number", "duration"} and field.name.endswith("_duration"):
        return "seconds"
    if field.type == "number":
        told = isinstance(field, Field) and field.format == "fraction"  # by the account
        return "real" if told or field.name in FRACTIONS else "whole"
    if field.type == "iso8601" and isinstance(field, Field):
        return BY_FORMAT.get(field.format, "text")
    return "list" if is_tags(field) else BY_TYPE.get(field.type, "text")


def is_tags(field: Field | Member) -> bool:
    """Tell whether a field holds tags: an object that has a list of them."""
    return field.name == "tags" or any(member.name == "items" for member in field.members)


def whole(value: Any) -> Any:
    """Fit an integer of 64 bits, also one that is written as text, or as 5.0."""
    if type(value) is not int:
        number = _number(value)
        if number is None or number != number.to_integral_value():
            return UNFIT
        value = int(number)
    return value if value.bit_length() < BITS else UNFIT


def real(value: Any) -> Any:
    """Fit a number that a float holds exactly; 1.10 is 1.1."""
    number = _number(value)
    near = UNFIT if number is None else float(number)
    return near if near is UNFIT or Decimal(repr(near)) == number else UNFIT


def _number(value: Any) -> Decimal | None:
    """Read a number, as such or as text that says it plainly; not what has more than its value."""
    if type(value) is int:
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and PLAIN.fullmatch(value) else None


def boolean(value: Any) -> Any:
    """Fit a truth value."""
    return value if type(value) is bool else UNFIT


def seconds(value: Any) -> Any:
    """Fit whole seconds, also where they are written `HH:MM:SS`."""
    found = CLOCK.fullmatch(value) if type(value) is str else None
    if found:
        return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])
    return whole(value)


def day(value: Any) -> Any:
    """Fit a date `YYYY-MM-DD`."""
    if type(value) is not str or not DATE.fullmatch(value):
        return UNFIT
    try:
        return date.fromisoformat(value)
    except ValueError:
        return UNFIT


def moment(value: Any) -> Any:
    """Fit a time `YYYY-MM-DD hh:mm:ss`, as what a clock on the wall shows: it has no zone."""
    if type(value) is not str or not MOMENT.fullmatch(value):
        return UNFIT
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return UNFIT


def microseconds(zone: ZoneInfo | timezone) -> Fit:
    """Fit a time of a zone as microseconds since 1970 in UTC.

    Of an hour that clocks show twice the first is taken; a time that they leap over does not fit.
    """

    @lru_cache(maxsize=4_096)
    def hour(text: str) -> int | None:
        """Return the offset of a whole hour, in seconds; None where it is not the same in it."""
        start = datetime.fromisoformat(f"{text}:00:00").replace(tzinfo=zone)
        end = start.replace(minute=59, second=59)
        ends = {each.replace(fold=fold).utcoffset() for each in (start, end) for fold in (0, 1)}
        only = ends.pop()
        return None if ends or only is None else int(only.total_seconds())

    def fit(value: Any) -> Any:
        local = moment(value)
        if local is UNFIT:
            return UNFIT
        offset = hour(value[:13])
        if offset is None:
            offset = _offset(local.replace(tzinfo=zone))
            if offset is None:
                return UNFIT
        past = local - EPOCH
        return (past.days * DAY + past.seconds - offset) * 1_000_000 + past.microseconds

    return fit


def _offset(local: datetime) -> int | None:
    """Return the offset of a time in seconds; None where clocks leap over it."""
    first, second = (local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    return None if first < second else int(first.total_seconds())
