"""Run the program: turn errors and signals into exit codes.

Other modules are imported inside `main`, so that Ctrl-C is handled while they load.
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

from comagic_cli.cli import COMPLETE
from comagic_cli.cli.console import CONSOLE, ClosedStdout, discard_output, log_format
from comagic_cli.errors import CannotWrite, ComagicError, ExitCode, UsageProblem

if TYPE_CHECKING:
    import click

    from comagic_cli.export.context import Clock


SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
CLEANUP_TIME = 1.0  # seconds during which another signal is ignored
GC_THRESHOLD = 200_000  # rows have no cycles; Python's default took a fifth of the run time


class Stopped(BaseException):
    """A signal was received. It is not an `Exception`: only `main` catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number
        self.name = signal.Signals(number).name


def run() -> NoReturn:
    """Run the program and exit with its code."""
    gc.set_threshold(GC_THRESHOLD)
    try:
        _handle_signals()
        if sys.stdout is None:
            sys.stdout = ClosedStdout()
        code = main(sys.argv[1:])
    except Stopped as stopped:  # again, while the first error was reported
        code = stopped.exit_code
    _ignore_signals()
    sys.exit(code)


def main(arguments: Sequence[str], clock: Clock | None = None) -> int:
    """Run a command line and return the exit code; write errors to stderr in one or two lines.

    `clock` is that of the system by default.
    """
    is_json = log_format(arguments, os.environ) == "json"
    CONSOLE.begin(is_json=is_json and not os.environ.get(COMPLETE))
    try:
        from comagic_cli.cli.root import run_command  # noqa: PLC0415 - handles Ctrl-C

        code = run_command(arguments, clock)
        _flush_stdout()
    except (Exception, KeyboardInterrupt, Stopped) as error:  # noqa: BLE001 - the last resort
        return _exit_code(error)
    CONSOLE.print_end(code)
    return code


def _exit_code(error: BaseException) -> int:
    """Report an error and return its exit code."""
    match error:
        case Stopped():
            return _log_end(f"stopped by {error.name}", error.exit_code)
        case KeyboardInterrupt():
            return _log_end("stopped by SIGINT", ExitCode.INTERRUPTED)
        case ComagicError():
            return _print(error)
        case BrokenPipeError():
            discard_output(sys.stdout)
            return _log_end("the reader of standard output closed the pipe", ExitCode.PIPE_CLOSED)
        case OSError():
            discard_output(sys.stdout)
            return _print(_cannot_write(error))
    from click import ClickException  # noqa: PLC0415 - handles Ctrl-C

    return _print_click(error) if isinstance(error, ClickException) else _print(_bug(error))


def _cannot_write(error: OSError) -> CannotWrite:
    """Return the error to print: one that names no file is of standard output.

    The name of a file is not shown, as it may be a secret that was typed in its place.
    """
    from comagic_cli.files.stream import HINTS  # noqa: PLC0415 - handles Ctrl-C

    name = "A file" if error.filename else "Standard output"
    reason = error.strerror or str(error)
    return CannotWrite(f"{name} can't be written: {reason}.", hint=HINTS.get(error.errno or 0, ""))


def _print_click(error: click.ClickException) -> int:
    """Report a wrong command line."""
    from click.exceptions import NoSuchOption, UsageError  # noqa: PLC0415 - handles Ctrl-C

    context = getattr(error, "ctx", None)
    command = context.command_path if context else "comagic"
    message, hint = error.format_message(), ""
    if isinstance(error, UsageError):
        from comagic_cli.cli.root import (  # noqa: PLC0415 - the same
            explain_argument,
            explain_missing,
            explain_option,
        )

        if isinstance(error, NoSuchOption):
            message = explain_option(error)
        hint = explain_argument(error) or explain_missing(error)
    return _print(UsageProblem(message, hint=hint or f"See {command} --help."))


def _bug(error: BaseException) -> ComagicError:
    """Describe a bug by its exception and place, without values, which may be secrets."""
    step = error.__traceback__
    while step and step.tb_next:
        step = step.tb_next
    file = step.tb_frame.f_code.co_filename.rpartition("/")[2] if step else "?"
    line = step.tb_lineno if step else 0
    name = type(error).__name__
    return ComagicError(f"this is a bug of comagic: {name} at {file}:{line}. Please report it.")


def _print(error: ComagicError) -> int:
    CONSOLE.print_error(error, error.exit_code)
    return error.exit_code


def _log_end(message: str, code: int) -> int:
    """Log why the program ends, if the log is JSON; a person knows."""
    if CONSOLE.json:
        CONSOLE.print_error(ComagicError(message), code)
    return code


def _handle_signals() -> None:
    """Raise `Stopped` on a signal, unless it was ignored when the program started.

    A second signal within `CLEANUP_TIME` is ignored: it would interrupt the cleanup.
    """
    last = -CLEANUP_TIME

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal last
        if (now := monotonic()) - last >= CLEANUP_TIME:
            last = now
            raise Stopped(number)

    for number in _signals():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def _ignore_signals() -> None:
    """Ignore signals from now on."""
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


def _signals() -> list[signal.Signals]:
    return [signal.Signals[name] for name in SIGNALS if hasattr(signal, name)]


def _flush_stdout() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()
