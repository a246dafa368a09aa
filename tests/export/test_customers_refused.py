"""What is asked of an agent's clients and is refused, or only shown, before anything is sent."""

from __future__ import annotations

import json

import pytest
from program import DAYS, Watched

CALLS = ["calls", *DAYS, "--fields", "communication_id"]


@pytest.fixture
def agent():
    with Watched(rows=60, agent=True) as box:
        yield box


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["-o", "{user}.csv"], "-o {user}.csv: there is no {user}"),
        (
            ["-o", "{user_id}.csv", "--manifest", "m.json"],
            "each customer has a manifest of its own",
        ),
        (
            ["-o", "x.csv", "--resume"],
            "--resume: rows of several customers come one customer",
        ),
        (["--user-id", "7001"], "Invalid value for '--user-id': all means every customer"),
        (["--user-id", "7001;7002"], "Invalid value for '--user-id': '7001;7002' is neither"),
        (["--user-id", "0"], "Invalid value for '--user-id': '0' is neither"),
        (["--user-id", ","], "Invalid value for '--user-id': ',' is neither"),
    ],
)
def test_what_does_not_go_with_several_is_refused(comagic, agent, more, message):
    ran = comagic(*CALLS, "--user-id", "all", *more, box=agent)
    assert (ran.code, ran.out, agent.pages) == (2, "", [])
    assert message in ran.err


def test_a_period_that_can_not_be_read_is_told_once_and_nothing_is_asked(comagic, agent):
    ran = comagic("calls", "--period", "noon", "--user-id", "all", box=agent)
    assert (ran.code, agent.journal, ran.err.count("comagic: ")) == (2, [], 1)


@pytest.mark.parametrize(("users", "first"), [("7003,7001", 7003), ("all", "(asked of the agent)")])
def test_a_dry_run_shows_the_first_and_asks_nothing(comagic, agent, users, first):
    ran = comagic(*CALLS, "--user-id", users, "--dry-run", box=agent)
    assert (ran.code, agent.journal) == (0, [])
    assert json.loads(ran.out)["params"]["user_id"] == first
    assert f"users    {users.replace(',', ', ')}, one after another" in ran.err
