"""Filters: trees of conditions, checked as the API checks them and evaluated plainly.

As in SQL, nothing matches nothing: a null satisfies only `is_null` (and `= null`). An array matches
by any of its items, and the negated operators by none of them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.methods.refusals import Refusal, missed, wrong_type, wrong_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from comagic_cli.query.catalog import Field
    from comagic_cli.sandbox.data.business import Row
    from comagic_cli.sandbox.quirks import Quirks

    Test = Callable[[Row], bool]
    Compare = Callable[[Any], bool]

LEVELS: Final = 2

_EQUAL = ("=", "!=", "is_null", "is_not_null", "in", "not_in")
_ORDER = ("<", ">", "<=", ">=")
_TEXT = ("like", "ilike", "not_like", "not_ilike", "regexp")
_ITEMS = ("overlap", "not_overlap", "jsquery")

FORMATS: Final[Mapping[str, str]] = {
    "string": "text",
    "number": "numeric",
    "boolean": "system",
    "iso8601": "timestamptz",
    "duration": "duration",
    "object": "list",
    "array": "text_list",
    "": "text",
}
OPERATORS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": _EQUAL + _ORDER + _TEXT + _ITEMS,
    "numeric": _EQUAL + _ORDER,
    "system": _EQUAL,
    "timestamptz": _EQUAL + _ORDER,
    "duration": _EQUAL + _ORDER,
    "date": _EQUAL + _ORDER,
    "list": _EQUAL + _TEXT + _ITEMS,
    "system_list": _EQUAL + _TEXT + _ITEMS,
    "text_list": _EQUAL + _TEXT + _ITEMS,
}
_LISTED_EQUAL = ("=", "!=", "is_null", "is_not_null")
_LISTED_TEXT = ("=", "!=", "ilike", "not_ilike", "is_null", "is_not_null")
_LISTED_ORDER = ("=", "!=", "<", ">", "is_null", "is_not_null")
LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "text": _LISTED_TEXT,
    "list": _LISTED_TEXT,
    "text_list": _LISTED_TEXT,
    "system": _LISTED_EQUAL,
    "system_list": _LISTED_EQUAL,
    "date": _LISTED_ORDER,
    "numeric": _LISTED_ORDER,
    "timestamptz": _LISTED_ORDER,
    "duration": _LISTED_ORDER,
}
"""The operators that the account lists by format; the documentation has more."""
TEXT_IDS: Final = frozenset({"visitor_id", "person_id", "visitor_session_id"})
"""Ids that are numbers in rows and texts in filters."""
_FORMATS_BY_NAME: Final[Mapping[str, str]] = {
    **dict.fromkeys(TEXT_IDS, "text"),
    "communication_type": "system_list",
    "total_duration": "duration",
}
_ALL: Final = frozenset(name for names in OPERATORS.values() for name in names)
_NEGATED: Final[Mapping[str, str]] = {
    "!=": "=",
    "not_in": "in",
    "not_like": "like",
    "not_ilike": "ilike",
    "not_overlap": "overlap",
}
_TIMES: Final[Mapping[str, str]] = {
    "YYYY-MM-DD hh:mm:ss": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "YYYY-MM-DD": r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?",
    "hh:mm:ss": r"\d\d:\d\d:\d\d",
}
_CLOCK: Final = re.compile(r"(\d+):(\d\d):(\d\d)")


def format_of(field: Field) -> str:
    """Return the format that the account lists for a field."""
    if field.format == "YYYY-MM-DD":
        return "date"
    return _FORMATS_BY_NAME.get(field.name) or FORMATS.get(field.type, "text")


class Filters:
    """What filters of one report may name, and how a row's values are had.

    `find` finds a permitted field or refuses; `maker` makes a field of a row; `quirks` say
    which operators are taken, and whether a value may be a value_id.
    """

    def __init__(
        self,
        find: Callable[[str], Field],
        maker: Callable[[str], Callable[[Row], Any]],
        quirks: Quirks,
    ) -> None:
        self._find = find
        self._maker = maker
        self._quirks = quirks

    def test(self, tree: Any, level: int = 1) -> Test:
        """Turn a tree into a test of rows, or refuse it."""
        if not isinstance(tree, dict):
            raise wrong_type("filter", tree, "object")
        is_group = bool(tree.get("filters")) or (
            "field" not in tree and not tree.keys().isdisjoint({"filters", "condition"})
        )
        return self._joined(tree, level) if is_group else self._condition(tree)

    def _joined(self, tree: Mapping[str, Any], level: int) -> Test:
        _only_members(tree, {"filters", "condition"})
        parts, condition = tree.get("filters"), tree.get("condition", "and")
        if level > LEVELS:
            raise wrong_value("filter", tree, f"more than {LEVELS} nested levels")
        if not isinstance(parts, list):
            raise missed("filters") if parts is None else wrong_type("filters", parts, "array")
        if condition not in {"and", "or"}:
            raise wrong_value("condition", condition, "and, or")
        tests = [self.test(part, level + 1) for part in parts]
        if not tests:
            return lambda _row: True
        every = all if condition == "and" else any
        return lambda row: every(test(row) for test in tests)

    def _condition(self, tree: Mapping[str, Any]) -> Test:
        _only_members(tree, {"field", "operator", "value", "filters", "condition"})
        name, operator = (_text_member(tree, member) for member in ("field", "operator"))
        field = self._find(name)
        format_ = format_of(field)
        listed = LISTED if self._quirks.operators == "listed" else OPERATORS
        allowed = [name for name in listed[format_] if name not in self._quirks.operators_refused]
        if operator not in allowed:
            why = f"{field.name} takes {', '.join(allowed)}" if operator in _ALL else ""
            raise wrong_value("operator", operator, why)
        value, make = tree.get("value"), self._maker(field.name)
        if operator in {"is_null", "is_not_null"} or (value is None and operator in {"=", "!="}):
            wanted = operator in {"is_null", "="}
            return lambda row: (not self._values(field, make(row))) == wanted
        compare = _compare(_NEGATED.get(operator, operator), field, value)
        return self._matches(field, make, compare, negated=operator in _NEGATED)

    def _matches(
        self, field: Field, make: Callable[[Row], Any], compare: Compare, *, negated: bool
    ) -> Test:
        def test(row: Row) -> bool:
            values = self._values(field, make(row))
            return bool(values) and any(map(compare, values)) != negated

        return test

    def _values(self, field: Field, value: Any) -> list[Any]:
        """List all that a value may be called in a filter; nothing where it is null."""
        if isinstance(value, dict) and "value_id" in value:
            found = [value["value"]]
            found += [value["value_id"]] if self._quirks.filter_value_ids else []
            return (
                [name for name in found if name is not None] if value["value"] is not None else []
            )
        return [item for item in plain_items(value, field.type) if item is not None]


def plain_items(value: Any, type_: str) -> list[Any]:
    """Turn a value into the scalars that conditions see."""
    if isinstance(value, list):
        return [_plain_item(item) for item in value]
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        return [_plain_item(item) for item in value["items"]]
    return [plain(value, type_)]


def plain(value: Any, type_: str) -> Any:
    """Turn a value into one scalar: what it shows, a duration in seconds, else its JSON."""
    if isinstance(value, dict):
        return value["value"] if "value" in value else _plain_item(value) if value else None
    if isinstance(value, list):
        return as_json(value) if value else None
    return to_seconds(value) if type_ == "duration" else value


def _plain_item(item: Any) -> Any:
    if isinstance(item, dict):
        if len(item) == 1:
            return next(iter(item.values()))
        return item.get("name", as_json(item))
    return item


def as_json(value: Any) -> str:
    """Write a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_seconds(value: Any) -> Any:
    """Turn `HH:MM:SS` into seconds; anything else stays."""
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    hours, minutes, seconds = map(int, found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _only_members(tree: Mapping[str, Any], known: set[str]) -> None:
    for member in tree:
        if member not in known:
            raise Refusal(
                "unexpected_parameters",
                f'Unexpected parameter "{member}" in the filter',
                field=f"filter.{member}",
                value=member,
            )


def _text_member(tree: Mapping[str, Any], member: str) -> str:
    value = tree.get(member)
    if value is None:
        raise missed(member)
    if not isinstance(value, str):
        raise wrong_type(member, value, "string")
    return value


def _compare(operator: str, field: Field, value: Any) -> Compare:
    if operator in {"in", "overlap"}:
        return _among(operator, field, value)
    _check(field, value)
    if operator in _ORDER:
        return _ordered(operator, to_seconds(value) if field.type == "duration" else value)
    if operator == "=":
        return _equal(field, value)
    if not isinstance(value, str):
        raise wrong_type("value", value, "string")
    if operator == "jsquery":  # simplified: the text stands in the value's JSON
        return lambda found: value in as_json(found)
    return _pattern(operator, value)


def _among(operator: str, field: Field, value: Any) -> Compare:
    items = [value] if operator == "overlap" and not isinstance(value, list) else value
    if not isinstance(items, list):
        raise wrong_type("value", value, "array")
    for item in items:
        _check(field, item)
    tests = [_equal(field, item) for item in items]
    return lambda found: any(test(found) for test in tests)


def _check(field: Field, value: Any) -> None:
    """Refuse a value that is of another type than the field."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if field.name in TEXT_IDS:
        number = True  # ids are compared as texts
    if field.type == "number" and not number:
        raise wrong_type("value", value, "number")
    if field.type == "boolean" and not isinstance(value, bool):
        raise wrong_type("value", value, "boolean")
    if field.type == "duration" and not (number or type(to_seconds(value)) is int):
        raise wrong_type("value", value, "number")
    if field.type == "iso8601":
        _check_time(field, value)
    if isinstance(value, dict | list) or value is None:
        raise wrong_type("value", value, "string")


def _check_time(field: Field, value: Any) -> None:
    if not isinstance(value, str):
        raise wrong_type("value", value, "iso8601")
    wanted = field.format or "YYYY-MM-DD hh:mm:ss"
    if not re.fullmatch(_TIMES[wanted], value, re.ASCII):
        raise wrong_value("value", value, wanted)


def _equal(field: Field, value: Any) -> Compare:
    if field.type == "iso8601" and field.format == "YYYY-MM-DD":
        return lambda found: found == value[:10]
    if field.type in {"number", "boolean", "duration"} and field.name not in TEXT_IDS:
        wanted = to_seconds(value)
        return lambda found: found == wanted
    text = _text(value)
    return lambda found: _text(found) == text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value)


def _ordered(operator: str, value: Any) -> Compare:
    tests: Mapping[str, Callable[[Any, Any], bool]] = {
        "<": lambda found, wanted: found < wanted,
        ">": lambda found, wanted: found > wanted,
        "<=": lambda found, wanted: found <= wanted,
        ">=": lambda found, wanted: found >= wanted,
    }
    test = tests[operator]
    return lambda found: test(*_alike(found, value))


def _alike(found: Any, wanted: Any) -> tuple[Any, Any]:
    """Make two values comparable: ids are numbers here and text there."""
    numbers = _number(found), _number(wanted)
    if None not in numbers and not isinstance(found, str):
        return numbers
    return _text(found), _text(wanted)


def _number(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    try:
        return int(value)
    except ValueError:
        return None


def _pattern(operator: str, value: str) -> Compare:
    try:
        compiled = re.compile(value if operator == "regexp" else like(value), _flags(operator))
    except re.error as broken:
        raise wrong_value("value", value, str(broken)) from None
    match = compiled.search if operator == "regexp" else compiled.fullmatch
    return lambda found: match(_text(found)) is not None


def _flags(operator: str) -> re.RegexFlag:
    return re.DOTALL | (re.IGNORECASE if operator == "ilike" else re.NOFLAG)


def like(pattern: str) -> str:
    r"""Turn a pattern of SQL's `like` into a regular expression: `%`, `_` and `\` as in SQL."""
    parts: Sequence[str] = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
