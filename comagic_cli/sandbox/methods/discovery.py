"""What can be asked for: reports, columns, filters, saved states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from comagic_cli.query.catalog import Field, ReportType, flat_reports
from comagic_cli.sandbox.data.business import words
from comagic_cli.sandbox.methods.filters import LISTED, format_of
from comagic_cli.sandbox.methods.refusals import wrong_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from comagic_cli.sandbox.quirks import Quirks

FIRST_REPORT: Final = 1001
_NEXT_OF_TYPE: Final = 1000  # the second report of a type has an id so much higher
_SAVED: Final = 8  # columns of a saved report

# Fields that are answered, and listed by the columns tree, though no table documents them.
UNDOCUMENTED: Final[Mapping[str, tuple[str, ...]]] = {
    "calls": ("employee_rating",),
    "mgf-calls": ("tags", "call_start_date_time", "call_processed_mark_duration"),
    "call-details": ("deals", "communication_number", "call_redirection_info"),
    "person-details": ("communications_count",),
    "leads": ("lead_current_funnel",),
}
ANSWERED_AS: Final[Mapping[str, str]] = {
    "communicatons_count": "communications_count",
    "redirection_info": "call_redirection_info",
}
"""Fields whose documented names have a slip: the answer has the other name."""
_ABOUT_COLUMNS: Final = frozenset(
    (
        *("getobj.dimensions_tree", "getobj.custom_dimension", "getobj.benchmarking_table"),
        *("getobj.custom_formula_column", "getobj.custom_metric_column", "getobj.person_summary"),
        *("get.custom_filters", "get.custom_dimension_templates", "get.metrics"),
        *("get.metric_filters", "get.column_transfer_reports_list", "get.person_events"),
    )
)
_LISTS: Final[Mapping[str, str]] = {"visit_weekday": "weekday", "visit_month": "month"}
_DATA_TYPES: Final[Mapping[str, str]] = {
    "number": "integer",
    "iso8601": "datetime",
    "object": "list",
    "array": "json_object",
    "boolean": "list",
}


def type_of(report: ReportType) -> str:
    """Return a report's type; where the catalogue has none, its method's name is its type."""
    return report.type or report.method.removeprefix("get.")


def report_ids(report: ReportType, quirks: Quirks) -> list[int]:
    """Return the ids of the account's reports of that type."""
    place = flat_reports().index(report)
    return [FIRST_REPORT + place + _NEXT_OF_TYPE * more for more in range(quirks.reports_per_type)]


def reports_list(quirks: Quirks) -> list[dict[str, Any]]:
    """List the account's reports."""
    listed = []
    for report in flat_reports():
        for place, id_ in enumerate(report_ids(report, quirks)):
            name = words()["report_names"][report.command]
            listed.append(_listed(id_, type_of(report), name + f" ({place + 1})" * bool(place)))
    return listed


def _listed(id_: int, type_: str, name: str) -> dict[str, Any]:
    return {
        "id": id_,
        "type": type_,
        "name": name,
        "description": None,
        "group_id": 1,
        "sort": id_ - FIRST_REPORT,
        "is_mobile": False,
        "is_editable": True,
        "is_system": id_ < FIRST_REPORT + _NEXT_OF_TYPE,
        "is_deletable": id_ >= FIRST_REPORT + _NEXT_OF_TYPE,
        "is_favorite": id_ == FIRST_REPORT,
        "date_time_added_to_favorite": "2025-02-03 10:11:12" if id_ == FIRST_REPORT else None,
    }


def report_types() -> list[dict[str, Any]]:
    """List the types of reports."""
    return [
        {
            "id": type_of(report),
            "name": words()["report_names"][report.command],
            "configuration": "flat",
            "is_mobile": False,
        }
        for report in flat_reports()
    ]


def is_of_flat_reports(method: str) -> bool:
    """Tell whether a method needs the component of the flat reports."""
    flat = {report.method for report in flat_reports()}
    about_reports = ("get.report_", "get.reports_", "getobj.report_", "getobj.columns_")
    return method in flat or method.startswith(about_reports) or method in _ABOUT_COLUMNS


def by_type(type_: str) -> ReportType:
    """Find a report by its type, or refuse."""
    for report in flat_reports():
        if type_of(report) == type_:
            return report
    raise wrong_value("report_type", type_, ", ".join(map(type_of, flat_reports())))


