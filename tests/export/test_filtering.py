"""Exports of filtered rows, as typed: what comes, what is sent, and what is told."""

from __future__ import annotations

import io
import json
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from filters import leaf
from program import DAYS, NOW, SPAN, TWO, Watched, fault, without_checks

REPORT = ["communications", *DAYS, *TWO]
NAMES = TWO[1].split(",")
LONG = leaf("total_duration", ">", 300)


@pytest.fixture(scope="module")
def box():
    with Watched() as served:
        yield served


@pytest.fixture
def sent(box):
    """Return the filters that are sent."""
    before = len(box.journal)

    def filters():
        calls = without_checks(box.journal[before:])
        pages = [call for call in calls if call.method == "get.communications"]
        return [call.params.get("filter") for call in pages]

    return filters


@pytest.fixture
def no_call(box):
    before = len(box.journal)
    yield
    assert len(box.journal) == before


@pytest.fixture
def noon(comagic):
    """Stop the clock at noon in Moscow, at 23:00 of the day before in Pago Pago."""
    comagic.stop_clock(datetime.fromisoformat(f"{NOW}+03:00"))


def rows_of(ran):
    assert (ran.code, ran.err) == (0, "")
    return [json.loads(line) for line in ran.out.splitlines()]


def by_time(row):
    return row["communication_date_time"], row["communication_id"]


def wanted(box, test):
    """Return the rows of the truth that a test accepts, in the columns asked for."""
    every = box.truth("communications", *SPAN)
    rows = [{name: row[name] for name in NAMES} for row in every if test(row)]
    assert 0 < len(rows) < len(every)
    return sorted(rows, key=by_time)


def is_long(row):
    return (row["total_duration"] or 0) > 300


def kind_of(row):
    return row["communication_type"]["value_id"]


@pytest.mark.parametrize(
    ("where", "test"),
    [
        (["total_duration > 300"], is_long),
        (
            ["total_duration > 300 and communication_type in (Звонки, Чаты)"],
            lambda row: is_long(row) and kind_of(row) in {"call", "chat"},
        ),
        (
            ["total_duration > 300 or yclid is not null", "communication_type != 'Звонки'"],
            lambda row: (is_long(row) or row["yclid"]) and kind_of(row) != "call",
        ),
        (
            ["communication_date_time = 2024-10-03"],
            lambda row: row["communication_date_time"].startswith("2024-10-03"),
        ),
        (
            ["yclid is null or (total_duration > 300 and (tags is null or source like %а%))"],
            lambda row: (
                row["yclid"] is None
                or (is_long(row) and (row["tags"] is None or "а" in (row["source"] or "")))
            ),
        ),
    ],
)
def test_the_rows_that_come_are_those_wanted(comagic, box, where, test):
    options = [word for text in where for word in ("--where", text)]
    ran = comagic(*REPORT, *options, "--page-size", 7, box=box)
    assert rows_of(ran) == wanted(box, test)


def test_a_field_that_is_only_filtered_by_is_no_column(comagic, box, sent):
    comagic(*REPORT, "--where", "total_duration > 300", box=box)
    assert sent() == [LONG]
    assert "total_duration" not in box.journal[-1].params["fields"]


@pytest.mark.usefixtures("no_call")
def test_a_mistake_is_one_line_the_expression_and_carets(comagic, box):
    ran = comagic(*REPORT, "--where", "site_name = 'Окна' and totl_duration >\t60 or", box=box)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "comagic: --where: a field is missing\n"
        "  site_name = 'Окна' and totl_duration > 60 or\n"
        "                                              ^\n"
        "  See comagic help filters.\n"
    )


@pytest.mark.usefixtures("no_call")
def test_a_machine_is_told_the_place_too(comagic, box):
    ran = comagic(*REPORT, "--log-format", "json", "--where", "site_name =\tа б", box=box)
    told = json.loads(ran.err)
    assert told["message"] == "--where: and, or or the end was expected, not 'б'"
    assert (told["expression"], told["start"], told["end"]) == ("site_name = а б", 14, 15)


