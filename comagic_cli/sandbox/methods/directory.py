"""Lists of what an account has: their parameters, and the rows that these choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.lists.directory import rows_of_list
from comagic_cli.sandbox.data.rhythm import micros
from comagic_cli.sandbox.methods import checks
from comagic_cli.sandbox.methods.accounts import user_of
from comagic_cli.sandbox.methods.lists import answer_list
from comagic_cli.sandbox.methods.pages import COMMON
from comagic_cli.sandbox.methods.refusals import wrong_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comagic_cli.query.catalog import ReportType
    from comagic_cli.sandbox.methods.checks import Params
    from comagic_cli.sandbox.methods.pages import Pages

    Records = Sequence[dict[str, Any]]

_PERIOD: Final = ("date_from", "date_till")
_PAGE: Final = ("limit", "offset")


def answer(type_: ReportType, params: Params, pages: Pages) -> dict[str, Any]:
    """Answer a list."""
    worlds, user = pages.worlds, user_of(params, pages.quirks)
    check_params(type_, params, pages, user)
    business = worlds.business(user)

    def make() -> Records:
        return rows_of_list(type_, business, worlds.span_of(user, business))

    rows = _chosen(type_, worlds.remember((user, type_.command), make), params)
    return answer_list(type_, rows, params, pages.quirks)


def check_params(type_: ReportType, params: Params, pages: Pages, user: int | None) -> None:
    """Check the parameters of a list or an object."""
    params.only((*COMMON, *_params_of(type_)))
    _check_own_params(type_, params)
    if type_.dated:
        checks.period(params, type_, pages.quirks, micros(pages.worlds.local_now(user)))


def _params_of(type_: ReportType) -> tuple[str, ...]:
    """Name the parameters that a list or an object takes: its own, and those of all lists."""
    sort = ("sort",) if type_.takes else ()
    period = _PERIOD if type_.dated else ()
    return (*type_.params, *type_.takes, *sort, *period, *(_PAGE if type_.paged else ()))


def _check_own_params(type_: ReportType, params: Params) -> None:
    """Check that the list's own parameters are there, and of their types."""
    kinds = {"string": str, "number": int, "boolean": bool, "array": list, "object": dict}
    for name, param in type_.params.items():
        kind = kinds[param.type]
        value = params.need(name, kind) if param.required else params.get(name, kind)
        if isinstance(value, str) and param.values and value not in param.values:
            raise wrong_value(name, value, ", ".join(param.values))


def _chosen(type_: ReportType, records: Records, params: Params) -> Records:
    """Return the rows that the list's own parameters choose.

    An optional parameter with the name of a field chooses rows; a required one is what they show.
    """
    own = {name: params.values.get(name) for name in type_.params}
    ids = own.get("ids")
    if isinstance(ids, list):
        return _named(type_, records, ids)
    for name, value in own.items():
        if value is None or type_.find(name) is None or name in type_.key:
            continue
        if type_.params[name].required:
            records = [{**row, name: value} for row in records]
        else:
            records = [row for row in records if row[name] == value]
    return records


def _named(type_: ReportType, records: Records, ids: list[Any]) -> Records:
    """Return the rows of ids; where the list needs them, each has a row."""
    if not type_.params["ids"].required:
        return [row for row in records if row["id"] in ids]
    return [{**records[place % len(records)], "id": id_} for place, id_ in enumerate(ids)]
