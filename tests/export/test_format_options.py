"""The options of how values are shown, from the command line to the rows."""

from __future__ import annotations

import json

import pytest
from program import DAYS, SPAN, Watched, fault

FIELDS = {
    "communication_id": 3000000001,
    "communication_type": {"value": "Звонок", "value_id": "call"},
    "communication_date_time": "2024-10-02 12:00:00",
    "contact_full_name": "=1+1;\n-5",
    "total_duration": 1,
}
ASKED = ["communications", *DAYS, "--fields", ",".join(FIELDS), "--report-id", "1001"]
NAMES = "communication_id,communication_type,communication_date_time,contact_full_name,"
NAMES += "total_duration\n"


@pytest.fixture(scope="module")
def box():
    with Watched(data={"communications": [FIELDS]}) as box:
        yield box


ROW = '3000000001,Звонок,2024-10-02 12:00:00,"=1+1;\n-5",1\n'
BARE = ["-f", "csv", "--header", "none"]
SHOWN = [
    (["-f", "csv"], NAMES + ROW),
    (BARE, ROW),
    ([*BARE, "--coded-values", "id"], ROW.replace("Звонок", "call")),
    ([*BARE, "--delimiter", "tab"], ROW.replace(",", "\t")),
    ([*BARE, "--delimiter", r"\t"], ROW.replace(",", "\t")),
    ([*BARE, "--newlines", "space"], ROW.replace('"=1+1;\n-5"', "=1+1; -5")),
    ([*BARE, "--newlines", "escape"], ROW.replace('"=1+1;\n-5"', r"=1+1;\n-5")),
    (
        [*BARE, "--excel"],
        "\ufeff3000000001;Звонок;2024-10-02 12:00:00;\"'=1+1;\n-5\";1\r\n",
    ),
    (["-f", "csv", "--excel", "--delimiter", ","], "\ufeff" + NAMES[:-1] + "\r\n"
     + ROW[:-1].replace("=", "'=") + "\r\n"),
    (["-f", "tsv"], NAMES.replace(",", "\t")
     + ROW.replace(",", "\t").replace('"=1+1;\n-5"', r"=1+1;\n-5")),
]  # fmt: skip


@pytest.mark.parametrize(("options", "text"), SHOWN)
def test_what_is_shown(comagic, box, options, text):
    ran = comagic(*ASKED, *options, box=box)
    assert (ran.code, ran.out, ran.err) == (0, text, "")


UNFIT = [
    (["--delimiter", ";"], "--delimiter can't be used with -f jsonl, only with csv"),
    (["--delimiter", ",", "-f", "tsv"], "--delimiter can't be used with -f tsv, only with csv"),
    (["--excel", "-f", "json"], "--excel can't be used with -f json, only with csv and xlsx"),
    (
        ["--coded-values", "value"],
        (
            "--coded-values can't be used with -f jsonl, only with csv, tsv, table, xlsx, parquet, "
            "sqlite, postgresql and clickhouse"
        ),
    ),
    (
        ["--header", "none", "-f", "table"],
        "--header none can't be used with -f table, only with csv and tsv",
    ),
    (
        ["--newlines", "keep", "-f", "table"],
        "--newlines can't be used with -f table, only with csv and tsv",
    ),
    (["--decimal", ","], "--decimal can't be used with -f jsonl, only with csv and tsv"),
    (
        ["--list-separator", "|"],
        "--list-separator can't be used with -f jsonl, only with csv, tsv, table and xlsx",
    ),
]


@pytest.mark.parametrize(("options", "message"), UNFIT)
def test_what_does_not_fit_the_format_is_an_error(comagic, options, message):
    ran = comagic("calls", "--sandbox", *options)
    assert (ran.code, ran.out, ran.err) == (2, "", f"comagic: {message}\n")


TASTE = {
    "COMAGIC_CODED_VALUES": "id",
    "COMAGIC_LIST_SEPARATOR": "|",
    "COMAGIC_HEADER": "none",
    "COMAGIC_DELIMITER": "tab",
    "COMAGIC_NEWLINES": "space",
    "COMAGIC_DECIMAL": ",",
    "COMAGIC_EXCEL": "1",
}


