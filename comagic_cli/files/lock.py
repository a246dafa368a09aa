"""A lock on an output: one run at a time writes it. It ends with its process, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EAGAIN, EDEADLK
from hashlib import blake2b
from pathlib import Path

from comagic_cli.errors import CannotWrite, OutputBusy
from comagic_cli.files.stream import naming

if sys.platform == "win32":  # pragma: no cover - tried on Linux and macOS only
    import msvcrt

    def _take(descriptor: int) -> None:
        """Lock a byte beyond the file's end, so that the file can be read by others."""
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


LONGEST = 200  # bytes of a name that are kept in the names beside it, which may have 255
HELD = {EAGAIN, EACCES, EDEADLK}  # the last two are Windows' words for it
DIGITS = 20


def beside(path: Path, ending: str) -> Path:
    """Name a hidden file beside an output: `.NAME.ending`; a long name is cut, but not alike."""
    name = os.fsencode(path.name)
    if len(name) > LONGEST:
        name = name[: LONGEST - 20] + b"." + blake2b(name, digest_size=8).hexdigest().encode()
    return path.with_name(f".{os.fsdecode(name)}.{ending}")


@contextmanager
def held(path: Path, name: str = "") -> Iterator[None]:
    """Hold the lock on an output, which need not exist; the folder must.

    Errors call it `name`, as it was typed; left out, by its path.
    `.NAME.lock` beside it is locked, not merely there: what a killed run leaves locks nobody out.
    Raises `OutputBusy` where another run holds it, `CannotWrite` where no lock can be had.
    """
    lock = beside(path, "lock")
    with naming(name or str(path)):
        descriptor = _locked(name or str(path), lock)
    try:
        with suppress(OSError):  # opened for reading only, or the disk is full: then it's unnamed
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        with suppress(OSError):  # while it is still locked: nobody else's is removed
            lock.unlink()
        os.close(descriptor)


def _locked(name: str, lock: Path) -> int:
    """Return the descriptor of the lock's file once it is ours, and still is that file."""
    while True:
        descriptor = _opened(name, lock)
        try:
            _take(descriptor)
            if _is_still(lock, descriptor):
                return descriptor
        except OSError as error:
            os.close(descriptor)
            if error.errno in HELD:
                raise _busy(name, lock) from error
            raise
        os.close(descriptor)  # its holder has just removed it


def _opened(name: str, lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError as error:
        with suppress(OSError):  # what a killed run of another user left
            return os.open(lock, os.O_RDONLY)
        raise no_new_files(name, lock.parent) from error


def _is_still(lock: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(lock.stat(), os.fstat(descriptor))
    return False


def _busy(name: str, lock: Path) -> OutputBusy:
    holder = ""
    with suppress(OSError):
        holder = lock.read_bytes()[:DIGITS].decode("ascii", "replace").strip()
    process = f" (process {holder})" if holder.isdigit() else ""
    return OutputBusy(
        f"{name} is being written by another run{process}.",
        hint="Wait until it has ended, or write to another file.",
    )


def no_new_files(name: str, folder: Path) -> CannotWrite:
    """Return the error of a folder that files can't be made in."""
    return CannotWrite(
        f"{name} can't be written: the folder {folder} takes no new files from you.",
        hint="A file is written beside its name, then moved over it. Choose another folder, "
        "or get the right to make files in this one.",
    )
