"""The customers of an agent, exported one after another into one output."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from comagic_cli.api.endpoints import ALL, Customer, ask_customers, is_of_customer
from comagic_cli.errors import ComagicError, RowsMissing
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context
from comagic_cli.export.manifest import CustomerCount, format_period
from comagic_cli.export.options import ExportOptions
from comagic_cli.paging.reader import WindowResult
from comagic_cli.query.catalog import Field
from comagic_cli.query.period import Period, resolve
from comagic_cli.query.query import Query
from comagic_cli.rows.page import Page, add_members

FIRST_COLUMNS = (Field("customer_id", "number"), Field("user_id", "number"))
"""The columns before those of the report, where several customers are exported."""

Result = TypeVar("Result")


def find_customers(options: ExportOptions, context: Context) -> ExportOptions:
    """Find out who the customers are, where several are meant.

    What is the same for all is asked of the first. Raises `UsageProblem` for a period that can't be
    read, before anything is asked.
    """
    if not options.users or options.customers:
        return options
    period_in_utc(options, context)
    if options.dry_run:
        first = options.users[0]
        return replace(options, user_id=None if first == ALL else int(first))
    with connect(options, context) as connection:
        found = ask_customers(connection.client.call, options.users, connection.note)
    return replace(options, customers=tuple(found), user_id=found[0].user_id)


def period_in_utc(options: ExportOptions, context: Context) -> Period:
    """Resolve the period as in UTC: each of several customers has a time zone."""
    now = context.clock.now
    return resolve(options.from_, options.till, options.period, now, now)


def ask_any_customer(
    connection: Connection, options: ExportOptions, ask: Callable[[Connection], Result]
) -> Result:
    """Ask for what is the same for all customers, of the first that does not refuse.

    Without customers, ask the account itself.
    """
    customers = deque(options.customers)
    while customers:
        customer = customers.popleft()
        try:
            return ask(connection.for_user(customer.user_id))
        except ComagicError as error:
            if not customers or not is_of_customer(error):
                raise
    return ask(connection)


@dataclass
class CustomerResult:
    """What came of one customer: its query, as far as there is one, and its rows."""

    customer: Customer
    query: Query | None = None
    rows: int = 0
    refused: str = ""

    def count(self) -> CustomerCount:
        """Return it as a manifest has it."""
        return CustomerCount(
            customer_id=msgspec.json.decode(self.customer.id),
            user_id=self.customer.user_id,
            report_id=self.query.report_id if self.query else None,
            period=format_period(self.query.period) if self.query else None,
            rows=self.rows,
            refused=self.refused,
        )


@dataclass
class Customers:
    """Do something for each customer, one after another; a refusal of one stops no other."""

    connection: Connection
    customers: tuple[Customer, ...]
    results: list[CustomerResult] = field(default_factory=list)
    _failures: list[ComagicError] = field(default_factory=list)

    def each(
        self, act: Callable[[Connection, CustomerResult], Iterator[Result]]
    ) -> Iterator[Result]:
        """Yield what `act` yields of each customer.

        Raises, in the end, `RowsMissing` with the list of the customers that failed; what the first
        raised where all did; and at once what concerns no single customer, such as used up points.
        """
        successes = 0
        for customer in self.customers:
            successes += yield from self._customer(customer, act)
        if self._failures:
            raise self._sum_up(successes)

    def _customer(
        self, customer: Customer, act: Callable[[Connection, CustomerResult], Iterator[Result]]
    ) -> Generator[Result, None, bool]:
        """Yield what comes of a customer, through another of its users where the first is refused.

        Return whether anything came.
        """
        users = deque((customer, *customer.spare))
        while True:
            user = users.popleft()
            result = CustomerResult(user)
            has_some = False
            try:
                for one in act(self.connection.for_user(user.user_id), result):
                    has_some = True
                    yield one
            except ComagicError as error:
                if not is_of_customer(error):
                    raise
                if users and not has_some:
                    self.connection.note(f"{user}: {error.message}; asking for {users[0]}")
                    continue
                self._fail(result, error)
            self.results.append(result)
            return has_some

    def _fail(self, result: CustomerResult, error: ComagicError) -> None:
        result.refused = error.message
        self._failures.append(error)
        self.connection.context.reporter.error(
            f"{result.customer}: {error.message}",
            user_id=result.customer.user_id,
            mnemonic=error.mnemonic,
        )

    def _sum_up(self, successes: int) -> ComagicError:
        if not successes:
            return self._failures[0]
        failed = [result.customer for result in self.results if result.refused]
        numbers = ", ".join(str(customer.user_id) for customer in failed)
        return RowsMissing(
            f"rows are missing: {len(failed)} of {len(self.results)} customers are incomplete: "
            f"users {numbers}",
            hint="What came is written, a file as NAME.incomplete. Export these again: --user-id.",
        )


@dataclass
class CustomersReader:
    """Read the pages of each customer, with `FIRST_COLUMNS` in every row.

    It is used like a `Reader`. `query` is that of all customers: its period holds theirs.
    `make_query` makes the query of one customer, for at most so many rows.
    """

    query: Query
    customers: Customers
    make_query: Callable[[Connection, int | None], Query]
    with_zones: bool = False  # each page says its zone
    done: list[WindowResult] = field(default_factory=list)
    matching: int | None = None
    overstated: int = 0
    outside: int = 0
    unreadable_times: int = 0
    missing: list[str] = field(default_factory=list)
    _written: int = 0
    _totals: list[int | None] = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Yield the pages, at least one. Raises what `Customers.each` does."""
        yield from self.customers.each(self._customer)
        totals = [total for total in self._totals if total is not None]
        if len(totals) == len(self.customers.customers):
            self.matching = sum(totals)

    @property
    def counts(self) -> list[CustomerCount]:
        """Return what came of each customer."""
        return [result.count() for result in self.customers.results]

    def _customer(self, connection: Connection, result: CustomerResult) -> Iterator[Page]:
        max_rows = None if self.query.most is None else self.query.most - self._written
        if max_rows == 0:
            return
        result.query = query = self.make_query(connection, max_rows)
        self._widen(query)
        reader = connection.read(query)
        zone = connection.zone.key if self.with_zones else None
        try:
            for page in reader.pages():
                self._written += page.count
                result.rows += page.count
                whole = add_members(page, result.customer.members)
                yield msgspec.structs.replace(whole, settled=None, zone=zone)
        finally:
            self._totals.append(reader.matching)
            self.overstated += reader.overstated
            self.outside += reader.outside
            self.unreadable_times += reader.unreadable_times
            user_id = result.customer.user_id
            self.done += [msgspec.structs.replace(done, user_id=user_id) for done in reader.done]

    def _widen(self, query: Query) -> None:
        """Let the period of all hold that of one more customer; the filter is the first's."""
        if not self._totals:
            self.query = replace(self.query, period=query.period, filter=query.filter)
            return
        whole, own = self.query.period, query.period
        period = Period(min(whole.start, own.start), max(whole.end, own.end))
        self.query = replace(self.query, period=period)
