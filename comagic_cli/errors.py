"""What can go wrong, each with the exit code it ends the program with."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A stretch of a text that was typed, to be pointed at."""

    text: str
    start: int
    end: int


class ComagicError(Exception):
    """Say what went wrong, where, and what to do next.

    `hint` is the next step for the user. `mnemonic`, `field` and `value` are the API's own words.
    `place` is where in a text the mistake is.
    """

    exit_code = 1

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
    """The command line, the environment or a profile can't be used as it is."""

    exit_code = 2


class UnknownField(UsageProblem):
    """The catalogue lacks a field; the account may have it.

    `field` is what was typed. `in_filter` says that it was typed in a filter.
    """

    in_filter = False


class RowsMissing(ComagicError):
    """The export ended, but rows are missing or doubled."""

    exit_code = 3


class NotAllowed(ComagicError):
    """The key, the password, the IP address or the rights don't allow it."""

    exit_code = 4


class Refused(ComagicError):
    """The API refused the request."""

    exit_code = 5


class NetworkFailure(ComagicError):
    """No usable answer came, after all retries."""

    exit_code = 6


class OutOfPoints(ComagicError):
    """The account's points are used up; try again later."""

    exit_code = 7


class CannotWrite(ComagicError):
    """The output can't be written."""

    exit_code = 8


class OutputBusy(ComagicError):
    """Another run holds the output."""

    exit_code = 9


INTERRUPTED = 130  # stopped by SIGINT: 128 + 2
TERMINATED = 143  # stopped by SIGTERM: 128 + 15
READER_GONE = 141  # the reader closed the pipe: 128 + 13 (SIGPIPE)

EXIT_CODES = {
    0: "complete: every row is there",
    1: "a bug of comagic",
    UsageProblem.exit_code: "the command line, the environment or a profile is wrong",
    RowsMissing.exit_code: "finished, but rows are missing or doubled, or a client was refused",
    NotAllowed.exit_code: "not allowed: key, password, address or rights",
    Refused.exit_code: "the API refused the request",
    NetworkFailure.exit_code: "the network or the service failed, after retries",
    OutOfPoints.exit_code: "out of points: try again later",
    CannotWrite.exit_code: "the output can't be written",
    OutputBusy.exit_code: "another run holds the output",
    INTERRUPTED: "stopped by Ctrl-C (SIGINT)",
    READER_GONE: "the reader closed the pipe",
    TERMINATED: "stopped by SIGTERM",
}
"""What the program can end with: the table that help and README show."""
