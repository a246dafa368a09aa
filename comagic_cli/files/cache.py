"""What is remembered between runs: small texts in the cache directory, one file each."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

if sys.platform == "win32":  # pragma: no cover - tried on Linux and macOS only

    def _lock(descriptor: int) -> None:
        """Do without: each run logs in for itself there."""
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


DAY = 86_400.0


@dataclass(frozen=True)
class Memory:
    """Keep texts under names, in files that only their owner can read.

    Forgetting is never an error: what can't be read or written is simply not remembered.
    """

    directory: Path

    def recall(self, name: str, most_age: float = DAY) -> str | None:
        """Return the text kept under a name; `None` where it is older than `most_age` seconds."""
        path = self.directory / name
        try:
            if time.time() - path.stat().st_mtime > most_age:
                return None
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def keep(self, name: str, text: str) -> None:
        """Keep a text under a name; other runs see it whole or not at all."""
        with suppress(OSError):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, part = tempfile.mkstemp(dir=self.directory)  # made with mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(text.encode(errors="replace"))
                Path(part).replace(self.directory / name)
            except OSError:
                Path(part).unlink()

    def forget(self, name: str) -> None:
        """Forget the text kept under a name."""
        with suppress(OSError):
            (self.directory / name).unlink()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Let one run in at a time; the others wait. Where no lock can be had, all go in.

        `NAME.lock` stays: who removed it would let in two at once.
        """
        descriptor = None
        with suppress(OSError):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            _lock(descriptor)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)


def memory_of(environment: Mapping[str, str]) -> Memory | None:
    """Find the memory: below XDG_CACHE_HOME, else ~/.cache; `None` where there is no home."""
    named = Path(environment.get("XDG_CACHE_HOME") or ".")
    if named.is_absolute():  # the XDG specification ignores others
        return Memory(named / "comagic")
    try:
        home = Path(environment.get("HOME") or "~").expanduser()
    except RuntimeError:  # the user of a container may have no home
        return None
    return Memory(home / ".cache" / "comagic")


def name_of(kind: str, *parts: object) -> str:
    """Make a name of what it is about; the parts, a key among them, can't be read from it."""
    text = "\0".join(map(str, parts))
    return f"{kind}-{sha256(text.encode()).hexdigest()[:32]}"
