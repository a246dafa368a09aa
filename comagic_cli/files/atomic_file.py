"""Atomic files: written beside their name, then moved over it, whole or not at all."""

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


class Part:
    """An unfinished file: `.NAME.part` beside its name, created with the first byte.

    Until then the part of an earlier run stays. A `kept` part stays after an error, for another run
    to continue; `checkpoint` is the path of what that run needs. `published` is the finished file.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self.real = Path(os.path.realpath(path))
        self.place = hidden_path(self.real, "part")
        self.checkpoint = hidden_path(self.real, "checkpoint")
        self.kept = False
        self.published: Path | None = None
        self._raw: io.FileIO | None = None
        self._begun = False
        with write_errors(path):
            self._old = _old(path, self.real)

    @property
    def begun(self) -> bool:
        """Whether the file is open."""
        return self._raw is not None

    def write(self, data: memoryview, /) -> int | None:
        """Write some of the bytes and return how many."""
        return (self._raw or self._made()).write(data)

    def fileno(self) -> int:
        """Return the descriptor."""
        return (self._raw or self._made()).fileno()

    def go_on(self, size: int) -> None:
        """Open the part of an earlier run, and truncate it to the bytes that are safe."""
        self.kept = self._begun = True
        with write_errors(self.name):
            descriptor = os.open(self.place, os.O_WRONLY | NOT_ELSEWHERE)
            self._raw = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`
            self._raw.truncate(size)
            self._raw.seek(0, os.SEEK_END)

    def sync(self) -> None:
        """Flush what was written, and the name of the file, to the disk."""
        with write_errors(self.name):
            os.fsync(self.fileno())
            sync_folder(self.place.parent)

    def publish(self, real: Path) -> None:
        """Flush it to the disk and move it over a file."""
        with write_errors(str(real)):
            raw = self._raw or self._made()
            os.fsync(raw)
            raw.close()
            self.place.replace(real)
            sync_folder(real.parent)
        self.published = real
        self.kept = False

    def close(self) -> None:
        """Close it, and remove it unless it is kept or published."""
        if self._raw is not None:
            self._raw.close()
        if self._begun and not self.kept:
            self._remove_checkpoint()
            remove(self.place)

    def _remove_checkpoint(self) -> None:
        remove(self.checkpoint)
        remove(self.checkpoint.with_name(f"{self.checkpoint.name}.new"))

    def _made(self) -> io.FileIO:
        """Create an empty file that nobody else can have open."""
        self._remove_checkpoint()  # first: a checkpoint without its part does no harm
        remove(self.place)
        mode = 0o666 if self._old is None else 0o600  # the mode comes below
        self._begun = True  # before the file exists: a signal can come right after
        try:
            descriptor = os.open(self.place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except PermissionError as error:
            raise folder_error(self.name, self.real.parent) from error
        self._raw = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`
        if self._old is not None:
            _resemble(self.place, self._old)
        return self._raw


NOT_ELSEWHERE = getattr(os, "O_NOFOLLOW", 0)  # a part is never a symlink; Windows has no such flag


@contextmanager
def whole_file(path: str, *, keep_incomplete: bool = False) -> Iterator[Part]:
    """Write a file that gets its name, and the old file's mode, when the block ends without error.

    A symlink's target is replaced. After `RowsMissing` the rows are left as `NAME.incomplete`, or
    under its name with `keep_incomplete`. After any other exception only a `kept` part is left. The
    old file stays as it was, except with `keep_incomplete`. Raises `OutputBusy` where another run
    writes the file.
    """
    part = Part(path)
    with lock_file(part.real, path):
        try:
            yield part
            part.publish(part.real)
        except RowsMissing:
            incomplete = part.real.with_name(f"{part.real.name}.incomplete")
            if part.begun:
                part.publish(part.real if keep_incomplete else incomplete)
            raise
        finally:
            part.close()


def write_private(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Replace a small file, whole or not at all; only its owner can read it (mode 0600).

    A symlink stays one, and its target is replaced. `temporary` is the file to write first, where
    a lock keeps other runs away: what a killed run left of it is replaced. Raises `OSError`; the
    old file stays then.
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


def remove(path: Path) -> None:
    """Remove a file where it exists and can be removed."""
    with suppress(OSError):
        path.unlink()


def check_name(path: str) -> None:
    """Raise `CannotWrite` for the path of a folder, or an empty one."""
    if not path:
        raise CannotWrite("The name of the file to write is empty.", hint="Say it: -o calls.csv")
    if path.endswith(os.sep) or Path(path).is_dir():
        raise CannotWrite(f"{path} is a folder.", hint="Name a file in it.")


def _old(path: str, real: Path) -> os.stat_result | None:
    """Return the file that will be replaced. Raises `CannotWrite` where it can't be."""
    check_name(path)
    if not real.parent.is_dir():
        hint = f"Make it first: mkdir -p '{real.parent}'"
        raise CannotWrite(f"{path} can't be written: there's no folder {real.parent}.", hint=hint)
    try:
        old = real.stat()
    except FileNotFoundError:
        return None
    if not os.access(real, os.W_OK):
        hint = f"Allow it with chmod u+w '{real}', or write another file."
        raise CannotWrite(f"{path} can't be written: it is write-protected.", hint=hint)
    return old


def _resemble(part: Path, old: os.stat_result) -> None:
    """Give the part the owner and the mode of the old file where the system allows it."""
    with suppress(OSError, AttributeError):  # only root can give files away; Windows has no chown
        os.chown(part, old.st_uid, old.st_gid)
    with suppress(OSError):
        part.chmod(stat.S_IMODE(old.st_mode))


def sync_folder(folder: Path) -> None:
    """Flush a move to the disk where the folder can be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # it can't be read, or the system can't open folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
