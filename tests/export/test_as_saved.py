"""What is saved in the web account: its columns, filters and order, or a mistake that is named."""

from __future__ import annotations

import json

import pytest
from filters import leaf
from program import DAYS, SPAN, Watched

from comagic_cli.errors import UsageProblem
from comagic_cli.query.filter.json import SavedReport, read_saved
from comagic_cli.query.query import Sort

COLUMNS = ["total_duration", "communication_id", "site_name"]
LONG = leaf("total_duration", ">", 300)
CALLS = leaf("communication_type", "=", "Звонки")
STATE = {
    "columns": COLUMNS,
    "filter": LONG,
    "rapid_filter": {"filters": [CALLS], "condition": "and"},
    "sort": [{"field": "communication_date_time", "order": "desc"}],
}


@pytest.mark.parametrize(
    "nothing", [{}, {"columns": None, "sort": None}, {"columns": [], "sort": []}]
)
def test_what_is_not_saved_is_nothing(nothing):
    saved = read_saved(nothing)
    assert (saved.columns, saved.sort) == ((), ())
    assert [given.tree for given in saved.filters] == [None, None]


def test_the_parts_that_are_saved():
    state = {
        "columns": ["a", "b", "a"],
        "sort": [{"field": "a"}, {"field": "b", "order": "desc"}, {"field": "c", "order": None}],
        "filter": LONG,
        "dimensions": [1],
        "date_from": "2026-01-01 00:00:00",
    }
    saved = read_saved(state)
    assert saved == SavedReport(
        ("a", "b"), (Sort("a"), Sort("b", descending=True), Sort("c")), saved.filters
    )
    assert [(given.tree, given.trusted) for given in saved.filters] == [(LONG, True), (None, True)]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"columns": "a,b"}, "columns: must be a list"),
        ({"columns": ["a", 3]}, "columns[1]: must be the name of a column"),
        ({"columns": [""]}, "columns[0]: must be the name of a column"),
        ({"sort": {"field": "a"}}, "sort: must be a list"),
        ({"sort": ["a"]}, 'sort[0]: must be an object with a "field"'),
        ({"sort": [{"order": "asc"}]}, 'sort[0]: must be an object with a "field"'),
        ({"sort": [{"field": "a", "order": "up"}]}, "sort[0].order: must be asc or desc"),
        (
            {"sort": [{"field": "a", "nulls": 1}]},
            "sort[0].nulls: the API takes no such member here",
        ),
    ],
)
def test_what_is_not_of_the_apis_shape_is_named(state, message):
    with pytest.raises(UsageProblem) as caught:
        read_saved(state)
    assert caught.value.message == f"--as-saved: the saved {message}"
    assert caught.value.hint == "Save the report again, or omit --as-saved."


# As typed


def rows_of(ran):
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def saved_rows(box, columns=COLUMNS):
    """Return what is to come: the truth, filtered and turned here."""
    names = [*dict.fromkeys([*columns, "total_duration", "communication_type"])]
    rows = box.truth("communications", *SPAN, fields=names)
    wanted = [
        {name: row[name] for name in columns}
        for row in rows
        if (row["total_duration"] or 0) > 300 and row["communication_type"]["value_id"] == "call"
    ]
    assert 0 < len(wanted) < len(rows)
    return wanted


def test_columns_filters_and_sort_are_as_saved(comagic):
    with Watched(report_state=STATE) as box:
        ran = comagic("communications", *DAYS, "--as-saved", "-v", box=box)
    assert rows_of(ran) == saved_rows(box)[::-1]
    assert box.methods == ["get.reports_list", "getobj.report_state", "get.communications"]
    told = ran.err.splitlines()
    assert "columns as saved: total_duration,communication_id,site_name" in told
    assert "sort as saved: communication_date_time:desc" in told
    assert "filter as saved: total_duration > 300" in told
    assert "rapid_filter as saved: communication_type = 'Звонки'" in told
    assert "the saved dates are not used: see --from, --till and --period" in told


def test_a_saved_condition_beside_an_empty_list_is_a_condition(comagic):
    saved = CALLS | {"filters": [], "condition": "and"}
    with Watched(report_state={"filter": saved, "rapid_filter": []}) as box:
        ran = comagic("communications", *DAYS, "--as-saved", "--fields", "site_name", box=box)
    assert ran.code == 0, ran.err
    [page] = box.pages
    assert page.params["filter"] == CALLS


