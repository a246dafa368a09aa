"""Rows of the lists: reports, fields, filters, users, account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import (
    Column,
    Field,
    ReportType,
    about,
    as_field,
    lists,
    reports,
)
from comagic_cli.query.suggest import did_you_mean, first_of, suggest_command

Row: TypeAlias = dict[str, Any]

TEXT, NUMBER, YES_NO, MANY = "string", "number", "boolean", "array"
REPORTS = {
    "id": NUMBER,
    "type": TEXT,
    "command": TEXT,
    "name": TEXT,
    "is_favorite": YES_NO,
    "group_id": NUMBER,
    "description": TEXT,
}
FIELDS = {
    "name": TEXT,
    "about": TEXT,
    "type": TEXT,
    "default": YES_NO,
    "sortable": YES_NO,
    "filterable": YES_NO,
    "group": TEXT,
    "documented": YES_NO,
}
LIVE_FIELDS = {"name": TEXT, "title": TEXT} | FIELDS | {"custom": YES_NO}
FILTERS = {
    "field": TEXT,
    "operators": MANY,
    "values": MANY,
    "format": TEXT,
    "title": TEXT,
    "custom": YES_NO,
}
USERS = {"id": NUMBER, "login": TEXT, "name": TEXT, "description": TEXT, "customer_id": NUMBER}
ACCOUNT = {
    "id": NUMBER,
    "name": TEXT,
    "timezone": TEXT,
    "day_points_left": NUMBER,
    "day_points": NUMBER,
    "hour_points_left": NUMBER,
    "hour_points": NUMBER,
    "minute_points_left": NUMBER,
    "minute_points": NUMBER,
}
"""The columns of each list, with their types; the most important first."""
MAX_WIDTH = 40  # characters; a longer text can fold
GAP = 3  # characters between two columns of a table


def as_fields(columns: Mapping[str, str]) -> tuple[Field, ...]:
    """Make the fields that a sink writes."""
    return tuple(Field(name, type_) for name, type_ in columns.items())


def fitting(columns: Mapping[str, str], rows: Sequence[Row], width: int) -> dict[str, str]:
    """Return the first columns that fit a width of characters; at least two."""
    fit: dict[str, str] = {}
    room = width + GAP
    for name, type_ in columns.items():
        texts = [_text(row.get(name)) for row in rows]
        room -= min(max(map(len, [name, *texts])), MAX_WIDTH) + GAP
        if room < 0 and len(fit) > 1:
            break
        fit[name] = type_
    return fit


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return "" if value is None else str(value)


def find_command(typed: str) -> ReportType:
    """Find a report of the catalogue by its command, its type or its method.

    Raises `UsageProblem`.
    """
    for report in (*reports(), *lists()):
        if typed in {report.command, report.kind, report.method}:
            return report
    names = {report.command: report.command for report in reports()}
    others = {entry.command: entry.command for entry in lists()}
    raise UsageProblem(
        f"there is no report {typed!r}",
        hint=suggest_command(typed, names, others, 0.7) or f"Reports: {', '.join(names)}.",
    )


def report_rows(listed: Iterable[Row], kind: str | None) -> list[Row]:
    """List the account's reports, all or of one type, with the commands that export them."""
    commands = {report.kind: report.command for report in reports()}
    return [
        row | {"command": commands.get(str(row.get("type")))}
        for row in listed
        if kind is None or row.get("type") == kind
    ]


def explain_no_reports(kind: str, listed: Iterable[Row]) -> str:
    """Say that there is no report of a type, and which types there are."""
    kinds = list(dict.fromkeys(str(row["type"]) for row in listed if row.get("type")))
    hint = did_you_mean(kind, kinds) or f"Types: {', '.join(kinds)}."
    return f"the account has no report of the type {kind!r}. {hint}"


def field_rows(report: ReportType, columns: Sequence[Column] = ()) -> list[Row]:
    """List a report's fields, and the account's columns that the catalogue lacks."""
    by_name = {column.id: column for column in columns}
    fields = (*report.fields, *report.undocumented)
    names = {field.name for field in fields}
    rows = [_field_row(report, field, by_name.get(field.name)) for field in fields]
    return rows + [_own_row(column) for column in by_name.values() if column.id not in names]


def _field_row(report: ReportType, field: Field, column: Column | None) -> Row:
    return {
        "name": field.name,
        "title": column.name if column else None,
        "about": about(report.command, field.name),
        "type": field.type,
        "group": field.group or None,
        "filterable": field.filter,
        "sortable": field.sort,
        "default": field.name in report.default_fields(),
        "documented": field.documented,
        "custom": False,
    }


