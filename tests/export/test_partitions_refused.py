"""One file a day or month: what is refused, and what is told before anything is asked."""

from __future__ import annotations

import json
import stat
from types import SimpleNamespace

import pytest
from outputs import names
from partitioned_sandbox import ASKED, DAYS, TEN, box_of, exact, visible

from comagic_cli.errors import UsageProblem
from comagic_cli.export.fingerprint import changed_options, differences, read_note, write_note
from comagic_cli.export.options import INCOMPATIBLE
from comagic_cli.export.partitions import check_partitions
from comagic_cli.files.store import LocalStore
from comagic_cli.formats.base import FormatOptions
from comagic_cli.query.catalog import report
from comagic_cli.query.fields import build_request

FIELDS = ["--fields", "communication_id"]


@pytest.fixture
def out(tmp_path):
    """Name a folder that is not there yet."""
    return tmp_path / "out"


@pytest.fixture(scope="module")
def box():
    with box_of() as served:
        yield served


@pytest.fixture
def no_call(box):
    """Hold that no call comes."""
    box.journal.clear()
    yield
    assert box.journal == []


@pytest.fixture
def written(comagic, box, out):
    """Write ten days, and return where their request is told."""
    assert comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", box=box).code == 0
    box.journal.clear()
    [note] = out.glob(".comagic-*.json")
    return note


# Another request


@pytest.mark.parametrize(
    ("more", "differs"),
    [
        (["--fields", "site_name"], "communication_id,communication_date_time,site_name"),
        (["--report-id", "1002"], "--report-id was 1001 and is 1002"),
        (["--user-id", "7"], "--user-id was not given and is 7"),
        (["-f", "csv"], "--format was jsonl and is csv"),
        (
            ["--sort", "communication_date_time:desc"],
            "--sort was not given and is communication_date_time:desc",
        ),
        (["--base-url", "http://127.0.0.1:9/v2.0"], "and is http://127.0.0.1:9/v2.0"),
    ],
)
def test_the_files_of_another_request_are_left_alone(comagic, box, out, written, more, differs):
    before = {path: path.read_bytes() for path in out.iterdir()}
    for anyway in ([], ["--refresh", "all"], ["--dry-run"]):
        ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", *more, *anyway, box=box)
        assert ran.code == 2
        assert "has the files of another request" in ran.err
        assert differs in ran.err
        assert str(written) in ran.err
    assert box.journal == []
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_another_report_is_another_request(comagic, box, out, written):
    days = ["--from", DAYS[0], "--till", DAYS[1], "-o", f"{out}/{{date}}.jsonl"]
    ran = comagic("calls", *days, box=box)
    assert (ran.code, "report was communications and is calls" in ran.err) == (2, True)
    assert written.exists()


@pytest.mark.parametrize(
    "more", [["--page-size", "50"], ["--tz", "Asia/Tokyo"], ["--timeout", "9"], ["-v"]]
)
def test_what_changes_no_row_is_the_same_request(comagic, box, out, written, more):
    assert comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", *more, box=box).code == 0
    assert (box.journal, written.exists()) == ([], True)


def test_names_of_other_kinds_in_one_folder_do_not_meet(comagic, box, out, written):
    assert comagic(*TEN, *FIELDS, "-o", f"{out}/{{date}}.csv", box=box).code == 0
    assert len(visible(out)) == 20
    assert exact(box, out)
    assert written.exists()


def test_the_note_tells_the_request_and_never_the_key(box, written):
    told = json.loads(written.read_text())
    assert told["format"] == 2
    assert told["request"]["report"] == "communications"
    assert told["request"]["base_url"] == box.url
    assert box.token not in written.read_text()


@pytest.mark.parametrize("text", [None, "", "[]", "null", '{"request": {}, "sha256": "0"}', "\x00"])
def test_files_of_which_nothing_is_told_are_not_believed(comagic, box, out, written, text):
    written.unlink() if text is None else written.write_text(text)
    for more in ([], ["--refresh", "all"]):
        ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", *more, box=box)
        assert ran.code == 2
        assert "10 files exist, and" in ran.err
        assert "remove those files" in ran.err
    for path in out.glob("2*"):
        path.unlink()
    assert comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", box=box).code == 0
    assert exact(box, out)


def test_a_note_that_cannot_be_read_is_told(comagic, box, out, written):
    written.unlink()
    written.mkdir()
    ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", box=box)
    assert (ran.code, f"{written} can't be written" in ran.err) == (8, True)


