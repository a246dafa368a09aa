from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from sinks import page_of, text_fields, written

from comagic_cli.formats.display import escape_controls, share_room
from comagic_cli.query.catalog import Field

FIELDS = [
    Field("id", "number"),
    Field("visitor_name", "string"),
    Field("first_message", "string"),
    Field("cost", "number"),
]
PAGE = page_of(
    '{"id": 1, "visitor_name": "Иванов Иван", "cost": 10,'
    ' "first_message": "Здравствуйте! Есть ли скидка?\\nСпасибо [bold]"}',
    '{"id": 22, "visitor_name": "👩‍👩‍👧 семья", "cost": 1.50,'
    ' "first_message": "幅は二倍です e\\u0301e\\u0301 :smile: https://example.com/abcdefghijklmno"}',
    "{}",
    '{"id": 333, "visitor_name": "\\u001b[31mred\\u202e", "first_message": "MARKd800", "cost": 0}',
    marker="MARK",
)

PLAIN = r"""
 id │ visitor_name      │ first_message                                               │ cost
────┼───────────────────┼─────────────────────────────────────────────────────────────┼─────
  1 │ Иванов Иван       │ Здравствуйте! Есть ли скидка?\nСпасибо [bold]               │   10
 22 │ 👩‍👩‍👧 семья          │ 幅は二倍です éé :smile: https://example.com/abcdefghijklmno │ 1.50
    │                   │                                                             │
333 │ \x1b[31mred\u202e │ \ud800                                                      │    0
"""
AT_60 = r"""
 id │ visitor_name      │ first_message               │ cost
━━━━┿━━━━━━━━━━━━━━━━━━━┿━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┿━━━━━
  1 │ Иванов Иван       │ Здравствуйте! Есть ли       │   10
    │                   │ скидка?\nСпасибо [bold]     │
────┼───────────────────┼─────────────────────────────┼─────
 22 │ 👩‍👩‍👧 семья          │ 幅は二倍です éé :smile:     │ 1.50
    │                   │ https://example.com/abcdefg │
    │                   │ hijklmno                    │
────┼───────────────────┼─────────────────────────────┼─────
    │                   │                             │
333 │ \x1b[31mred\u202e │ \ud800                      │    0
"""
AT_30 = r"""
── 1 ─────────────────────────
id             1
visitor_name   Иванов Иван
first_message  Здравствуйте!
               Есть ли
               скидка?\nСпасиб
               о [bold]
cost           10
── 2 ─────────────────────────
id             22
visitor_name   👩‍👩‍👧 семья
first_message  幅は二倍です éé
               :smile:
               https://example
               .com/abcdefghij
               klmno
cost           1.50
── 3 ─────────────────────────
id
visitor_name
first_message
cost
── 4 ─────────────────────────
id             333
visitor_name   \x1b[31mred\u20
               2e
first_message  \ud800
cost           0
"""


@pytest.mark.parametrize(
    ("width", "drawn"), [(None, PLAIN), (200, PLAIN), (100, PLAIN), (60, AT_60), (30, AT_30)]
)
def test_whole_tables(width, drawn):
    combining = drawn.replace("éé", "e\u0301e\u0301")
    assert "\n" + written("table", FIELDS, PAGE, width=width) == combining


@pytest.mark.parametrize(
    "format_options", [{"width": 30}, {"width": 20, "vertical": True}, {"vertical": True}]
)
def test_the_ends_of_pages_are_not_seen(format_options):
    rows = [json.dumps({"a": "word " * count, "b": 1}) for count in (10, 1, 1, 10, 10, 1)]
    pages = [page_of(row) for row in rows]
    fields = [Field("a", "string"), Field("b", "number")]
    whole = written("table", fields, page_of(*rows), **format_options)
    assert written("table", fields, *pages, **format_options) == whole


NAMES_FOLD = """
               │ is_            │    n_of_
communication_ │ communication_ │ answers_
date           │ with_visit     │  in_talk
───────────────┼────────────────┼─────────
2026-10-05     │ Да             │        7
2026-10-06     │ Нет            │
"""


def test_names_fold_before_texts_do_and_no_lines_are_needed_between_rows():
    names = ["communication_date", "is_communication_with_visit", "n_of_answers_in_talk"]
    rows = [["2026-10-05", "Да", 7], ["2026-10-06", "Нет", None]]
    page = page_of(*(json.dumps(dict(zip(names, row, strict=True))) for row in rows))
    assert "\n" + written("table", text_fields(*names), page, width=42) == NAMES_FOLD


def test_the_first_rows_decide_and_later_ones_fold():
    first = page_of(*['{"a":"four","b":"x"}'] * 1000)
    later = page_of('{"a":"one two","b":123}', '{"a":"1","b":"y"}')
    lines = written("table", text_fields("a", "b"), first, later).splitlines()
    assert lines[-4:] == ["four │ x", "one  │ 12", "two  │ 3", "1    │ y"]


@pytest.mark.parametrize("width", [None, 20, 60, 100])
@pytest.mark.parametrize("pages", [[], [page_of()]])
def test_a_header_without_rows(width, pages):
    drawn = "a  │ visitor_name\n───┼─────────────\n"
    assert written("table", text_fields("a", "visitor_name"), *pages, width=width) == drawn


def test_names_of_too_many_columns_without_rows():
    names = [f"column_{place}" for place in range(30)]
    assert written("table", text_fields(*names), width=60).splitlines() == names


