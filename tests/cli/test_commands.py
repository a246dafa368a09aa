from __future__ import annotations

import json
from datetime import datetime

import pytest
from program import DAYS, NOW, REPORT, SPAN, TWO, Watched

from comagic_cli.query.catalog import report, reports
from comagic_cli.sandbox.methods.accounts import clients
from comagic_cli.sandbox.quirks import Quirks

COMMANDS = [entry.command for entry in reports() if not set(entry.params) - {"report_type"}]
ROWS = [
    {
        "communication_date_time": f"2024-10-0{day} 10:00:00",
        "communication_id": 3_000_000_000 + day,
        "communication_type": {"value": "Звонок", "value_id": "call"},
        "contact_phone_number": "+79110000007",
        "tags": {"items": [{"id": 1, "name": "VIP, срочно"}]},
        "total_duration": None,
    }
    for day in (1, 2)
]
FIELDS = "total_duration,communication_id,communication_type,contact_phone_number,tags"
GOLDEN = {
    "jsonl": """\
{"total_duration":null,"communication_id":3000000001,\
"communication_type":{"value":"Звонок","value_id":"call"},\
"contact_phone_number":"+79110000007","tags":{"items":[{"id":1,"name":"VIP, срочно"}]}}
{"total_duration":null,"communication_id":3000000002,\
"communication_type":{"value":"Звонок","value_id":"call"},\
"contact_phone_number":"+79110000007","tags":{"items":[{"id":1,"name":"VIP, срочно"}]}}
""",
    "csv": """\
total_duration,communication_id,communication_type,contact_phone_number,tags
,3000000001,Звонок,+79110000007,"VIP, срочно"
,3000000002,Звонок,+79110000007,"VIP, срочно"
""",
    "tsv": """\
total_duration\tcommunication_id\tcommunication_type\tcontact_phone_number\ttags
\t3000000001\tЗвонок\t+79110000007\tVIP, срочно
\t3000000002\tЗвонок\t+79110000007\tVIP, срочно
""",
    "table": """\
total_duration │ communication_id │ communication_type │ contact_phone_number │ tags
───────────────┼──────────────────┼────────────────────┼──────────────────────┼────────────
               │       3000000001 │ Звонок             │ +79110000007         │ VIP, срочно
               │       3000000002 │ Звонок             │ +79110000007         │ VIP, срочно
""",
}


@pytest.fixture(scope="module")
def box():
    with Watched() as served:
        yield served


@pytest.fixture(scope="module")
def small():
    with Watched(data={"communications": ROWS}) as served:
        yield served


def lines(box, command="communications", **more):
    """Write down as JSON Lines what an export of the days is to bring."""
    return [
        json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        for row in box.truth(command, *SPAN, **more)
    ]


# What is written


@pytest.mark.parametrize("form", GOLDEN)
def test_whole_outputs(comagic, small, form):
    ran = comagic("communications", *DAYS, "--fields", FIELDS, "-f", form, box=small)
    assert (ran.code, ran.out, ran.err) == (0, GOLDEN[form], "")


def test_json_is_one_array_of_the_same_rows(comagic, small):
    ran = comagic("communications", *DAYS, "--fields", FIELDS, "-f", "json", box=small)
    assert json.loads(ran.out) == [json.loads(line) for line in GOLDEN["jsonl"].splitlines()]


@pytest.mark.parametrize("form", [*GOLDEN, "json"])
def test_the_format_follows_the_name_of_the_file(comagic, small, tmp_path, form):
    suffix = "txt" if form == "table" else form
    for name, format_ in ((f"rows.{suffix}", []), ("rows.data", ["-f", form])):
        target = ["--fields", FIELDS, "-o", tmp_path / name, *format_]
        ran = comagic("communications", *DAYS, *target, box=small)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        assert form == "json" or (tmp_path / name).read_text() == GOLDEN[form]


@pytest.mark.parametrize("no_rows", [("jsonl", ""), ("csv", "communication_id\n"), ("json", "[]")])
def test_a_period_without_rows(comagic, small, no_rows):
    form, text = no_rows
    empty = ["--period", "2023-01", "--fields", "communication_id", "-f", form]
    ran = comagic("communications", *empty, box=small)
    assert (ran.code, "".join(ran.out.split(" ")).strip()) == (0, text.strip())
    assert ran.err.startswith("comagic: no rows from 2023-01-01 to 2023-01-31 (")


