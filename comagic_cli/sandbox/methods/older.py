"""The older reports: no report id, no component of their own, and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.sums import SUMS, sites_of
from comagic_cli.sandbox.methods import checks
from comagic_cli.sandbox.methods.refusals import wrong_type, wrong_value

if TYPE_CHECKING:
    from comagic_cli.query.catalog import ReportType
    from comagic_cli.sandbox.methods.checks import Params
    from comagic_cli.sandbox.quirks import Quirks
    from comagic_cli.sandbox.worlds import Worlds

COMMON: Final = ("date_from", "date_till", "fields", "filter", "sort", "limit", "offset")
_UNUSUAL: Final = ("include_ongoing_calls", "include_tech_offline_messages")
"""The parameters that ask for rows that are not there otherwise."""


def params_of(type_: ReportType) -> tuple[str, ...]:
    """Name the parameters of a report."""
    chat = ("chat_id",) if "chat_ids" in type_.params else ()
    return (*COMMON, *type_.params, *chat)


def with_unusual(params: Params) -> bool:
    """Tell whether rows are asked for that are left out otherwise."""
    return any(map(bool, (params.get(name, bool) for name in _UNUSUAL)))


def chats_of(params: Params) -> tuple[int, ...] | None:
    """Return the chats whose messages are asked for; None where a period is."""
    one, several = params.get("chat_id", int), params.get("chat_ids", list)
    if one is None and several is None:
        return None
    for each in several or ():
        if not isinstance(each, int) or isinstance(each, bool):
            raise wrong_type("chat_ids", each, "number")
    return (*(several or ()), *(() if one is None else (one,)))


def is_sum(type_: ReportType) -> bool:
    """Tell whether the rows of a report are sums over the period."""
    return type_.command in SUMS


def sums(
    type_: ReportType, worlds: Worlds, user: int | None, params: Params, period: tuple[int, int]
) -> list[dict[str, Any]]:
    """Sum up a period, given in microseconds with its end excluded."""
    business = worlds.business(user)
    site = params.need("site_id", int) if "site_id" in type_.params else None
    if site is not None and site not in sites_of(business):
        raise wrong_value("site_id", site, "no such site")
    only_default = bool(params.get("only_default_statuses_in_stats", bool))
    return worlds.sums(user, type_, (*period, site, only_default))


def closed_period(params: Params, type_: ReportType, quirks: Quirks, now: int) -> tuple[int, int]:
    """Return the asked period in microseconds, with its end excluded."""
    start, end = checks.period(params, type_, quirks, now)
    return start, end + 1 if quirks.till_inclusive else end
