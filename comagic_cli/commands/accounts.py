"""`comagic login`, `logout`, `profiles` and `doctor`: accounts that are remembered."""

from __future__ import annotations

from typing import Any

import click

from comagic_cli.commands import offers
from comagic_cli.commands.options import ServiceOptions
from comagic_cli.commands.options.account import whose_account
from comagic_cli.commands.options.kinds import Seconds, ServiceUrl, Whole
from comagic_cli.commands.sections import ExportCommand, Written
from comagic_cli.errors import ComagicError

# What these do imports the network and is slow to load: --help and completion do without.


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
@click.option("--with-token", is_flag=True, help="Read the key from standard input.")
@click.option(
    "--token-file", metavar="FILE", type=click.Path(), help="Remember the file of the key only."
)
@click.option(
    "--token-command",
    metavar="COMMAND",
    help="Remember what prints the key: 'pass show comagic'.",
)
@click.option(
    "--user-id",
    metavar="N",
    type=Whole(),
    envvar="COMAGIC_USER_ID",
    help="For agents: the client's user.",
)
@click.option(
    "--timeout",
    metavar="S",
    type=Seconds(0.1),
    default=120,
    envvar="COMAGIC_TIMEOUT",
    help="Longest wait for one answer (120 unless told).",
)
@click.option("-v", "--verbose", is_flag=True, help="Tell about every call.")
@click.help_option("-h", "--help", help="Show this help.")
def login(**typed: Any) -> None:
    """Remember an account: its service, its key or login, its time zone.

    Asks for what is needed, tries it, and saves it as PROFILE ("default" where none is named), in a
    file that only you can read. The first profile is used wherever none is named.

    \b
    Examples:
      comagic login
      comagic login work --base-url uis
      comagic login work --with-token < key.txt
      comagic login work --token-command 'pass show comagic'
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.logging_in import Wish, log_in  # noqa: PLC0415

    log_in(Wish(**typed))


@click.command()
@click.argument("profile", required=False, envvar="COMAGIC_PROFILE", shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def logout(profile: str | None) -> None:
    """Forget the key or the login of a profile, and end its session.

    The defaults of options in it stay; comagic profiles remove forgets them as well.

    \b
    Example:
      comagic logout work
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.remembered import log_out  # noqa: PLC0415

    log_out(profile)


@click.group(invoke_without_command=True)
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def profiles(context: click.Context) -> None:
    """List the accounts that login has saved, and change which there are.

    \b
    Examples:
      comagic profiles
      comagic profiles show work
      comagic profiles default work
    """  # noqa: D301 - \b is Click's
    if context.invoked_subcommand is None:
        from comagic_cli.commands.remembered import tell_profiles  # noqa: PLC0415

        tell_profiles()


@profiles.command("list")
@click.help_option("-h", "--help", help="Show this help.")
def list_() -> None:
    """List the profiles; the usual one has a star.

    \b
    Example:
      comagic profiles list
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.remembered import tell_profiles  # noqa: PLC0415

    tell_profiles()


@profiles.command(short_help="Show what holds, and where it comes from.")
@click.argument("profile", required=False, envvar="COMAGIC_PROFILE", shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def show(profile: str | None) -> None:
    """Show what holds with a profile, and where each value comes from; no secrets.

    \b
    Examples:
      comagic profiles show
      comagic profiles show work
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.remembered import tell_profile  # noqa: PLC0415

    tell_profile(profile)


@profiles.command(short_help="Choose the usual profile, or print which it is.")
@click.argument("profile", required=False, shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def default(profile: str | None) -> None:
    """Use a profile wherever none is named; without PROFILE, print which it is.

    \b
    Examples:
      comagic profiles default work
      comagic profiles default
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.remembered import make_usual  # noqa: PLC0415

    make_usual(profile)


@profiles.command()
@click.argument("profile", shell_complete=offers.profiles)
@click.help_option("-h", "--help", help="Show this help.")
def remove(profile: str) -> None:
    """Forget a profile, with the defaults that stand in it.

    \b
    Example:
      comagic profiles remove work
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.remembered import remove_profile  # noqa: PLC0415

    remove_profile(profile)


class Doctor(ExportCommand):
    """A command that tells of a configuration that can't be read as of anything else."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        """Read the command line."""
        try:
            return super().make_context(info_name, args, parent, **more)
        except ComagicError as error:
            from comagic_cli.commands.doctor import bad  # noqa: PLC0415

            click.echo(str(bad("configuration", error)).encode())
            raise click.exceptions.Exit(error.exit_code) from None


@click.command(cls=Doctor)
@whose_account
@click.option("-v", "--verbose", cls=Written, is_flag=True, help="Tell about every call.")
@click.help_option("-h", "--help", help="Show this help.")
def doctor(**typed: Any) -> None:
    """Look whether all is as exports need it: one line each, ok or what to do about it.

    It takes a call for the account, one for its reports, and one for each report that there is. The
    exit code is that of the first thing that is not well.

    \b
    Examples:
      comagic doctor
      comagic doctor --profile work
      comagic doctor --sandbox
    """  # noqa: D301 - \b is Click's
    from comagic_cli.commands.doctor import examine  # noqa: PLC0415

    click.get_current_context().exit(examine(ServiceOptions(**typed, quiet=False)))
