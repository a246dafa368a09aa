from __future__ import annotations

import csv
import io
import json
import re

import pytest
from examples import run_line
from program import PATIENCE, Ran, Watched, environment, start
from terminals import Terminal

from comagic_cli.query.catalog import report, reports

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def box(**more):
    return Watched(**({"rows": 3} | more))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# What is written, whole

REPORTS = """\
id,type,command,name,is_favorite,group_id,description
1001,communications,communications,Обращения,true,1,
1002,calls,calls,Звонки,false,1,
1003,chats,chats,Чаты,false,1,
1004,leads,leads,Лиды,false,1,
1005,deals,deals,Сделки,false,1,
1006,visits,visits,Посещения,false,1,
1007,sms,sms,SMS-сообщения,false,1,
1008,tags_history,tags-history,История тегов,false,1,
1009,notifications,notifications,Уведомления,false,1,
1010,api_requests,api-requests,Запросы к API,false,1,
1011,mgf_calls,mgf-calls,Звонки (МегаФон),false,1,
1012,call_details,call-details,Детализация звонков,false,1,
1013,person_summary,person-details,История персон,false,1,
"""
HEADER, CALLS = REPORTS.splitlines(keepends=True)[:3:2]
SMS = """\
name                 │ about                                             │ type    │ default │ sortable │ filterable │ group │ documented
─────────────────────┼───────────────────────────────────────────────────┼─────────┼─────────┼──────────┼────────────┼───────┼───────────
sms_id               │ Id of the message                                 │ string  │ true    │ true     │ true       │       │ true
sms_date_time        │ Day and time of the message                       │ iso8601 │ true    │ true     │ true       │       │ true
contact_phone_number │ Phone number of the contact the message is with   │ string  │ true    │ true     │ true       │       │ true
virtual_phone_number │ Virtual number of the account the message is with │ string  │ true    │ true     │ true       │       │ true
sms_message          │ Text of the message                               │ string  │ true    │ true     │ true       │       │ true
"""  # noqa: E501 - a table is as wide as it is
OF_CALLS = ["=", "!=", "ilike", "not ilike", "is null", "is not null"]
STATUS = {
    "field": "call_status",
    "operators": OF_CALLS,
    "values": ["Принятый", "Пропущенный"],
    "format": "list",
    "title": "Признак, что звонок потерянный или успешный",
    "custom": False,
}
USERS = """\
id\tlogin\tname\tdescription\tcustomer_id
7001\tclient-one\tИП Соколов — окна\tМосква\t301
7002\tclient-two\tООО «Уральские двери»\t\t302
7003\tclient-three\tБалконы "Восток", филиал\tВладивосток; тест\t303
"""
ACCOUNT = {
    "id": 4242,
    "name": "ООО «Светлый дом»",
    "timezone": "Europe/Moscow",
    "day_points_left": 4999,
    "day_points": 5000,
    "hour_points_left": None,
    "hour_points": None,
    "minute_points_left": 119,
    "minute_points": 120,
}


@pytest.mark.parametrize(
    ("typed", "out"),
    [
        (["reports", "-f", "csv"], REPORTS),
        (["reports", "-f", "csv", "--type", "calls"], HEADER + CALLS),
        (["fields", "sms", "-f", "table"], SMS),
        (["filters", "calls", "call_status"], compact(STATUS) + "\n"),
        (["account", "-f", "json"], f"[\n{compact(ACCOUNT)}\n]\n"),
    ],
)
def test_what_can_be_asked_for_is_written_as_any_export(comagic, typed, out):
    with box() as account:
        ran = comagic(*typed, box=account)
    assert (ran.code, ran.out, ran.err) == (0, out, "")


OTHERS = (
    "communications, leads, deals, visits, calls-report, communications-report, chats-report, "
    "offline-messages-report, goals-report, visitor-sessions-report"
)
LIVE = "--live also searches the account's titles."
TYPES = (
    "communications, calls, chats, leads, deals, visits, sms, tags_history, notifications, "
    "api_requests, mgf_calls, call_details, person_summary"
)


@pytest.mark.parametrize(
    ("typed", "out", "said"),
    [
        (
            ["reports", "--type", "dashboard"],
            "",
            f"the account has no report of the type 'dashboard'. Types: {TYPES}.",
        ),
        (
            ["reports", "--type", "call", "-f", "csv"],
            HEADER,
            "the account has no report of the type 'call'. Did you mean calls or call_details?",
        ),
        (
            ["fields", "sms", "--search", "missed"],
            "",
            f"sms has no field with 'missed'. communications, chats have one. {LIVE}",
        ),
        (
            ["fields", "calls", "--search", "utm_source"],
            "",
            f"calls has no field with 'utm_source'. {OTHERS} have one. {LIVE}",
        ),
        (
            ["fields", "sms", "--search", "sms_mesage"],
            "",
            f"sms has no field with 'sms_mesage'. Did you mean sms_message? {LIVE}",
        ),
        (
            ["fields", "sms", "--search", "сотрудник", "--live"],
            "",
            "sms has no field with 'сотрудник'.",
        ),
    ],
)
def test_a_list_without_rows_says_what_there_is(comagic, typed, out, said):
    with box() as account:
        assert comagic(*typed, box=account) == Ran(0, out, f"comagic: {said}\n")
        assert comagic(*typed, "-q", box=account) == Ran(0, out, "")