def test_an_unknown_field_costs_a_look_at_the_accounts_columns_and_has_its_carets(comagic, box):
    before = len(box.journal)
    ran = comagic(*REPORT, "--where", "sitename = 1", "--where", "yclid = 2", box=box)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "comagic: --where: communications has no field 'sitename'\n"
        "  sitename = 1\n"
        "  ^^^^^^^^\n"
        "  Did you mean site_name?\n"
    )
    asked = {call.method for call in box.journal[before:]}
    assert asked <= {"getobj.columns_tree", "get.report_filters"}


def test_a_column_of_the_account_can_be_filtered_by(comagic):
    with Watched(rows=30, columns=("cc_17",)) as served:
        ran = comagic(*REPORT, "--where", "cc_17 is not null", box=served)
        every = served.truth("communications", *SPAN, fields=[*NAMES, "cc_17"])
    expected = [row["communication_id"] for row in every if row["cc_17"] is not None]
    assert [row["communication_id"] for row in rows_of(ran)] == expected
    assert 0 < len(expected) < 30


# Dates


@pytest.mark.parametrize(
    ("zone", "day"), [("Europe/Moscow", "2024-10-07"), ("Pacific/Pago_Pago", "2024-10-06")]
)
@pytest.mark.usefixtures("noon")
def test_relative_dates_are_the_accounts(comagic, zone, day):
    with Watched(rows=3, timezone=zone) as served:
        where = ["--where", "communication_date_time >= yesterday"]
        ran = comagic(*REPORT, *where, "-v", box=served)
    assert f"filter communication_date_time >= '{day} 00:00:00'" in ran.err
    assert served.methods.count("get.account") == 1
    [page] = served.pages
    assert page.params["filter"] == leaf("communication_date_time", ">=", f"{day} 00:00:00")


@pytest.fixture
def machine(monkeypatch):
    """Let the clock of this machine be of another zone."""

    def move(zone):
        patch.setenv("TZ", zone)
        time.tzset()
        return datetime.fromisoformat(NOW).astimezone().utcoffset() // timedelta(hours=1)

    with monkeypatch.context() as patch:
        yield move
    time.tzset()


@pytest.mark.parametrize(
    "dates",
    [
        [],
        ["--from", "-12h"],
        ["--from", "yesterday", "--till", "now"],
        ["--period", "last-week"],
        ["--period", "3mo", "--where", "communication_date_time >= -2w and visit_date < today"],
        ["--from", "2024-10-01", "--till", "2024-10-05 14:30"],
    ],
)
@pytest.mark.usefixtures("noon")
def test_the_zone_of_the_machine_changes_no_request(comagic, machine, dates):
    sent = []
    for zone, hours in (("UTC", 0), ("Asia/Vladivostok", 10)):
        assert machine(zone) == hours
        with Watched(rows=3, timezone="Pacific/Pago_Pago") as served:
            assert comagic("communications", *TWO, *dates, box=served).code == 0
        sent.append([(call.method, call.params) for call in served.journal])
    assert sent[0] == sent[1]
    assert "get.communications" in dict(sent[0])


def test_past_dates_need_no_time_zone(comagic):
    with Watched(rows=3) as served:
        comagic(*REPORT, "--where", "communication_date_time >= 2024-10-03", box=served)
    assert "get.account" not in served.methods


@pytest.mark.usefixtures("noon")
def test_the_period_and_the_filter_are_of_the_same_moment(comagic):
    """The clock runs a day ahead each time that it is read."""
    start = comagic.clock.now()
    days = count()
    comagic.clock = replace(comagic.clock, now=lambda: start + timedelta(days=next(days)))
    with Watched(rows=3) as served:
        where = ["--where", "communication_date_time >= -2d and visit_date = -2d"]
        comagic("communications", *TWO, "--from", "-2d", *where, box=served)
    [sent, *_] = [call.params for call in served.pages]
    day = sent["filter"]["filters"][0]["value"]
    assert day[:10] == (start - timedelta(days=2)).strftime("%Y-%m-%d")
    assert sent["date_from"] == f"{start - timedelta(days=3):%Y-%m-%d} 23:59:59"


# A filter as the API takes it


def test_a_tree_is_read_from_a_file_and_joined(comagic, box, sent, tmp_path):
    path = tmp_path / "filter.json"
    path.write_text(json.dumps(LONG), encoding="utf-8-sig")
    options = ["--filter-json", path, "--where", "communication_type = 'Звонки'"]
    ran = comagic(*REPORT, *options, box=box)
    assert rows_of(ran) == wanted(box, lambda row: is_long(row) and kind_of(row) == "call")
    calls = leaf("communication_type", "=", "Звонки")
    assert sent() == [{"filters": [LONG, calls], "condition": "and"}]


