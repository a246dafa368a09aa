"""An agent's clients, exported one after another into one output."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from comagic_cli.api.endpoints import ALL, Customer, ask_customers, is_of_client
from comagic_cli.commands.reading import pager_of
from comagic_cli.commands.service import Service, connect, rough_period
from comagic_cli.errors import ComagicError, RowsMissing
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions
from comagic_cli.output.record import ClientCount
from comagic_cli.paging.reader import WindowDone
from comagic_cli.query.catalog import Field
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.period import Period
from comagic_cli.query.query import TIME_FORMAT, Query
from comagic_cli.rows.page import Page, with_members

FRONT = (Field("customer_id", "number"), Field("user_id", "number"))
"""The columns that stand in front of the rows of several clients."""

Taken = TypeVar("Taken")


def with_clients(options: ExportOptions, reporter: Reporter) -> ExportOptions:
    """Ask who the clients are, where several are meant; the first is asked for what all share.

    Raises `UsageProblem` for a period that can't be read, before anything is asked.
    """
    if not options.users or options.clients:
        return options
    rough_period(options)
    if options.dry_run:
        first = options.users[0]
        return replace(options, user_id=None if first == ALL else int(first))
    with connect(options, reporter) as connection:
        clients = ask_customers(connection.client.call, options.users, connection.note)
    return replace(options, clients=tuple(clients), user_id=clients[0].user_id)


def of_any_client(service: Service, ask: Callable[[Service], Taken]) -> Taken:
    """Ask for what is the same for all clients, of the first that does not refuse it.

    Where the service is for no clients, it is asked itself.
    """
    left = deque(service.options.clients)
    while left:
        user = left.popleft()
        try:
            return ask(service.of(user.user_id))
        except ComagicError as error:
            if not left or not is_of_client(error):
                raise
    return ask(service)


@dataclass
class Told:
    """What came of one client: its query, as far as there is one, and its rows."""

    customer: Customer
    query: Query | None = None
    rows: int = 0
    refused: str = ""

    def count(self) -> ClientCount:
        """Return it as a manifest has it."""
        asked, period = (self.query, self.query.period) if self.query else (None, None)
        return ClientCount(
            customer_id=msgspec.json.decode(self.customer.id),
            user_id=self.customer.user_id,
            report_id=asked.report_id if asked else None,
            period=(_shown(period)) if period else None,
            rows=self.rows,
            refused=self.refused,
        )


@dataclass
class Clients:
    """Do something for each client, one after another; a client's refusal stops no other."""

    service: Service
    told: list[Told] = field(default_factory=list)
    _failures: list[ComagicError] = field(default_factory=list)

    def each(self, take: Callable[[Service, Told], Iterator[Taken]]) -> Iterator[Taken]:
        """Yield what `take` yields of each client.

        Raises, in the end, `RowsMissing` with the list of the clients that failed; what the first
        raised where all did; and at once what is no client's own, as points that are used up.
        """
        done = 0
        for customer in self.service.options.clients:
            done += yield from self._client(customer, take)
        if self._failures:
            raise self._summed_up(done)

    def _client(
        self, customer: Customer, take: Callable[[Service, Told], Iterator[Taken]]
    ) -> Generator[Taken, None, bool]:
        """Yield what comes of a client, through another of its users where the first is refused.

        Return whether anything did.
        """
        left = deque((customer, *customer.spare))
        while True:
            user = left.popleft()
            told = Told(user)
            some = False
            try:
                for one in take(self.service.of(user.user_id), told):
                    some = True
                    yield one
            except ComagicError as error:
                if not is_of_client(error):
                    raise
                if left and not some:
                    self.service.note(f"{user}: {error.message}; asking for {left[0]}")
                    continue
                self._fail(told, error)
            self.told.append(told)
            return some

    def _fail(self, told: Told, error: ComagicError) -> None:
        told.refused = error.message
        self._failures.append(error)
        self.service.reporter.error(
            f"{told.customer}: {error.message}",
            user_id=told.customer.user_id,
            mnemonic=error.mnemonic,
        )

    def _summed_up(self, done: int) -> ComagicError:
        if not done:
            return self._failures[0]
        short = [told.customer for told in self.told if told.refused]
        numbers = ", ".join(str(customer.user_id) for customer in short)
        return RowsMissing(
            f"rows are missing: {len(short)} of {len(self.told)} clients did not come whole: users "
            f"{numbers}",
            hint="What came is written, a file as NAME.incomplete. Export these again: --user-id.",
        )


@dataclass
class AgencyPager:
    """Read the pages of each client, with the columns of `FRONT` in every row.

    It is used like a `Pager`. `query` is that of all clients: of a period that holds theirs.
    """

    wish: ExportRequest
    query: Query
    clients: Clients
    done: list[WindowDone] = field(default_factory=list)
    matching: int | None = None
    overstated: int = 0
    outside: int = 0
    missing: list[str] = field(default_factory=list)
    _written: int = 0
    _totals: list[int | None] = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Yield the pages, at least one. Raises what `Clients.each` does."""
        yield from self.clients.each(self._client)
        totals = [total for total in self._totals if total is not None]
        if len(totals) == len(self.clients.service.options.clients):
            self.matching = sum(totals)

    def _client(self, service: Service, told: Told) -> Iterator[Page]:
        most = None if self.query.most is None else self.query.most - self._written
        if most == 0:
            return
        told.query = query = service.query(self.wish, most)
        self._widen(query)
        pager = pager_of(query, service)
        zone = service.zone.key if service.options.times == "iso" else None
        try:
            for page in pager.pages():
                self._written += page.count
                told.rows += page.count
                whole = with_members(page, told.customer.members)
                yield msgspec.structs.replace(whole, settled=None, zone=zone)
        finally:
            self._totals.append(pager.matching)
            self.overstated += pager.overstated
            self.outside += pager.outside
            user = told.customer.user_id
            self.done += [msgspec.structs.replace(window, user_id=user) for window in pager.done]

    def _widen(self, query: Query) -> None:
        """Let the period of all hold that of one more client; the filter is the first's."""
        if not self._totals:
            self.query = replace(self.query, period=query.period, filter=query.filter)
            return
        whole, own = self.query.period, query.period
        period = Period(min(whole.start, own.start), max(whole.end, own.end))
        self.query = replace(self.query, period=period)


def agency_pager(wish: ExportRequest, query: Query, service: Service) -> AgencyPager:
    """Make what reads all clients of an agent."""
    return AgencyPager(wish, query, Clients(service))


def clients_of(pager: object) -> list[ClientCount]:
    """Return what came of each client; of one that has no clients nothing."""
    return [told.count() for told in pager.clients.told] if isinstance(pager, AgencyPager) else []


def _shown(period: Period) -> Any:
    return period.start.strftime(TIME_FORMAT), period.end.strftime(TIME_FORMAT)
