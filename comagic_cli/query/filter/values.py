"""What is typed after an operator, as the field's type takes it; and which operators it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import Field
from comagic_cli.query.filter.tokens import Misread, Token
from comagic_cli.query.period import Now, parse_end, parse_start

EQUAL = ("=", "!=", "in", "not_in", "is_null", "is_not_null")
ORDER = ("<", ">", "<=", ">=")
TEXT = ("like", "not_like", "ilike", "not_ilike", "regexp")
ITEMS = ("overlap", "not_overlap", "jsquery")
ALL = (*EQUAL, *ORDER, *TEXT, *ITEMS)

# A type's name for people, and the operators that it takes.
KINDS = {
    "string": ("text", ALL),
    "number": ("a number", EQUAL + ORDER),
    "boolean": ("true or false", EQUAL),
    "iso8601": ("a date or time", EQUAL + ORDER),
    "duration": ("a length of time", EQUAL + ORDER),
    "object": ("a value of a list", EQUAL + TEXT + ITEMS),
    "array": ("a list", EQUAL + TEXT + ITEMS),
    "": ("a column of the account's own", ALL),
}
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])")
_LENGTH = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([smh]?)")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_LONGEST_WHOLE = 640  # digits; no setting of Python makes it refuse as many

Span = tuple[str, str]
"""Where what a date or time names begins, and where what comes after it does, as the API takes it.

Stored times have fractions of a second: 23:59:59.6 is before the next midnight, yet not up to
23:59:59. A day of a field that has no times is its own end. Nothing, "", comes after 23:59.
"""


def is_span(field: Field) -> bool:
    """Tell whether what is typed for a field may name more than one of its values."""
    return field.type == "iso8601"


def span(field: Field, token: Token, now: Now) -> Span:
    """Read a date, or a time, as the span that it names. Raises `Misread`."""
    if field.format == "hh:mm:ss":
        return _times(token)
    try:
        start, end = parse_start(token.text, now), parse_end(token.text, now)
    except UsageProblem as problem:
        raise token.wrong(problem.message, problem.hint) from None
    if field.format == "YYYY-MM-DD":
        return _days(field, token, start, end)
    return f"{start:%Y-%m-%d %H:%M:%S}", f"{end + SECOND:%Y-%m-%d %H:%M:%S}"


def _days(field: Field, token: Token, start: datetime, end: datetime) -> Span:
    if end - start != DAY - SECOND:
        raise token.wrong(
            f"{field.name} is a day without a time", "Write 2026-10-05, today, yesterday or -7d."
        )
    return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"


def _times(token: Token) -> Span:
    found = _TIME.fullmatch(token.text)
    if not found:
        raise token.wrong(f"{token.text!r} is no time of day", "Write 14:30 or 14:30:00.")
    hour, minute, second = found.groups()
    start = datetime(2000, 1, 1, int(hour), int(minute), int(second or 0))  # noqa: DTZ001 - any day
    after = start + (SECOND if second else MINUTE)
    return f"{start:%H:%M:%S}", f"{after:%H:%M:%S}" if after.day == start.day else ""


def scalar(field: Field, token: Token) -> Any:
    """Read a value of a field that is no date. Raises `Misread`."""
    return READERS.get(field.type, _text)(token)


def _text(token: Token) -> str:
    return token.text


def _number(token: Token) -> int | float:
    with suppress(ValueError):
        return number(token.text)
    comma = token.text.replace(",", ".", 1)
    hint = f"Write {comma}." if _NUMBER.fullmatch(comma) and comma != token.text else ""
    raise token.wrong(f"{token.text!r} is no number", hint or "Write digits, as 60 or 0.5.")


def number(text: str) -> int | float:
    """Read a number, digit for digit. Raises `ValueError` for none, or more digits than can be."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    if text.removeprefix("-").isdigit() and len(text) <= _LONGEST_WHOLE:
        return int(text)
    if Decimal(repr(float(text))) != Decimal(text):
        raise ValueError(f"{text} has more digits than can be sent")
    return float(text)


def _boolean(token: Token) -> bool:
    word = token.text.lower()
    if word not in {"true", "false"}:
        raise token.wrong(f"{token.text!r} is neither true nor false", "Write true or false.")
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
    raise token.wrong(f"{text!r} is no length of time", hint)


READERS: dict[str, Callable[[Token], Any]] = {
    "number": _number,
    "boolean": _boolean,
    "duration": _duration,
}


def operators_of(field: Field) -> tuple[str, ...]:
    """Return the operators that a field's type takes."""
    return KINDS.get(field.type, KINDS[""])[1]


def check_operator(field: Field, operator: str, typed: Token) -> None:
    """Refuse an operator that a field's type does not take. Raises `Misread`."""
    name, allowed = KINDS.get(field.type, KINDS[""])
    if operator not in allowed:
        raise Misread(
            f"{field.name} is {name}: {typed.text} does not go with it",
            typed.start,
            typed.end,
            f"Operators: {', '.join(shown(one) for one in allowed)}.",
        )


def shown(operator: str) -> str:
    """Return an operator of the API as it is typed."""
    return operator.replace("_", " ")