def test_a_tree_is_read_from_standard_input(comagic, box, sent, monkeypatch):
    text = io.TextIOWrapper(io.BytesIO(json.dumps(LONG).encode()))
    monkeypatch.setattr(sys, "stdin", text)
    assert rows_of(comagic(*REPORT, "--filter-json", "-", box=box)) == wanted(box, is_long)
    assert sent() == [LONG]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"field": "site"}', "{}: operator: must be a text"),
        (b"\xff", "--filter-json: {} is not UTF-8 text"),
        (None, "{} can't be read: No such file or directory."),
    ],
)
@pytest.mark.usefixtures("no_call")
def test_a_tree_that_cant_be_used(comagic, box, tmp_path, text, message):
    path = tmp_path / "filter.json"
    if text is not None:
        path.write_bytes(text)
    ran = comagic(*REPORT, "--filter-json", path, box=box)
    assert (ran.code, ran.out) == (2, "")
    assert message.format(path) in ran.err


@pytest.mark.usefixtures("no_call")
def test_standard_input_is_read_once(comagic, box):
    report = ["call-details", *DAYS, "--ids", "-", "--filter-json", "-"]
    ran = comagic(*report, box=box)
    assert ran.code == 2
    assert "standard input can be read only once" in ran.err


# With other options


@pytest.mark.usefixtures("no_call")
def test_a_dry_run_shows_the_filter(comagic, box):
    ran = comagic(*REPORT, "--where", "total_duration > 300", "--dry-run", box=box)
    assert json.loads(ran.out)["params"]["filter"] == LONG
    assert "filter   total_duration > 300\n" in ran.err
    relative = ["--where", "communication_date_time < today", "--tz", "Asia/Tokyo"]
    ran = comagic(*REPORT, *relative, "--dry-run", "--count", box=box)
    assert json.loads(ran.out)["params"]["filter"]["value"].endswith(" 00:00:00")
    assert "UTC" not in ran.err
    ran = comagic(*REPORT, *relative[:2], "--dry-run", box=box)
    assert "UTC is shown" in ran.err


def test_what_is_counted_is_filtered(comagic, box):
    ran = comagic(*REPORT, "--where", "total_duration > 300", "--count", box=box)
    assert ran.out == f"{len(wanted(box, is_long))}\n"


def test_an_export_is_gone_on_with_by_the_same_filter(comagic, tmp_path):
    target = tmp_path / "rows.jsonl"
    asked = [*REPORT, "--page-size", "9", "-o", target]
    where = ["--where", "total_duration > 300"]
    with Watched(faults=fault("forbidden", 3)) as served:
        ran = comagic(*asked, *where, box=served)
        assert (ran.code, ran.err.endswith("--resume\n")) == (4, True), ran
        for other in ([], ["--where", "total_duration > 301"]):
            ran = comagic(*asked, *other, "--resume", box=served)
            assert ran.code == 2
            assert "--where was total_duration > 300 and is" in ran.err
        before = len(served.pages)
        assert comagic(*asked, *where, "--resume", box=served).code == 0
        assert {str(page.params["filter"]) for page in served.pages[before:]} == {str(LONG)}
        expected = wanted(served, is_long)
    assert [json.loads(line) for line in target.read_text().splitlines()] == expected


def test_files_of_another_filter_are_left_alone(comagic, box, tmp_path):
    asked = [*REPORT, "-o", f"{tmp_path}/out/{{date}}.jsonl"]
    where = ["--where", "total_duration > 300"]
    assert comagic(*asked, *where, box=box).code == 0
    files = sorted((tmp_path / "out").glob("2*.jsonl"))
    text = "".join(path.read_text() for path in files)
    assert [json.loads(line) for line in text.splitlines()] == wanted(box, is_long)
    files[0].unlink()
    for other in ([], ["--where", "total_duration > 301"], ["--where", "yclid = 5"]):
        ran = comagic(*asked, *other, box=box)
        assert (ran.code, "--where was total_duration > 300" in ran.err) == (2, True)
    assert comagic(*asked, *where, box=box).code == 0
    assert files[0].exists()
