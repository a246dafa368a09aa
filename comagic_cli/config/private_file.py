"""Files that hold secrets: read only where nobody else can, and never there half or open."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote

from comagic_cli.errors import CannotWrite, UsageProblem

if sys.platform == "win32":  # pragma: no cover - tried on Linux and macOS only
    OTHERS_MAY = 0  # its modes tell nothing of others

    def _lock(descriptor: int) -> None:
        """Do without."""
else:
    import fcntl

    OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def read_guarded(path: Path, origin: str) -> str:
    """Read a text that only its owner may read. Raises `UsageProblem` that begins with `origin`."""
    text, is_open = read_secret(path, origin)
    if is_open:
        raise UsageProblem(
            f"{origin}: {path} can be read by others", hint=f"Type: chmod 600 {quote(str(path))}"
        )
    return text


def read_secret(path: Path, origin: str) -> tuple[str, bool]:
    """Read a text; return whether it is a regular file that other users may use, too.

    Raises `UsageProblem` that begins with `origin`.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            is_open = stat.S_ISREG(mode) and bool(mode & OTHERS_MAY)
            return file.read().decode("utf-8-sig"), is_open
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageProblem(f"{origin}: {path} can't be read: {reason}") from None


def write_guarded(path: Path, text: str) -> None:
    """Put a text in the place of a file, whole, readable by its owner alone from the first byte.

    Raises `CannotWrite`; the old file stays then.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    with _told(path):
        descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=".")  # made with mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(part).unlink()
            raise


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Make the folder of a file, and let one run change it at a time. Raises `CannotWrite`."""
    descriptor = None
    with _told(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):  # where no lock can be had, all go in
        descriptor = os.open(path.parent, os.O_RDONLY)
        _lock(descriptor)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"{path} can't be written: {error.strerror or error}") from None