def test_what_the_environment_likes_is_no_error_where_it_does_not_fit(comagic, box):
    ran = comagic(*ASKED, "-f", "jsonl", box=box, **TASTE)
    assert (ran.code, json.loads(ran.out), ran.err) == (0, FIELDS, "")
    ran = comagic(*ASKED, "-f", "csv", "--header", "id", box=box, **TASTE)
    assert ran.out.startswith("\ufeffcommunication_id\tcommunication_type\t")
    assert ran.out.split("\r\n")[1].split("\t")[1] == "call"


@pytest.mark.parametrize("value", ["", "ab", '"', "\n", "\r", "\udcff"])
def test_a_delimiter_is_one_character_that_can_part_cells(comagic, value):
    ran = comagic("calls", "--sandbox", "-f", "csv", "--delimiter", value, "--dry-run")
    assert (ran.code, "is not one character, or can't separate cells." in ran.err) == (2, True)


def test_a_separator_is_text(comagic):
    ran = comagic("calls", "--sandbox", "-f", "csv", "--list-separator", "\udcff", "--dry-run")
    assert (ran.code, "is not UTF-8 text." in ran.err) == (2, True)


# Titles


def test_the_titles_of_the_account_are_remembered(comagic, box):
    box.journal.clear()
    for _ in range(2):
        ran = comagic(*ASKED, "-f", "csv", "--header", "title", "--coded-values", "both", box=box)
        assert ran.out.splitlines()[0] == (
            "Уникальный идентификатор обращения,Тип обращения,Тип обращения.id,"
            "Дата и время обращения,Фамилия Имя Отчество контакта или имя указанное в заявке,"
            "Длительность звонка или продолжительность чата"
        )
    assert box.methods.count("getobj.columns_tree") == 1


# Times, recordings, flat JSON

CALL = {
    "communication_id": 7,
    "call_start_date_time": "2024-10-02 12:00:00",
    "call_status": {"value": "Успешный", "value_id": "success"},
    "call_records": ["ab", "cd"],
}
CALLS = ["calls", *DAYS, "--fields", "call_start_date_time,call_status", "--report-id", "1002"]
TALK = "https://app.comagic.ru/system/media/talk/7"


@pytest.fixture(scope="module")
def calls():
    with Watched(data={"calls": [CALL]}, timezone="Asia/Omsk") as box:
        yield box


def test_times_have_the_offset_of_the_accounts_zone(comagic, calls):
    calls.journal.clear()
    for options in (["-f", "csv", "--header", "none"], []):
        ran = comagic(*CALLS, "--times", "iso", *options, box=calls)
        assert (ran.code, "2024-10-02T12:00:00+06:00" in ran.out, ran.err) == (0, True, "")
    assert calls.methods.count("get.account") == 1  # it is remembered
    ran = comagic(*CALLS, "--times", "iso", "--tz", "Europe/Moscow", box=calls)
    assert '"2024-10-02T12:00:00+03:00"' in ran.out


def test_times_of_each_client_have_the_offset_of_its_own_zone(comagic):
    zones = ("Asia/Tokyo", "UTC")
    with Watched(rows=60, agent=True, client_timezones=zones) as box:
        ran = comagic(*CALLS, "--times", "iso", "--user-id", "7001,7002", box=box)
        rows = [json.loads(line) for line in ran.out.splitlines()]
        made = [(row["user_id"], row["call_start_date_time"]) for row in rows]
        names = ["call_start_date_time"]
        assert made == [
            (user, f"{row[names[0]].replace(' ', 'T')}{offset}")
            for user, offset in ((7001, "+09:00"), (7002, "+00:00"))
            for row in box.truth("calls", *SPAN, user_id=user, fields=names)
        ]
    assert len(made) > 2


