"""Mistakes in expressions: each has its place, and a way out."""

from __future__ import annotations

import pytest
from filters import NOON, ONE, REPORT, TWO, both, either, leaf, raised

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.query.filter.compiler import Filter
from comagic_cli.query.filter.json import JsonFilter

BAD = """
size > abc
       ^^^ 'abc' is not a number
size > '1,5'
       ^^^^^ '1,5' is not a number
size = 0.12345678901234567890
       ^^^^^^^^^^^^^^^^^^^^^^ '0.12345678901234567890' is not a number
size = 1e999
       ^^^^^ '1e999' is not a number
size = ٣
       ^ '٣' is not a number
size in (1, два)
            ^^^ 'два' is not a number
size = 1 000
         ^^^ and, or or the end was expected, not '000'
done = yes
       ^^^ 'yes' is neither true nor false
took > 1:30
       ^^^^ '1:30' is not a length of time
took > 5mon
       ^^^^ '5mon' is not a length of time
took > 5 min
         ^^^ 'min' does not belong to the value
took > 5 минут
         ^^^^^ 'минут' does not belong to the value
took between 10 and 20
     ^^^^^^^ 'between' is not an operator
id = 1 или id = 2
       ^^^ there is no 'или' here
id = 1 и id = 2
       ^ there is no 'и' here
не id = 1
^^ a field is missing before 'не'
at < nowe
     ^^^^ 'nowe': not a date
at = 2026-02-30
     ^^^^^^^^^^ '2026-02-30': there is no day 30: 2026-02 has 28 days
at = '5 октября'
     ^^^^^^^^^^^ '5 октября': not a date
at = 2026-10-05 9:3
     ^^^^^^^^^^^^^^ '2026-10-05 9:3': not a date
at in (2026-10-05, next-week)
                   ^^^^^^^^^ 'next-week': not a date
day = now
      ^^^ day is a day without a time
day >= 2026-10-05 14:30
       ^^^^^^^^^^^^^^^^ day is a day without a time
clock = 25:00
        ^^^^^ '25:00' is not a time of day
clock = 9:30
        ^^^^ '9:30' is not a time of day
size like 5%
     ^^^^ size is a number: like does not go with it
size not like 5%
     ^^^^^^^^ size is a number: not like does not go with it
at regexp 2026
   ^^^^^^ at is a date or time: regexp does not go with it
at overlap (today)
   ^^^^^^^ at is a date or time: overlap does not go with it
took ilike 5
     ^^^^^ took is a length of time: ilike does not go with it
done < true
     ^ done is true or false: < does not go with it
kind > Звонки
     ^ kind is a value of a list: > does not go with it
people >= 5
       ^^ people is a list: >= does not go with it
closed = 1
^^^^^^ calls can't be filtered by closed
size = 1 and closed is null
             ^^^^^^ calls can't be filtered by closed
sise = 1
^^^^ calls has no field 'sise'
size = 1 or (имя = 'Иван')
             ^^^ calls has no field 'имя'
size = 1 and cc_99 = 2
             ^^^^^ calls has no field 'cc_99'
id = 'a
     ^^ the quote is not closed: ' is missing
id = "a and size = 1
     ^^^^^^^^^^^^^^^ the quote is not closed: " is missing
id = 'a'b
        ^ 'b' directly follows the quote
id = Светлый дом
             ^^^ and, or or the end was expected, not 'дом'
id in (Светлый дом)
               ^^^ a comma or parenthesis was expected, not 'дом'
size = 1, size = 2
        ^ and, or or the end was expected, not ','
size = 1 && size = 2
         ^^ there is no '&&' here
size = 1 size = 2
         ^^^^ and, or or the end was expected, not 'size'
size = 1)
        ^ this parenthesis was not opened
size = 1 (size = 2)
         ^ and, or or the end was expected, not '('
(size = 1
^ this parenthesis is not closed
size = 1 and (size = 2 or (size = 3)
             ^ this parenthesis is not closed
(size = 1 id = 2)
          ^^ and, or or the end was expected, not 'id'
()
 ^ a field is missing
id in (a
      ^ this list is not closed
id in ()
       ^ a value is missing after (
id in (a,)
         ^ a value is missing after (
id in (a,,b)
         ^ a value is missing after (
id in a
      ^ in takes a list
id in
     ^ in takes a list
id in (a, null)
          ^^^^ null is not allowed here
id like null
        ^^^^ null is not allowed here
id
  ^ an operator is missing after id
id and size = 1
   ^^^ 'and' is not an operator
id (a)
   ^ an operator is missing after id
id 'a'
   ^^^ an operator is missing after id
id =
    ^ a value is missing after =
id =)
    ^ a value is missing after =
id like
       ^ a value is missing after like
id = and size = 1
     ^^^ a value is missing before 'and'
id = a and
          ^ a field is missing
id = a or or size = 1
          ^^ a field is missing before 'or'
and size = 1
^^^ a field is missing before 'and'
not size = 1
^^^ a field is missing before 'not'
= 1
^ a field is missing
'' = 1
^^ a field is missing
id == a
   ^^ there is no operator ==
id <> a
   ^^ there is no operator <>
id =< a
   ^^ there is no operator =<
id =! a
   ^^ there is no operator =!
id lke a
   ^^^ 'lke' is not an operator
id ~ a
   ^ '~' is not an operator
id is a
      ^ 'is' must be followed by 'null' or 'not null'
id is
     ^ 'is' must be followed by 'null' or 'not null'
id is not a
          ^ 'is' must be followed by 'null' or 'not null'
id not null
       ^^^^ there is no operator not null
id not regexp a
       ^^^^^^ there is no operator not regexp
id not
      ^ there is no operator not
size < null
       ^^^^ null cannot be compared by order
"""
BAD_ROWS = BAD.split("\n")[1:-1]
MISTAKES = list(zip(BAD_ROWS[::2], BAD_ROWS[1::2], strict=True))