def _own_row(column: Column) -> Row:
    """Describe a column that only the account has; what is not known is null."""
    field = as_field(column)
    return {
        "name": column.id,
        "title": column.name or None,
        "about": column.description or None,
        "type": field.type or None,
        "group": field.group or None,
        "filterable": None,
        "sortable": None,
        "default": False,
        "documented": None,
        "custom": column.is_custom,
    }


def search(rows: Iterable[Row], words: str, titles: Mapping[str, str] | None = None) -> list[Row]:
    """Return the fields with every word in their name, title or description, in any case.

    `titles` are those that the rows don't have.
    """
    wanted = words.casefold().split()
    matches = []
    for row in rows:
        texts = [row["name"], row["title"], row["about"], (titles or {}).get(row["name"])]
        text = " ".join(str(each or "") for each in texts).casefold()
        if all(word in text for word in wanted):
            matches.append(row)
    return matches


def having(rows: Iterable[Row], words: str, columns: Sequence[str]) -> list[Row]:
    """Return the rows with every word in one of some columns, in any case."""
    wanted = words.casefold().split()
    texts = ((row, " ".join(str(row.get(name) or "") for name in columns)) for row in rows)
    return [row for row, text in texts if all(word in text.casefold() for word in wanted)]


def explain_nothing(report: ReportType, words: str) -> str:
    """Say that no field of a report has the words, and where there may be one."""
    if not report.known:
        return f"the columns of {report.command} are not known: see comagic api {report.method}"
    others = [each.command for each in reports() if search(field_rows(each), words)]
    if others:
        verb = "have" if len(others) > 1 else "has"
        hint = f"{', '.join(others)} {verb} one."
    else:
        hint = did_you_mean(words, [field.name for field in report.known])
    return f"{report.command} has no field with {words!r}. {hint}".rstrip()


def filter_rows(filters: Iterable[Row], field: str | None, report: ReportType) -> list[Row]:
    """List what a report can be filtered by: all fields, or one.

    Raises `UsageProblem` for a field that it can't be filtered by.
    """
    rows = [_filter_row(row) for row in filters]
    if field is None:
        return rows
    if matches := [row for row in rows if row["field"] == field]:
        return matches
    names = [str(row["field"]) for row in rows if row["field"]]
    raise UsageProblem(
        f"{report.command} can't be filtered by {field!r}",
        hint=did_you_mean(field, names, 0.5) or f"It can be by: {first_of(names, MAX_NAMED)}.",
    )


COMPARED = ["=", "!=", "<", ">", "<=", ">="]
OPERATORS = {
    "number": COMPARED,
    "duration": COMPARED,
    "iso8601": COMPARED,
    "boolean": ["=", "!="],
    "array": ["=", "overlap"],
}
TEXT_OPERATORS = ["=", "!=", "in", "not_in", "like", "ilike"]


def documented_filters(report: ReportType) -> list[Row]:
    """List what the documentation says a report or list can be filtered by."""
    return [
        {
            "id": field.name,
            "values": list(field.values) or None,
            "operators": OPERATORS.get(field.type, TEXT_OPERATORS),
            "format": field.type,
        }
        for field in report.filter_fields()
        if field.filter
    ]


MAX_NAMED = 8  # names that a message lists


def _filter_row(row: Row) -> Row:
    operators = row.get("operators")
    return {
        "field": row.get("id"),
        "operators": [_as_typed(each) for each in operators or ()]
        if isinstance(operators, list | None)
        else operators,
        "values": row.get("values"),
        "format": row.get("format"),
        "title": row.get("name"),
        "custom": row.get("is_custom_dimension"),
    }


def _as_typed(operator: Any) -> Any:
    """Write an operator as --where takes it: `is null` for `is_null`."""
    name = operator.get("id", operator) if isinstance(operator, dict) else operator
    return name.replace("_", " ") if isinstance(name, str) else name


def account_rows(accounts: Iterable[Row], limits: Mapping[str, int]) -> list[Row]:
    """Describe the account, and its points per day, hour and minute."""
    points = {}
    for span in ("day", "hour", "minute"):
        points[f"{span}_points_left"] = limits.get(f"{span}_remaining")
        points[f"{span}_points"] = limits.get(f"{span}_limit")
    rows = list(accounts) or [{}]  # the points are known even without an account
    return [row | {"id": row.get("app_id", row.get("id"))} | points for row in rows]
