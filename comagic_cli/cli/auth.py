"""`comagic login`, `logout` and `profiles remove`: credentials of saved accounts."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from getpass import getpass
from pathlib import Path
from typing import Any, TypeAlias

import click

from comagic_cli.api.endpoints import ALL, ask_account, ask_customers, zone_of
from comagic_cli.api.errors import TOKEN_ENDED
from comagic_cli.api.http import service_url
from comagic_cli.api.lists import objects
from comagic_cli.cli.console import CONSOLE, print_message
from comagic_cli.cli.options import (
    TIMEOUT,
    USERS,
    VERBOSE,
    declare_service,
    help_option,
    make_context,
)
from comagic_cli.cli.params import ServiceUrl, Users
from comagic_cli.cli.profiles import (
    USER as USER_KEY,
)
from comagic_cli.cli.profiles import (
    choose_profile,
    is_several,
    profile_argument,
    profiles,
    required_profile_argument,
    variables_in_force,
)
from comagic_cli.config.profiles import (
    CREDENTIALS,
    DEFAULT_PROFILE,
    SAVED_ZONE,
    Profile,
    Profiles,
    change_profiles,
    check_name,
    profiles_file,
    read_profiles,
)
from comagic_cli.config.services import BRANDS, DEFAULT, resolve_service, service_name
from comagic_cli.errors import ComagicError, Refused, UsageProblem
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.options import ServiceOptions

UserIds: TypeAlias = tuple[int | str, ...]

ACCOUNT_KEYS = frozenset({*CREDENTIALS, SAVED_ZONE, "base-url", "user-id"})
MAX_LISTED = 20  # customers of an agent that a message lists
MAX_WAIT = 60.0  # seconds
LOGOUT_TIMEOUT = 10.0  # seconds


@click.command()
@profile_argument
@declare_service()
@click.option("--with-token", is_flag=True, help="Read the token from standard input.")
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(),
    help="Save the name of a file with the token.",
)
@click.option(
    "--token-command",
    metavar="COMMAND",
    help="Save a command that prints the token: 'pass show comagic'.",
)
@USERS
@TIMEOUT
@VERBOSE
@help_option
def login(**values: Any) -> None:
    """Save an account: its service, its token or login, its time zone.

    Asks for what is missing, tries it, and saves it as PROFILE (default: "default") in a file that
    only you can read. The first profile is the default profile.

    \b
    Examples:
      comagic login
      comagic login work --base-url uis
      comagic login work --with-token < token.txt
      comagic login work --token-command 'pass show comagic'
    """  # noqa: D301 - \b is Click's
    log_in(LoginOptions(**values))


@click.command()
@profile_argument
@help_option
def logout(profile: str | None) -> None:
    """Delete the token or login of a profile, and end its session.

    The options in it stay; comagic profiles remove deletes them as well.

    \b
    Example:
      comagic logout work
    """  # noqa: D301 - \b is Click's
    log_out(profile)


@profiles.command()
@required_profile_argument
@help_option
def remove(profile: str) -> None:
    """Delete a profile and its options.

    \b
    Example:
      comagic profiles remove work
    """  # noqa: D301 - \b is Click's
    remove_profile(profile)


# Questions to a person


def is_interactive() -> bool:
    """Return whether standard input is a terminal."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def ask(question: str, default: str = "") -> str:
    """Ask for a line. Raises `UsageProblem` at the end of the input."""
    prompt = f"{question} [{default}]: " if default else f"{question}: "
    with CONSOLE.paused(), _question():
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
    return line.strip() or default


def ask_secret(question: str) -> str:
    """Ask for a line without echo. Raises `UsageProblem` at the end of the input."""
    with CONSOLE.paused(), _question():
        return getpass(f"{question}: ", stream=sys.stderr)


def read_token() -> str:
    """Read a token from standard input, or ask for it at a terminal. Raises `UsageProblem`."""
    if is_interactive():
        return ask_secret("Token")
    if sys.stdin is None or sys.stdin.closed:
        raise UsageProblem("--with-token: standard input is closed")
    try:
        token = sys.stdin.read().strip()
    except UnicodeDecodeError:
        raise UsageProblem("--with-token: standard input is not text") from None
    if not token:
        raise UsageProblem(
            "--with-token: no token came on standard input",
            hint="Type: comagic login PROFILE --with-token < FILE",
        )
    return token