def test_addresses_of_recordings_are_a_column(comagic, calls):
    host = ["--record-host", "app.comagic.ru/"]
    ran = comagic(*CALLS, "--record-urls", *host, "-f", "csv", box=calls)
    assert ran.out.splitlines() == [
        "call_start_date_time,call_status,call_record_urls",
        f"2024-10-02 12:00:00,Успешный,{TALK}/ab/; {TALK}/cd/",
    ]
    ran = comagic(*CALLS, "--record-urls", "--flatten", box=calls, COMAGIC_RECORD_HOST=host[1])
    assert json.loads(ran.out) == {
        "call_start_date_time": "2024-10-02 12:00:00",
        "call_status.value": "Успешный",
        "call_status.value_id": "success",
        "call_record_urls": [f"{TALK}/ab/", f"{TALK}/cd/"],
    }


def test_addresses_of_a_sandbox_are_those_of_comagic(comagic):
    ran = comagic("calls", "--sandbox", "--period", "7d", "--record-urls", "--max-rows", 9)
    made = [json.loads(line) for line in ran.out.splitlines()]
    assert any(row["call_record_urls"] for row in made)
    for row in made:
        start = f"https://app.comagic.ru/system/media/talk/{row['communication_id']}"
        assert row["call_record_urls"] == [f"{start}/{id_}/" for id_ in row["call_records"]]


def test_what_they_are_made_of_is_asked_for(comagic):
    ran = comagic("calls", "--sandbox", "--fields", "site_name", "--record-urls", "--dry-run")
    asked = json.loads(ran.out)["params"]["fields"]
    assert asked[:3] == ["site_name", "communication_id", "call_records"]


REFUSED = [
    (["chats", "--sandbox", "--record-urls"], "--record-urls: chats has no recordings"),
    (["calls", "--sandbox", "--record-host", "a.b"], "--record-host needs "),
    (["calls", "--sandbox", "--record-urls", "--record-host", "a b"], "'a b' is not a host: "),
    (["calls", "--sandbox", "-f", "csv", "--flatten"], "--flatten can't be used with -f csv"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_what_is_refused(comagic, words, message):
    ran = comagic(*words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err.splitlines()[0]


def test_an_unknown_service_keeps_its_recordings_elsewhere(comagic, calls):
    ran = comagic(*CALLS, "--record-urls", box=calls)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        f"comagic: --record-urls: where the recordings of {calls.url} are is not known",
        "  Name the web account's host: --record-host app.comagic.ru",
    ]


# With files that are gone on with, and files of days


def test_a_file_is_gone_on_with_in_the_same_look_only(comagic, tmp_path):
    target = tmp_path / "rows.csv"
    format_options = [
        "--header",
        "none",
        "--excel",
        "--times",
        "iso",
        "--coded-values",
        "both",
        "--decimal",
        ",",
    ]
    few = ["communications", *DAYS, "--page-size", 10, "-o", target]
    with Watched(faults=fault("forbidden", 3)) as box:
        assert comagic(*few, *format_options, box=box).code == 4
        for other, said in (
            (["--coded-values", "id"], "--coded-values was both and is id"),
            (["--tz", "UTC"], "--tz was Europe/Moscow and is UTC"),
            (["--header", "id"], "--header was none and is not given"),
        ):
            ran = comagic(*few, *format_options, *other, "--resume", box=box)
            assert (ran.code, said in ran.err) == (2, True)
        assert comagic(*few, *format_options, "--resume", box=box).code == 0
        resumed = target.read_bytes()
        assert comagic(*few, *format_options, box=box).code == 0
        assert resumed == target.read_bytes()
        assert resumed.count("\ufeff".encode()) == 1


def test_files_of_days_have_one_look(comagic, tmp_path, box):
    parts = ["communications", *DAYS, "-o", f"{tmp_path}/{{date}}.csv"]
    format_options = ["--header", "title", "--times", "iso", "--fields", "communication_date_time"]
    assert comagic(*parts, *format_options, box=box).code == 0
    assert (tmp_path / "2024-10-02.csv").read_text().splitlines() == [
        "Дата и время обращения",
        "2024-10-02T12:00:00+03:00",
    ]
    box.journal.clear()
    assert comagic(*parts, *format_options, box=box).code == 0
    assert box.methods == []
    for other, said in (
        (["--header", "none"], "--header was title and is none"),
        (["--tz", "UTC"], "--tz was Europe/Moscow and is UTC"),
    ):
        ran = comagic(*parts, *format_options, *other, box=box)
        assert (ran.code, said in ran.err) == (2, True)
