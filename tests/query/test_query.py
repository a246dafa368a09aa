from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import datetime

import msgspec
import pytest

from comagic_cli.query.catalog import Field, report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort

START, END = datetime(2026, 10, 1), datetime(2026, 10, 2, 23, 59, 59)  # noqa: DTZ001 - the account's
DAY = Period(START, END)


def query(command="communications", columns=("source",), sort="", **more):
    words = [word.partition(":") for word in sort.split()]
    sorts = tuple(Sort(name, order == "desc") for name, _, order in words)
    return Query(report(command), 7, DAY, columns, sort=sorts, **more)


def shown(sorts) -> str:
    return " ".join(sort.field + ":desc" * sort.descending for sort in sorts)


TIME, KEY = "communication_date_time", "communication_id"


@pytest.mark.parametrize(
    ("command", "columns", "asked"),
    [
        ("communications", ("source",), ("source", TIME, "communication_type", KEY)),
        ("communications", (KEY, "communication_type", TIME), (KEY, "communication_type", TIME)),
        (
            "mgf-calls",
            ("talk_duration",),
            ("talk_duration", "call_start_date", "call_start_time", KEY),
        ),
        ("person-details", ("person_name",), ("person_name", "person_id")),
    ],
)
def test_what_is_needed_is_asked_for_too(command, columns, asked):
    assert query(command, columns).asked == asked


def test_the_columns_are_fields_of_the_catalogue():
    known, custom = query(columns=(KEY, "cc_17")).fields
    assert (known.name, known.type, custom) == (KEY, "string", Field("cc_17"))


TWO = "call_start_date"
TIMES = f"{TWO} call_start_time"
MIXED = f"{TWO}:desc call_start_time"
BOTH_DOWN = f"{TWO}:desc call_start_time:desc"


@pytest.mark.parametrize(
    ("command", "sort", "order", "by_time", "descending"),
    [
        ("communications", "", f"{TIME} {KEY}", True, False),
        ("communications", TIME, f"{TIME} {KEY}", True, False),
        ("communications", f"{TIME}:desc", f"{TIME}:desc {KEY}", True, True),
        ("communications", f"{TIME} source:desc", f"{TIME} source:desc {KEY}", True, False),
        ("communications", f"{TIME}:desc {KEY}:desc", f"{TIME}:desc {KEY}:desc", True, True),
        ("communications", f"source:desc {TIME}", f"source:desc {TIME} {KEY}", False, False),
        ("communications", KEY, KEY, False, False),
        ("communications", "source source:desc", f"source {KEY}", False, False),
        ("mgf-calls", "", f"{TIMES} {KEY}", True, False),
        ("mgf-calls", TWO, f"{TIMES} {KEY}", True, False),
        ("mgf-calls", f"{TWO}:desc", f"{BOTH_DOWN} {KEY}", True, True),
        ("mgf-calls", BOTH_DOWN, f"{BOTH_DOWN} {KEY}", True, True),
        ("mgf-calls", MIXED, f"{MIXED} {KEY}", False, False),
        ("mgf-calls", "call_start_time", f"call_start_time {KEY}", False, False),
        ("person-details", "", "person_id", False, False),
        ("person-details", "person_name:desc", "person_name:desc person_id", False, False),
    ],
)  # fmt: skip
def test_rows_are_sorted_by_time_and_key_or_as_asked(command, sort, order, by_time, descending):
    asked = query(command, sort=sort)
    assert shown(asked.order) == order
    assert (asked.by_time, asked.descending) == (by_time, descending)


def test_the_parameters_of_a_page():
    assert query().params(START, END, 20, 10) == {
        "report_id": 7,
        "date_from": "2026-10-01 00:00:00",
        "date_till": "2026-10-02 23:59:59",
        "fields": ["source", TIME, "communication_type", KEY],
        "sort": [{"field": TIME, "order": "asc"}, {"field": KEY, "order": "asc"}],
        "limit": 10,
        "offset": 20,
    }


@pytest.mark.parametrize(
    ("more", "added"),
    [
        ({"report_type": "communications"}, {"report_type": "communications"}),
        ({"filter": {}}, {}),
        ({"filter": {"field": "x", "operator": "="}}, {"filter": {"field": "x", "operator": "="}}),
        ({"extra": {"is_realtime": False}}, {"is_realtime": False}),
        ({"page_size": 5, "max_rows": 3}, {}),
    ],
)
def test_what_more_a_page_may_ask(more, added):
    plain = query().params(START, END, 0, 10)
    assert query(**more).params(START, END, 0, 10) == plain | added


def test_years_have_four_digits():
    early = datetime(999, 1, 2, 3, 4, 5)  # noqa: DTZ001 - the account's
    assert query().params(early, early, 0, 1)["date_from"] == "0999-01-02 03:04:05"


def test_the_latest_first():
    sort = query(sort=f"{TIME}:desc").params(START, END, 0, 1)["sort"]
    assert sort == [{"field": TIME, "order": "desc"}, {"field": KEY, "order": "asc"}]


def test_a_query_is_frozen():
    with pytest.raises(FrozenInstanceError):
        query().report_id = 8


def test_a_report_without_a_key_is_sorted_by_time_alone():
    keyless = replace(query(), report=msgspec.structs.replace(report("calls"), key=()))
    assert shown(keyless.order) == "call_start_date_time"
