"""Adapt requests to what a service accepts, learning from its refusals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import msgspec

from comagic_cli.api.errors import (
    FILTER_REFUSALS,
    may_mean_parameter,
    refused_operators,
    unknown_fields,
)
from comagic_cli.errors import Refused
from comagic_cli.query.filter.operators import (
    Use,
    avoid_refused,
    replace_operators,
    unlisted,
    uses_of,
)
from comagic_cli.query.filter.tree import TooDeep
from comagic_cli.query.query import Query
from comagic_cli.rows.decode import Members
from comagic_cli.rows.page import Answer

PAGING = frozenset({"limit", "offset"})
# Refusals that may be of an operator, and whose own hint then does not help.
UNCLEAR = FILTER_REFUSALS - {"filter_prohibited"}


class AskedTime(Protocol):
    """The window that a page is asked for; `paging` has the type, which `api` may not import."""

    @property
    def start(self) -> datetime:
        """Return its first second."""

    @property
    def end(self) -> datetime:
        """Return its last second."""


class Caller(Protocol):
    """A client of the service."""

    def call(
        self, method: str, params: Mapping[str, Any], row: type[Any] = msgspec.Raw, /
    ) -> Answer:
        """Call a method and return its answer, with rows of a type where all can be cut into it."""


Ask: TypeAlias = Callable[[AskedTime, int, int], Answer]
"""Ask for a page by its time, offset and limit."""


@dataclass(frozen=True)
class Dialect:
    """What is known of the requests that a service takes.

    `refused_operators` are those that the account refused, by field; `save` is called with a text
    of them when more are known. `listed_operators` returns those that the account lists for reports
    of a type, by field, as far as they are known. `field_names` are the names under which the
    service knows fields that have several.
    """

    refused_operators: set[Use] = field(default_factory=set)
    save: Callable[[str], None] = lambda _: None
    listed_operators: Callable[[str], Mapping[str, Collection[str]]] = lambda _: {}
    field_names: dict[str, str] = field(default_factory=dict)


def read_uses(text: str | None) -> set[Use]:
    """Read what `write_uses` wrote; a damaged text has none."""
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(text or "[]", type=set[Use])
    return set()


def write_uses(uses: set[Use]) -> str:
    """Write operators of fields as JSON."""
    return msgspec.json.encode(sorted(uses)).decode()


def make_asker(
    client: Caller,
    query: Query,
    dialect: Dialect | None = None,
    members: Members | None = None,
    row: type[Any] = msgspec.Raw,
) -> Ask:
    """Return what asks for pages of `query` through `client`.

    `report_type` is documented as required, yet the vendor's own front end leaves it out: where the
    service refuses it as unexpected, or misses it, the page is asked for again the other way. The
    same holds where the service does not sort by the key or by the time, which only we added, and
    where it knows a field by another of its names. Operators of the filter that the account refuses
    are replaced by equal forms. `dialect` keeps both for later queries. `members` reads the rows'
    members. Once nothing more is to be learnt of them, answers are cut into rows of type `row`.
    """
    dialect = dialect or Dialect()
    form = replace(_without_operators(query, dialect), names=dict(dialect.field_names))

    def ask(window: AskedTime, offset: int, limit: int) -> Answer:
        nonlocal form
        forms, first, new = [form], None, set[Use]()
        while True:
            try:
                params = forms[-1].params(window.start, window.end, offset, limit)
                is_known = members is not None and members.are_complete
                answer = client.call(query.report.method, params, row if is_known else msgspec.Raw)
            except Refused as error:
                other = _other_form(forms[-1], error, new)
                if other is None:
                    _complete_hint(forms[-1], error)
                    raise
                first = first or error
                if other in forms:  # another cause; the first refusal tells more
                    raise first from None
                forms.append(other)
            else:
                form = forms[-1]
                dialect.field_names.update(form.names)
                if not new <= dialect.refused_operators:
                    dialect.refused_operators.update(new)
                    dialect.save(write_uses(dialect.refused_operators))
                answer = _read_members(answer, members)
                if form.is_sorted:
                    return answer
                return msgspec.structs.replace(answer, is_sorted=False)

    return ask


def _read_members(answer: Answer, members: Members | None) -> Answer:
    if members is None or members.are_complete or not isinstance(answer.content, list):
        return answer
    return msgspec.structs.replace(answer, content=members.read(answer.content))


def _without_operators(query: Query, dialect: Dialect) -> Query:
    """Replace the operators that the account is known to refuse, or does not list."""
    if not query.filter:
        return query
    listed = dialect.listed_operators(query.report.kind)
    refused = dialect.refused_operators | unlisted(query.filter, listed)
    with suppress(TooDeep):  # then the filter is sent as it is
        return replace(query, filter=replace_operators(query.filter, refused, query.report.field))
    return query


def _other_filter(query: Query, error: Refused, uses: set[Use]) -> Query | None:
    """Return the query without refused operators, which are added to `uses`."""
    refused = _refused_operators(query, error)
    if not query.filter or not (found := avoid_refused(query.filter, refused, query.report.field)):
        return None
    tree, replaced = found
    uses |= replaced
    return replace(query, filter=tree)


def _refused_operators(query: Query, error: Refused) -> set[Use]:
    return refused_operators(error, uses_of(query.filter)) if query.filter else set()


def _complete_hint(query: Query, error: Refused) -> None:
    """Name the option or the command for a refusal that has no equal form: of filter or paging."""
    is_unknown = error.mnemonic == "unexpected_parameters" and error.field in PAGING
    if is_unknown and not query.report.is_flat:
        error.hint = f"It seems not to page: comagic api {query.report.method} reads it otherwise."
    if error.mnemonic in UNCLEAR and _refused_operators(query, error):
        error.hint = f"Check --where; see comagic filters {query.report.command}."


def _other_form(query: Query, error: Refused, uses: set[Use]) -> Query | None:
    """Return the form that a refusal calls for, `None` where it is about something else.

    Refused operators are added to `uses`.
    """
    return (
        _other_report_type(query, error)
        or _without_key(query, error)
        or _without_sort(query, error)
        or _other_names(query, error)
        or _other_filter(query, error, uses)
        or _without_fields(query, error)
    )


def _other_report_type(query: Query, error: Refused) -> Query | None:
    if error.mnemonic == "unexpected_parameters" and query.report_type is not None:
        is_unknown = may_mean_parameter(error, "report_type", map(query.sent, query.used))
        return replace(query, report_type=None) if is_unknown else None
    is_named = "report_type" in error.field or "report_type" in error.message
    if error.mnemonic == "required_parameter_missed" and query.report_type is None and is_named:
        return replace(query, report_type=query.report.kind)
    return None


def _without_key(query: Query, error: Refused) -> Query | None:
    is_value = error.mnemonic in UNCLEAR and error.field.startswith("sort")
    if not (error.mnemonic == "sort_prohibited" or is_value) or not query.key_last:
        return None
    # The overlap of pages and the count still show where equal times change places.
    plain = replace(query, key_last=False)
    return plain if plain.order and plain.order != query.order else None


def _without_sort(query: Query, error: Refused) -> Query | None:
    """Leave out the order, where nobody typed one."""
    if error.mnemonic != "sort_prohibited" or query.sort or not query.is_sorted:
        return None
    return replace(query, is_sorted=False)


def _without_fields(query: Query, error: Refused) -> Query | None:
    """Let the service choose the fields of a list: its documentation may name others."""
    if not query.report.is_list or not query.names_fields:
        return None
    sent = set(map(query.sent, query.used))
    is_meant = may_mean_parameter(error, "fields", sent) or unknown_fields(error, sent)
    return replace(query, names_fields=False) if is_meant else None


def _other_names(query: Query, error: Refused) -> Query | None:
    """Send the fields that a refusal may mean under the other of their two names."""
    unknown = unknown_fields(error, map(query.sent, query.used))
    names = dict(query.names)
    for name in query.used:
        aliases = query.report.field(name).aliases
        if aliases and query.sent(name) in unknown and names.pop(name, None) is None:
            names[name] = aliases[0]
    return replace(query, names=names) if names != query.names else None
