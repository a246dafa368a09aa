"""Rows as typed columns: what goes into a column, and what stands beside it as it came."""

from __future__ import annotations

import json

import msgspec
import pytest
from sinks import members, page_of

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.typed import TypedColumns, to_float, to_integer, to_seconds
from comagic_cli.query.catalog import Field, Member, report

CONVERTERS = {"integer": to_integer, "float": to_float, "seconds": to_seconds}
NUMBER = Field("count", "number")
LENGTH = Field("call_duration", "duration")
TEXT = Field("name", "string")
ENUM = Field("kind", "object", members=members("value", "value_id"))
LINK = Field("lead", "object", members=members("value", "value_url"))
TAGS = Field("tags", "object")
OWN_TAGS = Field("cc_1", "object", members=(Member("items", "array", members("name")),))
LIST = Field("list", "array")
WHO = Field("who", "array", members=members("employee_full_name"))
DEALS = Field("deals", "array", members=members("ext_id", "current_stage"))
TALKS = Field(
    "talks",
    "array",
    members=(Member("id", "number"), Member("type", "object", members("value", "value_id"))),
)
TAG = Field("tag_name", "object", members=(Member("id", "number"), *members("name", "color")))
NEW = Field("cc_12")
CLOCK = Field("at", "iso8601", format="hh:mm:ss")


def typed(field: Field, value: str, enum: str = "value") -> tuple[dict[str, object], object]:
    """Read one value, given as JSON; return its columns, and what does not fit."""
    read = TypedColumns([field], FormatOptions(coded_values=enum), CONVERTERS)
    page = page_of(f'{{"{field.name}":{value}}}')
    *columns, unfit = read.read(page)
    named = {column.name: cell for column, (cell,) in zip(read.columns, columns, strict=True)}
    return named, json.loads(unfit[0] or "null")


