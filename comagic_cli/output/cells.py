"""What a column of values becomes in a spreadsheet: numbers where these are exact, else text.

Ids are text, whatever the service sends: nobody sums them, and Excel shows 15 digits of a number.
Times are days since 1899-12-30, as Excel counts them. What is not of its column's kind is text as
it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from comagic_cli.output.flatten import cell
from comagic_cli.output.kinds import CLOCK, DAY, UNFIT, Kind, day, moment, seconds
from comagic_cli.request.rows import Digits

Shown: TypeAlias = "str | int | float | bool | None"

EXACT = 15  # digits of a number that Excel keeps
ORIGIN = datetime(1899, 12, 30)  # noqa: DTZ001 - times are those of a clock on the wall
EARLIEST = 1901  # before March 1900 Excel counts a day that there was not
ID = re.compile(r"(?:^|[_.])ids?$")
# XML has no place for these. Tab, LF and CR it has, and Excel shows them.
NOT_IN_XML = {n: 0x2400 + n for n in range(32) if n not in {9, 10, 13}} | {
    0xFFFE: 0xFFFD,
    0xFFFF: 0xFFFD,
}
BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def shown(values: Sequence[Any], kind: Kind, name: str) -> Sequence[Shown]:
    """Return what stands in the cells of a column; None for an empty one."""
    show = _text if ID.search(name) else SHOWS.get(kind, _text)
    cells = [None if value is None else show(value) for value in values]
    if BAD.search("".join(text for text in cells if type(text) is str)):
        return [text.translate(NOT_IN_XML) if type(text) is str else text for text in cells]
    return cells


def number(value: Any) -> Shown:
    """Show a number as such where all its digits stay, else as text."""
    if type(value) is int and abs(value) < 10**EXACT:
        return value
    if type(value) is Digits and _is_exact(value):
        return float(value)
    return _text(value)


def _is_exact(digits: Digits) -> bool:
    exact = Decimal(digits)
    told = exact.as_tuple()
    return digits[:2] != "-0" and len(told.digits) <= EXACT and -300 < exact.adjusted() < 300  # noqa: PLR2004 - floats reach a little farther


def _boolean(value: Any) -> Shown:
    return value if type(value) is bool else _text(value)


def _seconds(value: Any) -> Shown:
    fitted = seconds(value)
    return _text(value) if fitted is UNFIT or not 0 <= fitted < 10**9 else fitted / DAY


def _moment(value: Any) -> Shown:
    when = moment(value)
    if when is UNFIT or when.year < EARLIEST or when.microsecond:
        return _text(value)
    return _days(when)


def _date(value: Any) -> Shown:
    when = day(value)
    if when is UNFIT or when.year < EARLIEST:
        return _text(value)
    return int((when - ORIGIN.date()).days)


def _clock(value: Any) -> Shown:
    if type(value) is not str or not CLOCK.fullmatch(value) or seconds(value) >= DAY:
        return _text(value)
    return int(seconds(value)) / DAY


def _days(when: datetime) -> float:
    past = when - ORIGIN
    return past.days + past.seconds / DAY


def _text(value: Any) -> Shown:
    text = cell(value)
    return text if text is None else str(text) or None


SHOWS: dict[Kind, Callable[[Any], Shown]] = {
    "whole": number,
    "real": number,
    "seconds": _seconds,
    "boolean": _boolean,
    "moment": _moment,
    "date": _date,
    "clock": _clock,
}
