from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from coverage_marks import unmeasured
from hypothesis import given, settings
from hypothesis import strategies as st
from sinks import page_of

from comagic_cli.rows.decode import Digits, RowReader
from comagic_cli.rows.page import Page, row_struct, rows_of, slices

# What a row holds, what is asked, and the line written: order, missing, and extra members.
LINES = [
    ('{"b": 2, "a": 1}', ["a", "b"], '{"a":1,"b":2}'),
    ('{"a": 1, "communication_id": 7}', ["a"], '{"a":1}'),
    ("{}", ["a", "b"], '{"a":null,"b":null}'),
    ('{"a": 1, "a": 2}', ["a"], '{"a":2}'),
    ('{"с_1": "да"}', ["с_1"], '{"с_1":"да"}'),
    ('{"cc-12 x.y": 1}', ["cc-12 x.y"], '{"cc-12 x.y":1}'),
    ('{"a": 1.10}', ["a"], '{"a":1.10}'),
    ('{"a": -0}', ["a"], '{"a":-0}'),
    ('{"a": 1E+5}', ["a"], '{"a":1E+5}'),
    ('{"a": 123456789012345678901234567890.10}', ["a"], '{"a":123456789012345678901234567890.10}'),
    (r'{"a": "\u0041\/\n\u2028"}', ["a"], r'{"a":"\u0041\/\n\u2028"}'),
    ('{"a": [1, {"b": 2}]}', ["a"], '{"a":[1, {"b": 2}]}'),
    ('{\n"a"\r\n:\t[ 1,\n 2 ]\n}', ["a"], '{"a":[1,2]}'),
    ('{"a": {"b":\r1.10, "c": "\\u0041 \\n"}}', ["a"], '{"a":{"b":1.10,"c":"\\u0041 \\n"}}'),
]


@pytest.mark.parametrize(("row", "columns", "line"), LINES)
def test_json_lines_keep_every_value_byte_for_byte(row, columns, line):
    reader = RowReader(tuple(columns))
    assert reader.json_lines(page_of(row)).decode() == f"{line}\n"


LONG = "7" * 5000

# A value as it came, and as a plain one.
PLAIN = [
    ("null", None),
    ("true", True),
    ('"text"', "text"),
    ("5", 5),
    ("123456789012345678901234567890", 123456789012345678901234567890),
    ("-5", -5),
    ("-0", Digits("-0")),
    ("0.10", Digits("0.10")),
    ("1e400", Digits("1e400")),
    ("-0.0", Digits("-0.0")),
    (LONG, Digits(LONG)),
    (f"-{LONG}", Digits(f"-{LONG}")),
    ('[1.0, {"a": 2E5, "b": -0 }]', [Digits("1.0"), {"a": Digits("2E5"), "b": Digits("-0")}]),
    ('" -0,"', " -0,"),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_plain_rows_keep_every_digit(text, value):
    [(plain,)] = RowReader(("a",)).plain(page_of(f'{{"a": {text}}}'))
    assert (plain, type(plain)) == (value, type(value))


def test_odd_numbers_leave_order_picks_and_missing_members_alone():
    page = page_of('{"b":-0,"a":1}', '{"a":2}', '{"a":3,"b":1.0}').pick((2, 1))
    assert RowReader(("a", "b")).plain(page) == [(3, "1.0"), (2, None)]


@pytest.mark.parametrize(
    ("picked", "ids"),
    [(range(4), [0, 1, 2, 3]), ((), []), ((3, 1), [3, 1]), ((2,), [2]), (range(1, 3), [1, 2])],
)
def test_only_picked_rows_are_read(picked, ids):
    page = page_of(*(json.dumps({"id": place}) for place in range(4))).pick(picked)
    reader = RowReader(("id",))
    assert [row[0] for row in reader.plain(page)] == ids
    assert [json.loads(line)["id"] for line in reader.json_lines(page).splitlines()] == ids
    for size in (1, 3, 5):
        parts = list(slices(page, size))
        assert [row[0] for part in parts for row in reader.plain(part)] == ids
        assert all(part.count <= size for part in parts)
        assert sum(part.count for part in parts) == page.count


MARKED = page_of('{"a":"xMARKd800","b":[{"MARKdc00":"MARKd800"},1.0,"y"]}', marker="MARK")


def test_lone_surrogates_come_back_in_raw_rows():
    line = RowReader(("a", "b")).json_lines(MARKED).decode()
    assert line == '{"a":"x\\ud800","b":[{"\\udc00":"\\ud800"},1.0,"y"]}\n'


def test_lone_surrogates_are_six_characters_in_plain_rows():
    nested = [{"\\udc00": "\\ud800"}, "1.0", "y"]
    assert RowReader(("a", "b")).plain(MARKED) == [("x\\ud800", nested)]


def test_lone_surrogates_of_one_page_stay_markers_in_marked_rows():
    assert RowReader(("a",)).marked(MARKED) == [("xMARKd800",)]
    assert [part.marker for part in slices(MARKED)] == [b"MARK"]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, msgspec.Raw])
