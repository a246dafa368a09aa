"""`comagic login`, `logout` and `profiles`: saved accounts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from comagic_cli.api.client import Client
from comagic_cli.api.endpoints import ask_account, zone_of
from comagic_cli.api.errors import TOKEN_ENDED
from comagic_cli.api.http import open_transport, service_url
from comagic_cli.api.lists import objects
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.cli import completion as offers
from comagic_cli.cli.console import CONSOLE, tell
from comagic_cli.cli.options import world
from comagic_cli.cli.params import Duration, PositiveInt, ServiceUrl
from comagic_cli.cli.profile_option import name_of_option
from comagic_cli.cli.root import catalog_reports, cli
from comagic_cli.config.credentials import VARIABLES, Account, find_access
from comagic_cli.config.profiles import (
    CREDENTIALS,
    SAVED_ZONE,
    SECRETS,
    USUAL,
    Profile,
    Profiles,
    change_profiles,
    check_name,
    config_file,
    read_profiles,
)
from comagic_cli.config.services import BRANDS, DEFAULT, resolve_service, service_name
from comagic_cli.errors import ComagicError, Refused, UsageProblem
from comagic_cli.export.connection import Connection, connect_to, open_session
from comagic_cli.export.options import ServiceOptions
from comagic_cli.files.cache import default_cache


@click.command()
@click.argument("profile", required=False, envvar="COMAGIC_PROFILE", shell_complete=offers.profiles)
@click.option(
    "--base-url",
    metavar="URL",
    type=ServiceUrl(),
    envvar="COMAGIC_BASE_URL",
    shell_complete=offers.services,
    help="The service: comagic, uis, callgear … or a URL.",
)
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
@click.option(
    "--user-id",
    metavar="N",
    type=PositiveInt(),
    envvar="COMAGIC_USER_ID",
    help="For agents: the client's user.",
)
@click.option(
    "--timeout",
    metavar="S",
    type=Duration(0.1),
    default=120,
    envvar="COMAGIC_TIMEOUT",
    help="Timeout of one API call, in seconds (default: 120).",
)
@click.option("-v", "--verbose", is_flag=True, help="Tell about every call.")
@click.help_option("-h", "--help", help="Show this help.")
def login(**typed: Any) -> None:
    """Save an account: its service, its token or login, its time zone.

    Asks for what is needed, tries it, and saves it as PROFILE (default: "default") in a file that
    only you can read. The first profile is the default profile.

    \b
    Examples:
      comagic login
      comagic login work --base-url uis
      comagic login work --with-token < token.txt
      comagic login work --token-command 'pass show comagic'
    """  # noqa: D301 - \b is Click's
    log_in(LoginOptions(**typed))


@click.command()
@click.argument("profile", required=False, envvar="COMAGIC_PROFILE", shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def logout(profile: str | None) -> None:
    """Delete the token or login of a profile, and end its session.

    The options in it stay; comagic profiles remove deletes them as well.

    \b
    Example:
      comagic logout work
    """  # noqa: D301 - \b is Click's
    log_out(profile)


@click.group(invoke_without_command=True)
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def profiles(context: click.Context) -> None:
    """List and change the saved accounts.

    \b
    Examples:
      comagic profiles
      comagic profiles show work
      comagic profiles default work
    """  # noqa: D301 - \b is Click's
    if context.invoked_subcommand is None:
        tell_profiles()


@profiles.command("list")
@click.help_option("-h", "--help", help="Show this help.")
def list_() -> None:
    """List the profiles; the default profile has a star.

    \b
    Example:
      comagic profiles list
    """  # noqa: D301 - \b is Click's
    tell_profiles()


@profiles.command(short_help="Show the settings in force and their sources.")
@click.argument("profile", required=False, envvar="COMAGIC_PROFILE", shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def show(profile: str | None) -> None:
    """Show the settings in force with a profile and their sources; no secrets.

    \b
    Examples:
      comagic profiles show
      comagic profiles show work
    """  # noqa: D301 - \b is Click's
    tell_profile(profile)


@profiles.command(short_help="Choose the default profile, or print its name.")
@click.argument("profile", required=False, shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def default(profile: str | None) -> None:
    """Choose the default profile; without PROFILE, print its name.

    \b
    Examples:
      comagic profiles default work
      comagic profiles default
    """  # noqa: D301 - \b is Click's
    make_usual(profile)


@profiles.command()
@click.argument("profile", shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def remove(profile: str) -> None:
    """Delete a profile and its options.

    \b
    Example:
      comagic profiles remove work
    """  # noqa: D301 - \b is Click's
    remove_profile(profile)


def somebody_is_there() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def ask(question: str, usual: str = "") -> str:
    """Ask for a line; an empty one stands for what is usual. Raises `UsageProblem` at the end."""
    shown = f"{question} [{usual}]: " if usual else f"{question}: "
    with CONSOLE.paused(), _Question():
        sys.stderr.write(shown)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
    return line.strip() or usual


def ask_secret(question: str) -> str:
    """Ask for a line that is not shown. Raises `UsageProblem` at the end of the input."""
    with CONSOLE.paused(), _Question():
        return getpass(f"{question}: ", stream=sys.stderr)


def read_secret() -> str:
    """Read a secret from standard input, which nobody types at. Raises `UsageProblem`."""
    if somebody_is_there():
        return ask_secret("Token")
    if sys.stdin is None or sys.stdin.closed:
        raise UsageProblem("--with-token: standard input is closed")
    try:
        return sys.stdin.read().strip()
    except UnicodeDecodeError:
        raise UsageProblem("--with-token: standard input is not text") from None


class _Question:
    """End the line of a question that is not answered."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            tell("")
        if kind is EOFError:
            raise UsageProblem("the input has ended, and nothing was saved") from None


