"""Lists: rows that are not counted by time, cut to the page, the order and the fields asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from comagic_cli.query.catalog import Field, ReportType
from comagic_cli.sandbox.methods import checks
from comagic_cli.sandbox.methods.filters import Filters, plain
from comagic_cli.sandbox.methods.pages import answer_of
from comagic_cli.sandbox.methods.refusals import wrong_type
from comagic_cli.sandbox.methods.reports import comparable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from comagic_cli.sandbox.methods.checks import Params
    from comagic_cli.sandbox.quirks import Quirks

    Records = Sequence[dict[str, Any]]


def answer_list(
    type_: ReportType, records: Records, params: Params, quirks: Quirks
) -> dict[str, Any]:
    """Answer a page of a list."""
    page, total = _page_of(type_, records, params, quirks)
    return answer_of(page, **({} if quirks.total_items == "absent" else {"total_items": total}))


def _page_of(
    type_: ReportType, records: Records, params: Params, quirks: Quirks
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of a list and how many rows match."""
    fields = checks.asked_fields(params, type_, quirks) or tuple(records[0] if records else ())
    tree = params.values.get("filter")
    if tree == [] and quirks.empty_filter == "refused":
        raise wrong_type("filter", tree, "object")
    order = checks.sorting(params, type_, quirks)
    limit, offset = checks.paging(params, quirks)
    if tree not in (None, {}, []):
        find = partial(_filter_field, type_, quirks)
        test = Filters(find, partial(_member, type_), quirks).test(tree)
        records = [row for row in records if test(row)]  # type: ignore[arg-type]  # a plain row will do
    for name, descending in reversed(order):
        kind = type_.field(name).type
        records = sorted(
            records,
            key=lambda row, name=name, kind=kind: comparable(plain(row[name], kind)),  # type: ignore[misc]  # names of this turn
            reverse=descending,
        )
    page = records[offset : offset + limit]
    return [{name: row[name] for name in fields} for row in page], len(records)


def _filter_field(type_: ReportType, quirks: Quirks, name: str) -> Field:
    members = {each.name: each for field in type_.fields for each in field.members if each.filter}
    if name in members and type_.find(name) is None:
        return Field(name, members[name].type)
    return checks.filtered(name, type_, quirks)


def _member(type_: ReportType, name: str) -> Callable[[Any], Any]:
    """Return what reads a field of a row, or a member of one of its fields."""
    if type_.find(name):
        return lambda row: row[name]
    for field in type_.fields:
        if name in {each.name for each in field.members}:
            return lambda row: _inside(row[field.name], name)
    return lambda row: row.get(name)


def _inside(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [each.get(name) for each in value] or None
    return value.get(name) if isinstance(value, dict) else None
