"""Profiles: saved accounts and defaults of options, in the user's TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from comagic_cli.config.private_file import lock_file, read_private, replace_private
from comagic_cli.errors import UsageProblem
from comagic_cli.files.directories import user_directory

DEFAULT_PROFILE = "default"  # if it exists and the file names no other
NAME = re.compile(r"\w[\w.@-]{0,63}")
CREDENTIALS = ("token", "token-file", "token-command", "login", "password")
"""The keys of a profile with its credentials; all but the second and third are secrets."""
SECRETS = frozenset({"token", "login", "password"})
SAVED_ZONE = "timezone"  # the account's, as the service said; `tz` is the user's own choice


@dataclass(frozen=True, repr=False)
class Profile:
    """A profile: keys, written with hyphens, to values and tables.

    Values can be secrets: `repr` does not show them. An empty name means no profile; `others` are
    then the names of the existing profiles.
    """

    name: str = ""
    file: Path = Path()
    values: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"

    def place(self, *keys: str) -> str:
        """Return where a value is: the file and the keys."""
        return f"{self.file}: {'.'.join(('profiles', self.name, *keys))}"

    def text(self, key: str) -> str:
        """Return a text, "" if the key is missing. Raises `UsageProblem` for another type."""
        value = self.values.get(key, "")
        if not isinstance(value, str) or (key in self.values and not value.strip()):
            raise UsageProblem(f"{self.place(key)}: it must be a text that is not empty")
        return value

    @property
    def credentials(self) -> list[str]:
        """Return the keys of the credentials in the profile."""
        return [key for key in CREDENTIALS if key in self.values]


@dataclass(frozen=True, repr=False)
class Profiles:
    """All profiles of a file, which may not exist; `default` is the name of the default one."""

    file: Path
    default: str = ""
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def choose(self, name: str | None) -> Profile:
        """Return the profile of that name, else the default one, else none.

        Raises `UsageProblem` if there is no profile of that name.
        """
        name = name or self.default or (DEFAULT_PROFILE if DEFAULT_PROFILE in self.tables else "")
        if not name:
            return Profile(file=self.file, others=tuple(self.tables))
        if name not in self.tables:
            raise UsageProblem(f"{self.file}: there is no profile {name!r}", hint=self._hint(name))
        return Profile(name, self.file, _hyphenate(self.tables[name], f"{self.file}: {name}"))

    def _hint(self, name: str) -> str:
        if not self.tables:
            return f"Make it: comagic login {name}"
        names = get_close_matches(name, self.tables) or list(self.tables)
        return f"Profiles: {', '.join(names)}. Make a new one: comagic login {name}"


def config_file() -> Path | None:
    """Return the path of the file; `None` if the user has no home directory."""
    directory = user_directory("config")
    return directory / "config.toml" if directory else None


def profiles_file() -> Path:
    """Return the path of the file. Raises `UsageProblem` if the user has no home directory."""
    file = config_file()
    if file is None:
        raise UsageProblem(
            "there is no home directory to save profiles in", hint="Set XDG_CONFIG_HOME or HOME."
        )
    return file


def read_profiles(file: Path | None) -> Profiles:
    """Read the profiles; none if there is no file.

    Raises `UsageProblem` if other users can read the file, or it is not a TOML file of profiles.
    """
    if file is None or not os.path.lexists(file):
        return Profiles(file or Path())
    return _parse(file, read_private(file, "profiles"))


def change_profiles(file: Path, name: str, table: Mapping[str, Any] | None, default: str) -> None:
    """Replace a profile, or remove it (`None`), and set the default one ("": none).

    The comments and the order of the file stay. Raises `UsageProblem` if the file can't be read,
    `CannotWrite` if it can't be written.
    """
    with lock_file(file):
        text = read_private(file, "profiles") if os.path.lexists(file) else ""
        others = {key: old for key, old in _parse(file, text).tables.items() if key != name}
        document = tomlkit.parse(text)
        _set(document, "default", default or None)
        tables = document.setdefault("profiles", tomlkit.table(is_super_table=True))
        if table is None:
            tables.pop(name, None)
        else:
            _update(tables, name, table)
        if not tables:
            del document["profiles"]
        changed = Profiles(file, default, others if table is None else others | {name: table})
        replace_private(file, _dump(document, changed))


def check_name(name: str) -> str:
    """Return the name of a profile. Raises `UsageProblem` if it would be hard to type."""
    if not NAME.fullmatch(name):
        raise UsageProblem(
            f"{name!r} is not a name for a profile", hint="Use letters, digits and . _ @ - in it."
        )
    return name


def _parse(file: Path, text: str) -> Profiles:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{file} is not TOML: {error}") from None
    except RecursionError:
        raise UsageProblem(f"{file} is not TOML: it is nested too deeply") from None
    default, tables = document.get("default", ""), document.get("profiles", {})
    if unknown := sorted(set(document) - {"default", "profiles"}):
        raise UsageProblem(
            f"{file}: {unknown[0]!r} is not a known key",
            hint="At the top are default = NAME and tables [profiles.NAME].",
        )
    if not isinstance(default, str):
        raise UsageProblem(f"{file}: default is not the name of a profile")
    if not isinstance(tables, dict) or not all(isinstance(each, dict) for each in tables.values()):
        raise UsageProblem(f"{file}: profiles must be tables: [profiles.NAME]")
    return Profiles(file, default, tables)


def _dump(document: tomlkit.TOMLDocument, profiles: Profiles) -> str:
    """Write the document; without its comments if tomlkit misplaces a key, as dotted ones."""
    text = tomlkit.dumps(document)
    with suppress(UsageProblem):
        if _parse(profiles.file, text) == profiles:
            return text
    default = {"default": profiles.default} if profiles.default else {}
    return tomlkit.dumps({**default, "profiles": dict(profiles.tables)})


def _update(tables: Any, name: str, values: Mapping[str, Any]) -> None:
    """Change only the values of a table that differ."""
    if not isinstance(tables.get(name), Table):  # new, or an inline table
        tables[name] = tomlkit.table()
    table = tables[name]
    for key in [key for key in table if key not in values]:
        del table[key]
    for key, value in values.items():
        _set(table, key, value)


def _set(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    elif key not in table or table[key] != value:
        table[key] = value


def _hyphenate(table: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Write all keys with hyphens. Raises `UsageProblem` if a key is written both ways."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if name in values:
            raise UsageProblem(f"{place}: {name} is set twice, with a hyphen and without")
        inner = f"{place}.{name}"
        values[name] = _hyphenate(value, inner) if isinstance(value, dict) else value
    return values
