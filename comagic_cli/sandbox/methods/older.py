"""The older reports: no report id, no component of their own, and plain values."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.rhythm import micros
from comagic_cli.sandbox.data.sums import SUMS, Summed, sites_of
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
    from comagic_cli.sandbox.worlds import Worlds

_OLDER: Final = ("date_from", "date_till", "fields", "filter", "sort", "limit", "offset")
_UNUSUAL: Final = ("include_ongoing_calls", "include_tech_offline_messages")
"""The parameters that ask for rows that are not there otherwise."""


def answer(type_: ReportType, params: Params, pages: Pages) -> dict[str, Any]:
    """Answer an older report."""
    user = user_of(params, pages.quirks)
    chat = ("chat_id",) if "chat_ids" in type_.params else ()
    params.only((*COMMON, *_OLDER, *type_.params, *chat))
    if type_.command not in SUMS:
        wanted = [params.get(name, bool) for name in _UNUSUAL]
        report = pages.worlds.report(user, type_.command, with_unusual=any(wanted))
        return pages.answer(report, params, user)
    rows = _sums(type_, params, pages, user)
    return answer_list(type_, rows, params, pages.quirks)


def _sums(
    type_: ReportType, params: Params, pages: Pages, user: int | None
) -> Sequence[dict[str, Any]]:
    worlds = pages.worlds
    now = micros(worlds.local_now(user))
    start, end = checks.closed_period(params, type_, pages.quirks, now)
    site = params.need("site_id", int) if "site_id" in type_.params else None
    if site is not None and site not in sites_of(worlds.business(user)):
        raise wrong_value("site_id", site, "no such site")
    only_default = bool(params.get("only_default_statuses_in_stats", bool))
    return sum_up(worlds, user, type_.command, (start, end), site=site, only_default=only_default)


def sum_up(  # what is summed, and what a report asks beside
    worlds: Worlds,
    user: int | None,
    command: str,
    period: tuple[int, int],
    *,
    site: int | None = None,
    only_default: bool = False,
) -> Sequence[dict[str, Any]]:
    """Sum up a period, given in microseconds with its end excluded."""
    rows = partial(worlds.rows_between, user)
    summed = Summed(worlds.business(user), *period, rows, site, only_default)
    key = (user, command, period, site, only_default)
    return worlds.remember(key, lambda: SUMS[command](summed))
