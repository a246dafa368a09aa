"""Cells made of JSON as it came are those that parsing and flattening would make."""

from __future__ import annotations

import csv
import io
import json

import pytest
from coverage_marks import unmeasured
from hypothesis import given
from hypothesis import strategies as st
from sinks import members, page_of, text_fields, written

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.csv import texts_of
from comagic_cli.formats.flatten import Flattener
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import RowReader

FIELDS = [
    *text_fields("a", "b"),
    Field("kind", "object", members=members("value", "value_id")),
    Field("names", "array", members=members("name")),
    Field("unknown"),
]

# A value as JSON, and its cell in CSV and in TSV.
CELLS = [
    ("null", "", ""),
    ('"null"', "null", "null"),
    ('""', "", ""),
    ("true", "true", "true"),
    ("-0", "-0", "-0"),
    ("1.10", "1.10", "1.10"),
    ("7" * 5000, "7" * 5000, "7" * 5000),
    ('"a, b"', '"a, b"', "a, b"),
    ('"a\tb"'.replace("\t", "\\t"), "a\tb", "a\\tb"),
    (r'"say \"hi\""', '"say ""hi"""', 'say "hi"'),
    (r'"a\\b\n"', '"a\\b\n"', r"a\\b\n"),
    (r'"Ж"', "Ж", "Ж"),
    ('"{[not json"', "{[not json", "{[not json"),
    ('{"x":[1.10]}', '"{""x"":[1.10]}"', '{"x":[1.10]}'),
    ("{}", "", ""),
    ('[1,"a",null]', "1; a; ", "1; a; "),
]


@pytest.mark.parametrize(("value", "csv", "tsv"), CELLS)
@pytest.mark.parametrize("beside", ["null", '"x"', '"y, z"', r'"\n"'])
def test_cells(value, csv, tsv, beside):
    fields = [Field("a"), Field("b")]
    rows = [f'{{"a":{value},"b":1}}', f'{{"a":{beside},"b":2}}', f'{{"a":{value},"b":3}}']
    lines = written("csv", fields, page_of(*rows))
    assert lines.startswith(f"a,b\n{csv},1\n")
    assert lines.endswith(f"\n{csv},3\n")
    lines = written("tsv", fields, page_of(*rows))
    assert lines.startswith(f"a\tb\n{tsv}\t1\n")
    assert lines.endswith(f"\n{tsv}\t3\n")


@pytest.mark.parametrize("delimiter", ["\\", "n", "t", "0", "|", "[", "{", "'", "é", "\x1f", " "])
def test_any_delimiter_stands_between_the_same_cells(delimiter):
    fields = text_fields("a", "b")
    texts = [r"n,0 \"q\"", r"\u0438\u043c\u044f 1", r"a\\b", "plain", "é|[{'"]
    rows = [f'{{"a":"{text}","b":"{text}"}}' for text in texts]
    lines = written("csv", fields, page_of(*rows), delimiter=delimiter)
    cells = [json.loads(f'"{text}"') for text in texts]
    read = list(csv.reader(io.StringIO(lines), delimiter=delimiter))
    assert read == [["a", "b"], *([cell, cell] for cell in cells)]


@pytest.mark.parametrize("breaks", ["\n", "\r\n"])
def test_line_breaks_within_values_part_no_rows(breaks):
    kind = f'{{{breaks}"value": "x",{breaks}"value_id": 1{breaks}}}'
    row = f'{{"a":1,"b":{breaks}2,"kind":{kind},"names":[{breaks}],"unknown":{breaks}null}}'
    lines = written("csv", FIELDS, page_of(row, row))
    assert lines == "a,b,kind,names,unknown\n1,2,x,,\n1,2,x,,\n"


TEXTS = st.text(st.sampled_from('aЖ,;"\\\n\r\t{}[]: null')) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
KINDS = st.fixed_dictionaries({"value": VALUES, "value_id": VALUES})
NAMES = st.lists(st.fixed_dictionaries({"name": VALUES}), max_size=3)
ROWS = st.fixed_dictionaries(
    {"a": TEXTS | st.none(), "b": VALUES, "kind": KINDS | VALUES, "names": NAMES | VALUES},
    optional={"unknown": VALUES},
)


def unquoted(text: str) -> list[list[str]]:
    """Read CSV by its rules, cell by cell."""
    rows, row, cell, place = [], [], "", 0
    while place < len(text):
        if text[place] == '"':
            end = place + 1
            while text[end : end + 1] != '"' or text[end + 1 : end + 2] == '"':
                end += 2 if text[end] == '"' else 1
            cell, place = text[place + 1 : end].replace('""', '"'), end + 1
        elif text[place] in ",\n":
            row.append(cell)
            cell = ""
            if text[place] == "\n":
                rows.append(row)
                row = []
            place += 1
        else:
            cell, place = cell + text[place], place + 1
    return rows


@unmeasured
@given(st.lists(ROWS, min_size=1, max_size=5), st.booleans(), st.sampled_from(["value", "both"]))
def test_any_rows_are_written_as_if_they_were_parsed(rows, ascii_, enum):
    page = page_of(*(json.dumps(row, ensure_ascii=ascii_) for row in rows))
    format_options = FormatOptions(coded_values=enum)
    flat = Flattener(FIELDS, format_options)
    plain = RowReader(tuple(field.name for field in FIELDS)).plain(page)
    truth = zip(*map(texts_of, flat.columns(plain)), strict=True)
    assert unquoted(written("csv", FIELDS, page, coded_values=enum)) == [
        list(flat.names),
        *map(list, truth),
    ]