OF_ACCOUNT = frozenset({*CREDENTIALS, SAVED_ZONE, "base-url", "user-id"})
LISTED = 20  # clients of an agent that are shown


@dataclass(frozen=True)
class LoginOptions:
    """What was typed after `comagic login`."""

    profile: str | None
    base_url: str | None
    with_token: bool
    token_file: str | None
    token_command: str | None
    user_id: int | None
    timeout: float
    verbose: bool


def log_in(wish: LoginOptions) -> None:
    """Try the account and save it. Raises `ComagicError`; nothing is saved then."""
    file = file_of_profiles()
    profiles = read_profiles(file)
    name = check_name(wish.profile or profiles.usual or USUAL)
    old = profiles.tables.get(name, {})
    asked = _entrance(wish) or {}
    url = _service(wish, old)
    values = asked or _typed_entrance()
    found = find_access(None, {}, Profile(name, Path("login"), values), warn=tell)
    account = Account(url, found.token, wish.user_id, login=found.login, profile=name)
    options = _options(wish, url)
    with connect_to(account, options, world(options)) as connection, _nothing_saved():
        told, user = _tried(connection)
    kept = {key: value for key, value in old.items() if key.replace("_", "-") not in OF_ACCOUNT}
    users = {} if user is None else {"user-id": user}
    zone = {} if told is None else _zone(told)
    _save(profiles, name, {"base-url": service_name(url), **values, **users, **zone, **kept})
    _tell_saved(name, file, told, zone)


def file_of_profiles() -> Path:
    """Return where profiles are kept. Raises `UsageProblem` where there is no home for them."""
    file = config_file()
    if file is None:
        raise UsageProblem(
            "there is no home directory to keep profiles in", hint="Set XDG_CONFIG_HOME or HOME."
        )
    return file


def _entrance(wish: LoginOptions) -> dict[str, Any] | None:
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
            "login: not a terminal, so the token cannot be prompted for",
            hint="Pipe it in: comagic login --with-token < FILE. Or name --token-file or "
            "--token-command.",
        )
    return None


def _service(wish: LoginOptions, old: Mapping[str, Any]) -> str:
    """Return the URL of the service; a person is asked until it is one."""
    before = old.get("base-url", old.get("base_url", DEFAULT))
    usual = service_name(resolve_service(before)) if isinstance(before, str) else DEFAULT
    if wish.base_url or not somebody_is_there():
        return service_url(wish.base_url or resolve_service(usual))
    while True:
        typed = ask(f"Service: {', '.join(BRANDS)} or a URL", usual)
        try:
            return service_url(ServiceUrl().convert(typed, None, None))
        except click.BadParameter as error:
            tell(error.message)
        except UsageProblem as error:
            tell(f"{error.message}. {error.hint}.")


