"""Lists that are no reports: clients, employees, numbers. Paged as far as the method pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from comagic_cli.errors import NetworkFailure, Refused, RowsMissing
from comagic_cli.fetch.windows import OFFSET_MOST
from comagic_cli.fetch.wire import Answer

Call = Callable[[str, Mapping[str, Any]], Answer]
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
    call: Call,
    method: str,
    params: Mapping[str, Any],
    note: Callable[[str], None] = lambda _: None,
) -> Iterator[Items]:
    """Yield a list answer by answer, to its end: a total reached, or an answer of nothing new.

    One call is made where `params` page by themselves, or the data is no list. A method that takes
    no `offset` is at its end where it refuses that, or gives the same again. Raises `RowsMissing`
    where fewer came than the total says, but for one, by which the service may overstate.
    """
    answer = call(method, params)
    page = read_items(answer, method)
    yield page
    received, seen = len(page.items), set(map(_digest, page.items))
    total = answer.total
    while page.is_list and page.items and not PAGING & set(params) and _is_more(received, total):
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
    if not PAGING & set(params) and (total or 0) > received + 1:
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
