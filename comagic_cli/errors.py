"""The errors of the program, each with the exit code it ends with."""

from __future__ import annotations

import sys
from enum import IntEnum
from pathlib import Path
from shlex import quote
from typing import NamedTuple, Self


class ExitCode(IntEnum):
    """What the program can end with; `meaning` is what help and README show."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a code with its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    COMPLETE = 0, "complete: every row is there"
    BUG = 1, "a bug of comagic"
    USAGE = 2, "the command line, the environment or a profile is wrong"
    ROWS_MISSING = 3, "done, but rows or files are missing or doubled, or a customer was refused"
    NOT_ALLOWED = 4, "not allowed: token, password, address or rights"
    REFUSED = 5, "the API refused the request"
    NETWORK = 6, "the network or the service failed, after retries"
    OUT_OF_POINTS = 7, "out of points: try again later"
    CANNOT_WRITE = 8, "the output can't be written"
    OUTPUT_BUSY = 9, "another run writes the output"
    INTERRUPTED = 130, "stopped by Ctrl-C (SIGINT)"  # 128 + 2
    PIPE_CLOSED = 141, "the reader closed the pipe"  # 128 + 13 (SIGPIPE)
    TERMINATED = 143, "stopped by SIGTERM"  # 128 + 15


class Place(NamedTuple):
    """A stretch of a text that was typed, to be pointed at."""

    text: str
    start: int
    end: int


class ComagicError(Exception):
    """An error for the user: what went wrong, where, and what to do next.

    `hint` is the next step for the user. `mnemonic` and `field` are the API's own words.
    `place` is where in a typed text the mistake is.
    """

    exit_code = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        mnemonic: str = "",
        field: str = "",
        value: str = "",
        place: Place | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.mnemonic = mnemonic
        self.field = field
        self.value = value
        self.place = place


class UsageProblem(ComagicError):
    """The command line, the environment or a profile is wrong."""

    exit_code = ExitCode.USAGE


class UnknownField(UsageProblem):
    """The catalogue lacks a field; the account may have it.

    `field` is what was typed. `in_filter` says that it was typed in a filter.
    """

    in_filter = False


class RowsMissing(ComagicError):
    """The export ended, but rows are missing or doubled."""

    exit_code = ExitCode.ROWS_MISSING


class NotAllowed(ComagicError):
    """The token, the password, the IP address or the rights don't allow it."""

    exit_code = ExitCode.NOT_ALLOWED


class Refused(ComagicError):
    """The API refused the request."""

    exit_code = ExitCode.REFUSED


class NetworkFailure(ComagicError):
    """No usable answer came, after all retries."""

    exit_code = ExitCode.NETWORK


class OutOfPoints(ComagicError):
    """The account's points are used up."""

    exit_code = ExitCode.OUT_OF_POINTS


class CannotWrite(ComagicError):
    """The output can't be written."""

    exit_code = ExitCode.CANNOT_WRITE


class OutputBusy(ComagicError):
    """Another run writes the output."""

    exit_code = ExitCode.OUTPUT_BUSY


def install_command(package: str, prefix: str = sys.prefix, python: str = sys.executable) -> str:
    """Return the command that adds a package to the environment of this program.

    pipx and uv leave a file of their own in the environments that they make, wherever these are.
    """
    package = quote(package)
    if Path(prefix, "pipx_metadata.json").exists():
        return f"pipx inject comagic {package}"
    if Path(prefix, "uv-receipt.toml").exists():
        return f"uv tool install --with {package} comagic"
    return f"{quote(python)} -m pip install {package}"