# Field, value as JSON, what its columns hold.
FIT = [
    (NUMBER, "5", {"count": 5}),
    (NUMBER, '"5"', {"count": 5}),
    (LENGTH, '"24:00:00"', {"call_duration": 86400}),
    (LENGTH, "90", {"call_duration": 90}),
    (TEXT, "3201944461", {"name": "3201944461"}),
    (TEXT, "99999999999999999999999", {"name": "99999999999999999999999"}),
    (TEXT, "1.10", {"name": "1.10"}),
    (TEXT, "true", {"name": "true"}),
    (TEXT, '{"a":1.10}', {"name": '{"a":1.10}'}),
    (TEXT, '""', {"name": ""}),
    (CLOCK, '"25:00:00"', {"at": "25:00:00"}),
    (ENUM, '{"value":"Да","value_id":true}', {"kind": "Да"}),
    (ENUM, '{"value":"Да","value_id":1,"x":2}', {"kind": '{"value":"Да","value_id":1,"x":2}'}),
    (LINK, '{"value":"A","value_url":"B"}', {"lead.value": "A", "lead.value_url": "B"}),
    (TAG, '{"id":5,"name":"A","color":"#0"}', {
        "tag_name.id": 5, "tag_name.name": "A", "tag_name.color": "#0",
    }),
    (NEW, "5", {"cc_12": "5"}),
    (LIST, '["a",1,null,true]', {"list": ["a", "1", None, "true"]}),
    (LIST, '[{"name":"A"},{"name":"B"}]', {"list": ["A", "B"]}),
    (LIST, "[]", {"list": []}),
    (WHO, '[{"employee_full_name":"A"},{"employee_full_name":"A"},"B",{}]', {
        "who": ["A", "A", "B", None],
    }),
    (DEALS, '[{"ext_id":7,"current_stage":null}]', {
        "deals": [{"ext_id": "7", "current_stage": None}],
    }),
    (TALKS, '[{"id":7,"type":{"value":"A","value_id":"a"}},null]', {
        "talks": [{"id": 7, "type": {"value": "A", "value_id": "a"}}, None],
    }),
    (TAGS, '{"items":[{"id":1,"name":"A"}],"communication_id":2,"communication_type":"call"}', {
        "tags": [{"id": 1, "name": "A"}],
    }),
    (TAGS, '[{"id":1,"name":"A","color":"#0"}]', {
        "tags": [{"id": 1, "name": "A", "color": "#0"}],
    }),
    (TAGS, '{"items":null}', {"tags": None}),
    (OWN_TAGS, '{"items":[{"id":1,"name":"A"}]}', {"cc_1": [{"id": 1, "name": "A"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "columns"), FIT)
def test_what_fits(field, value, columns):
    assert typed(field, value) == (columns, None)


# Field, value as JSON, what its columns hold all the same.
MISMATCHES = [
    (NUMBER, '"n/a"', {"count": None}),
    (NUMBER, "9223372036854775808", {"count": None}),
    (NUMBER, "1.5", {"count": None}),
    (NUMBER, "-0", {"count": None}),
    (NUMBER, '{"value":5,"value_id":6}', {"count": None}),
    (LENGTH, '"soon"', {"call_duration": None}),
    (LENGTH, "12.50", {"call_duration": None}),
    (TAG, '{"id":"x","name":"A"}', {
        "tag_name.id": None, "tag_name.name": "A", "tag_name.color": None,
    }),
    (LIST, '"a"', {"list": None}),
    (LIST, "false", {"list": None}),
    (LIST, '[["a"],"b"]', {"list": [None, "b"]}),
    (LIST, '[{"a":1},{"b":2}]', {"list": [None, None]}),
    (WHO, '[{"employee_full_name":"A","id":7}]', {"who": [None]}),
    (DEALS, '[{"ext_id":"7","budget":1.10}]', {
        "deals": [{"ext_id": "7"}],
    }),
    (DEALS, '["7"]', {"deals": [None]}),
    (TALKS, '[{"id":1.5,"type":"call"}]', {"talks": [{"id": None, "type": None}]}),
    (TAGS, '{"items":{"a":1}}', {"tags": None}),
    (TAGS, '{"items":[{"id":1,"name":"A","group":"G"}]}', {
        "tags": [{"id": 1, "name": "A"}],
    }),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "columns"), MISMATCHES)
def test_what_does_not_fit_stands_beside_as_it_came(field, value, columns):
    held, unfit = typed(field, value)
    assert held == columns
    assert unfit == {field.name: json.loads(value)}


def test_digits_stand_beside_as_they_came():
    read = TypedColumns([NUMBER, LENGTH], FormatOptions(), CONVERTERS)
    page = page_of('{"count":1.50,"call_duration":1e3}', "{}", '{"count":123456789012345678901}')
    assert read.read(page) == [
        [None, None, None],
        [None, None, None],
        ['{"count":1.50,"call_duration":1e3}', None, '{"count":123456789012345678901}'],
    ]


@pytest.mark.parametrize("field", [NUMBER, LENGTH, TEXT, ENUM, LINK, TAGS, LIST, WHO, DEALS, NEW])
@pytest.mark.parametrize("value", ["null", "{}", '{"value":null,"value_id":null}'])
def test_every_way_to_say_nothing_is_null(field, value):
    held, unfit = typed(field, value)
    assert (set(held.values()), unfit) == ({None}, None)


@pytest.mark.parametrize(
    ("enum", "columns"),
    [("value", {"kind": "A"}), ("id", {"kind": "a"}), ("both", {"kind": "A", "kind.id": "a"})],
)
def test_enums_are_as_asked(enum, columns):
    assert typed(ENUM, '{"value":"A","value_id":"a"}', enum) == (columns, None)


LISTS = [
    (field, value) for field, value, _ in (*FIT, *MISMATCHES) if field in (LIST, WHO, DEALS, TAGS)
]
NEIGHBOURS = [
    (LIST, '["a","b"]'),
    (WHO, '[{"employee_full_name":"A"}]'),
    (DEALS, '[{"ext_id":"7","current_stage":"A"}]'),
    (TAGS, '{"items":[{"id":1,"name":"A"},{"id":2,"name":"B","color":"#0"}]}'),
]


@pytest.mark.parametrize(("field", "usual"), NEIGHBOURS)
def test_a_list_is_the_same_whatever_stands_beside_it(field, usual):
    """Columns whose lists are all as foreseen are taken at once, others one by one."""
    values = [usual, "null", "[]", *(value for other, value in LISTS if other is field), usual]
    read = TypedColumns([field], FormatOptions(), CONVERTERS)
    rows = [f'{{"{field.name}":{value}}}' for value in values]
    together = read.read(page_of(*rows))
    alone = [read.read(page_of(row)) for row in rows]
    assert list(map(list, together)) == [
        list(cells) for cells in zip(*([c[0] for c in one] for one in alone), strict=True)
    ]


EVERY = [(field, value) for field, value, _ in (*FIT, *MISMATCHES)]


@pytest.mark.parametrize("field", {field.name: field for field, _ in EVERY}.values())
def test_values_of_a_page_with_a_marker_are_read_as_those_of_any_other(field):
    """A marker stands for a lone surrogate: such pages are decoded whole."""
    values = [value for other, value in EVERY if other is field]
    page = page_of(*(f'{{"{field.name}":{value}}}' for value in [*values, "null", *values]))
    marked = msgspec.structs.replace(page, marker=b"MARKER")
    read, other = (TypedColumns([field], FormatOptions(), CONVERTERS) for _ in range(2))
    expected = list(map(list, read.read(marked)))
    for _ in range(2):  # the second time out of the cache
        assert list(map(list, other.read(page))) == expected


DETAILS = {
    "call_scenario_actions": '[{"action_id":5,"action_name":"A"}]',
    "call_events": '[{"event_name":"A","duration":"00:00:05","is_failed":false,"data":[{"a":1}]}]',
    "call_records": '{"links":["a","b"],"links_name":[],"communication_id":5}',
    "communication_comment": '{"comment":null,"communication_id":5,"communication_type":"call"}',
    "contact_phone_number": '{"extra":{"call_status":"lost"},"value":"79110000000"}',
}


@pytest.mark.parametrize(("name", "value"), DETAILS.items())
def test_a_documented_shape_of_call_details_always_fits(name, value):
    assert typed(report("call-details").field(name), value)[1] is None