@contextmanager
def _question() -> Iterator[None]:
    """End the line of a question without an answer."""
    try:
        yield
    except BaseException as error:
        print_message("")
        if isinstance(error, EOFError):
            raise UsageProblem("the input has ended, and nothing was saved") from None
        raise


# Login


@dataclass(frozen=True)
class LoginOptions:
    """The options of `comagic login`."""

    profile: str | None
    base_url: str | None
    with_token: bool
    token_file: str | None
    token_command: str | None
    users: UserIds
    timeout: float
    verbose: bool


def log_in(options: LoginOptions) -> None:
    """Try an account and save it. Raises `ComagicError`; then nothing is saved."""
    file = profiles_file()
    saved = read_profiles(file)
    name = check_name(options.profile or saved.default or DEFAULT_PROFILE)
    old = saved.tables.get(name, {})
    credentials = _read_credentials(options)
    url = _choose_service(options, old)
    credentials = credentials or _ask_credentials()
    profile = Profile(name, Path("login"), {"base-url": url, **credentials})
    service = _service_options(profile, url, timeout=options.timeout, verbose=options.verbose)
    with _connect(service) as connection, _nothing_saved():
        account, users = _try_account(connection, options.users or _saved_users(old, url))
    others = {key: value for key, value in old.items() if key.replace("_", "-") not in ACCOUNT_KEYS}
    chosen = {USER_KEY: users[0] if len(users) == 1 else list(users)} if users else {}
    zone = {} if account is None or is_several(chosen.get(USER_KEY)) else _zone(account)
    values = {"base-url": service_name(url), **credentials, **chosen, **zone, **others}
    _save(saved, name, values)
    names = [account.get("name") or "The account", *zone.values()] if account else []
    prefix = f"{', '.join(names)}: " if names else ""
    print_message(f"{prefix}saved as profile {name} in {file}.")


def _saved_users(old: Mapping[str, Any], url: str) -> UserIds:
    """Return the customers that a profile of the same service names."""
    text = str(old.get("base-url", old.get("base_url", DEFAULT)))
    chosen = old.get(USER_KEY, old.get("user_id"))
    if chosen is None or service_url(resolve_service(text)) != url:
        return ()
    users = chosen if isinstance(chosen, list) else [chosen]
    return Users().convert(",".join(map(str, users)), None, None)


def _read_credentials(options: LoginOptions) -> dict[str, Any] | None:
    """Return the credentials of the options; `None` if a person must be asked for them."""
    flags = {
        "--with-token": options.with_token,
        "--token-file": options.token_file,
        "--token-command": options.token_command,
    }
    given = [flag for flag, value in flags.items() if value]
    if len(given) > 1:
        raise UsageProblem(f"{' and '.join(given)}: give one of them")
    if options.with_token:
        return {"token": read_token()}
    if options.token_file:
        return {"token-file": str(Path(options.token_file).expanduser().absolute())}
    if options.token_command:
        return {"token-command": options.token_command}
    if not is_interactive():
        raise UsageProblem(
            "login: not a terminal, so the token cannot be prompted for",
            hint="Pipe it in: comagic login --with-token < FILE. Or name --token-file or "
            "--token-command.",
        )
    return None


def _choose_service(options: LoginOptions, old: Mapping[str, Any]) -> str:
    """Return the URL of the service; ask a person until it is valid."""
    saved = old.get("base-url", old.get("base_url", DEFAULT))
    default = service_name(resolve_service(saved)) if isinstance(saved, str) else DEFAULT
    if options.base_url or not is_interactive():
        return service_url(options.base_url or resolve_service(default))
    while True:
        text = ask(f"Service: {', '.join(BRANDS)} or a URL", default)
        try:
            return service_url(ServiceUrl().convert(text, None, None))
        except click.BadParameter as error:
            print_message(error.message)
        except UsageProblem as error:
            print_message(f"{error.message}. {error.hint}.")


def _ask_credentials() -> dict[str, Any]:
    """Ask for a token, else for a login and password."""
    if token := ask_secret("Token (empty: a login and password instead)").strip():
        return {"token": token}
    pair = {"login": ask("Login"), "password": ask_secret("Password")}
    if not all(pair.values()):
        raise UsageProblem("login: nothing was typed, and nothing was saved")
    return pair


def _service_options(profile: Profile, url: str, **more: Any) -> ServiceOptions:
    defaults = {"user_id": None, "max_wait": MAX_WAIT, "quiet": False, "verbose": False}
    fixed = {"token_file": None, "tz": None, "sandbox": False}
    return ServiceOptions(profile=profile, base_url=url, **(fixed | defaults | more))


