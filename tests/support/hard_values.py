"""One data set that has what breaks exporters, and every look of it, kept in tests/golden.

After a wanted change, `python tests/support/hard_values.py` writes those files again: look at the
difference.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
from sinks import members, page_of, piped, written

from comagic_cli.databases.sqlite import SqliteSink
from comagic_cli.databases.warehouse import Request
from comagic_cli.formats.base import FormatOptions
from comagic_cli.query.catalog import Field, Member
from comagic_cli.rows.page import Mark, Page

GOLDEN = Path(__file__).parent.parent / "golden" / "text"
TYPED = Path(__file__).parent.parent / "golden" / "typed"
LONG, SHOWN = "длинно " * 4_286, "(30 002 characters)"

FIELDS = [
    Field("id", "number"),
    Field("communication_id", "string"),
    Field("when", "iso8601", format="YYYY-MM-DD hh:mm:ss"),
    Field("kind", "object", members=members("value", "value_id")),
    Field("lead", "object", members=members("value", "value_url")),
    Field("tags", "object", members=members("communication_id", "communication_type", "items")),
    Field("call_records", "array"),
    Field("who", "array", members=members("employee_full_name")),
    Field("deals", "array", members=(Member("ext_id", "string"), Member("when", "iso8601"))),
    Field("answered", "boolean"),
    Field("text", "string"),
    Field("cc_12"),
]
TITLES = (("id", "Номер"), ("when", "Когда"), ("kind", "Тип"), ("text", "Тип"), ("lead", "=Лид"))

FIRST = page_of(
    # as it should be
    r"""{"id":1,"communication_id":3000000001,"when":"2024-10-02 12:00:00",
    "kind":{"value":"Звонок","value_id":"call"},"lead":{"value":"A","value_url":"https://a/?b=1,2"},
    "tags":{"items":[{"id":1,"name":"VIP"},{"id":2,"name":"Спам; \"да\""}],
    "communication_id":3000000001,"communication_type":"call"},"call_records":["ab12","cd34"],
    "who":[{"employee_full_name":"Ли"},{"employee_full_name":"Ли"}],
    "deals":[{"ext_id":"7","when":"2024-10-03 09:30:00"}],"answered":true,"text":"просто"}""",
    # quotes, line breaks, tabs, separators, backslashes
    r"""{"id":2,"text":"say \"hi\",;\t|\r\nthen\ngo\rback \\n C:\\new"}""",
    r"""{"id":3,"text":"\r"}""",
    r"""{"id":4,"text":" \u0000\u0007\u001b[31m\ufeff\u2028\u0085 "}""",
    # formulas, phones, numbers
    r"""{"id":5,"text":"=cmd|' /C calc'!A0","who":["@SUM(1)","b"],"cc_12":"+1+1"}""",
    r"""{"id":6,"text":"+7 (911) 123-45-67","lead":{"value":"-5","value_url":"-5.3"},
    "who":["+79"]}""",
    r"""{"id":7,"text":"007","lead":{"value":"- нет","value_url":"\t=1"},"cc_12":"-2+3"}""",
    # numbers digit for digit
    r"""{"id":1.10,"communication_id":12345678901234567890123,"cc_12":-0,"answered":1.50}""",
    r"""{"id":-1.5E+400,"communication_id":"0042","cc_12":{"value":"Да","value_id":true},
    "call_records":["a/b",5,null,"я"],"text":"1.10"}""",
    # scripts
    r"""{"id":8,"text":"MARKd83d MARKDE00 👩‍👩‍👧 שלום مرحبا é e\u0301 日本",
    "kind":{"value":"MARKdfff"},"lead":{"value":["MARKd800"]}}""",
    # nothing, in all its shapes
    r"""{"id":null,"communication_id":null,"when":null,"kind":null,"lead":null,"tags":null,
    "call_records":null,"who":null,"deals":null,"answered":null,"text":null,"cc_12":null}""",
    r"""{"id":9,"when":"","kind":{},"lead":{},"tags":{},"call_records":[],"who":[],"deals":[],
    "answered":false,"text":"","cc_12":{}}""",
    r"""{"id":10,"kind":{"value":null,"value_id":null},"lead":[],"tags":{"items":null},
    "call_records":[null],"who":[{}],"deals":[{}],"cc_12":{"value":null,"value_id":null}}""",
    "{}",
    marker="MARK",
)
LAST = page_of(
    # times that are and that are none
    r"""{"id":11,"when":"2024-10-27 02:30:00.5","deals":[
    {"ext_id":"\"when\":\"2024-10-27 02:30:00\"",
    "when": "2024-10-27 03:30:00"},{"when":null}]}""",
    r"""{"id":12,"when":"2024-02-30 12:00:00","deals":[{"when":"2024-10-03"}]}""",
    r"""{"id":13,"when":"2024-10-02","cc_12":"2024-10-02 12:00:00"}""",
    # what nobody documented
    r"""{"id":14,"kind":{"value":"Чат","value_id":3,"more":{"deep":[1.10]}},"lead":"плоско",
    "tags":{"items":["VIP"],"new":1},"who":[{"employee_full_name":"Ли","id":1}],
    "deals":["текст"],"answered":"да","call_records":"ab","unasked":1}""",
    r"""{"id":15,"kind":5,"lead":{"value":{"a":1}},"tags":["VIP"],"text":{"value":"79","extra":{}},
    "cc_12":["позже",1.10,true]}""",
    r"""{"id":16,"communication_id":16,"call_records":["zz"],"cc_12":[{"a":1},{"b":2}]}""",
    rf"""{{"id":17,"text":"{LONG}"}}""",
)  # fmt: skip

ISO = {"times": "iso", "zone": "Europe/Berlin"}
URLS = {"record_urls": True, "web": "https://app.uiscom.ru"}
LOOKS = {
    "csv.csv": {},
    "enum-id.csv": {"coded_values": "id"},
    "enum-both.csv": {"coded_values": "both"},
    "list-separator.csv": {"list_separator": "|"},
    "header-title.csv": {"header": "title", "titles": TITLES, "coded_values": "both"},
    "header-none.csv": {"header": "none"},
    "delimiter-tab.csv": {"delimiter": "\t"},
    "newlines-space.csv": {"newlines": "space"},
    "newlines-escape.csv": {"newlines": "escape"},
    "decimal.csv": {"decimal": ","},
    "excel.csv": {"excel": True},
    "excel-all.csv": {"excel": True, "decimal": ",", "newlines": "space", "header": "title",
                      "titles": TITLES, "delimiter": "|", "coded_values": "both", **ISO, **URLS},
    "times.csv": ISO,
    "record-urls.csv": URLS,
    "tsv.tsv": {},
    "newlines-space.tsv": {"newlines": "space"},
    "all.tsv": {"newlines": "escape", "decimal": ",", "coded_values": "both", **ISO, **URLS},
    "jsonl.jsonl": {},
    "flatten.jsonl": {"flatten": True},
    "times.jsonl": ISO,
    "record-urls.jsonl": URLS,
    "json.json": {},
    "table.table": {},
    "colour.table": {"width": 120, "color": True, "coded_values": "both"},
    "record.table": {"width": 60, "vertical": True},
    "all.json": {"flatten": True, **ISO, **URLS},
}  # fmt: skip


def look_of(name: str) -> str:
    """Return all that the sink of a golden file's suffix writes in its format_options."""
    form = name.rpartition(".")[2]
    last = Page(LAST.rows[:-1]) if form == "table" else LAST  # folded, the long one takes 700 lines
    return written(form, FIELDS, FIRST, last, **LOOKS[name])


