"""The topics of `comagic help` that are made from what the program goes by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from comagic_cli.errors import EXIT_CODES

Rows = Iterator[tuple[str, str]]

# What is heeded beside the options' own variables.
OTHERS = {
    "COMAGIC_TOKEN": "The key; it goes before the login",
    "COMAGIC_TOKEN_FILE": "As --token-file: a file with the key",
    "COMAGIC_LOGIN": "With COMAGIC_PASSWORD: a login, instead of a key",
    "COMAGIC_PASSWORD": "Its password",
    "NO_COLOR": "Where it is set, no colours",
    "XDG_CONFIG_HOME": "The folder of comagic/config.toml, usually ~/.config",
    "XDG_CACHE_HOME": "The folder of what is remembered, usually ~/.cache",
    "REQUESTS_CA_BUNDLE": "A file of certificates, where the network has its own",
    "HTTPS_PROXY": "The proxy to go through",
}


def exit_codes() -> Rows:
    """Yield codes and what they mean."""
    yield from ((str(code), meaning) for code, meaning in EXIT_CODES.items())


def variables(root: click.Group) -> Rows:
    """Yield the environment variables, and the option that each stands in for."""
    found: dict[str, str] = {}
    for _, command in commands(root):
        for param in command.params:
            if isinstance(param, click.Option) and isinstance(param.envvar, str):
                found.setdefault(param.envvar, max(param.opts, key=len))
    yield from ((name, f"As {option}") for name, option in sorted(found.items()))
    yield from OTHERS.items()


def commands(root: click.Group, name: str = "comagic") -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group, as it is typed, those of its groups too."""
    context = click.Context(root, info_name=name)
    for below in root.list_commands(context):
        command = root.get_command(context, below)
        if command is not None:
            yield f"{name} {below}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {below}")


def mnemonics() -> Iterator[tuple[str, str, str, int]]:
    """Yield how the service refuses, out of the table that the program goes by.

    Each is its mnemonic, what that means, what to do about it, and the exit code.
    """
    from comagic_cli.fetch.refusals import MEANING  # noqa: PLC0415 - loads the network

    for mnemonic, (kind, sentence, remedy) in MEANING.items():
        told = remedy.replace("{option}", "the option it names")
        yield mnemonic, sentence, told.replace("{address}", "the address it names"), kind.exit_code


def listed(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield lines of two columns."""
    widest = max(map(len, rows))
    yield from (f"  {left.ljust(widest)}  {right}" for left, right in rows.items())