@contextmanager
def _connect(options: ServiceOptions) -> Iterator[Connection]:
    """Connect with the credentials of the profile, not those of the environment."""
    with connect(options, replace(make_context(options), environ={})) as connection:
        yield connection


@contextmanager
def _nothing_saved() -> Iterator[None]:
    """Add to an error that nothing was saved, and what to check."""
    try:
        yield
    except ComagicError as error:
        if error.mnemonic == "auth_error" or error.mnemonic in TOKEN_ENDED:
            error.hint = "Check what was typed, and the service."
        error.hint = f"{error.hint} Nothing was saved.".lstrip()
        raise


def _try_account(connection: Connection, users: UserIds) -> tuple[dict[str, Any] | None, UserIds]:
    """Return the account and, for an agent, the customers' users; `None` if none is chosen.

    Several customers have no account in common, and each has its own time zone.
    """
    client = connection.client
    if not users:
        try:
            account = ask_account(client.call)
            if account.get("is_agent") is not True:
                return account, ()
        except Refused as error:
            if "user_id" not in f"{error.field} {error.message}":
                raise
        users = _choose_users(connection) if is_interactive() else ()
    if not users:
        print_message("This is an agent's account: choose a customer with --user-id.")
        return None, ()
    if len(users) > 1 or users == (ALL,):
        return {"name": customers_word(len(ask_customers(client.call, users)))}, users
    client.user_id = int(users[0])
    return ask_account(client.call), users


def customers_word(count: int) -> str:
    """Count customers."""
    return f"{count} customer{'s' * (count != 1)}"


def _choose_users(connection: Connection) -> UserIds:
    """Let a person choose among an agent's customers."""
    users = objects(connection.client.call("get.customer_users", {}), "get.customer_users")
    for user in users[:MAX_LISTED]:
        print_message(f"  {user.get('id')}  {user.get('name') or user.get('login') or ''}")
    if len(users) > MAX_LISTED:
        print_message(f"  … and {len(users) - MAX_LISTED} more")
    text = ask("User id of the customer, or all (empty: give --user-id each time)")
    return Users().convert(text, None, None) if text else ()


def _zone(account: Mapping[str, Any]) -> dict[str, str]:
    """Return the account's time zone for the profile; print a message if it has none."""
    try:
        return {SAVED_ZONE: zone_of(account).key}
    except ComagicError as error:
        print_message(
            f"{error.message}: give exports --tz, as Europe/Moscow, or put tz in the profile."
        )
        return {}


def _save(saved: Profiles, name: str, values: dict[str, Any]) -> None:
    """Save a profile; the first one is the default one."""
    is_first = saved.default not in saved.tables and DEFAULT_PROFILE not in saved.tables
    change_profiles(saved.file, name, values, name if is_first else saved.default)


# Logout


def log_out(name: str | None) -> None:
    """Delete the token or login of a profile, and end its session."""
    profile = choose_profile(name)
    end_session(profile)
    saved = read_profiles(profile.file)
    table = saved.tables[profile.name].items()
    keys = ACCOUNT_KEYS - {"base-url"}
    others = {key: value for key, value in table if key.replace("_", "-") not in keys}
    change_profiles(profile.file, profile.name, others, saved.default)
    variables = variables_in_force()
    note = f" {variables[0]} is still set." if variables else ""
    print_message(f"Profile {profile.name} has no token any more.{note}")


def remove_profile(name: str) -> None:
    """Delete a profile and its options, and end its session."""
    saved = read_profiles(profiles_file())
    end_session(saved.choose(name))
    change_profiles(saved.file, name, None, "" if saved.default == name else saved.default)
    print_message(f"Profile {name} is removed from {saved.file}.")


def end_session(profile: Profile) -> None:
    """End the cached session of a login, and delete it, even if the service does not answer."""
    if profile.credentials != ["login", "password"]:
        return
    url = resolve_service(profile.text("base-url") or DEFAULT)
    options = _service_options(profile, url, timeout=LOGOUT_TIMEOUT, max_wait=0, quiet=True)
    with _connect(options) as connection:
        client = connection.client
        if client.session and (token := client.session.forget()):
            client.session, client.token = None, token
            with suppress(ComagicError):  # it ends by itself within an hour
                client.call("logout.user", {})