def test_a_page_may_be_any_bytes(kind):
    page = Page(rows_of(kind(b'[{"a":[1,\n2]},{"a":-0}]')))
    reader = RowReader(("a",))
    assert reader.json_lines(page) == b'{"a":[1,2]}\n{"a":-0}\n'
    assert [row for part in slices(page, 1) for row in reader.plain(part)] == [([1, 2],), ("-0",)]


def test_a_column_that_json_can_not_name_is_refused():
    with pytest.raises(ValueError, match="Renamed field names"):
        row_struct(('a"b',), Any, None)


NUMBERS = st.integers() | st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS.map(Digits),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def as_json(value: Any, blank: str) -> str:
    """Write JSON with blanks wherever it allows them, numbers as they are."""
    if isinstance(value, Digits):
        return str(value)
    if isinstance(value, list):
        return f"[{blank}" + f"{blank},".join(as_json(item, blank) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)}{blank}:{as_json(item, blank)}" for key, item in value.items())
        return "{" + f",{blank}".join(pairs) + blank + "}"
    return json.dumps(value)


def digits_of(text: str | bytes) -> Any:
    """Read JSON with every number as the text it was."""
    return json.loads(text, parse_int=Digits, parse_float=Digits)


@unmeasured
@settings(max_examples=50)
@given(
    st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1),
    st.sampled_from(["", " ", "\n", "\r\n\t"]),
)
def test_any_json_comes_back_digit_for_digit(rows, blank):
    page = page_of(*(as_json(row, blank) for row in rows))
    reader = RowReader(("a", "b"))
    lines = reader.json_lines(page).decode().split("\n")
    assert [digits_of(line) for line in lines[:-1]] == rows
    assert [tuple(map(str, row)) for row in reader.plain(page)] == [
        tuple(str(plain_of(row[name])) for name in "ab") for row in rows
    ]


def plain_of(value: Any) -> Any:
    """Make integers of the digits of integers."""
    if isinstance(value, list):
        return list(map(plain_of, value))
    if isinstance(value, dict):
        return {name: plain_of(item) for name, item in value.items()}
    is_integer = isinstance(value, Digits) and value.lstrip("-").isdigit() and value != "-0"
    return int(value) if is_integer else value


CUT = [
    (("a", "b", "c"), ["1", '"x"', "null"]),
    (("a", "b"), ["1", '"x"']),
    (("c", "a"), ["null", "1"]),
    (("b", "d"), ['"x"', "null"]),
    ((), []),
]


@pytest.mark.parametrize(("columns", "values"), CUT)
def test_rows_that_are_cut_are_read_like_whole_ones(columns, values):
    whole = page_of('{"b":"x","a":1}')
    cut = RowReader(("a", "b", "c")).cut(whole)
    reader = RowReader(columns)
    for page in (whole, cut):
        (row,) = reader.raw(page)
        assert [bytes(value).decode() for value in msgspec.structs.astuple(row)] == values
        read = [[bytes(value).decode() for value in column] for column in reader.raw_columns(page)]
        assert read == [[value] for value in values]
        assert reader.plain(page) == [tuple(map(json.loads, values))]
        assert reader.json_lines(page) == b"{%s}\n" % b",".join(
            b'"%s":%s' % pair
            for pair in zip(map(str.encode, columns), map(str.encode, values), strict=True)
        )


def test_cut_rows_say_their_columns():
    assert RowReader(("a", "b c")).cut(page_of("{}")).columns == ("a", "b c")
    assert page_of("{}").columns is None
    assert Page(()).columns is None


@pytest.mark.parametrize("breaks", ["\n", "\r"])
def test_a_page_that_is_told_to_be_unbroken_is_not_searched_for_line_breaks(breaks):
    page = page_of(f'{{"a":[1,{breaks}2]}}')
    told = msgspec.structs.replace(page, unbroken=True)
    reader = RowReader(("a",))
    assert reader.json_lines(page) == b'{"a":[1,2]}\n'
    assert reader.json_lines(told) == f'{{"a":[1,{breaks}2]}}\n'.encode()
    (part,) = slices(told)
    assert part.unbroken
    assert reader.cut(part).unbroken


def test_a_page_that_is_picked_whole_is_the_same():
    page = page_of("{}", "{}")
    assert page.pick(range(2)) is page
    assert page.pick([1]).count == 1
