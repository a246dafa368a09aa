"""The user's folders for the configuration and the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from platformdirs import PlatformDirs

DIRECTORIES = PlatformDirs("comagic", appauthor=False)


def user_directory(kind: Literal["config", "cache"]) -> Path | None:
    """Return the folder below XDG_CONFIG_HOME or XDG_CACHE_HOME, or the platform's usual one.

    `None` if the user has no home directory, as in some containers.
    """
    try:
        path = DIRECTORIES.user_config_path if kind == "config" else DIRECTORIES.user_cache_path
    except RuntimeError:
        return None
    return path if path.is_absolute() else None
