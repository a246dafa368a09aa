"""The manifest of an export: what was asked, and what came of it."""

from __future__ import annotations

import hashlib
import json

import pytest
from interrupted_exports import ASKED, OLD, PAGE, ROWS, left, service, truth
from program import fault

from comagic_cli import __version__
from comagic_cli.export import resume


@pytest.fixture
def target(tmp_path):
    return tmp_path / "rows.csv"


@pytest.fixture
def manifest(tmp_path):
    return tmp_path / "rows.csv.manifest.json"


def read(path):
    return json.loads(path.read_bytes())


def check_bytes(told, data):
    assert (told["bytes"], told["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl.gz", "rows.json", "rows.csv.zst"])
def test_an_export_that_is_complete(comagic, tmp_path, manifest, name):
    with service(max_days=4) as box:
        target = tmp_path / name
        ran = comagic(*ASKED, "-o", target, "--manifest", manifest, box=box)
        assert (ran.code, ran.err) == (0, "")
        rows, calls = truth(box), len(box.journal)
        assert box.token not in manifest.read_text()
    told = read(manifest)
    check_bytes(told, target.read_bytes())
    assert (told["comagic_manifest"], told["version"]) == (1, __version__)
    assert (told["state"], told["missing"], told["output"]) == ("complete", "", name)
    assert told["rows"] == ROWS == sum(window["written"] for window in told["windows"])
    assert told["points"] == calls - 1  # one was refused: the window was too long
    assert told["period"] == ["2024-10-01 00:00:00", "2024-10-05 23:59:59"]
    assert told["first"]["key"] == [rows[0][0], str(rows[0][1])]
    assert told["last"]["key"][1] == str(rows[-1][1])
    assert told["first"]["time"] < told["last"]["time"]
    first, second = told["windows"]
    assert (first["from"], second["till"]) == ("2024-09-30 23:59:59", "2024-10-06 00:00:00")
    assert [window["total"] for window in (first, second)] == [
        window["received"] for window in (first, second)
    ]
    assert told["asked"]["report"] == "communications"
    assert told["asked"]["from"] == "2024-10-01"
    assert told["stops"] == []


def test_an_export_to_standard_output(comagic, manifest):
    with service() as box:
        ran = comagic(*ASKED, "-f", "jsonl", "--manifest", manifest, box=box)
    told = read(manifest)
    assert (ran.code, told["output"], told["rows"]) == (0, None, ROWS)
    check_bytes(told, ran.out.encode())


def test_an_export_of_no_rows(comagic, target, manifest):
    with service(data={"communications": []}) as box:
        assert comagic(*ASKED, "-o", target, "--manifest", manifest, box=box).code == 0
    told = read(manifest)
    assert (told["rows"], told["first"], told["last"]) == (0, None, None)
    check_bytes(told, target.read_bytes())


def test_keys_that_may_repeat_are_not_told(comagic, target, manifest):
    rows = [{"lead_date_time": "2024-10-02 12:00:00", "lead_ext_id": "7"}]
    with service(data={"leads": rows}) as box:
        asked = ["leads", *ASKED[1:5], "-o", target, "--manifest", manifest]
        assert comagic(*asked, box=box).code == 0
    assert read(manifest)["first"] == {"time": "2024-10-02 12:00:00", "key": None}


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl.zst"])
def test_an_export_that_was_gone_on_with(comagic, tmp_path, manifest, monkeypatch, suffix):
    """It tells of all its runs: what they wrote, what they cost, and where they were stopped."""
    monkeypatch.setattr(resume, "MAX_SHARE", float("inf"))
    target = tmp_path / f"rows.{suffix}"
    asked = [*ASKED, "-o", target, "--manifest", manifest]
    with service(faults=fault("forbidden", 4, 7)) as box:
        assert comagic(*asked, box=box).code == 4
        assert not manifest.exists()
        assert comagic(*asked, "--resume", box=box).code == 4
        assert comagic(*asked, "--resume", box=box).code == 0
        calls = [call for call in box.journal if call.outcome == "ok"]
        rows = truth(box)
    told = read(manifest)
    check_bytes(told, target.read_bytes())
    assert (told["rows"], told["state"]) == (ROWS, "complete")
    assert told["points"] == len(calls)
    assert [stop["rows"] for stop in told["stops"]] == [
        PAGE + 2 * (PAGE - 1) - 1,  # a file ends where a second does
        PAGE + 4 * (PAGE - 1) - 1,
    ]
    assert told["first"]["key"] == [rows[0][0], str(rows[0][1])]
    assert told["last"]["key"][1] == str(rows[-1][1])
    assert comagic("verify", target, "--manifest", manifest).code == 0


# Rows that are missing


@pytest.mark.parametrize("keep", [False, True])
def test_an_export_that_is_incomplete(comagic, target, manifest, keep):
    target.write_bytes(OLD)
    more = ["--keep-incomplete"] if keep else []
    with service(total_items="three_more") as box:
        ran = comagic(*ASKED, "-o", target, "--manifest", manifest, *more, box=box)
    assert ran.code == 3
    assert ran.err.startswith("comagic: rows are missing: 3 of ")
    assert " 2024-10-06 00:00:00 did not come\n" in ran.err
    name = "rows.csv" if keep else "rows.csv.incomplete"
    assert left(target) == {"{}.manifest.json", *([] if keep else ["{}.incomplete"])}
    assert keep or target.read_bytes() == OLD
    told = read(manifest)
    check_bytes(told, target.with_name(name).read_bytes())
    assert (told["state"], told["output"], told["rows"]) == ("incomplete", name, ROWS)
    assert told["missing"].startswith("rows are missing: 3 of ")
    assert [window["total"] - window["received"] for window in told["windows"]] == [3]


# Where it goes


def test_another_folder(comagic, tmp_path, target):
    (tmp_path / "told").mkdir()
    manifest = tmp_path / "told" / "of.json"
    with service() as box:
        assert comagic(*ASKED, "-o", target, "--manifest", manifest, box=box).code == 0
    assert read(manifest)["output"] == "../rows.csv"


def test_what_can_not_be_written_is_told_before_anything_is_asked(comagic, tmp_path, target):
    with service() as box:
        manifest = tmp_path / "none" / "of.json"
        ran = comagic(*ASKED, "-o", target, "--manifest", manifest, box=box)
        assert (ran.code, box.journal, left(target)) == (8, [], set())
        ran = comagic(*ASKED, "-o", target, "--manifest", "-", box=box)
        assert (ran.code, box.journal) == (2, [])
        assert "--manifest: standard output is for the rows." in ran.err


@pytest.mark.parametrize("at", [1, 3])
def test_an_export_that_fails_leaves_the_old_one(comagic, target, manifest, at):
    manifest.write_bytes(OLD)
    with service(faults=fault("forbidden", at)) as box:
        assert comagic(*ASKED, "-o", target, "--manifest", manifest, box=box).code == 4
    assert manifest.read_bytes() == OLD
