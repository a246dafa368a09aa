"""Try a key or a login, and remember it as a profile."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from comagic_cli.commands.options import ServiceOptions
from comagic_cli.commands.options.kinds import ServiceUrl, Whole
from comagic_cli.commands.prompts import ask, ask_secret, read_secret, somebody_is_there
from comagic_cli.commands.service import Connection, connect_to
from comagic_cli.commands.streams import tell
from comagic_cli.config.access import Account, find_access
from comagic_cli.config.brands import BRANDS, DEFAULT, name_of, url_named
from comagic_cli.config.profiles import (
    ENTRANCES,
    SAVED_ZONE,
    USUAL,
    Profile,
    Profiles,
    change_profiles,
    check_name,
    config_file,
    read_profiles,
)
from comagic_cli.errors import ComagicError, Refused, UsageProblem
from comagic_cli.fetch.account import ask_account, objects, zone_of
from comagic_cli.fetch.client import service_url
from comagic_cli.fetch.refusals import ENDED

OF_ACCOUNT = frozenset({*ENTRANCES, SAVED_ZONE, "base-url", "user-id"})
LISTED = 20  # clients of an agent that are shown


@dataclass(frozen=True)
class Wish:
    """What was typed after `comagic login`."""

    profile: str | None
    base_url: str | None
    with_token: bool
    token_file: str | None
    token_command: str | None
    user_id: int | None
    timeout: float
    verbose: bool


def log_in(wish: Wish) -> None:
    """Try the account and save it. Raises `ComagicError`; nothing is saved then."""
    file = file_of_profiles()
    profiles = read_profiles(file)
    name = check_name(wish.profile or profiles.usual or USUAL)
    old = profiles.tables.get(name, {})
    asked = _entrance(wish) or {}
    url = _service(wish, old)
    values = asked or _typed_entrance()
    found = find_access(None, {}, Profile(name, Path("login"), values))
    account = Account(url, found.token, wish.user_id, login=found.login, profile=name)
    with connect_to(account, _options(wish, url)) as connection, _nothing_saved():
        told, user = _tried(connection)
    kept = {key: value for key, value in old.items() if key.replace("_", "-") not in OF_ACCOUNT}
    users = {} if user is None else {"user-id": user}
    zone = {} if told is None else _zone(told)
    _save(profiles, name, {"base-url": name_of(url), **values, **users, **zone, **kept})
    _tell_saved(name, file, told, zone)


def file_of_profiles() -> Path:
    """Return where profiles are kept. Raises `UsageProblem` where there is no home for them."""
    file = config_file(os.environ)
    if file is None:
        raise UsageProblem(
            "there is no home directory to keep profiles in", hint="Set XDG_CONFIG_HOME or HOME."
        )
    return file


def _entrance(wish: Wish) -> dict[str, Any] | None:
    """Return what opens the account, as far as it was typed; `None` where it has to be asked."""
    ways = {
        "--with-token": wish.with_token,
        "--token-file": wish.token_file,
        "--token-command": wish.token_command,
    }
    named = [option for option, value in ways.items() if value]
    if len(named) > 1:
        raise UsageProblem(f"{' and '.join(named)}: give one of them")
    if wish.with_token:
        return {"token": read_secret()}
    if wish.token_file:
        return {"token-file": str(Path(wish.token_file).expanduser().absolute())}
    if wish.token_command:
        return {"token-command": wish.token_command}
    if not somebody_is_there():
        raise UsageProblem(
            "login: there is nobody to ask for the key",
            hint="Pipe it in: comagic login --with-token < FILE. Or name --token-file or "
            "--token-command.",
        )
    return None


def _service(wish: Wish, old: Mapping[str, Any]) -> str:
    """Return the URL of the service; a person is asked until it is one."""
    before = old.get("base-url", old.get("base_url", DEFAULT))
    usual = name_of(url_named(before)) if isinstance(before, str) else DEFAULT
    if wish.base_url or not somebody_is_there():
        return service_url(wish.base_url or url_named(usual))
    while True:
        typed = ask(f"Service: {', '.join(BRANDS)} or a URL", usual)
        try:
            return service_url(ServiceUrl().convert(typed, None, None))
        except click.BadParameter as error:
            tell(error.message)
        except UsageProblem as error:
            tell(f"{error.message}. {error.hint}.")


def _typed_entrance() -> dict[str, Any]:
    """Ask for a key, else for a login and password."""
    if key := ask_secret("Key (empty: a login and password instead)").strip():
        return {"token": key}
    pair = {"login": ask("Login"), "password": ask_secret("Password")}
    if not all(pair.values()):
        raise UsageProblem("login: nothing was typed, and nothing was saved")
    return pair


def _options(wish: Wish, url: str) -> ServiceOptions:
    return ServiceOptions(
        profile=Profile(),
        base_url=url,
        token_file=None,
        user_id=wish.user_id,
        tz=None,
        timeout=wish.timeout,
        max_wait=60,
        sandbox=False,
        quiet=False,
        verbose=wish.verbose,
    )


@contextmanager
def _nothing_saved() -> Iterator[None]:
    """Say of an error that nothing was saved; of a key or password, what may be wrong with it."""
    try:
        yield
    except ComagicError as error:
        if error.mnemonic == "auth_error" or error.mnemonic in ENDED:
            error.hint = "Check what was typed, and the service."
        error.hint = f"{error.hint} Nothing was saved.".lstrip()
        raise


def _tried(connection: Connection) -> tuple[dict[str, Any] | None, int | None]:
    """Ask for the account; return what is told of it, and the client's user of an agent."""
    client = connection.client
    try:
        return ask_account(client.call), client.user_id
    except Refused as error:
        is_agent = "user_id" in f"{error.field} {error.message}"
        if not is_agent or client.user_id is not None:
            raise
    client.user_id = _chosen_user(connection) if somebody_is_there() else None
    if client.user_id is None:
        tell("This is an agent's account: say whose data you want with --user-id.")
        return None, None
    return ask_account(client.call), client.user_id


def _chosen_user(connection: Connection) -> int | None:
    """Let a person choose one of an agent's clients."""
    clients = objects(connection.client.call("get.customer_users", {}), "get.customer_users")
    for client in clients[:LISTED]:
        tell(f"  {client.get('id')}  {client.get('name') or client.get('login') or ''}")
    if len(clients) > LISTED:
        tell(f"  … and {len(clients) - LISTED} more")
    typed = ask("User id of the client (empty: say it each time with --user-id)")
    return Whole().convert(typed, None, None) if typed else None


def _save(profiles: Profiles, name: str, values: dict[str, Any]) -> None:
    """Save a profile; the first one is the usual one."""
    is_first = profiles.usual not in profiles.tables and USUAL not in profiles.tables
    change_profiles(profiles.file, name, values, name if is_first else profiles.usual)


def _zone(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the account's zone, as it is saved; nothing, and say so, where none can be used."""
    try:
        return {SAVED_ZONE: zone_of(told).key}
    except ComagicError as error:
        tell(f"{error.message}: give exports --tz, as Europe/Moscow, or put tz in the profile.")
        return {}


def _tell_saved(
    name: str, file: Path, told: Mapping[str, Any] | None, zone: Mapping[str, str]
) -> None:
    known = [told.get("name") or "The account", *zone.values()] if told else []
    account = f"{', '.join(known)}: " if known else ""
    tell(f"{account}saved as profile {name} in {file}.")
