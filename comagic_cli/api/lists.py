"""Lists: read any method that answers a list to its end, every item once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from comagic_cli.api.errors import may_mean_parameter
from comagic_cli.errors import NetworkFailure, Refused, RowsMissing
from comagic_cli.rows.page import Answer

Call: TypeAlias = Callable[[str, Mapping[str, Any]], Answer]

MAX_OFFSET = 100_000
DEFAULT_LIMIT = 1_000  # items of a page where no limit is sent
PAGING = frozenset({"limit", "offset"})


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
    """Yield a list answer by answer to its end.

    `page_size` is the limit to send, for a method that is known to page. Makes one call if `params`
    has its own paging, or if the data is not a list. Raises `RowsMissing` for fewer items than the
    total, less one, by which the service may overstate it; and where the same page comes again and
    nothing shows that it was the last.
    """
    if PAGING & set(params):
        yield read_items(call(method, params), method)
    else:
        yield from _List(call, method, params, note, page_size).pages()


@dataclass
class _List:
    """The reading of one list. See `ask_items`.

    The end is where the total is reached. A total may count one page, or what came so far: one that
    is reached by the first page or by a full one is confirmed by asking behind it. Once items come
    behind a total, or more items than the total, only an empty page is the end.
    """

    call: Call
    method: str
    params: Mapping[str, Any]
    note: Callable[[str], None]
    page_size: int | None
    _received: int = 0
    _total: int | None = None
    _is_total_of_list: bool = True
    _takes_offset: bool = False  # which is known only once it was proven
    _last: list[msgspec.Raw] = field(default_factory=list)

    def pages(self) -> Iterator[Items]:
        """Yield the pages, at least one."""
        page = self._ask_first()
        while True:
            yield page
            is_first = not self._received
            self._received += len(page.items)
            self._last = page.items
            if not page.is_list or not page.items or not self._expects_more(is_first=is_first):
                break
            page = self._ask_next()
            if not page.items:
                break
        if (self._total or 0) > self._received + 1 and page.is_list:
            raise RowsMissing(
                f"{self.method}: received {self._received} of {self._total} items",
                hint="The service sends fewer than it counts. Try again later.",
            )

    def _ask_first(self) -> Items:
        """Ask for the first page; without a limit where the service refuses it."""
        if self.page_size is None:
            return self._ask({})
        try:
            return self._ask({"limit": self.page_size})
        except Refused as error:
            if not _is_about(error, "limit"):
                raise
        self.note(f"{self.method} refuses a limit of {self.page_size}: asking without a limit")
        page = self._ask({})
        self.page_size = None
        return page

    def _ask_next(self) -> Items:
        """Ask for the page behind what came; it is empty where the list has ended."""
        total_is_reached = self._is_total_of_list and self._total == self._received
        if self._received > MAX_OFFSET:
            if total_is_reached:
                return Items([])
            raise RowsMissing(
                f"{self.method}: only the first {self._received} items can be read by paging"
            )
        limit = {} if self.page_size is None else {"limit": self.page_size}
        try:
            page = self._ask({**limit, "offset": self._received})
        except Refused as error:
            is_short = self._total is not None and not total_is_reached
            if is_short or not _is_about(error, "offset"):
                raise
            self.note(f"{self.method} takes no offset: the list is complete")
            return Items([])
        if page.items and self._is_same_page(page):
            self._check_same_page()
            return Items([])
        if page.items and total_is_reached:
            self._is_total_of_list = False
        return page

    def _ask(self, paging: Mapping[str, int]) -> Items:
        answer = self.call(self.method, {**self.params, **paging})
        self._total = self._total if answer.total is None else answer.total
        return read_items(answer, self.method)

    def _expects_more(self, *, is_first: bool) -> bool:
        if self._total is None or not self._is_total_of_list or self._received < self._total:
            return True
        if self._received > self._total:
            self._is_total_of_list = False
            return True
        return self._is_full or (is_first and self.page_size is not None)

    @property
    def _is_full(self) -> bool:
        """Check if the last page may have been cut."""
        count = len(self._last)
        return count == self.page_size or count % DEFAULT_LIMIT == 0

    def _is_same_page(self, page: Items) -> bool:
        """Check if a page is the one before it, sent again because the offset is ignored.

        Rows may be equal where few of their columns are asked for. A page of different items does
        not follow itself. Otherwise one call behind the end of any list shows what the offset does.
        """
        last = list(map(bytes, self._last))
        if self._takes_offset or list(map(bytes, page.items)) != last:
            return False
        if len(set(last)) == len(last):
            return True
        try:
            answer = self.call(self.method, {**self.params, "offset": MAX_OFFSET})
        except Refused:
            return True
        self._takes_offset = list(map(bytes, read_items(answer, self.method).items)) != last
        return not self._takes_offset

    def _check_same_page(self) -> None:
        """Raise `RowsMissing` where no total says what is missing, and the page may not be all."""
        is_counted = self._total is not None and self._is_total_of_list
        if not is_counted and (self.page_size is not None or self._is_full):
            raise RowsMissing(
                f"{self.method}: the service sends the same {len(self._last)} items again, whatever"
                " the offset, and no total: there may be more",
                hint="Set limit and offset in --params, or ask for fewer items.",
            )
        self.note(f"{self.method} sends the same items again: the list is complete")


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


def _is_about(error: Refused, parameter: str) -> bool:
    """Check if a method refuses a parameter of paging."""
    if error.mnemonic == "date_interval_limit_reached":
        return False
    return may_mean_parameter(error, parameter, ()) or parameter in f"{error.field} {error.message}"
