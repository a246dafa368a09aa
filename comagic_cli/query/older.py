"""The older report that has what a flat one has, for accounts without the component of those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from shlex import join
from typing import Any

from comagic_cli.query.catalog import ReportType, report
from comagic_cli.query.filter.tree import Tree, is_group, to_expression

COMPONENT = "Data API для настройки"
NO_COMPONENT = "method_component_disabled"  # the refusal of an account without it
OLDER = {
    "calls": "calls-report",
    "chats": "chats-report",
    "communications": "communications-report",
    "visits": "visitor-sessions-report",
}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "calls": {
        "communication_id": "id",
        "call_start_date_time": "start_time",
        "call_start_date": "start_time",
        "call_start_time": "start_time",
        "call_direction": "direction",
        "call_status": "is_lost",
        "call_type": "source",
        "call_scenario": "scenario_name",
        "call_total_duration": "total_duration",
        "call_await_talk_duration": "wait_duration",
        "call_talk_duration": "talk_duration",
        "call_is_transfer": "is_transfer",
        "call_finish_reason": "finish_reason",
        "call_scenario_actions": "scenario_operations",
        "crm_contact_name": "contact_full_name",
        "call_country_name": "cpn_country_name",
        "call_region_name": "cpn_region_name",
        "employee_rating": "last_answered_employee_rating",
    },
    "chats": {
        "communication_id": "id",
        "chat_start_date_time": "date_time",
        "chat_status": "status",
        "chat_initiator": "initiator",
        "chat_duration": "duration",
        "chat_messages_count": "messages_count",
        "chat_is_transfer": "is_transfer",
        "employees": "employee_full_name",
        "contact_phone_number": "visitor_phone_number",
    },
    "communications": {"communication_id": "id", "communication_date_time": "date_time"},
    "visits": {"visitor_session_id": "id", "visit_date_time": "date_time"},
}
"""Fields that mean the same under another name; all others have their own name, or no equal."""
CODED: Mapping[str, Mapping[str, Any]] = {
    "call_status": {"Принятый": False, "Пропущенный": True},  # is_lost
    "call_direction": {"Входящий": "in", "Исходящий": "out"},
    "call_is_transfer": {"Да": True, "Нет": False},
    "chat_is_transfer": {"Да": True, "Нет": False},
    "chat_initiator": {"Посетитель": "visitor", "Оператор": "operator"},
    "communication_type": {
        "Звонки": "call",
        "Чаты": "chat",
        "Заявки": "offline_message",
        "Цели": "goal",
    },
}
"""The values that the older reports have instead of displayed ones."""
DROPPED = frozenset({"--report-id", "--filter-json", "--where"})
DROPPED_FLAGS = frozenset({"--as-saved", "--realtime", "--record-urls"})
OWN_VALUES = frozenset(
    {"-o", "--output", "--table", "--record-files"}
)  # which may be the name of the report
LISTS = frozenset({"--fields", "--columns", "--sort"})


@dataclass(frozen=True)
class OlderCommand:
    """A command line that exports the same from an older report; `missing` has no equal there."""

    line: str
    missing: tuple[str, ...]

    def __str__(self) -> str:
        lacks = f" (it has no {', '.join(self.missing)})" if self.missing else ""
        return f"{self.line}{lacks}"


def older_command(flat: ReportType, words: Sequence[str], tree: Tree | None) -> OlderCommand | None:
    """Write the command line of an older report for that of a flat one, which has the filter."""
    name = OLDER.get(flat.command)
    if name is None:
        return None
    missing = list[str]()
    found = list(_translate(words, _Names(flat, report(name), missing)))
    if tree is not None:
        equal = _equal(tree, _Names(flat, report(name), missing))
        found += ["--where", to_expression(equal)] if equal else []
    return OlderCommand(join(["comagic", *found]), tuple(dict.fromkeys(missing)))


def older_filter(flat: ReportType, tree: Tree) -> tuple[Tree | None, tuple[str, ...]]:
    """Return an equal filter of the older report, and what has no equal there."""
    missing = list[str]()
    equal = _equal(tree, _Names(flat, report(OLDER[flat.command]), missing))
    return equal, tuple(dict.fromkeys(missing))


@dataclass(frozen=True)
class _Names:
    """The names of fields in the older report; those without one are added to `missing`."""

    flat: ReportType
    older: ReportType
    missing: list[str]

    def find(self, name: str, use: str = "") -> str:
        """Return the name of a field or a group in the older report; "" if it has none.

        `use` is `sort` or `filter`, where the field must allow that.
        """
        equal = FIELDS[self.flat.command].get(name, name)
        groups = {f"@{field.group}" for field in self.older.fields} | {"@default", "@all"}
        field = self.older.find(equal)
        if field is not None and not (getattr(field, use) if use else True):
            self.missing.append(f"{use} by {name}")
        elif field is not None or (equal in groups and not use):
            return equal
        else:
            self.missing.append(name)
        return ""


def _translate(words: Sequence[str], names: _Names) -> Iterator[str]:
    """Yield the words of the command line for the older report."""
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if word == names.flat.command:
            yield names.older.command
        elif word in OWN_VALUES:
            yield from (word, next(rest, ""))
        elif word == "--header=title" or option in DROPPED:
            value = value or next(rest, "")
        elif word == "--header":
            value = next(rest, "")
            yield from () if value == "title" else (word, value)
            value = value or next(rest, "")
        elif option in LISTS:
            parts = (value if equals else next(rest, "")).split(",")
            if equal := ",".join(filter(None, (_part(part, names, option) for part in parts))):
                yield f"{option}={equal}"
        elif word not in DROPPED_FLAGS:
            yield word


def _part(part: str, names: _Names, option: str) -> str:
    """Translate one part of a list: a field, `-field`, `@group` or `field:desc`."""
    part = part.strip()
    minus = "-" * part.startswith("-")
    name, colon, order = part.removeprefix("-").partition(":")
    equal = names.find(name, "sort" if option == "--sort" else "")
    return f"{minus}{equal}{colon}{order}" if equal else ""


def _equal(tree: Tree, names: _Names) -> Tree | None:
    """Return an equal filter of the older report; `None`, if it has none."""
    if is_group(tree):
        parts = [_equal(part, names) for part in tree["filters"]]
        known = [part for part in parts if part is not None]
        return {**tree, "filters": known} if len(known) == len(parts) else None
    name = names.find(tree["field"], "filter")
    values = CODED.get(tree["field"]) or _own_values(names.older, name)
    if not name or (values and not _is_coded(tree.get("value"), values)):
        names.missing.extend([f"equal of {to_expression(tree)}"] if name else [])
        return None
    if not values or tree.get("value") is None:
        return {**tree, "field": name}
    value = tree["value"]
    coded = [values[each] for each in value] if isinstance(value, list) else values[value]
    return {**tree, "field": name, "value": coded}


def _own_values(older: ReportType, name: str) -> Mapping[str, Any]:
    """Return the documented values of a field of texts: others would match nothing."""
    field = older.field(name)
    return {value: value for value in field.values} if field.type == "string" else {}


def _is_coded(value: Any, values: Mapping[str, Any]) -> bool:
    each = value if isinstance(value, list) else [value]
    return all(one is None or one in values for one in chain(each))
