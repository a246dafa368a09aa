"""A collection of files that come one by one: each is there whole, or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Lock

from comagic_cli.errors import CannotWrite
from comagic_cli.files.atomic_file import remove, sync_folder
from comagic_cli.files.object_store import ObjectStore
from comagic_cli.files.store import FindStore, find_folder
from comagic_cli.files.stream import write_errors

UNFINISHED = ".comagic-unfinished"  # the folder of what is not whole yet
AT_ONCE = 1 << 18  # bytes
HEAD = 64  # bytes


class PartFile:
    """A file that is not whole yet. It is used by one thread; errors call it `name`."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.size = 0
        self._digest = hashlib.sha256()
        with write_errors(name):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self._raw: io.FileIO = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`

    @property
    def sha256(self) -> str:
        """Return the hash of the bytes, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Append bytes. Raises `CannotWrite`."""
        rest = memoryview(data)
        with write_errors(self.name):
            while rest:
                rest = rest[self._raw.write(rest) :]
        self._digest.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Delete the bytes. Raises `CannotWrite`."""
        if not self.size:
            return
        with write_errors(self.name):
            self._raw.seek(0)
            self._raw.truncate()
        self._digest, self.size = hashlib.sha256(), 0

    def sync(self) -> None:
        """Flush the bytes to the disk. Raises `CannotWrite`."""
        with write_errors(self.name):
            os.fsync(self._raw)

    def close(self) -> None:
        """Close the file and delete it, unless it is renamed."""
        self._raw.close()
        remove(self.path)


class Collection:
    """Files in folders below one folder, from several threads; a name is a path as typed.

    `close` lets no more of them appear.
    """

    def __init__(self, folder: Path) -> None:
        self._unfinished = folder / UNFINISHED
        self._numbers = count()
        self._changed = set[Path]()  # folders with new names that may not be on the disk yet
        self._is_open = True
        self._lock = Lock()

    def find(self, name: str) -> int | None:
        """Return the size of a file; `None` if it is not there. Raises `CannotWrite`."""
        path = Path(name)
        with write_errors(name):
            if path.is_dir():
                raise CannotWrite(f"{path} is a folder.", hint="A file is to have that name.")
            try:
                return path.stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None

    def inspect(self, name: str) -> tuple[bytes, str]:
        """Return the first bytes of a file, and the hash of all."""
        digest, head = hashlib.sha256(), b""
        with write_errors(name), Path(name).open("rb") as file:
            while data := file.read(AT_ONCE):
                head = head or data[:HEAD]
                digest.update(data)
        return head, digest.hexdigest()

    def begin(self, name: str) -> PartFile:
        """Begin the file that gets a name in the end."""
        with self._lock:
            if not self._is_open:
                raise CannotWrite(f"{name} can't be written: the run has ended.")
            path = self._unfinished / f"{next(self._numbers)}.part"
            return PartFile(path, self._title_part(name))

    def publish(self, part: PartFile, name: str) -> bool:
        """Give a whole file its name; do nothing and return false once the collection is closed."""
        path = Path(name)
        part.sync()
        with self._lock, write_errors(name):
            if not self._is_open:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            part.path.replace(path)
            self._changed.add(path.parent)
        return True

    def settle(self) -> None:
        """Flush the names of the files to the disk: for many at once that is faster."""
        with self._lock:
            changed, self._changed = self._changed, set()
        for folder in changed:
            with write_errors(str(folder)):
                sync_folder(folder)

    def open(self) -> None:
        """Make the folder of unfinished files, without those of a killed run."""
        with write_errors(str(self._unfinished)):
            self._unfinished.mkdir(exist_ok=True)
        self._empty()

    def close(self) -> None:
        """Delete what is unfinished."""
        with self._lock:
            self._is_open = False
            self._empty()
            with suppress(OSError):
                self._unfinished.rmdir()

    def _title_part(self, name: str) -> str:
        """Return what errors call a file that is not whole yet."""
        return name

    def _empty(self) -> None:
        for path in self._unfinished.glob("*.part"):
            remove(path)


class BucketCollection(Collection):
    """Files in a bucket below a folder, a URL with the slash at its end; names are URLs.

    Each is written in the folder for temporary files, and put whole, by several threads at once. A
    put that has begun when the collection is closed may still end: what it puts is whole.
    """

    def __init__(self, store: ObjectStore, folder: str) -> None:
        super().__init__(store.spool_folder())
        self._store = store
        self._folder = folder
        self._sizes = dict[str, dict[str, int]]()  # by folder, each listed when it is first needed

    def find(self, name: str) -> int | None:
        """Return the size that an object had when its folder was listed; `None` if there is none.

        It is called by one thread. Raises `CannotWrite`, `NetworkFailure`.
        """
        folder, slash, file = self._below(name).rpartition("/")
        if folder not in self._sizes:
            self._sizes[folder] = self._store.sizes(f"{folder}{slash}")
        return self._sizes[folder].get(file)

    def inspect(self, name: str) -> tuple[bytes, str]:
        """Return the first bytes of an object, and the hash of all; it is read for that."""
        copy = self._store.fetch(self._below(name))
        if copy is None:  # it was deleted meanwhile
            return b"", ""
        try:
            return super().inspect(str(copy))
        finally:
            remove(copy)

    def publish(self, part: PartFile, name: str) -> bool:
        """Put a whole file; do nothing and return false once the collection is closed."""
        with self._lock:
            if not self._is_open:
                return False
        self._store.publish(part.path, self._below(name))
        return True

    def _title_part(self, name: str) -> str:
        return f"The temporary file of {name} in {self._unfinished.parent.parent}"

    def _below(self, name: str) -> str:
        return name.removeprefix(self._folder)


@contextmanager
def open_collection(folder: str, find_store: FindStore = find_folder) -> Iterator[Collection]:
    """Open a collection, which no other run writes at the same time.

    `folder` is a path or a URL with the slash at its end, "" for the current folder. It is created
    if it is missing. Raises `CannotWrite`, `OutputBusy`, of a bucket also `NetworkFailure`.
    """
    store, _ = find_store(folder)
    with store.open(create=True), store.lock("recordings", folder.rstrip("/") or folder or "."):
        collection = (
            BucketCollection(store, folder)
            if isinstance(store, ObjectStore)
            else Collection(Path(folder))
        )
        try:
            collection.open()
            yield collection
        finally:
            collection.close()
