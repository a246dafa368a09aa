"""Carets under what is wrong, whatever stands before it and however long it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from comagic_cli.cli.console import caret_lines as pointed
from comagic_cli.errors import Place


def drawn(text, start, end, width=80):
    return "\n".join(line[2:] for line in pointed(Place(text, start, end), width))


@pytest.mark.parametrize(
    ("text", "start", "end", "lines"),
    [
        ("size > abc", 7, 10, "size > abc\n       ^^^"),
        ("size >", 6, 6, "size >\n      ^"),
        ("имя = 'Иван' и", 13, 14, "имя = 'Иван' и\n             ^"),
        ("名前 = 値 = 1", 7, 8, "名前 = 値 = 1\n          ^"),
        ("名前 = 値", 5, 6, "名前 = 値\n       ^^"),
        ("e\u0301e\u0301 = x", 7, 8, "e\u0301e\u0301 = x\n     ^"),
        ("a\tb\nc = \x1b[31m", 6, 10, "a b c =  [31m\n      ^^^^"),
        ("a = \udcd0", 4, 5, "a =  \n    ^"),
        ("", 0, 0, ""),
        (" \n ", 0, 0, ""),
    ],
)
def test_the_place_is_pointed_at(text, start, end, lines):
    assert drawn(text, start, end) == lines


LONG = " and ".join(f"field_{n:02} = {n:02}" for n in range(30))


@pytest.mark.parametrize("start", [0, 18, 270, 522])
def test_a_long_text_is_cut_around_the_place(start):
    shown, carets = drawn(LONG, start, start + 8, 40).split("\n")
    assert len(shown) in {36, 37}
    assert LONG[start : start + 8] == shown[carets.index("^") :][:8]
    assert carets.count("^") == 8
    assert shown.startswith("…") is (start > 0)
    assert shown.endswith("…") is (start < 522)


def test_a_place_longer_than_the_line_is_marked_to_its_end():
    assert drawn(f"a = '{'x' * 100}", 4, 105, 30) == (
        "a = 'xxxxxxxxxxxxxxxxxxxx…\n    ^^^^^^^^^^^^^^^^^^^^^"
    )


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60), st.integers(20, 100))
def test_no_line_is_wider_than_the_terminal(text, start, length, width):
    start = min(start, len(text))
    lines = pointed(Place(text, start, min(len(text), start + length)), width)
    assert all(cell_len(line) <= width for line in lines)
    if lines:
        assert set(lines[1].strip()) == {"^"}


def test_without_a_terminal_a_line_has_120_cells_at_most():
    shown, _ = pointed(Place(LONG, 270, 278))
    assert 100 < len(shown) <= 120
