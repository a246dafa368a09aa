"""The service in use: its account, its client, and what is asked of it before the rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.api.client import Client
from comagic_cli.api.endpoints import ask_report, ask_zone, zone_named
from comagic_cli.api.http import open_transport, service_url
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.api.session import Session
from comagic_cli.config.credentials import Account, find_access, ignore, uses_profile
from comagic_cli.config.profiles import SAVED_ZONE
from comagic_cli.config.services import DEFAULT, resolve_service
from comagic_cli.export.events import Reporter
from comagic_cli.export.inputs import is_number
from comagic_cli.export.options import ExportOptions, ServiceOptions
from comagic_cli.export.progress import Progress
from comagic_cli.fetch.asking import RefusedOperators, asker
from comagic_cli.files.cache import Cache, cache_key, default_cache
from comagic_cli.formats.base import ZONED
from comagic_cli.paging.reader import Ask
from comagic_cli.query.catalog import Field, ReportType
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.filter.operators import Use
from comagic_cli.query.filter.tree import to_expression
from comagic_cli.query.period import Period, resolve
from comagic_cli.query.query import Query
from comagic_cli.rows.members import Members

if TYPE_CHECKING:
    from comagic_cli.commands.resuming import Form

ASKED = "(asked of the account)"  # a report id that is not known yet
NAMED = 5  # names that a message lists


@dataclass(frozen=True)
class Connection:
    """A client of an account, and where things are remembered of it (`None`: nowhere)."""

    client: Client
    account: Account
    reporter: Reporter
    cache: Cache | None
    progress: Progress = field(default_factory=Progress, kw_only=True)

    @property
    def note(self) -> Callable[[str], None]:
        """Report a step."""
        return self.reporter.note

    def name_of(self, kind: str, *more: object) -> str:
        """Name what is remembered of this account, and of no other."""
        account = self.account
        return cache_key(kind, account.url, account.owner, account.user_id, *more)

    @cached_property
    def refused_operators(self) -> RefusedOperators:
        """Return the operators that this account refused, cached for a day."""
        cache, name = self.cache, self.name_of("operators")
        if not cache:
            return RefusedOperators()
        uses = set[Use]()
        with suppress(msgspec.DecodeError):
            uses = msgspec.json.decode(cache.get(name) or "[]", type=set[Use])

        def save(uses: set[Use]) -> None:
            cache.set(name, msgspec.json.encode(sorted(uses)).decode())

        return RefusedOperators(uses, save)

    def number_of(self, report: ReportType, typed: str | None) -> int | str:
        """Return a report's number: typed, else asked for by its name or by its type."""
        if typed is not None and is_number(typed):
            return int(typed)
        row = ask_report(self.client.call, report, typed)
        self.note(f"report {row['id']} {row.get('name') or ''}")
        number: int | str = row["id"]
        return number


@dataclass(frozen=True)
class Service(Connection):
    """A connection that exports what the options say."""

    options: ExportOptions
    seen: list[Members] = field(default_factory=list, kw_only=True)  # one for all customers

    def asker(self, query: Query) -> Ask:
        """Return what asks pages of a query, and keeps in mind which members came."""
        if not self.seen:
            fields = [query.report.field(name) for name in query.columns]
            aliases = {alias: field.name for field in fields for alias in field.aliases}
            self.seen.append(Members(query.columns, aliases, query.asked))
        return asker(self.client, query, self.refused_operators, self.seen[0])

    def report_members(self) -> None:
        """Report columns that came in no row, where unasked members came instead."""
        missing, unasked = self.seen[0].difference if self.seen else ([], [])
        if missing:
            self.reporter.info(
                f"comagic: no row has {_listed(missing)}; not asked for, but in the rows: "
                f"{_listed(unasked)}",
                missing=missing,
                unasked=unasked,
            )

    def of(self, user_id: int) -> Service:
        """Ask for another client from now on, through a user of theirs."""
        self.client.user_id = user_id
        return replace(self, account=replace(self.account, user_id=user_id, saved_zone=None))

    def query(self, wish: ExportRequest, most: int | None) -> Query:
        """Make the query: ask for what only the account knows, and only where it is needed."""
        typed, now = self.options, cache(self.now)
        period = resolve(typed.from_, typed.till, typed.period, now, utc_now)
        self.note(f"period {period}")
        tree = wish.tree(now)
        if tree:
            self.note(f"filter {to_expression(tree)}")
        query = draft(wish, self.options, period, most)
        return replace(query, filter=tree, report_id=self.report_id(wish))

    def report_id(self, wish: ExportRequest) -> int | str:
        """Return the report's number: typed, else asked for by its name or by its type."""
        return self.number_of(wish.report, self.options.report_id)

    def now(self) -> datetime:
        """Return the time in the account's zone, which may have to be asked for."""
        return datetime.now(self.zone).replace(microsecond=0)

    def zoned(self, form: Form, wish: ExportRequest) -> Form:
        """Add the account's zone to a form whose times need it."""
        fields = map(wish.report.field, wish.columns)
        if self.options.clients and not self.options.tz:  # several zones: times stay without one
            return form
        instants = form.format in ZONED and _has_moments(fields)
        if not instants and form.look.times != "iso":
            return form
        return replace(form, look=replace(form.look, zone=self.zone.key))

    @cached_property
    def zone(self) -> ZoneInfo:
        """The account's time zone: --tz, or remembered, or asked for."""
        known = self.known_zone
        if self.account.zone or self.account.saved_zone:
            return ZoneInfo(known or "")
        zone = ZoneInfo(known) if known else ask_zone(self.client.call)
        if self.cache and not known:
            self.cache.set(self.name_of("zone"), zone.key)
        self.note(f"time zone {zone.key}")
        return zone

    @property
    def known_zone(self) -> str | None:
        """The name of the account's time zone, `None` where it would have to be asked for."""
        if self.account.zone:
            return zone_named(self.account.zone, "--tz").key
        if self.account.saved_zone:
            return zone_named(self.account.saved_zone, "the profile's timezone").key
        known = self.cache.get(self.name_of("zone")) if self.cache else None
        return zone_named(known, "the cache").key if known else None