def _typed_entrance() -> dict[str, Any]:
    """Ask for a token, else for a login and password."""
    if key := ask_secret("Token (empty: a login and password instead)").strip():
        return {"token": key}
    pair = {"login": ask("Login"), "password": ask_secret("Password")}
    if not all(pair.values()):
        raise UsageProblem("login: nothing was typed, and nothing was saved")
    return pair


def _options(wish: LoginOptions, url: str) -> ServiceOptions:
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
        if error.mnemonic == "auth_error" or error.mnemonic in TOKEN_ENDED:
            error.hint = "Check what was typed, and the service."
        error.hint = f"{error.hint} Nothing was saved.".lstrip()
        raise


def _tried(connection: Connection) -> tuple[dict[str, Any] | None, int | None]:
    """Ask for the account; return what is told of it, and the client's user of an agent."""
    client = connection.client
    try:
        account = ask_account(client.call)
        if account.get("is_agent") is not True or client.user_id is not None:
            return account, client.user_id
    except Refused as error:
        is_agent = "user_id" in f"{error.field} {error.message}"
        if not is_agent or client.user_id is not None:
            raise
    client.user_id = _chosen_user(connection) if somebody_is_there() else None
    if client.user_id is None:
        tell("This is an agent's account: choose a customer with --user-id.")
        return None, None
    return ask_account(client.call), client.user_id


def _chosen_user(connection: Connection) -> int | None:
    """Let a person choose one of an agent's clients."""
    clients = objects(connection.client.call("get.customer_users", {}), "get.customer_users")
    for client in clients[:LISTED]:
        tell(f"  {client.get('id')}  {client.get('name') or client.get('login') or ''}")
    if len(clients) > LISTED:
        tell(f"  … and {len(clients) - LISTED} more")
    typed = ask("User id of the customer (empty: give --user-id each time)")
    return PositiveInt().convert(typed, None, None) if typed else None


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


MASK = "***"
WAYS = {
    "token": "key",
    "token-file": "key of a file",
    "token-command": "key of a command",
    "login": "login",
}


def tell_profiles() -> None:
    """List the profiles; the default profile has a star."""
    found = read_profiles(file_of_profiles())
    if not found.tables:
        tell(f"There are no profiles in {found.file}. Make one: comagic login")
        return
    for line in aligned(_listed(found)):
        click.echo(line.encode())


def tell_profile(name: str | None) -> None:
    """Show the settings in force with a profile and their sources; no secrets."""
    for line in aligned(_values(_chosen(name))):
        click.echo(line.encode())


def make_usual(name: str | None) -> None:
    """Choose the default profile; without a name, print it."""
    if name is None:
        click.echo(_chosen(None).name.encode())
        return
    found = read_profiles(file_of_profiles())
    chosen = found.chosen(name)
    change_profiles(found.file, chosen.name, found.tables[name], name)


def remove_profile(name: str) -> None:
    """Delete a profile and its options, and end its session."""
    found = read_profiles(file_of_profiles())
    _end_session(found.chosen(name))
    change_profiles(found.file, name, None, "" if found.usual == name else found.usual)
    tell(f"Profile {name} is removed from {found.file}.")


def log_out(name: str | None) -> None:
    """Delete the token or login of a profile, and end its session."""
    chosen = _chosen(name)
    _end_session(chosen)
    found = read_profiles(chosen.file)
    gone = OF_ACCOUNT - {"base-url"}
    table = found.tables[chosen.name].items()
    kept = {key: value for key, value in table if key.replace("_", "-") not in gone}
    change_profiles(chosen.file, chosen.name, kept, found.usual)
    tell(f"Profile {chosen.name} has no token any more. {_still_there()}".rstrip())


def _still_there() -> str:
    there = [name for name in VARIABLES if os.environ.get(name)]
    return f"{there[0]} is still set." if there else ""


