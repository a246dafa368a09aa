"""Parquet: the same schema whatever the rows are, and every value as the service gave it."""

from __future__ import annotations

import json
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest
from partitioned_sandbox import DAYS as PART_DAYS
from partitioned_sandbox import TEN, box_of
from program import DAYS, NOW, SPAN, Watched, fault
from sinks import page_of

from comagic_cli.formats import parquet
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import Field, report, reports

GOLDEN = Path(__file__).parent.parent / "golden" / "parquet.txt"
MOSCOW = ZoneInfo("Europe/Moscow")
ID = Field("communication_id", "string")


def sink_of(fields, stream, **format_options):
    return make_sink("parquet", stream, fields, FormatOptions(**format_options))


def written(fields, *pages, **format_options):
    """Return what is read of a file of some pages."""
    stream = BytesIO()
    sink = sink_of(fields, stream, **format_options)
    sink.begin()
    for page in pages:
        sink.write(page)
    sink.end()
    return pq.ParquetFile(BytesIO(stream.getvalue()))


def schema_of(fields, **format_options):
    return written(fields, **format_options).schema_arrow


def test_the_schema_of_every_report_is_the_one_written_down():
    lines = [
        f"{each.command}.{field.name} {field.type}"
        for each in reports()
        for field in schema_of(each.fields, coded_values="both", zone="Europe/Moscow")
    ]
    assert "\n".join([*lines, ""]) == GOLDEN.read_text()


@pytest.mark.parametrize("enum", ["value", "id"])
def test_an_enum_is_flat_unless_both_are_asked_for(enum):
    fields = [report("communications").field("communication_type")]
    assert [str(field.type) for field in schema_of(fields, coded_values=enum)] == [
        "string",
        "string",
    ]


def test_a_sink_without_a_zone_reads_times_as_utc_and_says_no_zone():
    fields = [report("calls").field("call_start_date_time")]
    read = written(fields, page_of('{"call_start_date_time":"2024-10-01 12:00:00"}')).read()
    assert read["call_start_date_time"].to_pylist() == [datetime(2024, 10, 1, 12)]  # noqa: DTZ001


