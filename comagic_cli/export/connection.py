"""The connection to an account: its client, and what the account is asked besides the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.api.client import Client
from comagic_cli.api.dialect import Ask, Dialect, make_asker, read_uses
from comagic_cli.api.endpoints import (
    ask_zone,
    explain_report,
    find_report_id,
    listed_operators,
    zone_named,
)
from comagic_cli.api.http import open_transport, service_url
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.api.session import Session
from comagic_cli.config.credentials import Account, find_account, ignore, uses_profile
from comagic_cli.export.context import Context, Progress, rows_of
from comagic_cli.export.options import ServiceOptions
from comagic_cli.files.cache import Cache, cache_key, default_cache, save_names, saved_names
from comagic_cli.paging.id_batches import QueryReader, make_reader
from comagic_cli.paging.lookahead import Lookahead
from comagic_cli.paging.source import Totals
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.query import Query
from comagic_cli.query.suggest import first_of
from comagic_cli.rows.decode import Members
from comagic_cli.rows.page import MOST_CUT, Answer, cut_row

DAY = 86_400.0  # seconds
JOBS = "jobs"  # how many questions at once were good
LISTED = "listed-operators"  # what is cached under this name
MAX_NAMED = 5  # names that a message lists


class OddRows(Protocol):
    """How many rows came that show a time outside of the period, or one of an unknown form.

    `unsorted` says that they came in any order.
    """

    outside: int
    unreadable_times: int
    unsorted: bool


@dataclass(frozen=True)
class Connection:
    """A client of an account, and where facts about the account are cached (`None`: nowhere)."""

    client: Client
    account: Account
    context: Context
    cache: Cache | None
    progress: Progress = field(default_factory=Progress)
    totals: Totals = field(default_factory=Totals)
    ahead: Lookahead = field(default_factory=Lookahead)
    user_label: str = ""  # of one of several customers, before what is said of it
    _members: list[Members] = field(default_factory=list)  # one, shared by all customers
    _field_names: dict[str, str] = field(default_factory=dict)  # shared by them too

    @property
    def note(self) -> Callable[[str], None]:
        """Report a step."""
        return self.context.reporter.note

    def cache_name(self, kind: str, *more: object) -> str:
        """Name what is cached of this account, and of no other."""
        account = self.account
        return cache_key(kind, account.url, account.owner, account.user_id, *more)

    def save_names(self, kind: str, names: Iterable[tuple[object, object]]) -> None:
        """Save names, each with what it means, for completion and search."""
        if self.cache:
            texts = {str(name): str(meaning or "") for name, meaning in names}
            save_names(self.cache, kind, self.account.profile, texts)

    def call(self, method: str, params: Mapping[str, Any], row: type[Any] = msgspec.Raw) -> Answer:
        """Call a method of the service, as the user of the account: see `Client.call`."""
        return self.client.call_as(self.account.user_id, method, params, row)

    def for_user(self, user_id: int) -> Connection:
        """Return a connection that calls as another user of the agent."""
        account = replace(self.account, user_id=user_id, saved_zone=None)
        return replace(self, account=account, user_label=f"user {user_id}: ")

    def find_report_id(self, report: ReportType, typed: str | None) -> int | str | None:
        """Return the id of a flat report: typed, else found by its name or by its type."""
        if not report.is_flat:
            return None
        return find_report_id(self.call, report, typed, self.note)

    def now(self) -> datetime:
        """Return the time in the account's zone, which may have to be asked for."""
        return self.context.clock.now().astimezone(self.zone).replace(microsecond=0)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the account's time zone: --tz, else as saved, as cached, or asked for."""
        known = self.known_zone
        if self.account.zone or self.account.saved_zone:
            return ZoneInfo(known or "")
        zone = ZoneInfo(known) if known else ask_zone(self.call)
        if self.cache and not known:
            self.cache.set(self.cache_name("zone"), zone.key)
        self.note(f"time zone {zone.key}")
        return zone

    @property
    def known_zone(self) -> str | None:
        """The name of the account's time zone, `None` where it would have to be asked for."""
        if "zone" in vars(self):
            return self.zone.key
        if self.account.zone:
            return zone_named(self.account.zone, "--tz").key
        if self.account.saved_zone:
            return zone_named(self.account.saved_zone, "the profile's timezone").key
        cached = self.cache.get(self.cache_name("zone")) if self.cache else None
        return zone_named(cached, "the cache").key if cached else None

    @cached_property
    def dialect(self) -> Dialect:
        """Return what is known of this service; the operators that it refused are cached."""
        cache, name = self.cache, self.cache_name("operators")
        if not cache:
            return Dialect(field_names=self._field_names)
        save = partial(cache.set, name)
        return Dialect(read_uses(cache.get(name)), save, self.listed_operators, self._field_names)

    def listed_operators(self, kind: str) -> Mapping[str, Collection[str]]:
        """Return the operators that the account lists, if they are cached: see `save_operators`."""
        text = self.cache.get(self.cache_name(LISTED, kind)) if self.cache else None
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text or "{}", type=dict[str, list[str]])
        return {}

    def save_operators(self, kind: str, filters: Iterable[Mapping[str, Any]]) -> None:
        """Cache the operators that the account lists for reports of a type."""
        if self.cache:
            text = msgspec.json.encode(listed_operators(filters)).decode()
            self.cache.set(self.cache_name(LISTED, kind), text)

    def read(self, query: Query, *, cut: bool = False) -> QueryReader:
        """Make the reader of a query: by batches of ids where it names them.

        Its pages may be cut into all columns if `cut` says so; those of batches are whole.
        """
        cut = cut and query.ids is None
        return make_reader(
            query,
            partial(self.asker, cut=cut),
            self.note,
            error=self.context.reporter.error,
            warn=lambda text: self.context.reporter.warn(f"{self.user_label}{text}"),
            zone=lambda: self.known_zone,
            totals=self.totals,
            ahead=self.ahead,
            cut=cut,
        )

    def asker(self, query: Query, *, cut: bool = False) -> Ask:
        """Return what asks for pages of a query, and notes which members the rows have."""
        if not self._members:
            fields = [query.report.field(name) for name in query.columns]
            aliases = {alias: field.name for field in fields for alias in field.aliases}
            self._members.append(Members(query.columns, aliases, query.asked))
        is_cut = cut and len(query.asked) <= MOST_CUT
        row = cut_row(query.asked) if is_cut else msgspec.Raw
        ask = make_asker(self, query, self.dialect, self._members[0], row)
        if self.account.user_id is not None:  # the user may be one of several
            return ask
        return explain_report(ask, self.call, query)

    def report_oddities(self, *readers: OddRows) -> None:
        """Report rows outside of the period, unknown times, and columns under another name."""
        reporter = self.context.reporter
        if outside := sum(reader.outside for reader in readers):
            rows = rows_of(outside)
            reporter.error(
                f"{rows} outside of the period asked for came, and are not written",
                outside=outside,
            )
        if unreadable := sum(reader.unreadable_times for reader in readers):
            rows = f"{rows_of(unreadable)} {'has' if unreadable == 1 else 'have'}"
            reporter.error(
                f"{rows} a time of an unknown form; written without a check of the period",
                unreadable_times=unreadable,
            )
        missing, unasked = self._members[0].difference if self._members else ([], [])
        if missing:
            reporter.warn(
                f"no row has {first_of(missing, MAX_NAMED)}; not asked for, but in the rows: "
                f"{first_of(unasked, MAX_NAMED)}",
                missing=missing,
                unasked=unasked,
            )

    def report_order(self, *readers: OddRows) -> None:
        """Report that rows came in an order of the service's own."""
        if any(reader.unsorted for reader in readers):
            self.context.reporter.warn(
                "the service does not sort by time: the rows are in its own order", unsorted=True
            )


