"""The titles that an account gives its columns."""

from __future__ import annotations

from comagic_cli.fetch.account import Call, objects
from comagic_cli.request.catalog import ReportType

METHOD = "getobj.columns_tree"


def ask_titles(call: Call, report: ReportType) -> dict[str, str]:
    """Ask for the titles of a report's columns, by the columns' ids."""
    kind = report.type or report.method.removeprefix("get.")
    tree = objects(call(METHOD, {"report_type": kind}), METHOD)
    columns = tree[0].get("columns") if tree else None
    return {
        str(column["id"]): column["name"]
        for column in (columns if isinstance(columns, list) else ())
        if isinstance(column, dict) and "id" in column and isinstance(column.get("name"), str)
    }
