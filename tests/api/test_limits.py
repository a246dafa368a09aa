"""Points over real HTTP: what an export costs, when it waits, and when it stops."""

from __future__ import annotations

import json
import re

import pytest
from clocks import Ticking
from coverage_marks import unmeasured
from odd_pages import calls_for
from program import REPORT, SPAN, TWO, Watched, fault
from scripted_service import Clockwork, Playback, client_of, http, refused, result

from comagic_cli.errors import OutOfPoints
from comagic_cli.export.context import Clock

PAGES = [*REPORT, "--report-id", "1001", "--page-size", "10"]
SIXTY = 540  # rows in sixty pages of ten, the last of them not full


@pytest.fixture
def clock(comagic):
    """Stop the clock of program and sandbox; pauses move it on."""
    stopped = Ticking()
    comagic.clock = Clock(monotonic=stopped, sleep=stopped.sleep, jitter=lambda: 0.5)
    return stopped


def rows_of(text):
    return [tuple(json.loads(line).values()) for line in text.splitlines()]


def truth(box):
    """Return what the two columns of each row are."""
    rows = box.truth("communications", *SPAN, fields=TWO[1].split(","))
    return [(row["communication_id"], row["communication_date_time"]) for row in rows]


def export(comagic, clock, *options, rows=SIXTY, **quirks):
    """Export; return how it ended and what became of each call, sound rows assumed."""
    with Watched(rows=rows, clock=clock, **quirks) as box:
        ran = comagic(*PAGES, *options, box=box)
        if ran.code == 0:
            assert sorted(rows_of(ran.out)) == sorted(truth(box))
        return ran, [call.outcome for call in box.journal]


@pytest.mark.parametrize("rows", [1, 10, 11, 19, 20, 100, SIXTY])
def test_an_export_costs_what_the_formula_says(comagic, clock, rows):
    ran, calls = export(comagic, clock, rows=rows)
    assert (ran.code, ran.err, calls) == (0, "", ["ok"] * calls_for(rows, 10))
    assert clock.pauses == []


def test_the_minute_s_end_is_foreseen(comagic, clock):
    ran, calls = export(comagic, clock, minute_limit=5)
    assert (ran.code, ran.err, calls) == (0, "", ["ok"] * 60)
    assert clock.pauses[:3] == [60.6, 60.6, 59.6]  # a reset is in whole seconds, rounded up
    assert len(clock.pauses) == 11


@unmeasured
@pytest.mark.parametrize("limits", ["empty", "absent"])
@pytest.mark.parametrize(
    ("error_data", "pauses"), [("full", [60.6, 60.6, 59.6]), ("null", [60.6, 60.6, 59.6])]
)
def test_a_refusal_of_the_minute_is_waited_out(comagic, clock, limits, error_data, pauses):
    quirks = {"limits": limits, "error_data": error_data, "minute_limit": 5}
    ran, calls = export(comagic, clock, **quirks)
    assert (ran.code, ran.err) == (0, "")
    assert calls == ([*["ok"] * 5, "limit_exceeded"] * 12)[:-1]
    assert clock.pauses[:3] == pauses


@pytest.mark.parametrize("error_data", ["missing", "empty", "absent"])
def test_a_refusal_that_names_the_minute_in_words_only(comagic, clock, error_data):
    quirks = {"limits": "absent", "error_data": error_data, "minute_limit": 50}
    ran, calls = export(comagic, clock, **quirks)
    assert (ran.code, calls.count("ok"), calls.count("limit_exceeded")) == (0, 60, 1)
    assert clock.pauses == [60.6]


def test_many_refusals_in_a_row_are_no_failed_tries(comagic, clock):
    faults = fault("limit_exceeded", *range(3, 12), seconds=20)
    ran, calls = export(comagic, clock, faults=faults, limits="empty")
    assert (ran.code, calls.count("limit_exceeded")) == (0, 9)
    assert clock.pauses[:5] == [20.6] * 5


def test_verbose_tells_of_waits(comagic, clock):
    ran, _ = export(comagic, clock, "-v", rows=100, minute_limit=5)
    assert "out of points for this minute: waiting 1 min 1 s\n" in ran.err