@contextmanager
def connect(
    options: ServiceOptions, context: Context, *, is_agent: bool = False
) -> Iterator[Connection]:
    """Connect to the account that the options name, or to a private sandbox.

    `is_agent` makes the sandbox that of an agent; so do options that name customers.
    """
    with (
        _open_account(options, context, is_agent=is_agent) as account,
        connect_to(account, options, context) as connection,
    ):
        yield connection


@contextmanager
def connect_to(account: Account, options: ServiceOptions, context: Context) -> Iterator[Connection]:
    """Connect to an account."""
    reporter, clock = context.reporter, context.clock
    with reporter.follow(getattr(options, "output", None)) as progress:
        transport = open_transport(account.url, options.timeout)
        retry_policy = RetryPolicy(
            max_wait=options.max_wait,
            show=progress.wait if progress.is_watched else None,
            sleep=clock.sleep,
            jitter=clock.jitter,
            now=lambda: clock.now().astimezone(),
        )
        cache = None if options.sandbox else default_cache()
        client = Client(
            transport,
            account.token,
            account.user_id,
            retry_policy,
            reporter.note if reporter.verbose else None,  # else texts need not be masked
            on_response=progress.heard,
            clock=clock.monotonic,
            session=open_session(account, cache),
        )
        connection = Connection(client, account, context, cache, progress)
        connection = replace(connection, ahead=_look_ahead(connection, options))
        try:
            yield connection
        finally:
            # An answer may still be on its way.
            client.note, client.on_response = None, lambda *_: None
            transport.close()
            _remember(connection)