def test_what_is_typed_beside_it_wins_and_filters_are_joined(comagic):
    typed = ["--fields", "communication_id", "--sort", "communication_date_time"]
    where = ["--where", "site_name like '%Окна%'", "--report-id", "1001"]
    with Watched(report_state=STATE) as box:
        ran = comagic("communications", *DAYS, "--as-saved", *typed, *where, "-v", box=box)
    expected = [
        {"communication_id": row["communication_id"]}
        for row in saved_rows(box, ["communication_id", "site_name"])
        if "Окна" in (row["site_name"] or "")
    ]
    assert rows_of(ran) == expected
    told = ran.err.splitlines()
    assert "columns typed: communication_id" in told
    assert "sort typed: communication_date_time" in told
    assert "filter typed: site_name like '%Окна%'" in told
    [page] = box.pages
    assert len(page.params["filter"]["filters"]) == 3


def test_what_is_saved_goes_before_what_is_usual(comagic):
    with Watched(report_state=STATE) as box:
        ran = comagic("communications", *DAYS, "--as-saved", box=box, COMAGIC_FIELDS="yclid")
    assert list(rows_of(ran)[0]) == COLUMNS


def test_where_nothing_is_saved_all_is_as_usual(comagic):
    with Watched(rows=5, report_state={"columns": None, "sort": None}) as box:
        ran = comagic("communications", *DAYS, "--as-saved", "-v", box=box)
        usual = comagic("communications", *DAYS, box=box)
    assert ran.out == usual.out
    assert "sort none is saved: by time" in ran.err
    assert "filter as saved: none" in ran.err


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"columns": ["colour"]}, "columns: communications has no field 'colour'"),
        ({"sort": [{"field": "colour"}]}, "sort: communications has no field 'colour'"),
        ({"filter": leaf("colour", "=", 1)}, "filter: field: communications has no field 'colour'"),
        ({"rapid_filter": "site_name = 1"}, "rapid_filter: must be an object, not a text"),
        ({"filter": leaf("site_name", "~", 1)}, "filter: operator: '~' is not an operator"),
        ({"columns": 3}, "columns: must be a list"),
    ],
)
def test_what_cant_be_used_is_named_and_nothing_is_exported(comagic, state, message):
    with Watched(rows=5, report_state=state) as box:
        ran = comagic("communications", *DAYS, "--as-saved", box=box)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"comagic: --as-saved: the saved {message}\n")
    assert box.pages == []


def test_columns_of_the_account_can_be_saved(comagic):
    state = {"columns": ["cc_17"], "filter": leaf("cc_17", "is_not_null"), "sort": None}
    with Watched(rows=20, columns=("cc_17",), report_state=state) as box:
        rows = rows_of(comagic("communications", *DAYS, "--as-saved", box=box))
        truth = box.truth("communications", *SPAN, fields=["cc_17"])
    assert rows == [row for row in truth if row["cc_17"] is not None]
    assert rows


def test_mistakes_in_what_is_typed_are_told_before_anything_is_asked(comagic):
    with Watched(rows=5) as box:
        ran = comagic("communications", *DAYS, "--as-saved", "--where", "site_name =", box=box)
    assert (ran.code, box.methods) == (2, [])


def test_a_dry_run_asks_nothing_and_says_what_it_leaves_open(comagic):
    with Watched(rows=5) as box:
        dry = ["communications", *DAYS, "--as-saved", "--dry-run", "--sort", "site_name"]
        ran = comagic(*dry, "--where", "total_duration > 3", box=box)
        plain = comagic("communications", *DAYS, "--as-saved", "--dry-run", box=box)
    assert box.methods == []
    open_ = "(as saved in the account)"
    params = json.loads(ran.out)["params"]
    assert params["fields"] == open_
    assert params["filter"]["filters"] == [open_, leaf("total_duration", ">", 3)]
    assert params["sort"][0]["field"] == "site_name"
    assert "filter   as saved and total_duration > 3\n" in ran.err
    params = json.loads(plain.out)["params"]
    assert (params["filter"], params["sort"]) == (open_, open_)


def test_several_clients_have_nothing_saved_in_common(comagic):
    with Watched(rows=5, agent=True) as box:
        ran = comagic("communications", *DAYS, "--as-saved", "--user-id", "all", box=box)
    assert ran.code == 2
    assert "--as-saved: several customers have no saved report in common" in ran.err
    assert box.methods == []


def test_where_the_account_tells_nothing(comagic, monkeypatch):
    monkeypatch.setattr("comagic_cli.sandbox.methods.discovery.report_state", lambda *_: None)
    with Watched(rows=5) as box:
        ran = comagic("communications", *DAYS, "--as-saved", box=box)
    assert ran.code == 2
    assert "getobj.report_state has no saved state of the report 1001" in ran.err
