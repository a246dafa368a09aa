"""Locks on files. The system releases a lock when its process ends, even if it is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from filelock import FileLock, Timeout

from comagic_cli.errors import CannotWrite, OutputBusy
from comagic_cli.files.stream import write_errors

MAX_NAME = 200  # bytes; file systems allow 255, and `hidden_path` adds some
MAX_DIGITS = 20  # of a process id
GRACE = 0.1  # seconds; a run that has just ended may still be removing its lock file


def hidden_path(path: Path, suffix: str) -> Path:
    """Return the hidden file `.NAME.suffix` beside an output; long names are cut and hashed."""
    name = os.fsencode(path.name)
    if len(name) > MAX_NAME:
        name = name[: MAX_NAME - 20] + b"." + blake2b(name, digest_size=8).hexdigest().encode()
    return path.with_name(f".{os.fsdecode(name)}.{suffix}")


@contextmanager
def lock_file(path: Path, name: str = "") -> Iterator[None]:
    """Lock an output, which need not exist; its folder must.

    The lock is on `.NAME.lock` beside it, which holds the process id. Errors call the output
    `name` (default: its path). Raises `OutputBusy` if another run has the lock, `CannotWrite` if it
    can't be acquired.
    """
    name = name or str(path)
    file = hidden_path(path, "lock")
    # Writable for all: the lock file of a killed run of another user must not exclude others.
    lock = FileLock(file, mode=0o666, fallback_to_soft=False, on_acquired=_write_process_id)
    with write_errors(name):
        try:
            lock.acquire(timeout=GRACE, poll_interval=GRACE / 5)
        except Timeout as error:
            raise _busy(name, file) from error
        except PermissionError as error:
            if file.exists():
                raise _foreign(name, file) from error
            raise folder_error(name, file.parent) from error
    with _release_at_end(lock, file):
        yield


@contextmanager
def wait_for_lock(file: Path) -> Iterator[None]:
    """Wait for the lock on a lock file; continue without if the file system has no locks."""
    lock = FileLock(file, mode=0o600, fallback_to_soft=False)
    with suppress(OSError):
        lock.acquire()
    with _release_at_end(lock, file):
        yield


@contextmanager
def _release_at_end(lock: FileLock, file: Path) -> Iterator[None]:
    """Delete the lock file while it is locked, then release the lock."""
    try:
        yield
    finally:
        with suppress(OSError):
            if lock.is_locked:
                file.unlink()
            lock.release()


def _write_process_id(descriptor: int) -> None:
    with suppress(OSError):  # a full disk: the lock holds without it
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())


def _busy(name: str, file: Path) -> OutputBusy:
    holder = ""
    with suppress(OSError):
        holder = file.read_bytes()[:MAX_DIGITS].decode("ascii", "replace").strip()
    process = f" (process {holder})" if holder.isdigit() else ""
    return OutputBusy(
        f"{name} is being written by another run{process}.",
        hint="Wait until it has ended, or write to another file.",
    )


def _foreign(name: str, file: Path) -> CannotWrite:
    return CannotWrite(
        f"{name} can't be written: the lock file {file} belongs to another user.",
        hint="Wait until that user's run has ended, or ask for the file to be deleted.",
    )


def folder_error(name: str, folder: Path) -> CannotWrite:
    """Return the error of a folder in which no files can be created."""
    return CannotWrite(
        f"{name} can't be written: no files can be created in the folder {folder}.",
        hint="A file is first written under a hidden name in its folder. Choose another folder, "
        "or get the right to create files in this one.",
    )
