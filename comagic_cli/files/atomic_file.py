"""A file that appears whole or not at all: written beside its name, then moved over it."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from comagic_cli.errors import CannotWrite, RowsMissing
from comagic_cli.files.lock import beside, held, no_new_files
from comagic_cli.files.stream import naming


class Part:
    """A file in the making: `.NAME.part` beside its name, made when its first byte comes.

    What an earlier run left there stays until then. `kept` says that this one stays whatever
    comes, to be gone on with by another run; `checkpoint` is where the means for that are.
    `published` is the file that it became.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self.real = Path(os.path.realpath(path))
        self.place = beside(self.real, "part")
        self.checkpoint = beside(self.real, "checkpoint")
        self.kept = False
        self.published: Path | None = None
        self._raw: io.FileIO | None = None
        self._begun = False
        with naming(path):
            self._old = _old(path, self.real)

    @property
    def begun(self) -> bool:
        """Tell whether there is a file."""
        return self._raw is not None

    def write(self, data: memoryview, /) -> int | None:
        """Write some of the bytes and return how many."""
        return (self._raw or self._made()).write(data)

    def fileno(self) -> int:
        """Return the descriptor."""
        return (self._raw or self._made()).fileno()

    def go_on(self, size: int) -> None:
        """Open what an earlier run left, and cut it to the bytes that are known to be right."""
        self.kept = self._begun = True
        with naming(self.name):
            descriptor = os.open(self.place, os.O_WRONLY | NOT_ELSEWHERE)
            self._raw = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`
            self._raw.truncate(size)
            self._raw.seek(0, os.SEEK_END)

    def sync(self) -> None:
        """Put on the disk what was written, and the file's name."""
        with naming(self.name):
            os.fsync(self.fileno())
            sync_folder(self.place.parent)

    def publish(self, real: Path) -> None:
        """Move it over a file, once all its bytes are on the disk."""
        with naming(str(real)):
            raw = self._raw or self._made()
            os.fsync(raw)
            raw.close()
            self.place.replace(real)
            sync_folder(real.parent)
        self.published = real
        self.kept = False

    def close(self) -> None:
        """Close it, and remove it unless it is kept; published, it is there no more."""
        if self._raw is not None:
            self._raw.close()
        if self._begun and not self.kept:
            remove(self.checkpoint)
            remove(self.place)

    def _made(self) -> io.FileIO:
        """Make an empty file, which nobody else can have opened."""
        remove(self.checkpoint)  # first: without its part it is of no use, but does no harm
        remove(self.place)
        mode = 0o666 if self._old is None else 0o600  # the old one may be wider than what's written
        self._begun = True  # before there is a file: a signal can come right after
        try:
            descriptor = os.open(self.place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except PermissionError as error:
            raise no_new_files(self.name, self.real.parent) from error
        self._raw = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - see `close`
        if self._old is not None:
            _resemble(self.place, self._old)
        return self._raw


NOT_ELSEWHERE = getattr(os, "O_NOFOLLOW", 0)  # a part is no symlink; Windows has no such flag


@contextmanager
def whole_file(path: str, *, keep_incomplete: bool = False) -> Iterator[Part]:
    """Write a file that gets its name, and the old file's mode, when the block ends well.

    A symlink's target is replaced. After `RowsMissing` what there is is left as `NAME.incomplete`,
    or under its name where `keep_incomplete` says so; after any other exception nothing is, or the
    part, where that is kept. The old file stays as it was in all these. Raises `OutputBusy` where
    another run writes the file.
    """
    part = Part(path)
    with held(part.real, path):
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


def write_private(path: Path, data: bytes) -> None:
    """Replace a small file, whole or not at all; only its owner can read it (mode 0600).

    A symlink stays one, and its target is replaced. Raises `OSError`; the old file stays then.
    """
    target = Path(os.path.realpath(path))
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".")  # with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        remove(Path(temporary))
        raise
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file, where it is there and can be."""
    with suppress(OSError):
        path.unlink()


def check_name(path: str) -> None:
    """Raise `CannotWrite` where a path names a folder, or nothing."""
    if not path:
        raise CannotWrite("The name of the file to write is empty.", hint="Say it: -o calls.csv")
    if path.endswith(os.sep) or Path(path).is_dir():
        raise CannotWrite(f"{path} is a folder.", hint="Name a file in it.")


def _old(path: str, real: Path) -> os.stat_result | None:
    """Look at the file that will be replaced; raise `CannotWrite` where it can't be."""
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
    """Give the part the owner and the mode of the old file, as far as the system lets us."""
    with suppress(OSError, AttributeError):  # only root can give files away; Windows has no chown
        os.chown(part, old.st_uid, old.st_gid)
    with suppress(OSError):
        part.chmod(stat.S_IMODE(old.st_mode))


def sync_folder(folder: Path) -> None:
    """Put a move itself on the disk, where a folder can be opened for that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # it can't be read, or the system opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
