"""TOML as far as the configuration needs it: written, and changed without loss of comments."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

BARE = re.compile(r"[A-Za-z0-9_-]+")
HEADER = re.compile(r"(?m)^(?=[ \t]*\[)")
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Table: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str, ...]


def written(table: Table) -> str:
    """Write a table of texts, numbers, booleans, dates, lists of them, and tables."""
    blocks = (_header(path) + _lines(plain) for path, plain in _tables(table))
    return "\n".join(filter(None, blocks))


def updated(text: str, wanted: Table) -> str:
    """Return a text that says what is wanted, with the comments and the layout of the old one.

    Where that can't be, the whole is written anew: it says what is wanted in any case.
    """
    try:
        blocks = HEADER.split(text)
        paths = [_path(block) for block in blocks]
        tables = dict(_tables(wanted))
        kept = [
            _edited(block, path, tables.get(path, {}))
            for block, path in zip(blocks, paths, strict=True)
            if path in tables or path in _above(tables)
        ]
        added = [_header(path) + _lines(tables[path]) for path in tables if path not in paths]
        made = _joined(kept, added)
        return made if _same(tomllib.loads(made), wanted) else written(wanted)
    except tomllib.TOMLDecodeError:  # a value of more lines than one
        return written(wanted)


def _tables(table: Table, path: Path = ()) -> Iterator[tuple[Path, Table]]:
    """Yield each table with a header of its own, without the tables in it; the first is the top."""
    plain = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    if not path or plain or not table:
        yield path, plain
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _tables(value, (*path, name))


def _above(tables: Mapping[Path, Table]) -> set[Path]:
    return {path[:length] for path in tables for length in range(len(path))}


def _path(block: str) -> Path:
    """Read the path in a block's header."""
    path: Path = ()
    found: Any = tomllib.loads(block.splitlines()[0]) if HEADER.match(block) else {}
    while isinstance(found, dict) and found:
        [(name, found)] = found.items()
        path = (*path, name)
    return path


def _edited(block: str, path: Path, wanted: Table) -> str:
    """Keep the lines of a block that say what is wanted; others change or go, and new ones come."""
    if _says(block, path, wanted):
        return block
    kept: list[str] = []
    left = dict(wanted)
    place = 0
    for number, line in enumerate(block.splitlines(keepends=True)):
        is_header = bool(path) and number == 0
        told = {} if is_header else tomllib.loads(line)
        there = {name: left.pop(name) for name in told if name in left}
        same = _same(told, there)
        kept.append(
            line if same and line.endswith("\n") else f"{line}\n" if same else _lines(there)
        )
        if told or is_header:
            place = len(kept)
    return "".join([*kept[:place], _lines(left), *kept[place:]])


def _says(block: str, path: Path, wanted: Table) -> bool:
    told: Any = tomllib.loads(block)
    for name in path:
        told = told[name]
    return isinstance(told, dict) and _same(told, dict(wanted))


def _joined(kept: list[str], added: list[str]) -> str:
    text = "".join(kept)
    if text and added:
        text += "\n" if text.endswith("\n") else "\n\n"
    return text + "\n".join(filter(None, added))


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, and of the same types: in Python, true equals 1."""
    if not isinstance(one, dict) or not isinstance(other, Mapping):
        return repr(one) == repr(other)
    return set(one) == set(other) and all(_same(one[name], other[name]) for name in one)


def _header(path: Path) -> str:
    return f"[{'.'.join(map(_key, path))}]\n" if path else ""


def _lines(plain: Table) -> str:
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in plain.items())


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(_lines(value).splitlines())}}}"
    return str(value)  # numbers and dates


def _text(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    return ESCAPES.get(char) or (char if char.isprintable() else f"\\U{ord(char):08x}")
