"""The data of the catalogue: its layout, and what types cannot say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import pytest
from catalogue import FILES, FOLDER, write_catalog

from comagic_cli.query.catalog import Field, Member, ReportType, lists, reports

ENTRIES = [*reports(), *lists()]
TYPES = {"string", "number", "boolean", "iso8601", "duration", "object", "array"}
DATES = {"YYYY-MM-DD hh:mm:ss", "YYYY-MM-DD", "hh:mm:ss"}
WORD = re.compile(r"[a-z][a-z0-9_]*")

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.method for entry in ENTRIES])


def members_of(fields: Iterable[Field | Member]) -> Iterator[tuple[Member, ...]]:
    """Yield all the members that stand together, at every depth."""
    for field in fields:
        yield field.members
        yield from members_of(field.members)


def names(fields: Iterable[Field | Member]) -> list[str]:
    return [field.name for field in fields]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_laid_out_as_the_script_writes_it(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text == write_catalog(json.loads(text))


def test_commands_and_methods_are_unique_and_named_alike() -> None:
    for entries in (reports(), lists()):
        commands = [entry.command for entry in entries]
        assert len(set(commands)) == len(commands)
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", command) for command in commands)
    methods = [entry.method for entry in ENTRIES]
    assert len(set(methods)) == len(methods)


def test_every_file_has_its_families() -> None:
    assert [entry.family for entry in reports()] == ["flat"] * 13 + ["older"] * 13
    assert {entry.family for entry in lists()} == {"list", "object"}


@each_entry
def test_a_method_only_reads(entry: ReportType) -> None:
    verb = "getobj" if entry.family == "object" else "get"
    assert re.fullmatch(rf"{verb}\.[a-z_]+", entry.method)


@each_entry
def test_a_title_is_short(entry: ReportType) -> None:
    most = {"flat": 66, "older": 60}.get(entry.family, 50)
    assert 0 < len(entry.title) <= most
    assert entry.title[0].isupper()
    assert entry.title.isascii()
    assert not entry.title.endswith(".")


@each_entry
def test_names_are_unique(entry: ReportType) -> None:
    aliases = [alias for field in entry.known for alias in field.aliases]
    for known in ([*names(entry.known), *aliases], *map(names, members_of(entry.known))):
        assert len(set(known)) == len(known)
    assert all(WORD.fullmatch(name) for name in [*names(entry.known), *entry.params])


@each_entry
def test_types_are_known(entry: ReportType) -> None:
    assert {field.type for field in entry.known} <= TYPES | {""}
    assert {param.type for param in entry.params.values()} <= TYPES
    for members in members_of(entry.known):
        assert {member.type for member in members} <= TYPES | {""}


@each_entry
def test_formats_suit_their_types(entry: ReportType) -> None:
    for field in entry.known:
        allowed = {"number": {"", "fraction"}, "iso8601": DATES}.get(field.type, {""})
        assert field.format in allowed, field


@each_entry
def test_only_strings_have_values(entry: ReportType) -> None:
    for field in entry.known:
        assert not field.values or field.type == "string", field
        assert len(set(field.values)) == len(field.values)
    for param in entry.params.values():
        assert not param.values or param.type in {"string", "boolean"}, param


@each_entry
def test_a_time_is_a_date_of_the_rows(entry: ReportType) -> None:
    times = [entry.find(name) for name in entry.time]
    assert all(field and field.type == "iso8601" for field in times)
    assert len(times) <= 2


@each_entry
def test_a_key_names_fields_and_their_members(entry: ReportType) -> None:
    assert entry.key or not entry.key_is_unique
    for path in entry.key:
        name, *rest = path.split(".")
        field: Field | Member | None = entry.find(name)
        for part in rest:
            assert field
            field = next((each for each in field.members if each.name == part), None)
        assert field, path


@each_entry
def test_undocumented_fields_stand_apart(entry: ReportType) -> None:
    assert all(field.documented for field in entry.fields)
    assert not any(field.documented or field.default for field in entry.undocumented)


@each_entry
def test_limits_are_those_of_the_service(entry: ReportType) -> None:
    assert entry.max_days in {366, 90, 31, 30}
    assert (entry.type is None) or entry.is_flat
    assert list(entry.takes) == [
        name for name in ("fields", "filter", "sort") if name in entry.takes
    ]