def test_titles_that_are_cached_are_searched(comagic):
    words = ["fields", "calls", "--search", "теги"]
    with box() as account:
        before = comagic(*words, box=account)
        assert comagic("fields", "calls", "--live", box=account).code == 0
        ran = comagic(*words, box=account)
        assert len(account.journal) == 1
    assert (before.out, LIVE in before.err) == ("", True)
    assert (ran.code, ran.err, json.loads(ran.out)["name"]) == (0, "", "tags")


@pytest.mark.parametrize("total_items", ["exact", "absent", "one_more"])
def test_an_agent_lists_users_page_by_page(comagic, total_items):
    with box(agent=True, short_pages=1, total_items=total_items) as account:
        ran = comagic("users", "-f", "tsv", box=account)
    assert (ran.code, ran.out, ran.err) == (0, USERS, "")
    assert all("user_id" not in call.params for call in account.journal)


def test_the_sandbox_has_users_to_list(comagic):
    ran = comagic("users", "--sandbox", "-f", "tsv")
    assert (ran.code, ran.out, ran.err) == (0, USERS, "")


@pytest.mark.parametrize(
    ("words", "ids", "told"),
    [
        ("ОКНА", ["7001"], ""),
        ("client-two двери", ["7002"], ""),
        ("nobody", [], "comagic: no user has 'nobody': comagic users lists all\n"),
    ],
)
def test_users_are_searched(comagic, words, ids, told):
    ran = comagic("users", "--sandbox", "--search", words, "-f", "csv")
    assert (ran.code, ran.err) == (0, told)
    assert [row["id"] for row in csv.DictReader(io.StringIO(ran.out))] == ids


def test_who_is_no_agent_has_no_users(comagic):
    with box() as account:
        users = comagic("users", box=account)
        calls = comagic("calls", "--user-id", "all", "--count", box=account)
    expected = (
        "comagic: get.customer_users: the user is not allowed to do this (forbidden): Permission "
        "denied\n  Only agents have customers. For an account of your own, omit --user-id, also in "
        "the profile.\n"
    )
    assert users == calls == Ran(4, "", expected)


@pytest.mark.parametrize(
    ("quirks", "users", "id_"),
    [
        ({"get_account": "absent"}, [], 4242),
        ({"get_account": "forbidden"}, [], 4242),
        ({"get_account": "no_user_id", "agent": True}, ["--user-id", 7002], 7002),
        ({"getobj_account": "forbidden"}, [], 4242),
    ],
)
def test_the_account_is_told_by_whichever_method_answers(comagic, quirks, users, id_):
    with box(**quirks) as account:
        ran = comagic("account", *users, box=account)
    told = json.loads(ran.out)
    assert (ran.code, told["id"], bool(told["name"])) == (0, id_, True)
    assert told["day_points_left"] == 4999, "a refusal costs no point"


def test_an_account_that_no_method_tells_is_an_error(comagic):
    with box(get_account="absent", getobj_account="forbidden") as account:
        ran = comagic("account", box=account)
    assert (ran.code, ran.out, "getobj.account" in ran.err) == (4, "", True)


def test_points_that_the_service_does_not_tell_are_null(comagic):
    with box(limits="absent", account_object=True) as account:
        told = json.loads(comagic("account", box=account).out)
    points = {name: None for name in ACCOUNT if "points" in name}
    assert told == ACCOUNT | points


# Fields


@pytest.mark.parametrize("entry", reports(), ids=lambda entry: entry.command)
def test_the_fields_of_every_report_are_listed_without_a_call(comagic, entry):
    ran = comagic("fields", entry.command, "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["name"] for row in rows] == [field.name for field in entry.known]
    assert ["true" if field.sort else "false" for field in entry.known] == [
        row["sortable"] for row in rows
    ]


def test_live_fields_have_titles_and_what_the_account_has_added(comagic):
    with box(columns=("cc_17",)) as account:
        ran = comagic("fields", "calls", "--live", box=account)
        again = comagic("calls", "--fields", "cc_17", "--period", "2024-10-01", box=account)
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert len(rows) == len(report("calls").known) + 1
    assert rows[-1] == {
        "name": "cc_17",
        "title": "Столбец cc_17",
        "about": None,
        "type": "string",
        "group": "custom",
        "filterable": None,
        "sortable": None,
        "default": False,
        "documented": None,
        "custom": True,
    }
    assert [row["title"] for row in rows if row["name"] == "tags"] == ["Теги"]
    assert again.code == 0
    assert account.methods == ["getobj.columns_tree", "get.reports_list", "get.calls"]


def test_live_fields_are_asked_anew(comagic):
    with box() as account:
        for _ in range(2):
            assert comagic("fields", "visits", "--live", "--search", "utm", box=account).code == 0
        types = [call.params["report_type"] for call in account.journal]
    assert types == ["visits", "visits"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["fields", "cals"], "there is no report 'cals'\n  Did you mean calls?"),
        (["filters", "cals"], "there is no report 'cals'\n  Did you mean calls?"),
        (
            ["filters", "calls", "cdrs"],
            (
                "calls can't be filtered by 'cdrs'\n  It can be by: communication_id, "
                "call_start_date_time, call_start_date, call_start_time, contact_phone_number, "
                "call_direction, call_status, call_type and 27 more.\n"
            ),
        ),
        (
            ["fields", "calls", "-o", "x.docx"],
            "The name x.docx has no suffix of a known format.\n",
        ),
    ],
)
def test_what_cannot_be_listed(comagic, typed, message):
    with box() as account:
        ran = comagic(*typed, box=account)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"comagic: {message}")


