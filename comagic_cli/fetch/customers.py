"""An agent's clients: whose data may be asked for, and through which user of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from comagic_cli.errors import ComagicError, NotAllowed, Refused, RowsMissing, UsageProblem
from comagic_cli.fetch.listing import Call, Items, ask_items

METHOD = "get.customer_users"
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
    call: Call, users: Sequence[int | str], note: Callable[[str], None] = lambda _: None
) -> list[Customer]:
    """Return the clients of the users typed, in that order; of `all` each client once.

    A user that the service does not list is of no known client; whether it may be asked for is the
    service's to say. Raises `Refused` where there are no clients.
    """
    pages = ask_items(call, METHOD, {}, note)
    listed = {customer.user_id: customer for page in pages for customer in _customers(page)}
    if ALL not in users:
        return [listed.get(int(user)) or Customer(int(user)) for user in dict.fromkeys(users)]
    if not listed:
        raise Refused(f"{METHOD}: the agent has no clients")
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
