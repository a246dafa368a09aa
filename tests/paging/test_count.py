"""--count: one number, in as few calls as the caps allow."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from odd_pages import COMMUNICATIONS, START, Service, evenly
from program import DAYS, SPAN, Watched, fault

from comagic_cli.errors import Refused
from comagic_cli.paging.count import count_rows
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query

COUNT = ["communications", *DAYS, "--count"]


def windows(box):
    return [(call.params["date_from"], call.params["date_till"]) for call in box.pages]


@pytest.mark.parametrize("command", ["communications", "visits", "leads", "tags-history", "sms"])
def test_the_number_is_the_truth_in_one_call(comagic, command):
    with Watched(rows=100) as box:
        ran = comagic(command, *DAYS, "--count", box=box)
        truth = box.truth(command, *SPAN)
    assert (ran.code, ran.out, ran.err) == (0, f"{len(truth)}\n", "")
    assert windows(box) == [SPAN]
    assert [call.params["limit"] for call in box.pages] == [1]


def test_a_period_longer_than_the_cap_takes_a_call_a_window_and_no_second_twice(comagic):
    span = ("2022-01-01 00:00:00", "2024-10-05 23:59:59")
    with Watched(rows=500, span=span) as box:
        ran = comagic("calls", "--from", "2022-01-01", "--till", "2024-10-05", "--count", box=box)
        truth = box.truth("calls", *span)
    assert (ran.code, ran.out) == (0, f"{len(truth)}\n")
    assert windows(box) == [
        ("2022-01-01 00:00:00", "2022-12-31 23:59:59"),
        ("2023-01-01 00:00:00", "2023-12-31 23:59:59"),
        ("2024-01-01 00:00:00", "2024-10-05 23:59:59"),
    ]


def test_a_cap_met_on_the_way_is_kept_to(comagic):
    with Watched(rows=100, max_days=2) as box:
        ran = comagic(*COUNT, "-v", box=box)
    assert (ran.code, ran.out) == (0, "100\n")
    assert "the service takes 2 days at once" in ran.err
    assert len(windows(box)) == 6  # the refused one, and a day each


@pytest.mark.parametrize(
    ("rows", "totals", "number", "calls"),
    [
        (0, "exact", 0, 1),
        (1, "exact", 1, 2),
        (2, "exact", 2, 1),
        (2, "one_more", 3, 1),
        (1, "of_page", 1, 2),
        (2, "of_page", None, 2),
        (2, "of_sent", None, 2),
        (0, "one", 0, 1),
        (2, "one", None, 2),
        (2, "zero", None, 1),
    ],
)
def test_a_total_of_one_may_be_that_of_the_page(rows, totals, number, calls):
    service = Service(evenly(rows), totals=totals)
    period = Period(START, START + timedelta(seconds=99))
    query = Query(COMMUNICATIONS, 1, period, ())
    if number is None:
        with pytest.raises(Refused, match=r"the service (counts the rows of a page|does not say)"):
            count_rows(query, lambda _: service.ask)
    else:
        assert count_rows(query, lambda _: service.ask) == number
    assert len(service.calls) == calls


def test_no_total_is_an_error(comagic):
    with Watched(total_items="absent") as box:
        ran = comagic(*COUNT, box=box)
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith(
        "comagic: get.communications: the service does not say how many rows there are\n"
    )


def test_ids_are_counted_in_lots_that_are_halved(comagic):
    with Watched(rows=600, max_entity_ids=30) as box:
        ids = [row["communication_id"] for row in box.truth("call-details", *SPAN)][:250]
        asked = ["--ids", ",".join(map(str, [*ids, 1]))]
        ran = comagic("call-details", *DAYS, *asked, "--count", box=box)
        assert (ran.code, ran.out) == (0, "250\n")
    lots = [len(call.params["entity_ids"]) for call in box.pages]
    assert lots == [100, 50, *[25] * 10, 1]


@pytest.mark.parametrize(("kind", "code"), [("forbidden", 4), ("sort_prohibited", 5)])
def test_a_refusal_is_shown(comagic, kind, code):
    for command in (["communications"], ["call-details", "--ids", "1,2"]):
        method = f"get.{command[0].replace('-', '_')}"
        with Watched(faults=fault(kind, method=method)) as box:
            ran = comagic(*command, *DAYS, "--count", box=box)
        assert (ran.code, ran.out, kind in ran.err) == (code, "", True)


def test_without_a_time_a_long_period_is_asked_for_whole(comagic):
    asked = ["person-details", "--from", "2022-01-01", "--ids", "1", "--count"]
    with Watched(faults=fault("date_interval_limit_reached", method="get.person_details")) as box:
        ran = comagic(*asked, box=box)
        assert len(box.methods) == len(set(box.methods))
    assert (ran.code, ran.out) == (5, "")
    hint = "  person-details has sums over the period, which can't be cut: shorten it.\n"
    assert ran.err.endswith(hint)


@pytest.mark.parametrize(
    "more",
    [
        ("-o", "x.csv"),
        ("--max-rows", 3),
        ("--resume",),
        ("--manifest", "m"),
        ("--refresh", "3d"),
        ("--keep-incomplete",),
    ],
)
def test_what_is_about_rows_does_not_go_with_it(comagic, more):
    with Watched() as box:
        ran = comagic(*COUNT, *more, box=box)
        assert (ran.code, ran.out, box.journal) == (2, "", [])
    assert "can't be used with --count" in ran.err


def test_a_dry_run_shows_the_first_request(comagic):
    with Watched() as box:
        ran = comagic(*COUNT, "--dry-run", box=box)
        assert box.journal == []
    params = json.loads(ran.out)["params"]
    assert (params["date_from"], params["date_till"], params["limit"]) == (*SPAN, 1)
    assert params["fields"] == ["communication_date_time", "communication_type", "communication_id"]
