"""Ask one page of a query, in the form that this service takes."""

from __future__ import annotations

from dataclasses import replace

from comagic_cli.api.client import Client
from comagic_cli.api.envelope import Answer
from comagic_cli.errors import Refused
from comagic_cli.paging.reader import Ask
from comagic_cli.paging.window import Window
from comagic_cli.query.query import Query


def asker(client: Client, query: Query) -> Ask:
    """Return what asks pages of `query` through `client`.

    `report_type` is documented as required, yet the vendor's own front end leaves it out: where the
    service refuses it as unexpected, or misses it, the page is asked for again the other way. So it
    is where the service does not sort by the key, which nobody asked for but us.
    """
    form = query

    def ask(window: Window, offset: int, limit: int) -> Answer:
        nonlocal form
        forms, first = [form], None
        while True:
            try:
                answer = _send(client, forms[-1], window, offset, limit)
            except Refused as error:
                other = _other_form(forms[-1], error)
                if other is None:
                    raise
                first = first or error
                if other in forms:  # that is what is wrong now; the first refusal tells more
                    raise first from None
                forms.append(other)
            else:
                form = forms[-1]
                return answer

    return ask


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
    if error.mnemonic == "sort_prohibited" and query.ties:
        # The pages' overlap and the count still tell where equal times change places.
        plain = replace(query, ties=False)
        return plain if plain.order and plain.order != query.order else None
    return None
