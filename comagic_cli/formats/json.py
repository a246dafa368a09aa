"""JSON Lines and JSON: every value byte for byte as the service gave it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, BinaryIO, TypeAlias

import msgspec

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.flatten import ENUM as ENUM_MEMBERS
from comagic_cli.formats.flatten import WRAPPERS, is_wrapped
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.page import NULL, Page, render_slices, row_struct

Raw: TypeAlias = msgspec.Raw
Row: TypeAlias = dict[str, Raw]

ENUM = ("value", "value_id")
TAGS = ("items", "communication_id", "communication_type")
NOTHING = (b"null", b"[]")
PHONE = re.compile(r"(.*_)?phone(_number)?", re.ASCII)
TEXTS = re.compile(rb'(?:(?:"(?:[^"\\]++|\\.)*+"|null)\n)*+', re.DOTALL)  # a value a line
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.Encoder().encode


class Spreader:
    """Turn rows of raw values of the fields into flat objects; arrays stay arrays.

    A column has one type in all rows: phones, comments, and coded values with their ids are texts.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._spreads = [
            Spread(field) if field.type == "object" and not is_wrapped(field) else None
            for field in fields
        ]
        self._wraps = [field.type != "array" for field in fields]
        self._texts = [is_text(field) for field in fields]
        parts = zip(fields, self._spreads, strict=True)
        self.names = tuple(
            name for field, spread in parts for name in (spread.names if spread else (field.name,))
        )

    def rows(self, rows: Sequence[Any]) -> list[Row]:
        """Return a flat object for each struct of raw values."""
        columns: list[Sequence[Raw]] = []
        unforeseen: list[tuple[int, Row]] = []
        for spread, wraps, is_texts, values in zip(
            self._spreads,
            self._wraps,
            self._texts,
            zip(*map(msgspec.structs.astuple, rows), strict=True),
            strict=False,
        ):
            if spread:
                parts = spread.columns(values, unforeseen)
            else:
                parts = [unwrapped(values) if wraps else values]
            columns += map(as_texts, parts) if is_texts else parts
        flat = [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]
        for place, more in unforeseen:
            flat[place] |= more
        return flat


def is_text(field: Field) -> bool:
    """Check if a field's values are texts, whatever the service sends: phones and coded values."""
    if field.type == "object" and field.name != "tags":
        return is_wrapped(field) or ENUM_MEMBERS.issuperset(each.name for each in field.members)
    return field.type == "string" and (is_wrapped(field) or bool(PHONE.fullmatch(field.name)))


def as_texts(values: Sequence[Raw]) -> Sequence[Raw]:
    """Return a column as texts and nulls: what is neither as the text of its JSON."""
    if TEXTS.fullmatch(b"\n".join((*values, b""))):
        return values
    return [_as_text(value) for value in values]


def _as_text(value: Raw) -> Raw:
    data = bytes(value)
    if data.startswith(b'"') or data == b"null":
        return value
    if data.startswith((b"{", b"[")):
        data = msgspec.json.format(data, indent=-1)
    return Raw(_encode(data.decode(errors="replace")))


def unwrapped(values: Sequence[Raw]) -> Sequence[Raw]:
    """Return a column with the value alone where the service puts an object around it."""
    if b"{" not in b"".join(values):
        return values
    return [Raw(_unwrapped(bytes(value))) for value in values]


def _unwrapped(value: bytes) -> bytes:
    if not value.startswith(b"{"):
        return value
    members = _MEMBERS.decode(value)
    inner = WRAPPERS.get(frozenset(members))
    return value if inner is None else bytes(members[inner])


class Spread:
    """The columns that one field's objects become."""

    def __init__(self, field: Field) -> None:
        members = tuple(member.name for member in field.members)
        if field.name == "tags" or "items" in members:
            members = tuple(dict.fromkeys((*members, *TAGS)))
        self._members = members or ENUM
        self._name = field.name
        self.names = tuple(f"{field.name}.{member}" for member in self._members)
        struct = row_struct(self._members, Raw, NULL, strict=True)
        self._decoder = msgspec.json.Decoder(list[struct | None])  # type: ignore[valid-type]  # made at run time
        self._empty = struct()

    def columns(
        self, values: Sequence[Raw], unforeseen: list[tuple[int, Row]]
    ) -> list[Sequence[Raw]]:
        """Return a column a member; what is not foreseen is added, with its row's place."""
        try:
            found = self._decoder.decode(b"[" + b",".join(values) + b"]")
        except msgspec.ValidationError:
            return self._one_by_one(values, unforeseen)
        members = (msgspec.structs.astuple(item or self._empty) for item in found)
        return list(zip(*members, strict=True))

    def _one_by_one(
        self, values: Sequence[Raw], unforeseen: list[tuple[int, Row]]
    ) -> list[Sequence[Raw]]:
        rows = []
        for place, value in enumerate(values):
            row = self._named(value)
            rows.append([row.pop(name, NULL) for name in self.names])
            if row:
                unforeseen.append((place, row))
        return list(zip(*rows, strict=True))

    def _named(self, value: Raw) -> Row:
        try:
            members = _MEMBERS.decode(value)
        except msgspec.ValidationError:
            return {} if bytes(value) in NOTHING else {self._name: value}
        return {f"{self._name}.{member}": item for member, item in members.items()}


class JsonLinesSink:
    """Write an object a line, its members in the asked order."""

    def __init__(
        self, stream: BinaryIO, columns: Sequence[Field], format_options: FormatOptions
    ) -> None:
        self._stream = stream
        self.render = RowReader(tuple(field.name for field in columns)).json_lines
        if format_options.flatten:
            self.render = partial(self.render, shape=Spreader(columns).rows)

    def begin(self) -> None:
        """Write nothing: every line stands for itself."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for lines in render_slices(page, self.render):
            self._stream.write(lines)

    def end(self) -> None:
        """Write nothing: every line stands for itself."""


class JsonSink(JsonLinesSink):
    """Write one array, an object a line."""

    _between = b"\n"  # what stands before the next row

    def begin(self) -> None:
        """Open the array."""
        self._stream.write(b"[")

    def write(self, page: Page) -> None:
        """Write a page's rows, a comma between any two."""
        for lines in render_slices(page, self.render):
            self._stream.write(self._between + lines.removesuffix(b"\n").replace(b"\n", b",\n"))
            self._between = b",\n"

    def end(self) -> None:
        """Close the array; one of no rows is `[]`."""
        self._stream.write(b"]\n" if self._between == b"\n" else b"\n]\n")