def test_small_pages_share_a_group_and_large_ones_have_their_own(monkeypatch):
    monkeypatch.setattr(parquet, "MIN_GROUP", 3)
    pages = [page_of(*['{"communication_id":1}'] * size) for size in (1, 1, 2, 5, 1, 1)]
    file = written([ID], *pages)
    groups = [file.metadata.row_group(place) for place in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [4, 5, 2]
    assert {group.column(0).compression for group in groups} == {"ZSTD"}


def plain(value, field):
    """Return a value of the API as it is to be read back."""
    if value in (None, {}) or (isinstance(value, dict) and not any(value.values())):
        return None
    if field.name == "tags":
        return [{"color": None} | item for item in value["items"]]
    if isinstance(value, list):
        return [item_of(item) for item in value]
    if isinstance(value, dict) and field.type == "string":
        extra = json.dumps(value["extra"], ensure_ascii=False, separators=(",", ":"))
        return {"value": value["value"], "extra": extra}
    if isinstance(value, dict):
        values = {name: None if inner is None else text(inner) for name, inner in value.items()}
        return {"id" if name == "value_id" else name: inner for name, inner in values.items()}
    if field.type == "duration" and isinstance(value, str):
        hours, minutes, seconds = map(int, value.split(":"))
        return hours * 3600 + minutes * 60 + seconds
    if field.format == "YYYY-MM-DD":
        return date.fromisoformat(value)
    if field.format == "YYYY-MM-DD hh:mm:ss":
        return datetime.fromisoformat(value).replace(tzinfo=MOSCOW)
    return str(value) if field.type == "string" else value


def item_of(item):
    if not isinstance(item, dict):
        return str(item)
    return next(iter(item.values())) if len(item) == 1 else item


def text(value):
    return json.dumps(value) if isinstance(value, bool) else str(value)


ROUND_TRIPS = ["communications", "calls", "chats", "leads", "deals", "visits", "notifications"]


@pytest.mark.parametrize("command", ROUND_TRIPS)
def test_every_value_comes_back(comagic, tmp_path, command):
    target = tmp_path / "rows.parquet"
    with Watched(rows=80) as box:
        ran = comagic(
            command, *DAYS, "--fields", "@all", "--coded-values", "both", "-o", target, box=box
        )
        fields = report(command).fields
        truth = box.truth(command, *SPAN, fields=[field.name for field in fields])
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    table = pq.read_table(target)
    assert table.num_rows == len(truth) > 0
    assert table["_unfit"].null_count == table.num_rows
    expected = [{field.name: plain(row[field.name], field) for field in fields} for row in truth]
    read = table.drop_columns("_unfit").to_pylist()
    assert sorted(read, key=str) == sorted(expected, key=str)


def test_days_are_one_table_whatever_they_hold(comagic, tmp_path):
    with box_of(data={"communications": []}) as box:
        empty = ["--till", PART_DAYS[1], "--fields", "tags,call_records,visit_date"]
        name = tmp_path / "date={date}" / "part.parquet"
        assert comagic(*TEN, *empty, "-o", name, box=box).code == 0
        assert "get.account" in box.methods
    schemas = {str(pq.read_schema(path)) for path in tmp_path.rglob("*.parquet")}
    assert len(schemas) == 1


def test_a_folder_of_days_is_read_as_one_table(comagic, tmp_path):
    with box_of() as box:
        name = tmp_path / "date={date}" / "part.parquet"
        assert comagic(*TEN, "-o", name, box=box).code == 0
        before = len(box.journal)
        assert comagic(*TEN, "-o", name, "--dry-run", box=box).code == 0
        assert len(box.journal) == before
        differ = comagic(*TEN, "-o", name, "--tz", "Asia/Tokyo", box=box)
        assert (differ.code, "--tz" in differ.err) == (2, True)
        truth = box.truth("communications", *SPAN, fields=["communication_id"])
    found = duckdb.sql(
        f"select count(*), count(distinct date), min(date)::text"
        f" from read_parquet('{tmp_path}/*/*.parquet', hive_partitioning=true)"
        f" where date between '2024-10-01' and '2024-10-05'"
    )
    assert found.fetchall() == [(len(truth), 5, "2024-10-01")]


def test_what_is_broken_off_is_no_file():
    stream = BytesIO()
    sink = sink_of([ID], stream)
    sink.begin()
    sink.write(page_of(*['{"communication_id":1}'] * parquet.MIN_GROUP))
    before = stream.getvalue()
    del sink  # as after an error: the library writes a footer
    assert stream.getvalue() == before
    assert not before.endswith(b"PAR1") or len(before) == 4


def test_a_failed_export_leaves_the_old_file(comagic, tmp_path):
    target = tmp_path / "rows.parquet"
    target.write_bytes(b"old")
    with Watched(rows=60, faults=fault("forbidden", 3)) as box:
        ran = comagic("communications", *DAYS, "--page-size", 20, "-o", target, box=box)
    assert (ran.code, target.read_bytes()) == (4, b"old")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_rows_that_are_missing_leave_a_file_to_look_at(comagic, tmp_path):
    target = tmp_path / "rows.parquet"
    with Watched(rows=10, total_items="one_more") as box:
        ran = comagic("communications", *DAYS, "-o", target, box=box)
    assert ran.code in {0, 3}
    assert pq.read_table(target if ran.code == 0 else f"{target}.incomplete").num_rows == 10


def test_a_value_that_does_not_fit_is_kept(comagic, tmp_path):
    row = {
        "communication_id": 7,
        "communication_type": {"value": "Звонок", "value_id": "call"},
        "communication_date_time": "2024-10-01 10:00:00",
        "visitor_id": 10**20,
        "total_duration": "soon",
        "communication_number": 5,
    }
    asked = "communication_id,visitor_id,total_duration,communication_number"
    target = tmp_path / "rows.parquet"
    with Watched(data={"communications": [row]}, now=NOW) as box:
        ran = comagic("communications", *DAYS, "--fields", asked, "-o", target, box=box)
    assert (ran.code, ran.err) == (0, "")
    [read] = pq.read_table(target).to_pylist()
    unfit = json.loads(read.pop("_unfit"))
    assert read == {
        "communication_id": "7",
        "visitor_id": None,
        "total_duration": None,
        "communication_number": 5,
    }
    assert unfit == {"visitor_id": 10**20, "total_duration": "soon"}
