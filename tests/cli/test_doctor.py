"""comagic doctor: its whole output where all is well, and in each bad case."""

from __future__ import annotations

import json
import re
from time import time

import pytest
from clocks import Ticking
from program import Watched, fault

GOOD = """\
ok    configuration   {configuration}
ok    service         {url}
ok    token           {entrance}
"""
WELL = """\
ok    connection      answered in 0.00 s
ok    address         allowed (the service tells the address only when it refuses)
ok    token           accepted
"""
ACCOUNT = """\
ok    account         ООО «Светлый дом»
ok    time zone       Europe/Moscow
ok    rights          13 reports are listed
"""
REPORTS = """\
ok    communications  1001 Обращения
ok    calls           1002 Звонки
ok    chats           1003 Чаты
ok    leads           1004 Лиды
ok    deals           1005 Сделки
ok    visits          1006 Посещения
ok    sms             1007 SMS-сообщения
ok    tags-history    1008 История тегов
ok    notifications   1009 Уведомления
ok    api-requests    1010 Запросы к API
ok    mgf-calls       1011 Звонки (МегаФон)
ok    call-details    1012 Детализация звонков
ok    person-details  1013 История персон
ok    calls-report                an older report
ok    call-legs-report            an older report
ok    financial-call-legs-report  an older report
ok    communications-report       an older report
ok    chats-report                an older report
ok    chat-messages-report        an older report
ok    offline-messages-report     an older report
ok    goals-report                an older report
ok    visitor-sessions-report     an older report
--    campaign-daily-stat         not tried: it needs site_id
ok    ct-summary-report           an older report
--    ct-ac-summary-report        not tried: it needs site_id
ok    employee-stat               an older report
"""
POINTS = "ok    points          4974 of 5000 left this day, 94 of 120 left this minute\n"
SANDBOX = """\
ok    configuration   a private sandbox
ok    token           that of the sandbox
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "comagic").mkdir()
    return tmp_path / "comagic" / "config.toml"


def put(file, text):
    file.write_text(f'default = "work"\n[profiles.work]\n{text}')
    file.chmod(0o600)


def examinable(**more):
    """Serve one row; its minute and its day do not end."""
    return Watched(rows=1, clock=Ticking(time() // 60 * 60), **more)


def examined(comagic, *words, box=None, **environment):
    ran = comagic("doctor", *words, box=box, **environment)
    assert ran.err == ""
    return ran.code, re.sub(r"answered in \d+\.\d\d s", "answered in 0.00 s", ran.out)


def began(file, box, entrance="a token, from COMAGIC_TOKEN", configuration=None):
    configuration = configuration or f"no profile in use; profiles are saved in {file}"
    return GOOD.format(configuration=configuration, url=box.url, entrance=entrance)


def test_all_is_well(comagic, file):
    with examinable() as box:
        told = examined(comagic, box=box)
    assert told == (0, began(file, box) + WELL + ACCOUNT + REPORTS + POINTS)
    assert len(box.journal) == 29


def test_all_is_well_in_the_sandbox(comagic):
    code, told = examined(comagic, "--sandbox")
    points = re.compile(r"\d+ of (5000|120) left")  # its clock is the machine's
    told, expected = (
        points.sub(r"N of \1 left", text)
        for text in (told, SANDBOX + WELL + ACCOUNT + REPORTS + POINTS)
    )
    assert (code, told) == (0, expected)


@pytest.mark.parametrize(
    ("lines", "entrance"),
    [
        ('token = "sandbox-token"', "a token, from the profile"),
        ('login = "sandbox"\npassword = "sandbox"', "a login, from the profile"),
    ],
)
def test_all_is_well_with_a_profile(comagic, file, lines, entrance):
    with examinable(report_type="refused") as box:
        put(file, f'base-url = "{box.url}"\n{lines}\ntimezone = "Europe/Moscow"\n')
        code, told = examined(comagic)
    account = ACCOUNT.replace("Europe/Moscow", "Europe/Moscow, as saved")
    start = began(file, box, entrance, f"profile work of {file}")
    assert (code, told) == (0, start + WELL + account + REPORTS + POINTS)


ALL = None  # all methods
WAYS = "Check the profile, COMAGIC_TOKEN or --token-file, and the service's --base-url."
PASSED = WELL.replace("answered in 0.00 s", "the service answers")
ANSWERS, ALLOWED, ACCEPTED = PASSED.splitlines(keepends=True)
UNKNOWN = "get.account: the token is not known (access_token_invalid): The access token is invalid"


ENDS = [
    (
        ("503", 6),
        (
            "FAIL  connection      get.account: the answer (HTTP 503) is unusable: it is HTML: 503 "
            "Service Unavailable 503 Service Unavailable nginx. The service is not available. "
            "Try again later.\n"
        ),
    ),
    (
        ("ip_not_whitelisted", 4),
        (
            f"{ANSWERS}FAIL  address         get.account: the address of this machine is not "
            "allowed (ip_not_whitelisted): Your IP 203.0.113.7 is not whitelisted. Add 203.0.113.7 "
            "to the allowed addresses of the API in the web account.\n"
        ),
    ),
    (("access_token_invalid", 4), f"{ANSWERS}FAIL  token           {UNKNOWN}. {WAYS}\n"),
    (
        ("account_inactive", 4),
        (
            f"{ANSWERS}FAIL  token           get.account: the account is switched off "
            "(account_inactive): The account is inactive. Ask the service why.\n"
        ),
    ),
    (
        ("limit_exceeded", 7),
        (
            f"{ANSWERS}FAIL  points          get.account: the account is out of points "
            "(limit_exceeded): Limit per minute has been exceeded. Value of current limit per "
            "minute is 100. There are more in 30 s\n"
        ),
    ),
]


@pytest.mark.parametrize(("kind", "code", "told"), [(*one, told) for one, told in ENDS])
def test_what_ends_it(comagic, file, kind, code, told):
    with examinable(faults=fault(kind, method=ALL, seconds=30)) as box:
        found = examined(comagic, box=box)
    assert found[0] == code
    assert found[1] == began(file, box) + told


def test_a_token_in_a_file(comagic, file, tmp_path):
    (tmp_path / "token").write_text("sandbox-token")
    (tmp_path / "token").chmod(0o600)
    with examinable() as box:
        code, told = examined(comagic, "--base-url", box.url, "--token-file", tmp_path / "token")
    assert (code, told.startswith(began(file, box, "a token, from --token-file"))) == (0, True)


def test_what_does_not_end_it(comagic, file):
    faults = fault("forbidden", method="get.account")
    faults += fault("forbidden", method="getobj.account")
    faults += fault("method_component_disabled", method="get.calls")
    faults += fault("method_not_found", method="get.chats")
    faults += fault("invalid_parameter_value", method="get.call_details")
    with examinable(faults=faults) as box:
        code, told = examined(comagic, box=box)
    refused = [line for line in told.splitlines() if line.startswith("FAIL")]
    assert (code, told.startswith(began(file, box) + PASSED)) == (4, True)
    forbidden = (
        "FAIL  account         get.account: the user is not allowed to do this (forbidden): "
        "Permission denied. Ask the account's administrator for the right."
    )
    disabled = (
        "FAIL  calls           get.calls: the account's tariff lacks a component for this report "
        '(method_component_disabled): Component "Data API" is disabled. Ask the service to switch '
        "it on. Older reports, as calls-report, do not need it."
    )
    assert refused[:2] == [forbidden, disabled]
    assert [line[6:20].strip() for line in refused[2:]] == ["chats"]
    assert "ok    call-details    1012" in told


def test_what_ends_it_in_the_midst(comagic):
    faults = fault("limit_exceeded", method="get.calls", seconds=30)
    with examinable(faults=faults) as box:
        code, told = examined(comagic, box=box)
    assert (code, told.splitlines()[-1][:25]) == (7, "FAIL  calls           get")


def test_rights_that_are_missing(comagic):
    with examinable(faults=fault("forbidden", method="get.reports_list")) as box:
        code, told = examined(comagic, box=box)
    assert (code, told.splitlines()[-1][:37]) == (4, "FAIL  rights          get.reports_lis")


SAVED = "FAIL  time zone       Europe/Moscow, but Asia/Tokyo was saved: type comagic login work\n"
TYPED = "ok    time zone       Europe/Moscow, but --tz or the profile sets Asia/Omsk\n"


@pytest.mark.parametrize(
    ("words", "lines", "code", "told"),
    [
        ((), 'timezone = "Asia/Tokyo"', 2, SAVED),
        (("--tz", "Asia/Omsk"), "", 0, TYPED),
    ],
)
def test_time_zones_that_differ(comagic, file, words, lines, code, told):
    with examinable() as box:
        put(file, f'base-url = "{box.url}"\ntoken = "{box.token}"\n{lines}\n')
        found = examined(comagic, *words)
    assert (found[0], told in found[1]) == (code, True)


def test_an_account_that_tells_little(comagic, monkeypatch):
    monkeypatch.setattr("comagic_cli.sandbox.methods.accounts.account_object", lambda *_: {})
    monkeypatch.setattr("comagic_cli.sandbox.methods.accounts.account", lambda *_: [{}])
    monkeypatch.setattr("comagic_cli.sandbox.methods.discovery.reports_list", lambda _: [])
    with examinable(limits="absent") as box:
        code, told = examined(comagic, box=box)
    assert code == 5
    assert "ok    account         it has no name\n" in told
    assert (
        "FAIL  time zone       the service names no time zone of the account. Set it with" in told
    )
    assert "--    communications  the account has no report of the type communications\n" in told
    assert told.endswith("ok    points          the service does not report them\n")


def test_an_agent_without_a_user(comagic):
    with examinable(agent=True) as box:
        code, told = examined(comagic, box=box)
        assert examined(comagic, "--user-id", 7001, box=box)[0] == 0
    line = told.splitlines()[6]
    assert (code, line[:60]) == (
        *(5, "FAIL  account         get.account: this is about one custome"),
    )
    assert line.endswith("--user-id N (comagic users lists them); exports also take all.")


@pytest.mark.parametrize(
    ("text", "environment", "told"),
    [
        (
            "",
            {},
            "FAIL  token           there is no token for the account. Type comagic login, or put",
        ),
        (
            "",
            {"COMAGIC_LOGIN": "x"},
            "FAIL  token           COMAGIC_LOGIN is set, but COMAGIC_PASS",
        ),
        (
            "fromat = 1",
            {},
            "FAIL  configuration   {}: profiles.work.fromat: there is no such opt",
        ),
        (
            "",
            {"COMAGIC_PROFILE": "x"},
            "FAIL  configuration   {}: there is no profile 'x'. Profiles",
        ),
        (
            "token = 'x'",
            {"COMAGIC_BASE_URL": "http://x.example"},
            "FAIL  service         --base-url:",
        ),
    ],
)
def test_a_configuration_that_is_not_well(comagic, file, text, environment, told):
    put(file, text)
    code, found = examined(comagic, **environment)
    assert code == 2
    assert found.splitlines()[-1].startswith(told.format(file))


def test_a_file_that_others_can_read(comagic, file):
    put(file, "")
    file.chmod(0o644)
    assert examined(comagic) == (
        2,
        (
            f"FAIL  configuration   profiles: {file} can be read by other users. "
            f"Type: chmod 600 {file}\n"
        ),
    )


STATUS = {"ok": "ok", "FAIL": "failed", "--": "skipped"}


@pytest.mark.parametrize(
    "words", [["--sandbox"], [], ["--profile", "none"], ["--sandbox", "--user-id", "all"]]
)
def test_the_same_checks_as_json(comagic, file, words):
    assert not file.exists()
    code, text = examined(comagic, *words)
    ran = comagic("doctor", *words, "-f", "json")
    told = json.loads(ran.out)
    assert (ran.code, ran.err, told["exit_code"]) == (code, "", code)
    assert {tuple(check)[:4] for check in told["checks"]} == {
        ("name", "status", "text", "exit_code")
    }
    expected = [re.split(r" {2,}", line, maxsplit=2) for line in text.splitlines()]
    assert [(check["name"], check["status"]) for check in told["checks"]] == [
        (name, STATUS[mark]) for mark, name, _ in expected
    ]
    assert max(check["exit_code"] for check in told["checks"]) == code


def test_the_checks_of_several_customers_name_the_customer_as_json(comagic):
    with examinable(agent=True) as box:
        told = json.loads(comagic("doctor", "--user-id", "7003,7001", "-f", "json", box=box).out)
    names = {7003: 'Балконы "Восток", филиал', 7001: "ИП Соколов — окна"}
    of_customers = [check for check in told["checks"] if "user_id" in check]
    assert [(check["user_id"], check["customer_name"]) for check in of_customers] == [
        (user, names[user]) for user in names for _ in range(len(of_customers) // 2)
    ]
    others = [check["name"] for check in told["checks"] if "user_id" not in check]
    assert others == ["configuration", "service", "token", "customers"]


def test_a_usual_format_of_exports_is_not_that_of_doctor(comagic, file):
    with examinable() as box:
        put(file, f'base-url = "{box.url}"\ntoken = "sandbox-token"\nformat = "xlsx"\n')
        assert examined(comagic)[0] == 0
        assert "sandbox-token" not in comagic("doctor", "-f", "json").out


def test_several_customers_wait_for_the_points_of_the_next_minute(comagic):
    faults = fault("limit_exceeded", 1, method="get.calls", seconds=30)
    with examinable(agent=True, faults=faults) as box:
        code, told = examined(comagic, "--user-id", "7001,7002", box=box)
    assert (code, "FAIL" in told, told.count("ok    calls ")) == (0, False, 2)
