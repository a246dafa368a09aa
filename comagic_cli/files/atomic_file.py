"""Atomic files: written to a hidden file, then renamed, so that no file is half written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from comagic_cli.errors import CannotWrite
from comagic_cli.files.stream import write_errors


def write_private(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Replace a small file atomically; only its owner can read it (mode 0600).

    A symlink's target is replaced. `temporary` is the file to write first, if a lock excludes other
    runs; one that a killed run left is replaced. Raises `OSError`, and the old file is unchanged.
    """
    target = Path(os.path.realpath(path))
    if temporary is None:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".")  # with mode 0600
        temporary = Path(name)
    else:
        remove(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        remove(temporary)
        raise
    sync_folder(target.parent)


@contextmanager
def open_folder(path: Path) -> Iterator[None]:
    """Create a folder and those above it; delete them again if nothing is in them at the end.

    Folders that existed before stay. Raises `CannotWrite`.
    """
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    with write_errors(str(path)):
        path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # it has files
            for folder in new:
                folder.rmdir()


def remove(path: Path) -> None:
    """Remove a file if it exists and can be removed."""
    with suppress(OSError):
        path.unlink()


def check_name(path: str) -> None:
    """Raise `CannotWrite` for an empty path, or that of a folder."""
    if not path:
        raise CannotWrite("The name of the output file is empty.", hint="Example: -o calls.csv")
    with write_errors(path):
        is_folder = path.endswith(os.sep) or Path(path).is_dir()
    if is_folder:
        raise CannotWrite(f"{path} is a folder.", hint="Add a file name.")


def resolve_target(path: str) -> Path:
    """Return the real path of a file to write. Raises `CannotWrite`, `OSError`."""
    check_name(path)
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise CannotWrite(
            f"{path} can't be written: the folder {target.parent} does not exist.",
            hint=f"Create it: mkdir -p '{target.parent}'",
        )
    return target


def sync_folder(folder: Path) -> None:
    """Flush a rename to the disk if the folder can be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # it can't be read, or the system can't open folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
