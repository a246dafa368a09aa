"""Rows of any list, made of the names and types of its fields, where nothing else joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import mixed, words
from comagic_cli.sandbox.data.ids import employee_phone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from comagic_cli.query.catalog import Field, Member, ReportType

    Part = Field | Member

_FEWEST, _MOST = 3, 7  # rows
_FIRST_ID: Final = 70_001


def invent_rows(type_: ReportType) -> list[dict[str, Any]]:
    """Make a few rows of a list, always the same ones."""
    count = _FEWEST + sum(map(ord, type_.command)) % (_MOST - _FEWEST + 1)
    return [invent_row(type_, place) for place in range(count)]


def invent_row(type_: ReportType, place: int) -> dict[str, Any]:
    """Make the n-th row of a list, with all of its fields."""
    fields = (*type_.fields, *type_.undocumented)
    return {field.name: _value(field, place, getattr(field, "values", ())) for field in fields}


def _value(part: Part, place: int, values: Iterable[str] = ()) -> Any:
    known = list(values)
    if known and part.type in {"string", "boolean", ""}:
        return known[place % len(known)]
    return _MAKERS[part.type](part, place)


def _text(part: Part, place: int) -> Any:
    name = part.name
    if "phone" in name or name.endswith("number"):
        return employee_phone(60 + place)
    if "mail" in name:
        return f"box{place + 1}@okna-svetly-dom.example"
    if "url" in name or "link" in name:
        return f"https://okna-svetly-dom.example/{place + 1}"
    if name == "id" or name.endswith("_id"):
        return str(_FIRST_ID + place)
    if "domain" in name:
        return words()["sites"][place % len(words()["sites"])]["domain"]
    if "employee" in name or "full_name" in name:
        return words()["employees"][place % len(words()["employees"])]
    if "comment" in name or "description" in name:
        return words()["comments"][place % len(words()["comments"])] if place % 2 else None
    if "name" in name:
        return f"{words()['samples'][place % len(words()['samples'])]} {place + 1}"
    return f"{name}-{place + 1}"


def _number(part: Part, place: int) -> int:
    if part.name == "id" or part.name.endswith("_id"):
        return _FIRST_ID + place
    return mixed(place + len(part.name)) % 90 + place


def _moment(part: Part, place: int) -> str:
    day = f"2025-{place % 12 + 1:02}-{place * 7 % 28 + 1:02}"
    return day if getattr(part, "format", "") == "YYYY-MM-DD" else f"{day} 10:{place % 60:02}:05"


def _array(part: Part, place: int) -> list[Any]:
    if not part.members:
        return []
    return [_object(part, place + each) for each in range(place % 3)]


def _object(part: Part, place: int) -> dict[str, Any] | None:
    return {each.name: _value(each, place) for each in part.members} or None


_MAKERS: Final[dict[str, Callable[[Any, int], Any]]] = {
    "string": _text,
    "": _text,
    "number": _number,
    "boolean": lambda _, place: place % 2 == 0,
    "iso8601": _moment,
    "duration": lambda _, place: 30 + place * 15,
    "array": _array,
    "object": _object,
}
