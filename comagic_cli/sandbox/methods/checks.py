"""The API's strictness: parameters that must be there, that may be, and of what type."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.query.catalog import Field
from comagic_cli.sandbox.data.rhythm import DAY, moment, parse
from comagic_cli.sandbox.methods.discovery import ANSWERED_AS, UNDOCUMENTED
from comagic_cli.sandbox.methods.refusals import Refusal, missed, wrong_type, wrong_value
from comagic_cli.sandbox.quirks import Quirks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from comagic_cli.query.catalog import ReportType

MOST_ROWS: Final = 10_000
MOST_OFFSET: Final = 100_000
DEFAULT_LIMIT: Final = 1_000
_MONTH: Final = 30  # days
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WORDS: Final[Mapping[type, str]] = {
    str: "string",
    int: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}


class Params:
    """The parameters of one call; each is asked for by name and type."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def only(self, names: Iterable[str]) -> None:
        """Refuse parameters that the method does not know."""
        for name in self.values:
            if name not in names:
                raise unexpected(name, self.values[name])

    def get(self, name: str, kind: type) -> Any:
        """Return a parameter of that type, or None where it was not given."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise wrong_type(name, value, _WORDS[kind])
        return value

    def need(self, name: str, kind: type) -> Any:
        """Return a parameter that must be there."""
        value = self.get(name, kind)
        if value is None or value == "":
            raise missed(name)
        return value

    def time(self, name: str, quirks: Quirks) -> int:
        """Return a moment in microseconds; a bare date begins at midnight."""
        text: str = self.need(name, str)
        if quirks.bare_dates == "taken" and _DAY.fullmatch(text):
            text += " 00:00:00"
        if not _DATE.fullmatch(text):
            raise wrong_value(name, text, "YYYY-MM-DD hh:mm:ss")
        try:
            return parse(text)
        except ValueError:
            raise wrong_value(name, text, "no such moment") from None


def unexpected(name: str, value: Any) -> Refusal:
    """Refuse for a parameter that the method does not know."""
    return Refusal(
        "unexpected_parameters", "Unexpected method parameter(s)", field=name, value=value
    )


def period(params: Params, report: ReportType, quirks: Quirks, now: int) -> tuple[int, int]:
    """Return the asked period, at most as long as the report allows; `now` is in microseconds."""
    start, end = params.time("date_from", quirks), params.time("date_till", quirks)
    if start > end:
        raise Refusal(
            "invalid_parameters_combination",
            '"date_from" must not be later than "date_till"',
            field="date_from",
            value=params.values["date_from"],
        )
    is_older = report.family == "older"
    most = (quirks.older_days if is_older else None) or quirks.max_days or report.max_days
    kept = quirks.retention_days
    too_old = kept is not None and start < now - kept * DAY and quirks.retention == "refused"
    if too_old or _too_long(start, end, most, quirks):
        words = _days_in_words((kept or most) if too_old else most, report, quirks)
        raise Refusal(
            "date_interval_limit_reached",
            f"Max value of requested date interval is {words}",
            field="date_till",
            value=params.values["date_till"],
        )
    if kept is not None:
        start = max(start, now - kept * DAY)
    return start, max(start, end)


def closed_period(params: Params, report: ReportType, quirks: Quirks, now: int) -> tuple[int, int]:
    """Return the asked period in microseconds, with its end excluded."""
    start, end = period(params, report, quirks, now)
    return start, end + 1 if quirks.till_inclusive else end


def _days_in_words(days: int, report: ReportType, quirks: Quirks) -> str:
    """Name a cap; the older reports name theirs in months."""
    in_months = report.family == "older" and days % _MONTH == 0 and days > _MONTH
    if in_months and quirks.interval_text == Quirks.interval_text:
        return f"{days // _MONTH} months"
    return quirks.interval_text.format(days)


def _too_long(start: int, end: int, most: int, quirks: Quirks) -> bool:
    if quirks.days_counted == "seconds":
        return end - start > most * DAY
    first, last = (_date(stored) for stored in (start, end))
    return last - first >= timedelta(days=most)


def _date(stored: int) -> date:
    return moment(stored).date()


def paging(params: Params, quirks: Quirks) -> tuple[int, int]:
    """Return limit and offset, within their caps."""
    limit, offset = params.get("limit", int), params.get("offset", int)
    limit = DEFAULT_LIMIT if limit is None else limit
    offset = offset or 0
    for name, value, least in (("limit", limit, 1), ("offset", offset, 0)):
        if value < least:
            raise wrong_value(name, value, f"at least {least}")
    limit = _capped("limit", limit, MOST_ROWS, quirks.limit_past_cap)
    offset = _capped("offset", offset, MOST_OFFSET, quirks.offset_past_cap)
    return (min(limit, quirks.page_cap) if quirks.page_cap else limit), offset


def _capped(name: str, value: int, most: int, behaviour: str) -> int:
    if value > most and behaviour == "refused":
        raise wrong_value(name, value, f"at most {most}")
    return min(value, most)


def known_field(name: str, report: ReportType, quirks: Quirks, param: str) -> Field:
    """Find a field of the report or of the account's own columns, or refuse."""
    field = report.find(name)
    custom = (*quirks.columns, *UNDOCUMENTED.get(report.command, ()))
    if name not in _unknown_names(quirks) and (
        (field is not None and field.documented)
        or name in custom
        or (param == "filter" and name in quirks.dimensions)
    ):
        return field or Field(name)
    raise Refusal(
        "unexpected_parameters", "Unexpected method parameter(s)", field=param, value=name
    )


