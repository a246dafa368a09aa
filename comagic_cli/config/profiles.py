"""Profiles: accounts with names, and defaults of options, in a TOML file of the user's own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comagic_cli.config.private_file import alone, read_guarded, write_guarded
from comagic_cli.errors import UsageProblem

USUAL = "default"  # the profile that is used where none is named
NAME = re.compile(r"\w[\w.@-]{0,63}")
ENTRANCES = ("token", "token-file", "token-command", "login", "password")
"""The keys of a profile that open the account; all but the second and third are secrets."""
SECRETS = frozenset({"token", "login", "password"})
SAVED_ZONE = "timezone"  # the account's, as the service told it; `tz` is the user's own choice


@dataclass(frozen=True, repr=False)
class Profile:
    """A profile as the file has it, with hyphens in all names: keys to values, and tables.

    Values may be secrets: they are in no text made of this value. Without a name it is no profile,
    and `others` names those that there are.
    """

    name: str = ""
    file: Path = Path()
    values: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"

    def place(self, *keys: str) -> str:
        """Say where a value stands."""
        return f"{self.file}: {'.'.join(('profiles', self.name, *keys))}"

    def text(self, key: str) -> str:
        """Return a text, "" where there is none. Raises `UsageProblem` for another type."""
        value = self.values.get(key, "")
        if not isinstance(value, str) or (key in self.values and not value.strip()):
            raise UsageProblem(f"{self.place(key)}: it is no text, or an empty one")
        return value

    @property
    def entrances(self) -> list[str]:
        """Name the keys that open the account."""
        return [key for key in ENTRANCES if key in self.values]


@dataclass(frozen=True, repr=False)
class Profiles:
    """All profiles of a file, which may not be there yet."""

    file: Path
    usual: str = ""
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def chosen(self, name: str | None) -> Profile:
        """Return the profile named, else the usual one, else none. Raises `UsageProblem`."""
        named = name or self.usual or (USUAL if USUAL in self.tables else "")
        if not named:
            return Profile(file=self.file, others=tuple(self.tables))
        if named not in self.tables:
            raise UsageProblem(
                f"{self.file}: there is no profile {named!r}", hint=self._near(named)
            )
        return Profile(named, self.file, _hyphened(self.tables[named], f"{self.file}: {named}"))

    def _near(self, name: str) -> str:
        if not self.tables:
            return f"Make it: comagic login {name}"
        from difflib import get_close_matches  # noqa: PLC0415 - only for this hint

        near = get_close_matches(name, self.tables) or list(self.tables)
        return f"There is {', '.join(near)}. Make a new one: comagic login {name}"


def config_file(environment: Mapping[str, str]) -> Path | None:
    """Find the file: below XDG_CONFIG_HOME, else ~/.config; `None` where there is no home."""
    named = Path(environment.get("XDG_CONFIG_HOME") or ".")
    if named.is_absolute():  # the XDG specification ignores others
        return named / "comagic" / "config.toml"
    try:
        home = Path(environment.get("HOME") or "~").expanduser()
    except RuntimeError:  # the user of a container may have no home
        return None
    return home / ".config" / "comagic" / "config.toml"


def read_profiles(file: Path | None) -> Profiles:
    """Read the profiles; none where there is no file.

    Raises `UsageProblem` for a file that others can read, that is no TOML, or of another shape.
    """
    if file is None or not _is_there(file):
        return Profiles(file or Path())
    return _profiles(file, _document(file))


def change_profiles(file: Path, name: str, table: Mapping[str, Any] | None, usual: str) -> None:
    """Put a table in the place of a profile, or remove it, and name the usual one ("": none).

    Raises `UsageProblem` where the file can't be read, `CannotWrite` where it can't be written.
    """
    from comagic_cli.config import toml  # noqa: PLC0415 - seldom changed

    with alone(file):
        text = read_guarded(file, "profiles") if _is_there(file) else ""
        document = _document(file) if text else {}
        tables = dict(_profiles(file, document).tables) | {name: table}
        tables = {each: kept for each, kept in tables.items() if kept is not None}
        wanted = {"default": usual, "profiles": tables}
        write_guarded(file, toml.updated(text, {key: wanted[key] for key in wanted if wanted[key]}))


def check_name(name: str) -> str:
    """Return the name of a profile. Raises `UsageProblem` for one that would be hard to type."""
    if not NAME.fullmatch(name):
        raise UsageProblem(
            f"{name!r} is no name for a profile", hint="Use letters, digits and . _ @ - in it."
        )
    return name


def _is_there(file: Path) -> bool:
    try:
        return os.path.lexists(file)
    except ValueError:  # pragma: no cover - a name with a null byte
        return False


def _document(file: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no file

    try:
        return tomllib.loads(read_guarded(file, "profiles"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is too deep"
        raise UsageProblem(f"{file} is no TOML: {reason}") from None


def _profiles(file: Path, document: Mapping[str, Any]) -> Profiles:
    usual, tables = document.get("default", ""), document.get("profiles", {})
    if unknown := sorted(set(document) - {"default", "profiles"}):
        raise UsageProblem(
            f"{file}: {unknown[0]!r} is not known",
            hint="On top stand default = NAME and tables [profiles.NAME].",
        )
    if not isinstance(usual, str):
        raise UsageProblem(f"{file}: default is no name of a profile")
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise UsageProblem(f"{file}: profiles are tables: [profiles.NAME]")
    return Profiles(file, usual, tables)


def _hyphened(table: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Write all keys with hyphens; who wrote one in both ways has to choose."""
    made: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if name in made:
            raise UsageProblem(f"{place}: {name} stands there twice, with a hyphen and without")
        below = f"{place}.{name}"
        made[name] = _hyphened(value, below) if isinstance(value, dict) else value
    return made
