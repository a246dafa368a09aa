"""Options that there are not, and those that were meant."""

from __future__ import annotations

from collections.abc import Sequence

from click.exceptions import NoSuchOption

from comagic_cli.request.near import meant

LIKE = 0.75  # from 0 to 1; the dashes alone make options somewhat like
KNOWN_AS = {
    "--columns": "--fields",
    "--date": "--period",
    "--file": "--output",
    "--filter": "--where",
    "--limit": "--max-rows",
    "--order": "--sort",
    "--order-by": "--sort",
    "--out": "--output",
    "--query": "--where",
    "--select": "--fields",
    "--since": "--from",
    "--start": "--from",
    "--end": "--till",
    "--timezone": "--tz",
    "--to": "--till",
    "--until": "--till",
}
"""What other programs call ours."""


def sentence(error: NoSuchOption) -> str:
    """Say that there is no such option, and which one is near or called so elsewhere."""
    there = _options(error)
    other = KNOWN_AS.get(error.option_name, "")
    hint = f"Did you mean {other}?" if other in there else meant(error.option_name, there, LIKE)
    if not hint and error.ctx and not error.ctx.parent:
        hint = f"Options stand behind a command: comagic calls {error.option_name}"
    return f"No such option {error.option_name!r}.{' ' * bool(hint)}{hint}"


def _options(error: NoSuchOption) -> Sequence[str]:
    """Name the long options of the command."""
    command = error.ctx.command if error.ctx else None
    names = (name for param in command.params for name in param.opts) if command else ()
    return [name for name in names if name.startswith("--")]
