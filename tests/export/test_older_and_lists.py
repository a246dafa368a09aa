"""Older reports and lists in every format, compared with what the sandbox has."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sqlite3
from collections import Counter

import openpyxl
import pyarrow.parquet
import pytest
from coverage_marks import unmeasured
from program import DAYS, SPAN, Watched

from comagic_cli.query.catalog import list_named, reports

SITE = ["--site-id", "30001"]
OLDER = [entry for entry in reports() if entry.family == "older"]
PARAMS = {"campaign-daily-stat": SITE, "ct-ac-summary-report": SITE}
NAMED = [
    *("employees", "group-employees", "sites", "site-blocks", "campaigns", "tags", "scenarios"),
    *("virtual-numbers", "sip-lines", "contacts", "schedules", "statuses", "segments", "events"),
    *("sources", "sources-channels", "sources-groups", "media-files", "chat-channels", "account"),
    *("geolocations", "report-generator-tasks", "numa-lists", "goals-tree"),
    *("tariff-plans", "account-details", "deals-in-processing", "reports-list", "crm-accounts"),
]
LISTS = [list_named(name) for name in NAMED]
FORMATS = ["csv", "tsv", "json", "jsonl", "xlsx", "parquet", "db", "csv.gz"]


@pytest.fixture(scope="module")
def box():
    with Watched(rows=60) as service:
        yield service


def words(entry):
    period = DAYS if entry.dated else []
    return [*entry.words.split(), *period, *PARAMS.get(entry.command, ()), "--fields", "@all"]


def truth(box, entry):
    is_asked = entry.fields and "fields" in entry.takes
    params = {"fields": [field.name for field in entry.fields]} if is_asked else {}
    params |= {"date_from": SPAN[0], "date_till": SPAN[1]} if entry.dated else {}
    params |= {"site_id": 30001} if entry.command in PARAMS else {}
    return box.every_row(entry.method, **params)


def counted(rows):
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def is_complete(entry):
    """Tell whether all columns can be asked for: else some may be answered as null, or unasked."""
    return bool(entry.fields) and "fields" in entry.takes


def plain(value):
    """Return a scalar as a cell shows it; `None` for what a cell shows otherwise."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | str) else None


def texts_and_numbers(entry, rows):
    """Return the columns of plain texts and whole numbers, each with what makes one of a cell."""
    kinds = {"string": (str, str), "number": (int, int)}
    return {
        field.name: kinds[field.type][0]
        for field in entry.fields
        if field.type in kinds and field.format != "fraction" and not field.members
        if {type(row[field.name]) for row in rows} <= {kinds[field.type][1], type(None)}
        and not any(ord(char) < ord(" ") for row in rows for char in str(row[field.name]))
    }


TSV = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def read_tsv(text):
    def cell(part):
        return re.sub(r"\\(.)", lambda found: TSV[found[1]], part)

    return [list(map(cell, line.split("\t"))) for line in text.split("\n")[:-1]]


def plain_columns(entry, rows, titles):
    """Return the columns whose cells are one line of plain text, each with its place."""
    return {
        name: titles.index(name)
        for name in texts_and_numbers(entry, rows)
        if not any("│" in str(row[name]) or "  " in str(row[name]) for row in rows)
    }


@unmeasured
@pytest.mark.parametrize("entry", [*OLDER, *LISTS], ids=lambda entry: entry.command)
def test_every_format_has_every_row(comagic, box, entry, tmp_path):
    rows = truth(box, entry)
    names = list(entry.all_fields())
    if not is_complete(entry):
        rows = [{name: row.get(name) for name in names} for row in rows]
    made = {}
    for suffix in FORMATS:
        target = tmp_path / f"rows.{suffix}"
        ran = comagic(*words(entry), "-o", target, box=box)
        assert (ran.code, ran.out) == (0, ""), ran.err
        made[suffix] = target
    lines = made["jsonl"].read_text().split("\n")[:-1]
    assert counted(map(json.loads, lines)) == counted(rows)
    assert counted(json.loads(made["json"].read_text())) == counted(rows)
    assert all(list(json.loads(line)) == names for line in lines)
    cells = list(csv.DictReader(io.StringIO(made["csv"].read_text(), newline="")))
    for row, line in zip(cells, map(json.loads, lines), strict=True):
        for name, value in line.items():
            if (text := plain(value)) is not None and name in row:
                assert row[name] == text
    assert gzip.decompress(made["csv.gz"].read_bytes()) == made["csv"].read_bytes()
    assert read_tsv(made["tsv"].read_text()) == list(
        csv.reader(io.StringIO(made["csv"].read_text(), newline=""))
    )
    table = pyarrow.parquet.read_table(made["parquet"])
    header, *sheet = openpyxl.load_workbook(made["xlsx"]).active.values
    with sqlite3.connect(made["db"]) as db:
        command = entry.command.replace("-", "_")
        db.row_factory = sqlite3.Row
        stored = db.execute(f'SELECT * FROM "{command}" ORDER BY rowid').fetchall()
    assert table.num_rows == len(sheet) == len(stored) == len(rows)
    came = list(map(json.loads, lines))
    for name, kind in texts_and_numbers(entry, came).items():
        expected = [kind(row[name]) if row[name] not in {None, ""} else None for row in came]
        found = {
            "parquet": table.column(name).to_pylist(),
            "xlsx": [row[header.index(name)] for row in sheet],
            "sqlite": [row[name] for row in stored],
        }
        for values in found.values():
            assert [
                kind(value) if value not in {None, ""} else None for value in values
            ] == expected
    shown = comagic(*words(entry), "-f", "table", box=box)
    assert shown.code == 0
    header, rule, *table_rows = shown.out.split("\n")[:-1]
    assert (set(rule), len(table_rows)) == ({"─", "┼"} & set(rule), len(rows))
    titles = [title.strip() for title in re.split(" │ ?", header)]
    assert titles == list(cells[0]) if cells else titles
    for name, place in plain_columns(entry, came, titles).items():
        shown_cells = [re.split(" │ ?", line)[place].strip() for line in table_rows]
        assert shown_cells == [plain(row[name]) for row in came]


def test_a_default_of_fields_is_not_for_lists(comagic):
    with Watched() as box:
        ran = comagic("list", "sites", "-f", "csv", box=box, COMAGIC_FIELDS="call_status")
    assert (ran.code, ran.out.startswith("id,domain_name,")) == (0, True)