@pytest.mark.parametrize(("text", "told"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_mistakes_have_their_place(text, told):
    error = raised(UsageProblem, text)
    carets = told.strip().partition(" ")[0]
    start = told.index("^")
    assert error.message == f"--where: {told.strip().partition(' ')[2]}"
    assert error.place.text == text
    assert error.place.start == start
    assert max(start + 1, error.place.end) == start + len(carets)
    assert "\n" not in error.message + error.hint


def test_the_table_is_as_long_as_it_should_be():
    assert len(MISTAKES) >= 60


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "Example: --where 'FIELD > 60'; see comagic help filters."),
        (" \n", "Example: --where 'FIELD > 60'; see comagic help filters."),
        ("sise = 1", "Did you mean size?"),
        ("qwerty = 1", "See comagic fields calls."),
        ("closed = 1", "See comagic filters calls."),
        ("size like 1", "Operators: =, !=, in, not in, is null, is not null, <, >, <=, >=."),
        ("size > '1,5'", "Write 1.5."),
        ("size > many", "Write digits, as 60 or 0.5."),
        ("done = 1", "Write true or false."),
        ("took = long", "Write seconds, 90s, 5m, 2h or 00:01:30."),
        ("id == a", "Write =."),
        ("id <> a", "Write !=."),
        ("id = a && id = b", "Write and."),
        ("id lke a", "Did you mean like?"),
        ("id not_in (a)", "Did you mean not in?"),  # as the API writes it
        ("id not_ilike a", "Did you mean not ilike?"),
        ("id NOT_OVERLAP (a)", "Did you mean not overlap?"),
        ("id is_null", "Did you mean is null?"),
        ("id is_not_null", "Did you mean is not null?"),
        ("id = two words", "Quote a value that has blanks, commas or parentheses: 'two words'."),
        ("id = 'a'b'", "Double a quote that is part of the value: 'a''b'."),
        ("id = and", "If it is the value, quote it: 'and'."),
        ("id in a", "Write in ('a', 'b')."),
        ("size < null", "Write is null or is not null."),
        ("took > 5 min", "Write a duration without a blank: 90s, 5m or 2h."),
        ("took between 10 and 20", "Write took >= 10 and took <= 20."),
        ("at between '2026-10-05 9:30' and 7d", "Write at >= '2026-10-05 9:30' and at <= 7d."),
        ("took between", "Write took >= 10 and took <= 20."),
        ("id = 1 или id = 2", "Write or."),
        ("id = 1 И id = 2", "Write and."),
        ("id не in (1)", "Did you mean not?"),
    ],
)
def test_mistakes_have_a_way_out(text, hint):
    assert raised(UsageProblem, text).hint == hint


