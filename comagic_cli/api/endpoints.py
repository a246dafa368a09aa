"""Endpoints: the account, its reports and columns, and an agent's customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.api.dialect import Ask, AskedTime
from comagic_cli.api.lists import Call, Items, ask_items, objects
from comagic_cli.errors import (
    ComagicError,
    NotAllowed,
    Refused,
    RowsMissing,
    UsageProblem,
)
from comagic_cli.query.catalog import NAME_OF_CUSTOM, Column, ReportType, page_size_of
from comagic_cli.query.ids import is_number
from comagic_cli.query.query import Query
from comagic_cli.query.suggest import suggest_zone
from comagic_cli.rows.page import Answer

ACCOUNT_METHODS = ("get.account", "getobj.account")
COLUMNS = "getobj.columns_tree"
FILTERS = "get.report_filters"
CUSTOMERS = "get.customer_users"
REPORTS = "get.reports_list"
STATE = "getobj.report_state"
ALL = "all"
NULL = b"null"
NO_RIGHT = frozenset({"forbidden", "method_component_disabled", "parameter_component_disabled"})
# NotAllowed that is about one customer. Any other is about the agent's own access.
OF_CUSTOMER = NO_RIGHT | {"account_inactive"}
ABOUT_METHOD = frozenset({"method_not_found", "unexpected_parameters"})


# Account


@dataclass(frozen=True)
class Account:
    """What a method says of the account: its facts, and the points left. Both may be empty."""

    facts: dict[str, Any]
    limits: Mapping[str, int]


def ask_account(call: Call) -> dict[str, Any]:
    """Return the facts of the account, from whichever method answers; {} if it has none."""
    return describe_account(call).facts


def describe_account(call: Call) -> Account:
    """Return the account's facts and points, from whichever method answers with facts.

    `get.account` is documented for clients, `getobj.account` for agents too. A call that lacks
    `user_id` is refused by both, so that refusal is raised at once.
    """
    account = Account({}, {})
    for account in _ask_accounts(call):
        if account.facts:
            break
    return account


def ask_zone(call: Call) -> ZoneInfo:
    """Return the account's time zone, from whichever method names it."""
    facts = dict[str, Any]()
    for account in _ask_accounts(call):
        facts = account.facts or facts
        if isinstance(facts.get("timezone"), str):
            break
    return zone_of(facts)


def zone_of(account: Mapping[str, Any]) -> ZoneInfo:
    """Return the time zone in an account's facts. Raises `Refused` if there is none."""
    name = account.get("timezone")
    if not isinstance(name, str):
        raise Refused(
            "the service names no time zone of the account",
            hint="Set it with --tz, for example --tz Europe/Moscow.",
        )
    return zone_named(name, "the account")


