"""What is remembered of accounts, and how to forget it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import click
from click.core import ParameterSource

from comagic_cli.commands import menu
from comagic_cli.commands.defaults import name_of_option
from comagic_cli.commands.logging_in import OF_ACCOUNT, file_of_profiles
from comagic_cli.commands.service import session_of
from comagic_cli.commands.streams import tell
from comagic_cli.config.access import VARIABLES, Account, find_access
from comagic_cli.config.brands import DEFAULT, name_of, url_named
from comagic_cli.config.profiles import (
    SAVED_ZONE,
    SECRETS,
    Profile,
    Profiles,
    change_profiles,
    read_profiles,
)
from comagic_cli.errors import ComagicError, UsageProblem
from comagic_cli.fetch.client import Client, open_line, service_url
from comagic_cli.fetch.patience import Patience
from comagic_cli.remember import memory_of

MASK = "***"
WAYS = {
    "token": "key",
    "token-file": "key of a file",
    "token-command": "key of a command",
    "login": "login",
}


def tell_profiles() -> None:
    """List the profiles; the usual one has a star."""
    found = read_profiles(file_of_profiles())
    if not found.tables:
        tell(f"There are no profiles in {found.file}. Make one: comagic login")
        return
    for line in aligned(_listed(found)):
        click.echo(line.encode())


def tell_profile(name: str | None) -> None:
    """Show what holds with a profile, and where each value comes from; no secrets."""
    for line in aligned(_values(_chosen(name))):
        click.echo(line.encode())


def make_usual(name: str | None) -> None:
    """Use a profile wherever none is named; without a name, print which it is."""
    if name is None:
        click.echo(_chosen(None).name.encode())
        return
    found = read_profiles(file_of_profiles())
    chosen = found.chosen(name)
    change_profiles(found.file, chosen.name, found.tables[name], name)


def remove_profile(name: str) -> None:
    """Forget a profile, with the defaults that stand in it, and end its session."""
    found = read_profiles(file_of_profiles())
    _end_session(found.chosen(name))
    change_profiles(found.file, name, None, "" if found.usual == name else found.usual)
    tell(f"Profile {name} is removed from {found.file}.")


def log_out(name: str | None) -> None:
    """Forget the key or the login of a profile, and end its session."""
    chosen = _chosen(name)
    _end_session(chosen)
    found = read_profiles(chosen.file)
    gone = OF_ACCOUNT - {"base-url"}
    table = found.tables[chosen.name].items()
    kept = {key: value for key, value in table if key.replace("_", "-") not in gone}
    change_profiles(chosen.file, chosen.name, kept, found.usual)
    tell(f"Profile {chosen.name} has no key any more. {_still_there()}".rstrip())


def _still_there() -> str:
    there = [name for name in VARIABLES if os.environ.get(name)]
    return f"{there[0]} is still set." if there else ""


def _chosen(name: str | None) -> Profile:
    """Return the profile named, or the usual one. Raises `UsageProblem` where there is none."""
    found = read_profiles(file_of_profiles())
    profile = found.chosen(name)
    if not profile.name:
        there = f"There is {', '.join(found.tables)}." if found.tables else "Type comagic login."
        raise UsageProblem(f"{found.file}: there is no usual profile", hint=there)
    return profile


def _listed(found: Profiles) -> Iterator[Sequence[str]]:
    usual = found.chosen(None).name if found.usual in ("", *found.tables) else ""
    for name in found.tables:
        values = found.chosen(name).values
        way = next((text for key, text in WAYS.items() if key in values), "no key")
        user = f"user {values['user-id']}" if "user-id" in values else ""
        zone = str(values.get("tz") or values.get(SAVED_ZONE, ""))
        yield ("*" if name == usual else "", name, _service(values), way, user, zone)


def _service(values: Mapping[str, Any]) -> str:
    return name_of(url_named(str(values.get("base-url", DEFAULT))))


def _values(profile: Profile) -> Iterator[Sequence[str]]:
    """Yield names, values and where they come from."""
    yield "profile", profile.name, str(profile.file)
    from_environment = [name for name in VARIABLES if os.environ.get(name, "").strip()]
    for name in from_environment:
        yield name.removeprefix("COMAGIC_").lower().replace("_", "-"), MASK, name
    for key in profile.entrances:
        unused = f", but {from_environment[0]} goes first" if from_environment else ""
        yield key, _way(key, profile.values[key]), f"profile{unused}"
    if SAVED_ZONE in profile.values:
        yield SAVED_ZONE, str(profile.values[SAVED_ZONE]), "profile, saved by login"
    yield from _options(profile)


def _way(key: str, value: Any) -> str:
    """Show what opens the account; of a command only its name, for its arguments may be secrets."""
    if key != "token-command":
        return MASK if key in SECRETS else str(value)
    words = value if isinstance(value, list) else str(value).split()
    return " ".join([*map(str, words[:1]), *[MASK] * (len(words) > 1)])


def _options(profile: Profile) -> Iterator[Sequence[str]]:
    """Yield the options that do not have their usual values, and those of single reports."""
    from comagic_cli.commands.root import cli  # noqa: PLC0415 - it imports this

    reports = menu.reports()
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
    if profile.entrances != ["login", "password"]:
        return
    url = service_url(url_named(profile.text("base-url") or DEFAULT))
    access = find_access(None, {}, profile)
    session = session_of(Account(url, "", login=access.login), memory_of(os.environ))
    key = session.forget() if session else ""
    if not key:
        return
    line = open_line(url, 10)
    with suppress(ComagicError):  # it ends by itself within the hour
        Client(line, key, patience=Patience(tries=1, most_wait=0)).call("logout.user", {})
    line.close()
