"""Every row exactly once over real HTTP: the sandbox's switches, alone and together."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product

import pytest
from coverage_marks import unmeasured
from odd_pages import calls_for
from program import DAYS, SPAN, TWO, Watched

from comagic_cli.sandbox.quirks import Arrival, Fault, Vanishing

ASKED = ["communications", *DAYS, "--fields", "communication_type,communication_id"]
ASKED += ["--fields", "communication_date_time"]
NAMES = ("communication_type", "communication_id", "communication_date_time")
CHOICES = (
    (True, False),  # date_till is inclusive
    ("exact", "absent", "one_more_once"),
    (0, 7),  # short pages
    ("number", "text"),
    (None, 2),  # the cap of days, met on the way
    (9, 40, 10_000),  # rows a page
)
SHOWN = ("truncated", "rounded")  # in turn
# A third of all combinations, in which any four choices still meet in every way.
SWITCHES = [
    (
        *(choice[place] for choice, place in zip(CHOICES, places, strict=True)),
        SHOWN[sum(places) % 2],
    )
    for places in product(*(range(len(choice)) for choice in CHOICES))
    if sum(places) % 3 == 0
]


def export(comagic, box, *more):
    ran = comagic(*ASKED, "--tz", "Europe/Moscow", "--report-id", 1001, *more, box=box)
    return ran, [json.loads(line) for line in ran.out.splitlines()]


def keys(rows):
    return [(row[NAMES[0]]["value_id"], str(row[NAMES[1]]), row[NAMES[2]]) for row in rows]


@unmeasured
@pytest.mark.parametrize(
    ("inclusive", "total", "short", "id_type", "max_days", "page_size", "shown"), SWITCHES
)
def test_the_output_equals_the_truth(
    comagic, inclusive, total, short, id_type, max_days, page_size, shown
):
    with Watched(
        rows=60,
        till_inclusive=inclusive,
        total_items=total,
        short_pages=short,
        communication_id=id_type,
        shown=shown,
        max_days=max_days,
    ) as box:
        ran, rows = export(comagic, box, "--page-size", page_size)
        truth = keys(box.truth("communications", *SPAN, fields=NAMES))
    assert (ran.code, ran.err) == (0, "")
    assert sorted(keys(rows)) == sorted(truth)
    assert [key[2] for key in keys(rows)] == [key[2] for key in truth]
    if total == "exact" and not short and max_days is None:
        assert len(box.journal) == calls_for(len(truth), page_size)


MOVES = [
    {"arrivals": (Arrival(2, "end", 3),)},
    {"arrivals": (Arrival(2, "start", 3),)},
    {"arrivals": (Arrival(1, "start", 1), Arrival(3, "end", 1), Arrival(4, "start", 2))},
    {"vanishings": (Vanishing(2, "start", 1),)},
    {"vanishings": (Vanishing(2, "2024-10-02 00:00:00", 5),)},
    {"vanishings": (Vanishing(3, "end", 2),)},
    {"arrivals": (Arrival(2, "start", 2),), "vanishings": (Vanishing(2, "start", 2),)},
]
TOTALS, SHORT, DAYS_AT_MOST = ("exact", "absent", "one_more_once"), (0, 7), (None, 2)
# Half of all combinations, in which any three still meet in every way.
MOVING = [
    (MOVES[move], TOTALS[total], SHORT[short], DAYS_AT_MOST[days])
    for move, total, short, days in product(range(len(MOVES)), range(3), range(2), range(2))
    if (move + total + short + days) % 2 == 0
]


@unmeasured
@pytest.mark.parametrize(("moves", "total", "short", "max_days"), MOVING)
def test_rows_that_stay_come_once_whatever_moves(comagic, moves, total, short, max_days):
    with Watched(rows=90, total_items=total, short_pages=short, max_days=max_days, **moves) as box:
        before = set(keys(box.truth("communications", *SPAN, fields=NAMES)))
        ran, rows = export(comagic, box, "--page-size", 20)
        after = set(keys(box.truth("communications", *SPAN, fields=NAMES)))
    counts = Counter(keys(rows))
    assert max(counts.values()) == 1
    assert before & after <= set(counts)
    assert set(counts) <= before | after
    assert ran.code == 0


@unmeasured
@pytest.mark.parametrize("kind", ["503", "html", "reset", "truncate", "internal_error", "empty"])
@pytest.mark.parametrize("every", [3, 5, 7])
def test_faults_on_the_way_cost_calls_but_no_rows(comagic, kind, every):
    faults = (Fault(kind, every=every, method="get.communications"),)
    with Watched(rows=150, faults=faults) as box:
        ran, rows = export(comagic, box, "--page-size", 10)
        truth = keys(box.truth("communications", *SPAN, fields=NAMES))
    assert (ran.code, ran.err, sorted(keys(rows))) == (0, "", sorted(truth))
    good = calls_for(len(truth), 10)
    assert len(box.journal) <= good * every / (every - 1) + 1


@unmeasured
@pytest.mark.parametrize("day", ["2024-10-01", "2024-10-02", "2024-10-03"])
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("shown", ["truncated", "rounded"])
def test_days_exported_one_by_one_share_no_row_and_lose_none(comagic, day, inclusive, shown):
    # five rows a second over midnight
    with Watched(
        rows=600,
        span=("2024-10-01 23:59:00", "2024-10-02 00:01:00"),
        till_inclusive=inclusive,
        shown=shown,
    ) as box:
        ran = comagic("communications", "--period", day, *TWO, "--page-size", 199, box=box)
        truth = box.truth("communications", f"{day} 00:00:00", f"{day} 23:59:59", fields=NAMES)
    assert ran.code == 0
    shown_ids = [json.loads(line)["communication_id"] for line in ran.out.splitlines()]
    assert sorted(shown_ids) == sorted(row["communication_id"] for row in truth)


@unmeasured
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("max_days", [None, 2])
def test_an_hour_that_repeats(comagic, zone, max_days):
    span = ("2023-10-28 00:00:00", "2023-11-06 23:59:59")
    with Watched(rows=300, span=span, timezone=zone, max_days=max_days) as box:
        dates = ["--from", "2023-10-28", "--till", "2023-11-06"]
        ran = comagic("communications", *dates, *TWO, "--page-size", 20, box=box)
        truth = box.truth("communications", *span, fields=NAMES)
    ids = [json.loads(line)["communication_id"] for line in ran.out.splitlines()]
    assert (ran.code, sorted(ids)) == (0, sorted(row["communication_id"] for row in truth))