def by_id(id_: int, quirks: Quirks) -> ReportType:
    """Find a report by its id, or refuse."""
    for report in flat_reports():
        if id_ in report_ids(report, quirks):
            return report
    raise wrong_value("report_id", id_, "no such report")


def answered(report: ReportType) -> list[Field]:
    """Return the fields that the service answers: the documented ones, and some others."""
    more = UNDOCUMENTED.get(report.command, ())
    documented = [field for field in report.fields if field.documented]
    return documented + [report.field(name) for name in more]


def columns_tree(report: ReportType, quirks: Quirks) -> dict[str, Any]:
    """Return a report's columns and their groups; the group of plain columns has no id."""
    fields = [(field, field.group, False) for field in answered(report)]
    fields = [one for one in fields if one[0].name not in ANSWERED_AS]
    fields += [(Field(name), "custom", True) for name in quirks.columns]
    groups = list(dict.fromkeys(group for _, group, _ in fields))
    ids = {group: place or None for place, group in enumerate(sorted(groups))}
    return {
        "columns_groups": [_group(ids[name], name, place) for place, name in enumerate(groups)],
        "columns": [
            _column(field, ids[group], place, custom=custom)
            for place, (field, group, custom) in enumerate(fields)
        ],
    }


def _group(id_: int | None, name: str, place: int) -> dict[str, Any]:
    return {
        "id": id_,
        "name": words()["group_names"][name or "common"],
        "description": None,
        "parent_group_id": None,
        "sort": place,
    }


def _column(field: Field, group: int | None, place: int, *, custom: bool) -> dict[str, Any]:
    return {
        "id": field.name,
        "name": _named(field.name),
        "description": None,
        "group_id": group,
        "sort": place,
        "is_custom": custom,
        "type": "base",
        "expression": None,
        "data_type": _data_type(field),
        "default_width": 150,
        "is_transferable": True,
        "is_pie_chart_available": field.type == "object",
        "multichannel_model": None,
        "filter": _operators(format_of(field)) if field.filter else None,
    }


def _data_type(field: Field) -> str:
    special = {
        "tags": "tag_json_object",
        "employees": "employee_list",
        "segments": "segment_list",
        "deals": "deal_list",
    }
    by_format = {"text": "string", "date": "date", "duration": "time"}
    return (
        special.get(field.name)
        or by_format.get(format_of(field))
        or _DATA_TYPES.get(field.type, "string")
    )


def _named(name: str) -> str:
    return str(words()["column_names"].get(name) or f"Столбец {name}")


def report_filters(report: ReportType, quirks: Quirks) -> list[dict[str, Any]]:
    """List what a report can be filtered by."""
    fields = [field for field in report.fields if field.filter and field.documented]
    fields += [Field(name) for name in (*quirks.columns, *quirks.dimensions)]
    allowed = [field for field in fields if field.name not in quirks.filters_prohibited]
    return [_filter(field, custom=field.name in quirks.dimensions) for field in allowed]


def _filter(field: Field, *, custom: bool) -> dict[str, Any]:
    return {
        "id": field.name,
        "name": _named(field.name),
        "description": None,
        **_operators(format_of(field)),
        "values": _values(field),
        "is_custom_dimension": custom,
    }


def _operators(format_: str) -> dict[str, Any]:
    return {
        "format": format_,
        "operators": [
            {"id": name, "name": name, "is_default": name == "="} for name in LISTED[format_]
        ],
    }


def _values(field: Field) -> list[str]:
    """List the display names of a closed list's values."""
    if field.name == "communication_type":
        return list(words()["kinds"].values())
    if field.name == "tags":
        return [name for _, name, _ in words()["tags"]]
    if field.type != "object":
        return []
    list_ = "yes_no" if "is_" in field.name else _LISTS.get(field.name, field.name)
    return [value for value, _ in words()["pairs"].get(list_, ())]


def report_state(id_: int, quirks: Quirks) -> dict[str, Any]:
    """Return how a report was last saved in the web account."""
    report = by_id(id_, quirks)
    state = {
        "report_id": id_,
        "columns": list(report.default_fields()[:_SAVED]),
        "filter": None,
        "rapid_filter": None,
        "sort": [{"field": name, "order": "desc"} for name in report.time],
        "date_from": "2026-01-01 00:00:00",
        "date_till": "2026-01-31 23:59:59",
        "dimensions": [],
    }
    return state | dict(quirks.report_state or {})
