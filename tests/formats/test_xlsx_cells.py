"""What stands in the cells of a spreadsheet."""

from __future__ import annotations

import pytest

from comagic_cli.formats.xlsx import cell_values
from comagic_cli.rows.decode import Digits

NUMBERS = [
    (0, 0),
    (999_999_999_999_999, 999_999_999_999_999),
    (1_000_000_000_000_000, "1000000000000000"),
    (-1_000_000_000_000_000, "-1000000000000000"),
    (Digits("1.10"), 1.1),
    (Digits("-3.25"), -3.25),
    (Digits("0.123456789012345"), 0.123456789012345),
    (Digits("0.1234567890123456"), "0.1234567890123456"),
    (Digits("1e400"), "1e400"),
    (Digits("1e-400"), "1e-400"),
    (Digits("-0"), "-0"),
    (Digits("-0.0"), "-0.0"),
    ("5", "5"),
    ("+79151234567", "+79151234567"),
    ("=1+1", "=1+1"),
    (True, "true"),
    ({"a": Digits("1.10")}, '{"a":1.10}'),
    ([], None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("value", "cell"), NUMBERS)
def test_numbers_are_such_where_every_digit_stays(value, cell):
    for kind in ("integer", "float"):
        assert cell_values([value], kind, "count") == [cell]


@pytest.mark.parametrize("name", ["communication_id", "id", "tag_name.id", "visitor_ids"])
def test_ids_are_text(name):
    assert cell_values([79151234567], "integer", name) == ["79151234567"]


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("text", 79151234567, "79151234567"),
        ("text", Digits("1.10"), "1.10"),
        ("boolean", True, True),
        ("boolean", False, False),
        ("boolean", "да", "да"),
        ("seconds", 86400, 1.0),
        ("seconds", "36:00:00", 1.5),
        ("seconds", 0, 0.0),
        ("seconds", -5, "-5"),
        ("seconds", Digits("12.5"), "12.5"),
        ("seconds", "soon", "soon"),
        ("datetime", "2024-10-01 12:00:00", 45566.5),
        ("datetime", "1901-01-01 00:00:00", 367.0),
        ("datetime", "1900-01-01 00:00:00", "1900-01-01 00:00:00"),
        ("datetime", "2024-10-01 12:00:00.6", "2024-10-01 12:00:00.6"),
        ("datetime", "2024-10-01", "2024-10-01"),
        ("datetime", 1712345678, "1712345678"),
        ("date", "2024-10-01", 45566),
        ("date", "1899-12-31", "1899-12-31"),
        ("date", "0000-00-00", "0000-00-00"),
        ("time", "18:00:00", 0.75),
        ("time", "24:00:00", "24:00:00"),
        ("time", "6 pm", "6 pm"),
        ("time", 5, "5"),
    ],
)
def test_a_cell_is_of_its_kind_or_text_as_it_came(kind, value, cell):
    [got] = cell_values([value], kind, "column")
    assert got == cell
    assert type(got) is type(cell)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("\x00a\x07\x1b\x1f", "␀a␇␛␟"),
        ("\ufffe\uffff", "\ufffd\ufffd"),
        ("tab\tLF\nCR\r", "tab\tLF\nCR\r"),
        ("\x7f\x85\u2028😀", "\x7f\x85\u2028😀"),
    ],
)
def test_what_xml_has_no_place_for_is_seen(text, cell):
    assert cell_values([text, None, "b"], "text", "column") == [cell, None, "b"]
