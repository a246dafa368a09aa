"""Days and months: how their files are named, and which of them are written."""

from __future__ import annotations

from datetime import datetime

import pytest
from clocks import clock_of, unasked, utc_of
from partitioned_sandbox import span, template_of
from sinks import text_fields

from comagic_cli.errors import CannotWrite, UsageProblem
from comagic_cli.files.store import LocalStore
from comagic_cli.formats.partitions import make_plan, read_template
from comagic_cli.query.period import Period, has_ended

FIELDS = text_fields("id")


def always(_):
    return True


# Names


@pytest.mark.parametrize(
    ("text", "folder", "below", "first", "second"),
    [
        ("{date}.csv", "", "{date}.csv", "2026-01-30.csv", "2026-01-31.csv"),
        ("a/b-{date}.csv", "a/", "b-{date}.csv", "a/b-2026-01-30.csv", "a/b-2026-01-31.csv"),
        ("/a/{month}.csv.gz", "/a/", "{month}.csv.gz", "/a/2026-01.csv.gz", "/a/2026-02.csv.gz"),
        ("/{date}", "/", "{date}", "/2026-01-30", "/2026-01-31"),
        (
            "calls/date={date}/part.csv",
            "calls/",
            "date={date}/part.csv",
            "calls/date=2026-01-30/part.csv",
            "calls/date=2026-01-31/part.csv",
        ),
        (
            "{date}/calls-{date}.csv",
            "",
            "{date}/calls-{date}.csv",
            "2026-01-30/calls-2026-01-30.csv",
            "2026-01-31/calls-2026-01-31.csv",
        ),
        (
            "{month}/{date}.csv",
            "",
            "{month}/{date}.csv",
            "2026-01/2026-01-30.csv",
            "2026-01/2026-01-31.csv",
        ),
        (
            "{{a}}/{{{date}}}.csv",
            "{a}/",
            "{{{date}}}.csv",
            "{a}/{2026-01-30}.csv",
            "{a}/{2026-01-31}.csv",
        ),
    ],
)
def test_a_name_with_placeholders(text, folder, below, first, second):
    template = template_of(text)
    start = "2026-01-30" if template.daily else "2026-01-01"
    paths = [
        f"{template.folder}{part.file}" for part in template.partitions(span(start, "2026-02-28"))
    ]
    assert (str(template), template.folder, template.below) == (text, folder, below)
    assert paths[:2] == [first, second]


@pytest.mark.parametrize(
    ("text", "path"),
    [("calls.csv", "calls.csv"), ("-", "-"), ("{{date}}.csv", "{date}.csv"), ("a/b/", "a/b/")],
)
def test_a_name_without_placeholders_is_a_path(text, path):
    assert read_template(text) == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{day}.csv", "there is no {day}"),
        ("{}.csv", "there is no {}"),
        ("{0}.csv", "there is no {0}"),
        ("{date}-{year}.csv", "there is no {year}"),
        ("{date:%Y}.csv", "there is no {date}"),
        ("{date!r}.csv", "there is no {date}"),
        ("{date.year}.csv", "there is no {date.year}"),
        ("{date.csv", "a brace stands alone"),
        ("date}.csv", "a brace stands alone"),
        ("{{date}.csv", "a brace stands alone"),
        ("calls/{date}/", "names a folder"),
    ],
)
def test_a_name_that_is_refused(text, message):
    with pytest.raises(UsageProblem) as caught:
        read_template(text)
    assert caught.value.message.startswith(f"-o {text}")
    assert message in caught.value.message
    assert "{date}" in caught.value.hint


def test_templates_in_one_folder_have_notes_and_locks_of_their_own():
    one, other = template_of("a/{date}.csv"), template_of("a/{date}.jsonl")
    assert one.folder == other.folder == "a/"
    assert len({one.note, other.note, one.lock, other.lock}) == 4


def test_months_of_all_lengths_and_the_turn_of_a_year():
    parts = list(template_of("{month}").partitions(span("2023-12-01", "2024-03-31")))
    assert [(part.name, str(part.end)) for part in parts] == [
        ("2023-12", "2023-12-31 23:59:59"),
        ("2024-01", "2024-01-31 23:59:59"),
        ("2024-02", "2024-02-29 23:59:59"),
        ("2024-03", "2024-03-31 23:59:59"),
    ]


# Which are written


