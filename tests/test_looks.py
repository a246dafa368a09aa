"""The options of how values are shown, from the command line to the rows."""

from __future__ import annotations

import json

import pytest
from program import DAYS, Watched

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
    ([*BARE, "--enum", "id"], ROW.replace("Звонок", "call")),
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
    (["--delimiter", ";"], "--delimiter does not go with the format jsonl", "csv"),
    (["--delimiter", ",", "-f", "tsv"], "--delimiter does not go with the format tsv", "csv"),
    (["--excel", "-f", "json"], "--excel does not go with the format json", "csv"),
    (["--enum", "value"], "--enum does not go with the format jsonl", "csv, tsv, table"),
    (["--header", "none", "-f", "table"], "--header none does not go with the format table", None),
    (["--newlines", "keep", "-f", "table"], "--newlines does not go with the format table", None),
    (["--decimal", ","], "--decimal does not go with the format jsonl", "csv, tsv"),
    (["--list-separator", "|"], "--list-separator does not go with the format jsonl", None),
]


@pytest.mark.parametrize(("options", "message", "fit"), UNFIT)
def test_what_does_not_fit_the_format_is_an_error(comagic, options, message, fit):
    ran = comagic("calls", "--sandbox", *options)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == f"comagic: {message}"
    assert fit is None or ran.err.splitlines()[1] == f"  It goes with -f {fit}."


TASTE = {
    "COMAGIC_ENUM": "id",
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
    assert (ran.code, "is not one character, or can't part cells." in ran.err) == (2, True)


def test_a_separator_is_text(comagic):
    ran = comagic("calls", "--sandbox", "-f", "csv", "--list-separator", "\udcff", "--dry-run")
    assert (ran.code, "is no UTF-8 text." in ran.err) == (2, True)


# Titles


def test_the_titles_of_the_account_are_remembered(comagic, box):
    box.journal.clear()
    for _ in range(2):
        ran = comagic(*ASKED, "-f", "csv", "--header", "title", "--enum", "both", box=box)
        assert ran.out.splitlines()[0] == (
            "Уникальный идентификатор обращения,Тип обращения,Тип обращения.id,"
            "Дата и время обращения,Фамилия Имя Отчество контакта или имя указанное в заявке,"
            "Длительность звонка или продолжительность чата"
        )
    assert box.methods.count("getobj.columns_tree") == 1