def zone_named(name: str, origin: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises `UsageProblem` that names `origin`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, malformed, or a folder of zones
        hint = suggest_zone(name) or "Example: --tz Europe/Moscow"
        raise UsageProblem(f"{origin}: there is no time zone {name!r}", hint=hint) from error


def _ask_accounts(call: Call) -> Iterator[Account]:
    """Yield what each method that answers says of the account; raise if none answers."""
    errors, answered = list[ComagicError](), False
    for method in ACCOUNT_METHODS:
        try:
            answer = call(method, {})
        except (Refused, NotAllowed) as error:
            if not _may_answer_otherwise(error):
                raise
            errors.append(error)
            continue
        answered = True
        facts = next(iter(objects(answer, method)), {})
        yield Account({"name": facts.get("app_name")} | facts if facts else {}, answer.limits)
    if not answered:
        raise next((error for error in errors if error.mnemonic not in ABOUT_METHOD), errors[0])


def _may_answer_otherwise(error: Refused | NotAllowed) -> bool:
    """Check if the other of the two methods may give what this one refuses."""
    if isinstance(error, NotAllowed):
        return error.mnemonic in NO_RIGHT
    return error.mnemonic != "required_parameter_missed"


# Reports


def find_report_id(
    call: Call, report: ReportType, typed: str | None, note: Callable[[str], None]
) -> int | str:
    """Return the report id: typed, else found by its name or by its type."""
    if typed is not None and is_number(typed):
        return int(typed)
    row = ask_report(call, report, typed)
    note(f"report {row['id']} {row.get('name') or ''}")
    report_id: int | str = row["id"]
    return report_id


def ask_report(call: Call, report: ReportType, named: str | None = None) -> dict[str, Any]:
    """Find the account's report by its id or name; without one, the only report of its type.

    Raises `UsageProblem` with a list to choose from if there is not exactly one.
    """
    kind, rows = report.kind, ask_reports(call)
    of_kind = [row for row in rows if row.get("type") == kind]
    if named is not None:
        # Without a type in the catalogue or in the list, the chosen report decides.
        usable = of_kind + [row for row in rows if row.get("type") is None]
        return _named(named, usable if report.type else rows, kind)
    if len(of_kind) == 1:
        return of_kind[0]
    if not of_kind:
        raise UsageProblem(
            f"the account has no report of the type {kind}",
            hint="Create one in the web account, or set its number with --report-id.",
        )
    raise UsageProblem(
        f"the account has {len(of_kind)} reports of the type {kind}: {_listed(of_kind)}",
        hint="Choose one with --report-id.",
    )


def explain_report(ask: Ask, call: Call, query: Query) -> Ask:
    """Return `ask`, which raises `UsageProblem` with the account's reports for an unknown id."""

    def ask_or_list(window: AskedTime, offset: int, limit: int) -> Answer:
        try:
            return ask(window, offset, limit)
        except Refused as refused:
            if refused.field == "report_id":
                _check_report(call, query)
            raise

    return ask_or_list


def _check_report(call: Call, query: Query) -> None:
    try:
        ask_report(call, query.report, str(query.report_id))
    except UsageProblem:
        raise
    except ComagicError:  # the refusal itself will do
        return


def _named(named: str, rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Find a report by id, else by its exact name, else by its name in any case."""
    folded = named.casefold()
    matches = (
        [row for row in rows if str(row["id"]) == named]
        or [row for row in rows if row.get("name") == named]
        or [row for row in rows if str(row.get("name")).casefold() == folded]
    )
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageProblem(
            f"--report-id: several reports are named {named!r}: {_listed(matches)}",
            hint="Choose one by its number.",
        )
    choices = f"; there are: {_listed(rows)}" if rows else ""
    raise UsageProblem(
        f"--report-id: no report of the type {kind} "
        f"{'has the id' if is_number(named) else 'is named'} {named!r}{choices}",
        hint="See comagic reports.",
    )


def _listed(rows: list[dict[str, Any]]) -> str:
    return "; ".join(f"{row['id']} {row.get('name') or ''}".strip() for row in rows)


def ask_reports(call: Call) -> list[dict[str, Any]]:
    """Return every report of the account that has an id, each once."""
    reports = dict[Any, dict[str, Any]]()
    for page in ask_items(call, REPORTS, {}):
        for row in page.objects(REPORTS):
            if isinstance(row.get("id"), int | str):
                reports.setdefault(row["id"], row)
    return list(reports.values())


def ask_state(call: Call, report_id: int | str) -> dict[str, Any]:
    """Return how a report was last saved in the web account. Raises `UsageProblem` if never."""
    states = objects(call(STATE, {"report_id": report_id}), STATE)
    if not states:
        raise UsageProblem(
            f"--as-saved: {STATE} has no saved state of the report {report_id}",
            hint="Save the report in the web account, or omit --as-saved.",
        )
    return states[0]


def ask_kind(call: Call, report: ReportType, named: str | None) -> str:
    """Return the report's type; if the catalogue has none, that of the named report."""
    if report.type is None and named is not None:
        with suppress(UsageProblem, NotAllowed):  # a number may be valid without being listed
            return str(ask_report(call, report, named).get("type") or report.kind)
    return report.kind


def ask_columns(call: Call, kind: str) -> tuple[Column, ...]:
    """Return the columns of reports of a type, each once, as the account describes them."""
    trees = objects(call(COLUMNS, {"report_type": kind}), COLUMNS)
    columns = {column.id: column for tree in trees for column in _columns(tree.get("columns"))}
    return tuple(columns.values())


def _columns(listed: Any) -> Iterator[Column]:
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            texts = (item.get(name) for name in ("name", "description", "data_type"))
            told = [text if isinstance(text, str) else "" for text in texts]
            custom = item.get("is_custom") is True or NAME_OF_CUSTOM.fullmatch(item["id"])
            yield Column(item["id"], told[0], told[1], told[2], is_custom=bool(custom))


def ask_filters(call: Call, kind: str) -> list[dict[str, Any]]:
    """Return what reports of a type can be filtered by, as the account describes it."""
    return objects(call(FILTERS, {"report_type": kind}), FILTERS)


def custom_dimensions(filters: Iterable[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Return the custom dimensions among what reports can be filtered by."""
    return tuple(
        Column(
            item["id"],
            name=str(item.get("name") or ""),
            data_type=str(item.get("format") or ""),
            is_custom=True,
            is_dimension=True,
        )
        for item in filters
        if item.get("is_custom_dimension") is True and isinstance(item.get("id"), str)
    )


def listed_operators(filters: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the operators of each field, where the account lists any."""
    listed = dict[str, list[str]]()
    for item in filters:
        operators = item.get("operators")
        names = [
            operator.get("id") if isinstance(operator, dict) else operator
            for operator in (operators if isinstance(operators, list) else [])
        ]
        if isinstance(item.get("id"), str) and names:
            listed[item["id"]] = [name for name in names if isinstance(name, str)]
    return {name: operators for name, operators in listed.items() if operators}


# Customers of an agent


@dataclass(frozen=True)
class Customer:
    """A customer of an agent, and the user through whom its data are asked for.

    `id`, `user` and `name` are JSON from the service. `spare` are more users of the same customer.
    """

    user_id: int
    id: bytes = NULL
    user: bytes = b""
    name: bytes = NULL
    spare: tuple[Customer, ...] = ()

    def __str__(self) -> str:
        """Name it for messages."""
        known = "" if self.id == NULL else f" of customer {self.id.decode()}"
        return f"user {self.user_id}{known}"

    @property
    def members(self) -> dict[str, bytes]:
        """Return the members that its rows get, as JSON."""
        user = self.user or str(self.user_id).encode()
        return {"customer_id": self.id, "user_id": user, "customer_name": self.name}

    @property
    def key(self) -> str:
        """Return what tells it from other customers: its id, else that of its user."""
        return self.id.decode() if self.id != NULL else f"user {self.user_id}"

    @property
    def label(self) -> str:
        """Return its name as text, else its id, else that of its user."""
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(self.name, type=str)
        return self.key


class _User(msgspec.Struct):
    id: Any = None
    customer_id: msgspec.Raw = msgspec.Raw(NULL)
    name: msgspec.Raw = msgspec.Raw(NULL)


def ask_customers(
    call: Call, users: Sequence[int | str], note: Callable[[str], None] = lambda _: None
) -> list[Customer]:
    """Return the customers of the given users, in that order; for `all`, each customer once.

    A user that is not listed has no known customer; if it may be asked for is up to the service.
    Raises `Refused` if there are no customers.
    """
    pages = ask_items(call, CUSTOMERS, {}, note, page_size_of(CUSTOMERS))
    listed = {customer.user_id: customer for page in pages for customer in _customers(page)}
    if ALL not in users:
        return [listed.get(int(user)) or Customer(int(user)) for user in dict.fromkeys(users)]
    if not listed:
        raise Refused(f"{CUSTOMERS}: the agent has no customers")
    by_id: dict[bytes, list[Customer]] = {}
    for user in listed.values():
        by_id.setdefault(user.user if user.id == NULL else user.id, []).append(user)
    return [replace(first, spare=tuple(spare)) for first, *spare in by_id.values()]


def is_of_customer(error: ComagicError) -> bool:
    """Check if a failure is about one customer, so that the others can still be asked for."""
    if isinstance(error, NotAllowed):
        return error.mnemonic in OF_CUSTOMER
    # With internal_error the service answers, but fails on the data of this customer.
    return error.mnemonic == "internal_error" or isinstance(
        error, Refused | RowsMissing | UsageProblem
    )


def _customers(page: Items) -> Iterator[Customer]:
    for item in page.items:
        data = bytes(item)
        if page.marker:  # a lone surrogate, which no text can contain
            data = data.replace(page.marker, b"\\\\u")
        try:
            user = msgspec.json.decode(data, type=_User)
            number = int(user.id)
        except (msgspec.DecodeError, TypeError, ValueError):
            continue  # not a user that a call could name
        user_id = msgspec.json.encode(user.id)
        yield Customer(number, bytes(user.customer_id), user_id, bytes(user.name))