def _look_ahead(connection: Connection, options: ServiceOptions) -> Lookahead:
    """Make the lookahead; it begins with as many questions at once as were good a day ago."""
    jobs, client = getattr(options, "jobs", 1), connection.client
    limit = _known_jobs(connection) if jobs > 1 else 1
    ahead = Lookahead(jobs, limit=limit, spare=lambda: client.spare_points, note=connection.note)
    client.on_trouble = ahead.slow_down
    return ahead


def _known_jobs(connection: Connection) -> int:
    """Return how many questions at once were good for the account, 1 where it is not known."""
    cache = connection.cache
    known = cache.get(connection.cache_name(JOBS), DAY) if cache else None
    return max(1, int(known)) if known and known.isdecimal() else 1


def _remember(connection: Connection) -> None:
    """Remember how many questions at once were good; a typed bound says nothing of more."""
    ahead, known = connection.ahead, _known_jobs(connection)
    if connection.cache and (ahead.limit > known or ahead.limit < min(known, ahead.jobs)):
        connection.cache.set(connection.cache_name(JOBS), str(ahead.limit))


@contextmanager
def _open_account(
    options: ServiceOptions, context: Context, *, is_agent: bool
) -> Iterator[Account]:
    if not options.sandbox:
        warn = ignore if options.quiet else partial(context.reporter.info, level="warning")
        yield find_account(service_url(options.base_url), options, context.environ, warn)
        return
    # Only --sandbox needs a server.
    from comagic_cli.sandbox.server import open_sandbox  # noqa: PLC0415

    is_agent = is_agent or options.user_id is not None or bool(getattr(options, "users", ()))
    with open_sandbox(is_agent=is_agent) as box:
        yield Account(box.url, box.token, options.user_id, options.tz)


def read_names(kind: str, options: ServiceOptions, context: Context) -> dict[str, str]:
    """Return names that `Connection.save_names` saved, without reading the token."""
    is_used = uses_profile(options.token_file, context.environ)
    return saved_names(default_cache(), kind, options.profile.name if is_used else "")


def open_session(account: Account, cache: Cache | None) -> Session | None:
    """Return the session of a login, cached between runs; `None` where there is a token."""
    if account.login is None:
        return None
    login, password = account.login.login, account.login.password
    session = Session(login, password, cache_key("session", account.url, login), cache)
    if account.profile:
        session.check = f"Correct it: comagic login {account.profile}."
    return session
