from __future__ import annotations

import pytest

from comagic_cli.formats.csv import (
    disarm_formulas,
    escape_breaks,
    replace_breaks,
    use_decimal_comma,
)
from comagic_cli.rows.decode import Digits

LEFT_ALONE = [
    *("", "5", "-5", "-5.3", "-5,3", "+5", "-1.5e-7", "+1E400", "-0", "a=1", " =1", "'=1", "1+1"),
    *("+79111234567", "+7 (911) 123-45-67", "+7-911-123-45-67", "+7 911 1234567", "+44 20 7946"),
    *("+79111234567; +79111234568", "-5; -6", "+79111234567,+7 (911) 123-45-67"),
]
GUARDED = [
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=", "+", "-", "--", "- нет", "-2-3"),
    *(
        "+7 911 123 45 67 доб. 8",
        "+cmd|' /C calc'!A0",
        "-5%",
        "+12-3",
        "+.5",
        "-٥",
        "+79111234567\n",
        "+79111234567; =1",
        "+79111234567;",
    ),
]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_no_spreadsheet_runs_stays(text):
    assert disarm_formulas([text]) == [text]


@pytest.mark.parametrize("text", GUARDED)
def test_what_a_spreadsheet_might_run_gets_an_apostrophe(text):
    assert disarm_formulas(["a", text]) == ["a", f"'{text}"]


BREAKS = [
    ("a\r\nb\nc\rd\n\ne", "a b c d  e", r"a\r\nb\nc\rd\n\ne"),
    ("\n", " ", r"\n"),
    (r"C:\new", r"C:\new", r"C:\\new"),
    ("a\u2028b\x0bc\td", "a\u2028b\x0bc\td", "a\u2028b\x0bc\td"),
]


@pytest.mark.parametrize(("text", "blank", "escape"), BREAKS)
def test_line_breaks(text, blank, escape):
    assert list(replace_breaks(["x", text])) == ["x", blank]
    assert list(escape_breaks(["x", text])) == ["x", escape]


def test_a_comma_is_for_numbers_only():
    cells = [5, Digits("1.10"), "1.10", None, Digits("-0"), Digits("1.5E+400")]
    assert use_decimal_comma(cells) == [5, "1,10", "1.10", None, "-0", "1,5E+400"]
    assert use_decimal_comma(["1.10", 5]) == ["1.10", 5]