def golden(name: str) -> str:
    return (GOLDEN / name).read_bytes().decode().replace(SHOWN, LONG)


# What readers find in typed files


def in_workbook(**format_options: Any) -> list[Any]:
    """Return the cells of each sheet, those of a format of their own with it."""
    book = openpyxl.load_workbook(BytesIO(piped("xlsx", FIELDS, FIRST, LAST, **format_options)))
    return [
        {"sheet": sheet.title}
        | {each.coordinate: shown(each) for each in row if each.value is not None}
        for sheet in book
        for row in sheet
    ]


def shown(cell: Any) -> Any:
    plain = cell.number_format == "General"
    return cell.value if plain else f"{cell.value} as {cell.number_format}"


def in_parquet(**format_options: Any) -> list[Any]:
    table = pq.read_table(BytesIO(piped("parquet", FIELDS, FIRST, LAST, **format_options)))
    types = {field.name: str(field.type) for field in table.schema}
    return [types, *table.to_pylist()]


def in_database(**format_options: Any) -> list[Any]:
    """Return how the table is declared, and its rows."""
    period = ("2024-10-02 00:00:00", "2024-10-02 23:59:59")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        request = Request("rows", {}, {}, period, "1", lambda *_: "")
        sink = SqliteSink(connection, FIELDS, FormatOptions(**format_options), request)
        sink.begin()
        for page in (FIRST, LAST):
            marks = [Mark(None, "", b"")] * page.count
            sink.write(Page(page.rows, page.marker, marks=marks))
        sink.end()
        connection.row_factory = sqlite3.Row
        [declared] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'rows'")
        return [declared["sql"], *map(dict, connection.execute("SELECT * FROM rows"))]


READERS = {"xlsx": in_workbook, "parquet": in_parquet, "sqlite": in_database}
TYPED_LOOKS = {
    "xlsx.xlsx": {},
    "all.xlsx": {
        "coded_values": "both",
        "header": "title",
        "titles": TITLES,
        "list_separator": "|",
    },
    "parquet.parquet": {"zone": "Europe/Berlin"},
    "enum-both.parquet": {"coded_values": "both", "zone": "Europe/Berlin"},
    "sqlite.sqlite": {},
    "enum-both.sqlite": {"coded_values": "both"},
}


def read_of(name: str) -> str:
    """Return what a reader finds in the file that the sink of a suffix writes with its options."""
    found = READERS[name.rpartition(".")[2]](**TYPED_LOOKS[name])
    return "".join(f"{json.dumps(each, ensure_ascii=False, default=str)}\n" for each in found)


def golden_typed(name: str) -> str:
    return (TYPED / f"{name}.jsonl").read_bytes().decode().replace(SHOWN, LONG)


if __name__ == "__main__":
    for each in LOOKS:
        (GOLDEN / each).write_bytes(look_of(each).replace(LONG, SHOWN).encode())
    for each in TYPED_LOOKS:
        (TYPED / f"{each}.jsonl").write_bytes(read_of(each).replace(LONG, SHOWN).encode())
