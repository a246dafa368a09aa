"""What is known of points, and the waits for more: tables, a stopped clock, no network."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from clocks import Ticking

from comagic_cli.api.envelope import ApiError, limits_of
from comagic_cli.api.rate_limit import (
    Quota,
    RateLimitedCall,
    RateLimits,
    exhausted_quota,
    limits_of_error,
    read_quotas,
)
from comagic_cli.api.retry import RetryPolicy, format_duration
from comagic_cli.errors import OutOfPoints

MOSCOW = timezone(timedelta(hours=3))
NOON = datetime(2026, 10, 5, 18, 48, 8, tzinfo=MOSCOW)


# What an answer tells


@pytest.mark.parametrize(
    ("limits", "points"),
    [
        ({}, []),
        ({"day_limit": 9, "day_reset": 5}, []),
        (
            {"day_remaining": 4, "minute_remaining": 0, "minute_reset": 7},
            [Quota("day", 4), Quota("minute", 0, 7.0)],
        ),
        ({"hour_remaining": 0, "hour_reset": 0}, [Quota("hour", 0, 0.0)]),
        ({"week_remaining": 1, "week_reset": 9}, [Quota("week", 1, 9.0)]),
        ({"decade_remaining": 0, "decade_reset": 9}, [Quota("decade", 0, 9.0)]),
        ({"per_minute_remaining": 2, "per_minute_reset": 9}, [Quota("minute", 2, 9.0)]),
        ({"callsPerDay_remaining": 0}, [Quota("day", 0)]),
        ({"day_remaining": 0, "day_reset": 1_790_000_000}, [Quota("day", 0)]),
        ({"day_limit": 0, "day_remaining": 0, "minute_remaining": 3}, [Quota("minute", 3)]),
    ],
)
def test_points_are_read_of_any_unit(limits, points):
    assert read_quotas(limits) == points


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((value, 0) for value in (0, 0.0, "0", -3, "-3", "-0.5")),
        *((value, 42) for value in (42, 42.0, 41.2, "42", "41.5")),
        *((value, None) for value in (None, True, "", "many", "٤", [], {}, float("inf"))),
    ],
)
def test_a_limit_is_a_number_in_any_form(value, number):
    expected = {} if number is None else {"day_remaining": number}
    assert limits_of({"limits": {"day_remaining": value}}) == expected


# What a refusal tells


def refused(message=None, params=None, **limits):
    return ApiError(-32029, message, {"params": params, "metadata": {"limits": limits}})


@pytest.mark.parametrize(
    ("failure", "left"),
    [
        (refused("The minute limit of 5 requests has been exceeded"), Quota("minute", 0)),
        (refused("Hourly limit reached"), Quota("hour", 0)),
        (refused("too many requests per day"), Quota("day", 0)),
        (refused("Daily quota exceeded, try again in 3 hours"), Quota("day", 0)),
        (refused("60 requests per min. Try again in 42 seconds"), Quota("minute", 0)),
        (refused("Превышен лимит запросов в минуту"), Quota("minute", 0)),
        (refused("Исчерпан часовой лимит"), Quota("hour", 0)),
        (refused("Слишком часто. Не более 100 запросов в час"), Quota("hour", 0)),
        (refused("ДНЕВНОЙ ЛИМИТ"), Quota("day", 0)),
        (refused("3000 запросов в сутки"), Quota("day", 0)),
        (refused("лимит на 1 дн. исчерпан"), Quota("day", 0)),
        (refused("недельный лимит"), Quota("week", 0)),
        (refused("Monday's session holiday, сейчас нельзя, минус"), Quota("", 0)),
        (refused(None), Quota("", 0)),
        (refused(["minute"]), Quota("minute", 0)),
        (refused("per minute", {"limit": "day", "value": 5}), Quota("day", 0)),
        (refused("out", {"limit_type": "minute_limit"}), Quota("minute", 0)),
        (refused("out", {"limitType": "perMinute"}), Quota("minute", 0)),
        (refused("out", ["hour"]), Quota("hour", 0)),
        (refused("out", "day"), Quota("day", 0)),
        (refused("per minute", {"day_limit": 5, "minute_limit": 2}), Quota("minute", 0)),
        (refused("out", {"day_limit": 5, "minute_limit": 2}), Quota("day", 0)),
        (refused("out", {"limit": "hour", "reset": 30}), Quota("hour", 0, 30.0)),
        (refused("out", {"limit": "hour", "hour_reset": "30"}), Quota("hour", 0, 30.0)),
        (refused("day", minute_remaining=0, minute_reset=9), Quota("minute", 0, 9.0)),
        (refused("day", minute_remaining=0, day_remaining=0, day_reset=8), Quota("day", 0, 8.0)),
        (refused("minute", minute_remaining=3, minute_reset=9), Quota("minute", 0, 9.0)),
        (refused("out", decade_remaining=0, decade_reset=9), Quota("decade", 0, 9.0)),
        (ApiError(-32029, "per minute", None), Quota("minute", 0)),
        (ApiError(-32029, "per minute", "text"), Quota("minute", 0)),
    ],
)
def test_a_refusal_tells_which_points_are_used_up(failure, left):
    assert exhausted_quota(failure) == left


@pytest.mark.parametrize(
    ("failure", "retry_after", "reset"),
    [
        (refused("minute"), None, None),
        (refused("minute"), 12.5, 12.5),
        (refused("minute", minute_remaining=0, minute_reset=9), 12.5, 12.5),
        (refused("minute", minute_remaining=0, minute_reset=19), 12.5, 19.0),
        (refused("minute", hour_remaining=5, hour_reset=500), None, None),
    ],
)
def test_the_longest_reset_that_is_told_counts(failure, retry_after, reset):
    assert exhausted_quota(failure, retry_after) == Quota("minute", 0, reset)


@pytest.mark.parametrize("data", [None, [], "text", {}, {"metadata": None}])
def test_a_refusal_may_tell_no_limits(data):
    assert limits_of_error(ApiError(-32029, "", data)) == {}


# Waits


class Account:
    """Rate limits with a stopped clock; `wait` waits as a call does."""

    def __init__(self, **retry_policy):
        self.clock, self.notes = Ticking(), []
        retry_policy = {"jitter": lambda: 0.25, "now": lambda: NOON} | retry_policy
        self.limits = RateLimits(
            RetryPolicy(sleep=self.clock.sleep, **retry_policy), self.clock, self.notes.append
        )

    def wait(self, *limits, after=0.0):
        for each in limits:
            self.limits.update(each)
        self.clock.seconds += after
        RateLimitedCall(self.limits).wait()
        return self.clock.pauses

    def stopped(self, *limits, after=0.0):
        with pytest.raises(OutOfPoints) as caught:
            self.wait(*limits, after=after)
        assert self.clock.pauses == []
        return caught.value.message, caught.value.hint


def used_up(unit, reset=None):
    return {f"{unit}_remaining": 0} | ({} if reset is None else {f"{unit}_reset": reset})


@pytest.mark.parametrize(
    ("limits", "after", "pauses"),
    [
        ([{}], 0, []),
        ([{"minute_remaining": 1, "minute_reset": 9, "day_remaining": 1}], 0, []),
        ([used_up("minute", 42)], 0, [42.4]),
        ([used_up("minute", 42)], 41, [1.4]),
        ([used_up("minute", 42)], 42, []),
        ([used_up("minute")], 0, [60.4]),
        ([used_up("minute")], 60, []),
        ([used_up("minute", 0)], 0, [1.4]),
        ([used_up("second")], 0, [1.4]),
        ([used_up("hour", 1200)], 0, [1200.4]),
        ([used_up("hour")], 0, [3600.4]),
        ([used_up("hour", 90) | used_up("minute", 20)], 0, [90.4]),
        ([used_up("minute", 9), {"minute_remaining": 1}], 0, []),
        ([used_up("minute", 9), {}], 0, [9.4]),
        ([{"hour_remaining": 1, "hour_reset": 90}, used_up("hour")], 0, [90.4]),
        ([used_up("day", 500)], 500, []),
        ([used_up("decade", 500)], 500, []),
    ],
)
def test_a_call_waits_for_what_is_used_up_and_not_otherwise(limits, after, pauses):
    assert Account().wait(*limits, after=after) == pauses


def test_what_was_waited_for_is_there():
    account = Account()
    account.limits.clock = lambda: 5.0  # a clock that stands still
    account.wait(used_up("minute", 42))
    assert account.wait() == [42.4]
    assert account.notes == ["out of points for this minute: waiting 43 s"]


@pytest.mark.parametrize("unit", ["day", "week", "month", "decade"])
def test_the_day_s_points_are_not_waited_for(unit):
    message, hint = Account().stopped(used_up(unit, 18_712), used_up("minute", 3))
    assert message == f"the account is out of points for this {unit}"
    assert hint == "There are more in 5 h 12 min, at 2026-10-06 00:00 UTC+3: try again then."


@pytest.mark.parametrize(
    ("offset", "reset", "at"),
    [
        (timedelta(hours=3), 0, "1 s, at 2026-10-05 18:49 UTC+3"),
        (timedelta(hours=5, minutes=30), 86_400, "1 d, at 2026-10-06 18:49 UTC+5:30"),
        (-timedelta(hours=4), 53, "53 s, at 2026-10-05 18:49 UTC-4"),
        (timedelta(0), 60, "1 min, at 2026-10-05 18:50 UTC+0"),
    ],
)
def test_the_moment_is_named_with_its_offset(offset, reset, at):
    account = Account(now=lambda: NOON.replace(tzinfo=timezone(offset)))
    assert account.stopped(used_up("day", reset))[1] == f"There are more in {at}: try again then."


def test_a_reset_that_is_told_by_nobody():
    hint = "The service does not say when there are more. Try again later."
    assert Account().stopped(used_up("day"))[1] == hint


def test_a_reset_told_before_counts():
    account = Account()
    heard = {"day_remaining": 7, "day_reset": 7260}
    hint = account.stopped(heard, used_up("day"), after=60)[1]
    assert hint.startswith("There are more in 2 h, at ")


@pytest.mark.parametrize(
    ("most", "reset", "allowed"), [(30, 31, "30 s"), (0, 0, "0 s"), (3600, 3601, "1 h")]
)
def test_a_wait_is_no_longer_than_allowed(most, reset, allowed):
    account = Account(max_wait=most)
    message, hint = account.stopped(used_up("minute", reset))
    assert message == "the account is out of points for this minute"
    assert (
        hint == f"There are more in {format_duration(max(1, reset))}; --max-wait allows {allowed}."
    )


def test_each_call_may_wait_as_long_as_allowed():
    account = Account(max_wait=60)
    for _ in range(3):
        account.wait(used_up("minute", 60))
    assert account.clock.pauses == [60.4] * 3


# Refusals


def refuse_until_stopped(left, **retry_policy):
    account = Account(**retry_policy)
    turn, error = RateLimitedCall(account.limits), OutOfPoints("the service's words")

    def call_on():
        while True:
            turn.on_refusal(error, left)
            turn.wait()

    with pytest.raises(OutOfPoints) as caught:
        call_on()
    assert caught.value is error
    return account.clock.pauses, error.hint


@pytest.mark.parametrize(
    ("left", "pauses"),
    [
        (Quota("minute", 0, 0.0), [1.4, 2.4, 4.4, 8.4, 16.4, 32.4]),
        (Quota("minute", 0, 20.0), [20.4, 20.4, 20.4, 20.4]),
        (Quota("", 0, 20.0), [20.4, 20.4, 20.4, 20.4]),
        (Quota("minute", 0), [60.4]),
    ],
)
def test_a_service_that_goes_on_refusing_is_asked_less_and_less(left, pauses):
    waited, hint = refuse_until_stopped(left, max_wait=100)
    assert waited == pauses
    assert hint.endswith("; --max-wait allows 1 min 40 s.")


@pytest.mark.parametrize("left", [Quota("day", 0, 0.0), Quota("day", 0), Quota("decade", 0, 5.0)])
def test_a_refusal_of_the_day_is_not_waited_out(left):
    waited, hint = refuse_until_stopped(left)
    assert waited == []
    assert "try again" in hint.lower()


def test_a_refusal_that_tells_nothing_is_not_waited_out():
    assert refuse_until_stopped(Quota("", 0))[0] == []


# The countdown


@pytest.mark.parametrize(
    ("seconds", "shown", "pauses"),
    [
        (2.0, ["2 s", "1 s", ""], [1.0, 1.0]),
        (2.4, ["3 s", "2 s", "1 s", ""], [0.4, 1.0, 1.0]),
        (61.5, ["1 min 2 s", "1 min 1 s", "1 min"], [0.5, 1.0, 1.0]),
    ],
)
def test_a_wait_that_is_looked_at_is_counted_down(seconds, shown, pauses):
    clock, lines = Ticking(), []
    RetryPolicy(sleep=clock.sleep, show=lines.append).wait(seconds, "out")
    assert lines[: len(shown)] == [line and f"out: {line}" for line in shown]
    assert lines[-1] == ""
    assert clock.pauses[: len(pauses)] == pauses
    assert sum(clock.pauses) == pytest.approx(seconds)


def test_a_wait_that_is_broken_off_leaves_no_line():
    lines = []

    def sleep(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RetryPolicy(sleep=sleep, show=lines.append).wait(5, "out")
    assert lines == ["out: 5 s", ""]


def test_moments_are_aware_of_their_zone():
    assert RetryPolicy().now().tzinfo is not None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0, "0 s"), (0.1, "1 s"), (59, "59 s"), (59.5, "1 min"), (61, "1 min 1 s")),
        *((3599, "59 min 59 s"), (3600, "1 h"), (3601, "1 h 1 min"), (7140, "1 h 59 min")),
        *((7141, "2 h"), (86_400, "1 d"), (90_000, "1 d 1 h"), (172_799, "2 d")),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(seconds, said):
    assert format_duration(seconds) == said
