"""Ids read from text: a list, a column of CSV or TSV, or a member of JSON or JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Container, Iterator
from typing import Any, NamedTuple, TypeAlias

from comagic_cli.errors import UsageProblem

SEPARATOR = re.compile(r"[\s,;]+")
COMMENT = re.compile(r"#.*")
ID = re.compile(r"\d{1,18}", re.ASCII)  # what 64 bits hold
MAX_QUOTED = 40  # characters of a mistake that a message quotes
EMPTY = ("", '""')  # an empty cell in CSV of one column
DELIMITERS = ("\t", ",", ";")
HINT = (
    "Ids are whole numbers, one or more per line (# begins a comment); or a column "
    "communication_id or person_id of CSV, TSV, JSON or JSON Lines."
)

USER = "user_id"  # the column that tells the customers of an agent apart
USER_TITLES = ("ID пользователя", "User ID")  # in Russian and English
Words: TypeAlias = Iterator[tuple[int, str, str]]  # each with its line and its user


class Id(NamedTuple):
    """An id, and the user of the customer that it belongs to; "" where that is not known."""

    number: int
    user: str = ""


def read_ids(text: str, origin: str, headings: Container[str] = ()) -> Iterator[Id]:
    """Yield the ids of a text, in their order.

    The text is JSON or JSON Lines, or CSV or TSV with a header, where `headings` name the member or
    column, and `user_id` the user of a customer; or a list. Raises `UsageProblem` for what is not
    an id, with `origin` and the line.
    """
    text = text.removeprefix("\ufeff")
    many, unit = "\n" in text.strip(), "line"
    if text.lstrip().startswith("{"):
        words = _read_json_lines(text, origin, headings)
    elif text.lstrip().startswith("["):
        words, unit = _read_array(text, origin, headings), "item"
    else:
        words = _read_table(text, origin, headings) or _read_list(text)
    for number, word, user in words:
        if not ID.fullmatch(word):
            shown = word if len(word) <= MAX_QUOTED else f"{word[:MAX_QUOTED]}…"
            place = f", {unit} {number}" if many else ""
            raise UsageProblem(f"{origin}{place}: {shown!r} is not an id", hint=HINT)
        yield Id(int(word), user if ID.fullmatch(user) else "")


def _read_list(text: str) -> Words:
    """Yield the words of a list, with their lines.

    They are separated by lines, commas, semicolons or blanks, and can be in double quotes. What
    follows `#` is ignored.
    """
    for number, line in enumerate(text.splitlines(), 1):
        for word in SEPARATOR.split(COMMENT.sub("", line).strip()):
            if word not in EMPTY:
                yield number, word.strip('"'), ""


def _read_table(text: str, origin: str, headings: Container[str]) -> Words | None:
    """Return the cells of a column of CSV or TSV; `None` if no column has a heading."""
    for delimiter in DELIMITERS:
        rows = _split(text, delimiter, origin)
        _, header = next(rows, (0, []))
        names = [name.strip(' "') for name in header]
        for place, name in enumerate(names):
            if name in headings:
                users = (names.index(each) for each in (USER, *USER_TITLES) if each in names)
                return _cells(rows, place, next(users, None))
    return None


def _cells(rows: Iterator[tuple[int, list[str]]], place: int, user: int | None) -> Words:
    """Yield the cells of the column of ids that are not empty, and those of the users."""
    for number, row in rows:
        if row[place:] and (word := row[place].strip(' "')):
            yield number, word, "" if user is None else "".join(row[user : user + 1]).strip(' "')


def _split(text: str, delimiter: str, origin: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of CSV or TSV, each with its last line."""
    reader = csv.reader(io.StringIO(text, ""), delimiter=delimiter)
    if delimiter == "\t":  # a quote is part of the text
        reader = csv.reader(io.StringIO(text, ""), delimiter=delimiter, quoting=csv.QUOTE_NONE)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise UsageProblem(f"{origin}, line {reader.line_num}: not CSV", hint=HINT) from error


def _read_json_lines(text: str, origin: str, headings: Container[str]) -> Words:
    """Yield a member of each row of JSON Lines; null is skipped."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise UsageProblem(
                f"{origin}, line {number}: this is not a JSON object", hint=HINT
            ) from error
        yield from _member(row, number, f"{origin}, line {number}", headings)


def _read_array(text: str, origin: str, headings: Container[str]) -> Words:
    """Yield the items of a JSON array, or a member of each; null is skipped."""
    try:
        items = json.loads(text)
    except ValueError as error:
        raise UsageProblem(f"{origin}: this is not a JSON array: {error}", hint=HINT) from error
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            yield from _member(item, number, f"{origin}, item {number}", headings)
        elif item is not None:
            yield number, str(item), ""


def _member(row: dict[str, Any], number: int, place: str, headings: Container[str]) -> Words:
    """Yield the member of a row that is an id, unless it is null."""
    names = [name for name in row if name in headings]
    if not names:
        raise UsageProblem(
            f"{place}: the row has no member with an id; it has {', '.join(row) or 'none'}",
            hint="Export the column with the ids: --fields communication_id.",
        )
    if row[names[0]] is not None:
        yield number, str(row[names[0]]), str(row.get(USER) or "")


def is_number(text: str) -> bool:
    """Return whether a text is a whole number that 64 bits hold."""
    return ID.fullmatch(text) is not None
