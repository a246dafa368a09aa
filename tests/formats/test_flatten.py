from __future__ import annotations

import json

import pytest
from sinks import members, page_of

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.flatten import Flattener, cell
from comagic_cli.query.catalog import Field, reports
from comagic_cli.rows.decode import RowReader

ENUM = Field("kind", "object", members=members("value", "value_id"))
BARE = Field("kind", "object")
LINK = Field("lead", "object", members=members("value", "value_url"))
TAGS = Field("tags", "object", members=members("communication_id", "communication_type", "items"))
LIST = Field("list", "array")
ONE = Field("who", "array", members=members("employee_full_name"))
TWO = Field("deals", "array", members=members("ext_id", "date_time"))
TEXT = Field("text", "string")
NEW = Field("cc_12")


def cells(field: Field, value: str, **format_options: str) -> dict[str, object]:
    """Flatten one value, given as JSON, into its columns."""
    flat = Flattener([field], FormatOptions(**format_options))
    columns = flat.columns(RowReader((field.name,)).plain(page_of(f'{{"{field.name}":{value}}}')))
    return {name: row for name, (row,) in zip(flat.names, columns, strict=True)}


EMPTY = ["null", "{}", '{"value":null}', '{"value":null,"value_id":null}', "[]"]


@pytest.mark.parametrize("field", [ENUM, BARE, LINK, TAGS, LIST, ONE, TWO, TEXT, NEW])
@pytest.mark.parametrize("enum", ["value", "id", "both"])
@pytest.mark.parametrize("value", EMPTY)
def test_every_way_to_say_nothing_is_empty(field, value, enum):
    assert not any(cells(field, value, coded_values=enum).values())


SCALARS = [
    ('"text"', "text"),
    ("true", "true"),
    ("false", "false"),
    ("5", 5),
    ("1.10", "1.10"),
    ("-0", "-0"),
    ('""', ""),
]


@pytest.mark.parametrize("field", [ENUM, BARE, TAGS, LIST, ONE, TWO, TEXT, NEW])
@pytest.mark.parametrize(("value", "expected"), SCALARS)
def test_a_plain_value_is_written_as_it_came_whatever_was_documented(field, value, expected):
    assert cells(field, value) == {field.name: expected}


CALLS = '{"value":"Звонки","value_id":"call"}'
WRAPPED = '{"value":"79","extra":{"x":1.10}}'
TURNED = '{"extra":{"x":1.10},"value":"79"}'
NOTE = '{"comment":"A","communication_id":5,"communication_type":"call"}'
PHONE = Field("phone", "string", members=members("value", "extra"))
COMMENT = Field(
    "note", "object", members=members("comment", "communication_id", "communication_type")
)