def test_a_longer_wait_than_allowed_stops_the_export(comagic, clock):
    ran, calls = export(comagic, clock, "--max-wait", "30", minute_limit=5)
    assert (ran.code, calls, clock.pauses) == (7, ["ok"] * 5, [])
    assert ran.err == (
        "comagic: the account is out of points for this minute\n"
        "  There are more in 1 min; --max-wait allows 30 s.\n"
    )


def test_the_day_s_end_is_foreseen(comagic, clock):
    ran, calls = export(comagic, clock, day_limit=4)
    assert (ran.code, calls, clock.pauses) == (7, ["ok"] * 4, [])
    told = ran.err.splitlines()
    assert told[0] == "comagic: the account is out of points for this day"
    assert re.fullmatch(r"  There are more in 22 h 13 min, at [-\d]+ [:\d]+ UTC.+", told[1])


@pytest.mark.parametrize("error_data", ["full", "null", "absent"])
def test_a_refusal_of_the_day_is_the_last_call(comagic, clock, error_data):
    quirks = {"limits": "empty", "error_data": error_data, "day_limit": 4}
    ran, calls = export(comagic, clock, **quirks)
    assert (ran.code, calls, clock.pauses) == (7, [*["ok"] * 4, "limit_exceeded"], [])
    assert "Value of current limit per day is 4" in ran.err


def test_an_export_that_uses_up_the_day_with_its_last_call_is_whole(comagic, clock):
    ran, calls = export(comagic, clock, day_limit=60)
    assert (ran.code, ran.err, calls) == (0, "", ["ok"] * 60)


def test_the_day_s_end_leaves_the_old_file(comagic, clock, tmp_path):
    target = tmp_path / "rows.jsonl"
    target.write_text("old\n")
    ran, calls = export(comagic, clock, "-o", target, day_limit=4)
    assert (ran.code, len(calls), target.read_text()) == (7, 4, "old\n")


def test_what_is_asked_of_the_account_costs_points_too(comagic, clock):
    with Watched(rows=100, clock=clock, day_limit=1) as box:
        ran = comagic(*REPORT, box=box)  # the report's number is not given
    assert (ran.code, box.methods) == (7, ["get.reports_list"])


# Units that the sandbox has not


def calls_with(*answers, calls=2):
    clockwork = Clockwork()
    answers = [each if isinstance(each, bytes) else http(each) for each in answers]
    with Playback(answers) as server:
        client = client_of(server.url, retry_policy=clockwork.retry_policy)
        try:
            for _ in range(calls):
                client.call("get.calls", {})
        except OutOfPoints as error:
            return len(server.requests), clockwork.pauses, error.hint
        finally:
            client.transport.close()
    return len(server.requests), clockwork.pauses, ""


def told(**limits):
    return json.dumps({"result": {"metadata": {"limits": limits}, "data": []}})


def test_an_hour_is_waited_for():
    made, pauses, hint = calls_with(told(hour_remaining=0, hour_reset=1200), result())
    assert (made, hint) == (2, "")
    assert pauses == [pytest.approx(1200.6, abs=0.5)]


def test_a_unit_that_is_not_known_yet_is_not_waited_for():
    made, pauses, hint = calls_with(told(week_remaining=0, week_reset=40), result())
    assert (made, pauses) == (1, [])
    assert hint.startswith("There are more in 40 s, at ")


def test_points_are_read_of_a_refusal_of_any_kind():
    limits = {"limits": {"minute_remaining": 0, "minute_reset": 7}}
    body = refused("internal_error", metadata=limits)
    made, pauses, _ = calls_with(body, result(), calls=1)
    assert (made, pauses) == (2, [0.5, pytest.approx(7.6, abs=0.5)])


def test_retry_after_tells_when_a_refusal_does_not():
    busy = http(refused("limit_exceeded", "Too many requests"), 429, "Retry-After: 33")
    assert calls_with(busy, result(), calls=1)[:2] == (2, [pytest.approx(33.6, abs=0.5)])
