"""Day files of a hundred days, with a column added halfway, are one table for every engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module

import duckdb
import pytest
from examples import README
from program import Watched

from comagic_cli.cli.main import main

SPAN = ("2024-01-01 00:00:00", "2024-04-09 23:59:59")
OFFERED = 1_000  # of which some are chats
HALVES = [
    ("part.parquet", ["2024-01-01", "2024-02-19"], ["communication_id", "call_start_date_time"]),
    (
        "part-2.parquet",
        ["2024-02-20", "2024-04-09"],
        ["communication_id", "call_start_date_time", "call_finish_reason"],
    ),
]
ENGINES = os.environ.get("ENGINES_PYTHON", sys.executable)
"""The interpreter whose packages are the engines."""
RECIPE = re.compile(r"<!-- engines -->\n```python\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a hundred days, the later ones with one column more, and the rows."""
    folder = tmp_path_factory.mktemp("days") / "calls"
    with (
        Watched(OFFERED, span=SPAN, now="2024-05-01 00:00:00") as box,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("COMAGIC_BASE_URL", box.url)
        patch.setenv("COMAGIC_TOKEN", box.token)
        whole = len(box.truth("calls", *SPAN, fields=["communication_id"]))
        for name, (first, last), fields in HALVES:
            words = ["calls", "--from", first, "--till", last]
            words += ["--fields", ",".join(fields), "-o", f"{folder}/date={{date}}/{name}"]
            assert main(words) == 0
    assert len(list(folder.glob("date=*/*.parquet"))) == 100
    return folder, whole


@pytest.fixture(scope="module")
def calls(made):
    return made[0]


@pytest.fixture(scope="module")
def rows(made):
    return made[1]


@pytest.fixture(scope="module")
def named(calls):
    """Return how many rows have a value in the added column, file by file."""
    parquet = import_module("pyarrow.parquet")
    tables = [
        parquet.read_table(file, partitioning=None) for file in calls.glob("*/part-2.parquet")
    ]
    count = sum(len(table) - table["call_finish_reason"].null_count for table in tables)
    assert count
    return count


def test_duckdb(calls, rows, named):
    table = duckdb.sql(f"from read_parquet('{calls}/*/*.parquet', union_by_name = true)")
    counted = table.aggregate(
        "count(*), count(distinct date), count(call_finish_reason)"
    ).fetchall()
    assert counted == [(rows, 100, named)]


def test_the_recipe_for_duckdb_and_pyarrow(calls, rows):
    [block] = RECIPE.findall(README.read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=calls.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(rows)


def needs_engine(name):
    """Skip a test where an engine is missing; in CI that fails."""
    tried = [ENGINES, "-c", f"import {name}"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        assert not os.environ.get("CI"), f"{name} is not installed"
        pytest.skip(f"{name} is not installed")


def test_clickhouse(calls, rows, named):
    needs_engine("chdb")
    query = (
        "select count(), uniq(date), count(call_finish_reason)"
        f" from file('{calls}/*/*.parquet', 'Parquet')"
        " settings schema_inference_mode = 'union', use_hive_partitioning = 1"
    )
    told = subprocess.run(
        [ENGINES, "-c", f"import chdb; print(chdb.query({query!r}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == f"{rows},100,{named}"


SPARK = """
from pyspark.sql import SparkSession
from pyspark.sql.functions import count, countDistinct
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
table = spark.read.option("mergeSchema", "true").parquet({folder!r})
print(*table.agg(count("*"), countDistinct("date"), count("call_finish_reason")).first(), sep=",")
"""


def test_spark(calls, rows, named):
    needs_engine("pyspark")
    if shutil.which("java") is None:
        assert not os.environ.get("CI"), "Java is not installed"
        pytest.skip("Java is not installed")
    told = subprocess.run(
        [ENGINES, "-c", SPARK.format(folder=str(calls))],
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": ENGINES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.strip() == f"{rows},100,{named}", told.stderr[-2000:]


DLT = """
import dlt, duckdb, pyarrow.parquet
from pathlib import Path

@dlt.resource(write_disposition="merge", primary_key="communication_id")
def calls():
    for file in sorted(Path("calls").glob("*/*.parquet")):
        yield pyarrow.parquet.read_table(file, partitioning=None)

for _ in range(2):
    database = dlt.destinations.duckdb("days.duckdb")
    dlt.pipeline("days", destination=database, dataset_name="d").run(calls())
told = duckdb.connect("days.duckdb").sql("select count(*), count(call_finish_reason) from d.calls")
print(*told.fetchall()[0], sep=",")
"""


def test_dlt(calls, rows, named, tmp_path):
    needs_engine("dlt")
    told = subprocess.run(
        [ENGINES, "-c", DLT],
        cwd=calls.parent,
        env=os.environ | {"DLT_DATA_DIR": str(tmp_path), "RUNTIME__DLTHUB_TELEMETRY": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.strip().splitlines()[-1:] == [f"{rows},{named}"], told.stderr[-2000:]
