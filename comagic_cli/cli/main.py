"""The program: the one place that turns errors and signals into exits.

Little is imported here, and the rest where it is guarded: Ctrl-C can come early.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from comagic_cli.cli.console import CONSOLE, ClosedStdout, discard_output, log_format, tell
from comagic_cli.errors import CannotWrite, ComagicError, ExitCode, UsageProblem

if TYPE_CHECKING:
    import click

    from comagic_cli.export.context import Clock


STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
UNWINDING = 1.0  # seconds
# Rows are no garbage: looking for some after every 700 of them took a fifth of the time.
GARBAGE = 200_000


class Stopped(BaseException):
    """A signal came: nothing on the way should catch it, and unfinished files are removed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number
        self.name = signal.Signals(number).name


def run() -> NoReturn:
    """Run the program and leave with its exit code."""
    gc.set_threshold(GARBAGE)
    try:
        _heed_signals()
        if sys.stdout is None:
            sys.stdout = ClosedStdout()
        code = main(sys.argv[1:])
    except Stopped as stopped:  # once more, while the first error was told
        code = stopped.exit_code
    _ignore_signals()
    sys.exit(code)


def main(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run a command line and return the exit code; errors go to stderr, in one or two lines.

    `clock` tells the time (default: that of the system).
    """
    CONSOLE.json = log_format(arguments, os.environ) == "json"
    CONSOLE.sandbox = False
    try:
        from comagic_cli.cli.root import run_command  # noqa: PLC0415 - see above

        code = run_command(arguments, clock)
        _flush_stdout()
    except (Exception, KeyboardInterrupt, Stopped) as error:  # noqa: BLE001 - the last resort
        return _exit_code(error)
    return code


def _exit_code(error: BaseException) -> int:
    """Tell what is to be told of an error, and return the exit code that it stands for."""
    match error:
        case Stopped():
            return _tell_machine(f"stopped by {error.name}", error.exit_code)
        case KeyboardInterrupt():
            return _tell_machine("stopped by SIGINT", ExitCode.INTERRUPTED)
        case ComagicError():
            return _tell(error)
        case BrokenPipeError():
            discard_output(sys.stdout)
            return _tell_machine("the reader of standard output is gone", ExitCode.PIPE_CLOSED)
        case OSError():
            discard_output(sys.stdout)
            return _tell(CannotWrite(f"a file or stream failed: {error.strerror or error}"))
    from click import ClickException  # noqa: PLC0415 - see above

    return _show(error) if isinstance(error, ClickException) else _tell(_bug(error))


def _show(error: click.ClickException) -> int:
    """Tell of a command line that can't be understood; one without arguments gets the help."""
    from click.exceptions import NoArgsIsHelpError, NoSuchOption  # noqa: PLC0415 - see above

    if isinstance(error, NoArgsIsHelpError) and not CONSOLE.json:
        for line in error.format_message().splitlines():
            tell(line)
        return error.exit_code
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "comagic"
    is_help = isinstance(error, NoArgsIsHelpError)
    message = "no command was given" if is_help else error.format_message()
    if isinstance(error, NoSuchOption):
        from comagic_cli.cli.root import explain_option  # noqa: PLC0415 - see above

        message = explain_option(error)
    return _tell(UsageProblem(message, hint=f"See {command} --help."))


def _bug(error: BaseException) -> ComagicError:
    """Name a mistake of ours and its place; values, which may be secrets, are left out."""
    step = error.__traceback__
    while step and step.tb_next:
        step = step.tb_next
    file = step.tb_frame.f_code.co_filename.rpartition("/")[2] if step else "?"
    line = step.tb_lineno if step else 0
    name = type(error).__name__
    return ComagicError(f"this is a bug of comagic: {name} at {file}:{line}. Please report it.")


def _tell(error: ComagicError) -> int:
    CONSOLE.fail(error, error.exit_code)
    return error.exit_code


def _tell_machine(message: str, code: int) -> int:
    """Say to a machine why the program ends; a person knows."""
    if CONSOLE.json:
        CONSOLE.fail(ComagicError(message), code)
    return code


def _heed_signals() -> None:
    """Let a signal unwind the program; one that was ignored from the start stays so.

    Another soon after it is left alone, so that what unwinds is not broken off.
    """
    heeded = -UNWINDING

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal heeded
        if (now := monotonic()) - heeded >= UNWINDING:
            heeded = now
            raise Stopped(number)

    for number in _signals():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def _ignore_signals() -> None:
    """Let nothing disturb the end: all is said and done."""
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


def _signals() -> list[signal.Signals]:
    return [signal.Signals[name] for name in STOPPING if hasattr(signal, name)]


def _flush_stdout() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()
