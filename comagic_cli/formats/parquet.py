"""Parquet: typed columns by the catalogue, so that every file of a report has the same schema.

Numbers are 64-bit integers, or doubles where they can have a fraction; durations are seconds; times
are instants in the account's zone; lists are lists; what flattens to several columns is a struct of
them. Times of day are text, since Spark reads no such type. What does not fit stands in `_unfit`,
see `typed`. Packed with Zstandard, a row group a page, small pages together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import groupby
from operator import attrgetter
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from comagic_cli.files.compression import GuardedStream
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.typed import (
    UNFIT_NAME,
    Column,
    Fit,
    Kind,
    Typed,
    Values,
    boolean,
    day,
    microseconds,
    real,
    seconds,
    whole,
)
from comagic_cli.query.catalog import Field, Member
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.page import Page, slices

ENOUGH = 10_000  # rows of a group; of fewer readers would have many groups to open
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "clock": pa.string(),
    "whole": pa.int64(),
    "seconds": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
FITS: dict[Kind, Fit] = {
    "whole": whole,
    "seconds": seconds,
    "real": real,
    "boolean": boolean,
    "date": day,
}


class ParquetSink:
    """Write row groups, and the footer that makes them a file."""

    def __init__(
        self, stream: BinaryIO, columns: Sequence[Field], format_options: FormatOptions
    ) -> None:
        zone = ZoneInfo(format_options.zone) if format_options.zone else None
        self._stream = GuardedStream(stream)
        self._reader = RowReader(tuple(field.name for field in columns))
        self._typed = Typed(columns, format_options, FITS | {"moment": microseconds(zone or UTC)})
        self._moment = pa.timestamp("us", format_options.zone)
        self._fields = [list(some) for _, some in groupby(self._typed.columns, attrgetter("field"))]
        self._schema = pa.schema(
            [*map(self._field, self._fields), pa.field(UNFIT_NAME, pa.string())]
        )
        self._batches: list[pa.RecordBatch] = []

    def begin(self) -> None:
        """Write what a file begins with."""
        with self._stream.pass_through():
            self._writer = ParquetWriter(self._stream, self._schema, compression="zstd")

    def write(self, page: Page) -> None:
        """Write a page's rows, or keep them where they are too few for a group."""
        self._batches += [self._batch(self._reader.plain(part)) for part in slices(page, 1_000)]
        if sum(batch.num_rows for batch in self._batches) >= ENOUGH:
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

    def _batch(self, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
        *read, unfit = self._typed.read(rows)
        columns = iter(read)
        arrays = [self._array(some, [next(columns) for _ in some]) for some in self._fields]
        return pa.record_batch([*arrays, pa.array(unfit, pa.string())], self._schema)

    def _array(self, columns: list[Column], values: list[Values]) -> pa.Array:
        arrays = [
            pa.array(some, self._type(column)) for column, some in zip(columns, values, strict=True)
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
        return self._moment if column.kind == "moment" else TYPES[column.kind]


def _item(member: Member) -> pa.DataType:
    if member.members:
        return pa.struct([pa.field(each.name, _item(each)) for each in member.members])
    return pa.int64() if member.type == "number" else pa.string()
