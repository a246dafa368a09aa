"""Excel workbooks: typed cells, a header that stays, and no text that is more than text."""

from __future__ import annotations

import gc
import json
import re
import zipfile
from datetime import datetime, time, timedelta
from io import BytesIO
from urllib.parse import unquote

import openpyxl
import pytest
from partitioned_sandbox import DAYS as PART_DAYS
from partitioned_sandbox import TEN, box_of
from program import DAYS, SPAN, Watched, fault
from sinks import page_of

from comagic_cli.errors import CannotWrite
from comagic_cli.formats import xlsx
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import Field, report

TEXT = Field("text", "string")


def bytes_of(fields, *pages, **format_options):
    stream = BytesIO()
    sink = make_sink("xlsx", stream, fields, FormatOptions(**format_options))
    sink.begin()
    for page in pages:
        sink.write(page)
    sink.end()
    return stream.getvalue()


def book_of(fields, *pages, **format_options):
    return openpyxl.load_workbook(BytesIO(bytes_of(fields, *pages, **format_options)))


def texts(*values):
    return page_of(*(json.dumps({"text": value}) for value in values))


def column(sheet, place=0):
    return [row[place] for row in sheet.iter_rows(min_row=2, values_only=True)]


def test_a_sheet_has_a_header_that_stays_and_filters():
    fields = [report("calls").field(name) for name in ("call_start_date_time", "call_status")]
    sheet = book_of(fields, page_of("{}", "{}"))["Rows"]
    assert [cell.value for cell in sheet[1]] == ["call_start_date_time", "call_status"]
    assert all(cell.font.bold for cell in sheet[1])
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B3")
    assert [round(sheet.column_dimensions[name].width) for name in "AB"] == [25, 21]


def test_a_workbook_of_no_rows():
    sheet = book_of([TEXT])["Rows"]
    assert (sheet.dimensions, sheet.auto_filter.ref) == ("A1:A1", "A1")


@pytest.mark.parametrize(
    ("enum", "names"),
    [("value", ["kind"]), ("both", ["kind", "kind.id"])],
)
def test_the_columns_are_those_of_csv(enum, names):
    sheet = book_of([Field("kind", "object")], page_of("{}"), coded_values=enum)["Rows"]
    assert [cell.value for cell in sheet[1]] == names


def test_the_header_can_be_titles():
    fields = [Field("tag_name", "object", members=report("tags-history").field("tag_name").members)]
    book = book_of(
        fields,
        page_of('{"tag_name":{"id":5,"name":"A"}}'),
        header="title",
        titles=(("tag_name", "Тег"),),
    )
    assert [cell.value for cell in book["Rows"][1]] == ["Тег.id", "Тег.name", "Тег.color"]
    assert [cell.value for cell in book["Rows"][2]] == ["5", "A", None]


PLAIN = [
    "=1+1",
    "+79151234567",
    "-1",
    "@SUM(A1)",
    "{=1}",
    "007",
    "1e5",
    "TRUE",
    "2024-10-01",
    "http://example.org/" + "a" * 3000,
    "mailto:a@example.org",
    "internal:Sheet!A1",
    "<r>bold</r>",
    "<r><t>x</t></r>",
    "<r></r>",
    "<r>",
    " led and followed ",
    "a\nb\tc",
    "'quoted",
    '"<&>',
    "مرحبا",
    "😀" * 16_383,
    "ы" * 32_767,
]