def plan_of(folder, *, there=(), now="2026-10-08", since=None, period=None):
    for name in there:
        (folder / f"2026-10-0{name}.csv").touch()
    plan = make_plan(
        template_of(f"{folder}/{{date}}.csv"),
        LocalStore(f"{folder}/"),
        period or span("2026-10-01", "2026-10-09"),
        lambda end: str(end) < now,
        datetime.fromisoformat(since) if since else None,
    )
    return "".join(f"{run[0].name[-1]}-{run[-1].name[-1]} " for run in plan.runs).strip(), plan


@pytest.mark.parametrize(
    ("there", "since", "runs"),
    [
        ("", None, "1-7"),
        ("1234567", None, ""),
        ("145", None, "2-3 6-7"),
        ("1234567", "2026-10-06 00:00:00", "6-7"),
        ("123567", "2026-10-06 00:00:00", "4-4 6-7"),
        ("1234567", "2026-09-01 00:00:00", "1-7"),
    ],
)
def test_what_is_missing_is_written_and_neighbours_together(tmp_path, there, since, runs):
    found, plan = plan_of(tmp_path, there=there, since=since)
    assert found == runs
    assert [part.name[-1] for part in plan.pending] == ["8", "9"]


def test_a_folder_of_that_name_is_told(tmp_path):
    (tmp_path / "2026-10-03.csv").mkdir()
    with pytest.raises(CannotWrite, match=r"03\.csv is a folder"):
        plan_of(tmp_path)


def test_a_file_in_the_place_of_a_folder_is_no_part(tmp_path):
    (tmp_path / "2026-10-01").touch()
    template = template_of(f"{tmp_path}/{{date}}/part.csv")
    plan = make_plan(
        template, LocalStore(template.folder), span("2026-10-01", "2026-10-01"), always, None
    )
    assert len(plan.write) == 1


@pytest.mark.parametrize(
    ("name", "first", "last", "message"),
    [
        ("{date}", "2026-10-01 09:00:00", "2026-10-02 23:59:59", "begins at 2026-10-01 09:00:00"),
        ("{date}", "2026-10-01 00:00:00", "2026-10-02 14:30:59", "ends at 2026-10-02 14:30:59"),
        ("{month}", "2026-08-02 00:00:00", "2026-09-30 23:59:59", "begins at 2026-08-02"),
        ("{month}", "2026-08-01 00:00:00", "2026-09-29 23:59:59", "ends at 2026-09-29"),
        ("{date}", "2026-10-07 09:00:00", "2026-10-08 11:00:00", "begins at 2026-10-07 09:00:00"),
        ("{date}", "2026-10-08 00:00:00", "2026-10-08 11:00:00", None),
        ("{date}", "2026-10-01 00:00:00", "2026-10-08 11:00:00", None),
        ("{month}", "2026-08-01 00:00:00", "2026-10-05 23:59:59", None),
    ],
)
def test_a_period_that_cuts_a_day_or_month_is_refused_unless_that_has_not_ended(
    name, first, last, message
):
    period = Period(datetime.fromisoformat(first), datetime.fromisoformat(last))
    arguments = template_of(name), LocalStore(), period, lambda end: str(end) < "2026-10-08", None
    if message is None:
        assert make_plan(*arguments).pending
        return
    with pytest.raises(UsageProblem, match=message) as caught:
        make_plan(*arguments)
    assert "--from" in caught.value.hint


@pytest.mark.parametrize(
    ("end", "clock", "ended"),
    [
        ("2026-10-05", "2026-10-06 00:00:00 Europe/Moscow", True),
        ("2026-10-05", "2026-10-05 23:59:59 Europe/Moscow", False),
        ("2026-10-05", "2026-10-05 21:00:00 UTC", False),
        # In Havana midnight is shown twice: clocks go back from 01:00 to 00:00 ...
        ("2026-10-31", "2026-11-01 00:30:00 America/Havana", True),
        # ... and in Nuuk they did from Sunday's first midnight to Saturday 23:00.
        ("2024-10-26", "2024-10-26 23:30:00 America/Nuuk again", False),
        ("2024-10-26", "2024-10-27 00:00:00 America/Nuuk", True),
    ],
)
def test_a_day_has_ended_when_its_last_second_will_not_be_shown_again(end, clock, ended):
    now = clock_of(clock)
    assert has_ended(datetime.fromisoformat(f"{end} 23:59:59"), now, utc_of(now)) is ended


def test_the_zone_is_not_asked_for_what_has_ended_everywhere():
    utc = utc_of(clock_of("2026-10-08 12:00:00 UTC"))
    assert has_ended(datetime.fromisoformat("2026-10-05 23:59:59"), unasked, utc)
