"""What is asked of the account itself: its time zone, and which report to export."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.api.envelope import Answer
from comagic_cli.errors import (
    ComagicError,
    NetworkFailure,
    NotAllowed,
    Refused,
    RowsMissing,
    UsageProblem,
)
from comagic_cli.fetch.windows import OFFSET_MOST
from comagic_cli.query.catalog import NAME_OF_CUSTOM, Column, ReportType

STATE = "getobj.report_state"

AccountCall = Callable[[str, Mapping[str, Any]], Answer]


def zone_named(name: str, origin: str) -> ZoneInfo:
    """Find a time zone by its IANA name. Raises `UsageProblem`, naming where the name came from."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, no name, or a folder of zones
        raise UsageProblem(
            f"{origin}: there is no time zone {name!r}", hint="Example: --tz Europe/Moscow"
        ) from error


def ask_account(call: AccountCall) -> dict[str, Any]:
    """Ask for what the service tells of the account itself."""
    return next(iter(objects(call("get.account", {}), "get.account")), {})


def zone_of(account: Mapping[str, Any]) -> ZoneInfo:
    """Find the time zone in what is told of an account. Raises `Refused` where it is not told."""
    name = account.get("timezone")
    if not isinstance(name, str):
        raise Refused("get.account names no time zone", hint="Give it with --tz, as Europe/Moscow.")
    return zone_named(name, "get.account")


def ask_zone(call: AccountCall) -> ZoneInfo:
    """Ask for the account's time zone."""
    return zone_of(ask_account(call))


def ask_report(call: AccountCall, report: ReportType, named: str | None = None) -> dict[str, Any]:
    """Find the account's report by its id or name; without one, its only report of the type.

    Raises `UsageProblem`, with the list to choose from where there are more or none.
    """
    kind, rows = report.kind, ask_reports(call)
    of_kind = [row for row in rows if row.get("type") == kind]
    if named is not None:
        # Where the catalogue or the list has no type, that of the chosen report is the one.
        usable = of_kind + [row for row in rows if row.get("type") is None]
        return _named(named, usable if report.type else rows, kind)
    if len(of_kind) == 1:
        return of_kind[0]
    if not of_kind:
        raise UsageProblem(
            f"the account has no report of the type {kind}",
            hint="Make one in the web account, or give its number with --report-id.",
        )
    raise UsageProblem(
        f"the account has {len(of_kind)} reports of the type {kind}: {_listed(of_kind)}",
        hint="Choose one with --report-id.",
    )


