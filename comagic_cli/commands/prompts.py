"""Questions to a person at a terminal; they go to stderr, and secrets are not shown."""

from __future__ import annotations

import sys
from getpass import getpass

from comagic_cli.commands.streams import tell
from comagic_cli.errors import UsageProblem


def somebody_is_there() -> bool:
    """Tell whether a person can be asked."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def ask(question: str, usual: str = "") -> str:
    """Ask for a line; an empty one stands for what is usual. Raises `UsageProblem` at the end."""
    shown = f"{question} [{usual}]: " if usual else f"{question}: "
    with _Question():
        sys.stderr.write(shown)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
    return line.strip() or usual


def ask_secret(question: str) -> str:
    """Ask for a line that is not shown. Raises `UsageProblem` at the end of the input."""
    with _Question():
        return getpass(f"{question}: ", stream=sys.stderr)


def read_secret() -> str:
    """Read a secret from standard input, which nobody types at. Raises `UsageProblem`."""
    if somebody_is_there():
        return ask_secret("Key")
    if sys.stdin is None or sys.stdin.closed:
        raise UsageProblem("--with-token: standard input is closed")
    try:
        return sys.stdin.read().strip()
    except UnicodeDecodeError:
        raise UsageProblem("--with-token: standard input is no text") from None


class _Question:
    """End the line of a question that is not answered."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            tell("")
        if kind is EOFError:
            raise UsageProblem("the input has ended, and nothing was saved") from None