# Field, format_options, value as JSON, and all the cells it becomes.
SHAPES = [
    (ENUM, "value", CALLS, {"kind": "Звонки"}),
    (ENUM, "id", CALLS, {"kind": "call"}),
    (ENUM, "both", CALLS, {"kind": "Звонки", "kind.id": "call"}),
    (BARE, "both", CALLS, {"kind": "Звонки", "kind.id": "call"}),
    (NEW, "both", CALLS, {"cc_12": "Звонки"}),
    (NEW, "id", CALLS, {"cc_12": "call"}),
    (ENUM, "both", '{"value":"Да","value_id":true}', {"kind": "Да", "kind.id": "true"}),
    (ENUM, "both", '{"value":"Да"}', {"kind": "Да", "kind.id": None}),
    (ENUM, "id", '{"value":1,"value_id":2.50}', {"kind": "2.50"}),
    (ENUM, "both", '"Звонки"', {"kind": "Звонки", "kind.id": None}),
    (ENUM, "value", '{"value":[1.10]}', {"kind": "[1.10]"}),
    (ENUM, "value", '["a"]', {"kind": '["a"]'}),
    (ENUM, "value", WRAPPED, {"kind": "79"}),
    (ENUM, "both", '{"value":1,"value_id":2,"x":3}', {
        "kind": '{"value":1,"value_id":2,"x":3}', "kind.id": 2,
    }),
    (LINK, "value", '{"value":"A","value_url":"B"}', {"lead.value": "A", "lead.value_url": "B"}),
    (LINK, "value", '{"value":"A"}', {"lead.value": "A", "lead.value_url": None}),
    (LINK, "value", '{"value":"A","x":1}', {
        "lead.value": '{"value":"A","x":1}', "lead.value_url": None,
    }),
    (LINK, "value", '"A"', {"lead.value": "A", "lead.value_url": None}),
    (TAGS, "value", '{"items":[{"id":1,"name":"VIP"},{"name":"Спам"}]}', {"tags": "VIP; Спам"}),
    (TAGS, "value", '{"items":null,"communication_id":5}', {"tags": ""}),
    (TAGS, "value", '{"items":[],"communication_id":5}', {"tags": ""}),
    (TAGS, "value", '{"items":[{"id":1}]}', {"tags": '{"items":[{"id":1}]}'}),
    (TAGS, "value", '{"items":[{"name":{}}]}', {"tags": '{"items":[{"name":{}}]}'}),
    (TAGS, "value", '{"items":["VIP"]}', {"tags": '{"items":["VIP"]}'}),
    (TAGS, "value", '{"items":"VIP"}', {"tags": '{"items":"VIP"}'}),
    (TAGS, "value", '{"tag":"VIP"}', {"tags": '{"tag":"VIP"}'}),
    (TAGS, "value", '[{"name":"VIP"},{"name":null}]', {"tags": "VIP; "}),
    (LIST, "value", '["a",1,1.10,true,null]', {"list": "a; 1; 1.10; true; "}),
    (LIST, "value", '[{"a":1},{"a":"b"},{}]', {"list": "1; b; "}),
    (LIST, "value", '[{"a":1},{"b":2}]', {"list": '[{"a":1},{"b":2}]'}),
    (LIST, "value", '[{"a":[1.10]}]', {"list": '[{"a":[1.10]}]'}),
    (LIST, "value", "[[1]]", {"list": "[[1]]"}),
    (LIST, "value", '{"a":1}', {"list": '{"a":1}'}),
    (ONE, "value", '[{"employee_full_name":"A"},{"employee_full_name":"A"}]', {"who": "A; A"}),
    (ONE, "value", '["A","B"]', {"who": "A; B"}),
    (ONE, "value", '[{"name":"A"}]', {"who": '[{"name":"A"}]'}),
    (TWO, "value", '[{"ext_id":"1","x":null}]', {"deals": '[{"ext_id":"1","x":null}]'}),
    (TWO, "value", '["A", "B"]', {"deals": '["A","B"]'}),
    (TEXT, "value", WRAPPED, {"text": "79"}),
    (TEXT, "value", '["a"]', {"text": '["a"]'}),
    (TEXT, "value", CALLS, {"text": CALLS}),
    (NEW, "value", WRAPPED, {"cc_12": "79"}),
    (TEXT, "both", TURNED, {"text": "79"}),
    (LIST, "value", f'[{TURNED},"80"]', {"list": "79; 80"}),
    (PHONE, "value", TURNED, {"phone": "79"}),
    (PHONE, "both", TURNED, {"phone": "79", "phone.extra": '{"x":1.10}'}),
    (PHONE, "both", '"79"', {"phone": "79", "phone.extra": None}),
    (COMMENT, "value", NOTE.replace('"A"', "null"), {"note": None}),
    (COMMENT, "both", NOTE, {"note": "A"}),
    (TEXT, "value", NOTE, {"text": "A"}),
    (NEW, "value", '["a","b"]', {"cc_12": "a; b"}),
    (NEW, "value", '[{"a":1,"b":2}]', {"cc_12": '[{"a":1,"b":2}]'}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "enum", "value", "expected"), SHAPES)
def test_shapes(field, enum, value, expected):
    assert cells(field, value, coded_values=enum) == expected


def test_lists_are_joined_by_what_was_asked_for():
    assert cells(LIST, '["a","b"]', list_separator="|") == {"list": "a|b"}
    assert cells(TAGS, '[{"name":"a"},{"name":"b"}]', list_separator="|") == {"tags": "a|b"}
    assert cells(NEW, '["a","b"]', list_separator="|") == {"cc_12": "a|b"}


def test_compact_json_keeps_digits_and_texts():
    value = '{"a":[1.10,-0,1E400,123456789012345678901234567890],"b":"\\"\\\\ \\n я"}'
    assert cells(TEXT, value)["text"] == value


def test_integers_of_any_size_are_cells():
    assert cells(LIST, f"[{'7' * 9999}]") == {"list": "7" * 9999}
    assert cells(TEXT, "7" * 9999) == {"text": "7" * 9999}


@pytest.mark.parametrize("enum", ["value", "id", "both"])
def test_columns_of_every_report_depend_on_nothing_but_its_fields(enum):
    for report in reports():
        flat = Flattener(report.fields, FormatOptions(coded_values=enum))
        assert len(set(flat.names)) == len(flat.names) >= len(report.fields)
        names = tuple(field.name for field in report.fields)
        row = json.dumps({name: {"any": ["thing"]} for name in names})
        assert len(flat.columns(RowReader(names).plain(page_of(row)))) == len(flat.names)


def test_a_column_of_several_kinds_keeps_the_order_of_rows():
    flat = Flattener([TEXT, ENUM], FormatOptions(coded_values="both"))
    rows = [("a", {"value": 1, "value_id": 2}), (None, "x"), (True, None), ([], {}), (5, [5])]
    assert flat.columns(rows) == [
        ["a", None, "true", None, 5],
        [1, "x", None, None, "[5]"],
        [2, None, None, None, None],
    ]
    assert flat.columns([]) == []


def test_a_cell_of_a_cell_is_itself():
    assert [cell(value) for value in ("a", 5, None)] == ["a", 5, None]