@pytest.mark.parametrize(
    "quirks",
    [
        {},
        {"key_order": "shuffled", "extra_key": True, "missing_keys": True},
        {"key_order": "reversed", "gzip": True, "total_items": "absent", "short_pages": 7},
        {"communication_id": "text", "empty_object": "mixed", "null_arrays": True, "pretty": True},
        {"report_type": "required", "till_inclusive": False, "account_object": True},
        {"report_type": "refused", "shown": "rounded", "unstable_ties": True},
    ],
)
@pytest.mark.parametrize("command", ["communications", "calls", "tags-history"])
def test_every_row_comes_once_with_the_default_columns_in_order(comagic, command, quirks):
    names = report(command).default_fields()
    with Watched(rows=60, **quirks) as box:
        ran = comagic(command, *DAYS, "--page-size", 25, box=box)
        expected = box.truth(command, *SPAN, fields=names)
    assert (ran.code, ran.err) == (0, "")
    rows = [json.loads(line) for line in ran.out.split("\n")[:-1]]
    assert sorted(map(str, rows)) == sorted(map(str, expected))
    assert all(tuple(row) == names for row in rows)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_report_can_be_exported(comagic, box, command):
    ran = comagic(command, *DAYS, "--max-rows", 3, box=box)
    assert (ran.code, ran.err) == (0, "")
    assert 1 <= ran.out.count("\n") <= 3


def test_the_order_of_columns_is_the_one_asked_for(comagic, box):
    asked = ["--fields", "utm_source, @call,communication_id", "--fields", "site_name,utm_source"]
    ran = comagic("communications", *DAYS, *asked, "--max-rows", 1, box=box)
    group = [field.name for field in report("communications").fields if field.group == "call"]
    assert list(json.loads(ran.out)) == ["utm_source", *group, "communication_id", "site_name"]


def test_what_caps_and_sorts(comagic, box):
    options = ["--page-size", 4, "--max-rows", 9, "--sort", "communication_date_time:desc"]
    ran = comagic(*REPORT, *options, box=box)
    expected = lines(box, fields=TWO[1].split(","))[::-1]
    assert (ran.code, ran.out.splitlines()) == (0, expected[:9])
    assert box.pages[-1].params["limit"] <= 4


# What is asked


@pytest.mark.parametrize(
    ("quirk", "sent"),
    [("accepted", ["communications"]), ("required", ["communications"])],
)
def test_the_type_of_the_report_is_sent(comagic, quirk, sent):
    with Watched(rows=3, report_type=quirk) as box:
        assert comagic(*REPORT, box=box).code == 0
    assert [call.params.get("report_type") for call in box.pages] == sent


def test_the_type_is_left_out_once_it_is_refused(comagic):
    with Watched(rows=30, report_type="refused") as box:
        ran = comagic(*REPORT, "--page-size", 10, box=box)
    assert (ran.code, ran.out.count("\n"), ran.err) == (0, 30, "")
    types = [call.params.get("report_type") for call in box.pages]
    assert types == ["communications", *[None] * (len(types) - 1)]


def test_the_only_report_of_the_type_is_found_unless_it_is_named(comagic):
    with Watched(rows=3) as box:
        comagic(*REPORT, box=box)
        comagic(*REPORT, "--report-id", "1001", box=box)
        comagic(*REPORT, box=box, COMAGIC_REPORT_ID="1001")
    assert box.methods == ["get.reports_list", *["get.communications"] * 3]
    assert {call.params["report_id"] for call in box.pages} == {1001}


def test_an_agent_names_the_client_with_every_call(comagic):
    user = clients(Quirks(agent=True))[0]["id"]
    with Watched(rows=3, agent=True) as box:
        assert comagic(*REPORT, "--user-id", user, box=box).code == 0
        assert comagic(*REPORT, box=box, COMAGIC_USER_ID=str(user)).code == 0
    assert [call.params.get("user_id") for call in box.journal] == [user] * 6


