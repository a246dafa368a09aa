"""Stores: places where files have names. A folder is one; see `object_store` for buckets.

A file is written locally under a hidden name, and gets its name when it is complete: no reader sees
half a file.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from comagic_cli.errors import CannotWrite, RowsMissing
from comagic_cli.files.atomic_file import open_folder, remove, resolve_target, sync_folder
from comagic_cli.files.lock import folder_error, hidden_path, lock_file
from comagic_cli.files.stream import write_errors

INCOMPLETE = ".incomplete"
"""What the name of a file whose rows are missing ends with."""


class Store(Protocol):
    """A place where files have names: a folder, or a bucket.

    A name is relative, with slashes. All methods raise `CannotWrite`; those of a bucket raise
    `NetworkFailure`, too.
    """

    def title(self, name: str) -> str:
        """Return what messages call a file: its path or URL, as typed."""

    def open(self, *, create: bool = False) -> AbstractContextManager[None]:
        """Open the store to write; what it needs for that is deleted at the end.

        With `create`, the folder is created, and deleted again if nothing is in it at the end.
        """

    def unfinished(
        self, name: str, suffix: str = "part", *, create: bool = False
    ) -> UnfinishedFile:
        """Return a file to write, which `UnfinishedFile.publish` gives its name.

        With `create`, the folder of the name is created.
        """

    def publish(self, spool: Path, name: str) -> str:
        """Move a complete local file to a name, whole or not at all; return its full name.

        It replaces what has that name. The spool must be where `unfinished` has it.
        """

    def existing(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that files have; a bucket is listed once for all."""

    def has(self, pattern: str) -> bool:
        """Return whether any file's name matches a pattern of `glob`."""

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a small file; `None` if there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Replace a small file, whole or not at all."""

    def remove(self, name: str) -> None:
        """Remove a file if it exists and can be removed."""

    def fetch(self, name: str) -> Path | None:
        """Return a local file with the bytes of a file, until the store is closed."""

    def lock(self, name: str, title: str = "") -> AbstractContextManager[None]:
        """Lock a name, which no file need have; errors call it `title` (default: its own).

        Raises `OutputBusy` if another run has the lock.
        """


FindStore: TypeAlias = Callable[[str], tuple[Store, str]]
"""Return the store of an output, and its name there."""


class UnfinishedFile:
    """An unfinished file, `.NAME.part` beside `path`, created when the first byte is written.

    Until then an unfinished file of an earlier run stays. `close` does not delete a file that
    `is_resumable`; `checkpoint_path` is where its checkpoint is. `published` is the full name of
    the finished file. `old` is the file whose owner and mode it gets.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        path: Path,
        *,
        title: str = "",
        suffix: str = "part",
        old: os.stat_result | None = None,
    ) -> None:
        self.name = title or store.title(name)
        self.path = hidden_path(path, suffix)
        self.checkpoint_path = hidden_path(path, "checkpoint")
        self.is_resumable = False
        self.published: str | None = None
        self._store = store
        self._file_name = name
        self._old = old
        self._raw: io.FileIO | None = None
        self._is_created = False

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._raw is not None

    def lock(self) -> AbstractContextManager[None]:
        """Lock the file's name. Raises `OutputBusy`."""
        return self._store.lock(self._file_name, self.name)

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

    def publish(self, *, incomplete: bool = False) -> None:
        """Give the file its name, or `NAME.incomplete`."""
        name = f"{self._file_name}{INCOMPLETE * incomplete}"
        with write_errors(self._store.title(name)):
            (self._raw or self._create()).close()
            self.published = self._store.publish(self.path, name)
        self.is_resumable = False

    def remove_incomplete(self) -> None:
        """Remove `NAME.incomplete` of an earlier run."""
        self._store.remove(f"{self._file_name}{INCOMPLETE}")

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
        mode = 0o666 if self._old is None else 0o600  # the mode is set below
        self._is_created = True  # before the file exists: a signal can come right after
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except PermissionError as error:
            raise folder_error(self.name, self.path.parent) from error
        self._raw = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`
        if self._old is not None:
            _copy_owner_and_mode(self.path, self._old)
        return self._raw


NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # never a symlink; Windows has no such flag


@dataclass(frozen=True)
class LocalStore:
    """A folder; `folder` is its path as typed, with the slash at its end, "" for the current one.

    Files are renamed, and flushed to the disk before. The system releases a lock when its process
    ends.
    """

    folder: str = ""

    def title(self, name: str) -> str:
        """Return the path of a file, as typed."""
        return f"{self.folder}{name}"

    def open(self, *, create: bool = False) -> AbstractContextManager[None]:
        """Open the folder; with `create` it need not exist."""
        return open_folder(self._path("")) if create else nullcontext()

    def unfinished(
        self, name: str, suffix: str = "part", *, create: bool = False
    ) -> UnfinishedFile:
        """Return a file to write. A symlink's target is replaced."""
        title = self.title(name)
        with write_errors(title):
            if create:
                self._path(name).parent.mkdir(parents=True, exist_ok=True)
            path = resolve_target(title)
            old = _stat_old_file(title, path)
        store = LocalStore(str(path.with_name("_"))[:-1])
        return UnfinishedFile(store, path.name, path, title=title, suffix=suffix, old=old)

    def publish(self, spool: Path, name: str) -> str:
        """Flush a file to the disk and rename it. It must be on the same disk."""
        path = self._path(name)
        with write_errors(self.title(name)):
            descriptor = os.open(spool, os.O_WRONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            spool.replace(path)
            sync_folder(path.parent)
        return str(path)

    def existing(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that files have."""
        return {name for name in names if self._exists(name)}

    def has(self, pattern: str) -> bool:
        """Return whether any file's name matches a pattern."""
        return any(self._path("").glob(pattern))

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a small file; `None` if there is none."""
        with write_errors(self.title(name)):
            try:
                return self._path(name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Replace a small file, whole or not at all."""
        with open_atomic_file(self, name) as file, write_errors(file.name):
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) or 0 :]

    def remove(self, name: str) -> None:
        """Remove a file if it exists and can be removed."""
        remove(self._path(name))

    def fetch(self, name: str) -> Path | None:
        """Return the path of a file, if there is one."""
        path = self._path(name)
        return path if path.exists() else None

    def lock(self, name: str, title: str = "") -> AbstractContextManager[None]:
        """Lock a name in the folder, which must exist."""
        return lock_file(self._path(name), title or self.title(name))

    def _path(self, name: str) -> Path:
        return Path(self.title(name))

    def _exists(self, name: str) -> bool:
        path = self._path(name)
        with write_errors(str(path)):
            try:
                mode = path.stat().st_mode
            except (FileNotFoundError, NotADirectoryError):
                return False
        if stat.S_ISDIR(mode):
            raise CannotWrite(f"{path} is a folder.", hint="A file of that name is to be written.")
        return True


def find_folder(target: str) -> tuple[Store, str]:
    """Return the folder of a local file as a store, and the file's name there."""
    folder, slash, name = target.rpartition("/")
    return LocalStore(f"{folder}{slash}"), name


@contextmanager
def open_atomic_file(
    store: Store, name: str, *, keep_incomplete: bool = False
) -> Iterator[UnfinishedFile]:
    """Write a file that replaces the old one, with its mode, if the block ends without an error.

    After `RowsMissing` the rows are saved as `NAME.incomplete`, or under the file's name with
    `keep_incomplete`. After any other exception only a resumable file stays. The old file is
    unchanged, except with `keep_incomplete`. Raises `OutputBusy` if another run writes the file.
    """
    with store.open():
        file = store.unfinished(name)
        with file.lock():
            try:
                yield file
                file.publish()
            except RowsMissing:
                if file.is_open:
                    file.publish(incomplete=not keep_incomplete)
                raise
            finally:
                file.close()


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
