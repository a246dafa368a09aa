"""One data set that has what breaks exporters, and every look of it, kept in tests/golden/text.

After a wanted change, `python tests/nasty.py` writes those files again: look at the difference.
"""

from __future__ import annotations

from pathlib import Path

from sinks import members, page_of, written

from comagic_cli.request.catalog import Field, Member

GOLDEN = Path(__file__).parent / "golden" / "text"
LONG, SHOWN = "длинно " * 4_286, "(30 002 characters)"

FIELDS = [
    Field("id", "number"),
    Field("communication_id", "string"),
    Field("when", "iso8601"),
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
    "enum-id.csv": {"enum": "id"},
    "enum-both.csv": {"enum": "both"},
    "list-separator.csv": {"list_separator": "|"},
    "header-title.csv": {"header": "title", "titles": TITLES, "enum": "both"},
    "header-none.csv": {"header": "none"},
    "delimiter-tab.csv": {"delimiter": "\t"},
    "newlines-space.csv": {"newlines": "space"},
    "newlines-escape.csv": {"newlines": "escape"},
    "decimal.csv": {"decimal": ","},
    "excel.csv": {"excel": True},
    "excel-all.csv": {"excel": True, "decimal": ",", "newlines": "space", "header": "title",
                      "titles": TITLES, "delimiter": "|", "enum": "both", **ISO, **URLS},
    "times.csv": ISO,
    "record-urls.csv": URLS,
    "tsv.tsv": {},
    "newlines-space.tsv": {"newlines": "space"},
    "all.tsv": {"newlines": "escape", "decimal": ",", "enum": "both", **ISO, **URLS},
    "jsonl.jsonl": {},
    "flatten.jsonl": {"flatten": True},
    "times.jsonl": ISO,
    "record-urls.jsonl": URLS,
    "json.json": {},
    "all.json": {"flatten": True, **ISO, **URLS},
}  # fmt: skip


def look_of(name: str) -> str:
    """Return all that the sink of a golden file's suffix writes in its look."""
    return written(name.rpartition(".")[2], FIELDS, FIRST, LAST, **LOOKS[name])


def golden(name: str) -> str:
    return (GOLDEN / name).read_bytes().decode().replace(SHOWN, LONG)


if __name__ == "__main__":
    for each in LOOKS:
        (GOLDEN / each).write_bytes(look_of(each).replace(LONG, SHOWN).encode())
