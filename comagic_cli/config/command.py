"""The key from a password manager: a command is run, and the first line it prints is the key."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from comagic_cli.errors import UsageProblem

PATIENCE = 60.0  # seconds; a person may have to type a password for it


def key_printed_by(command: str | Sequence[str], origin: str, patience: float = PATIENCE) -> str:
    """Run a command and return the first line of what it prints.

    No shell takes part: a text is split at blanks, quotes keep words together, and nothing else
    means anything. What it says on stderr is not shown, for it may hold the key.
    Raises `UsageProblem`.
    """
    words = _words(command, origin)
    try:
        printed = _printed_by(words, patience)
    except OSError as error:
        raise UsageProblem(f"{origin}: {words[0]} can't be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise UsageProblem(
            f"{origin}: {words[0]} did not end within {patience:g} s", hint=_by_hand(words)
        ) from None
    except subprocess.CalledProcessError as error:
        raise UsageProblem(
            f"{origin}: {words[0]} failed ({_ending(error.returncode)})", hint=_by_hand(words)
        ) from None
    try:
        return next(iter(printed.decode("utf-8-sig").splitlines()), "").strip()
    except UnicodeDecodeError:
        raise UsageProblem(f"{origin}: what {words[0]} prints is no text") from None


def _words(command: str | Sequence[str], origin: str) -> list[str]:
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError:
        raise UsageProblem(f"{origin}: a quote is not closed") from None
    if not words or not words[0]:
        raise UsageProblem(f"{origin}: it names no command")
    return words


def _printed_by(words: list[str], patience: float) -> bytes:
    """Return what a command prints; it is ended when it takes too long, or when we are."""
    with subprocess.Popen(  # noqa: S603 - the user's own words, and no shell
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=patience)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words[0])
    return printed


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _by_hand(words: list[str]) -> str:
    """Say what to type to see more. Only the program's name: arguments may be secrets."""
    return f"Type the command of {words[0]} yourself to see why."