def test_a_text_is_a_text():
    data = bytes_of([TEXT], texts(*PLAIN))
    sheet = openpyxl.load_workbook(BytesIO(data))["Rows"]
    assert column(sheet) == PLAIN
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
    xml = zipfile.ZipFile(BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert not re.search(rb"<f>|<hyperlink", xml)


def test_what_is_longer_than_a_cell_stands_on_a_sheet_of_its_own():
    long = ["ы" * 32_768, "😀" * 16_384, "=" + "x" * 100_000]
    book = book_of([TEXT], texts("a", *long))
    assert book.sheetnames == ["Rows", "Long texts"]
    assert column(book["Rows"])[1] == "ы" * 1000 + "… [32768 characters: see Long texts, row 2]"
    pieces: dict[int, str] = {}
    for sheet, row, name, piece, text in book["Long texts"].iter_rows(min_row=2, values_only=True):
        assert (sheet, name) == ("Rows", "text")
        assert piece == (1 if row not in pieces else len(pieces[row]) // xlsx.PIECE + 1)
        pieces[row] = pieces.get(row, "") + text
    assert pieces == dict(enumerate(long, 3))


def test_more_rows_than_a_sheet_holds_go_to_more_sheets(monkeypatch):
    monkeypatch.setattr(xlsx, "ROWS", 3)
    book = book_of([TEXT], texts("a", "b", "c"), texts("d"))
    assert book.sheetnames == ["Rows", "Rows 2"]
    for sheet, rows in (("Rows", ["a", "b"]), ("Rows 2", ["c", "d"])):
        assert (column(book[sheet]), book[sheet]["A1"].value) == (rows, "text")
        assert (book[sheet].freeze_panes, book[sheet].auto_filter.ref) == ("A2", "A1:A3")


def test_more_bytes_than_a_sheet_should_hold_go_to_more_sheets(monkeypatch):
    monkeypatch.setattr(xlsx, "HEAVY", 20)
    book = book_of([TEXT], texts("a" * 20), texts("b"), texts("c"))
    assert [column(sheet) for sheet in book] == [["a" * 20], ["b", "c"]]


def test_every_value_comes_back(comagic, tmp_path):
    target = tmp_path / "calls.xlsx"
    names = [
        *("communication_id", "contact_phone_number", "call_start_date_time", "call_start_time"),
        *("call_total_duration", "call_talk_duration", "call_status", "call_is_internal"),
    ]
    with Watched(rows=80) as box:
        ran = comagic("calls", *DAYS, "--fields", ",".join(names), "-o", target, box=box)
        truth = box.truth("calls", *SPAN, fields=names)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    sheet = openpyxl.load_workbook(target)["Rows"]
    read = [row[:1] + row[2:] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert sorted(read, key=str) == sorted(map(expected, truth), key=str)
    assert [cell.number_format for cell in sheet[2]] == [
        *("General", "General", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss"),
        *("[h]:mm:ss", "[h]:mm:ss", "General", "General"),
    ]
    assert {cell.data_type for cell in (*sheet["A"], *sheet["B"])} <= {"s", "n"}


def expected(row):
    return (
        str(row["communication_id"]),
        datetime.fromisoformat(row["call_start_date_time"]),
        time.fromisoformat(row["call_start_time"]),
        duration(row["call_total_duration"]),
        duration(row["call_talk_duration"]),
        row["call_status"]["value"],
        row["call_is_internal"]["value"],
    )


def duration(value):
    if isinstance(value, str):
        hours, minutes, seconds = map(int, value.split(":"))
        value = hours * 3600 + minutes * 60 + seconds
    return None if value is None else timedelta(seconds=value)


def test_days_are_a_workbook_each(comagic, tmp_path):
    with box_of() as box:
        assert comagic(*TEN, "-o", tmp_path / "{date}.xlsx", box=box).code == 0
        truth = box.truth("communications", *SPAN, fields=["communication_id"])
    read = [
        identity
        for day in PART_DAYS[:5]
        for identity in column(openpyxl.load_workbook(tmp_path / f"{day}.xlsx")["Rows"])
    ]
    assert sorted(read) == sorted(str(row["communication_id"]) for row in truth)


@pytest.mark.filterwarnings("ignore:.*FileIO name:pytest.PytestUnraisableExceptionWarning")
def test_a_failed_export_leaves_the_old_file_and_nothing_else(comagic, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    target = tmp_path / "rows.xlsx"
    target.write_bytes(b"old")
    with Watched(rows=60, faults=fault("forbidden", 3)) as box:
        ran = comagic("communications", *DAYS, "--page-size", 20, "-o", target, box=box)
    assert (ran.code, target.read_bytes()) == (4, b"old")
    gc.collect()  # at the latest, the end of the program removes it
    assert list(temporary.iterdir()) == []


class Broken(BytesIO):
    """A stream that takes so many bytes."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, _):
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), CannotWrite("it is full")])
def test_an_error_of_the_stream_is_told_as_it_is(error):
    sink = make_sink("xlsx", Broken(error), [TEXT], FormatOptions())
    sink.begin()
    sink.write(texts("a"))
    with pytest.raises(type(error)) as caught:
        sink.end()
    assert caught.value is error


def test_a_workbook_can_be_too_large(monkeypatch):
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 10)
    sink = make_sink("xlsx", BytesIO(), [TEXT], FormatOptions())
    sink.begin()
    with pytest.raises(CannotWrite, match="too large for"):
        sink.end()


URL = "https://app.comagic.ru/system/media/talk/7/abc/"


def test_addresses_of_recordings_are_links():
    book = book_of(
        [Field("call_record_urls", "array"), Field("note", "string")],
        page_of(
            f'{{"call_record_urls":["{URL}"],"note":"{URL}"}}',
            f'{{"call_record_urls":["{URL}","{URL}2"],"note":null}}',
            '{"call_record_urls":null,"note":"x"}',
        ),
    )
    cells = [row[0] for row in book["Rows"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == [URL, f"{URL}; {URL}2", None]
    assert [cell.hyperlink and cell.hyperlink.target for cell in cells] == [URL, None, None]
    assert book["Rows"]["B2"].hyperlink is None


@pytest.mark.parametrize(
    "path",
    [
        "recordings/2026-10-01/1-a.mp3",
        "up 50% & more/1-a.mp3",
        "A%41 and %20/1-a.mp3",
        "#1 <best>/[x] {y} ^z` 'q' \"w\"#a.mp3",
        "Ромашка №5/+7 (495).mp3",
    ],
)
def test_a_path_of_a_file_is_a_link_to_that_very_file(path):
    line = json.dumps({"call_record_files": [path]})
    cell = book_of([Field("call_record_files", "array")], page_of(line))["Rows"]["A2"]
    assert cell.value == path
    assert cell.hyperlink.location is None
    assert unquote(cell.hyperlink.target).replace("\\", "/") == path


def test_more_links_than_a_sheet_takes_are_texts(monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_LINKS", 2)
    rows = [f'{{"call_record_urls":["{URL}{number}"]}}' for number in range(4)]
    book = book_of([Field("call_record_urls", "array")], page_of(*rows))
    cells = [row[0] for row in book["Rows"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == [f"{URL}{number}" for number in range(4)]
    assert [bool(cell.hyperlink) for cell in cells] == [True, True, False, False]
