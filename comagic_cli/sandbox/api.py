"""The methods: from a call's body to its answer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.query.catalog import ReportType, reports
from comagic_cli.sandbox import accounts, checks, discovery
from comagic_cli.sandbox.business import words
from comagic_cli.sandbox.checks import Params
from comagic_cli.sandbox.filters import Filters
from comagic_cli.sandbox.refusals import Refusal, missed, wrong_type, wrong_value
from comagic_cli.sandbox.reports import Query, Report
from comagic_cli.sandbox.shapes import keys, rows_as_dicts, shaper

if TYPE_CHECKING:
    from collections.abc import Callable

    from comagic_cli.sandbox.quirks import Quirks
    from comagic_cli.sandbox.worlds import Worlds

_COMMON: Final = ("access_token", "user_id")
_FLAT: Final = (
    "report_id",
    "report_type",
    "date_from",
    "date_till",
    "fields",
    "filter",
    "sort",
    "limit",
    "offset",
)
FLAT: Final = {report.method: report for report in reports()}


@dataclass(frozen=True)
class Request:
    """One JSON-RPC request."""

    id: Any
    method: str
    params: dict[str, Any]


def read(body: bytes) -> Request:
    """Read a request, or refuse it."""
    try:
        call = json.loads(body)
    except ValueError:
        raise Refusal("parse_error") from None
    if isinstance(call, list):
        raise Refusal("batch_opreations_not_supported")
    if not isinstance(call, dict):
        raise Refusal("invalid_request")
    if "id" not in call:
        raise Refusal("notifications_not_supported")
    params = call.get("params", {})
    fine = isinstance(call.get("method"), str) and isinstance(params, dict)
    if call.get("jsonrpc") != "2.0" or not fine or not isinstance(call["id"], str | int):
        raise Refusal("invalid_request")
    return Request(call["id"], call["method"], params)


class Api:
    """All methods of one Data API."""

    def __init__(self, quirks: Quirks, worlds: Worlds, clock: Callable[[], float]) -> None:
        self.quirks = quirks
        self.worlds = worlds
        self.sessions = accounts.Sessions(quirks, clock)
        self.points = accounts.Points(quirks, clock)
        self._calls: Counter[str] = Counter()
        self._first_query: Query | None = None
        self._methods: dict[str, tuple[tuple[str, ...], Callable[[Params], Any]]] = {
            "get.account": ((), self._account),
            "get.reports_list": (("limit", "offset"), self._reports_list),
            "getobj.columns_tree": (("report_type",), self._columns_tree),
            "get.report_filters": (("report_type",), self._report_filters),
            "getobj.report_state": (("report_id",), self._report_state),
        }

    def result(self, request: Request) -> dict[str, Any]:
        """Answer a request, or refuse it."""
        params = Params(request.params)
        if request.method == "login.user":
            params.only(("login", "password"))
            return {"metadata": {}, "data": self.sessions.login(params)}
        if request.method not in {*self._methods, *FLAT, "logout.user", "get.customer_users"}:
            message = f'Method "{request.method}" not found'
            raise Refusal("method_not_found", message, value=request.method)
        token = params.need("access_token", str)
        self.sessions.check(token)
        self.points.check()
        answer = self._authorised(request.method, params, token)
        self.points.spend()
        return self._with_limits(answer)

    def _authorised(self, method: str, params: Params, token: str) -> dict[str, Any]:
        if method == "logout.user":
            params.only(_COMMON)
            self.sessions.logout(token)
            return _answer({})
        if method == "get.customer_users":
            params.only((*_COMMON, "limit", "offset"))
            return _listed(accounts.clients(self.quirks), params, self.quirks)
        if method in self._methods:
            names, call = self._methods[method]
            params.only((*_COMMON, *names))
            answer: dict[str, Any] = call(params)
            return answer
        return self._flat(FLAT[method], params)

    def _with_limits(self, answer: dict[str, Any]) -> dict[str, Any]:
        if self.quirks.limits != "absent":
            reported = self.quirks.limits == "reported"
            answer["metadata"]["limits"] = self.points.report() if reported else {}
        return answer

    def _user(self, params: Params) -> int | None:
        return accounts.user_of(params, self.quirks)

    def _account(self, params: Params) -> dict[str, Any]:
        return _answer(accounts.account(self._user(params), self.quirks))

    def _reports_list(self, params: Params) -> dict[str, Any]:
        self._user(params)
        return _listed(discovery.reports_list(self.quirks), params, self.quirks)

    def _columns_tree(self, params: Params) -> dict[str, Any]:
        self._user(params)
        report = discovery.by_type(params.need("report_type", str))
        return _answer(discovery.columns_tree(report, self.quirks))

    def _report_filters(self, params: Params) -> dict[str, Any]:
        self._user(params)
        report = discovery.by_type(params.need("report_type", str))
        return _answer(discovery.report_filters(report, self.quirks))

    def _report_state(self, params: Params) -> dict[str, Any]:
        self._user(params)
        return _answer(discovery.report_state(params.need("report_id", int), self.quirks))

    def _flat(self, type_: ReportType, params: Params) -> dict[str, Any]:
        user = self._user(params)
        params.only((*_COMMON, *_FLAT, *type_.params))
        self._check_report(type_, params)
        report = self.worlds.report(user, type_.command)
        fields = checks.asked_fields(params, type_, self.quirks)
        query = self._query(report, params)
        limit, offset = checks.paging(params, self.quirks)
        self._calls[type_.method] += 1
        rows, total = report.page(query, offset, self._shortened(limit, query.call))
        data = []
        if fields:
            make = shaper(type_, report.rows.source, self.quirks)
            names = keys(fields, type_, self.quirks, query.call)
            data = rows_as_dicts(rows, names, make, self.quirks)
        self.worlds.pass_time(report, self._calls[type_.method], query)
        return {"metadata": self._metadata(total, query), "data": data}

    def _check_report(self, type_: ReportType, params: Params) -> None:
        """Check which report is meant, and the method's own parameters."""
        behaviour = self.quirks.report_type
        told = params.get("report_type", str)
        if behaviour == "refused" and "report_type" in params.values:
            raise checks.unexpected("report_type", params.values["report_type"])
        if behaviour == "required" and told is None:
            raise missed("report_type")
        id_ = params.need("report_id", int)
        if id_ not in discovery.report_ids(type_, self.quirks):
            raise wrong_value("report_id", id_, "no such report")
        if told is not None and told != discovery.type_of(type_):
            raise wrong_value("report_type", told, "another type than the report's")
        if "is_realtime" in type_.params:
            params.need("is_realtime", bool)

    def _query(self, report: Report, params: Params) -> Query:
        start, end = checks.period(params, report.type, self.quirks)
        tree = params.values.get("filter")
        test = None if tree in (None, {}) else self._filters(report).test(tree)
        query = Query(
            json.dumps(tree, sort_keys=True),
            start,
            end + 1 if self.quirks.till_inclusive else end,
            checks.sorting(params, report.type, self.quirks),
            test,
            call=sum(self._calls.values()) + 1,
        )
        if "entity_ids" in report.type.params:
            return replace(query, entities=self._entities(params))
        return query

    def _filters(self, report: Report) -> Filters:
        aliases = dict(_listed_names())
        return Filters(
            lambda name: checks.filtered(name, report.type, self.quirks),
            report.rows.source.maker,
            aliases,
            ids=self.quirks.filter_value_ids,
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

    def _metadata(self, total: int, query: Query) -> dict[str, Any]:
        metadata: dict[str, Any] = {"api_version": {"current_version_deprecated": False}}
        if self.quirks.total_items != "absent":
            metadata["total_items"] = total + (total > 0 and self._overstated(query))
        return metadata

    def _overstated(self, query: Query) -> bool:
        if self.quirks.total_items == "one_more":
            return True
        first = self._first_query = self._first_query or query
        same = {(one.key, one.start, one.end, one.entities) for one in (first, query)}
        return self.quirks.total_items == "one_more_once" and len(same) == 1


def _listed_names() -> list[tuple[str, str]]:
    return [(shown, listed) for shown, listed in words()["kinds"].values()]


def _answer(data: Any) -> dict[str, Any]:
    return {"metadata": {}, "data": data}


def _listed(rows: list[dict[str, Any]], params: Params, quirks: Quirks) -> dict[str, Any]:
    """Return a page of a list."""
    limit, offset = checks.paging(params, quirks)
    return {"metadata": {"total_items": len(rows)}, "data": rows[offset : offset + limit]}
