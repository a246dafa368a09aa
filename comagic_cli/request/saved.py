"""What was last saved of a report in the web account: columns, filters and order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.request.choice import Saved
from comagic_cli.request.given import SAVE_AGAIN, Given
from comagic_cli.request.query import Sort

FILTERS = ("filter", "rapid_filter")


def read_saved(state: Mapping[str, Any]) -> Saved:
    """Read the data of `getobj.report_state`; its dates and other parts are not ours.

    Raises `UsageProblem`, which names the part that is not of the API's shape.
    """
    columns = _list(state, "columns")
    for at, name in enumerate(columns):
        if not isinstance(name, str) or not name:
            raise _odd(f"columns[{at}]", "a column's name was expected")
    sort = [_sort(item, f"sort[{at}]") for at, item in enumerate(_list(state, "sort"))]
    filters = [Given(_named(name), state.get(name), trusted=True) for name in FILTERS]
    return Saved(tuple(dict.fromkeys(columns)), tuple(sort), tuple(filters))


def _list(state: Mapping[str, Any], name: str) -> list[Any]:
    part = state.get(name)
    if part is None:
        return []
    if not isinstance(part, list):
        raise _odd(name, "a list was expected")
    return part


def _sort(item: Any, place: str) -> Sort:
    if not isinstance(item, dict) or not isinstance(item.get("field"), str):
        raise _odd(place, 'an object with a "field" was expected')
    if more := sorted(set(item) - {"field", "order"}):
        raise _odd(f"{place}.{more[0]}", "the API takes no such member here")
    order = item.get("order") or "asc"
    if order not in ("asc", "desc"):
        raise _odd(f"{place}.order", "asc or desc was expected")
    return Sort(item["field"], order == "desc")


def _named(part: str) -> str:
    return f"--as-saved: the saved {part}"


def _odd(place: str, message: str) -> UsageProblem:
    return UsageProblem(f"{_named(place)}: {message}", hint=SAVE_AGAIN)
