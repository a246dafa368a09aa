"""Readers of flattened JSON Lines find one type in each column, without being told it."""

from __future__ import annotations

import json
import subprocess

import duckdb
import pandas as pd
import pytest
from program import DAYS, Watched
from shells import need
from sinks import page_of, written

from comagic_cli.query.catalog import report

CALLS = report("calls")
PHONES = ['"79110000000"', "79110000000", '{"value":79110000000,"extra":{}}', '"+7911"', "null"]
PHONES += ['{"value":"sip:101","extra":{"a":1}}', '{"more":1}', "79110000000.50"]
TEXTS = ["79110000000", "79110000000", "79110000000", "+7911", None, "sip:101", '{"more":1}']
TEXTS += ["79110000000.50"]
IDS = ['"processed"', "null", "5", "true", "1.50", '"5"', '{"a":1}', "12345678901234567890"]
ID_TEXTS = ["processed", None, "5", "true", "1.50", "5", '{"a":1}', "12345678901234567890"]


@pytest.fixture
def odd(tmp_path):
    """Write rows whose phones and coded ids come in every shape, the plain ones first."""
    rows = (
        f'{{"contact_phone_number":{phone},"call_processing_status":{{"value_id":{id_}}}}}'
        for phone, id_ in zip(PHONES, IDS, strict=True)
    )
    file = tmp_path / "odd.jsonl"
    columns = [CALLS.field("contact_phone_number"), CALLS.field("call_processing_status")]
    file.write_text(written("jsonl", columns, page_of(*rows), flatten=True))
    return file


def test_duckdb_reads_odd_values_as_text(odd):
    found = duckdb.sql(f"select * from '{odd}'")
    names = ["contact_phone_number", "call_processing_status.value_id"]
    types = dict(zip(found.columns, map(str, found.types), strict=True))
    assert [types[name] for name in names] == ["VARCHAR", "VARCHAR"]
    phones, ids = zip(*found.select(*(f'"{name}"' for name in names)).fetchall(), strict=True)
    assert (list(phones), list(ids)) == (TEXTS, ID_TEXTS)


def test_pandas_reads_odd_values_as_text(odd):
    frame = pd.read_json(odd, lines=True)
    for name, texts in (
        ("contact_phone_number", TEXTS),
        ("call_processing_status.value_id", ID_TEXTS),
    ):
        assert [None if pd.isna(value) else value for value in frame[name]] == texts


def test_clickhouse_reads_odd_values_as_text(odd):
    need("clickhouse-local")
    query = f"select contact_phone_number from file('{odd}', JSONEachRow) format JSONEachRow"
    done = subprocess.run(
        ["clickhouse-local", "--query", query], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = map(json.loads, done.stdout.splitlines())
    assert [row["contact_phone_number"] for row in rows] == TEXTS


@pytest.mark.parametrize("command", ["calls", "communications", "mgf-calls", "notifications"])
def test_every_column_has_one_type_in_all_rows(comagic, tmp_path, command):
    out = tmp_path / "flat.jsonl"
    with Watched(rows=400) as box:
        typed = [command, *DAYS, "--fields", "@all", "--flatten", "-f", "jsonl", "-o", out]
        assert comagic(*typed, box=box).code == 0
    types: dict[str, set[type]] = {}
    lines = out.read_text().split("\n")[:-1]  # texts have other ends of lines, as U+2028
    for line in lines:
        for name, value in json.loads(line).items():
            types.setdefault(name, set()).add(type(value))
    assert types
    assert {name: some for name, some in types.items() if len(some - {type(None)}) > 1} == {}
    assert len(duckdb.sql(f"select * from '{out}'").fetchall()) == len(lines)
    assert len(pd.read_json(out, lines=True)) == len(lines)
