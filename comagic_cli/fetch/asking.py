"""Ask one page of a query, in the form that this service takes."""

from __future__ import annotations

from dataclasses import replace

from comagic_cli.errors import Refused
from comagic_cli.fetch.client import Client
from comagic_cli.fetch.reading import Ask
from comagic_cli.fetch.windows import Window
from comagic_cli.fetch.wire import Answer
from comagic_cli.request.query import Query


def asker(client: Client, query: Query) -> Ask:
    """Return what asks pages of `query` through `client`.

    `report_type` is documented as required, yet the vendor's own front end leaves it out: where the
    service refuses it as unexpected, or misses it, the page is asked for again the other way.
    """
    form = query

    def ask(window: Window, offset: int, limit: int) -> Answer:
        nonlocal form
        try:
            return _send(client, form, window, offset, limit)
        except Refused as error:
            other = _other_form(form, error)
            if other is None:
                raise
            refused = error
        answer = _second(client, other, refused, window, offset, limit)
        form = other
        return answer

    return ask


def _second(
    client: Client, form: Query, first: Refused, window: Window, offset: int, limit: int
) -> Answer:
    """Ask in the other form; where that is what is wrong now, the first refusal tells more."""
    try:
        return _send(client, form, window, offset, limit)
    except Refused as second:
        if _other_form(form, second) is None:
            raise
    raise first


def _send(client: Client, query: Query, window: Window, offset: int, limit: int) -> Answer:
    params = query.params(window.start, window.end, offset, limit)
    return client.call(query.report.method, params)


def _other_form(query: Query, error: Refused) -> Query | None:
    """Return the form that a refusal calls for, `None` where it is about something else."""
    named = "report_type" in error.field or "report_type" in error.message
    if error.mnemonic == "unexpected_parameters" and query.report_type is not None:
        return replace(query, report_type=None) if named or not error.field else None
    if error.mnemonic == "required_parameter_missed" and query.report_type is None and named:
        return replace(query, report_type=query.report.kind)
    return None
