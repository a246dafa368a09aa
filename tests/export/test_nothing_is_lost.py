"""Odd data through every typed format: each value of JSON Lines is somewhere in its row."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from datetime import date, datetime
from decimal import Context, Decimal

import openpyxl
import pyarrow.parquet as pq
import pytest
from coverage_marks import unmeasured
from program import DAYS, Watched

from comagic_cli.query.catalog import report

ODD = [
    {"lone_surrogates": True, "big_numbers": True, "key_order": "shuffled"},
    {"communication_id": "text", "empty_object": "mixed", "null_arrays": True},
    {"missing_keys": True, "pretty": True, "extra_key": True, "big_numbers": True},
]


def parquet_rows(path):
    return pq.read_table(path).to_pylist()


def sqlite_rows(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        [(table,)] = connection.execute('SELECT "table" FROM _comagic_requests').fetchall()
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]


def xlsx_rows(path):
    names, *rows = openpyxl.load_workbook(path)["Rows"].iter_rows(values_only=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


READERS = {"parquet": parquet_rows, "db": sqlite_rows, "xlsx": xlsx_rows}


def leaves(value):
    """Yield every plain value in a value as text; of JSON in a text, too."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value not in (None, ""):
        yield plain(value)
        if isinstance(value, str) and value[0] in "[{":
            with suppress(ValueError):
                yield from leaves(parsed(value))


def parsed(text):
    return json.loads(text, parse_int=str, parse_float=str)


def plain(value):
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) < 0xE000 else c for c in text)
    with suppress(ArithmeticError):
        return str(Context(prec=400).normalize(Decimal(text)))
    return text


LEFT_OUT = ("tags", "communication", "total_duration")  # see `tags` of Parquet; durations differ


@unmeasured
@pytest.mark.parametrize("quirks", ODD)
@pytest.mark.parametrize(("command", "communications"), [("communications", 60), ("leads", 120)])
def test_nothing_is_lost(comagic, tmp_path, quirks, command, communications):
    names = [field.name for field in report(command).fields if field.name not in LEFT_OUT]
    asked = [command, *DAYS, "--fields", ",".join(names)]
    with Watched(rows=communications, **quirks) as box:
        truth = [parsed(line) for line in comagic(*asked, box=box).out.split("\n")[:-1]]
        for form, read in READERS.items():
            path = tmp_path / f"rows.{form}"
            ran = comagic(*asked, "--coded-values", "both", "-o", path, box=box)
            assert (ran.code, ran.err) == (0, "")
            check(read(path), truth)


def check(rows, truth):
    """Compare rows with the truth, both ordered by time."""
    assert len(rows) == len(truth) > 2
    for row, true in zip(rows, truth, strict=True):
        found = set(leaves(row))
        listed = {plain(part) for text in found for part in text.split("; ")}
        assert set(leaves(true)) <= found | listed
