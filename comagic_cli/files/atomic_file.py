"""Atomic files: written to a hidden file, then renamed, so that no file is half written."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from comagic_cli.errors import CannotWrite, RowsMissing
from comagic_cli.files.lock import folder_error, hidden_path, lock_file
from comagic_cli.files.stream import write_errors


class UnfinishedFile:
    """An unfinished file, `.NAME.part` beside the output, created when the first byte is written.

    Until then an unfinished file of an earlier run stays. `close` does not delete a file that
    `is_resumable`; `checkpoint_path` is where its checkpoint is. `published` is the finished file.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        with write_errors(path):
            self.final_path = resolve_target(path)
            self._old_stat = _stat_old_file(path, self.final_path)
        self.path = hidden_path(self.final_path, "part")
        self.checkpoint_path = hidden_path(self.final_path, "checkpoint")
        self.is_resumable = False
        self.published: Path | None = None
        self._raw: io.FileIO | None = None
        self._is_created = False

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._raw is not None

    def write(self, data: memoryview, /) -> int | None:
        """Write some of the bytes and return how many."""
        return (self._raw or self._create()).write(data)

    def fileno(self) -> int:
        """Return the descriptor."""
        return (self._raw or self._create()).fileno()

    def reopen(self, size: int) -> None:
        """Open the unfinished file of an earlier run, and truncate it to `size` bytes."""
        self.is_resumable = self._is_created = True
        with write_errors(self.name):
            descriptor = os.open(self.path, os.O_WRONLY | NO_FOLLOW)
            self._raw = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`
            self._raw.truncate(size)
            self._raw.seek(0, os.SEEK_END)

    def sync(self) -> None:
        """Flush the bytes and the file's name to the disk."""
        with write_errors(self.name):
            os.fsync(self.fileno())
            sync_folder(self.path.parent)

    def publish(self, target: Path) -> None:
        """Flush the file to the disk and rename it."""
        with write_errors(str(target)):
            raw = self._raw or self._create()
            os.fsync(raw)
            raw.close()
            self.path.replace(target)
            sync_folder(target.parent)
        self.published = target
        self.is_resumable = False

    def close(self) -> None:
        """Close the file, and delete it unless it is resumable or published."""
        if self._raw is not None:
            self._raw.close()
        if self._is_created and not self.is_resumable:
            self._remove_checkpoint()
            remove(self.path)

    def _remove_checkpoint(self) -> None:
        remove(self.checkpoint_path)
        remove(self.checkpoint_path.with_name(f"{self.checkpoint_path.name}.new"))

    def _create(self) -> io.FileIO:
        """Create an empty file that no other process has open."""
        self._remove_checkpoint()  # first: a checkpoint without its file does no harm
        remove(self.path)
        mode = 0o666 if self._old_stat is None else 0o600  # the mode is set below
        self._is_created = True  # before the file exists: a signal can come right after
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except PermissionError as error:
            raise folder_error(self.name, self.final_path.parent) from error
        self._raw = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`
        if self._old_stat is not None:
            _copy_owner_and_mode(self.path, self._old_stat)
        return self._raw


NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # never a symlink; Windows has no such flag


@contextmanager
def open_atomic_file(path: str, *, keep_incomplete: bool = False) -> Iterator[UnfinishedFile]:
    """Write a file that replaces the old one, with its mode, if the block ends without an error.

    A symlink's target is replaced. After `RowsMissing` the rows are saved as `NAME.incomplete`, or
    under the file's name with `keep_incomplete`. After any other exception only a resumable file
    stays. The old file is unchanged, except with `keep_incomplete`. Raises `OutputBusy` if another
    run writes the file.
    """
    file = UnfinishedFile(path)
    with lock_file(file.final_path, path):
        try:
            yield file
            file.publish(file.final_path)
        except RowsMissing:
            incomplete = file.final_path.with_name(f"{file.final_path.name}.incomplete")
            if file.is_open:
                file.publish(file.final_path if keep_incomplete else incomplete)
            raise
        finally:
            file.close()


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


def _stat_old_file(path: str, target: Path) -> os.stat_result | None:
    """Return the `stat` of the file to replace. Raises `CannotWrite` if it is write-protected."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return None
    if not os.access(target, os.W_OK):
        hint = f"Allow it with chmod u+w '{target}', or write another file."
        raise CannotWrite(f"{path} can't be written: it is write-protected.", hint=hint)
    return old


def _copy_owner_and_mode(path: Path, old: os.stat_result) -> None:
    """Give a file the owner and the mode of the old one, as far as the system allows."""
    with suppress(OSError, AttributeError):  # only root can give files away; Windows has no chown
        os.chown(path, old.st_uid, old.st_gid)
    with suppress(OSError):
        path.chmod(stat.S_IMODE(old.st_mode))


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
