"""Each quirk of the sandbox, on either side of what the API's notes leave unproven."""

from collections import Counter
from datetime import datetime

import pytest
from sandbox_client import KEY, PERIOD, ask, paged, refused, rows, sandbox, straight, total

from comagic_cli.query.catalog import report
from comagic_cli.sandbox.quirks import Arrival, Quirks, Vanishing

TIME = "communication_date_time"
FULL = [*KEY, "call_status", "tags", "employees", "site_name", "person_id", "contact_full_name"]
IDS = ["communication_id"]


@pytest.fixture
def make():
    made = []

    def one(**quirks):
        made.append(sandbox(**quirks))
        return made[-1]

    yield one
    for box in made:
        box.close()


@pytest.mark.parametrize(
    ("quirk", "more"), [("exact", 0), ("one_more", 1), ("absent", None), ("one_more_once", 1)]
)
def test_totals(make, quirk, more):
    box, count = make(total_items=quirk), total(make())
    assert total(box) == (None if more is None else count + more)
    other = ("2026-09-01 00:00:00", "2026-09-10 23:59:59")
    later = more if quirk == "one_more" else (None if more is None else 0)
    assert total(box, period=other) == (
        None if later is None else total(make(), period=other) + later
    )
    assert total(box) == (None if more is None else count + more)
    nothing = ("2027-01-01 00:00:00", "2027-01-02 00:00:00")
    assert total(box, period=nothing) == (None if more is None else 0)


def test_pages_can_be_short(make):
    box = make(short_pages=40)
    sizes = [len(rows(box, fields=IDS, limit=100)) for _ in range(30)]
    assert 1 <= min(sizes) < max(sizes) <= 40
    assert len(set(sizes)) > 5
    assert all(len(rows(box, fields=IDS, limit=1)) == 1 for _ in range(5))
    assert [row["communication_id"] for row in paged(box, 100, fields=IDS)] == [
        row["communication_id"] for row in rows(make(), fields=IDS)
    ]


def test_a_limit_can_be_clamped_silently(make):
    assert len(rows(make(page_cap=25), fields=IDS, limit=100)) == 25
    assert len(rows(make(page_cap=25), fields=IDS, limit=10)) == 10
    assert len(rows(make(limit_past_cap="clamped", page_cap=30), fields=IDS, limit=10**6)) == 30
    assert rows(make(offset_past_cap="clamped"), fields=IDS, offset=10**6) == []


SECOND = datetime.fromisoformat("2026-10-02 12:00:00")


