"""How the program speaks: an option of every command."""

from __future__ import annotations

import click
from click.core import ParameterSource

from comagic_cli.commands.sections import Written
from comagic_cli.commands.voice import FORMATS, OPTION, VARIABLE, VOICE


def logged(command: click.Command) -> click.Command:
    """Give a command --log-format, once; those below a group get it too.

    What speaks has looked for it already, before the command line was read: see `log_format`.
    """
    if all(OPTION not in param.opts for param in command.params):
        command.params.append(log_option())
    if isinstance(command, click.Group):
        for below in command.commands.values():
            logged(below)
    return command


def log_option() -> click.Option:
    """Make the option."""
    return Written(
        [OPTION],
        type=click.Choice(FORMATS),
        metavar="F",
        envvar=VARIABLE,
        expose_value=False,
        callback=_heed,
        help="Lines on stderr: text, or json for machines.",
    )


def _heed(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Speak as a profile says, from now on: it was not known before."""
    if context.get_parameter_source(option.name or "") is ParameterSource.DEFAULT_MAP:
        VOICE.machine = value == "json"
    return value
