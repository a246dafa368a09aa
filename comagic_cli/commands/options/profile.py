"""--profile: an account with a name. It is read before the options whose defaults stand in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from comagic_cli.commands import offers
from comagic_cli.commands.sections import Account

if TYPE_CHECKING:
    from comagic_cli.config.profiles import Profile


def heed_profile(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Read the profile when both --profile and --sandbox are known, in whatever order they come.

    With --sandbox only a profile that is typed is read, and of that nothing about the account.
    """
    known = context.params | {option.name or "": value}
    if context.resilient_parsing or not {"profile", "sandbox"} <= set(known):
        return value
    from comagic_cli.commands.defaults import defaults  # noqa: PLC0415 - --help does without

    profile = _chosen(context, known)
    context.default_map = dict(defaults(context, profile, sandbox=known["sandbox"]))
    if option.name == "profile":
        return profile
    context.params["profile"] = profile
    return value


def _chosen(context: click.Context, known: Mapping[str, Any]) -> Profile:
    from comagic_cli.config.profiles import (  # noqa: PLC0415 - --help does without
        Profile,
        config_file,
        read_profiles,
    )

    typed = context.get_parameter_source("profile") is ParameterSource.COMMANDLINE
    if known["sandbox"] and not typed:
        return Profile()
    if typed and not known["profile"]:  # of a variable that is not set: it must not mean the usual
        raise click.BadParameter("the name is empty.", context, param_hint="'--profile'")
    return read_profiles(config_file(os.environ)).chosen(known["profile"])


profile_option = click.option(
    "--profile",
    cls=Account,
    metavar="NAME",
    envvar="COMAGIC_PROFILE",
    is_eager=True,
    callback=heed_profile,
    shell_complete=offers.profiles,
    help="An account that comagic login has saved.",
)
