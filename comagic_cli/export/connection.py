"""The connection to an account: its client, and what the account is asked besides the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.api.client import Client
from comagic_cli.api.endpoints import ask_report, ask_zone, zone_named
from comagic_cli.api.errors import may_mean_parameter
from comagic_cli.api.http import open_transport, service_url
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.api.session import Session
from comagic_cli.config.credentials import Account, find_access, ignore, uses_profile
from comagic_cli.config.profiles import SAVED_ZONE
from comagic_cli.config.services import DEFAULT, resolve_service
from comagic_cli.errors import Refused
from comagic_cli.export.context import Context
from comagic_cli.export.options import ServiceOptions
from comagic_cli.export.progress import Progress
from comagic_cli.files.cache import Cache, cache_key, default_cache
from comagic_cli.paging.id_batches import IdBatchReader
from comagic_cli.paging.reader import Reader
from comagic_cli.paging.source import Ask
from comagic_cli.paging.window import Window
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.filter.operators import Use, avoid_refused, replace_operators
from comagic_cli.query.filter.tree import TooDeep, fields_of
from comagic_cli.query.ids import is_number
from comagic_cli.query.query import IDS, Query
from comagic_cli.rows.answer import Answer
from comagic_cli.rows.members import Members

MAX_NAMED = 5  # names that a message lists


@dataclass(frozen=True)
class RefusedOperators:
    """The operators that an account refused, by field; `save` is called when more are known."""

    uses: set[Use] = field(default_factory=set)
    save: Callable[[set[Use]], None] = lambda _: None


@dataclass(frozen=True)
class Connection:
    """A client of an account, and where facts about the account are cached (`None`: nowhere)."""

    client: Client
    account: Account
    context: Context
    cache: Cache | None
    progress: Progress = field(default_factory=Progress)
    _members: list[Members] = field(default_factory=list)  # one, shared by all customers

    @property
    def note(self) -> Callable[[str], None]:
        """Report a step."""
        return self.context.reporter.note

    def cache_name(self, kind: str, *more: object) -> str:
        """Name what is cached of this account, and of no other."""
        account = self.account
        return cache_key(kind, account.url, account.owner, account.user_id, *more)

    def for_user(self, user_id: int) -> Connection:
        """Call as another user of the agent from now on."""
        self.client.user_id = user_id
        account = replace(self.account, user_id=user_id, saved_zone=None)
        return replace(self, account=account)

    def find_report_id(self, report: ReportType, typed: str | None) -> int | str:
        """Return the report id: typed, else found by its name or by its type."""
        if typed is not None and is_number(typed):
            return int(typed)
        row = ask_report(self.client.call, report, typed)
        self.note(f"report {row['id']} {row.get('name') or ''}")
        report_id: int | str = row["id"]
        return report_id

    def now(self) -> datetime:
        """Return the time in the account's zone, which may have to be asked for."""
        return self.context.clock.now().astimezone(self.zone).replace(microsecond=0)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the account's time zone: --tz, else as saved, as cached, or asked for."""
        known = self.known_zone
        if self.account.zone or self.account.saved_zone:
            return ZoneInfo(known or "")
        zone = ZoneInfo(known) if known else ask_zone(self.client.call)
        if self.cache and not known:
            self.cache.set(self.cache_name("zone"), zone.key)
        self.note(f"time zone {zone.key}")
        return zone

    @property
    def known_zone(self) -> str | None:
        """The name of the account's time zone, `None` where it would have to be asked for."""
        if self.account.zone:
            return zone_named(self.account.zone, "--tz").key
        if self.account.saved_zone:
            return zone_named(self.account.saved_zone, "the profile's timezone").key
        cached = self.cache.get(self.cache_name("zone")) if self.cache else None
        return zone_named(cached, "the cache").key if cached else None

    @cached_property
    def refused_operators(self) -> RefusedOperators:
        """Return the operators that this account refused, cached for a day."""
        cache, name = self.cache, self.cache_name("operators")
        if not cache:
            return RefusedOperators()
        uses = set[Use]()
        with suppress(msgspec.DecodeError):
            uses = msgspec.json.decode(cache.get(name) or "[]", type=set[Use])

        def save(uses: set[Use]) -> None:
            cache.set(name, msgspec.json.encode(sorted(uses)).decode())

        return RefusedOperators(uses, save)

    def read(self, query: Query) -> Reader | IdBatchReader:
        """Make the reader of a query: by batches of ids where it names them."""
        if IDS in query.extra:
            return IdBatchReader(query, self.asker, self.note)
        return Reader(query, self.asker(query), self.note, zone=self.known_zone)

    def asker(self, query: Query) -> Ask:
        """Return what asks for pages of a query, and notes which members the rows have."""
        if not self._members:
            fields = [query.report.field(name) for name in query.columns]
            aliases = {alias: field.name for field in fields for alias in field.aliases}
            self._members.append(Members(query.columns, aliases, query.asked))
        return make_asker(self.client, query, self.refused_operators, self._members[0])

    def report_oddities(self, outside: int) -> None:
        """Report rows outside of the period, and columns that came under another name."""
        if outside:
            rows = "1 row" if outside == 1 else f"{outside} rows"
            self.context.reporter.error(
                f"{rows} outside of the period asked for came, and are not written",
                outside=outside,
            )
        missing, unasked = self._members[0].difference if self._members else ([], [])
        if missing:
            self.context.reporter.info(
                f"comagic: no row has {_list(missing)}; not asked for, but in the rows: "
                f"{_list(unasked)}",
                missing=missing,
                unasked=unasked,
            )


