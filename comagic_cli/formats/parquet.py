"""Parquet: typed columns by the catalogue, so that every file of a report has the same schema.

Numbers are 64-bit integers, or doubles where they can have a fraction; durations are seconds; times
are instants in the account's zone; lists are lists; a field of several columns is a struct of them.
Times of day are text, because Spark can't read the type. Values of another kind are in `_unfit`,
see `typed`. The compression is Zstandard; small pages share a row group.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import groupby
from operator import attrgetter
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyarrow.parquet import ParquetFile, ParquetWriter

from comagic_cli.errors import RowsMissing
from comagic_cli.files.compression import GuardedStream
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.typed import (
    ROWS_AT_ONCE,
    UNFIT,
    Column,
    Converter,
    Kind,
    TypedColumns,
    Values,
    microseconds_in,
    to_boolean,
    to_date,
    to_float,
    to_integer,
    to_seconds,
)
from comagic_cli.query.catalog import Field, Member
from comagic_cli.rows.page import Page, slices

MIN_GROUP = 10_000  # rows of a row group; many small groups are slow to read
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "time": pa.string(),
    "integer": pa.int64(),
    "seconds": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
CONVERTERS: dict[Kind, Converter] = {
    "integer": to_integer,
    "seconds": to_seconds,
    "float": to_float,
    "boolean": to_boolean,
    "date": to_date,
}


class ParquetSink:
    """Write row groups and the footer."""

    def __init__(
        self, stream: BinaryIO, columns: Sequence[Field], format_options: FormatOptions
    ) -> None:
        zone = ZoneInfo(format_options.zone) if format_options.zone else None
        self._stream = GuardedStream(stream)
        self._typed = TypedColumns(
            columns, format_options, CONVERTERS | {"datetime": microseconds_in(zone or UTC)}
        )
        self._timestamp = pa.timestamp("us", format_options.zone)
        self._fields = [
            list(group) for _, group in groupby(self._typed.columns, attrgetter("field"))
        ]
        self._schema = pa.schema([*map(self._field, self._fields), pa.field(UNFIT, pa.string())])
        self._batches: list[pa.RecordBatch] = []

    def begin(self) -> None:
        """Write the start of the file."""
        with self._stream.pass_through():
            self._writer = ParquetWriter(self._stream, self._schema, compression="zstd")

    def write(self, page: Page) -> None:
        """Write a page's rows once there are enough for a row group."""
        self._batches += map(self._batch, slices(page, ROWS_AT_ONCE))
        if sum(batch.num_rows for batch in self._batches) >= MIN_GROUP:
            self._write_group()

    def end(self) -> None:
        """Write the last rows and the footer."""
        if self._batches:
            self._write_group()
        with self._stream.pass_through():
            self._writer.close()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._batches, self._schema)
        self._batches = []
        with self._stream.pass_through():
            self._writer.write_table(table, table.num_rows)

    def _batch(self, page: Page) -> pa.RecordBatch:
        *read, unfit = self._typed.read(page)
        columns = iter(read)
        arrays = [self._array(group, [next(columns) for _ in group]) for group in self._fields]
        return pa.record_batch([*arrays, pa.array(unfit, pa.string())], self._schema)

    def _array(self, columns: list[Column], values: list[Values]) -> pa.Array:
        arrays = [
            pa.array(cells, self._type(column))
            for column, cells in zip(columns, values, strict=True)
        ]
        if len(arrays) == 1:
            return arrays[0]
        empty = pa.array([row.count(None) == len(row) for row in zip(*values, strict=True)])
        return pa.StructArray.from_arrays(arrays, fields=self._members(columns), mask=empty)

    def _field(self, columns: list[Column]) -> pa.Field:
        if len(columns) == 1:
            return pa.field(columns[0].name, self._type(columns[0]))
        return pa.field(columns[0].field, pa.struct(self._members(columns)))

    def _members(self, columns: list[Column]) -> list[pa.Field]:
        return [
            pa.field(column.name.removeprefix(f"{column.field}."), self._type(column))
            if column.name != column.field
            else pa.field("value", self._type(column))
            for column in columns
        ]

    def _type(self, column: Column) -> pa.DataType:
        if column.kind == "list":
            return pa.list_(_item(column.item))
        return self._timestamp if column.kind == "datetime" else TYPES[column.kind]


def _item(member: Member) -> pa.DataType:
    if member.members:
        return pa.struct([pa.field(each.name, _item(each)) for each in member.members])
    return pa.int64() if member.type == "number" else pa.string()


def count_rows(file: BinaryIO, name: str) -> int:
    """Return the rows that a file says it has. Raises `RowsMissing` where it is damaged."""
    try:
        with ParquetFile(file) as parquet:
            return int(parquet.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:  # of pyarrow, some are an OSError
        raise RowsMissing(f"{name} is not whole Parquet: {error}") from error
