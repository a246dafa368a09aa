"""Private files: only the owner can read them, and they are replaced atomically."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from comagic_cli.errors import UsageProblem
from comagic_cli.files.atomic_file import write_private
from comagic_cli.files.lock import hidden_path, wait_for_lock
from comagic_cli.files.stream import write_errors

# File modes on Windows don't describe other users.
OTHER_USERS = 0 if sys.platform == "win32" else stat.S_IRWXG | stat.S_IRWXO


def read_private(path: Path, origin: str) -> str:
    """Read a private file. Raises `UsageProblem`, whose message begins with `origin`."""
    text, is_open = read_secret(path, origin)
    if is_open:
        raise UsageProblem(
            f"{origin}: {path} can be read by other users",
            hint=f"Type: chmod 600 {quote(str(path))}",
        )
    return text


def read_secret(path: Path, origin: str) -> tuple[str, bool]:
    """Read a file; return its text, and whether other users can read or change it.

    Raises `UsageProblem`, whose message begins with `origin`.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            is_open = stat.S_ISREG(mode) and bool(mode & OTHER_USERS)
            return file.read().decode("utf-8-sig"), is_open
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageProblem(f"{origin}: {path} can't be read: {reason}") from None


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Make the folder of a file, and let one run change the file. Raises `CannotWrite`."""
    with write_errors(str(path)):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with wait_for_lock(hidden_path(path, "lock")):
        yield


def replace_private(path: Path, text: str) -> None:
    """Replace a file. Raises `CannotWrite`; the old file is then unchanged."""
    with write_errors(str(path)):
        write_private(path, text.encode())
