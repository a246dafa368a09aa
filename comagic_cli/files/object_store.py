"""The store in a bucket: files are written locally, and put there whole.

A lock is an object that its holder renews: where one is not renewed, its run was killed. It needs
puts that depend on what is there; correct files do not rest on it, since each is put whole.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from secrets import token_hex
from socket import gethostname
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

from comagic_cli.errors import CannotWrite, ComagicError, OutputBusy
from comagic_cli.files.atomic_file import remove
from comagic_cli.files.cloud import PAUSES, Bucket, Unconditional, Version
from comagic_cli.files.lock import hidden_path, lock_file
from comagic_cli.files.store import INCOMPLETE, UnfinishedFile
from comagic_cli.files.stream import write_errors

LEASE = 20.0  # seconds that a lock is believed without being renewed
RENEWAL = 5.0  # seconds between renewals
SPOOL = "comagic-spool-"  # what the names of temporary folders begin with
RELEASE = 2.0  # seconds that are waited for a bucket at the end
NEW = 60.0  # seconds; a younger temporary folder may not be locked yet
NO_LOCKS = "This storage can't lock: don't let two runs write the same files at once."
WAITING = "Another run wrote {} or was killed: waiting {:.0f} s to see if it is alive."


class ObjectStore:
    """A folder in a bucket; `folder` is its key with the slash at its end, "" for the bucket.

    `tell` is told what a person should know, `note` each repetition.
    """

    def __init__(
        self,
        bucket: Bucket,
        folder: str,
        tell: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> None:
        self._bucket = bucket
        self._folder = folder
        self._tell = tell
        self._sleep = sleep
        self._spool: Path | None = None
        self._published = set[str]()
        self._incomplete: set[str] | None = None  # the names that were listed, once they were
        self._lease: Lease | None = None

    def title(self, name: str) -> str:
        """Return the URL of a file."""
        return f"{self._bucket.url}/{self._folder}{name}"

    @contextmanager
    def open(self, *, create: bool = False) -> Iterator[None]:  # noqa: ARG002 - a bucket has no folders
        """Open the store; the temporary folder for unfinished files is deleted at the end."""
        if self._spool is not None:
            yield
            return
        with write_errors(f"The folder for temporary files {tempfile.gettempdir()}"):
            self._spool = Path(tempfile.mkdtemp(prefix=SPOOL))
        _delete_old_spools(self._spool)
        try:
            with lock_file(self._spool / "spool"):
                yield
        finally:
            shutil.rmtree(self._spool, ignore_errors=True)
            self._spool = None

    def unfinished(
        self,
        name: str,
        suffix: str = "part",
        *,
        create: bool = False,  # noqa: ARG002 - a bucket has no folders
    ) -> UnfinishedFile:
        """Return a file to write, in the temporary folder."""
        if not name or name.endswith("/"):
            raise CannotWrite(f"{self.title(name)} is a folder.", hint="Add a file name.")
        folder = self.spool_folder()
        title = f"The temporary file of {self.title(name)} in {folder.parent}"
        path = folder / quote(name, safe="")
        return UnfinishedFile(self, name, path, title=title, suffix=suffix)

    def publish(self, spool: Path, name: str) -> str:
        """Put a file whole; it replaces what is there. Raises `OutputBusy` without the lock."""
        if self._lease is not None:
            self._lease.check()
        self._bucket.put_file(self._key(name), spool)
        remove(spool)
        self._published.add(name)
        return self.title(name)

    def existing(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that files have."""
        wanted = set(names)
        found = set(self._names(below=any("/" in name for name in wanted))) if wanted else set()
        self._incomplete = {name for name in found if name.endswith(INCOMPLETE)}
        return found & wanted

    def sizes(self, below: str) -> dict[str, int]:
        """Return the sizes of the files in one folder, "" or with a slash at its end, by name."""
        folder = self._key(below)
        found = self._bucket.list(folder, below=False)
        return {key.removeprefix(folder): size for key, size in found}

    def has(self, pattern: str) -> bool:
        """Return whether any file's name matches a pattern."""

        def matches(name: str) -> bool:
            return PurePosixPath(f"/{name}").match(f"/{pattern}")

        names = self._names(below="/" in pattern)
        return any(map(matches, self._published)) or any(map(matches, names))

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a small file; `None` if there is none."""
        found = self._bucket.get(self._key(name))
        return found[0] if found else None

    def write(self, name: str, data: bytes) -> None:
        """Replace a small file, whole or not at all."""
        self._bucket.put(self._key(name), data)

    def remove(self, name: str) -> None:
        """Remove a file if it exists and can be removed."""
        if name.endswith(INCOMPLETE) and name not in (self._incomplete or ()):
            return  # a listing did not show it
        with suppress(ComagicError):
            self._bucket.delete(self._key(name))

    def fetch(self, name: str) -> Path | None:
        """Return a local copy of a file, until the store is closed."""
        path = hidden_path(self.spool_folder() / quote(name, safe=""), "copy")
        return path if self._bucket.get_file(self._key(name), path) else None

    def spool_folder(self) -> Path:
        """Return the folder for temporary files of the open store."""
        if self._spool is None:
            raise AssertionError("the store is not open")
        return self._spool

    @contextmanager
    def lock(self, name: str, title: str = "") -> Iterator[None]:
        """Lock a name where the storage can; else tell that it can't."""
        base = PurePosixPath(name)
        key = self._key(str(base.with_name(f".{base.name}.lock")))
        lease = Lease(self._bucket, key, title or self.title(name))
        if not lease.acquire(self._tell, self._sleep):
            self._tell(NO_LOCKS)
            yield
            return
        self._lease = lease
        try:
            with lease.renewed():
                yield
        finally:
            self._lease = None
            lease.release()

    def _key(self, name: str) -> str:
        return f"{self._folder}{name}"

    def _names(self, *, below: bool) -> Iterator[str]:
        found = self._bucket.list(self._folder, below=below)
        return (key.removeprefix(self._folder) for key, _ in found)