def _chosen(name: str | None) -> Profile:
    """Return the profile named, or the usual one. Raises `UsageProblem` where there is none."""
    found = read_profiles(file_of_profiles())
    profile = found.chosen(name)
    if not profile.name:
        there = f"There is {', '.join(found.tables)}." if found.tables else "Type comagic login."
        raise UsageProblem(f"{found.file}: there is no default profile", hint=there)
    return profile


def _listed(found: Profiles) -> Iterator[Sequence[str]]:
    usual = found.chosen(None).name if found.usual in ("", *found.tables) else ""
    for name in found.tables:
        values = found.chosen(name).values
        way = next((text for key, text in WAYS.items() if key in values), "no key")
        user = f"user {values['user-id']}" if "user-id" in values else ""
        zone = str(values.get("tz") or values.get(SAVED_ZONE, ""))
        yield ("*" if name == usual else "", name, _remembered_service(values), way, user, zone)


def _remembered_service(values: Mapping[str, Any]) -> str:
    return service_name(resolve_service(str(values.get("base-url", DEFAULT))))


def _values(profile: Profile) -> Iterator[Sequence[str]]:
    """Yield names, values and where they come from."""
    yield "profile", profile.name, str(profile.file)
    from_environment = [name for name in VARIABLES if os.environ.get(name, "").strip()]
    for name in from_environment:
        yield name.removeprefix("COMAGIC_").lower().replace("_", "-"), MASK, name
    for key in profile.credentials:
        unused = f", but {from_environment[0]} overrides it" if from_environment else ""
        yield key, _way(key, profile.values[key]), f"profile{unused}"
    if SAVED_ZONE in profile.values:
        yield SAVED_ZONE, str(profile.values[SAVED_ZONE]), "profile, saved by login"
    yield from _remembered_options(profile)


def _way(key: str, value: Any) -> str:
    """Show what opens the account; of a command only its name, for its arguments may be secrets."""
    if key != "token-command":
        return MASK if key in SECRETS else str(value)
    words = value if isinstance(value, list) else str(value).split()
    return " ".join([*map(str, words[:1]), *[MASK] * (len(words) > 1)])


def _remembered_options(profile: Profile) -> Iterator[Sequence[str]]:
    """Yield the options that do not have their usual values, and those of single reports."""
    reports = catalog_reports()
    name = next(iter(reports))
    command = cli.get_command(click.Context(cli), name)
    if command is None:  # pragma: no cover - the menu has it
        return
    context = command.make_context(name, ["--profile", profile.name])
    for param in command.params:
        if origin := _origin(context, param):
            yield name_of_option(param), _shown(context.params[param.name or ""]), origin
    for report in reports:
        for key, value in profile.values.get(report, {}).items():
            yield f"{report}.{key}", _shown(value), "profile"


def _origin(context: click.Context, param: click.Parameter) -> str:
    """Say where a value comes from; "" for what is as usual, but for the service."""
    if param.name in ("profile", "sandbox"):
        return ""
    match context.get_parameter_source(param.name or ""):
        case ParameterSource.ENVIRONMENT:
            return str(param.envvar)
        case ParameterSource.DEFAULT_MAP:
            return "profile"
    return "usual" if param.name == "base_url" else ""


def _shown(value: Any) -> str:
    items = value if isinstance(value, (list, tuple)) else [value]
    return ", ".join(map(str, items))


def aligned(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Write rows in columns, two blanks apart."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)
        yield "  ".join(cells).rstrip()


def _end_session(profile: Profile) -> None:
    """End the session that is kept of a login, and forget it, even where nobody answers."""
    if profile.credentials != ["login", "password"]:
        return
    url = service_url(resolve_service(profile.text("base-url") or DEFAULT))
    access = find_access(None, {}, profile)
    session = open_session(Account(url, "", login=access.login), default_cache())
    key = session.forget() if session else ""
    if not key:
        return
    line = open_transport(url, 10)
    with suppress(ComagicError):  # it ends by itself within the hour
        Client(line, key, retry_policy=RetryPolicy(tries=1, max_wait=0)).call("logout.user", {})
    line.close()
