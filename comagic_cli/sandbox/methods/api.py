"""The methods: from a call's body to its answer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.query.catalog import ReportType, list_named, reports
from comagic_cli.query.catalog import lists as all_lists
from comagic_cli.sandbox.data.rhythm import micros
from comagic_cli.sandbox.methods import accounts, checks, discovery, lists, objects, older
from comagic_cli.sandbox.methods.checks import Params
from comagic_cli.sandbox.methods.filters import Filters
from comagic_cli.sandbox.methods.refusals import Refusal, missed, wrong_type, wrong_value
from comagic_cli.sandbox.methods.reports import Query, Report
from comagic_cli.sandbox.methods.shapes import keys, rows_as_dicts, shaper

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
_LIST: Final = ("fields", "filter", "sort", "limit", "offset")


@cache
def catalogue() -> dict[str, ReportType]:
    """Return reports and lists by their methods."""
    return {entry.method: entry for entry in (*reports(), *all_lists())}


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
            "getobj.account": ((), self._account_object),
            "get.customer_users": (_LIST, self._customer_users),
            "get.report_types": (_LIST, self._report_types),
            "get.reports_list": (_LIST, self._reports_list),
            "getobj.columns_tree": (("report_type",), self._columns_tree),
            "get.report_filters": (("report_type",), self._report_filters),
            "getobj.report_state": (("report_id",), self._report_state),
        }

    def result(self, request: Request) -> dict[str, Any]:
        """Answer a request, or refuse it."""
        params = Params(request.params)
        if request.method == "login.user":
            params.only(("login", "password"))
            return _answer(self.sessions.login(params))
        if not self._is_known(request.method):
            message = f'Method "{request.method}" not found'
            raise Refusal("method_not_found", message, value=request.method)
        token = params.need("access_token", str)
        self.sessions.check(token)
        self.points.check()
        answer = self._authorised(request.method, params, token)
        self.points.spend()
        return self._with_limits(answer)

    def _is_known(self, method: str) -> bool:
        absent = {
            "get.account": self.quirks.get_account == "absent",
            "getobj.account": self.quirks.getobj_account == "absent",
        }
        known = {*self._methods, *catalogue(), "logout.user"}
        return method in known and not absent.get(method, False)

    def _authorised(self, method: str, params: Params, token: str) -> dict[str, Any]:
        if method == "logout.user":
            params.only(_COMMON)
            self.sessions.logout(token)
            return _answer({})
        if not self.quirks.flat_reports and discovery.is_of_flat_reports(method):
            raise Refusal("method_component_disabled")
        if method in self._methods:
            names, call = self._methods[method]
            params.only((*_COMMON, *names))
            answer: dict[str, Any] = call(params)
            return answer
        return self._of_catalogue(catalogue()[method], params)

    def _of_catalogue(self, type_: ReportType, params: Params) -> dict[str, Any]:
        if type_.family == "flat":
            return self._flat(type_, params)
        return self._older(type_, params) if type_.family == "older" else self._list(type_, params)

    def _with_limits(self, answer: dict[str, Any]) -> dict[str, Any]:
        if self.quirks.limits != "absent":
            reported = self.quirks.limits == "reported"
            answer["metadata"]["limits"] = self.points.report() if reported else {}
        return answer

    def _user(self, params: Params) -> int | None:
        return accounts.user_of(params, self.quirks)

    def _account(self, params: Params) -> dict[str, Any]:
        behaviour = self.quirks.get_account
        if behaviour == "forbidden":
            raise Refusal("forbidden")
        if behaviour == "no_user_id" and "user_id" in params.values:
            raise checks.unexpected("user_id", params.values["user_id"])
        return _answer(accounts.account(self._user(params), self.quirks))

    def _account_object(self, params: Params) -> dict[str, Any]:
        if self.quirks.getobj_account == "forbidden":
            raise Refusal("forbidden")
        return _answer(accounts.account_object(self._user(params), self.quirks))

    def _customer_users(self, params: Params) -> dict[str, Any]:
        return self._listed("customer-users", accounts.clients(self.quirks), params)

    def _report_types(self, params: Params) -> dict[str, Any]:
        self._user(params)
        return self._listed("report-types", discovery.report_types(), params)

    def _reports_list(self, params: Params) -> dict[str, Any]:
        self._user(params)
        return self._listed("reports-list", discovery.reports_list(self.quirks), params)

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
        return self._page(self.worlds.report(user, type_.command), params, user)

    def _older(self, type_: ReportType, params: Params) -> dict[str, Any]:
        user = self._user(params)
        params.only((*_COMMON, *older.params_of(type_)))
        if not older.is_sum(type_):
            with_unusual = older.with_unusual(params)
            report = self.worlds.report(user, type_.command, with_unusual=with_unusual)
            return self._page(report, params, user)
        now = micros(self.worlds.local_now(user))
        period = older.closed_period(params, type_, self.quirks, now)
        rows = older.sums(type_, self.worlds, user, params, period)
        page, total = lists.page_of(type_, rows, params, self.quirks)
        return _answer(page, total_items=total)

    def _list(self, type_: ReportType, params: Params) -> dict[str, Any]:
        """Answer a list, or one object."""
        user = self._user(params)
        params.only((*_COMMON, *lists.params_of(type_)))
        lists.check_own_params(type_, params)
        if type_.dated:
            checks.period(params, type_, self.quirks, micros(self.worlds.local_now(user)))
        if type_.family == "object":
            return _answer(objects.object_of(type_, self.worlds, user, params))
        rows = lists.chosen(type_, self.worlds.directory(user, type_.command), params)
        page, total = lists.page_of(type_, rows, params, self.quirks)
        return _answer(page, total_items=total)

    def _listed(self, command: str, rows: list[dict[str, Any]], params: Params) -> dict[str, Any]:
        """Answer a list that has its own rows."""
        page, total = lists.page_of(list_named(command), rows, params, self.quirks)
        return _answer(page, total_items=total)

    def _page(self, report: Report, params: Params, user: int | None) -> dict[str, Any]:
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
        return _answer(data, **self._total_items(total, query))

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

    def _query(self, report: Report, params: Params, user: int | None) -> Query:
        chats = older.chats_of(params) if "chat_ids" in report.type.params else None
        if chats is None:
            now = micros(self.worlds.local_now(user))
            start, end = older.closed_period(params, report.type, self.quirks, now)
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


def _answer(data: Any, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"version": None, **metadata}, "data": data}