@pytest.fixture
def noon(comagic):
    """Stop the clock at noon in Moscow, which is 02:00 of that day in Pago Pago's yesterday."""
    comagic.stop_clock(datetime.fromisoformat(f"{NOW}+03:00"))


YESTERDAY = ["communications", *TWO, "--period", "yesterday"]


@pytest.mark.parametrize(
    ("quirks", "options", "day"),
    [
        ({}, [], "2024-10-07"),
        ({"timezone": "Pacific/Pago_Pago"}, [], "2024-10-06"),
        ({"timezone": "Pacific/Pago_Pago", "account_object": True}, [], "2024-10-06"),
        ({}, ["--tz", "Pacific/Pago_Pago"], "2024-10-06"),
    ],
)
@pytest.mark.usefixtures("noon")
def test_relative_days_are_the_accounts(comagic, quirks, options, day):
    with Watched(rows=3, **quirks) as box:
        ran = comagic(*YESTERDAY, *options, "-v", box=box)
    assert ran.code == 0
    assert f"period {day} 00:00:00 … {day} 23:59:59" in ran.err
    assert ("get.account" in box.methods) is not bool(options)


@pytest.mark.usefixtures("noon")
def test_the_zone_is_asked_once_and_not_for_past_dates(comagic):
    with Watched(rows=3) as box:
        for period in (DAYS, ["--period", "yesterday"], ["--from", "-7d"], []):
            assert comagic("communications", *TWO, *period, box=box).code == 0
        assert comagic(*YESTERDAY, box=box, COMAGIC_TZ="Asia/Tokyo").code == 0
    assert box.methods.count("get.account") == 1
    assert [call.params["date_from"] for call in box.pages] == [
        "2024-09-30 23:59:59",
        "2024-10-06 23:59:59",
        "2024-09-30 23:59:59",
        "2024-09-30 23:59:59",
        "2024-10-06 23:59:59",
    ]


# A dry run


def test_a_dry_run_prints_the_exact_request_and_sends_nothing(comagic, small):
    fields = ["--fields", "site_name", "--user-id", 7, "--report-id", "12", "--max-rows", 5]
    ran = comagic("communications", *DAYS, *fields, "--dry-run", box=small)
    assert ran.code == 0
    assert json.loads(ran.out) == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "get.communications",
        "params": {
            "access_token": "***",
            "user_id": 7,
            "report_id": 12,
            "report_type": "communications",
            "date_from": "2024-09-30 23:59:59",
            "date_till": "2024-10-06 00:00:00",
            "fields": [
                "site_name",
                "communication_date_time",
                "communication_type",
                "communication_id",
            ],
            "sort": [
                {"field": "communication_date_time", "order": "asc"},
                {"field": "communication_id", "order": "asc"},
            ],
            "limit": 5,
            "offset": 0,
        },
    }
    assert "period   2024-10-01 00:00:00 … 2024-10-05 23:59:59\n" in ran.err


def test_a_dry_run_needs_no_account(comagic):
    dry = ["communications", "--dry-run", "--period", "yesterday"]
    assert "A dry run does not ask for the account's time zone: UTC is shown." in comagic(*dry).err
    assert "UTC" not in comagic(*dry, "--tz", "Asia/Tokyo").err
    ran = comagic(*dry, "-q")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["params"]["report_id"] == "(asked of the account)"


# What is told


def test_verbose_tells_about_every_call_and_quiet_of_nothing(comagic):
    with Watched(rows=30) as box:
        loud = comagic(*REPORT, "-v", "--page-size", 10, box=box)
        calls = len(box.journal)
        assert comagic(*REPORT, "-v", "-q", box=box).err == ""
    assert sum(line.startswith("get.") for line in loud.err.splitlines()) == calls


def test_help_fits_a_terminal_of_80_columns(comagic, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    commands = ["communications", "fields", "filters", "login", "profiles", "doctor", "help"]
    for words in ([], *([name] for name in commands), ["completion"], ["sandbox"]):
        ran = comagic(*words, "--help")
        assert (ran.code, ran.err) == (0, "")
        assert max(map(len, ran.out.splitlines())) <= 80
        assert "..." not in ran.out.replace("ARGS]...", "")
    helped = [line for line in ran.out.splitlines() if line.startswith("  -")]
    assert all("  " in line.strip() for line in helped)
