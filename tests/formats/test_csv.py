from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sinks import members, page_of, text_fields, written

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import FORMATS, make_sink
from comagic_cli.query.catalog import Field
from comagic_cli.rows.page import Page

FIELDS = [
    Field("id", "number"),
    Field("type", "object", members=members("value", "value_id")),
    Field("employees", "array", members=members("employee_full_name")),
    Field("tags", "object"),
    Field("comment", "string"),
]
PAGE = page_of(
    r"""{"id": 3000000001, "type": {"value": "Звонки", "value_id": "call"},
        "employees": [{"employee_full_name": "Иванов"}, {"employee_full_name": "Ли"}],
        "tags": {"items": [{"id": 1, "name": "VIP"}]}, "comment": "+7 (911) 007"}""",
    r"""{"id": 1.10, "type": {}, "employees": null, "tags": null,
        "comment": "say \"hi\",\r\nthen\tgo \\ back"}""",
    r"""{"comment": "MARKd800\r=1+1"}""",
    marker="MARK",
)
GOLDEN = {
    "csv": (
        "id,type,type.id,employees,tags,comment\n"
        "3000000001,Звонки,call,Иванов; Ли,VIP,+7 (911) 007\n"
        '1.10,,,,,"say ""hi"",\r\nthen\tgo \\ back"\n'
        ',,,,,"\\ud800\r=1+1"\n'
    ),
    "tsv": (
        "id\ttype\ttype.id\temployees\ttags\tcomment\n"
        "3000000001\tЗвонки\tcall\tИванов; Ли\tVIP\t+7 (911) 007\n"
        '1.10\t\t\t\t\tsay "hi",\\r\\nthen\\tgo \\\\ back\n'
        "\t\t\t\t\t\\\\ud800\\r=1+1\n"
    ),
}


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_whole_outputs(form):
    assert written(form, FIELDS, PAGE, coded_values="both") == GOLDEN[form]


@pytest.mark.parametrize(
    ("form", "header"), [("csv", 'a,"b,""c",d\te\n'), ("tsv", 'a\tb,"c\td\\te\n')]
)
def test_the_header_is_there_for_no_rows(form, header):
    fields = text_fields("a", 'b,"c', "d\te")
    stream = written(form, fields[:1] + fields[2:])
    assert stream == ("a,d\te\n" if form == "csv" else "a\td\\te\n")
    assert (
        make_sink(form, None, fields, FormatOptions())._text([[f.name] for f in fields]) == header
    )


@pytest.mark.parametrize(("form", "expected"), [("csv", 'a\n""\nx\n""\n'), ("tsv", "a\n\nx\n\n")])
def test_an_only_column(form, expected):
    page = page_of('{"a":null}', '{"a":"x"}', "{}")
    assert written(form, text_fields("a"), page) == expected


# A text, and its cell in CSV beside another.
QUOTED = [
    ("plain", "plain"),
    (" blank ", " blank "),
    ("a,b", '"a,b"'),
    ('"', '""""'),
    ("a\nb", '"a\nb"'),
    ("a\rb", '"a\rb"'),
    ("a\r\nb", '"a\r\nb"'),
    ("\x00\t\x1b;'", "\x00\t\x1b;'"),
    ("007", "007"),
    ("\ufeff\u2028", "\ufeff\u2028"),
]


@pytest.mark.parametrize(("text", "cell"), QUOTED)
def test_what_is_quoted(text, cell):
    page = page_of(json.dumps({"a": text, "b": 1}))
    assert written("csv", text_fields("a", "b"), page) == f"a,b\n{cell},1\n"


def test_json_in_a_cell_keeps_lone_surrogates_as_json():
    page = page_of('{"a":{"x":"MARKd800"},"b":1}', marker="MARK")
    [_, (cell, _)] = csv.reader(StringIO(written("csv", text_fields("a", "b"), page), newline=""))
    assert cell == r'{"x":"\ud800"}'
    assert json.loads(cell) == {"x": "\ud800"}
    tsv = written("tsv", text_fields("a", "b"), page).splitlines()[1].split("\t")[0]
    assert unescaped(tsv) == cell


TEXTS = st.text() | st.text(st.sampled_from("a,;\"'\r\n\t\\\x00я"))
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.none() | TEXTS, min_size=width, max_size=width), max_size=6)
)


def page_of_texts(rows: list[list[str | None]]) -> tuple[list[Field], Page]:
    fields = text_fields(*(f"c{place}" for place in range(len(rows[0]) if rows else 1)))
    names = [field.name for field in fields]
    return fields, page_of(*(json.dumps(dict(zip(names, row, strict=True))) for row in rows))


@given(TABLES)
def test_csv_is_read_back_by_the_csv_module(rows):
    fields, page = page_of_texts(rows)
    read = list(csv.reader(StringIO(written("csv", fields, page), newline="")))
    assert read == [[f.name for f in fields], *([text or "" for text in row] for row in rows)]


@given(TABLES)
def test_csv_is_what_the_csv_module_writes(rows):
    fields, page = page_of_texts(rows)
    quoting = StringIO(newline="")
    csv.writer(quoting, lineterminator="\r\n").writerows([[f.name for f in fields], *rows])
    mine = StringIO(written("csv", fields, page), newline="")
    assert list(csv.reader(mine)) == list(csv.reader(StringIO(quoting.getvalue(), newline="")))


def unescaped(text: str) -> str:
    r"""Read a TSV cell back; `\\` first becomes what no cell holds."""
    text = text.replace("\\\\", "\ue000")
    for escape, character in {r"\t": "\t", r"\n": "\n", r"\r": "\r"}.items():
        text = text.replace(escape, character)
    return text.replace("\ue000", "\\")


@given(TABLES)
def test_tsv_is_read_back_line_by_line(rows):
    rows = [[text and text.replace("\ue000", "") for text in row] for row in rows]
    fields, page = page_of_texts(rows)
    _, *lines = written("tsv", fields, page).split("\n")
    assert lines.pop() == ""
    assert [[unescaped(text) for text in line.split("\t")] for line in lines] == [
        [text or "" for text in row] for row in rows
    ]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table", "tsv"])
@pytest.mark.parametrize("sizes", [[2500], [1000, 1, 999], [0, 3, 0]])
def test_every_row_is_written_once_whatever_the_pages(form, sizes):
    numbers = iter(range(10_000, 20_000))
    pages = [page_of(*(f'{{"a":"<{next(numbers)}>"}}' for _ in range(size))) for size in sizes]
    text = written(form, text_fields("a"), *pages)
    places = [text.index(f"<{number}>") for number in range(10_000, 10_000 + sum(sizes))]
    assert places == sorted(places)
    assert text.count("<") == sum(sizes)


def test_an_unknown_format_is_refused():
    with pytest.raises(Exception, match="'xml' is not a format") as caught:
        make_sink("xml", None, [], FormatOptions())
    assert caught.value.hint == f"The formats are {', '.join(FORMATS)}."