class Lease:
    """A lock on an object, of which others see that it is renewed; `title` is what is locked."""

    def __init__(self, bucket: Bucket, key: str, title: str) -> None:
        self._bucket = bucket
        self._key = key
        self._title = title
        self._run = token_hex(8)
        self._renewals = 0
        self._version: Version | None = None
        self._is_lost = False

    def acquire(self, tell: Callable[[str], None], sleep: Callable[[float], None]) -> bool:
        """Acquire the lock; return false if the storage has none. Raises `OutputBusy`.

        A lock that is held is watched for the time of a lease: its run may have been killed.
        """
        try:
            self._version = self._put(is_new=True)
            if self._version is not None:
                if self._put(is_new=True) is None:
                    return True
                self._bucket.delete(self._key)  # puts don't depend on what is there
                return False
        except Unconditional:
            return False
        holder, version = self._read()
        if holder.get("run") == self._run:  # the answer to the first request was lost
            self._version = version
            return True
        if version is not None and not holder.get("is_free"):
            tell(WAITING.format(self._title, LEASE))
            sleep(LEASE)
            _, later = self._read()
            if later is not None and later != version:
                raise self._busy(holder)
            version = later
        self._version = self._put(version=version, is_new=version is None)
        if self._version is None:
            holder, self._version = self._read()
            if holder.get("run") != self._run:
                raise self._busy(holder)
        return True

    def check(self) -> None:
        """Raise `OutputBusy` if another run has taken the lock, as this one did not renew it."""
        if self._is_lost:
            raise self._busy(self._read()[0])

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lock from time to time until the block ends."""
        end = Event()

        def renew() -> None:
            while not self._is_lost and not end.wait(RENEWAL):
                with suppress(ComagicError):  # the network; the next renewal may succeed
                    self._renew()

        thread = Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join(RELEASE)

    def release(self) -> None:
        """Delete the lock, or mark it as free where nothing may be deleted; never raises."""
        if self._is_lost:
            return
        self._bucket.patience = RELEASE  # a lock that stays is not believed for long
        try:
            self._bucket.delete(self._key, pauses=())
        except ComagicError:
            with suppress(ComagicError):
                self._put(version=self._version, is_free=True, pauses=())

    def _renew(self) -> None:
        self._renewals += 1
        version = self._put(version=self._version, pauses=())
        if version is None:
            holder, found = self._read()
            self._is_lost = holder.get("run") != self._run
            version = found
        self._version = version

    def _put(
        self,
        *,
        version: Version | None = None,
        is_new: bool = False,
        is_free: bool = False,
        pauses: tuple[float, ...] = PAUSES,
    ) -> Version | None:
        text = {
            "run": self._run,
            "host": gethostname(),
            "process": os.getpid(),
            "renewals": self._renewals,
            "is_free": is_free,
        }
        data = json.dumps(text).encode()
        return self._bucket.put(self._key, data, version=version, is_new=is_new, pauses=pauses)

    def _read(self) -> tuple[dict[str, Any], Version | None]:
        """Return what the holder wrote, and its version; nothing if there is no lock."""
        found = self._bucket.get(self._key)
        if found is None:
            return {}, None
        with suppress(ValueError):
            return dict(json.loads(found[0])), found[1]
        return {}, found[1]

    def _busy(self, holder: dict[str, Any]) -> OutputBusy:
        process = f" (process {holder['process']} on {holder['host']})" if "host" in holder else ""
        return OutputBusy(
            f"{self._title} is being written by another run{process}.",
            hint="Wait until it has ended, or write to another file.",
        )


def _delete_old_spools(own: Path) -> None:
    """Delete the temporary folders that killed runs left: they hold rows."""
    with suppress(OSError):
        born = own.stat().st_mtime
        for folder in own.parent.glob(f"{SPOOL}*"):
            if folder != own and folder.stat().st_mtime < born - NEW:
                with suppress(ComagicError), lock_file(folder / "spool"):
                    shutil.rmtree(folder, ignore_errors=True)
