"""--profile: an account with a name. It is read before the options whose defaults stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

from comagic_cli.cli import completion as offers
from comagic_cli.cli.console import CONSOLE
from comagic_cli.cli.params import ConnectionOption
from comagic_cli.cli.root import catalog_reports, cli
from comagic_cli.config.profiles import (
    CREDENTIALS,
    SAVED_ZONE,
    Profile,
    config_file,
    read_profiles,
)
from comagic_cli.errors import UsageProblem
from comagic_cli.query.suggest import did_you_mean


def load_profile(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Read the profile when both --profile and --sandbox are known, in whatever order they come.

    With --sandbox no profile is read.
    """
    known = context.params | {option.name or "": value}
    if context.resilient_parsing or not {"profile", "sandbox"} <= set(known):
        return value
    CONSOLE.sandbox = bool(known["sandbox"])
    profile = _chosen(context, known)
    context.default_map = dict(defaults(context, profile))
    if option.name == "profile":
        return profile
    context.params["profile"] = profile
    return value


def _chosen(context: click.Context, known: Mapping[str, Any]) -> Profile:
    if known["sandbox"]:
        return Profile()
    typed = context.get_parameter_source("profile") is ParameterSource.COMMANDLINE
    if typed and not known["profile"]:  # of a variable that is not set: it must not mean the usual
        raise click.BadParameter("the name is empty.", context, param_hint="'--profile'")
    return read_profiles(config_file()).chosen(known["profile"])


profile_option = click.option(
    "--profile",
    cls=ConnectionOption,
    metavar="NAME",
    envvar="COMAGIC_PROFILE",
    is_eager=True,
    callback=load_profile,
    shell_complete=offers.profiles,
    help="A saved account: see comagic login.",
)


# What changes one run only, and what a run has to be told before the profile is read.
ONE_RUN = frozenset(
    {
        *("output", "max-rows", "resume", "count", "dry-run", "refresh", "manifest"),
        *("from", "till", "ids", "filter-json", "params", "help"),
        *("profile", "sandbox"),
    }
)
NO_OPTIONS = frozenset({*CREDENTIALS, SAVED_ZONE})


def defaults(context: click.Context, profile: Profile) -> Iterator[tuple[str, Any]]:
    """Yield the defaults that a profile has for a command, each checked by its option.

    What stands in a table with the report's name goes before what stands in the profile itself.
    Raises `UsageProblem` that names the file and the key.
    """
    options = _options(context.command)
    reports = catalog_reports()
    for keys, value in _entries(profile.values, reports, context.info_name or ""):
        key = keys[-1]
        if key in ONE_RUN:
            raise UsageProblem(
                f"{profile.place(*keys)}: {key} can't be set in a profile",
                hint="Give it on the command line.",
            )
        if key not in options:
            _check_known(key, profile, keys)
        else:
            param = options[key]
            yield param.name or "", _checked(context, param, value, profile.place(*keys))


def _entries(
    values: Mapping[str, Any], reports: Mapping[str, Any], report: str
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the keys and values for a report: first those of all, then its own."""
    for key, value in values.items():
        if key not in NO_OPTIONS and not (key in reports and isinstance(value, dict)):
            yield (key,), value
    own = values.get(report, {}) if report in reports else {}
    yield from (((report, key), value) for key, value in own.items())


def _checked(context: click.Context, param: click.Option, value: Any, place: str) -> Any:
    """Check a value through the type of its option. Raises `UsageProblem`."""
    flag = param.is_flag
    made = value if flag else _as_typed(value, multiple=param.multiple)
    if made is None or flag is not isinstance(made, bool):
        wanted = "true or false" if flag else "a text or a number" + " or a list" * param.multiple
        raise UsageProblem(f"{place}: it must be {wanted}")
    try:
        param.type_cast_value(context, made)
    except click.BadParameter as error:
        raise UsageProblem(f"{place}: {error.message}") from None
    return made


def _as_typed(value: Any, *, multiple: bool) -> Any:
    """Return a value as if it were typed; `None` for what can't be."""
    if isinstance(value, list) and multiple:
        texts = [_as_typed(item, multiple=False) for item in value]
        return None if None in texts else texts
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return [str(value)] if multiple else str(value)


def _check_known(key: str, profile: Profile, keys: tuple[str, ...]) -> None:
    """Let pass what is an option of another report. Raises `UsageProblem` for what is of none."""
    commands = map(
        partial(cli.get_command, click.Context(cli)), cli.list_commands(click.Context(cli))
    )
    heeding = [options for each in commands if each and "profile" in (options := _options(each))]
    names = {name for options in heeding for name in options}
    if key in names:
        return
    known = sorted(names - ONE_RUN | NO_OPTIONS | {*catalog_reports()})
    hint = did_you_mean(key, known) or "It may hold options of a report."
    raise UsageProblem(f"{profile.place(*keys)}: there is no such option", hint=hint)


def _options(command: click.Command) -> dict[str, click.Option]:
    return {name_of_option(each): each for each in command.params if isinstance(each, click.Option)}


def name_of_option(param: click.Parameter) -> str:
    """Name an option as it is typed, without the dashes."""
    return max(param.opts, key=len).lstrip("-")
