"""What the account says of a report's columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.fetch.account import Call, ask_report, objects
from comagic_cli.request.catalog import ReportType
from comagic_cli.request.columns import NAME_OF_CUSTOM, Column

METHOD = "getobj.columns_tree"


def ask_kind(call: Call, report: ReportType, named: str | None) -> str:
    """Return the report's type; where the catalogue has none, that of the report that is named."""
    if report.type is None and named is not None:
        with suppress(UsageProblem):  # a number may be right though no list has it
            return str(ask_report(call, report, named).get("type") or report.kind)
    return report.kind


def ask_columns(call: Call, kind: str) -> tuple[Column, ...]:
    """Return the columns of reports of a type, each once, as the account describes them."""
    trees = objects(call(METHOD, {"report_type": kind}), METHOD)
    columns = {column.id: column for tree in trees for column in _columns(tree.get("columns"))}
    return tuple(columns.values())


def _columns(listed: Any) -> Iterator[Column]:
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            texts = {name: item.get(name) for name in ("name", "description", "data_type")}
            told = {name: text for name, text in texts.items() if isinstance(text, str)}
            custom = item.get("is_custom") is True or NAME_OF_CUSTOM.fullmatch(item["id"])
            yield Column(item["id"], **told, is_custom=bool(custom))
