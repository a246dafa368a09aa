"""The methods: from a call's body to its answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.query.catalog import ReportType, lists, page_size_of, reports
from comagic_cli.sandbox.data.business import words
from comagic_cli.sandbox.methods import accounts, checks, discovery
from comagic_cli.sandbox.methods.answers import Answers
from comagic_cli.sandbox.methods.checks import Params
from comagic_cli.sandbox.methods.pages import COMMON, answer_of
from comagic_cli.sandbox.methods.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from comagic_cli.sandbox.quirks import Quirks
    from comagic_cli.sandbox.worlds import Worlds

_LIST: Final = ("fields", "filter", "sort", "limit", "offset")


@cache
def find_entry(method: str) -> ReportType:
    """Find a report or a list by its method, or refuse; lists are read when no report has it."""
    for entries in (reports, lists):
        for entry in entries():
            if entry.method == method:
                return entry
    raise Refusal("method_not_found", f'Method "{method}" not found', value=method)


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
        self.answers = Answers(quirks, worlds)
        self.sessions = accounts.Sessions(quirks, clock)
        self.points = accounts.Points(quirks, clock)
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
            return answer_of(self.sessions.login(params))
        self._check_known(request.method)
        token = params.need("access_token", str)
        self.sessions.check(token)
        self.points.check()
        answer = self._authorised(request.method, params, token)
        self.points.spend()
        return self._with_limits(answer)

    def is_token(self, token: str) -> bool:
        """Tell whether a token is good."""
        try:
            self.sessions.check(token)
        except Refusal:
            return False
        return True

    def _check_known(self, method: str) -> None:
        absent = {
            "get.account": self.quirks.get_account == "absent",
            "getobj.account": self.quirks.getobj_account == "absent",
        }
        if absent.get(method):
            raise Refusal("method_not_found", f'Method "{method}" not found', value=method)
        if method not in self._methods and method != "logout.user":
            find_entry(method)

    def _authorised(self, method: str, params: Params, token: str) -> dict[str, Any]:
        if method == "logout.user":
            params.only(COMMON)
            self.sessions.logout(token)
            return answer_of({})
        if not self.quirks.flat_reports and discovery.is_of_flat_reports(method):
            component = words()["flat_component"]
            raise Refusal("method_component_disabled", f'Component "{component}" is disabled')
        if method in self._methods:
            names, call = self._methods[method]
            params.only((*COMMON, *names))
            answer: dict[str, Any] = call(params)
            return answer
        return self.answers.of(find_entry(method), params)

    def every_row(self, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the rows of all pages of a method, without a look at sessions and points."""
        rows: list[dict[str, Any]] = []
        size = page_size_of(method)
        while True:
            page = {} if size is None else {"limit": size, "offset": len(rows)}
            data = self._authorised(method, Params({**params, **page}), accounts.TOKEN)["data"]
            found = data if isinstance(data, list) else [data]
            rows += found
            if size is None or not found:
                return rows

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
        return answer_of(accounts.account(self._user(params), self.quirks))

    def _account_object(self, params: Params) -> dict[str, Any]:
        if self.quirks.getobj_account == "forbidden":
            raise Refusal("forbidden")
        return answer_of(accounts.account_object(self._user(params), self.quirks))

    def _customer_users(self, params: Params) -> dict[str, Any]:
        return self.answers.listed("customer-users", accounts.clients(self.quirks), params)

    def _report_types(self, params: Params) -> dict[str, Any]:
        self._user(params)
        return self.answers.listed("report-types", discovery.report_types(), params)

    def _reports_list(self, params: Params) -> dict[str, Any]:
        self._user(params)
        return self.answers.listed("reports-list", discovery.reports_list(self.quirks), params)

    def _columns_tree(self, params: Params) -> dict[str, Any]:
        self._user(params)
        report = discovery.by_type(params.need("report_type", str))
        return answer_of(discovery.columns_tree(report, self.quirks))

    def _report_filters(self, params: Params) -> dict[str, Any]:
        self._user(params)
        report = discovery.by_type(params.need("report_type", str))
        return answer_of(discovery.report_filters(report, self.quirks))

    def _report_state(self, params: Params) -> dict[str, Any]:
        self._user(params)
        return answer_of(discovery.report_state(params.need("report_id", int), self.quirks))