def test_what_is_no_text_is_pointed_at():
    error = raised(UsageProblem, "id = a\udcd0\udcd1")
    assert (error.message, error.place.start, error.place.end) == (
        "--where: this is not UTF-8 text",
        6,
        8,
    )


def test_unknown_fields_are_told_last_since_the_account_may_have_them():
    assert raised(UnknownField, "cc_99 = 1", "size = 1").field == "cc_99"
    for where in (["cc_99 = 1 and size = a"], ["cc_99 = 1", "size = a"]):
        error = raised(UsageProblem, *where)
        assert not isinstance(error, UnknownField)
        assert error.message == "--where: 'a' is not a number"


def test_parentheses_without_end_are_a_mistake_not_a_crash():
    error = raised(UsageProblem, "(" * 5000 + "size = 1" + ")" * 5000)
    assert error.message == "--where: more than 50 nested parentheses"
    assert (error.place.start, error.place.end) == (50, 51)
    fifty = Filter(("(" * 50 + "size = 1" + ")" * 50,))
    assert fifty.tree(REPORT, lambda: NOON) == ONE


def pairs(count, inner, outer):
    return f" {outer} ".join(f"(size = {n} {inner} id = {n})" for n in range(count))


def test_what_is_too_deep_is_looked_for_behind_what_is_not():
    third = f"({pairs(12, 'and', 'or')})"
    text = f"(size = 1 and id = 1) or ({third} and ({pairs(12, 'or', 'and')}))"
    place = raised(UsageProblem, text).place
    assert text[place.start : place.end] == third


@pytest.mark.parametrize(("count", "much"), [(7, "910"), (12, "more than 500")])
def test_what_is_too_deep_is_pointed_at_where_the_third_level_begins(count, much):
    text = f"({pairs(count, 'and', 'or')}) and ({pairs(count, 'or', 'and')})"
    error = raised(UsageProblem, text)
    assert error.message == (
        "--where: this is nested too deeply: "
        f"the API takes 2 levels, and as 2 it would be {much} conditions, 99 at most"
    )
    assert text[error.place.start : error.place.end] == "(size = 0 and id = 0)"
    assert error.hint == "Write in ('a', 'b') for values of one field, or make two exports."


def test_a_date_can_be_the_third_level():
    def days(count):
        return " and ".join(f"(size = {n} or at = 2026-10-{n:02})" for n in range(1, count + 1))

    error = raised(UsageProblem, days(26))
    assert "it would be 104 conditions" in error.message
    assert error.place.text[error.place.start : error.place.end] == "at = 2026-10-01"
    assert Filter((days(24),)).tree(REPORT, lambda: NOON)["condition"] == "and"


def test_filters_that_are_too_deep_together_are_named():
    given = JsonFilter("a file", either(*(both(leaf("id", "=", f"{n}"), TWO) for n in range(9))))
    other = either(*(both(leaf("id", "=", f"{n}"), leaf("took", "=", n)) for n in range(9)))
    error = raised(UsageProblem, pairs(9, "or", "and"), given=[given, JsonFilter("another", other)])
    assert error.message.startswith(
        "a file, another, --where: joined by and, it is nested too deep"
    )
    assert error.place is None