def _list(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


@contextmanager
def connect(options: ServiceOptions, context: Context) -> Iterator[Connection]:
    """Connect to the account that the options name, or to a private sandbox."""
    with (
        _open_account(options, context) as account,
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
        try:
            yield Connection(client, account, context, cache, progress)
        finally:
            # An answer may still be on its way.
            client.note, client.on_response = None, lambda *_: None
            transport.close()


@contextmanager
def _open_account(options: ServiceOptions, context: Context) -> Iterator[Account]:
    if not options.sandbox:
        url, environ = service_url(options.base_url), context.environ
        warn = ignore if options.quiet else context.reporter.info
        access = find_access(options.token_file, environ, options.profile, url=url, warn=warn)
        zone, saved = options.tz, saved_zone(options, context)
        yield Account(url, access.token, options.user_id, zone, access.login, saved, access.profile)
        return
    # Only --sandbox needs a server.
    from comagic_cli.sandbox.quirks import Quirks  # noqa: PLC0415
    from comagic_cli.sandbox.server import Sandbox  # noqa: PLC0415

    is_agent = options.user_id is not None or bool(getattr(options, "users", ()))
    with Sandbox(quirks=Quirks(agent=is_agent)) as box:
        yield Account(box.url, box.token, options.user_id, options.tz)


def saved_zone(options: ServiceOptions, context: Context) -> str | None:
    """Return the account's zone as login has saved it; `None` where another account is meant."""
    profile = options.profile
    is_same = (
        not options.sandbox
        and uses_profile(options.token_file, context.environ)
        and resolve_service(profile.text("base-url") or DEFAULT) == options.base_url
        and str(profile.values.get("user-id") or None) == str(options.user_id)
    )
    return profile.text(SAVED_ZONE) or None if is_same else None


def open_session(account: Account, cache: Cache | None) -> Session | None:
    """Return the session of a login, cached between runs; `None` where there is a token."""
    if account.login is None:
        return None
    login, password = account.login.login, account.login.password
    session = Session(login, password, cache_key("session", account.url, login), cache)
    if account.profile:
        session.check = f"Correct it: comagic login {account.profile}."
    return session


# Asking for one page, in the form that this service takes.


def make_asker(
    client: Client,
    query: Query,
    refused: RefusedOperators | None = None,
    members: Members | None = None,
) -> Ask:
    """Return what asks for pages of `query` through `client`.

    `report_type` is documented as required, yet the vendor's own front end leaves it out: where the
    service refuses it as unexpected, or misses it, the page is asked for again the other way. The
    same holds where the service does not sort by the key, which only we added. Operators of the
    filter that the account refuses are replaced by equal forms. `members` reads the rows' members.
    """
    refused = refused or RefusedOperators()
    form = _without_operators(query, refused.uses)

    def ask(window: Window, offset: int, limit: int) -> Answer:
        nonlocal form
        forms, first, new = [form], None, set[Use]()
        while True:
            try:
                answer = _send(client, forms[-1], window, offset, limit)
            except Refused as error:
                other = _other_form(forms[-1], error) or _other_filter(forms[-1], error, new)
                if other is None:
                    raise
                first = first or error
                if other in forms:  # another cause; the first refusal tells more
                    raise first from None
                forms.append(other)
            else:
                form = forms[-1]
                if not new <= refused.uses:
                    refused.uses.update(new)
                    refused.save(refused.uses)
                return _read_members(answer, members)

    return ask


def _read_members(answer: Answer, members: Members | None) -> Answer:
    if members is None or not isinstance(answer.came, list):
        return answer
    return msgspec.structs.replace(answer, came=members.read(answer.came))


def _send(client: Client, query: Query, window: Window, offset: int, limit: int) -> Answer:
    params = query.params(window.start, window.end, offset, limit)
    return client.call(query.report.method, params)


def _without_operators(query: Query, uses: set[Use]) -> Query:
    if not query.filter or not uses:
        return query
    with suppress(TooDeep):  # then the filter is sent as it is
        return replace(query, filter=replace_operators(query.filter, uses, query.report.field))
    return query


def _other_filter(query: Query, error: Refused, uses: set[Use]) -> Query | None:
    """Return the query without refused operators, which are added to `uses`."""
    if not query.filter or not (found := avoid_refused(query.filter, error, query.report.field)):
        return None
    tree, refused = found
    uses |= refused
    return replace(query, filter=tree)


def _other_form(query: Query, error: Refused) -> Query | None:
    """Return the form that a refusal calls for, `None` where it is about something else."""
    is_named = "report_type" in error.field or "report_type" in error.message
    if error.mnemonic == "unexpected_parameters" and query.report_type is not None:
        names = {*query.asked, *(sort.field for sort in query.order)}
        names |= fields_of(query.filter) if query.filter else set()
        is_unknown = may_mean_parameter(error, "report_type", names)
        return replace(query, report_type=None) if is_unknown else None
    if error.mnemonic == "required_parameter_missed" and query.report_type is None and is_named:
        return replace(query, report_type=query.report.kind)
    if error.mnemonic == "sort_prohibited" and query.ties:
        # The overlap of pages and the count still show where equal times change places.
        plain = replace(query, ties=False)
        return plain if plain.order and plain.order != query.order else None
    return None
