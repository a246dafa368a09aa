"""Rows dealt to the files of their days, each of which appears when it was counted."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import pytest
from outputs import names
from partitioned_sandbox import partitions_of, span
from sinks import text_fields

from comagic_cli.errors import NetworkFailure, RowsMissing
from comagic_cli.files.store import LocalStore
from comagic_cli.formats import partitions
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.partitions import PartitionedSink, merge_periods, open_partitions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.period import Period
from comagic_cli.rows.page import Mark, Page

FIELDS = text_fields("id")


def page(*rows: tuple[str, str], settled=None) -> Page:
    """Make a page of ids and the times they show."""
    data = [f'{{"id":"{id_}"}}'.encode() for id_, _ in rows]
    marks = [Mark(id_, time, b"") for id_, time in rows]
    return Page(data, marks=marks, settled=settled)


def settled(first: str, last: str) -> Page:
    return page(settled=(first, last))


def sink_of(parts, form="jsonl", **more) -> PartitionedSink:
    return PartitionedSink(
        parts, LocalStore(), lambda stream: make_sink(form, stream, FIELDS, FormatOptions()), **more
    )


def deal(parts, *pages: Page | Exception, form="jsonl") -> list[str]:
    """Write pages as an export does; return what was told of the files."""
    told: list[str] = []
    sink = sink_of(parts, form, note=lambda text: told.append(text.rpartition("/")[2]))
    with open_partitions(sink):
        sink.begin()
        try:
            for one in pages:
                if isinstance(one, Exception):
                    raise one
                sink.write(one)
        except RowsMissing:
            sink.end()
            raise
        sink.end()
    return told


def ids(path: Path) -> str:
    return "".join(line[7] for line in path.read_text().splitlines())


THREE = ("2026-10-01", "2026-10-03")
ALL = settled("2026-10-01 00:00:00", "2026-10-03 23:59:59")


def test_rows_go_to_the_days_they_show_and_empty_days_are_files_too(tmp_path):
    parts = partitions_of(tmp_path, *THREE)
    rows = page(("a", "2026-10-01 00:00:00"), ("b", "2026-10-01 23:59:59"))
    more = page(("c", "2026-10-01 23:59:59"), ("d", "2026-10-03 00:00:00"))
    told = deal(parts, rows, more, ALL)
    assert [ids(Path(part.file)) for part in parts] == ["abc", "", "d"]
    assert told == [
        "2026-10-01.jsonl: 3 rows",
        "2026-10-02.jsonl: 0 rows",
        "2026-10-03.jsonl: 1 rows",
    ]
    assert names(tmp_path) == [Path(part.file).name for part in parts]


def test_only_the_rows_that_count_are_dealt(tmp_path):
    parts = partitions_of(tmp_path, *THREE)
    times = ("2026-10-01 09:00:00", "2026-10-01 10:00:00", "2026-10-02 10:00:00")
    deal(parts, page(*zip("abc", times, strict=True)).pick((1, 2)), ALL)
    assert [ids(Path(part.file)) for part in parts] == ["b", "c", ""]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["", "2026-10-02 10:00:00", ""], ["a", "bc", ""]),
        (["2026-10-03 10:00:00", "", "2026-10-02 10:00:00"], ["", "c", "ab"]),
        (["2026-10-02 10:00:00", "2026-10-32 10:00:00", ""], ["", "abc", ""]),
    ],
)
def test_a_row_without_a_readable_time_goes_where_the_row_before_it_went(tmp_path, times, expected):
    parts = partitions_of(tmp_path, *THREE)
    deal(parts, page(*zip("abc", times, strict=True)), ALL)
    assert [ids(Path(part.file)) for part in parts] == expected


def test_a_row_without_a_time_goes_on_to_a_part_that_has_not_its_name_yet(tmp_path):
    parts = partitions_of(tmp_path, *THREE)
    two = settled("2026-10-01 00:00:00", "2026-10-03 01:00:00")
    rest = settled("2026-10-03 01:00:01", "2026-10-03 23:59:59")
    deal(parts, page(("a", "2026-10-01 10:00:00")), two, page(("b", "")), rest)
    assert [ids(Path(part.file)) for part in parts] == ["a", "b", ""]


@pytest.mark.parametrize("late", [("x", "2026-10-01 10:00:00"), ("x", "")])
def test_a_row_that_comes_after_its_file_was_written_is_never_lost_in_silence(tmp_path, late):
    parts = partitions_of(tmp_path, *THREE)
    with pytest.raises(RowsMissing, match="after its file was written"):
        deal(parts, ALL, page(late))


def test_a_day_waits_for_what_neighbouring_windows_may_bring_again(tmp_path):
    parts = partitions_of(tmp_path, *THREE)
    first = settled("2026-10-01 00:00:00", "2026-10-01 23:59:59")
    rest = settled("2026-10-02 00:00:00", "2026-10-03 23:59:59")
    deal(parts, page(("a", "2026-10-01 10:00:00")), first, page(("b", "2026-10-01 23:59:59")), rest)
    assert [ids(Path(part.file)) for part in parts] == ["ab", "", ""]


def test_windows_may_be_settled_from_the_last_to_the_first(tmp_path):
    parts = partitions_of(tmp_path, *THREE)
    told = deal(
        parts,
        settled("2026-10-02 12:00:00", "2026-10-03 23:59:59"),
        settled("2026-10-01 00:00:00", "2026-10-02 11:59:59"),
    )
    assert [text[:10] for text in told] == ["2026-10-03", "2026-10-01", "2026-10-02"]


def test_what_was_not_counted_is_left_incomplete_and_the_rest_is_written(tmp_path):
    parts = partitions_of(tmp_path, "2026-10-01", "2026-10-05")
    (tmp_path / "2026-10-03.jsonl").write_text("old\n")
    rows = page(*((id_, f"2026-10-0{id_} 10:00:00") for id_ in "12345"))
    with pytest.raises(RowsMissing, match="two"):
        deal(
            parts,
            rows,
            settled("2026-10-01 00:00:00", "2026-10-02 23:59:59"),
            settled("2026-10-04 00:00:00", "2026-10-04 23:59:59"),
            RowsMissing("two"),
        )
    assert names(tmp_path) == [
        "2026-10-01.jsonl",
        "2026-10-02.jsonl",
        "2026-10-03.jsonl",
        "2026-10-03.jsonl.incomplete",
        "2026-10-04.jsonl",
        "2026-10-05.jsonl.incomplete",
    ]
    assert (tmp_path / "2026-10-03.jsonl").read_text() == "old\n"
    deal(
        parts[2:],
        page(("3", "2026-10-03 10:00:00")),
        settled("2026-10-03 00:00:00", "2026-10-06 00:00:00"),
    )
    assert names(tmp_path) == [Path(part.file).name for part in parts]


def test_after_any_other_failure_nothing_is_left_but_what_was_whole(tmp_path):
    parts = partitions_of(tmp_path, *THREE, "{date}.csv.gz")
    rows = page(("a", "2026-10-01 10:00:00"), ("b", "2026-10-03 10:00:00"))
    first = settled("2026-10-01 00:00:00", "2026-10-02 10:00:00")
    with pytest.raises(NetworkFailure):
        deal(parts, rows, first, NetworkFailure("gone"), form="csv")
    assert names(tmp_path) == ["2026-10-01.csv.gz"]


def test_rows_of_an_unknown_day_are_in_no_file(tmp_path):
    parts = partitions_of(tmp_path, *THREE)
    with pytest.raises(RowsMissing, match="2 rows have no readable time"):
        deal(parts, page(("a", ""), ("b", "")), ALL)
    assert names(tmp_path) == ["2026-10-01.jsonl.incomplete"]


def test_an_end_without_a_count_is_no_success(tmp_path):
    with pytest.raises(RowsMissing, match="2026-10-02, 2026-10-03: the rows were not counted"):
        deal(partitions_of(tmp_path, *THREE), settled("2026-10-01 00:00:00", "2026-10-01 23:59:59"))


@pytest.mark.parametrize("form", ["json", "csv", "tsv", "table", "jsonl"])
@pytest.mark.parametrize("packing", ["", ".gz"])
def test_files_that_are_closed_and_gone_on_with_are_as_if_they_were_not(
    tmp_path, monkeypatch, form, packing
):
    texts = []
    for folder, most in (("few", 1), ("many", 8)):
        monkeypatch.setattr(partitions, "MAX_OPEN", most)
        parts = partitions_of(tmp_path / folder, *THREE, f"{{date}}.{form}{packing}")
        days = [f"2026-10-0{day} 10:00:00" for day in (1, 2, 3, 1)]
        deal(
            parts,
            page(*zip("abcd", days, strict=True)),
            page(*zip("efgh", days, strict=True)),
            ALL,
            form=form,
        )
        data = [Path(part.file).read_bytes() for part in parts]
        texts.append([gzip.decompress(some) if packing else some for some in data])
    assert texts[0] == texts[1]
    assert b"e" in texts[0][0]


def test_a_file_that_is_written_again_keeps_its_mode_and_a_symlink_its_target(tmp_path):
    [part] = partitions_of(tmp_path, "2026-10-01", "2026-10-01")
    (tmp_path / "elsewhere").write_text("old\n")
    (tmp_path / "elsewhere").chmod(0o640)
    Path(part.file).symlink_to("elsewhere")
    deal([part], page(("a", "2026-10-01 10:00:00")), ALL)
    assert Path(part.file).is_symlink()
    assert ids(tmp_path / "elsewhere") == "a"
    assert Path(part.file).stat().st_mode & 0o777 == 0o640


def test_what_a_killed_run_left_is_replaced(tmp_path):
    [part] = partitions_of(tmp_path, "2026-10-01", "2026-10-01")
    (tmp_path / ".2026-10-01.jsonl.growing").write_text("half a")
    deal([part], page(("a", "2026-10-01 10:00:00")), ALL)
    assert names(tmp_path) == ["2026-10-01.jsonl"]
    assert ids(Path(part.file)) == "a"


def test_spans_that_touch_become_one():
    one, two = span("2026-10-01", "2026-10-02"), span("2026-10-03", "2026-10-04")
    far = span("2026-10-08", "2026-10-09")
    assert merge_periods([one, far], two) == [far, span("2026-10-01", "2026-10-04")]
    apart = Period(two.start + timedelta(seconds=1), two.end)
    assert merge_periods([one], apart) == [one, apart]