def crowd(**quirks):
    """Make a sandbox whose rows come in crowds of fifty a second."""
    times = {"times": lambda n: SECOND.replace(second=n // 50, microsecond=n % 50 * 20_000)}
    return sandbox(rows=500, **times, **quirks)


@pytest.mark.parametrize("where", [None, {"field": "site_name", "operator": "is_not_null"}])
@pytest.mark.parametrize("sort", [None, [{"field": TIME, "order": "desc"}]])
def test_ties_can_change_places_unless_the_sort_breaks_them(where, sort):
    box = crowd(unstable_ties=True)
    asked = {"fields": KEY, "filter": where, "sort": sort}
    orders = [[row["communication_id"] for row in rows(box, **asked)] for _ in range(3)]
    assert orders[0] != orders[1]
    assert len({frozenset(Counter(order).items()) for order in orders}) == 1
    times = [row[TIME] for row in rows(box, **asked)]
    assert times == sorted(times, reverse=sort is not None)
    whole = [{"field": name} for name in (TIME, "communication_type", "communication_id")]
    firm = [rows(box, **asked | {"sort": whole}) for _ in range(3)]
    assert firm[0] == firm[1] == firm[2]
    box.close()


@pytest.mark.parametrize("where", [None, {"field": TIME, "operator": "is_not_null"}])
def test_sorting_by_time_goes_by_what_shows_or_what_is_stored(where):
    sort = [{"field": TIME}, {"field": "communication_id"}]
    shown, stored = crowd(), crowd(time_sort="stored")
    first, second = (rows(box, fields=KEY, sort=sort, filter=where) for box in (shown, stored))
    assert first != second
    assert second == rows(stored, fields=KEY)
    assert [row[TIME] for row in first] == [row[TIME] for row in second]
    down = rows(stored, fields=KEY, sort=[{"field": TIME, "order": "desc"}], filter=where)
    assert down == second[::-1]
    shown.close()
    stored.close()


def test_rows_arrive_at_the_start_and_at_the_end(make):
    arrivals = (Arrival(1, "start", 3), Arrival(2, "end", 2))
    box = make(arrivals=arrivals)
    first, second, third = (rows(box, fields=KEY) for _ in range(3))
    assert (len(second), len(third)) == (len(first) + 3, len(first) + 5)
    new = [row for row in second if row not in first]
    assert {row[TIME] for row in new} == {"2026-10-01 00:00:02"}
    assert {row[TIME] for row in third if row not in second} == {"2026-10-05 23:59:56"}
    ids = [(row["communication_type"]["value_id"], row["communication_id"]) for row in third]
    assert len(set(ids)) == len(ids)
    assert [row[TIME] for row in third] == sorted(row[TIME] for row in third)
    truth = box.truth("communications", *PERIOD, fields=KEY)
    assert sorted(map(str, truth)) == sorted(map(str, third))


def test_rows_arrive_at_a_time_and_as_told(make):
    told = {TIME: "2026-10-03 10:00:00", "communication_id": 5, "site_name": "x"}
    timeless = {"communication_id": 6, TIME: None}
    box = make(
        arrivals=(
            Arrival(1, "2026-10-02 11:00:00.5", 2),
            Arrival(1, rows=(told,)),
            Arrival(1, "2026-10-04 09:00:00", rows=(timeless,)),
            Arrival(1, rows=1, method="get.calls"),
        )
    )
    names = [*IDS, TIME, "site_name"]
    first, second = (rows(box, fields=names) for _ in range(2))
    new = [row for row in second if row not in first]
    assert [row[TIME] for row in new] == ["2026-10-02 11:00:00"] * 2 + [told[TIME], None]
    assert new[2] == {name: told[name] for name in names}
    calls = [len(rows(box, "calls")) for _ in range(3)]
    assert calls == [calls[0], calls[0] + 1, calls[0] + 1]


def test_a_page_after_an_arrival_is_pushed(make):
    box = make(arrivals=(Arrival(1, "start", 3),))
    first = rows(box, fields=IDS, limit=10)
    pushed = rows(box, fields=IDS, limit=10, offset=10)
    assert pushed[:3] == first[-3:]


@pytest.mark.parametrize(
    ("at", "gone"),
    [("start", slice(0, 3)), ("end", slice(-3, None)), ("2026-10-03 00:00:00", None)],
)
def test_rows_vanish(make, at, gone):
    box = make(vanishings=(Vanishing(2, at, 3),), arrivals=(Arrival(1, "2026-10-04 12:00:00", 1),))
    rows(box, fields=KEY)
    before, after = (rows(box, fields=KEY) for _ in range(2))
    assert len(after) == len(before) - 3
    missing = [row for row in before if row not in after]
    if gone:
        assert missing == before[gone]
    else:
        assert missing == [row for row in before if row[TIME] >= at][:3]
    assert rows(box, fields=KEY) == after
    assert total(box) == len(after) == len(box.truth("communications", *PERIOD, fields=IDS))


GIVEN = [
    {TIME: "2026-10-05 23:59:59", "communication_id": 1, "_stored": "2026-10-05 23:59:59.0"},
    {TIME: "2026-10-05 23:59:59", "communication_id": 2, "_stored": "2026-10-05 23:59:59.6"},
]


@pytest.mark.parametrize(
    ("inclusive", "till", "ids"),
    [
        (True, "23:59:59", [1]),
        (False, "23:59:59", []),
        (True, "23:59:58", []),
    ],
)
def test_the_end_of_a_period_is_in_it_or_not(inclusive, till, ids):
    box = sandbox(data={"communications": GIVEN}, till_inclusive=inclusive)
    found = rows(box, period=(PERIOD[0], f"2026-10-05 {till}"), fields=IDS)
    assert [row["communication_id"] for row in found] == ids
    later = rows(box, period=(PERIOD[0], "2026-10-06 00:00:00"), fields=IDS)
    assert [row["communication_id"] for row in later] == [1, 2]
    assert len(box.truth("communications", "2026-10-05 23:59:59", "2026-10-05 23:59:59")) == 2
    box.close()


def test_shown_times_can_be_rounded(make):
    plain, rounded = make(), make(shown="rounded")
    first, second = (rows(box, fields=KEY) for box in (plain, rounded))
    later = [
        datetime.fromisoformat(other[TIME]) - datetime.fromisoformat(row[TIME])
        for row, other in zip(first, second, strict=True)
    ]
    assert {gap.total_seconds() for gap in later} == {0, 1}
    sort = [{"field": name} for name in (TIME, "communication_type", "communication_id")]
    assert len(paged(rounded, 37, fields=IDS, sort=sort)) == len(second)
    start, end = PERIOD[0], "2026-10-02 10:00:00"
    truth = rounded.truth("communications", start, end, fields=KEY)
    assert all(start <= row[TIME] <= end for row in truth)


@pytest.mark.parametrize(
    ("counted", "till", "fine"),
    [
        ("seconds", "2026-10-02 00:00:00", True),
        ("seconds", "2026-10-02 00:00:01", False),
        ("calendar", "2026-10-01 23:59:59", True),
        ("calendar", "2026-10-02 00:00:00", False),
    ],
)
def test_the_longest_period_is_counted_in_seconds_or_days(make, counted, till, fine):
    answer = ask(make(days_counted=counted), period=("2025-10-01 00:00:00", till), fields=[])
    assert ("result" in answer) == fine


def test_the_cap_of_days_can_be_another(make):
    box = make(max_days=31)
    error = ask(box, period=("2026-08-01 00:00:00", "2026-09-30 00:00:00"))["error"]
    assert error["data"]["mnemonic"] == "date_interval_limit_reached"
    assert "31 days" in error["message"]


@pytest.mark.parametrize(
    ("quirk", "told", "expected"),
    [
        ("accepted", {}, None),
        ("accepted", {"report_type": "communications"}, None),
        ("required", {"report_type": "communications"}, None),
        ("required", {}, ("required_parameter_missed", "report_type")),
        ("refused", {}, None),
        ("refused", {"report_type": "communications"}, ("unexpected_parameters", "report_type")),
    ],
)
def test_the_reports_type(make, quirk, told, expected):
    answer = ask(make(report_type=quirk), fields=IDS, **told)
    assert "result" in answer if expected is None else refused(answer) == expected


def test_a_type_for_every_report(make):
    box = make(report_type="required")
    listed = straight(box, "get.reports_list")["result"]["data"]
    types = {one["id"]: one["type"] for one in listed}
    assert types[1006] == "visits"
    assert rows(box, "visits", fields=["visitor_session_id"], report_type="visits")


def test_more_fields_can_be_prohibited(make):
    box = make(sorts_prohibited=("site_name",), filters_prohibited=("site_name",))
    assert refused(ask(box, sort=[{"field": "site_name"}])) == ("sort_prohibited", "site_name")
    where = {"field": "site_name", "operator": "is_null"}
    assert refused(ask(box, filter=where)) == ("filter_prohibited", "site_name")
    filters = straight(box, "get.report_filters", report_type="communications")["result"]["data"]
    assert "site_name" not in [one["id"] for one in filters]


def test_entity_ids_have_a_cap(make):
    box = make(max_entity_ids=2)
    assert rows(box, "person-details", entity_ids=[1, 2]) == []
    assert refused(ask(box, "person-details", entity_ids=[1, 2, 3]))[1] == "entity_ids"


def test_the_account_can_be_an_object(make):
    data = straight(make(account_object=True, timezone="Asia/Omsk"), "get.account")["result"]
    assert data["data"]["timezone"] == "Asia/Omsk"


def test_two_reports_of_each_type(make):
    box = make(reports_per_type=2)
    listed = straight(box, "get.reports_list")["result"]["data"]
    assert len(listed) == 26
    names = {one["id"]: one["name"] for one in listed}
    assert (names[1001], names[2001]) == ("Обращения", "Обращения (2)")
    assert rows(box, fields=IDS, report_id=2001) == rows(box, fields=IDS)
    assert refused(ask(make(), report_id=2001))[1] == "report_id"


def test_the_saved_state_can_be_told(make):
    box = make(report_state={"filter": {"field": "site_name", "operator": "is_null"}})
    state = straight(box, "getobj.report_state", report_id=1002)["result"]["data"]
    assert state["filter"]["operator"] == "is_null"
    assert state["columns"] == list(report("calls").default_fields()[:8])


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("null", {"mnemonic", "field", "value", "params", "extended_helper"}),
        ("missing", {"mnemonic"}),
        ("empty", set()),
        ("absent", None),
    ],
)
def test_members_of_errors_can_be_missing(make, form, data):
    error = straight(make(error_data=form), "get.account", colour=1)["error"]
    assert set(error) == {"code", "message"} | (set() if data is None else {"data"})
    assert data is None or set(error["data"]) == data
    assert data is None or all(error["data"][name] is None for name in data - {"mnemonic"})


def test_codes_can_differ(make):
    usual, other = make(), make(code_differs=True)
    first, second = (straight(box, "get.nothing")["error"] for box in (usual, other))
    assert first["data"] == second["data"]
    assert first["code"] == -32601 != second["code"]


def test_how_many_rows_are_evaluated_is_a_quirk(make):
    box = make(max_rows_evaluated=100)
    assert refused(ask(box, sort=[{"field": "site_name"}]))[0] == "error"
    assert Quirks().max_rows_evaluated == 200_000
