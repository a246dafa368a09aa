"""A page of a report: the query that the parameters make, and the rows as they are sent."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.rhythm import micros
from comagic_cli.sandbox.methods import checks
from comagic_cli.sandbox.methods.filters import Filters
from comagic_cli.sandbox.methods.refusals import wrong_type, wrong_value
from comagic_cli.sandbox.methods.reports import Query, Report
from comagic_cli.sandbox.methods.shapes import keys, rows_as_dicts, shaper

if TYPE_CHECKING:
    from comagic_cli.sandbox.methods.checks import Params
    from comagic_cli.sandbox.quirks import Quirks
    from comagic_cli.sandbox.worlds import Worlds

    Answer = dict[str, Any]

COMMON: Final = ("access_token", "user_id")


class Pages:
    """Pages of reports whose rows are counted by time."""

    def __init__(self, quirks: Quirks, worlds: Worlds) -> None:
        self.quirks = quirks
        self.worlds = worlds
        self._calls: Counter[str] = Counter()
        self._first_query: Query | None = None

    def answer(self, report: Report, params: Params, user: int | None) -> Answer:
        """Answer a page of a report."""
        type_ = report.type
        fields = checks.asked_fields(params, type_, self.quirks)
        query = self._query(report, params, user)
        limit, offset = checks.paging(params, self.quirks)
        self._calls[type_.method] += 1
        rows, total = report.page(query, offset, self._shortened(limit, query.call))
        data = []
        if fields:
            make = shaper(type_, report.rows.source, self.quirks)
            names = keys(fields, type_, self.quirks, query.call)
            data = rows_as_dicts(rows, names, make, self.quirks)
        self.worlds.pass_time(report, self._calls[type_.method], query)
        return answer_of(data, **self._total_items(total, query))

    def _query(self, report: Report, params: Params, user: int | None) -> Query:
        chats = _chats_of(params) if "chat_ids" in report.type.params else None
        if chats is None:
            now = micros(self.worlds.local_now(user))
            start, end = checks.closed_period(params, report.type, self.quirks, now)
        else:
            start = end = 0
        tree = params.values.get("filter")
        if tree == [] and self.quirks.empty_filter == "refused":
            raise wrong_type("filter", tree, "object")
        test = None if tree in (None, {}, []) else self._filters(report).test(tree)
        query = Query(
            json.dumps(tree, sort_keys=True),
            start,
            end,
            checks.sorting(params, report.type, self.quirks),
            test,
            chats,
            call=sum(self._calls.values()) + 1,
        )
        if "entity_ids" in report.type.params:
            return replace(query, entities=self._entities(params))
        return query

    def _filters(self, report: Report) -> Filters:
        return Filters(
            lambda name: checks.filtered(name, report.type, self.quirks),
            report.rows.source.maker,
            self.quirks,
        )

    def _entities(self, params: Params) -> tuple[int, ...]:
        ids = params.need("entity_ids", list)
        for one in ids:
            if not isinstance(one, int) or isinstance(one, bool):
                raise wrong_type("entity_ids", one, "number")
        if len(ids) > self.quirks.max_entity_ids:
            raise wrong_value("entity_ids", len(ids), f"at most {self.quirks.max_entity_ids}")
        return tuple(ids)

    def _shortened(self, limit: int, call: int) -> int:
        most = self.quirks.short_pages
        if not most or limit == 1:
            return limit
        return min(limit, Random(call).randint(1, most))  # noqa: S311  # no secret

    def _total_items(self, total: int, query: Query) -> dict[str, int]:
        if self.quirks.total_items == "absent":
            return {}
        return {"total_items": total + (self._overstated(query) if total else 0)}

    def _overstated(self, query: Query) -> int:
        """Return how many rows too many the total says."""
        if self.quirks.total_items in {"one_more", "three_more"}:
            return 1 if self.quirks.total_items == "one_more" else 3
        first = self._first_query = self._first_query or query
        same = {(one.key, one.start, one.end, one.entities) for one in (first, query)}
        return int(self.quirks.total_items == "one_more_once" and len(same) == 1)


def _chats_of(params: Params) -> tuple[int, ...] | None:
    """Return the chats whose messages are asked for; None where a period is."""
    one, several = params.get("chat_id", int), params.get("chat_ids", list)
    if one is None and several is None:
        return None
    for each in several or ():
        if not isinstance(each, int) or isinstance(each, bool):
            raise wrong_type("chat_ids", each, "number")
    return (*(several or ()), *(() if one is None else (one,)))


def answer_of(data: Any, **metadata: Any) -> Answer:
    """Make the result of a call."""
    return {"metadata": {"version": None, **metadata}, "data": data}
