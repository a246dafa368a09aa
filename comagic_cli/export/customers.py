"""The customers of an agent, exported one after another into one output."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar

import msgspec

from comagic_cli.api.endpoints import ALL, Customer, ask_customers, is_of_customer
from comagic_cli.errors import ComagicError, NotAllowed, Refused, RowsMissing, UsageProblem
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import Context, Summary, files_of
from comagic_cli.export.manifest import CustomerCount, format_period
from comagic_cli.export.options import ExportOptions
from comagic_cli.formats.partitions import (
    CUSTOMER_NAMES,
    Template,
    file_name,
    fill_customer,
    read_template,
)
from comagic_cli.paging.id_batches import QueryReader
from comagic_cli.paging.lookahead import Question, outcome_of
from comagic_cli.paging.reader import Reader, WindowResult
from comagic_cli.query.period import Period, resolve
from comagic_cli.query.query import Query
from comagic_cli.rows.page import Page, add_members

REASONS = "The reasons are above; see --user-id."
SAME_FOR_ALL = (UsageProblem, Refused)
"""The errors that may be the same for all customers, so that they are reported in the end."""
Result = TypeVar("Result")


def find_customers(
    options: ExportOptions, context: Context, *, are_named: bool = False
) -> ExportOptions:
    """Find out who the customers are, where several are meant or the output names them.

    What is the same for all is asked of the first. Raises `UsageProblem` for a period that can't be
    read, before anything is asked.
    """
    if are_named and options.user_id is not None and not options.users:
        options = replace(options, users=(options.user_id,))
    if are_named and not options.users:
        raise UsageProblem(
            f"-o {options.output} names customers, and there are none",
            hint="Choose them with --user-id N, or --user-id all.",
        )
    if not options.users or options.customers:
        return options
    period_in_utc(options, context)
    if options.dry_run:
        first = options.users[0]
        return replace(options, user_id=None if first == ALL else int(first))
    with connect(options, context) as connection:
        found = ask_customers(connection.call, options.users, connection.note)
        connection.save_names("users", ((user.user_id, user.label) for user in found))
    return replace(options, customers=tuple(found), user_id=found[0].user_id)


def own_outputs(options: ExportOptions) -> dict[Customer, ExportOptions]:
    """Return the options of each customer, with output and manifest named after it.

    A dry run shows the first. Raises `UsageProblem` where two customers would have the same name.
    """
    if not options.customers:
        names = {name: f"{{{name}}}" for name in CUSTOMER_NAMES}
        return {Customer(0): replace(options, output=fill_customer(str(options.output), names))}
    own: dict[Customer, ExportOptions] = {}
    for customer in options.customers:
        names = {"user_id": str(customer.user_id), "customer": file_name(customer.label)}
        manifest = options.manifest and _fill_manifest(options.manifest, names)
        output = fill_customer(str(options.output), names)
        changed = replace(options, output=output, manifest=manifest, user_id=customer.user_id)
        own[customer] = replace(changed, users=(), customers=())
    if len({each.output for each in own.values()}) < len(own):
        raise UsageProblem(
            f"-o {options.output}: two customers have the same name", hint="Name it by {user_id}."
        )
    return own


def export_each(
    options: ExportOptions, context: Context, export: Callable[[ExportOptions], Summary | None]
) -> Summary | None:
    """Export each customer to an output of its own; a refusal of one stops no other.

    Raises `RowsMissing` with the list of the customers that failed, and at once what concerns no
    single customer.
    """
    summaries = list[Summary]()
    failures: dict[Customer, ComagicError] = {}
    outputs = own_outputs(options)
    if options.dry_run:
        return export(next(iter(outputs.values())))
    for customer, own in outputs.items():
        template = read_template(str(own.output))
        folder = template.folder if isinstance(template, Template) else template
        try:
            with context.find_store(folder)[0].open(create=True):
                summary = _export_customer(customer, own, context, export)
        except ComagicError as error:
            if not is_of_customer(error):
                raise
            failures[customer] = error
            if not isinstance(error, SAME_FOR_ALL):
                _report(customer, error, context)
        else:
            summaries += [summary] if summary else []
    total = _add_up(summaries, options)
    if not failures:
        return total
    failure = _sum_up(failures, options, context)
    if total:
        context.reporter.record(failure.message, **total.members)
    raise failure


def _sum_up(
    failures: Mapping[Customer, ComagicError], options: ExportOptions, context: Context
) -> ComagicError:
    """Return the error to raise; report before it the mistakes that are not the same for all."""
    are_all = len(failures) == len(options.customers)
    if not are_all or len({error.message for error in failures.values()}) > 1:
        for customer, error in failures.items():
            if isinstance(error, SAME_FOR_ALL):
                _report(customer, error, context)
    if are_all:
        return next(iter(failures.values()))
    return RowsMissing(
        f"{len(failures)} of {len(options.customers)} customers failed: users "
        f"{', '.join(str(customer.user_id) for customer in failures)}",
        hint="The files of the others are complete. Run the same command again.",
    )


def _export_customer(
    customer: Customer,
    options: ExportOptions,
    context: Context,
    export: Callable[[ExportOptions], Summary | None],
) -> Summary | None:
    """Export a customer through the first of its users that is not refused."""
    *others, last = customer, *customer.spare
    for user in others:
        try:
            return export(replace(options, user_id=user.user_id))
        except NotAllowed as error:
            if not is_of_customer(error):
                raise
            context.reporter.note(f"{user}: {error.message}")
    return export(replace(options, user_id=last.user_id))


def _report(customer: Customer, error: ComagicError, context: Context) -> None:
    context.reporter.error(
        f"{customer}: {error.message}", user_id=customer.user_id, mnemonic=error.mnemonic
    )


def _add_up(summaries: Sequence[Summary], options: ExportOptions) -> Summary | None:
    if not summaries:
        return None
    rows = sum(summary.rows for summary in summaries)
    points = sum(summary.points for summary in summaries)
    days = sorted(day for summary in summaries for day in summary.days)
    each = [summary.members for summary in summaries]
    files = sum(members.get("files", 1) for members in each)
    return replace(
        summaries[-1],
        rows=rows,
        points=points,
        days=[days[0], days[-1]],
        output=files_of(files, options.output),
        members={
            "rows": rows,
            "period": [
                min(members["period"][0] for members in each),
                max(members["period"][1] for members in each),
            ],
            "output": options.output,
            "bytes": sum(members["bytes"] for members in each),
            "files": files,
            "points": points,
            "customers": len(summaries),
        },
    )


def _fill_manifest(name: str, names: Mapping[str, str]) -> str:
    filled = name
    for placeholder, value in names.items():
        filled = filled.replace(f"{{{placeholder}}}", value)
    if filled == name:
        raise UsageProblem(
            f"--manifest {name}: each customer has a manifest of its own",
            hint="Name it by {user_id}.",
        )
    return filled


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
        _report(result.customer, error, self.connection.context)

    def _sum_up(self, successes: int) -> ComagicError:
        if not successes:
            return self._failures[0]
        failed = [result.customer for result in self.results if result.refused]
        numbers = ", ".join(str(customer.user_id) for customer in failed)
        verb, noun = ("is", "user") if len(failed) == 1 else ("are", "users")
        return RowsMissing(
            f"rows are missing: {len(failed)} of {len(self.results)} customers {verb} incomplete: "
            f"{noun} {numbers}",
            hint=REASONS,
        )


def furthest_behind(connection: Connection, customers: Sequence[Customer]) -> datetime:
    """Return the time of the customer whose clocks are the furthest behind.

    A customer that refuses is passed over: its refusal is reported when its rows are asked for.
    """
    times = []
    for customer in customers:
        try:
            times.append(connection.for_user(customer.user_id).now())
        except ComagicError as error:
            if not is_of_customer(error):
                raise
            failure = error
    if not times:
        raise failure
    return min(times, key=lambda time: time.replace(tzinfo=None))


@dataclass(frozen=True)
class _Prepared:
    """What is ready of a customer: its first page is a question and what came of it."""

    connection: Connection
    query: Query
    reader: QueryReader
    first_page: tuple[Hashable, Future[Any]] | None = None


def _key(user_id: int) -> tuple[str, int]:
    return "customer", user_id


@dataclass
class CustomersReader:
    """Read the pages of each customer, with `FIRST_COLUMNS` in every row.

    It is used like a `Reader`. `query` is that of all customers: its period holds theirs.
    `make_query` makes the query of one customer, for at most so many rows; `on_customer` is called
    once it is made. A last page says that all rows of the period came, if no customer failed.
    """

    query: Query
    customers: Customers
    make_query: Callable[[Connection, int | None], Query]
    with_zones: bool = False  # each page says its zone
    on_customer: Callable[[CustomerResult], None] = lambda _: None
    done: list[WindowResult] = field(default_factory=list)
    matching: int | None = None
    overstated: int = 0
    outside: int = 0
    unreadable_times: int = 0
    unsorted: bool = False
    missing: list[str] = field(default_factory=list)
    _written: int = 0
    _totals: list[int | None] = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Yield the pages, at least one. Raises what `Customers.each` does."""
        yield from self.customers.each(self._customer)
        totals = [total for total in self._totals if total is not None]
        if len(totals) == len(self.customers.customers):
            self.matching = sum(totals)
        start, end = format_period(self.query.period)
        yield Page((), settled=(start, end))

    @property
    def counts(self) -> list[CustomerCount]:
        """Return what came of each customer."""
        return [result.count() for result in self.customers.results]

    def _customer(self, connection: Connection, result: CustomerResult) -> Iterator[Page]:
        max_rows = None if self.query.max_rows is None else self.query.max_rows - self._written
        if max_rows == 0:
            return
        user_id, ahead = result.customer.user_id, connection.ahead
        prepared = ahead.call(_key(user_id), partial(self._prepare, connection, max_rows))
        connection, reader = prepared.connection, prepared.reader
        if prepared.first_page:
            ahead.keep(*prepared.first_page)
        if isinstance(reader, Reader) and max_rows is None:
            reader.follow = partial(self._following, user_id)
        result.query = prepared.query
        self._widen(prepared.query)
        self.on_customer(result)
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
            self.unsorted = self.unsorted or reader.unsorted
            user_id = result.customer.user_id
            self.done += [msgspec.structs.replace(done, user_id=user_id) for done in reader.done]

    def _prepare(
        self, connection: Connection, max_rows: int | None, *, with_page: bool = False
    ) -> _Prepared:
        """Make the query and the reader of a customer, and ask for its first page already."""
        query = self.make_query(connection, max_rows)
        reader = connection.read(query)
        if not with_page or not isinstance(reader, Reader):
            return _Prepared(connection, query, reader)
        key, ask = reader.first_question()
        return _Prepared(connection, query, reader, (key, outcome_of(ask)))

    def _following(self, user_id: int) -> Iterator[Question]:
        """Yield what is asked for the customers after that of a user."""
        customers = iter(self.customers.customers)
        for customer in customers:
            if user_id in {user.user_id for user in (customer, *customer.spare)}:
                break
        for customer in customers:
            connection = self.customers.connection.for_user(customer.user_id)
            prepare = partial(self._prepare, connection, None, with_page=True)
            yield _key(customer.user_id), prepare

    def _widen(self, query: Query) -> None:
        """Let the period of all hold that of one more customer; the filter is the first's."""
        if not self._totals:
            self.query = replace(self.query, period=query.period, filter=query.filter)
            return
        whole, own = self.query.period, query.period
        period = Period(min(whole.start, own.start), max(whole.end, own.end))
        self.query = replace(self.query, period=period)


PageReader: TypeAlias = QueryReader | CustomersReader
