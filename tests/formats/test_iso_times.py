from __future__ import annotations

import msgspec
import pytest
from sinks import page_of, written

from comagic_cli.formats.transforms import edit_times
from comagic_cli.query.catalog import Field, Member

TIMES = [
    ("Europe/Moscow", "2024-10-02 12:00:00", "2024-10-02T12:00:00+03:00"),
    ("Europe/Moscow", "2024-10-02T12:00:00", "2024-10-02T12:00:00+03:00"),
    ("Europe/Moscow", "2024-10-02 23:59:59.600", "2024-10-02T23:59:59.600+03:00"),
    ("Europe/Moscow", "2013-10-02 12:00:00", "2013-10-02T12:00:00+04:00"),
    ("Asia/Kathmandu", "2024-10-02 12:00:00", "2024-10-02T12:00:00+05:45"),
    ("America/New_York", "2024-07-01 00:00:00", "2024-07-01T00:00:00-04:00"),
    ("UTC", "2024-10-02 12:00:00", "2024-10-02T12:00:00+00:00"),
    # clocks go back at 03:00: what is shown twice is the first
    ("Europe/Berlin", "2024-10-27 01:59:59", "2024-10-27T01:59:59+02:00"),
    ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27T02:30:00+02:00"),
    ("Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27T03:00:00+01:00"),
    # clocks go on at 02:00: what is never shown has the offset before
    ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31T02:30:00+01:00"),
    ("Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31T03:00:00+02:00"),
]
LEFT = [
    *("", "2024-10-02", "12:00:00", "2024-10-02 12:00", "2024-02-30 12:00:00"),
    "0000-01-01 00:00:00",
    *("2024-10-02 24:00:00", "2024-10-02 12:00:60", "2024-10-02 12:00:00+03:00", "вчера"),
    *("2024-10-02 12:00:00Z", " 2024-10-02 12:00:00", "02.10.2024 12:00:00"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "text", "expected"), TIMES)
def test_times_get_the_offset_of_the_zone(zone, text, expected):
    edit = edit_times(Field("when", "iso8601"), zone)
    assert edit(msgspec.Raw(f'"{text}"'.encode())) == msgspec.Raw(f'"{expected}"'.encode())


@pytest.mark.parametrize("text", LEFT)
def test_what_is_no_time_is_left(text):
    raw = msgspec.Raw(f'"{text}"'.encode())
    assert edit_times(Field("when", "iso8601"), "Europe/Moscow")(raw) == raw


@pytest.mark.parametrize("raw", [b"null", b"1727859600", b'{"value":"2024-10-02 12:00:00"}'])
def test_what_is_no_text_is_left(raw):
    assert edit_times(Field("when", "iso8601"), "UTC")(msgspec.Raw(raw)) == msgspec.Raw(raw)


DEALS = Field("deals", "array", members=(Member("id", "string"), Member("at", "iso8601")))
NESTED = [
    ('[{"at":"2024-10-02 12:00:00"}]', '[{"at":"2024-10-02T12:00:00+00:00"}]'),
    ('[{"at" : "2024-10-02 12:00:00","x":1.10}]',
     '[{"at" : "2024-10-02T12:00:00+00:00","x":1.10}]'),
    ('[{"id":"2024-10-02 12:00:00","at":null}]', None),
    (r'[{"id":"\"at\":\"2024-10-02 12:00:00\""}]', None),
    (r'[{"a\"at":"2024-10-02 12:00:00"}]', None),
    ("null", None),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), NESTED)
def test_times_of_an_arrays_items(raw, expected):
    edited = edit_times(DEALS, "UTC")(msgspec.Raw(raw.encode()))
    assert bytes(edited).decode() == (expected or raw)


@pytest.mark.parametrize("field", [Field("a", "string"), Field("cc_1"), Field("tags", "object")])
def test_other_fields_have_no_times(field):
    assert edit_times(field, "UTC") is None


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "jsonl", "table"])
def test_every_row_of_every_page_once(form):
    pages = [
        page_of(*(f'{{"when":"2024-10-02 12:00:{second:02}"}}' for second in range(first, last)))
        for first, last in ((0, 3), (3, 3), (3, 60))
    ]
    text = written(form, [Field("when", "iso8601")], *pages, times="iso", zone="UTC")
    assert [second for second in range(60) if f"12:00:{second:02}+00:00" in text] == [*range(60)]
    assert text.count("2024") == 60