def _has_moments(fields: Iterable[Field]) -> bool:
    from comagic_cli.formats.typed import kind_of  # noqa: PLC0415 - most formats have texts

    return any(kind_of(field) == "moment" for field in fields)


def draft(wish: ExportRequest, options: ExportOptions, period: Period, most: int | None) -> Query:
    """Make the query as far as it is known without asking the account for its report."""
    return Query(
        wish.report,
        _number(options.report_id),
        period,
        wish.columns,
        report_type=wish.report_type,
        sort=wish.sort,
        page_size=options.page_size,
        most=most,
        extra=wish.extra,
        needed=wish.needed,
    )


def _number(typed: str | None) -> int | str:
    if typed is None:
        return ASKED
    return int(typed) if is_number(typed) else f"(asked of the account: {typed})"


def rough_period(options: ExportOptions) -> Period:
    """Resolve the period as in UTC: that of each of several clients is of its own zone."""
    return resolve(options.from_, options.till, options.period, utc_now, utc_now)


@contextmanager
def open_service(options: ExportOptions, reporter: Reporter) -> Iterator[Service]:
    """Connect to export what the options say."""
    with connect(options, reporter) as at:
        yield Service(at.client, at.account, reporter, at.cache, options, progress=at.progress)


@contextmanager
def connect(options: ServiceOptions, reporter: Reporter) -> Iterator[Connection]:
    """Connect to the account that the options name, or to a private sandbox."""
    with (
        _account(options, reporter) as account,
        connect_to(account, options, reporter) as connection,
    ):
        yield connection


@contextmanager
def connect_to(
    account: Account, options: ServiceOptions, reporter: Reporter
) -> Iterator[Connection]:
    """Connect to an account."""
    with reporter.follow(getattr(options, "output", None)) as progress:
        line = open_transport(account.url, options.timeout)
        retry_policy = RetryPolicy(
            max_wait=options.max_wait, show=progress.wait if progress.is_watched else None
        )
        cache = None if options.sandbox else default_cache()
        session = session_of(account, cache)
        told = reporter.note if reporter.verbose else None  # else it need not be masked
        client = Client(line, account.token, account.user_id, retry_policy, told, session=session)
        client.on_response = progress.heard
        try:
            yield Connection(client, account, reporter, cache, progress=progress)
        finally:
            # An answer may still be on its way.
            client.note, client.on_response = None, lambda *_: None
            line.close()


def saved_zone(options: ServiceOptions) -> str | None:
    """Return the account's zone as login has saved it; `None` where another account is meant."""
    profile = options.profile
    same = (
        not options.sandbox
        and uses_profile(options.token_file, os.environ)
        and resolve_service(profile.text("base-url") or DEFAULT) == options.base_url
        and str(profile.values.get("user-id") or None) == str(options.user_id)
    )
    return profile.text(SAVED_ZONE) or None if same else None


@contextmanager
def _account(options: ServiceOptions, reporter: Reporter) -> Iterator[Account]:
    if not options.sandbox:
        url = service_url(options.base_url)
        warn = ignore if options.quiet else reporter.info
        access = find_access(options.token_file, os.environ, options.profile, url=url, warn=warn)
        zone, saved = options.tz, saved_zone(options)
        yield Account(url, access.token, options.user_id, zone, access.login, saved, access.profile)
        return
    from comagic_cli.sandbox.quirks import Quirks  # noqa: PLC0415 - only where it is used
    from comagic_cli.sandbox.server import Sandbox  # noqa: PLC0415 - the same

    is_agent = options.user_id is not None or bool(getattr(options, "users", ()))
    with Sandbox(quirks=Quirks(agent=is_agent)) as box:
        yield Account(box.url, box.token, options.user_id, options.tz)


def session_of(account: Account, cache: Cache | None) -> Session | None:
    """Return what logs in, where there is no key; the session is kept between runs."""
    if account.login is None:
        return None
    login, password = account.login.login, account.login.password
    session = Session(login, password, cache_key("session", account.url, login), cache)
    if account.profile:
        session.check = f"Correct it: comagic login {account.profile}."
    return session


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)