def test_a_request_is_read_as_it_was_kept(tmp_path):
    request = {"fields": ["a", "b"], "where": {"field": "я", "value": None}, "report": "calls"}
    store = LocalStore(f"{tmp_path}/")
    write_note(store, "note", request)
    told = read_note(store, "note")
    assert told is not None
    assert differences(told, request) == ""
    other = request | {"report": "chats", "max_rows": "x" * 99}
    assert differences(told, other) == (
        f"report was calls and is chats; --max-rows was not given and is {'x' * 60}…"
    )


def test_a_look_is_told_by_what_is_not_as_usual():
    assert changed_options(FormatOptions()) == {}
    assert changed_options(FormatOptions(coded_values="id")) == {"coded_values": "id"}


# What does not go together


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--max-rows", "5"], "--max-rows can't be used with"),
        (["--resume"], "--resume can't be used with"),
        (["--manifest", "m.json"], "--manifest can't be used with"),
        (["--keep-incomplete"], "--keep-incomplete can't be used with"),
        (["--sort", "communication_id"], "--sort communication_id: with"),
        (["--from", "2024-10-01 10:00"], "the period begins at 2024-10-01 10:00:00"),
        (["--till", "2024-10-02 10:00"], "the period ends at 2024-10-02 10:00:59"),
        (["--refresh", "3y"], "write 3d, 2w, 1mo or all"),
        (["--refresh", "0d"], "write 3d, 2w, 1mo or all"),
        (["--refresh", "99999d", "--tz", "UTC"], "more than a hundred years back"),
        (["-o", "{day}.csv"], "there is no {day}"),
        (["-o", "{date}.data"], "has no suffix of a known format"),
        (["-o", "plain.csv", "--refresh", "3d"], "--refresh needs {date} or {month}"),
    ],
)
@pytest.mark.usefixtures("no_call")
def test_a_command_line_that_is_refused(comagic, box, out, more, message):
    ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", *more, box=box)
    assert (ran.code, ran.out, message in ran.err) == (2, "", True)
    assert not out.exists()


def test_a_report_without_a_time_has_no_days():
    wish = build_request(report("person-details"), [], [])
    options = SimpleNamespace(output="{date}.csv", **dict.fromkeys(INCOMPATIBLE["partitions"]))
    with pytest.raises(UsageProblem, match="person-details has no time to tell days by"):
        check_partitions(SimpleNamespace(request=wish, options=options))


def test_a_name_with_doubled_braces_is_a_plain_file(comagic, box, tmp_path):
    assert comagic(*TEN, "-o", f"{tmp_path}/{{{{date}}}}.jsonl", box=box).code == 0
    assert (tmp_path / "{date}.jsonl").exists()


# Folders


@pytest.mark.usefixtures("no_call")
def test_a_folder_that_takes_no_files_is_told_before_anything_is_asked(comagic, box, out):
    out.write_text("a file")
    ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", box=box)
    assert (ran.code, f"{out} can't be written: File exists" in ran.err) == (8, True)


def test_a_part_that_cannot_be_written_is_told(comagic, box, out):
    out.mkdir()
    (out / DAYS[4]).write_text("a file")
    ran = comagic(*TEN, "-o", f"{out}/{{date}}/part.jsonl", box=box)
    assert (ran.code, f"{DAYS[4]}/part.jsonl can't be written" in ran.err) == (8, True)
    assert list(out.glob("*/.*")) == []


def test_files_are_as_readable_as_any_new_file(comagic, box, out, written):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [*out.glob("2*"), written]}
    (out / "new").touch()
    assert modes == {stat.S_IMODE((out / "new").stat().st_mode)}
    assert comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", box=box).code == 0


# A dry run


def test_a_dry_run_names_the_files_and_asks_nothing(comagic, box, out, written):
    (out / f"{DAYS[3]}.jsonl").unlink()
    before = names(out)
    ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", "--dry-run", box=box)
    assert (ran.code, box.journal, names(out)) == (0, [], before)
    assert f"would write {out}/{DAYS[3]}.jsonl" in ran.err
    assert "1 to write, 9 exist already" in ran.err
    assert json.loads(ran.out)["params"]["date_from"] == f"{DAYS[2]} 23:59:59"
    assert written.exists()


@pytest.mark.usefixtures("written")
def test_a_dry_run_with_nothing_to_do_prints_no_request(comagic, box, out):
    ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", "--dry-run", "-q", box=box)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.usefixtures("no_call")
def test_a_dry_run_makes_no_folder(comagic, box, out):
    week = [*ASKED, "--period", "7d", "-o", f"{out}/{{date}}.jsonl", "--dry-run"]
    ran = comagic(*week, box=box)
    assert (ran.code, out.exists()) == (0, False)
    assert "7 to write, 0 exist already" in ran.err
    assert "UTC is shown" in ran.err
