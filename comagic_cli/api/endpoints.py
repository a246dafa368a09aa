"""Endpoints: the account, its reports and columns, an agent's customers, and any other list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.errors import (
    ComagicError,
    NetworkFailure,
    NotAllowed,
    Refused,
    RowsMissing,
    UsageProblem,
)
from comagic_cli.query.catalog import NAME_OF_CUSTOM, Column, ReportType
from comagic_cli.rows.answer import Answer

Call: TypeAlias = Callable[[str, Mapping[str, Any]], Answer]

ACCOUNT_METHODS = ("get.account", "getobj.account")
COLUMNS = "getobj.columns_tree"
FILTERS = "get.report_filters"
CUSTOMERS = "get.customer_users"
REPORTS = "get.reports_list"
STATE = "getobj.report_state"
MAX_OFFSET = 100_000
PAGING = frozenset({"limit", "offset"})
ALL = "all"
NULL = b"null"
NO_RIGHT = frozenset({"forbidden", "method_component_disabled", "parameter_component_disabled"})
# NotAllowed that is about one customer. Any other is about the agent's own access.
OF_CUSTOMER = NO_RIGHT | {"account_inactive"}
ABOUT_METHOD = frozenset({"method_not_found", "unexpected_parameters"})


# Account


def ask_account(call: Call) -> dict[str, Any]:
    """Return the facts of the account, from whichever method answers; {} if it has none.

    `get.account` is documented for clients, `getobj.account` for agents too. A call that lacks
    `user_id` is refused by both, so that refusal is raised at once.
    """
    return next(_ask_accounts(call), {})


def ask_zone(call: Call) -> ZoneInfo:
    """Return the account's time zone, from whichever method names it."""
    account = dict[str, Any]()
    for account in _ask_accounts(call):
        if isinstance(account.get("timezone"), str):
            break
    return zone_of(account)


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
        raise UsageProblem(
            f"{origin}: there is no time zone {name!r}", hint="Example: --tz Europe/Moscow"
        ) from error


def _ask_accounts(call: Call) -> Iterator[dict[str, Any]]:
    """Yield the account's facts by each method that answers; raise if none does."""
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
        for account in objects(answer, method)[:1]:
            yield {"name": account.get("app_name")} | account
    if not answered:
        raise next((error for error in errors if error.mnemonic not in ABOUT_METHOD), errors[0])


def _may_answer_otherwise(error: Refused | NotAllowed) -> bool:
    """Check if the other of the two methods may give what this one refuses."""
    if isinstance(error, NotAllowed):
        return error.mnemonic in NO_RIGHT
    return error.mnemonic != "required_parameter_missed"


# Reports


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
        f"--report-id: no report of the type {kind} is named {named!r}{choices}",
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
        with suppress(UsageProblem):  # a number may be valid without being listed
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


def ask_dimensions(call: Call, kind: str) -> tuple[Column, ...]:
    """Return the custom dimensions that reports of a type can be filtered by."""
    filters = objects(call(FILTERS, {"report_type": kind}), FILTERS)
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


# Lists


@dataclass(frozen=True, slots=True)
class Items:
    """The items of one answer, each the JSON that the service sent; see `Answer` for `marker`.

    Data that is not a list is the only item, and `is_list` is false.
    """

    items: list[msgspec.Raw]
    marker: bytes = b""
    is_list: bool = True

    def objects(self, method: str) -> list[dict[str, Any]]:
        """Decode the items that are objects; `method` is for messages."""
        return _decode_objects(b"[" + b",".join(self.items) + b"]", self.marker, method)


_items_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def ask_items(
    call: Call,
    method: str,
    params: Mapping[str, Any],
    note: Callable[[str], None] = lambda _: None,
    page_size: int | None = None,
) -> Iterator[Items]:
    """Yield a list answer by answer to its end: the total, or an answer with nothing new.

    Makes one call if `params` has its own paging, or if the data is not a list. A method that does
    not take `offset` is complete where it refuses it, or sends the same again. Raises `RowsMissing`
    for fewer items than the total, less one, by which the service may overstate it.
    """
    is_paged = not PAGING & set(params)
    if is_paged and page_size:
        params = {**params, "limit": page_size}
    answer = call(method, params)
    page = read_items(answer, method)
    yield page
    received, seen, total = len(page.items), set(map(_digest, page.items)), answer.total
    while page.is_list and is_paged and page.items and (total is None or received < total):
        if received > MAX_OFFSET:
            raise RowsMissing(f"{method}: only the first {received} items can be read by paging")
        try:
            answer = call(method, {**params, "offset": received})
        except Refused as error:
            if total is not None or not _is_about_offset(error):
                raise
            note(f"{method} takes no offset: the list is complete")
            return
        total = total if answer.total is None else answer.total
        page = read_items(answer, method)
        digests = set(map(_digest, page.items))
        if digests <= seen:
            break
        yield page
        received += len(page.items)
        seen |= digests
    if is_paged and (total or 0) > received + 1:
        raise RowsMissing(
            f"{method}: received {received} of {total} items",
            hint="The service sends fewer than it counts. Try again later.",
        )


def read_items(answer: Answer, method: str) -> Items:
    """Read the items of an answer. Raises `NetworkFailure` for unreadable data."""
    data = answer.data.strip()
    if not data.startswith(b"["):
        return Items([msgspec.Raw(data)], answer.marker, is_list=False)
    try:
        return Items(_items_decoder.decode(data), answer.marker)
    except msgspec.DecodeError as error:
        raise NetworkFailure(f"{method}: the answer's data can't be read ({error})") from error


def objects(answer: Answer, method: str) -> list[dict[str, Any]]:
    """Return the data as a list of objects; a single object is a list of one.

    A lone surrogate becomes six visible characters, because no text can contain it.
    """
    return _decode_objects(answer.data, answer.marker, method)


def _decode_objects(data: bytes, marker: bytes, method: str) -> list[dict[str, Any]]:
    if marker:
        data = data.replace(marker, b"\\\\u")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"{method}: the answer's data can't be read: {error}") from error
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _is_about_offset(error: Refused) -> bool:
    """Check if a method says that it does not take an offset."""
    return error.mnemonic == "unexpected_parameters" or "offset" in f"{error.field} {error.message}"


def _digest(item: msgspec.Raw) -> bytes:
    return blake2b(item, digest_size=16).digest()


# Customers of an agent


@dataclass(frozen=True)
class Customer:
    """A customer of an agent, and the user through whom its data are asked for.

    `id` and `user` are JSON from the service. `spare` are more users of the same customer.
    """

    user_id: int
    id: bytes = NULL
    user: bytes = b""
    spare: tuple[Customer, ...] = ()

    def __str__(self) -> str:
        """Name it for messages."""
        known = "" if self.id == NULL else f" of customer {self.id.decode()}"
        return f"user {self.user_id}{known}"

    @property
    def members(self) -> dict[str, bytes]:
        """Return the members that its rows get, as JSON."""
        return {"customer_id": self.id, "user_id": self.user or str(self.user_id).encode()}


class _User(msgspec.Struct):
    id: Any = None
    customer_id: msgspec.Raw = msgspec.Raw(NULL)


def ask_customers(
    call: Call, users: Sequence[int | str], note: Callable[[str], None] = lambda _: None
) -> list[Customer]:
    """Return the customers of the given users, in that order; for `all`, each customer once.

    A user that is not listed has no known customer; if it may be asked for is up to the service.
    Raises `Refused` if there are no customers.
    """
    pages = ask_items(call, CUSTOMERS, {}, note)
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
        yield Customer(number, bytes(user.customer_id), msgspec.json.encode(user.id))