# Where it goes


def test_a_list_goes_to_a_file_whole_or_not_at_all(comagic, tmp_path):
    file = tmp_path / "reports.csv"
    with box() as account:
        assert comagic("reports", "-o", file, box=account) == Ran(0, "", "")
        assert file.read_text() == REPORTS
        assert comagic("reports", "-o", file, box=account, COMAGIC_TOKEN="wrong").code == 4
    assert file.read_text() == REPORTS
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["reports.csv"]


def test_the_format_is_chosen_as_for_any_export(comagic, tmp_path):
    file = tmp_path / "fields.json"
    assert comagic("fields", "sms", "-o", file, COMAGIC_FORMAT="csv").code == 0
    assert file.read_text().startswith("[")
    assert comagic("fields", "sms", COMAGIC_FORMAT="csv").out.startswith("name,about,")


@pytest.mark.parametrize("usual", ["xlsx", "parquet", "sqlite"])
def test_what_is_usual_for_files_is_not_for_a_list_to_look_at(comagic, tmp_path, usual):
    assert comagic("fields", "sms", COMAGIC_FORMAT=usual).out == comagic("fields", "sms").out
    file = tmp_path / "fields.csv"
    assert comagic("fields", "sms", "-o", file, COMAGIC_FORMAT=usual).code == 0
    assert file.read_text().startswith("name,about,")


@pytest.mark.parametrize("typed", [["-f", "sqlite"], ["-o", "fields.db"]])
def test_a_list_is_no_database(comagic, typed):
    ran = comagic("fields", "sms", *typed)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "comagic: A list is not written as sqlite.\n  Name -o FILE.csv.\n"


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_a_list_goes_to_typed_files(comagic, tmp_path, suffix):
    file = tmp_path / f"filters.{suffix}"
    with box(columns=("cc_17",)) as account:
        for words in (["filters", "calls"], ["fields", "calls", "--live"]):
            assert comagic(*words, "-o", file, box=account) == Ran(0, "", "")
    assert file.read_bytes().startswith((b"PK", b"PAR1"))


def on_terminal(columns, home, *typed, account=None):
    out, err = Terminal(columns), Terminal(columns)
    process = start(typed, environment(home, account), stdout=out.end, stderr=err.end)
    shown, told = ESCAPE.sub("", out.read()), err.read()
    return Ran(process.wait(PATIENCE), shown, told)


def test_a_terminal_gets_the_columns_that_it_has_room_for(tmp_path):
    ran = on_terminal(80, tmp_path, "fields", "chats", "--search", "visitor waited")
    assert ran == Ran(
        0,
        """\
name                      │ about                                     │ type
━━━━━━━━━━━━━━━━━━━━━━━━━━┿━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┿━━━━━━━━━
chat_answer_wait_duration │ How long the visitor waited for the first │ duration
                          │ answer                                    │
""",
        "Hidden, as the terminal is too narrow: default, sortable, filterable, group,\n"
        "  documented. See -f csv.\n",
    )


def test_what_is_one_is_a_block_on_a_terminal(tmp_path):
    with box() as account:
        ran = on_terminal(40, tmp_path, "account", account=account)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1:4] == [
        "id                  4242",
        "name                ООО «Светлый дом»",
        "timezone            Europe/Moscow",
    ]


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ("comagic filters calls call_status | jq -r '.values[]'", "Принятый\nПропущенный\n"),
        (
            "comagic fields calls -f csv | csvcut -c name,about | head -3",
            (
                "name,about\n"
                'communication_id,"Id of the call, unique among calls"\n'
                "call_start_date_time,Day and time the call began\n"
            ),
        ),
        (
            "comagic reports -f json | jq -r '.[] | select(.is_favorite) | .name'",
            "Обращения\n",
        ),
    ],
)
def test_discovery_goes_through_jq_and_csvcut(comagic, tmp_path, line, out):
    with box() as account:
        ran = run_line(comagic, line, tmp_path, **environment(tmp_path, account))
    assert ran == Ran(0, out, "")
