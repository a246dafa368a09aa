"""The values and operators of filter expressions, by the type of the field."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import Field
from comagic_cli.query.filter.tokens import FilterSyntaxError, Token
from comagic_cli.query.period import Now, parse_end, parse_start

EQUAL = ("=", "!=", "in", "not_in", "is_null", "is_not_null")
ORDER = ("<", ">", "<=", ">=")
TEXT = ("like", "not_like", "ilike", "not_ilike", "regexp")
ITEMS = ("overlap", "not_overlap", "jsquery")
ALL = (*EQUAL, *ORDER, *TEXT, *ITEMS)

# How messages call a type, and the operators that it takes.
KINDS = {
    "string": ("text", ALL),
    "number": ("a number", EQUAL + ORDER),
    "boolean": ("true or false", EQUAL),
    "iso8601": ("a date or time", EQUAL + ORDER),
    "duration": ("a length of time", EQUAL + ORDER),
    "object": ("a value of a list", EQUAL + TEXT + ITEMS),
    "array": ("a list", EQUAL + TEXT + ITEMS),
    "": ("a column of the account", ALL),
}
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
UNITS |= {"sec": 1, "min": 60}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])")
_LENGTH = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(s|sec|m|min|h|)")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_LONGEST_WHOLE = 640  # digits; no setting of Python makes it refuse as many

Span = tuple[str, str]
"""The start of a date or time, and the start of what follows it, as the API takes them.

Stored times have fractions of a second: 23:59:59.6 is before the next midnight, but after 23:59:59.
A day of a field without times is its own end. Nothing, "", follows 23:59.
"""


def is_span(field: Field) -> bool:
    """Check that a text can name more than one value of the field."""
    return field.type == "iso8601"


def span(field: Field, token: Token, now: Now) -> Span:
    """Read a date or a time as a span. Raises `FilterSyntaxError`."""
    if field.format == "hh:mm:ss":
        return _times(token)
    try:
        start, end = parse_start(token.text, now), parse_end(token.text, now)
    except UsageProblem as problem:
        raise token.error(problem.message, problem.hint) from None
    if field.format == "YYYY-MM-DD":
        return _days(field, token, start, end)
    return f"{start:%Y-%m-%d %H:%M:%S}", f"{end + SECOND:%Y-%m-%d %H:%M:%S}"


def _days(field: Field, token: Token, start: datetime, end: datetime) -> Span:
    if end - start != DAY - SECOND:
        raise token.error(
            f"{field.name} is a day without a time", "Write 2026-10-05, today, yesterday or -7d."
        )
    return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"


def _times(token: Token) -> Span:
    found = _TIME.fullmatch(token.text)
    if not found:
        raise token.error(f"{token.text!r} is not a time of day", "Write 14:30 or 14:30:00.")
    hour, minute, second = found.groups()
    start = datetime(2000, 1, 1, int(hour), int(minute), int(second or 0))  # noqa: DTZ001 - any day
    after = start + (SECOND if second else MINUTE)
    return f"{start:%H:%M:%S}", f"{after:%H:%M:%S}" if after.day == start.day else ""


def scalar(field: Field, token: Token) -> Any:
    """Read a value of a field that is not a date. Raises `FilterSyntaxError`."""
    return READERS.get(field.type, _text)(token)


def _text(token: Token) -> str:
    return token.text


def _number(token: Token) -> int | float:
    with suppress(ValueError):
        return number(token.text)
    comma = token.text.replace(",", ".", 1)
    hint = f"Write {comma}." if _NUMBER.fullmatch(comma) and comma != token.text else ""
    raise token.error(f"{token.text!r} is not a number", hint or "Write digits, as 60 or 0.5.")


def number(text: str) -> int | float:
    """Read a number exactly. Raises `ValueError` also for more digits than can be sent."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    if text.removeprefix("-").isdigit() and len(text) <= _LONGEST_WHOLE:
        return int(text)
    if Decimal(repr(float(text))) != Decimal(text):
        raise ValueError(f"{text} has more digits than can be sent")
    return float(text)


def _boolean(token: Token) -> bool:
    word = token.text.lower()
    if word not in {"true", "false"}:
        raise token.error(f"{token.text!r} is neither true nor false", "Write true or false.")
    return word == "true"


def _duration(token: Token) -> int | float:
    """Read a length of time as seconds."""
    text = token.text
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = map(int, clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    if found := _LENGTH.fullmatch(text):
        with suppress(ValueError):
            return number(f"{(Decimal(found[1]) * UNITS[found[2]]).normalize():f}")
    hint = "Write seconds, 90s, 5m, 2h or 00:01:30."
    raise token.error(f"{text!r} is not a length of time", hint)


READERS: dict[str, Callable[[Token], Any]] = {
    "number": _number,
    "boolean": _boolean,
    "duration": _duration,
}


def operators_of(field: Field) -> tuple[str, ...]:
    """Return the operators that a field's type takes."""
    return KINDS.get(field.type, KINDS[""])[1]


def check_operator(field: Field, operator: str, typed: Token) -> None:
    """Check that the field's type takes an operator. Raises `FilterSyntaxError`."""
    name, allowed = KINDS.get(field.type, KINDS[""])
    if operator not in allowed:
        raise FilterSyntaxError(
            f"{field.name} is {name}: {typed.text} does not go with it",
            typed.start,
            typed.end,
            f"Operators: {', '.join(typed_operator(one) for one in allowed)}.",
        )


def typed_operator(operator: str) -> str:
    """Return an operator of the API as an expression has it."""
    return operator.replace("_", " ")
