"""The shapes that values take on the wire, as the quirks say."""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.methods.discovery import ANSWERED_AS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from comagic_cli.query.catalog import Field, ReportType
    from comagic_cli.sandbox.data.business import Row
    from comagic_cli.sandbox.data.source import Source
    from comagic_cli.sandbox.quirks import Quirks

    Maker = Callable[[Row], Any]

ID: Final = "communication_id"
_BAD_BYTES = "\ue0ff"  # stands for bytes that are no UTF-8 until the answer is encoded
_DIGITS = "\ue0fe"  # begins a number that no Python type holds
_BIG = ("12345678901234567890123", "0.10000000000000000001", "1.0E+400", "-0.0", "1e2")


def shaper(report: ReportType, source: Source, quirks: Quirks) -> Callable[[str], Maker]:
    """Return what makes a field as it goes over the wire."""
    return lambda name: _shaped(report.field(name), source.maker(name), quirks)


def _shaped(field: Field, make: Maker, quirks: Quirks) -> Maker:
    if field.name == ID and quirks.communication_id == "text":
        return lambda row: make(row) if row.given is not None else str(make(row))
    make = _spoilt(field, make, quirks)
    if field.type == "object":
        return _emptied(field, make, quirks)
    if field.type == "array" and not quirks.null_arrays:
        return lambda row: _array(make(row), row)
    return make


def _array(value: Any, row: Row) -> Any:
    return [] if value is None and row.given is None else value


def _emptied(field: Field, make: Maker, quirks: Quirks) -> Maker:
    forms = _empty_forms(field, quirks)

    def made(row: Row) -> Any:
        value = make(row)
        return forms[row.hash >> 7 & 3] if value is None and row.given is None else value

    return made


def _empty_forms(field: Field, quirks: Quirks) -> tuple[Any, Any, Any, Any]:
    """Return four forms of nothing, one of them for each row."""
    names = [member.name for member in field.members] or ["value", "value_id"]
    members = None if field.name == "tags" else dict.fromkeys(names)
    if quirks.empty_object == "mixed":
        return (members, {}, None, members)
    form = {"members": members, "empty": {}, "null": None}[quirks.empty_object]
    return (form, form, form, form)


def _spoilt(field: Field, make: Maker, quirks: Quirks) -> Maker:
    """Put in what is hard to read, where a quirk wants it."""
    if (
        field.type == "string"
        and field.name != ID
        and (quirks.lone_surrogates or quirks.invalid_utf8)
    ):
        mark = "\ud83d" if quirks.lone_surrogates else _BAD_BYTES
        return lambda row: _marked(make(row), mark) if row.hash % 7 == 0 else make(row)
    if field.type == "number" and quirks.big_numbers:
        return lambda row: _DIGITS + _BIG[row.hash % 5] if row.hash % 3 == 0 else make(row)
    return make


def _marked(value: Any, mark: str) -> Any:
    return value + mark if isinstance(value, str) else value


def keys(fields: Sequence[str], report: ReportType, quirks: Quirks, call: int) -> list[str]:
    """Return the keys of a row, in the order of the wire."""
    names = [ANSWERED_AS.get(name, name) for name in dict.fromkeys(fields)]
    if quirks.extra_key and ID not in names and report.field(ID).type:
        names.append(ID)
    if quirks.key_order == "catalog":
        places = {field.name: place for place, field in enumerate(report.fields)}
        names.sort(key=lambda name: places.get(name, len(places)))
    elif quirks.key_order == "reversed":
        names.reverse()
    elif quirks.key_order == "shuffled":
        Random(call).shuffle(names)  # noqa: S311  # no secret
    return names


def rows_as_dicts(
    rows: Iterable[Row], names: Sequence[str], maker: Callable[[str], Maker], quirks: Quirks
) -> list[dict[str, Any]]:
    """Make the rows, only the asked fields of them."""
    makers = [(name, maker(name)) for name in names]
    made = [{name: make(row) for name, make in makers} for row in rows]
    if quirks.missing_keys:
        return [{name: value for name, value in row.items() if value is not None} for row in made]
    return made


def encode(answer: Any, quirks: Quirks) -> bytes:
    """Write an answer as JSON, broken where the quirks want it."""
    layout: dict[str, Any] = {"indent": 2} if quirks.pretty else {"separators": (",", ":")}
    text = json.dumps(answer, ensure_ascii=quirks.lone_surrogates, **layout)
    if quirks.big_numbers:
        mark = r"\\ue0fe" if quirks.lone_surrogates else _DIGITS
        text = re.sub(f'"{mark}([^"]*)"', r"\1", text)
    body = text.encode()
    return body.replace(_BAD_BYTES.encode(), b"\xff\xfe") if quirks.invalid_utf8 else body