def _named(named: str, rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Find a report by id, else by its exact name, else by its name in any case."""
    folded = named.casefold()
    found = (
        [row for row in rows if str(row["id"]) == named]
        or [row for row in rows if row.get("name") == named]
        or [row for row in rows if str(row.get("name")).casefold() == folded]
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageProblem(
            f"--report-id: several reports are named {named!r}: {_listed(found)}",
            hint="Choose one by its number.",
        )
    there = f"; there are: {_listed(rows)}" if rows else ""
    raise UsageProblem(
        f"--report-id: no report of the type {kind} is named {named!r}{there}",
        hint="See comagic reports.",
    )


def _listed(rows: list[dict[str, Any]]) -> str:
    return "; ".join(f"{row['id']} {row.get('name') or ''}".strip() for row in rows)


def ask_reports(call: AccountCall) -> list[dict[str, Any]]:
    """Return every report of the account that has an id, each once."""
    return ask_all(call, "get.reports_list")


def ask_state(call: AccountCall, report_id: int | str) -> dict[str, Any]:
    """Ask how a report was last saved in the account. Raises `UsageProblem` where it was not."""
    answer = objects(call(STATE, {"report_id": report_id}), STATE)
    if not answer:
        raise UsageProblem(
            f"--as-saved: {STATE} tells nothing of the report {report_id}",
            hint="Save the report in the web account, or leave --as-saved out.",
        )
    return answer[0]


def ask_all(call: AccountCall, method: str) -> list[dict[str, Any]]:
    """Return every object of a list that has an id, each once, page by page."""
    answer, found, known = call(method, {}), dict[Any, dict[str, Any]](), 0
    _add(found, objects(answer, method))
    total = _total(answer)
    while known < len(found) < total:  # nothing new: a service that knows no offset
        known = len(found)
        try:
            answer = call(method, {"offset": known})
        except Refused:
            if total < math.inf:
                raise
            break  # it takes none: that was all
        _add(found, objects(answer, method))
        total = total if answer.total is None else answer.total
    return list(found.values())


def _total(answer: Answer) -> float:
    """Tell how many there are; of a list without a total only an answer of nothing is the end."""
    if answer.total is None and answer.data.lstrip().startswith(b"["):
        return math.inf
    return answer.total or 0


def _add(found: dict[Any, dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if isinstance(row.get("id"), int | str):
            found.setdefault(row["id"], row)


def objects(answer: Answer, method: str) -> list[dict[str, Any]]:
    """Return the data as a list of objects; a single object is a list of one.

    Half a surrogate pair becomes six visible characters: no text can hold it.
    """
    data = answer.data
    if answer.marker:
        data = data.replace(answer.marker, b"\\\\u")
    try:
        read = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"{method}: the answer's data can't be read: {error}") from error
    items = read if isinstance(read, list) else [read]
    return [item for item in items if isinstance(item, dict)]


METHOD = "getobj.columns_tree"


def ask_kind(call: AccountCall, report: ReportType, named: str | None) -> str:
    """Return the report's type; where the catalogue has none, that of the report that is named."""
    if report.type is None and named is not None:
        with suppress(UsageProblem):  # a number may be right though no list has it
            return str(ask_report(call, report, named).get("type") or report.kind)
    return report.kind


def ask_columns(call: AccountCall, kind: str) -> tuple[Column, ...]:
    """Return the columns of reports of a type, each once, as the account describes them."""
    trees = objects(call(METHOD, {"report_type": kind}), METHOD)
    columns = {column.id: column for tree in trees for column in _columns(tree.get("columns"))}
    return tuple(columns.values())


def _columns(listed: Any) -> Iterator[Column]:
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            texts = {name: item.get(name) for name in ("name", "description", "data_type")}
            told = {name: text for name, text in texts.items() if isinstance(text, str)}
            custom = item.get("is_custom") is True or NAME_OF_CUSTOM.fullmatch(item["id"])
            yield Column(item["id"], **told, is_custom=bool(custom))


ListingCall = Callable[[str, Mapping[str, Any]], Answer]
PAGING = frozenset({"limit", "offset"})
_items = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Items:
    """The items of one answer, each as JSON as it came; `marker` is that of `Answer`.

    Where the data is no list, it is the only item, and `is_list` is false.
    """

    items: list[msgspec.Raw]
    marker: bytes = b""
    is_list: bool = True


def ask_items(
    call: ListingCall,
    method: str,
    params: Mapping[str, Any],
    note: Callable[[str], None] = lambda _: None,
    page_size: int | None = None,
) -> Iterator[Items]:
    """Yield a list answer by answer, to its end: a total reached, or an answer of nothing new.

    `page_size` is the limit of each call; without it the service chooses. One call is made where
    `params` page by themselves, or the data is no list. A method that takes
    no `offset` is at its end where it refuses that, or gives the same again. Raises `RowsMissing`
    where fewer came than the total says, but for one, by which the service may overstate.
    """
    is_paged = not PAGING & set(params)
    if is_paged and page_size:
        params = {**params, "limit": page_size}
    answer = call(method, params)
    page = read_items(answer, method)
    yield page
    received, seen = len(page.items), set(map(_digest, page.items))
    total = answer.total
    while page.is_list and page.items and is_paged and _is_more(received, total):
        if received > OFFSET_MOST:
            raise RowsMissing(f"{method}: more than {received} items, and paging reaches no more")
        try:
            answer = call(method, {**params, "offset": received})
        except Refused as error:
            if total is not None or not _is_of_offset(error):
                raise
            note(f"{method} takes no offset: that was all")
            return
        total = answer.total if answer.total is not None else total
        page = read_items(answer, method)
        new = {_digest(item) for item in page.items} - seen
        if not new:
            break
        yield page
        received += len(page.items)
        seen |= new
    if is_paged and (total or 0) > received + 1:
        raise RowsMissing(
            f"{method}: {received} of {total} items came",
            hint="Page by yourself: give limit and offset in --params.",
        )


def read_items(answer: Answer, method: str) -> Items:
    """Read the items of an answer. Raises `NetworkFailure` for data that can't be read."""
    data = answer.data.strip()
    if not data.startswith(b"["):
        return Items([msgspec.Raw(data)], answer.marker, is_list=False)
    try:
        return Items(_items.decode(data), answer.marker)
    except msgspec.DecodeError as error:
        raise NetworkFailure(f"{method}: the answer's data can't be read ({error})") from error


def _is_more(received: int, total: int | None) -> bool:
    """Tell whether to ask on; without a total only an answer of nothing is the end."""
    return total is None or received < total


def _is_of_offset(error: Refused) -> bool:
    """Tell whether a method says that it takes no offset."""
    named = f"{error.field} {error.message}"
    return error.mnemonic == "unexpected_parameters" or "offset" in named


def _digest(item: msgspec.Raw) -> bytes:
    return blake2b(item, digest_size=16).digest()


CUSTOMERS_METHOD = "get.customer_users"
ALL = "all"
NULL = b"null"
# Where there is no right, or no such thing, in one account; other refusals are of the agent's own.
OF_A_CLIENT = frozenset(
    {
        *("forbidden", "account_inactive"),
        *("method_component_disabled", "parameter_component_disabled"),
    }
)


@dataclass(frozen=True)
class Customer:
    """A client, and the user through whom it is asked.

    `id` and `user` are JSON as the service gave it. `spare` are more users of the same client.
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
        """Return what stands in front of the rows of this client."""
        return {"customer_id": self.id, "user_id": self.user or str(self.user_id).encode()}


class _User(msgspec.Struct):
    id: Any = None
    customer_id: msgspec.Raw = msgspec.Raw(NULL)


def ask_customers(
    call: ListingCall, users: Sequence[int | str], note: Callable[[str], None] = lambda _: None
) -> list[Customer]:
    """Return the clients of the users typed, in that order; of `all` each client once.

    A user that the service does not list is of no known client; whether it may be asked for is the
    service's to say. Raises `Refused` where there are no clients.
    """
    pages = ask_items(call, CUSTOMERS_METHOD, {}, note)
    listed = {customer.user_id: customer for page in pages for customer in _customers(page)}
    if ALL not in users:
        return [listed.get(int(user)) or Customer(int(user)) for user in dict.fromkeys(users)]
    if not listed:
        raise Refused(f"{CUSTOMERS_METHOD}: the agent has no clients")
    clients: dict[bytes, list[Customer]] = {}
    for user in listed.values():
        clients.setdefault(user.user if user.id == NULL else user.id, []).append(user)
    return [replace(first, spare=tuple(spare)) for first, *spare in clients.values()]


def is_of_client(error: ComagicError) -> bool:
    """Tell whether a failure is one client's, so that the others can still be asked."""
    if isinstance(error, NotAllowed):
        return error.mnemonic in OF_A_CLIENT
    # The service answers, but fails on this client's data: that says nothing of the others.
    failed = error.mnemonic == "internal_error"
    return failed or isinstance(error, Refused | RowsMissing | UsageProblem)


def _customers(page: Items) -> Iterator[Customer]:
    for item in page.items:
        if page.marker:  # half a surrogate pair, which no text can hold
            item = msgspec.Raw(bytes(item).replace(page.marker, b"\\\\u"))  # noqa: PLW2901
        try:
            user = msgspec.json.decode(item, type=_User)
            number = int(user.id)
        except (msgspec.DecodeError, TypeError, ValueError):
            continue  # no user that could be named in a call
        yield Customer(number, bytes(user.customer_id), msgspec.json.encode(user.id))
