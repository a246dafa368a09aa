"""An export that was stopped is continued, and ends as if it had not been stopped."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from math import ceil

import pytest
from coverage_marks import unmeasured
from interrupted_exports import (
    ASKED,
    KEPT,
    OLD,
    PAGE,
    ROWS,
    Stopping,
    checkpoint_of,
    go_on,
    keys,
    left,
    service,
    truth,
    unpacked,
)
from odd_pages import calls_for
from program import fault

from comagic_cli.errors import CannotWrite
from comagic_cli.export import resume, stream
from comagic_cli.files.store import UnfinishedFile
from comagic_cli.sandbox.quirks import Arrival, Vanishing

SUFFIXES = ["csv", "tsv", "jsonl", "csv.gz", "jsonl.zst"]
ENDS = {
    "an error": (4, "forbidden", {}),
    "the day's limit": (7, "limit_exceeded", {"detail": "day"}),
    "a network failure": (6, "redirect", {}),
}

STOPS = {
    "Ctrl-C": (KeyboardInterrupt(), 130),
    "a full disk": (CannotWrite("full"), 8),
    "a bug": (KeyError("a bug"), 1),
}


def each_with_each_first(some, others):
    """Pair the first of each list with all of the other list: how a file ends isn't its format."""
    return [(each, others[0]) for each in some] + [(some[0], each) for each in others[1:]]


@pytest.fixture(autouse=True)
def every_page(monkeypatch):
    """Save each page with a checkpoint; test_checkpointing_sink.py tests what a clock decides."""
    monkeypatch.setattr(resume, "MAX_SHARE", float("inf"))


@pytest.fixture
def stop_at(monkeypatch):
    """Let the sink stop at a page."""

    @contextmanager
    def stop(page, error, *, after=False):
        make = stream.make_sink
        with monkeypatch.context() as patch:
            patch.setattr(
                stream, "make_sink", lambda *of: Stopping(make(*of), page, error, after=after)
            )
            yield

    return stop


UNDISTURBED: dict[tuple[str, ...], bytes] = {}


def undisturbed(comagic, box, target, *more) -> bytes:
    """Return the bytes of a run in one piece: every sandbox here has the same rows."""
    form = target.name.split(".")[1]
    if (form, *more) not in UNDISTURBED:
        complete = target.with_name(f"complete.{form}")
        assert comagic(*ASKED, *more, "-o", complete, box=box).code == 0
        UNDISTURBED[form, *more] = complete.read_bytes()
        complete.unlink()
    return UNDISTURBED[form, *more]


@unmeasured
@pytest.mark.parametrize(("suffix", "end"), each_with_each_first(SUFFIXES, list(ENDS)))
def test_what_ends_is_continued(comagic, tmp_path, suffix, end):
    target = tmp_path / f"rows.{suffix}"
    target.write_bytes(OLD)
    code, kind, more = ENDS[end]
    with service(faults=fault(kind, 6, **more)) as box:
        ran = comagic(*ASKED, "-o", target, box=box)
        assert (ran.code, ran.out) == (code, "")
        assert ran.err.endswith(go_on(target))
        assert target.read_bytes() == OLD
        assert left(target) == KEPT
        safe = checkpoint_of(target)["rows"]
        assert safe == PAGE + 4 * (PAGE - 1) - 1
        before = len(box.pages)
        ran = comagic(*ASKED, "-o", target, "--resume", box=box)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        again = 1  # the last row: none of its second
        assert len(box.pages) - before == calls_for(ROWS - safe + again, PAGE)
        assert left(target) == set()
        assert unpacked(target) == undisturbed(comagic, box, target)


@unmeasured
@pytest.mark.parametrize(("suffix", "stop"), each_with_each_first(SUFFIXES, list(STOPS)))
@pytest.mark.parametrize("after", [False, True])
def test_what_stops_in_a_page_is_continued(comagic, tmp_path, stop_at, suffix, after, stop):
    """The page is written in part, as far as can be known: it is asked for again."""
    target = tmp_path / f"rows.{suffix}"
    target.write_bytes(OLD)
    error, code = STOPS[stop]
    with service() as box:
        with stop_at(4, error, after=after):
            ran = comagic(*ASKED, "-o", target, box=box)
        assert ran.code == code
        assert go_on(target) in ran.err
        assert (target.read_bytes(), left(target)) == (OLD, KEPT)
        assert checkpoint_of(target)["rows"] == PAGE + 2 * (PAGE - 1) - 1
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        assert left(target) == set()
        assert unpacked(target) == undisturbed(comagic, box, target)


@unmeasured
@pytest.mark.parametrize(
    ("suffix", "more"),
    [
        ("csv", ["--sort", "communication_date_time:desc"]),
        ("tsv.zst", ["--sort", "communication_date_time:desc"]),
        ("jsonl.gz", ["--sort", "communication_date_time:desc", "--sort", "site_domain_name"]),
        ("csv", ["--max-rows", "133"]),
        ("jsonl.gz", ["--max-rows", "133"]),
        ("tsv.zst", ["--max-rows", "60"]),
    ],
)
def test_every_order_and_cap_stays_over_many_stops(comagic, tmp_path, stop_at, suffix, more):
    target = tmp_path / f"rows.{suffix}"
    with service(max_days=2) as box:
        expected = undisturbed(comagic, box, target, *more)
        code, resume, stops = 1, [], 0
        while code:
            with stop_at(2 if stops % 2 else 3, KeyboardInterrupt()):
                code = comagic(*ASKED, *more, "-o", target, *resume, box=box).code
            resume = ["--resume"]
            stops += 1
        assert stops > 2
        assert unpacked(target) == expected
        assert left(target) == set()