def test_a_column_of_numbers_is_on_the_right_and_one_of_texts_is_not():
    page = page_of('{"n":1,"t":"1"}', '{"n":22.5,"t":22}', '{"n":null,"t":null}')
    assert written("table", text_fields("n", "t"), page).splitlines() == [
        "   n │ t",
        "─────┼───",
        "   1 │ 1",
        "22.5 │ 22",
        "     │",
    ]


COLORED = """
<b>a</b>               │ <b>b</b>
━━━━━━━━━━━━━━━━┿━━━
one two three   │
four            │
────────────────┼───
                │ x
"""
COLORED_BLOCKS = """
<b>── 1 ─────</b>
<dim>a</dim>   one
    two
    three
    four
<dim>b</dim>
<dim>c</dim>
"""


@pytest.mark.parametrize(
    ("names", "width", "rows", "drawn"), [("ab", 20, 2, COLORED), ("abc", 10, 1, COLORED_BLOCKS)]
)
def test_colours_are_for_names_and_lines(names, width, rows, drawn):
    page = page_of(*['{"a":"one two three four"}', '{"b":"x"}'][:rows])
    text = written("table", text_fields(*names), page, width=width, color=True)
    text = text.replace("\x1b[1m", "<b>").replace("\x1b[2m", "<dim>")
    text = re.sub(r"<(b|dim)>(.*?)\x1b\[0m", r"<\1>\2</\1>", text)
    assert "\n" + text == drawn
    assert not re.search("\x1b", written("table", text_fields(*names), page, width=width))


AS_THEY_ARE = [
    "Привет, 世界",
    "👩‍👩‍👧",
    "e\u0301",
    "\u00a0\u3000",
    "\U0001fae8",
    "می\u200cخواهم",
    "❤\ufe0f\u200d🔥",
    "[x] :x:",
]

# A cell, and what is seen of it.
SEEN = [
    (None, ""),
    (5, "5"),
    *((text, text) for text in AS_THEY_ARE),
    ("a\nb\tc\rd", r"a\nb\tc\rd"),
    ("\x00\x07\x1b[2J\x7f\x9b", r"\x00\x07\x1b[2J\x7f\x9b"),
    ("\u202e\u2066\u200f\u2028\ufeff\u00ad", r"\u202e\u2066\u200f\u2028\ufeff\xad"),
    (r"\n", r"\n"),
    ("\u200d a\u200db\u200c", r"\u200d a\u200db\u200c"),
    ("я\u200dя 👩\u200d", r"я\u200dя 👩\u200d"),
]


@pytest.mark.parametrize(("cell", "seen"), SEEN)
def test_what_is_seen_of_a_cell(cell, seen):
    assert escape_controls(cell) == seen


# A text, a width, and its lines.
FOLDED = [
    ("abc", 3, ["abc"]),
    ("abcd", 3, ["abc", "d"]),
    ("ab cd", 3, ["ab", "cd"]),
    ("abc   d", 3, ["abc", "d"]),
    ("ab cdef", 3, ["ab", "cde", "f"]),
    ("a bc d", 4, ["a bc", "d"]),
    ("世界世", 4, ["世界", "世"]),
    ("世界", 3, ["世", "界"]),
    ("世界", 1, ["世", "界"]),  # a column is never narrower than 2
    ("👩‍👩‍👧👩‍👩‍👧", 3, ["👩‍👩‍👧", "👩‍👩‍👧"]),
    ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
    ("[b]ab :x:", 3, ["[b]", "ab", ":x:"]),
]


@pytest.mark.parametrize(("text", "width", "lines"), FOLDED)
def test_how_texts_fold(text, width, lines):
    first, later = page_of(json.dumps({"a": "-" * width})), page_of(json.dumps({"a": text}))
    assert written("table", text_fields("a"), first, later).splitlines()[3:] == lines


# What each column would like, its least, the room, and what it gets.
FITS = [
    ([3, 5], [3, 5], 8, [3, 5]),
    ([3, 50], [3, 12], 20, [3, 17]),
    ([50, 50, 4], [12, 12, 4], 44, [20, 20, 4]),
    ([50, 50], [12, 30], 42, [12, 30]),
    ([50, 50], [12, 30], 50, [20, 30]),
    ([0], [0], 10, [0]),
    ([], [], 10, []),
]


@pytest.mark.parametrize(("wishes", "floors", "room", "widths"), FITS)
def test_how_columns_share_the_room(wishes, floors, room, widths):
    assert share_room(wishes, floors, room) == widths


CELLS = st.none() | st.text() | st.text(st.sampled_from("ab 世👩\u200d\u0301\ufe0fяé\n\x1b│─"))
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=3)


@given(ROWS, ROWS, st.sampled_from([None, 12, 25, 60, 100, 200]))
def test_nothing_is_cut_and_nothing_is_too_wide(first, later, width):
    pages = [
        page_of(*(json.dumps(dict(zip("abc", row, strict=True))) for row in rows))
        for rows in (first, later)
    ]
    text = written("table", text_fields("a", "b", "c"), *pages, width=width)
    assert width is None or all(cell_len(line) <= width for line in text.split("\n"))
    seen = "".join(escape_controls(cell) for row in first + later for cell in row)
    for character in set(seen) - set("abc─│0123456789"):  # those that the table draws itself
        assert character.isspace() or text.count(character) >= seen.count(character)
