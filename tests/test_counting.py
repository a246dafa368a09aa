"""What is counted, capped and told of; rows that no key tells apart."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paging import FIRST, LAST, Row, Service, calls_for, evenly, oddities, quick, run, truth

from comagic_cli.errors import RowsMissing
from comagic_cli.request.catalog import report


class Overstating(Service):
    """Say there are more rows than there are, in every window."""

    more = 1

    def _total(self, matching):
        return len(matching) + self.more


@pytest.mark.parametrize(
    ("more", "last", "message"),
    [
        (1, 300, None),
        (
            2,
            300,
            ": 2 of 3 rows of 2026-09-30 23:59:59 … 2026-10-11 00:00:01 did not come",
        ),
        (1, 400, "rows are missing: 1 of 2 rows of"),
        (2, 400, "; and so in 1 more windows"),
    ],
)
def test_one_window_may_be_overstated_by_one_row(more, last, message):
    service = Overstating([Row(86_400.0, 1), Row(399 * 86_400.0, 2)])
    service.more = more
    period = {300: 10, 400: 399}[last] * 86_400
    if message is None:
        assert len(run(service, 0, period).keys) == 1
        return
    with pytest.raises(RowsMissing) as caught:
        run(service, 0, period)
    assert message in str(caught.value)


def test_rows_that_keep_vanishing_are_told_of():
    # before each page but the first the row that it must begin with vanishes
    rows = evenly(30)
    changes = {1: ([], [rows[9]]), 3: ([], [rows[10]]), 5: ([], [rows[11]])}
    service = Service(rows, changes=changes)
    with pytest.raises(RowsMissing) as caught:
        run(service, FIRST, LAST, 10)
    assert str(caught.value) == (
        "rows are missing: rows kept vanishing in 2026-09-30 23:59:59 … 2026-10-01 00:01:40"
        " while it was read"
    )


def test_rows_behind_are_fetched_by_reading_again():
    service = Service(evenly(30), changes={2: ([Row(1.5, 900), Row(2.5, 901)], [])})
    exported = run(service, FIRST, LAST, 10)
    assert sorted(exported.keys) == sorted(truth(service, FIRST, LAST))


def test_rows_that_go_on_arriving_behind_are_not_missing():
    changes = {call: ([Row(1.5, 900 + call)], []) for call in range(1, 99)}
    service = Service(evenly(30), changes=changes)
    exported = run(service, FIRST, LAST, 10)
    assert set(truth(Service(evenly(30)), FIRST, LAST)) <= set(exported.keys)
    assert max(Counter(exported.keys).values()) == 1
    assert exported.calls <= 3 * (calls_for(30, 10) + 2)


@pytest.mark.parametrize(("most", "calls"), [(1, 1), (10, 1), (11, 2), (25, 3)])
def test_a_cap_of_rows_asks_for_no_more(most, calls):
    service = Service(evenly(100))
    exported = run(service, FIRST, LAST, 10, most=most)
    assert exported.keys == truth(service, FIRST, LAST)[:most]
    assert exported.calls == calls
    assert service.calls[0][2] == min(most, 10)


def test_a_cap_of_rows_holds_over_windows():
    days = [Row(day * 86_400 + 0.5, day) for day in range(900)]
    assert len(run(Service(days), 0, 900 * 86_400, most=500).keys) == 500


def test_what_matches_is_told():
    assert run(Service(evenly(25)), FIRST, LAST, 10).pager.matching == 25


LEADS = msgspec.structs.replace(
    report("communications"), key=("communication_id",), key_is_unique=False
)


@quick
@given(
    st.lists(st.sampled_from([0.5, 1.0, 1.4, 50.0, 50.2, 98.7]), max_size=30),
    st.integers(1, 9),
    oddities,
)
def test_equal_rows_are_kept_as_often_as_there_are(times, page_size, odd):
    service = Service([Row(at, 7) for at in times], **odd)
    exported = run(service, FIRST, LAST, page_size, report_type=LEADS)
    assert Counter(exported.keys) == Counter(truth(service, FIRST, LAST))


@quick
@given(st.lists(st.integers(0, 40), max_size=90), st.integers(2, 6), oddities)
def test_equal_rows_are_kept_over_seams(times, page_size, odd):
    service = Service([Row(at * 2 + 0.5, 7, None) for at in times], **odd, reach=30)
    try:
        exported = run(service, FIRST, LAST, page_size, report_type=LEADS)
    except RowsMissing:
        return  # a dense second
    assert Counter(exported.keys) == Counter(truth(service, FIRST, LAST))


def test_a_total_that_goes_up_and_down_is_told_of_as_it_is():
    class Fluctuating(Service):
        def _total(self, matching):
            return len(matching) + 2 + len(self.calls) % 2

    with pytest.raises(RowsMissing, match=r"did not come|kept vanishing"):
        run(Fluctuating(evenly(30)), FIRST, LAST, 10)
