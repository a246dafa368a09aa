"""Ask one page of a query, in the form that this service takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import msgspec

from comagic_cli.api.client import Client
from comagic_cli.api.errors import may_mean_parameter
from comagic_cli.errors import Refused
from comagic_cli.paging.reader import Ask
from comagic_cli.paging.window import Window
from comagic_cli.query.filter.operators import Use, avoid_refused, replace_operators
from comagic_cli.query.filter.tree import TooDeep, fields_of
from comagic_cli.query.query import Query
from comagic_cli.rows.answer import Answer
from comagic_cli.rows.members import Members


@dataclass(frozen=True)
class RefusedOperators:
    """The operators that an account refused, by field; `save` is called when more are known."""

    uses: set[Use] = field(default_factory=set)
    save: Callable[[set[Use]], None] = lambda _: None


def asker(
    client: Client,
    query: Query,
    refused: RefusedOperators | None = None,
    members: Members | None = None,
) -> Ask:
    """Return what asks pages of `query` through `client`.

    `report_type` is documented as required, yet the vendor's own front end leaves it out: where the
    service refuses it as unexpected, or misses it, the page is asked for again the other way. So it
    is where the service does not sort by the key, which nobody asked for but us. Operators of the
    filter that the account refuses are replaced by equal forms. `members` reads the rows' members.
    """
    refused = refused or RefusedOperators()
    form = _without_operators(query, refused.uses)

    def ask(window: Window, offset: int, limit: int) -> Answer:
        nonlocal form
        forms, first, new = [form], None, set[Use]()
        while True:
            try:
                answer = _send(client, forms[-1], window, offset, limit)
            except Refused as error:
                other = _other_form(forms[-1], error) or _other_filter(forms[-1], error, new)
                if other is None:
                    raise
                first = first or error
                if other in forms:  # that is what is wrong now; the first refusal tells more
                    raise first from None
                forms.append(other)
            else:
                form = forms[-1]
                if not new <= refused.uses:
                    refused.uses.update(new)
                    refused.save(refused.uses)
                return _with_members(answer, members)

    return ask


def _with_members(answer: Answer, members: Members | None) -> Answer:
    if members is None or not isinstance(answer.came, list):
        return answer
    return msgspec.structs.replace(answer, came=members.read(answer.came))


def _send(client: Client, query: Query, window: Window, offset: int, limit: int) -> Answer:
    params = query.params(window.start, window.end, offset, limit)
    return client.call(query.report.method, params)


def _without_operators(query: Query, uses: set[Use]) -> Query:
    if not query.filter or not uses:
        return query
    with suppress(TooDeep):  # then the service is asked as it is
        return replace(query, filter=replace_operators(query.filter, uses, query.report.field))
    return query


def _other_filter(query: Query, error: Refused, uses: set[Use]) -> Query | None:
    """Return the query without refused operators, which are added to `uses`."""
    if not query.filter or not (found := avoid_refused(query.filter, error, query.report.field)):
        return None
    tree, refused = found
    uses |= refused
    return replace(query, filter=tree)


def _other_form(query: Query, error: Refused) -> Query | None:
    """Return the form that a refusal calls for, `None` where it is about something else."""
    named = "report_type" in error.field or "report_type" in error.message
    if error.mnemonic == "unexpected_parameters" and query.report_type is not None:
        names = {*query.asked, *(sort.field for sort in query.order)}
        names |= fields_of(query.filter) if query.filter else set()
        unknown = may_mean_parameter(error, "report_type", names)
        return replace(query, report_type=None) if unknown else None
    if error.mnemonic == "required_parameter_missed" and query.report_type is None and named:
        return replace(query, report_type=query.report.kind)
    if error.mnemonic == "sort_prohibited" and query.ties:
        # The pages' overlap and the count still tell where equal times change places.
        plain = replace(query, ties=False)
        return plain if plain.order and plain.order != query.order else None
    return None
