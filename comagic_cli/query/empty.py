"""Why a filter may match no row: values that the account does not list, and wrong quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from comagic_cli.query.catalog import ReportType
from comagic_cli.query.filter.tree import Tree, is_group
from comagic_cli.query.suggest import by_similarity

QUOTES = "«“„"  # an editor or a web page writes them instead of ' and "
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
OPERATORS = frozenset({"=", "in", "overlap"})  # those that need a value of the list
EXACT = frozenset({"iso8601", "number", "boolean", "duration"})  # types without parts
PHONE = re.compile(r"phone(_number)?s?$")
NOT_DIGITS = re.compile(r"[^0-9]")
LETTER = re.compile(r"[^\W\d_]")
MAX_LISTED = 5  # values that a message names

Listed = Mapping[str, Sequence[str]]  # the values of each field


def text_conditions(tree: Tree) -> list[tuple[str, str]]:
    """Return each field and text that a filter compares for equality."""
    if is_group(tree):
        return [pair for part in tree["filters"] for pair in text_conditions(part)]
    if tree["operator"] not in OPERATORS:
        return []
    value = tree.get("value")
    values = value if isinstance(value, list) else [value]
    return [(tree["field"], each) for each in values if isinstance(each, str)]


def listed_values(filters: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the values of each field whose values the account lists."""
    listed = dict[str, list[str]]()
    for item in filters:
        values = item.get("values")
        names = [
            str(value.get("name", value.get("id"))) if isinstance(value, dict) else str(value)
            for value in (values if isinstance(values, list) else [])
        ]
        if names and isinstance(item.get("id"), str):
            listed[item["id"]] = names
    return listed


def unlisted_values(tree: Tree, report: ReportType, listed: Listed) -> Iterator[str]:
    """Yield a sentence for each value of a filter that the account does not list.

    Of a field without a list, each text may be only a part of a value.
    """
    for name, value in dict.fromkeys(text_conditions(tree)):
        names = (name, *report.field(name).aliases)
        values = next((listed[each] for each in names if each in listed), None)
        if values is None:
            phone = NOT_DIGITS.sub("", value) if PHONE.search(name) else ""
            if len(phone) >= len("9991234") and phone != value:
                yield f"phones are mostly digits only: write {name} like %{phone[-10:]}"
            elif report.field(name).type not in EXACT and LETTER.search(value):
                quoted = value.replace('"', '""')
                yield f'for a part of the text, in any case, write {name} ilike "%{quoted}%"'
        elif same := [each for each in values if each.casefold() == value.casefold()]:
            if value not in same:
                yield f"the account lists no {value!r} for {name}; did you mean {same[0]!r}?"
        elif values:
            first = by_similarity(value, values)[:MAX_LISTED]
            more = f" and {len(values) - MAX_LISTED} more" if len(values) > MAX_LISTED else ""
            yield (f"the account lists no {value!r} for {name}; it lists: {', '.join(first)}{more}")


def wrong_quotes(where: Iterable[str]) -> Iterator[str]:
    """Yield a sentence where filters have quotes that the language of filters does not know."""
    unquoted = "".join(QUOTED.sub("", text) for text in where)
    used = [quote for quote in QUOTES if quote in unquoted]
    if used:
        yield f"{' and '.join(used)} in --where are part of the value: quote it with ' or \""
