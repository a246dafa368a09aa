"""Lists of services that count otherwise, clamp pages, ignore offsets or refuse limits."""

from __future__ import annotations

import json

import pytest
from program import Watched

from comagic_cli.api.lists import ask_items
from comagic_cli.errors import NotAllowed, Refused, RowsMissing
from comagic_cli.query.catalog import lists, page_size_of, reports
from comagic_cli.rows.page import Answer

TOTALS = {
    "exact": lambda rows, _, __: rows,
    "one more": lambda rows, _, __: rows + 1,
    "too many": lambda rows, _, __: rows + 500,
    "page": lambda _, __, page: page,
    "so far": lambda _, offset, page: offset + page,
    "absent": lambda *_: None,
}


class Service:
    """A method with so many items, which are all equal or all different."""

    def __init__(self, rows, total, *, page=10_000, equal=False, offset="taken", limit=None):
        self.items = ["{}" if equal else f'{{"id":{number}}}' for number in range(rows)]
        self.total, self.page, self.offset, self.refusal = total, page, offset, limit
        self.calls = []

    def __call__(self, _, params):
        self.calls.append((params.get("limit"), params.get("offset")))
        if self.refusal and "limit" in params:
            raise self.refusal
        offset = params.get("offset", 0)
        if offset > 0 and self.offset == "refused":
            raise Refused("no", mnemonic="unexpected_parameters", field="offset")
        start = offset if self.offset == "taken" else 0
        page = self.items[start : start + min(params.get("limit", 1000), self.page)]
        total = TOTALS[self.total](len(self.items), start, len(page))
        return Answer(f"[{','.join(page)}]".encode(), total)


def read(service, page_size=10_000):
    """Return how many items came, and whether the end was told as complete."""
    pages, code = [], 0
    try:
        pages.extend(ask_items(service, "get.x", {}, page_size=page_size))
    except RowsMissing as error:
        code = error.exit_code
    items = [bytes(item).decode() for page in pages for item in page.items]
    assert items == service.items[: len(items)]
    return len(items), code


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("page_size", [None, 10_000])
@pytest.mark.parametrize("page", [25, 1000, 10_000])
@pytest.mark.parametrize("total", ["exact", "one more", "absent"])
def test_every_item_comes_whatever_the_total_and_the_page(total, page, page_size, equal):
    for rows in (0, 1, 24, 25, 50, 75, 1000, 1500, 2500):
        service = Service(rows, total, page=page, equal=equal)
        assert read(service, page_size) == (rows, 0), rows


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("page", [25, 1000, 10_000])
@pytest.mark.parametrize("total", ["page", "so far"])
def test_a_total_of_a_page_is_not_taken_for_that_of_the_list(total, page, equal):
    for rows in (1, 24, 25, 50, 75, 1000, 1500, 10_000, 10_050):
        assert read(Service(rows, total, page=page, equal=equal)) == (rows, 0), rows


@pytest.mark.parametrize(("total", "rows"), [("page", 1500), ("so far", 2000)])
def test_a_full_page_is_confirmed_also_where_no_limit_is_sent(total, rows):
    service = Service(rows, total)
    assert read(service, None) == (rows, 0)


@pytest.mark.parametrize(
    ("rows", "total", "more", "page_size", "ended"),
    [
        (2500, "exact", {"page": 1000, "equal": True, "offset": "ignored"}, 10_000, (1000, 3)),
        (2500, "absent", {"page": 1000, "equal": True, "offset": "ignored"}, 10_000, (1000, 3)),
        (2500, "absent", {"offset": "ignored"}, None, (1000, 3)),
        (7, "absent", {"offset": "ignored"}, 10_000, (7, 3)),
        (7, "absent", {"offset": "ignored"}, None, (7, 0)),
        (7, "absent", {"equal": True, "offset": "ignored"}, None, (7, 0)),
        (7, "exact", {"offset": "ignored"}, 10_000, (7, 0)),
        (7, "exact", {"equal": True, "offset": "ignored"}, 10_000, (7, 0)),
        (7, "exact", {"offset": "refused"}, 10_000, (7, 0)),
        (7, "too many", {"offset": "ignored"}, 10_000, (7, 3)),
        (7, "too many", {}, 10_000, (7, 3)),
    ],
)
def test_items_are_never_lost_in_silence_nor_doubled(rows, total, more, page_size, ended):
    assert read(Service(rows, total, **more), page_size) == ended


@pytest.mark.parametrize(
    ("rows", "total", "page", "calls"),
    [
        (7, "exact", 10_000, 2),  # the total of a first page is confirmed once
        (7, "exact", 3, 3),
        (2500, "exact", 1000, 3),
        (2000, "exact", 1000, 3),
        (7, "absent", 10_000, 2),
    ],
)
def test_no_more_calls_are_made_than_needed(rows, total, page, calls):
    service = Service(rows, total, page=page)
    read(service)
    assert len(service.calls) == calls


@pytest.mark.parametrize(
    "refusal",
    [
        Refused("no", mnemonic="unexpected_parameters", field="limit"),
        Refused("no", mnemonic="unexpected_parameters"),
        Refused("no", mnemonic="invalid_parameter_value", field="limit", value="10000"),
        Refused("limit is at most 1000", mnemonic="error"),
    ],
)
def test_where_a_limit_is_refused_none_is_sent(refusal):
    service = Service(1500, "exact", limit=refusal)
    assert read(service) == (1500, 0)
    assert service.calls == [(10_000, None), (None, None), (None, 1000)]


@pytest.mark.parametrize(
    "refusal",
    [
        Refused("no", mnemonic="unexpected_parameters", field="fields"),
        Refused("Max value of the limit", mnemonic="date_interval_limit_reached"),
        Refused("no", mnemonic="invalid_parameter_value", field="site_id"),
        NotAllowed("no", mnemonic="forbidden"),
    ],
)
def test_what_is_not_about_the_limit_is_asked_once(refusal):
    service = Service(1500, "exact", limit=refusal)
    with pytest.raises(type(refusal)):
        read(service)
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    ("method", "size"),
    [
        ("get.communications", 10_000),
        ("get.calls_report", 10_000),
        ("get.tags", 10_000),
        ("get.customer_users", 10_000),
        ("get.sip_line_virtual_numbers", 10_000),
        ("get.account", None),
        ("get.report_filters", None),
        ("getobj.site", None),
        ("get.unheard_of", None),
    ],
)
def test_the_page_size_of_a_method(method, size):
    assert page_size_of(method) == size


def test_all_lists_of_the_documentation_page():
    methods = {entry.method for entry in (*reports(), *lists())}
    assert len(methods) == 152
    assert sum(page_size_of(method) is not None for method in methods) == 106


@pytest.mark.parametrize(
    ("typed", "method"),
    [
        (["users"], "get.customer_users"),
        (["communications", "--user-id", "all", "--count"], "get.customer_users"),
        (["api", "get.report_types"], "get.report_types"),
        (["api", "get.customer_users"], "get.customer_users"),
    ],
)
def test_a_list_is_asked_for_in_the_largest_pages(comagic, typed, method):
    with Watched(agent=True) as box:
        ran = comagic(*typed, *([] if typed[0] != "api" else ["--params", PARAMS[method]]), box=box)
    limits = {call.params.get("limit") for call in box.journal if call.method == method}
    assert (ran.code, limits) == (0, {10_000})


PARAMS = {"get.report_types": json.dumps({"user_id": 7001}), "get.customer_users": "{}"}
