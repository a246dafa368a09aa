"""Single objects: those of the business, or invented ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comagic_cli.sandbox.data.business import words
from comagic_cli.sandbox.data.ids import id_of
from comagic_cli.sandbox.data.lists.directory import sites
from comagic_cli.sandbox.data.lists.inventing import invent_row
from comagic_cli.sandbox.data.older_calls import recognised
from comagic_cli.sandbox.data.sources import find_entity
from comagic_cli.sandbox.methods.accounts import user_of
from comagic_cli.sandbox.methods.directory import check_params
from comagic_cli.sandbox.methods.pages import answer_of
from comagic_cli.sandbox.methods.refusals import wrong_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from comagic_cli.query.catalog import ReportType
    from comagic_cli.sandbox.methods.checks import Params
    from comagic_cli.sandbox.methods.pages import Pages

    Record = dict[str, Any]


def answer(type_: ReportType, params: Params, pages: Pages) -> Record:
    """Answer an object, with the values that were asked for in it."""
    user = user_of(params, pages.quirks)
    check_params(type_, params, pages, user)
    invented = invent_row(type_, 0)
    named = {name: value for name, value in params.values.items() if type_.find(name)}
    own = _OBJECTS.get(type_.command)
    made = invented | named | (own(pages, user, params) if own else {})
    fields = params.get("fields", list) or list(made)
    return answer_of({name: value for name, value in made.items() if name in fields})


def _site(pages: Pages, user: int | None, params: Params) -> Record:
    known = {site["id"]: site for site in sites(pages.worlds.business(user))}
    number = params.get("site_id", int) or next(iter(known))
    if number not in known:
        raise wrong_value("site_id", number, "no such site")
    names = ("id", "name", "domain_name", "default_phone_number", "creation_date")
    more = ("target_call_min_duration", "child_customer_id")
    return {name: known[number][name] for name in (*names, *more)}


def _recognition(pages: Pages, user: int | None, params: Params) -> Record:
    """Return what was said in a call that was recorded."""
    number = params.need("call_session_id", int)
    report = pages.worlds.report(user, "calls-report")
    place = find_entity("calls-report", report.rows.source, number)
    if place is None:
        raise wrong_value("call_session_id", number, "no such call")
    return recognised(report.rows.source.row(place))


def _goals(pages: Pages, user: int | None, _: Params) -> Record:
    business = pages.worlds.business(user)
    group = id_of(business, "goal", 900)
    return {
        "goals_groups": [{"id": group, "name": "Сайт", "parent_group_id": None, "sort": 0}],
        "goals": [
            {
                "id": str(id_of(business, "goal", place)),
                "name": name,
                "group_id": group,
                "sort": place,
            }
            for place, name in enumerate(words()["goals"])
        ],
    }


_OBJECTS: dict[str, Callable[[Pages, int | None, Params], Record]] = {
    "site": _site,
    "call-session-recognition-info": _recognition,
    "goals-tree": _goals,
}
