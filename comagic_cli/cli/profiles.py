"""Saved accounts: --profile, which sets the defaults of options, and `comagic profiles`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from comagic_cli.cli.completion import complete_profiles
from comagic_cli.cli.console import CONSOLE, print_message
from comagic_cli.cli.params import TEXT_OR_JSON, ConnectionOption, SummaryFormat, echo_json
from comagic_cli.config.credentials import VARIABLES
from comagic_cli.config.profiles import (
    CREDENTIALS,
    SAVED_ZONE,
    SECRETS,
    Profile,
    Profiles,
    change_profiles,
    config_file,
    profiles_file,
    read_profiles,
)
from comagic_cli.config.services import DEFAULT, resolve_service, service_name
from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import reports
from comagic_cli.query.suggest import did_you_mean


def load_profile(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Read the profile once both --profile and --sandbox are known, in any order.

    With --sandbox no profile is read.
    """
    params = context.params | {option.name or "": value}
    if context.resilient_parsing or not {"profile", "sandbox"} <= set(params):
        return value
    CONSOLE.sandbox = bool(params["sandbox"])
    profile = Profile() if params["sandbox"] else _read_profile(context, params["profile"])
    context.default_map = dict(read_defaults(context, profile))
    if option.name == "profile":
        return profile
    context.params["profile"] = profile
    return value


def _read_profile(context: click.Context, name: str | None) -> Profile:
    is_typed = context.get_parameter_source("profile") is ParameterSource.COMMANDLINE
    if is_typed and not name:  # "$UNSET": it must not mean the default profile
        raise click.BadParameter("the name is empty.", context, param_hint="'--profile'")
    return read_profiles(config_file()).choose(name)


profile_option = click.option(
    "--profile",
    cls=ConnectionOption,
    metavar="NAME",
    envvar="COMAGIC_PROFILE",
    is_eager=True,
    callback=load_profile,
    shell_complete=complete_profiles,
    help="A saved account: see comagic login.",
)
profile_argument = click.argument(
    "profile", required=False, envvar="COMAGIC_PROFILE", shell_complete=complete_profiles
)

required_profile_argument = click.argument("profile", shell_complete=complete_profiles)


# Options of a single run, and those that are needed before the profile is read.
COMMAND_LINE_ONLY = frozenset(
    {
        *("output", "max-rows", "resume", "count", "dry-run", "refresh", "manifest"),
        *("from", "till", "ids", "filter-json", "params", "help"),
        *("profile", "sandbox"),
    }
)
USER = "user-id"
NON_OPTION_KEYS = frozenset({*CREDENTIALS, SAVED_ZONE})


def read_defaults(context: click.Context, profile: Profile) -> Iterator[tuple[str, Any]]:
    """Yield the defaults that a profile sets for a command, each checked by its option.

    A table with the report's name overrides the profile itself. Raises `UsageProblem` with the file
    and the key.
    """
    options = _options(context.command)
    for keys, value in _entries(profile.values, context.info_name or ""):
        key = keys[-1]
        if key in COMMAND_LINE_ONLY:
            raise UsageProblem(
                f"{profile.place(*keys)}: {key} can't be set in a profile",
                hint="Give it on the command line.",
            )
        if key not in options:
            _check_key(context, key, profile, keys)
        elif key == USER and not options[key].multiple and is_several(value):
            continue  # several customers are for the commands that take them
        else:
            param = options[key]
            yield param.name or "", _check_value(context, param, value, profile.place(*keys))


def is_several(users: object) -> bool:
    """Check whether a profile names several customers."""
    return users == "all" or isinstance(users, list) or "," in str(users)


