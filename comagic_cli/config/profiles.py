"""Profiles: accounts with names, and defaults of options, in the user's TOML file."""

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

from comagic_cli.config.private_file import changing, read_private, replace_private
from comagic_cli.errors import UsageProblem
from comagic_cli.files.directories import user_directory

USUAL = "default"  # the profile that is used where none is named
NAME = re.compile(r"\w[\w.@-]{0,63}")
CREDENTIALS = ("token", "token-file", "token-command", "login", "password")
"""The keys of a profile with its credentials; all but the second and third are secrets."""
SECRETS = frozenset({"token", "login", "password"})
SAVED_ZONE = "timezone"  # the account's, as the service said; `tz` is the user's own choice


@dataclass(frozen=True, repr=False)
class Profile:
    """A profile of the file, with hyphens in all names: keys to values, and tables.

    Values can be secrets: no text made of this object has them. Without a name it is not a profile,
    and `others` are the names of the profiles that there are.
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
        """Return a text, "" where there is none. Raises `UsageProblem` for another type."""
        value = self.values.get(key, "")
        if not isinstance(value, str) or (key in self.values and not value.strip()):
            raise UsageProblem(f"{self.place(key)}: it must be a text that is not empty")
        return value

    @property
    def credentials(self) -> list[str]:
        """The keys of the credentials that the profile has."""
        return [key for key in CREDENTIALS if key in self.values]


@dataclass(frozen=True, repr=False)
class Profiles:
    """All profiles of a file, which need not exist yet; `usual` is used where none is named."""

    file: Path
    usual: str = ""
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def chosen(self, name: str | None) -> Profile:
        """Return the profile named, else the usual one, else none. Raises `UsageProblem`."""
        wanted = name or self.usual or (USUAL if USUAL in self.tables else "")
        if not wanted:
            return Profile(file=self.file, others=tuple(self.tables))
        if wanted not in self.tables:
            raise UsageProblem(
                f"{self.file}: there is no profile {wanted!r}", hint=self._suggestion(wanted)
            )
        return Profile(
            wanted, self.file, _hyphenated(self.tables[wanted], f"{self.file}: {wanted}")
        )

    def _suggestion(self, name: str) -> str:
        if not self.tables:
            return f"Make it: comagic login {name}"
        near = get_close_matches(name, self.tables) or list(self.tables)
        return f"There is {', '.join(near)}. Make a new one: comagic login {name}"


def config_file() -> Path | None:
    """Return the path of the file; `None` where the user has no home directory."""
    directory = user_directory("config")
    return directory / "config.toml" if directory else None


def read_profiles(file: Path | None) -> Profiles:
    """Read the profiles; none where there is no file.

    Raises `UsageProblem` for a file that other users can read, that is not TOML, or has another
    shape.
    """
    if file is None or not os.path.lexists(file):
        return Profiles(file or Path())
    return _parse(file, read_private(file, "profiles"))


def change_profiles(file: Path, name: str, table: Mapping[str, Any] | None, usual: str) -> None:
    """Replace a profile, or remove it (`None`), and set the usual one ("": none).

    The comments and the order of the file stay. Raises `UsageProblem` where the file can't be read,
    `CannotWrite` where it can't be written.
    """
    with changing(file):
        text = read_private(file, "profiles") if os.path.lexists(file) else ""
        kept = {key: old for key, old in _parse(file, text).tables.items() if key != name}
        document = tomlkit.parse(text)
        _set(document, "default", usual or None)
        tables = document.setdefault("profiles", tomlkit.table(is_super_table=True))
        if table is None:
            tables.pop(name, None)
        else:
            _update(tables, name, table)
        if not tables:
            del document["profiles"]
        changed = Profiles(file, usual, kept if table is None else kept | {name: table})
        replace_private(file, _dump(document, changed))


def check_name(name: str) -> str:
    """Return the name of a profile. Raises `UsageProblem` for one that would be hard to type."""
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
        raise UsageProblem(f"{file} is not TOML: it is nested too deep") from None
    usual, tables = document.get("default", ""), document.get("profiles", {})
    if unknown := sorted(set(document) - {"default", "profiles"}):
        raise UsageProblem(
            f"{file}: {unknown[0]!r} is not known",
            hint="At the top are default = NAME and tables [profiles.NAME].",
        )
    if not isinstance(usual, str):
        raise UsageProblem(f"{file}: default is not the name of a profile")
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise UsageProblem(f"{file}: profiles must be tables: [profiles.NAME]")
    return Profiles(file, usual, tables)


def _dump(document: tomlkit.TOMLDocument, wanted: Profiles) -> str:
    """Write the document; without its comments where tomlkit misplaces a key, as dotted ones."""
    text = tomlkit.dumps(document)
    with suppress(UsageProblem):
        if _parse(wanted.file, text) == wanted:
            return text
    usual = {"default": wanted.usual} if wanted.usual else {}
    return tomlkit.dumps({**usual, "profiles": dict(wanted.tables)})


def _update(tables: Any, name: str, wanted: Mapping[str, Any]) -> None:
    """Change the values of a table that differ, and leave the others as they are written."""
    if not isinstance(tables.get(name), Table):  # new, or an inline table
        tables[name] = tomlkit.table()
    table = tables[name]
    for key in [key for key in table if key not in wanted]:
        del table[key]
    for key, value in wanted.items():
        _set(table, key, value)


def _set(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    elif key not in table or table[key] != value:
        table[key] = value


def _hyphenated(table: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Write all keys with hyphens. Raises `UsageProblem` for a key that is written both ways."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if name in values:
            raise UsageProblem(f"{place}: {name} is there twice, with a hyphen and without")
        below = f"{place}.{name}"
        values[name] = _hyphenated(value, below) if isinstance(value, dict) else value
    return values
