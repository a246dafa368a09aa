"""Answers of reports and lists: from the parameters of a call to a page of rows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.query.catalog import Field, ReportType, list_named
from comagic_cli.sandbox.methods import checks, discovery, lists
from comagic_cli.sandbox.methods.accounts import user_of
from comagic_cli.sandbox.methods.pages import COMMON, Pages
from comagic_cli.sandbox.methods.refusals import missed, wrong_value

if TYPE_CHECKING:
    from comagic_cli.sandbox.methods.checks import Params
    from comagic_cli.sandbox.quirks import Quirks
    from comagic_cli.sandbox.worlds import Worlds

    Answer = dict[str, Any]

_FAMILIES: Final = {"older": "older", "list": "directory", "object": "objects"}
"""The modules that answer what is not flat, imported when needed."""
_FLAT: Final = (
    "report_id",
    "report_type",
    "date_from",
    "date_till",
    "fields",
    "filter",
    "sort",
    "limit",
    "offset",
)


class Answers:
    """What the methods of the catalogue answer."""

    def __init__(self, quirks: Quirks, worlds: Worlds) -> None:
        self.quirks = quirks
        self.worlds = worlds
        self._pages = Pages(quirks, worlds)

    def of(self, type_: ReportType, params: Params) -> Answer:
        """Answer a report, a list or an object, as the catalogue describes it."""
        if type_.family == "flat":
            return self._flat(type_, params)
        module = import_module(f"comagic_cli.sandbox.methods.{_FAMILIES[type_.family]}")
        answer: Answer = module.answer(type_, params, self._pages)
        return answer

    def _flat(self, type_: ReportType, params: Params) -> Answer:
        user = user_of(params, self.quirks)
        params.only((*COMMON, *_FLAT, *type_.params))
        self._check_report(type_, params)
        return self._pages.answer(self.worlds.report(user, type_.command), params, user)

    def listed(self, command: str, rows: list[dict[str, Any]], params: Params) -> Answer:
        """Answer a list that has its own rows, filtered and sorted by any of their fields."""
        type_ = list_named(command)
        names = rows[0] if rows else [field.name for field in type_.fields]
        fields = tuple(Field(name, type_.field(name).type or "boolean") for name in names)
        liberal = ReportType(command, type_.method, "", fields, "list")
        return lists.answer_list(liberal, rows, params, self.quirks)

    def _check_report(self, type_: ReportType, params: Params) -> None:
        """Check which report is meant, and the method's own parameters."""
        behaviour = self.quirks.report_type
        told = params.get("report_type", str)
        if behaviour == "refused" and "report_type" in params.values:
            raise checks.unexpected("report_type", params.values["report_type"])
        if behaviour == "required" and told is None:
            raise missed("report_type")
        id_ = params.need("report_id", int)
        if id_ not in discovery.report_ids(type_, self.quirks):
            raise wrong_value("report_id", id_, "no such report")
        if told is not None and told != discovery.type_of(type_):
            raise wrong_value("report_type", told, "another type than the report's")
        if "is_realtime" in type_.params:
            params.need("is_realtime", bool)
