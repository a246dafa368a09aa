"""Tables of more columns than have room: the most telling ones, or a block a record."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from sinks import page_of, written

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.display import name_objects, order_columns
from comagic_cli.formats.registry import make_sink
from comagic_cli.formats.table import TableSink
from comagic_cli.query.catalog import list_named, report

NAMES = (
    "site_name,communication_id,call_status,call_start_date_time,contact_phone_number,"
    "crm_contact_name,communication_comment,call_talk_duration"
)
FIELDS = [report("calls").field(name) for name in NAMES.split(",")]
PAGE = page_of(
    '{"site_name": "Двери", "communication_id": 1, "call_start_date_time": "2026-10-05 10:00:00",'
    ' "call_status": {"value": "Потерянный", "value_id": "lost"}, "call_talk_duration": "00:00:00",'
    ' "contact_phone_number": "79161234567", "crm_contact_name": "Анна [red]\\u001b[2J"}',
    '{"site_name": "Двери", "communication_id": 2, "call_start_date_time": "2026-10-05 10:07:31",'
    ' "call_status": {"value": "Успешный", "value_id": "success"}, "call_talk_duration": 754,'
    ' "contact_phone_number": "79161234568", "crm_contact_name": null}',
)

AT_60 = r"""
call_start_ │ contact_    │             │
date_time   │ phone_      │             │
2026-10-05  │ number      │ call_status │ crm_contact_name
────────────┼─────────────┼─────────────┼──────────────────
10:00:00    │ 79161234567 │ <31>Потерянный</>  │ Анна [red]\x1b[2J
10:07:31    │ 79161234568 │ <32>Успешный</>    │
4 of 8 columns are shown. Not shown: call_talk_duration,
site_name, communication_id; empty: communication_comment.
All of them: --vertical; others: --fields a,b.
"""
AT_80 = r"""
call_      │             │            │                   │          │
start_     │ contact_    │            │                   │    call_ │
date_time  │ phone_      │ call_      │                   │    talk_ │ site_
2026-10-05 │ number      │ status     │ crm_contact_name  │ duration │ name
───────────┼─────────────┼────────────┼───────────────────┼──────────┼─────────
10:00:00   │ 79161234567 │ <31>Потерянный</> │ Анна [red]\x1b[2J │     0:00 │ Двери
10:07:31   │ 79161234568 │ <32>Успешный</>   │                   │    12:34 │ Двери
6 of 8 columns are shown. Not shown: communication_id; empty:
communication_comment. All of them: --vertical; others: --fields a,b.
"""
AT_30 = r"""
── 1 ─────────────────────────
site_name       Двери
communication_  1
id
call_status     <31>Потерянный</>
call_start_     2026-10-05
date_time       10:00:00
contact_phone_  79161234567
number
crm_contact_    Анна
name            [red]\x1b[2J
call_talk_      0:00
duration
── 2 ─────────────────────────
site_name       Двери
communication_  2
id
call_status     <32>Успешный</>
call_start_     2026-10-05
date_time       10:07:31
contact_phone_  79161234568
number
call_talk_      12:34
duration
Fields that are empty are not shown.
"""


def shown(width, fields=FIELDS, page=PAGE, **format_options):
    """Draw a page as on a terminal, with what is said of it; only enums keep their colours."""
    stream = BytesIO()
    format_options = FormatOptions(
        width=width, color=True, **({"all_columns": False} | format_options)
    )
    sink = make_sink("table", stream, fields, format_options)
    assert isinstance(sink, TableSink)
    sink.begin()
    sink.write(page)
    sink.end()
    text = re.sub(r"\x1b\[[12]m(.*?)\x1b\[0m", r"\1", stream.getvalue().decode())
    text = re.sub(r"\x1b\[(3.)m(.*?)\x1b\[0m", r"<\1>\2</>", text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE) + sink.remark + "\n" * bool(sink.remark)


def shown_names(width, **format_options):
    """Return the names of the columns that are shown, from left to right."""
    head = re.split(r"^[─━┼┿]+$", shown(width, **format_options), flags=re.MULTILINE)[0]
    lines = [line.split("│") for line in head.splitlines()]
    names = ["".join(part.strip() for part in parts) for parts in zip(*lines, strict=True)]
    return ",".join(re.sub(r"2026.*", "", name) for name in names)


@pytest.mark.parametrize(("width", "drawn"), [(60, AT_60), (80, AT_80)])
def test_the_most_telling_columns_are_shown_and_the_others_named(width, drawn):
    assert "\n" + shown(width) == drawn


@pytest.mark.parametrize(
    ("asked", "first_line"),
    [
        ((), "call_start_date_time,contact_phone_number,call_status,crm_contact_name"),
        (("call_talk_duration",), "call_start_date_time,call_talk_duration,contact_phone_number"),
        (("communication_comment",), "call_start_date_time,communication_comment,contact_"),
        (("communication_id", "site_name"), "call_start_date_time,site_name,communication_id,"),
        (("call_start_date_time",), "call_start_date_time,contact_phone_number,call_status"),
        (("no_column",), "call_start_date_time,contact_phone_number,call_status"),
    ],
)
def test_what_rows_are_sorted_by_or_chosen_by_is_shown(asked, first_line):
    title = shown_names(60, asked=asked)
    assert title.startswith(first_line)


LONG = "x" * 24
DEALS = "visitor_id,deal_date_time,communication_type,deal_name,deal_comments"


@pytest.mark.parametrize(
    ("value", "url", "asked", "hidden"),
    [
        ("a", LONG, (), ": deal_name.value_url, visitor_id; empty: deal_comments."),
        ("a", LONG, ("visitor_id",), ": deal_name; empty: deal_comments."),
        (LONG, "", ("visitor_id",), ": deal_name; empty: deal_comments."),
        ("", "", ("visitor_id",), ", as empty: deal_name, deal_comments."),
        ("a", "", (), ": visitor_id; empty: deal_comments."),  # a part of it is shown
    ],
)
def test_a_field_of_several_columns_is_named_once(value, url, asked, hidden):
    fields = [report("deals").field(name) for name in DEALS.split(",")]
    page = page_of(
        '{"deal_date_time": "2026-10-05 10:00:00", "visitor_id": 1,'
        ' "communication_type": {"value": "Звонки", "value_id": "call"},'
        f' "deal_name": {{"value": "{value}", "value_url": "{url}"}}}}'
    )
    remark = shown(51, fields, page, asked=asked).partition(" of 6 ")[2].replace("\n", " ")
    assert remark.startswith(f"columns are shown. Not shown{hidden} All of them:")


OF_MANY = """
4 of 36 columns are shown. Not shown: call_talk_duration,
site_name, communication_id; empty: call_direction,
employees, coaches and 26 more. All of them: --vertical;
others: --fields a,b.
"""


def test_of_many_hidden_columns_the_most_useful_are_named():
    text = shown(60, report("calls").fields)
    assert "\n4 of " + text.partition("\n4 of ")[2] == OF_MANY


def test_if_what_was_asked_for_does_not_fit_it_is_a_block_a_record():
    assert shown(60, asked=tuple(NAMES.split(","))).startswith("── 1 ──")


def test_too_narrow_for_a_table_it_is_a_block_a_record():
    assert "\n" + shown(30) == AT_30


def test_nothing_is_left_out_of_columns_that_were_chosen():
    names = NAMES.split(",")
    for width in (30, 60, 80):
        text = shown(width, all_columns=True).replace("\n", "")
        assert all(name.split("_")[0] in text for name in names)
        assert "not shown" not in text.lower()
        assert text.count("── ") == 2


RECORD_IN_A_FILE = """
── 1 ───────────────────────────────────────────────────────
call_status         Потерянный
call_talk_duration  00:00:00
── 2 ───────────────────────────────────────────────────────
call_status         Успешный
call_talk_duration  754
"""


def test_records_in_a_file_are_whole_and_plain():
    fields = [FIELDS[2], FIELDS[-1]]
    assert "\n" + written("table", fields, PAGE, vertical=True) == RECORD_IN_A_FILE


def test_records_are_drawn_where_they_are_asked_for():
    assert shown(200, vertical=True).startswith("── 1 ──")
    assert shown(200, vertical=True, all_columns=True).count("communication_comment") == 2


def test_columns_without_rows_are_as_telling_as_their_names():
    stream = BytesIO()
    sink = make_sink("table", stream, FIELDS, FormatOptions(width=60, all_columns=False))
    sink.begin()
    sink.end()
    head = stream.getvalue().decode().splitlines()
    assert head[0] == "call_     │ contact_  │           │ crm_      │     call_"
    assert head[2] == "date_time │ number    │ status    │ name      │  duration"
    assert sink.remark == ""  # what is hidden has nothing in it


ARRAYS = {
    "phone_numbers": '[{"phone_id": 1, "phone_number": "79161"}, {"phone_number": "79162"}]',
    "groups": '[{"group_id": 3, "group_name": "Отдел\\u001b[2J"}]',
}
IN_A_GRID = r"""
full_name │ phone_numbers │ groups
──────────┼───────────────┼─────────────
Белова О. │ 79161; 79162  │ Отдел\x1b[2J
"""


def test_objects_of_a_list_are_shown_by_their_names():
    fields = [list_named("employees").field(name) for name in ("full_name", *ARRAYS)]
    values = ", ".join(f'"{name}": {text}' for name, text in ARRAYS.items())
    page = page_of(f'{{"full_name": "Белова О.", {values}}}')

    assert "\n" + shown(60, fields, page) == IN_A_GRID
    whole = shown(60, fields, page, vertical=True)
    assert '"phone_id":1' in whole.replace("\n", "").replace(" ", "")
    assert '"phone_id":1' in written("table", fields, page)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('[{"name":"a"},{"name":"b"}]', "a; b"),
        ('[{"name":"a"},{"id":1}]', '[{"name":"a"},{"id":1}]'),
        ('[{"name":null}]', '[{"name":null}]'),
        ('["a"]', '["a"]'),
        ("[]", "[]"),
        ("a", "a"),
        ("", ""),
        (None, ""),
        (5, "5"),
    ],
)
def test_only_what_has_names_is_shown_by_them(cell, text):
    assert name_objects(cell, "name") == text


def test_names_come_first_in_a_list_and_times_in_a_report():
    columns = [
        (list_named("employees"), ["full_name", "phone_numbers", "status"]),
        (list_named("campaigns"), ["name", "status", "creation_time"]),
        (report("calls"), ["call_start_date_time", "contact_phone_number", "call_status"]),
    ]
    for entry, first in columns:
        places = order_columns(entry.fields, [["x"] for _ in entry.fields]).places
        assert [entry.fields[place].name for place in places[:3]] == first
