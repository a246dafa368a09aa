"""Every row once, whatever the service does about paging."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from coverage_marks import unmeasured
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_pages import (
    COMMUNICATIONS,
    EXAMPLES,
    FIRST,
    LAST,
    START,
    Row,
    Service,
    calls_for,
    evenly,
    oddities,
    oddities_with,
    run,
    stored_rows,
    truth,
    unique,
)

from comagic_cli.errors import NetworkFailure, Refused, RowsMissing, UsageProblem
from comagic_cli.paging.reader import Reader
from comagic_cli.paging.window import Window
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.rows.page import Answer


@unmeasured
@given(stored_rows(), oddities, st.integers(1, 12))
def test_a_service_at_rest_gives_every_row_once_and_in_order(rows, odd, page_size):
    service = Service(unique(rows), **odd)
    exported = run(service, FIRST, LAST, page_size)
    expected = truth(service, FIRST, LAST)
    assert sorted(exported.keys) == sorted(expected)
    assert [key[0] for key in exported.keys] == [key[0] for key in expected]


@unmeasured
@given(stored_rows(most=120), oddities, st.integers(2, 6))
def test_more_rows_than_offsets_reach_are_cut_where_they_are(rows, odd, page_size):
    spread_out = [Row(n * 0.8, row.id, row.type) for n, row in enumerate(unique(rows))]
    service = Service(spread_out, **odd, reach=30)
    exported = run(service, FIRST, LAST, page_size)
    expected = truth(service, FIRST, LAST)
    assert sorted(exported.keys) == sorted(expected)
    assert [key[0] for key in exported.keys] == [key[0] for key in expected]


@unmeasured
@given(stored_rows(most=120), oddities, st.integers(2, 8))
def test_dense_seconds_are_complete_or_an_error(rows, odd, page_size):
    service = Service(unique(rows), **odd, reach=20)
    try:
        exported = run(service, FIRST, LAST, page_size)
    except RowsMissing as error:
        assert "narrow it with --where" in error.hint.lower()  # noqa: PT017 - one of two good ends
        assert len(service.rows) > 20
    else:
        assert sorted(exported.keys) == sorted(truth(service, FIRST, LAST))


@st.composite
def changing(draw: st.DrawFn) -> tuple[list[Row], dict[int, tuple[list[Row], list[Row]]]]:
    rows = unique(draw(stored_rows(most=40)))
    changes = {}
    for step in draw(st.lists(st.integers(1, 12), max_size=4, unique=True)):
        gone = draw(st.lists(st.sampled_from(rows), max_size=3)) if rows else []
        times = draw(st.lists(st.floats(FIRST, LAST, width=32), max_size=3))
        arrived = [Row(at, 2**33 + step * 10 + n) for n, at in enumerate(times)]
        changes[step] = (arrived, gone)
    return rows, changes


# Rows of one second can change places unseen where a total does not count all rows.
@settings(max_examples=2 * EXAMPLES)
@given(changing(), oddities_with("exact", "absent", "one_more", "zero"), st.integers(2, 12))
def test_what_changes_meanwhile_doubles_and_loses_nothing(world, odd, page_size):
    rows, changes = world
    gone = [row for _, leaving in changes.values() for row in leaving]
    stayed = Service([row for row in rows if row not in gone], **odd)
    service = Service(rows, **odd, changes=changes)
    try:
        exported = run(service, FIRST, LAST, page_size)
    except RowsMissing:
        return  # an error with exit code 3
    counts = Counter(exported.keys)
    assert max(counts.values(), default=1) == 1
    assert set(truth(stayed, FIRST, LAST)) <= set(counts)


def test_rows_that_go_on_arriving_behind_shift_nothing():
    arrivals = {call: ([Row(5 + call / 100, 1000 + call)], []) for call in range(1, 60)}
    service = Service([Row(10 + n, n + 1) for n in range(30)], changes=arrivals)
    keys = run(service, FIRST, LAST, 10).keys
    assert [key[1] for key in keys if key[1] <= 30] == list(range(1, 31))
    assert max(Counter(keys).values()) == 1


def test_a_total_one_too_large_is_believed_in_every_window():
    days = [Row(day * 86_400 + 0.5, day) for day in range(900)]
    notes: list[str] = []
    exported = run(Service(days, totals="one_more"), 0, 900 * 86_400, note=notes.append)
    assert exported.keys == truth(exported.service, 0, 900 * 86_400)
    assert exported.pager.overstated == 3
    assert sum(note.endswith("has one row more, but none came") for note in notes) == 3


def test_rows_that_go_on_vanishing_behind_shift_nothing():
    leaving = {call: ([], [Row(10 + call, call + 1)]) for call in range(1, 29)}
    service = Service([Row(10 + n, n + 1) for n in range(40)], changes=leaving)
    keys = [key[1] for key in run(service, FIRST, LAST, 3).keys]
    assert keys == sorted(set(keys))
    assert set(range(30, 41)) <= set(keys)


@pytest.mark.parametrize(
    ("rows", "page_size", "calls"),
    [
        (0, 10, 1),
        (1, 10, 2),
        (9, 10, 2),
        (10, 10, 3),
        (11, 10, 2),
        (19, 10, 3),
        (20, 10, 3),
        (100, 10, 12),
        (3, 2, 3),
    ],
)
def test_no_call_is_wasted(rows, page_size, calls):
    exported = run(Service(evenly(rows)), FIRST, LAST, page_size)
    assert exported.calls == calls == calls_for(rows, page_size)


WINDOW = 365 * 86_400  # the longest at once


@pytest.mark.parametrize(
    ("windows", "calls"),
    [
        ([0], [1]),
        ([1], [2]),  # no row comes after it
        ([5], [2]),  # a page of one row says that there are five
        ([0, 5, 7, 3], [1, 2, 1, 1]),  # once in an export
        ([1, 1, 5, 5, 1], [2, 1, 2, 1, 1]),
        ([15, 5, 1], [2, 1, 1]),  # the total of the first page counts more rows than it has
    ],
)
def test_the_first_total_that_tells_the_end_is_checked(windows, calls):
    rows = [
        Row(number * WINDOW + n * 60 + 86_400, number * 100 + n)
        for number, count in enumerate(windows)
        for n in range(count)
    ]
    exported = run(Service(rows), 0, len(windows) * WINDOW - 10_000, 10)
    assert exported.keys == truth(exported.service, 0, len(windows) * WINDOW)
    in_window = Counter(window.end for window, _, _ in exported.service.calls)
    assert [in_window[end] for end in sorted(in_window)] == calls


@pytest.mark.parametrize("totals", ["of_page", "of_sent"])
@pytest.mark.parametrize("cap", [None, 1, 2, 37])
@pytest.mark.parametrize("rows", [1, 2, 37, 38])
@pytest.mark.parametrize("windows", [1, 3])
def test_a_total_of_the_page_is_not_the_end(totals, cap, rows, windows):
    stored = [Row(n * windows * WINDOW / rows, n) for n in range(rows)]
    service = Service(stored, totals=totals, page_cap=cap)
    assert run(service, 0, windows * WINDOW).keys == truth(service, 0, windows * WINDOW)


def test_a_page_of_one_row_still_overlaps():
    exported = run(Service(evenly(20)), FIRST, LAST, page_size=1)
    assert exported.calls == 20
    assert {limit for _, _, limit in exported.service.calls} == {2}


@pytest.mark.parametrize(
    ("totals", "calls"), [("exact", 3), ("one_more", 5), ("absent", 5), ("zero", 5)]
)
def test_the_end_is_made_sure_of_where_the_total_does_not_tell(totals, calls):
    # one call that brings only the row before, one that brings nothing
    exported = run(Service(evenly(25), totals=totals), FIRST, LAST, 10)
    assert exported.calls == calls
    assert len(exported.keys) == 25


@unmeasured
@pytest.mark.parametrize("rows", [250, 1000])
def test_cutting_by_count_costs_few_calls(rows):
    exported = run(Service(evenly(rows, span=rows), reach=100), 0, rows, 10)
    assert exported.calls <= 1.25 * calls_for(rows, 10)
    assert exported.keys == truth(exported.service, 0, rows)


def test_a_burst_after_an_empty_stretch_is_cut_where_it_is():
    burst = [Row(5_000_000 + n / 7, n) for n in range(700)]
    exported = run(Service([*burst, Row(3, 9000)], reach=100), 0, 9_000_000, 10)
    assert len(exported.keys) == 701
    assert exported.calls <= 1.3 * calls_for(701, 10)


def test_a_second_too_dense_is_named():
    service = Service([Row(50.5, n) for n in range(200)], reach=100)
    with pytest.raises(RowsMissing) as caught:
        run(service, FIRST, LAST, 10)
    assert str(caught.value) == (
        "more rows of one second match than paging reaches (100): 2026-10-01 00:00:50"
    )
    assert caught.value.hint == "Narrow it with --where, and export the parts one by one."


def test_a_second_too_dense_is_named_backwards_too():
    service = Service([Row(50.5, n) for n in range(200)], reach=100, descending=True)
    with pytest.raises(
        RowsMissing, match=r"of one second match than paging reaches .*: 2026-10-01 00:00:50$"
    ):
        run(service, FIRST, LAST, 10)


@pytest.mark.parametrize("at", [0.0, 0.5])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("totals", ["exact", "absent"])
def test_seconds_that_are_within_reach_alone_are_read(at, descending, totals):
    rows = [Row(50 + second + at, 100 * second + n) for second in range(4) for n in range(30)]
    service = Service(rows, reach=40, descending=descending, totals=totals)
    assert run(service, FIRST, LAST, 10).keys == truth(service, FIRST, LAST)


def test_two_seconds_that_show_one_are_one_dense_second():
    rows = [Row(50.8, n) for n in range(90)] + [Row(51.2, 100 + n) for n in range(90)]
    service = Service(rows, reach=100, rounded=True)
    with pytest.raises(RowsMissing, match="more rows of one second match than paging reaches"):
        run(service, FIRST, LAST, 10)


def test_a_second_within_reach_is_read():
    service = Service([Row(50.5, n) for n in range(108)], reach=100)
    assert len(run(service, FIRST, LAST, 10).keys) == 108


def test_rows_without_a_time_can_not_be_cut():
    service = Service(evenly(300), totals="absent", reach=100)
    no_time = msgspec.structs.replace(report("communications"), time=())
    with pytest.raises(RowsMissing, match="no time to cut it by"):
        run(service, FIRST, LAST, 10, report_type=no_time)


BY_NAME = (Sort("contact_full_name"),)


def test_another_order_is_refused_beyond_reach():
    with pytest.raises(UsageProblem) as caught:
        run(Service(evenly(300), reach=100), FIRST, LAST, 10, sort=BY_NAME)
    assert str(caught.value) == "300 rows match, and paging reaches 100 of them in this order"


def test_another_order_may_be_capped():
    exported = run(Service(evenly(300), reach=100), FIRST, LAST, 10, max_rows=30, sort=BY_NAME)
    assert (len(exported.keys), exported.calls) == (30, 4)


def test_another_order_holds_within_one_window_only():
    year = 366 * 86_400
    with pytest.raises(UsageProblem, match=r"longer than 365 days"):
        run(Service([]), 0, year, sort=BY_NAME)


def test_a_longer_period_is_read_in_windows():
    days = [Row(day * 86_400 + 0.5, day) for day in range(900)]
    exported = run(Service(days), 0, 900 * 86_400)
    assert len(exported.keys) == 900
    assert exported.calls == 3 + 1


@pytest.mark.parametrize("descending", [False, True])
def test_a_smaller_cap_is_obeyed_on_the_way(descending):
    days = [Row(day * 86_400 + 0.5, day) for day in range(300)]
    service = Service(days, max_days=92, descending=descending)
    exported = run(service, 0, 300 * 86_400)
    assert exported.keys == truth(service, 0, 300 * 86_400)
    assert exported.calls == 1 + 4 + 1


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("max_days", range(1, 9))
def test_windows_that_meet_in_a_night_of_changing_clocks_lose_nothing(max_days, descending):
    last = 50 * 86_400
    service = Service(evenly(2_400, last), max_days=max_days, descending=descending)
    assert run(service, 0, last).keys == truth(service, 0, last)


def test_other_refusals_pass():
    def refuse(*_: object) -> Answer:
        raise Refused("no", mnemonic="forbidden")

    service = Service([])
    service.ask = refuse  # type: ignore[method-assign]
    with pytest.raises(Refused, match=r"^no$"):
        run(service, FIRST, LAST)


@pytest.mark.parametrize("data", [b"null", b"{}", b"[]"])
def test_no_rows_are_written_in_several_ways(data):
    service = Service([])
    service.ask = lambda *_: Answer(data, 0)  # type: ignore[method-assign]
    assert run(service, FIRST, LAST).keys == []


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    ("times", "count"),
    [
        (['"2026-10-01 00:00:10"', '"2026-10-01T00:00:10.5+03:00"'], 0),
        (["null", '""', '"0000-00-00 00:00:00"', "0", "false"], 0),
        (['"20.11.2026 10:00"', "null", '"2026-10-01 00:00:10"', "1790000000"], 2),
        (['"yesterday"', '{"value":"2026-10-01 00:00:10"}', '"2026-13-01 00:00:00"'], 3),
    ],
)
def test_times_of_an_unknown_form_are_counted(times, count, cut):
    rows = [
        f'{{"communication_id":{n},"communication_type":{{"value_id":"call"}},'
        f'"communication_date_time":{time}}}'
        for n, time in enumerate(times)
    ]

    def ask(_: Window, offset: int, limit: int) -> Answer:
        return Answer(f"[{','.join(rows[offset : offset + limit])}]".encode(), len(rows))

    period = Period(START, START + timedelta(seconds=LAST))
    query = Query(COMMUNICATIONS, 1, period, ("communication_id",))
    reader = Reader(query, ask, cut=cut)
    assert sum(page.count for page in reader.pages()) == len(times)
    assert reader.unreadable_times == count


@pytest.mark.parametrize("data", [b'"x"', b"[1]", b'{"a":1}', b"[null]"])
def test_what_is_no_list_of_rows_is_an_error(data):
    service = Service([])
    service.ask = lambda *_: Answer(data, 1)  # type: ignore[method-assign]
    with pytest.raises(NetworkFailure, match="is not a list of rows"):
        run(service, FIRST, LAST)


@pytest.mark.parametrize("data", [b"null", b"{}"])
@pytest.mark.parametrize(("total", "is_error"), [(None, True), (0, False)])
def test_an_answer_without_rows_says_that_there_are_none(data, total, is_error):
    service = Service([])
    service.ask = lambda *_: Answer(data, total)  # type: ignore[method-assign]
    if is_error:
        with pytest.raises(NetworkFailure, match="neither rows nor a number of rows"):
            run(service, FIRST, LAST)
    else:
        assert run(service, FIRST, LAST).keys == []


def test_a_service_that_ignores_the_offset_is_found_out():
    service = Service(evenly(100), totals="absent")
    ask = service.ask
    service.ask = lambda window, _, limit: ask(window, 0, limit)  # type: ignore[method-assign]
    with pytest.raises(RowsMissing, match="again and again"):
        run(service, FIRST, LAST, 10)
    assert len(service.calls) <= 40
