"""The command line as it was typed, to be typed again."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import join

import click

TYPED = "comagic.typed"


def keep_typed(context: click.Context, arguments: Sequence[str]) -> None:
    """Keep what was typed for `command_to`; it holds no secret, since no option takes one."""
    context.meta[TYPED] = tuple(arguments)


def command_to(option: str) -> str:
    """Return the command line with an option more, as a shell takes it."""
    typed = click.get_current_context().meta[TYPED]
    return join(["comagic", *typed, *([] if option in typed else [option])])