def test_a_file_that_lacks_only_its_name_is_given_that(comagic, tmp_path, monkeypatch):
    target = tmp_path / "rows.csv"
    with service() as box:
        with monkeypatch.context() as patch:
            patch.setattr(UnfinishedFile, "publish", _fail)
            ran = comagic(*ASKED, "-o", target, "--max-rows", "30", box=box)
            assert ran.code == 8
        before = len(box.journal)
        assert comagic(*ASKED, "-o", target, "--max-rows", "30", "--resume", box=box).code == 0
        assert len(box.journal) <= before + 1  # whether more rows of that second are wanted
        assert target.read_bytes().count(b"\n") == 31
        assert left(target) == set()


def _fail(*_):
    raise CannotWrite("full")


def test_pages_of_the_size_of_the_moment(comagic, tmp_path):
    """The page size is no part of the request."""
    target = tmp_path / "rows.csv"
    with service(faults=fault("forbidden", 3)) as box:
        assert comagic(*ASKED, "-o", target, box=box).code == 4
        assert comagic(*ASKED, "-o", target, "--resume", "--page-size", "90", box=box).code == 0
        assert target.read_bytes() == undisturbed(comagic, box, target)


def test_the_report_is_asked_for_once(comagic, tmp_path):
    target = tmp_path / "rows.csv"
    asked = [word for word in ASKED if word not in {"--report-id", "1001"}]
    with service(faults=fault("forbidden", 3)) as box:
        assert comagic(*asked, "-o", target, box=box).code == 4
        assert comagic(*asked, "-o", target, "--resume", box=box).code == 0
        assert box.methods.count("get.reports_list") == 1


# What happens between the runs


@unmeasured
@pytest.mark.parametrize("at", ["start", "2024-10-03 12:00:00", "end"])
@pytest.mark.parametrize("what", [Arrival, Vanishing])
def test_rows_that_come_or_go_meanwhile(comagic, tmp_path, what, at):
    """Nothing that was there all the time is lost, and nothing is doubled."""
    target = tmp_path / "rows.jsonl.zst"
    changes = {"arrivals" if what is Arrival else "vanishings": (what(5, at, 5),)}
    with service(faults=fault("forbidden", 6), **changes) as box:
        before = truth(box)
        assert comagic(*ASKED, "-o", target, box=box).code == 4
        safe = checkpoint_of(target)["rows"]
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        now, written = truth(box), keys(target)
    assert now != before
    assert len(set(written)) == len(written)
    assert set(written[:safe]) <= set(before)
    late = set(now) - set(before) if at == "start" else set()  # behind what was read
    assert set(written) == {*written[:safe], *now} - late


def test_rows_of_one_second_are_all_there(comagic, tmp_path):
    """The last row on disk shares its second with rows that are not."""
    rows = [
        {
            "communication_id": number,
            "communication_type": {"value": "Звонок", "value_id": "call"},
            "communication_date_time": f"2024-10-02 12:00:{number // 35:02}",
        }
        for number in range(100)
    ]
    target = tmp_path / "rows.jsonl"
    with service(data={"communications": rows}, faults=fault("forbidden", 3)) as box:
        assert comagic(*ASKED, "-o", target, box=box).code == 4
        assert checkpoint_of(target)["rows"] == 35
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
    assert keys(target) == [("call", number) for number in range(100)]


def test_equal_rows_without_a_key_are_kept_as_often_as_they_are(comagic, tmp_path):
    rows = [{"lead_date_time": f"2024-10-02 12:00:{number // 20:02}"} for number in range(100)]
    target = tmp_path / "rows.csv"
    asked = ["leads", *ASKED[1:5], "--fields", "lead_date_time", "--page-size", "50"]
    with service(data={"leads": rows}, faults=fault("forbidden", 2, method="get.leads")) as box:
        assert comagic(*asked, "-o", target, box=box).code == 4
        assert comagic(*asked, "-o", target, "--resume", box=box).code == 0
    written = target.read_text().splitlines()[1:]
    assert written == [row["lead_date_time"] for row in rows]


def test_totals_one_too_large_are_believed_before_and_after_the_stop(comagic, tmp_path):
    target = tmp_path / "rows.jsonl"
    with service(max_days=3, total_items="one_more", faults=fault("forbidden", 13)) as box:
        assert comagic(*ASKED, "-o", target, box=box).code == 4
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        assert sorted(keys(target)) == sorted(truth(box))


def test_zst_is_read_by_its_own_tool(comagic, tmp_path):
    target = tmp_path / "rows.csv.zst"
    with service(faults=fault("forbidden", 6)) as box:
        assert comagic(*ASKED, "-o", target, box=box).code == 4
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        expected = undisturbed(comagic, box, target)
    done = subprocess.run(["zstd", "-dc", target], capture_output=True, check=True)
    assert done.stdout == expected


def test_a_file_whose_rows_stay_the_same_is_continued_in_few_calls(comagic, tmp_path):
    target = tmp_path / "rows.csv"
    with service(faults=fault("forbidden", 9)) as box:
        assert comagic(*ASKED, "-o", target, box=box).code == 4
        before = len(box.pages)
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        assert len(box.pages) - before <= ceil((ROWS - 7 * (PAGE - 1)) / PAGE) + 1
