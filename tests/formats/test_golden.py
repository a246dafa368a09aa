"""One nasty data set in every format_options: the bytes, and what readers make of them."""

from __future__ import annotations

import csv
import json
import subprocess
from io import StringIO

import pytest
from hard_values import (
    FIELDS,
    FIRST,
    GOLDEN,
    LAST,
    LONG,
    LOOKS,
    TYPED,
    TYPED_LOOKS,
    golden,
    golden_typed,
    look_of,
    read_of,
)
from program import PATIENCE, environment

FORMATS = sorted({name.rpartition(".")[2] for name in LOOKS})
csv.field_size_limit(len(LONG) * 2)


@pytest.mark.parametrize("name", LOOKS)
def test_every_look_is_as_it_was(name):
    assert look_of(name) == golden(name), "if it is wanted: python tests/support/hard_values.py"


@pytest.mark.parametrize("name", TYPED_LOOKS)
def test_what_readers_find_is_as_it_was(name):
    assert read_of(name) == golden_typed(name), (
        "if it is wanted: python tests/support/hard_values.py"
    )


def test_the_golden_files_are_all_there_is():
    assert {path.name for path in GOLDEN.iterdir()} == set(LOOKS)
    assert {path.name.removesuffix(".jsonl") for path in TYPED.iterdir()} == set(TYPED_LOOKS)


# What went in


def given() -> list[dict]:
    """Read the rows with another parser: numbers as they were written, in `<>`."""
    text = b",".join([*FIRST.rows, *LAST.rows]).decode()

    def number(digits):
        return f"<{digits}>"

    text = text.replace("MARK", "\\u")
    return json.loads(f"[{text}]", parse_int=number, parse_float=number)


def test_json_is_what_was_given():
    def number(digits):
        return f"<{digits}>"

    names = [field.name for field in FIELDS]
    expected = [{name: row.get(name) for name in names} for row in given()]
    read = [
        json.loads(line, parse_int=number, parse_float=number)
        for line in golden("jsonl.jsonl").split("\n")[:-1]
    ]
    assert read == expected
    assert json.loads(golden("json.json"), parse_int=number, parse_float=number) == expected


def test_flat_json_loses_nothing():
    """Put back together, objects have all the members given, coded ones as texts.

    What is around a plain value goes.
    """
    for line, row in zip(golden("flatten.jsonl").split("\n")[:-1], given(), strict=True):
        flat = json.loads(line, parse_int="<{}>".format, parse_float="<{}>".format)
        for field in FIELDS:
            name, value = field.name, row.get(field.name)
            found = {
                key.partition(".")[2]: item
                for key, item in flat.items()
                if key.startswith(f"{name}.") and item is not None
            }
            if field.type != "object":
                is_wrapped = isinstance(value, dict) and set(value) == {"value", "extra"}
                assert flat[name] == (value["value"] if is_wrapped else value)
            elif isinstance(value, dict):
                coded = {"value", "value_id"} if name == "kind" else set()
                assert found == {
                    key: item.strip("<>") if key in coded else item
                    for key, item in value.items()
                    if item is not None
                }
            else:
                assert (flat.get(name), found) == (value or None, {})


def plain(value) -> str | None:
    """Return what a cell of a plain value says; `None` for what is not plain."""
    if isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else value.removeprefix("<").removesuffix(">")
    return "".join(rf"\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


PLAIN = ["id", "communication_id", "when", "answered", "text", "cc_12"]
CELLS = [{name: plain(row.get(name)) for name in PLAIN} for row in given()]
READ = [
    ("csv.csv", {}),
    ("newlines-escape.csv", {}),
    ("delimiter-tab.csv", {"delimiter": "\t"}),
    ("tsv.tsv", {"delimiter": "\t", "quoting": csv.QUOTE_NONE}),
    ("excel.csv", {"delimiter": ";"}),
]


def is_given(rows: list[dict], *, change=lambda text: text) -> bool:
    """Tell whether the plain cells are what was given."""
    for expected, row in zip(CELLS, rows, strict=True):
        for name, text in expected.items():
            if text is not None:
                assert row[name].lower() == change(text).lower(), (row["id"], name)
    return True


def unescaped(rows: list[dict]) -> list[dict]:
    def plain(text):
        parts = text.split("\\\\")
        for escape, character in ((r"\t", "\t"), (r"\n", "\n"), (r"\r", "\r")):
            parts = [part.replace(escape, character) for part in parts]
        return "\\".join(parts)

    return [{name: plain(text) for name, text in row.items()} for row in rows]


@pytest.mark.parametrize(("name", "dialect"), READ)
def test_python_reads_what_was_given(name, dialect):
    text = golden(name).removeprefix("\ufeff" if "excel" in name else "")
    rows = list(csv.DictReader(StringIO(text, newline=""), **dialect))
    if "escape" in name or "tsv" in name:
        rows = unescaped(rows)
    if "excel" in name:
        guards = [row["text"] for row in rows if row["text"].startswith("'")]
        assert guards == ["'\r", "'=cmd|' /C calc'!A0"]
        rows = [{name: text.removeprefix("'") for name, text in row.items()} for row in rows]
    assert is_given(rows)


# Other readers


@pytest.fixture
def read(tmp_path):
    """Read a golden file with a program that prints JSON."""

    def run(name, *command):
        path = tmp_path / name
        path.write_bytes(golden(name).encode())
        done = subprocess.run(
            [*command, path],
            env=environment(tmp_path),
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        rows = json.loads(done.stdout.decode(), strict=False)
        return [{name: text or "" for name, text in row.items()} for row in rows]

    return run


CSVJSON = ["csvjson", "-I", "--blanks", "-y", "0", "-z", "40000"]
MILLER = ["mlr", "--infer-none", "--ojson", "--no-auto-unflatten"]


def test_csvkit_reads_what_was_given_but_nul_and_line_breaks(read):
    """It drops NUL, and takes CR for LF; escaped, line breaks pass."""

    def without_nul(text):
        return text.replace("\0", "")

    def as_lf(text):
        return without_nul(text).replace("\r\n", "\n").replace("\r", "\n")

    assert is_given(read("csv.csv", *CSVJSON), change=as_lf)
    assert is_given(unescaped(read("newlines-escape.csv", *CSVJSON)), change=without_nul)


def test_miller_reads_what_was_given_but_cr_lf(read):
    """It takes CR LF in quotes for LF; TSV it reads as it is."""
    rows = read("csv.csv", *MILLER, "--icsv", "cat")
    assert is_given(rows, change=lambda text: text.replace("\r\n", "\n"))
    assert is_given(read("tsv.tsv", *MILLER, "--itsv", "cat"))
