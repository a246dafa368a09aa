"""An export without rows says why it may have none, wherever its rows would go."""

from __future__ import annotations

import json

import pytest
from program import DAYS, REPORT, Ran, Watched, fault

ASKED = [*REPORT, "--report-id", "1001"]
EMPTY = ["communications", "--period", "2023-01-05", "--report-id", "1001"]
ZONED = ["--tz", "Europe/Moscow"]
TYPE = ["--where", "communication_type = звонки"]
NO_TYPE = (
    "no rows from 2024-10-01 to 2024-10-05 (Europe/Moscow) match --where: the account lists no "
    "'звонки' for communication_type; did you mean 'Звонки'?"
)
PAGE = "match --where: «, “ in --where are part of the value: quote it with ' or \""


@pytest.fixture(scope="module")
def box():
    with Watched(rows=5) as served:
        yield served


# What is typed, what goes to standard output, and what is said.
TYPED = [
    (EMPTY, "", "no rows from 2023-01-05 (the account's time zone)"),
    ([*EMPTY, *ZONED], "", "no rows from 2023-01-05 (Europe/Moscow)"),
    ([*EMPTY, *ZONED, "--count"], "0\n", "no rows from 2023-01-05 (Europe/Moscow)"),
    (
        [*EMPTY[:2], "2023-01", *EMPTY[3:], *ZONED],
        "",
        "no rows from 2023-01-01 to 2023-01-31 (Europe/Moscow)",
    ),
    (
        [*EMPTY[:1], "--from", "2023-01-05 10:00", "--till", "2023-01-05 11:00", *EMPTY[3:]],
        "",
        "no rows from 2023-01-05 10:00:00 to 2023-01-05 11:00:59 (the account's time zone)",
    ),
    ([*ASKED, *ZONED, *TYPE], "", NO_TYPE),
    ([*ASKED, *ZONED, *TYPE, "--count"], "0\n", NO_TYPE),
    (
        [*ASKED, *ZONED, "--where", "communication_type in (Звонок, чат)"],
        "",
        (
            "no rows from 2024-10-01 to 2024-10-05 (Europe/Moscow) match --where: the account "
            "lists no 'Звонок' for communication_type; it lists: Звонки, Заявки, "
            "Электронные письма, Чаты, Цели; the account lists no 'чат' for communication_type; "
            "it lists: Чаты, Заявки, Электронные письма, Звонки, Цели"
        ),
    ),
    (
        [*ASKED, *ZONED, "--where", "site_domain_name = nowhere.example"],
        "",
        (
            "no rows from 2024-10-01 to 2024-10-05 (Europe/Moscow) match --where: for a part of "
            'the text, in any case, write site_domain_name ilike "%nowhere.example%"'
        ),
    ),
    (
        [*ASKED, *ZONED, "--where", "utm_source ilike «%x%» or utm_source ilike “%x%”"],
        "",
        f"no rows from 2024-10-01 to 2024-10-05 (Europe/Moscow) {PAGE.replace(', “', ' and “')}",
    ),
    (
        ["call-details", *DAYS, "--report-id", "1012", "--ids", "17"],
        "",
        "1 id has no row in this period: 17",
    ),
    (
        ["call-details", *DAYS, "--report-id", "1012", "--ids", "17", "--count"],
        "0\n",
        "no rows from 2024-10-01 to 2024-10-05 (the account's time zone) have these ids",
    ),
]


@pytest.mark.parametrize(("typed", "out", "said"), TYPED)
def test_what_may_be_why(comagic, box, typed, out, said):
    assert comagic(*typed, box=box) == Ran(0, out, f"comagic: {said}\n")


@pytest.mark.parametrize(("typed", "out", "said"), TYPED)
def test_quiet_says_nothing_and_asks_for_nothing_more(comagic, typed, out, said):
    assert said
    with Watched(rows=5) as account:
        assert comagic(*typed, "-q", box=account) == Ran(0, out, "")
        assert "get.report_filters" not in account.methods


@pytest.mark.parametrize("output", ["rows.csv", "rows.db", "{date}.csv"])
def test_files_too(comagic, box, tmp_path, output):
    ran = comagic(*ASKED, *ZONED, *TYPE, "-o", tmp_path / output, box=box)
    assert ran == Ran(0, "", f"comagic: {NO_TYPE}\n")


def test_charts_too(comagic, box):
    ran = comagic("chart", *EMPTY, *ZONED, "-f", "csv", box=box)
    assert (ran.code, ran.out) == (0, "day,rows\n2023-01-05,0\n")
    assert ran.err == "comagic: no rows from 2023-01-05 (Europe/Moscow)\n"


@pytest.mark.parametrize("count", [[], ["--count"]])
def test_several_customers_are_told_once(comagic, count):
    with Watched(rows=5, agent=True) as account:
        ran = comagic(*EMPTY[:3], "--user-id", "all", *count, box=account)
    assert ran == Ran(
        0, "0\n" * len(count), "comagic: no rows from 2023-01-05 (each customer's time zone)\n"
    )


def test_the_values_of_lists_are_asked_for_once(comagic):
    with Watched(rows=5) as account:
        for _ in range(2):
            assert comagic(*ASKED, *ZONED, *TYPE, box=account).err == f"comagic: {NO_TYPE}\n"
        assert account.methods.count("get.report_filters") == 1


def test_where_the_account_does_not_tell_its_values_nothing_is_said_of_them(comagic):
    refused = fault("method_not_found", method="get.report_filters")
    with Watched(rows=5, faults=refused) as account:
        ran = comagic(*ASKED, *ZONED, *TYPE, box=account)
    assert ran.err == f"comagic: {NO_TYPE.partition(': ')[0]}\n"


def test_a_json_log_has_a_warning(comagic, box):
    ran = comagic(*EMPTY, *ZONED, "--log-format", "json", box=box)
    first = json.loads(ran.err.splitlines()[0])
    assert (first["level"], first["message"]) == (
        "warning",
        "comagic: no rows from 2023-01-05 (Europe/Moscow)",
    )