def _entries(values: Mapping[str, Any], command: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the keys and values for a report: first those for all reports, then its own."""
    commands = {report.command for report in reports()}
    for key, value in values.items():
        if key not in NON_OPTION_KEYS and not (key in commands and isinstance(value, dict)):
            yield (key,), value
    table = values.get(command, {}) if command in commands else {}
    yield from (((command, key), value) for key, value in table.items())


def _check_value(context: click.Context, param: click.Option, value: Any, place: str) -> Any:
    """Check a value through the type of its option. Raises `UsageProblem`."""
    flag = param.is_flag
    text = value if flag else _as_text(value, multiple=param.multiple)
    if text is None or flag is not isinstance(text, bool):
        expected = "true or false" if flag else "a text or a number" + " or a list" * param.multiple
        raise UsageProblem(f"{place}: it must be {expected}")
    try:
        param.type_cast_value(context, text)
    except click.BadParameter as error:
        raise UsageProblem(f"{place}: {error.message}") from None
    return text


def _as_text(value: Any, *, multiple: bool) -> Any:
    """Return a value as on a command line; `None` if it can't be given there."""
    if isinstance(value, list) and multiple:
        texts = [_as_text(item, multiple=False) for item in value]
        return None if None in texts else texts
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return [str(value)] if multiple else str(value)


def _check_key(context: click.Context, key: str, profile: Profile, keys: tuple[str, ...]) -> None:
    """Accept the options of other commands. Raises `UsageProblem` for an unknown key."""
    options = [_options(command) for command in _commands(context)]
    names = {name for each in options if "profile" in each for name in each}
    if key in names:
        return
    commands = {report.command for report in reports()}
    hint = did_you_mean(key, sorted(names - COMMAND_LINE_ONLY | NON_OPTION_KEYS | commands))
    raise UsageProblem(
        f"{profile.place(*keys)}: there is no such option",
        hint=hint or "A profile can set options of a report.",
    )


def _commands(context: click.Context) -> Iterator[click.Command]:
    root = context.find_root()
    if isinstance(root.command, click.Group):
        for name in root.command.list_commands(root):
            if command := root.command.get_command(root, name):
                yield command


def _options(command: click.Command) -> dict[str, click.Option]:
    return {
        option_name(each): each
        for each in command.params
        if isinstance(each, click.Option) and not isinstance(each, SummaryFormat)
    }


def option_name(param: click.Parameter) -> str:
    """Return the long name of an option, without the dashes."""
    return max(param.opts, key=len).lstrip("-")


# The commands


@click.group(invoke_without_command=True)
@TEXT_OR_JSON
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def profiles(context: click.Context, format_: str) -> None:
    """List and change the saved accounts.

    \b
    Examples:
      comagic profiles
      comagic profiles show work
      comagic profiles default work
      comagic profiles -f json
    """  # noqa: D301 - \b is Click's
    if context.invoked_subcommand is None:
        print_profiles(format_)


@profiles.command("list")
@TEXT_OR_JSON
@click.help_option("-h", "--help", help="Show this help.")
def list_(format_: str) -> None:
    """List the profiles; the default profile has a star.

    \b
    Example:
      comagic profiles list
    """  # noqa: D301 - \b is Click's
    print_profiles(format_)


@profiles.command(short_help="Show the settings in force and their sources.")
@profile_argument
@TEXT_OR_JSON
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def show(context: click.Context, profile: str | None, format_: str) -> None:
    """Show the settings in force with a profile and their sources; no secrets.

    \b
    Examples:
      comagic profiles show
      comagic profiles show work
    """  # noqa: D301 - \b is Click's
    chosen = choose_profile(profile)
    settings = _settings(context, chosen)
    if format_ == "json":
        members = ("name", "value", "source")
        rows = [dict(zip(members, row, strict=True)) for row in settings]
        echo_json({"profile": chosen.name, "file": str(chosen.file), "settings": rows[1:]})
        return
    for line in align(settings):
        click.echo(line.encode())


@profiles.command(short_help="Choose the default profile, or print its name.")
@click.argument("profile", required=False, shell_complete=complete_profiles)
@click.help_option("-h", "--help", help="Show this help.")
def default(profile: str | None) -> None:
    """Choose the default profile; without PROFILE, print its name.

    \b
    Examples:
      comagic profiles default work
      comagic profiles default
    """  # noqa: D301 - \b is Click's
    if profile is None:
        click.echo(choose_profile(None).name.encode())
        return
    saved = read_profiles(profiles_file())
    name = saved.choose(profile).name
    change_profiles(saved.file, name, saved.tables[name], name)


MASK = "***"
CREDENTIAL_KINDS = {
    "token": "token",
    "token-file": "token in a file",
    "token-command": "token from a command",
    "login": "login",
}


LISTED = ("default", "name", "service", "credentials", "users", "timezone")


def print_profiles(format_: str) -> None:
    """List the profiles; the default profile has a star."""
    saved = read_profiles(profiles_file())
    if format_ == "json":
        rows = [dict(zip(LISTED, row, strict=True)) for row in _rows(saved)]
        for row in rows:
            row["users"] = row["users"].removeprefix("user ")
        echo_json([row | {"default": row["default"] == "*"} for row in rows])
    if not saved.tables:
        print_message(f"There are no profiles in {saved.file}. Make one: comagic login")
        return
    for line in align(_rows(saved)) if format_ == "text" else ():
        click.echo(line.encode())


def choose_profile(name: str | None) -> Profile:
    """Return the profile of that name, or the default one. Raises `UsageProblem` for none."""
    saved = read_profiles(profiles_file())
    profile = saved.choose(name)
    if not profile.name:
        hint = f"Profiles: {', '.join(saved.tables)}." if saved.tables else "Type comagic login."
        raise UsageProblem(f"{saved.file}: there is no default profile", hint=hint)
    return profile


def variables_in_force() -> list[str]:
    """Return the environment variables that set the credentials."""
    return [name for name in VARIABLES if os.environ.get(name, "").strip()]


def _rows(saved: Profiles) -> Iterator[Sequence[str]]:
    star = saved.choose(None).name if saved.default in ("", *saved.tables) else ""
    for name in saved.tables:
        values = saved.choose(name).values
        kind = next((text for key, text in CREDENTIAL_KINDS.items() if key in values), "no token")
        chosen = values.get(USER)
        users = ", ".join(map(str, chosen)) if isinstance(chosen, list) else chosen
        user = f"user {users}" if users else ""
        zone = str(values.get("tz") or values.get(SAVED_ZONE, ""))
        service = service_name(resolve_service(str(values.get("base-url", DEFAULT))))
        yield ("*" if name == star else "", name, service, kind, user, zone)


def _settings(context: click.Context, profile: Profile) -> Iterator[Sequence[str]]:
    """Yield the names of settings, their values and sources."""
    yield "profile", profile.name, str(profile.file)
    variables = variables_in_force()
    for name in variables:
        yield name.removeprefix("COMAGIC_").lower().replace("_", "-"), MASK, name
    for key in profile.credentials:
        note = f", but {variables[0]} overrides it" if variables else ""
        yield key, _mask(key, profile.values[key]), f"profile{note}"
    if SAVED_ZONE in profile.values:
        yield SAVED_ZONE, str(profile.values[SAVED_ZONE]), "profile, saved by login"
    yield from _option_settings(context, profile)


def _mask(key: str, value: Any) -> str:
    """Mask a credential; of a command also the arguments, which may be secrets."""
    if key != "token-command":
        return MASK if key in SECRETS else str(value)
    words = value if isinstance(value, list) else str(value).split()
    return " ".join([*map(str, words[:1]), *[MASK] * (len(words) > 1)])


def _option_settings(context: click.Context, profile: Profile) -> Iterator[Sequence[str]]:
    """Yield the options that don't have their default values, and those of single reports."""
    command = next(_commands(context))  # an export
    name = command.name or ""
    parsed = command.make_context(name, ["--profile", profile.name], context.find_root())
    for param in command.params:
        if source := _source(parsed, param):
            yield option_name(param), _text(parsed.params[param.name or ""]), source
    for report in reports():
        for key, value in profile.values.get(report.command, {}).items():
            yield f"{report.command}.{key}", _text(value), "profile"


def _source(context: click.Context, param: click.Parameter) -> str:
    """Return where a value comes from; "" for a default, except that of the service."""
    if param.name in ("profile", "sandbox"):
        return ""
    match context.get_parameter_source(param.name or ""):
        case ParameterSource.ENVIRONMENT:
            return str(param.envvar)
        case ParameterSource.DEFAULT_MAP:
            return "profile"
    return "default" if param.name == "base_url" else ""


def _text(value: Any) -> str:
    items = value if isinstance(value, (list, tuple)) else [value]
    return ", ".join(map(str, items))


def align(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Write rows in columns, two blanks apart."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)
        yield "  ".join(cells).rstrip()
