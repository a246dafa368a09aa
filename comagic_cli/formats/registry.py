"""The formats, and how their sinks are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import BinaryIO, cast

from comagic_cli.errors import UsageProblem, install_command
from comagic_cli.formats.base import FormatOptions, Sink
from comagic_cli.formats.transforms import TransformSink
from comagic_cli.query.catalog import Field

FORMATS = {
    "table": "table:TableSink",
    "csv": "csv:CsvSink",
    "tsv": "csv:TsvSink",
    "jsonl": "json:JsonLinesSink",
    "json": "json:JsonSink",
    "xlsx": "xlsx:XlsxSink",
    "parquet": "parquet:ParquetSink",
}
"""The class of each format, `module:class`, imported when needed."""
DATABASES = ("sqlite", "postgresql", "clickhouse")
"""The formats that are not streams of bytes: see `databases`."""
EXTRAS = {"parquet": "pyarrow", "postgresql": "psycopg[binary]"}
"""The optional package that a format needs."""


def make_sink(
    format: str,  # noqa: A002 - the option's own name
    stream: BinaryIO,
    columns: Sequence[Field],
    format_options: FormatOptions,
) -> Sink:
    """Make the sink that writes the columns to the stream in a format of `FORMATS`."""
    make = _maker(format)
    if not format_options.change_rows:
        return make(stream, columns, format_options)
    return TransformSink(lambda every: make(stream, every, format_options), columns, format_options)


def check_format(format: str) -> None:  # noqa: A002 - the option's own name
    """Raise `UsageProblem` if the format is unknown or its package is not installed."""
    if format in DATABASES:
        _check_package(format)
    else:
        _maker(format)


def _maker(format_: str) -> Callable[[BinaryIO, Sequence[Field], FormatOptions], Sink]:
    if format_ not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageProblem(f"{format_!r} is not a format.", hint=f"The formats are {known}.")
    module, name = FORMATS[format_].split(":")
    _check_package(format_)
    sink = getattr(import_module(f"comagic_cli.formats.{module}"), name)
    return cast("Callable[[BinaryIO, Sequence[Field], FormatOptions], Sink]", sink)


def _check_package(format_: str) -> None:
    package = EXTRAS.get(format_, "")
    if package and find_spec(package.partition("[")[0]) is None:
        raise UsageProblem(
            f"Writing {format_} needs the package {package.partition('[')[0]}.",
            hint=install_command(package),
        )
