"""`comagic verify` of day files: the rows of each beside what the service counts."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pyarrow.parquet
import pytest
from partitioned_sandbox import ASKED, DAYS, TEN, box_of
from program import Watched

CSV = "calls/{date}.csv"


@pytest.fixture
def box():
    with box_of() as box:
        yield box


@pytest.fixture
def run(comagic, tmp_path, monkeypatch, box):
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*words, box=box, **environ):
        return comagic(*words, box=box, **environ)

    return run


@pytest.fixture
def export(run):
    """Export ten days to a name, and return it."""

    def export(name=CSV, *more, asked=TEN):
        ran = run(*asked, "-o", name, *more)
        assert ran.code == 0, ran.err
        return name

    return export


def lines(ran):
    return [line.split() for line in ran.out.splitlines()]


def refused(ran):
    assert (ran.code, ran.out) == (2, "")
    return ran.err


def cut_row(path):
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


FORMS = [
    ("calls/{date}.csv", []),
    ("calls/{date}.csv", ["--header", "none", "--delimiter", "tab"]),
    ("calls/{date}.tsv.zst", []),
    ("calls/{date}.jsonl", []),
    ("{date}.jsonl.gz", []),
    ("calls/date={date}/part.parquet", []),
    ("calls/{month}/{date}.csv.gz", ["--excel", "--header", "title"]),
]


@pytest.mark.parametrize(("name", "more"), FORMS)
def test_each_day_is_counted_by_one_call(run, export, box, name, more):
    export(name, *more)
    calls = len(box.journal)
    ran = run("verify", name)
    assert (ran.code, ran.err, [day for day, *_ in lines(ran)]) == (0, "", DAYS)
    assert all(there == counted for _, there, counted in lines(ran))
    assert sum(int(there) for _, there, _ in lines(ran)) == 300
    assert len(box.journal) - calls == 10


def test_a_day_that_lacks_a_row_is_named(run, export, tmp_path):
    export()
    whole = lines(run("verify", CSV))
    cut_row(tmp_path / "calls" / f"{DAYS[3]}.csv")
    ran = run("verify", CSV)
    day, there, counted = whole[3]
    changed = [day, str(int(there) - 1), counted, "differs"]
    assert (ran.code, lines(ran)) == (3, [*whole[:3], changed, *whole[4:]])
    assert ran.err == (
        f"comagic: {CSV} has other rows than the service on 1 day: {DAYS[3]}\n"
        "  Run the export again: it writes missing files, and others with --refresh all.\n"
    )
    assert run(*TEN, "-o", CSV, "--refresh", "all").code == 0
    assert run("verify", CSV).code == 0


def test_a_missing_day_of_a_period_is_named(run, export, tmp_path):
    export()
    whole = lines(run("verify", CSV))
    for day in (DAYS[2], DAYS[9]):
        (tmp_path / "calls" / f"{day}.csv").unlink()
    ran = run("verify", CSV, "--from", DAYS[1], "--till", DAYS[9])
    expected = [
        [day, "missing", counted, "differs"] if day in (DAYS[2], DAYS[9]) else [day, there, counted]
        for day, there, counted in whole[1:]
    ]
    assert (ran.code, lines(ran)) == (3, expected)
    assert f"on 2 days: {DAYS[2]}, {DAYS[9]}\n" in ran.err


def test_the_last_line_of_a_json_log_says_what_was_counted(run, export, box):
    ran = run("verify", export(), "--log-format", "json", box=box)
    last = json.loads(ran.err.splitlines()[-1])
    told = [last[name] for name in ("rows", "period", "output", "exit_code")]
    period = [f"{DAYS[0]} 00:00:00", f"{DAYS[-1]} 23:59:59"]
    assert told == [sum(int(there) for _, there, _ in lines(ran)), period, CSV, 0]


def test_without_a_period_the_files_that_are_there_are_verified(run, export, tmp_path):
    export()
    whole = lines(run("verify", CSV))
    for day in (DAYS[2], DAYS[9]):
        (tmp_path / "calls" / f"{day}.csv").unlink()
    ran = run("verify", CSV)
    assert (ran.code, lines(ran)) == (0, [*whole[:2], *whole[3:9]])
    assert ran.err == (
        f"comagic: 1 day between {DAYS[0]} and {DAYS[8]} without a file: "
        "name a period to verify them, too\n"
    )


def test_days_that_have_not_ended_need_no_file(comagic, tmp_path):
    name = f"{tmp_path}/{{date}}.csv"
    days = ["--from", DAYS[0], "--till", DAYS[1]]
    comagic.stop_clock(datetime(2024, 10, 2, 12, tzinfo=UTC))
    with box_of() as box:
        assert comagic(*ASKED, *days, "-o", name, box=box).code == 0
        ran = comagic("verify", name, *days, box=box)
    assert (ran.code, [day for day, *_ in lines(ran)]) == (0, DAYS[:1])
    assert f"not yet  {DAYS[1]} has not ended" in ran.err


def test_a_file_of_a_month_is_counted_by_the_month(comagic, tmp_path):
    name = f"{tmp_path}/{{month}}.jsonl"
    span = ("2024-09-01 00:00:00", "2024-10-31 23:59:59")
    months = ["communications", "--report-id", "1001", "--from", "2024-09", "--till", "2024-10"]
    with Watched(300, span=span) as box:
        assert comagic(*months, "-o", name, box=box).code == 0
        ran = comagic("verify", name, box=box)
        cut_row(tmp_path / "2024-09.jsonl")
        cut = comagic("verify", name, box=box)
        half = comagic("verify", name, "--from", "2024-09-03", "--till", "2024-10", box=box)
    assert (ran.code, [month for month, *_ in lines(ran)]) == (0, ["2024-09", "2024-10"])
    assert sum(int(there) for _, there, _ in lines(ran)) == 300
    assert (cut.code, "on 1 month: 2024-09\n" in cut.err) == (3, True)
    assert "{month} writes whole months" in refused(half)


def test_the_filter_of_the_files_is_asked_again(run, export):
    export(CSV, "--where", "communication_type = Чаты")
    ran = run("verify", CSV)
    assert (ran.code, len(lines(ran))) == (0, 10), ran
    assert 0 < sum(int(there) for _, there, _ in lines(ran)) < 300


@pytest.mark.parametrize("name", ["{date}.csv.gz", "{date}.jsonl.zst", "{date}.parquet"])
def test_a_damaged_file_is_named_and_the_others_are_verified(run, export, tmp_path, name):
    export(name)
    path = tmp_path / name.format(date=DAYS[4])
    path.write_bytes(path.read_bytes()[:6] + b"\xff" * 20)
    ran = run("verify", name)
    assert (ran.code, len(lines(ran)), lines(ran)[4][1]) == (3, 10, "damaged")
    assert (path.name in ran.err, f"on 1 day: {DAYS[4]}\n" in ran.err) == (True, True)


def test_an_empty_file_is_damaged_where_a_header_is_due(run, export, tmp_path):
    export()
    (tmp_path / "calls" / f"{DAYS[0]}.csv").write_bytes(b"")
    assert lines(run("verify", CSV))[0][1] == "damaged"


def test_parquet_is_counted_by_its_own_metadata(run, export, tmp_path):
    export("{date}.parquet")
    path = tmp_path / f"{DAYS[0]}.parquet"
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.slice(1), path)
    ran = run("verify", "{date}.parquet")
    rows = table.num_rows
    assert lines(ran)[0] == [DAYS[0], str(rows - 1), str(rows), "differs"]


def test_files_of_several_customers_are_counted_together(comagic, tmp_path):
    name = f"{tmp_path}/{{date}}.csv"
    days = ["--from", DAYS[0], "--till", DAYS[4]]
    with Watched(rows=60, agent=True) as box:
        words = ["communications", *days, "--user-id", "all", "-o", name]
        assert comagic(*words, box=box).code == 0
        ran = comagic("verify", name, box=box)
    assert (ran.code, len(lines(ran))) == (0, 5), ran
    assert sum(int(there) for _, there, _ in lines(ran)) > 60


def test_each_customers_own_files_are_verified_by_their_names(comagic, tmp_path):
    name = f"{tmp_path}/{{user_id}}/{{date}}.csv"
    days = ["--from", DAYS[0], "--till", DAYS[4]]
    with Watched(rows=60, agent=True) as box:
        words = ["communications", *days, "--user-id", "all", "-o", name]
        assert comagic(*words, box=box).code == 0
        users = sorted(path.name for path in tmp_path.iterdir() if path.name.isdigit())
        every = comagic("verify", name, box=box)
        ran = [comagic("verify", f"{tmp_path}/{user}/{{date}}.csv", box=box) for user in users]
    assert "verify one customer's at a time" in refused(every)
    assert len(users) > 1
    assert [(each.code, len(lines(each))) for each in ran] == [(0, 5)] * len(users)


# What can't be verified


def test_formats_whose_rows_can_not_be_counted(run, export):
    for name in ("{date}.xlsx", "{date}.json"):
        export(name)
        message = refused(run("verify", name))
        form = name.rpartition(".")[2]
        assert f"{name}: the rows of {form} files can't be counted\n" in message
        assert "Only those of csv, tsv, jsonl, parquet can." in message


def test_files_without_a_note(run, export, tmp_path):
    export()
    [note] = (tmp_path / "calls").glob(".comagic-*.json")
    note.write_text(json.dumps(json.loads(note.read_text()) | {"sha256": "0"}))
    assert f"calls/{note.name} does not say of which request" in refused(run("verify", CSV))
    assert "does not say of which request" in refused(run("verify", "none/{date}.csv"))


def test_a_note_without_files(run, export, tmp_path):
    export()
    for path in (tmp_path / "calls").glob("*.csv"):
        path.unlink()
    assert "there are no such files" in refused(run("verify", CSV))


def test_files_of_another_service(run, export):
    export()
    with box_of() as other:
        assert "the rows are of http://127.0.0.1:" in refused(run("verify", CSV, box=other))


def test_a_filter_of_json_can_not_be_asked_again(run, export, tmp_path):
    given = {"field": "communication_type", "operator": "=", "value": "Чаты"}
    (tmp_path / "f.json").write_text(json.dumps(given))
    export(CSV, "--filter-json", "f.json")
    assert "--filter-json or --as-saved" in refused(run("verify", CSV))


@pytest.mark.parametrize("option", ["--manifest", "--table"])
def test_options_of_other_outputs(run, option):
    message = f"{option} can't be used with {CSV}\n  Omit {option}.\n"
    assert message in refused(run("verify", CSV, option, "x"))


def test_braces_in_the_name_of_a_single_file(run, tmp_path):
    name = "rows{1}.csv"
    (tmp_path / name).write_text("")
    assert f"{name} has no manifest beside it" in refused(run("verify", name))


# In a bucket


def test_objects_are_verified_as_files_are(run, bucket, tmp_path, monkeypatch):
    name = f"{bucket.url}/calls/{{date}}.csv.gz"
    assert run(*TEN, "-o", name, **bucket.environ).code == 0
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ran = run("verify", name, **bucket.environ)
    assert (ran.code, ran.err, [day for day, *_ in lines(ran)]) == (0, "", DAYS)
    assert sum(int(there) for _, there, _ in lines(ran)) == 300

    key = f"calls/{DAYS[5]}.csv.gz"
    rows = gzip.decompress(bucket.read(key)).splitlines(keepends=True)
    bucket.put(key, gzip.compress(b"".join(rows[:-1])))
    bucket.delete(f"calls/{DAYS[7]}.csv.gz")
    bucket.proxy.requests.clear()
    days = ["--from", DAYS[5], "--till", DAYS[7]]
    cut = run("verify", name, *days, **bucket.environ)
    assert (cut.code, [line[1:2] + line[3:] for line in lines(cut)]) == (
        3,
        [[str(len(rows) - 2), "differs"], [lines(ran)[6][1]], ["missing", "differs"]],
    )
    assert f"on 2 days: {DAYS[5]}, {DAYS[7]}\n" in cut.err
    fetched = [path for verb, path in bucket.proxy.requests if verb == "GET" and ".csv" in path]
    assert len(fetched) == 2  # only what was asked for
