"""What is left of an export that was stopped, and what is refused to go on with."""

from __future__ import annotations

import json
import os
from datetime import datetime

import msgspec
import pytest
from interrupted_exports import ASKED, KEPT, OLD, PAGE, checkpoint_of, left, service, truth
from program import fault

from comagic_cli import __version__
from comagic_cli.errors import CannotWrite
from comagic_cli.export.resume import FORMAT, START_AGAIN, Checkpoint, write_checkpoint


@pytest.fixture
def target(tmp_path):
    return tmp_path / "rows.csv"


@pytest.fixture
def box():
    """Serve rows; the third call is refused."""
    with service(faults=fault("forbidden", 3)) as box:
        yield box


@pytest.fixture
def stopped(comagic, target, box):
    """Leave an export of two pages."""
    assert comagic(*ASKED, "-o", target, box=box).code == 4
    assert left(target) == KEPT
    return target


def changed(target, **members):
    """Change members of a checkpoint by hand."""
    path = target.with_name(f".{target.name}.checkpoint")
    path.write_text(json.dumps(checkpoint_of(target) | members))


def refusal(comagic, target, box, *more, asked=ASKED, hint=START_AGAIN) -> str:
    """Go on, and return why that is refused: nothing is asked for, and what is left stays."""
    calls, before = len(box.journal), left(target)
    ran = comagic(*asked, "-o", target, "--resume", *more, box=box)
    first, second = ran.err.splitlines()
    assert (ran.code, ran.out, second) == (2, "", f"  {hint}")
    assert first.startswith("comagic: --resume: ")
    assert (len(box.journal), left(target)) == (calls, before)
    return first.removeprefix("comagic: --resume: ")


def test_a_checkpoint_tells_what_was_asked_and_what_is_there(stopped, box):
    told = checkpoint_of(stopped)
    rows = truth(box)
    part = stopped.with_name(".rows.csv.part").read_bytes()
    assert (told["format"], told["version"]) == (FORMAT, __version__)
    assert told["period"] == ["2024-10-01 00:00:00", "2024-10-05 23:59:59"]
    assert told["asked"]["from"] == "2024-10-01"
    assert told["asked"]["base_url"] == box.url
    assert told["rows"] == 2 * PAGE - 2 == part.count(b"\n") - 1
    assert told["bytes"] == len(part)
    assert told["first"]["key"] == [rows[0][0], str(rows[0][1])]
    assert told["last"]["time"] < told["since"]
    assert (told["points"], told["windows"], told["stops"]) == (2, [], [])
    assert box.token not in json.dumps(told)


def test_a_run_without_resume_begins_anew(comagic, stopped, box):
    assert comagic(*ASKED, "-o", stopped, box=box).code == 0
    assert left(stopped) == set()


def test_a_run_that_fails_before_its_first_row_leaves_what_was_left(comagic, target):
    with service(faults=fault("forbidden", 3, 4, 5)) as box:
        assert comagic(*ASKED, "-o", target, box=box).code == 4
        told = checkpoint_of(target)
        for more in ([], ["--resume"]):
            assert comagic(*ASKED, "-o", target, *more, box=box).code == 4
            assert (left(target), checkpoint_of(target)) == (KEPT, told)
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0


@pytest.mark.parametrize("at", [1, 2])
def test_what_ends_before_a_page_is_written_leaves_nothing(comagic, target, at):
    with service(faults=fault("forbidden", at)) as box:
        ran = comagic(*ASKED, "-f", "csv" if at == 1 else "json", "-o", target, box=box)
        assert (ran.code, left(target)) == (4, set())
        assert "--resume" not in ran.err


@pytest.mark.parametrize("gone", [["part"], ["checkpoint"], ["part", "checkpoint"]])
def test_where_nothing_is_left_it_begins_anew(comagic, stopped, box, gone):
    for ending in gone:
        stopped.with_name(f".rows.csv.{ending}").unlink()
    stopped.write_bytes(OLD)
    ran = comagic(*ASKED, "-o", stopped, "--resume", box=box)
    assert (ran.code, ran.err, left(stopped)) == (0, "", set())
    assert stopped.read_text("utf-8") == comagic(*ASKED, "-f", "csv", box=box).out


# What is refused


