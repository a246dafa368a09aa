"""The cache: small texts that are saved between runs, one file each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from comagic_cli.files.atomic_file import remove, write_private
from comagic_cli.files.directories import user_directory
from comagic_cli.files.lock import wait_for_lock

DAY = 86_400.0  # seconds
NAMES_AGE = 90 * DAY


@dataclass(frozen=True)
class Cache:
    """Texts by name, in files that only their owner can read.

    A cache that can't be read or written is empty; this is never an error.
    """

    directory: Path

    def get(self, name: str, max_age: float = DAY) -> str | None:
        """Return a text; `None` if it is not there or older than `max_age` seconds."""
        path = self.directory / name
        try:
            if time.time() - path.stat().st_mtime > max_age:
                return None
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def set(self, name: str, text: str) -> None:
        """Save a text atomically."""
        with suppress(OSError):
            self._make_directory()
            write_private(self.directory / name, text.encode(errors="replace"))

    def delete(self, name: str) -> None:
        """Delete a text."""
        remove(self.directory / name)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Lock a name; other runs wait. Continue without a lock if none can be acquired."""
        with suppress(OSError):
            self._make_directory()
        with wait_for_lock(self.directory / f"{name}.lock"):
            yield

    def _make_directory(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def save_names(cache: Cache, kind: str, profile: str, names: Mapping[str, str]) -> None:
    """Save names, each with what it means, for the profile of an account (`""` for none).

    Unlike what else is cached they can be found without the account's token.
    """
    cache.set(cache_key(f"names-{kind}", profile), json.dumps(names))


def saved_names(cache: Cache | None, kind: str, profile: str) -> dict[str, str]:
    """Return saved names, each with what it means."""
    text = cache.get(cache_key(f"names-{kind}", profile), NAMES_AGE) if cache else None
    try:
        names = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(name): str(meaning) for name, meaning in dict(names).items()}


def default_cache() -> Cache | None:
    """Return the user's cache; `None` if there is no home directory."""
    directory = user_directory("cache")
    return Cache(directory) if directory else None


def cache_key(kind: str, *parts: object) -> str:
    """Return a name made of a hash of `parts`, which can be secrets."""
    text = "\0".join(map(str, parts))
    return f"{kind}-{sha256(text.encode()).hexdigest()[:32]}"
