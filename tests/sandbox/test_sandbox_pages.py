"""Pages of the sandbox's reports, held against brute force, and rows given outright."""

from datetime import datetime

import pytest
from coverage_marks import unmeasured
from sandbox_client import KEY, PERIOD, ask, paged, refused, rows, sandbox, total

from comagic_cli.query.catalog import flat_reports
from comagic_cli.sandbox.data import rhythm
from comagic_cli.sandbox.data.business import words
from comagic_cli.sandbox.methods.filters import as_json

SPAN = ("2025-01-01 00:00:00", "2026-07-01 00:00:00")
TIME = "communication_date_time"
SORT = [{"field": TIME}, {"field": "communication_type"}, {"field": "communication_id"}]
COMMANDS = [entry.command for entry in flat_reports()]


@pytest.fixture(scope="module")
def box():
    made = sandbox()
    yield made
    made.close()


@unmeasured
@pytest.mark.parametrize(
    ("sort", "size"),
    [
        ([], 97),
        (SORT, 97),
        (SORT, 7),
        ([{"field": TIME, "order": "desc"}], 97),
        ([SORT[0] | {"order": "desc"}, SORT[1], SORT[2] | {"order": "desc"}], 61),
    ],
)
@pytest.mark.parametrize("period", [PERIOD, ("2026-10-02 09:00:00", "2026-10-02 09:00:59")])
def test_pages_by_time_are_those_of_brute_force(sort, size, period):
    dense = sandbox(rows=1500, span=("2026-10-02 08:59:40", "2026-10-02 09:01:20"))
    held = dense.worlds.report(None, "communications").rows
    edges = rhythm.parse(period[0]), rhythm.parse(period[1])
    wanted = [row for row in map(held.row, range(len(held))) if edges[0] <= row.stored <= edges[1]]
    kinds = words()["kinds"]
    values = {
        TIME: lambda row: row.shown,
        "communication_type": lambda row: kinds[row.kind],
        "communication_id": lambda row: row.identity,
    }
    for item in reversed(sort):
        down = item.get("order") == "desc"
        wanted.sort(key=values[item["field"]], reverse=down)
    found = paged(dense, size, period=period, fields=KEY, sort=sort)
    assert [(row[TIME], row["communication_id"]) for row in found] == [
        (row.shown, row.identity) for row in wanted
    ]
    assert found
    dense.close()


def test_a_crowded_second_is_paged_in_order():
    crowd = sandbox(rows=3000, times=lambda _: datetime.fromisoformat("2026-10-01 12:00:00.5"))
    found = paged(crowd, 400, fields=KEY, sort=SORT)
    assert len(found) == 3000
    keys = [(row["communication_type"]["value"], row["communication_id"]) for row in found]
    assert keys == sorted(keys)
    assert total(crowd, "visits", fields=[]) == 9000
    crowd.close()


def test_a_million_rows_are_paged_without_being_made():
    many = sandbox(rows=1_000_000, span=SPAN)
    period = ("2025-03-01 00:00:00", "2026-03-01 23:59:59")
    answer = ask(many, period=period, fields=KEY, offset=100_000, limit=50, sort=SORT)["result"]
    assert answer["metadata"]["total_items"] > 650_000
    assert len(answer["data"]) == 50
    assert answer["data"][0][TIME] <= answer["data"][-1][TIME]
    wide = ask(many, period=period, fields=KEY, sort=[{"field": "site_name"}])
    assert refused(wide)[0] == "error"
    assert "shorter period" in wide["error"]["message"]
    many.close()


def test_any_other_sort_holds_over_pages_with_nulls_last(box):
    sort = [{"field": "visitor_id"}, SORT[2]]
    found = paged(box, 100, fields=["visitor_id", "communication_id"], sort=sort)
    whole = rows(box, fields=["visitor_id", "communication_id"])
    assert len(found) == len(whole)
    keys = [(row["visitor_id"] is None, row["visitor_id"] or 0) for row in found]
    assert keys == sorted(keys)
    down = rows(box, fields=["visitor_id"], sort=[sort[0] | {"order": "desc"}])
    assert down[0]["visitor_id"] is None
    left = [row["visitor_id"] for row in down if row["visitor_id"] is not None]
    assert left == sorted(left, reverse=True)


def test_arrays_are_sorted_as_text(box):
    sort = [{"field": "email_cc"}]
    found = [row["email_cc"] for row in rows(box, fields=["email_cc"], sort=sort)]
    filled = [value for value in found if value]
    assert found[: len(filled)] == sorted(filled, key=as_json)
    assert 0 < len(filled) < len(found)


@unmeasured
def test_truth_is_what_shows_in_the_period_in_key_order():
    some = sandbox(rows=2000, span=("2026-10-01 00:00:00", "2026-10-02 00:00:00"))
    wide = rows(some, period=("2026-09-30 00:00:00", "2026-10-03 00:00:00"))
    start, end = "2026-10-01 09:00:00", "2026-10-01 10:29:59"
    wanted = [row for row in wide if start <= row[TIME] <= end]
    wanted.sort(
        key=lambda row: (row[TIME], row["communication_type"]["value_id"], row["communication_id"])
    )
    assert some.truth("communications", start, end) == wanted
    assert some.truth("communications", start, end, fields=["site_name"]) == [
        {"site_name": row["site_name"]} for row in wanted
    ]
    some.close()


def test_rows_can_be_given_outright():
    given = [
        {TIME: "2026-10-02 10:00:00", "communication_id": 2, "_stored": "2026-10-02 10:00:00.7"},
        {TIME: "2026-10-02 10:00:00", "communication_id": 10, "site_name": {"odd": 1}},
        {TIME: "2026-10-01 10:00:00", "communication_id": 3},
        {TIME: None, "communication_id": 4},
    ]
    some = sandbox(data={"communications": given})
    names = ["communication_id", "site_name", "tags"]
    assert rows(some, fields=names) == [
        {"communication_id": 3, "site_name": None, "tags": None},
        {"communication_id": 10, "site_name": {"odd": 1}, "tags": None},
        {"communication_id": 2, "site_name": None, "tags": None},
    ]
    truth = some.truth("communications", *PERIOD, fields=["communication_id"])
    assert [row["communication_id"] for row in truth] == [3, 2, 10]
    some.close()


def test_given_details_are_found_by_their_ids():
    calls = [{"communication_id": n, "call_start_date_time": PERIOD[0]} for n in range(5)]
    persons = [{"person_id": str(n)} for n in range(5)]
    some = sandbox(data={"call-details": calls, "person-details": persons})
    found = rows(some, "call-details", entity_ids=[3, 1], fields=["communication_id"])
    assert found == [{"communication_id": 1}, {"communication_id": 3}]
    found = rows(some, "person-details", entity_ids=[4], fields=["person_id"])
    assert found == [{"person_id": "4"}]
    assert len(some.truth("person-details", *PERIOD)) == 5
    some.close()