def _unknown_names(quirks: Quirks) -> Iterable[str]:
    """Return which of the two names of misspelt fields are not known."""
    unknown = {"documented": ANSWERED_AS.values(), "answered": ANSWERED_AS}
    return unknown.get(quirks.field_names, ())


def asked_fields(params: Params, report: ReportType, quirks: Quirks) -> tuple[str, ...]:
    """Return the asked columns, all of them known."""
    names = params.get("fields", list) or []
    if not names and report.family != "flat":
        return report.default_fields()
    for name in names:
        if not isinstance(name, str):
            raise wrong_type("fields", name, "string")
        known_field(name, report, quirks, "fields")
    return tuple(names)


def filtered(name: str, report: ReportType, quirks: Quirks) -> Field:
    """Find a field that may be filtered by, or refuse."""
    name = "segments" if name == "segment_name" else name
    field = known_field(name, report, quirks, "filter")
    if not field.filter or name in quirks.filters_prohibited:
        raise _prohibited("filter", name)
    return field


def sorting(params: Params, report: ReportType, quirks: Quirks) -> tuple[tuple[str, bool], ...]:
    """Return what to sort by: names, and whether descending."""
    return tuple(_sort(item, report, quirks) for item in params.get("sort", list) or [])


def sort_item(item: Any) -> tuple[str, bool]:
    """Read one item of `sort`: the field, and whether descending."""
    if not isinstance(item, dict):
        raise wrong_type("sort", item, "object")
    for member in item:
        if member not in {"field", "order"}:
            raise unexpected(f"sort.{member}", item[member])
    name, order = Params(item).need("field", str), item.get("order", "asc")
    if order not in {"asc", "desc"}:
        raise wrong_value("order", order, "asc, desc")
    return name, order == "desc"


def _sort(item: Any, report: ReportType, quirks: Quirks) -> tuple[str, bool]:
    name, descending = sort_item(item)
    field = known_field(name, report, quirks, "sort")
    is_sortable = field.sort or (quirks.sort_by_time and name in report.time)
    if not is_sortable or name in quirks.sorts_prohibited:
        raise _prohibited("sort", name)
    return name, descending


def _prohibited(what: str, name: str) -> Refusal:
    message = f'{what.capitalize()} by the field "{name}" is prohibited'
    return Refusal(f"{what}_prohibited", message, field=name, value=name, params={"field": name})