OTHERS = [
    (["--sort", "communication_date_time:desc"], "--sort was not given and is communication_dat"),
    (["--max-rows", "100"], "--max-rows was not given and is 100."),
    (["--format", "tsv"], "--format was csv and is tsv."),
    (["--user-id", "7"], "--user-id was not given and is 7."),
    (["--till", "2024-10-04"], "--till was 2024-10-05 and is 2024-10-04."),
    (["--fields", "call_status"], "--fields was communication_id,communication_date_time,commun"),
    (["--report-id", "1002"], "--report-id was 1001 and is 1002."),
]


@pytest.mark.parametrize(("more", "words"), OTHERS)
def test_another_request(comagic, stopped, box, more, words):
    hint = "Type the same as then, or omit --resume to start again."
    said = refusal(comagic, stopped, box, *more, hint=hint)
    assert said.startswith(f"the unfinished export asked for something else: {words}")


def test_another_service(comagic, stopped, box):
    with service() as other:
        ran = comagic(*ASKED, "-o", stopped, "--resume", box=other)
        assert (ran.code, other.journal) == (2, [])
        assert f"--base-url was {box.url} and is {other.url}." in ran.err


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"x" + data[1:]])
def test_a_changed_file(comagic, stopped, box, change):
    part = stopped.with_name(".rows.csv.part")
    part.write_bytes(change(part.read_bytes()))
    assert refusal(comagic, stopped, box) == f"{part} is not as the unfinished export left it."


def test_what_stands_after_the_safe_bytes_is_dropped(comagic, stopped, box):
    part = stopped.with_name(".rows.csv.part")
    part.write_bytes(part.read_bytes() + b"half a row")
    assert comagic(*ASKED, "-o", stopped, "--resume", box=box).code == 0
    assert b"half a row" not in stopped.read_bytes()


def test_another_format(comagic, stopped, box):
    changed(stopped, format=99, version="9.9", rows=None)
    path = stopped.with_name(".rows.csv.checkpoint")
    assert refusal(comagic, stopped, box) == (
        f"{path} is of format 99, by comagic 9.9; this version reads format 3."
    )


@pytest.mark.parametrize("members", [{"report_id": 1002}, {"rows": "many"}, {"period": ["", ""]}])
def test_a_checkpoint_changed_by_hand(comagic, stopped, box, members):
    changed(stopped, **members)
    assert refusal(comagic, stopped, box).endswith("is damaged or was changed by hand.")


def test_a_checkpoint_cut_short(comagic, stopped, box):
    path = stopped.with_name(".rows.csv.checkpoint")
    path.write_bytes(path.read_bytes()[:100])
    assert refusal(comagic, stopped, box).endswith("is damaged or was changed by hand.")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["-o", "-"], "only a file can be resumed; name it with -o FILE."),
        (["-o", "/dev/null"], "only a file can be resumed; name it with -o FILE."),
        (["-f", "json"], "a json file is written whole; only csv, tsv, jsonl can be resumed."),
        (["--sort", "site_domain_name"], "only an export sorted by time can be resumed."),
    ],
)
def test_what_can_not_be_gone_on_with(comagic, target, box, more, words):
    assert refusal(comagic, target, box, *more).startswith(words)


def test_a_relative_period_is_what_it_was_then(comagic, target, box):
    """It is gone on with a day later; that costs no call for the time zone."""

    comagic.stop_clock(datetime.fromisoformat("2024-10-08 12:00:00+03:00"))
    asked = [ASKED[0], "--from", "-7d", *ASKED[5:]]
    assert comagic(*asked, "-o", target, box=box).code == 4
    period = checkpoint_of(target)["period"]
    assert period == ["2024-10-01 00:00:00", "2024-10-08 12:00:00"]
    comagic.stop_clock(datetime.fromisoformat("2024-10-09 12:00:00+03:00"))
    assert comagic(*asked, "-o", target, "--resume", box=box).code == 0
    assert target.read_text().count("\n") == len(truth(box)) + 1
    assert box.methods.count("get.account") <= 1


def test_a_checkpoint_that_can_not_be_written_leaves_the_one_before(stopped, monkeypatch):
    path = stopped.with_name(".rows.csv.checkpoint")
    before = path.read_bytes()
    kept = msgspec.json.decode(before, type=Checkpoint)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left on device"):
        write_checkpoint(path, kept, kept.since, [])
    assert (path.read_bytes(), left(stopped)) == (before, KEPT)
