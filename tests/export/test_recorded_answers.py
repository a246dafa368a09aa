"""Answers in the shapes that the vendor prints, exported to every format and compared whole.

`WRITE_GOLDEN=yes python -m pytest tests/export/test_recorded_answers.py` writes the expected files.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from itertools import chain
from pathlib import Path

import openpyxl
import pyarrow.parquet
import pytest
from recorded_service import RECORDED, RecordedService

from comagic_cli.query.catalog import report

GOLDEN = Path(__file__).parent.parent / "golden" / "recorded"
COMMANDS = {
    "communications": "get.communications",
    "calls": "get.calls",
    "call-details": "get.call_details",
    "person-details": "get.person_details",
    "mgf-calls": "get.mgf_calls",
    "tags-history": "get.tags_history",
    "notifications": "get.notifications",
    "api-requests": "get.api_requests",
}
IDS = {"call-details": "3214567890", "person-details": "77001"}
TABLE = "rows"
TEXTS = ("csv", "tsv", "jsonl", "json", "table", "flat.jsonl", "both.csv")
TYPED = ("parquet", "db", "xlsx")
OPTIONS = {
    "flat.jsonl": ["--flatten"],
    "both.csv": ["--coded-values", "both"],
    "table": ["-f", "table"],
}


@pytest.fixture(scope="module")
def service():
    with RecordedService() as served:
        yield served


def export(comagic, service, command, output, *options):
    rows = json.loads((RECORDED / f"{COMMANDS[command]}.json").read_text(encoding="utf-8"))
    known = [name for field in report(command).known for name in (field.name, *field.aliases)]
    fields = ",".join(name for name in dict.fromkeys(chain(*rows)) if name in known)
    words = [command, "--from", "2026-02-14", "--till", "2026-02-14", "--report-id", "1"]
    words += ["--fields", fields, "-o", output, *options]
    if command in IDS:
        words += ["--ids", IDS[command]]
    ran = comagic(*words, COMAGIC_BASE_URL=service.url, COMAGIC_TOKEN=service.token)
    assert (ran.code, ran.out) == (0, ""), ran.err
    return ran


def read_typed(path):
    """Read a typed file as JSON Lines: the columns and their types, then a line a row."""
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        head = {field.name: str(field.type) for field in table.schema}
        rows = table.to_pylist()
    elif path.suffix == ".db":
        with closing(sqlite3.connect(path)) as base:
            kinds = {row[1]: row[2] for row in base.execute(f'pragma table_info("{TABLE}")')}
            head = {name: kind for name, kind in kinds.items() if name != "_request"}
            names = ", ".join(f'"{name}"' for name in head)
            found = base.execute(f'select {names} from "{TABLE}"')
            rows = [dict(zip(head, row, strict=True)) for row in found]
    else:
        sheet = openpyxl.load_workbook(path).active
        lines = [list(row) for row in sheet.iter_rows(values_only=True)]
        head = lines[0]
        rows = lines[1:]
    dumped = [json.dumps(line, ensure_ascii=False, default=str) for line in (head, *rows)]
    return "".join(f"{line}\n" for line in dumped)


def check(name, text):
    golden = GOLDEN / name
    if os.environ.get("WRITE_GOLDEN") == "yes":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8", newline="")
    assert text == golden.read_bytes().decode()


@pytest.mark.parametrize("ending", TEXTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_recorded_rows_in_a_text_format(comagic, service, tmp_path, command, ending):
    output = tmp_path / f"rows.{ending if ending != 'table' else 'txt'}"
    export(comagic, service, command, output, *OPTIONS.get(ending, []))
    check(f"{command}.{ending}", output.read_bytes().decode())


@pytest.mark.parametrize("ending", TYPED)
@pytest.mark.parametrize("command", COMMANDS)
def test_recorded_rows_in_a_typed_format(comagic, service, tmp_path, command, ending):
    output = tmp_path / f"rows.{ending}"
    export(comagic, service, command, output, *(["--table", TABLE] if ending == "db" else []))
    text = read_typed(output)
    check(f"{command}.{ending}.jsonl", text)
    for line in map(json.loads, text.splitlines()[1:] if ending != "xlsx" else ()):
        assert line.get("_unfit") is None
