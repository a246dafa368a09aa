"""Whose account: the options of the service."""

from __future__ import annotations

from typing import Any

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options.kinds import Seconds, ServiceUrl, Users, Whole, one_by_one
from comagic_cli.commands.options.profile import heed_profile, profile_option
from comagic_cli.commands.sections import Account, Decorator, bundle


class OneUser(Account):
    """A single client's user; several in the environment are for exports, and say nothing here."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what the environment says."""
        value = super().resolve_envvar_value(ctx)
        words = (value or "").replace(",", " ").split()
        return None if len(words) > 1 or words == ["all"] else value


WHERE: tuple[Decorator[Any], ...] = (
    click.option(
        "--sandbox",
        cls=Account,
        is_flag=True,
        is_eager=True,
        callback=heed_profile,
        help="A private sandbox, to try things out.",
    ),
    profile_option,
    click.option(
        "--base-url",
        cls=Account,
        metavar="URL",
        type=ServiceUrl(),
        default="comagic",
        envvar="COMAGIC_BASE_URL",
        shell_complete=offers.services,
        help="The service: comagic, uis, callgear … or a URL.",
    ),
    click.option(
        "--token-file",
        cls=Account,
        metavar="FILE",
        type=click.Path(),
        help="A file with the key, instead of COMAGIC_TOKEN.",
    ),
)
USER: Decorator[Any] = click.option(
    "--user-id",
    cls=OneUser,
    metavar="N",
    type=Whole(),
    envvar="COMAGIC_USER_ID",
    help="For agents: the client's user.",
)
USERS: Decorator[Any] = click.option(
    "--user-id",
    "users",
    cls=Account,
    metavar="N",
    type=Users(),
    multiple=True,
    envvar="COMAGIC_USER_ID",
    callback=one_by_one,
    help="For agents: a client's user; repeatable; or all.",
)
HOW: tuple[Decorator[Any], ...] = (
    click.option(
        "--tz",
        cls=Account,
        metavar="ZONE",
        envvar="COMAGIC_TZ",
        help="The time zone; left out: as the service says.",
    ),
    click.option(
        "--timeout",
        cls=Account,
        metavar="S",
        type=Seconds(0.1),
        default=120,
        envvar="COMAGIC_TIMEOUT",
        help="Longest wait for one answer (120 unless told).",
    ),
    click.option(
        "--max-wait",
        cls=Account,
        metavar="D",
        type=Seconds(),
        default=3600,
        envvar="COMAGIC_MAX_WAIT",
        help="Longest wait for a new try (1h unless told).",
    ),
)

whose_account = bundle(*WHERE, USER, *HOW)
whose_accounts = bundle(*WHERE, USERS, *HOW)  # of several clients, one after another
