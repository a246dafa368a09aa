"""The program on a terminal: a table that fits it."""

from __future__ import annotations

import json
import re
from io import BytesIO

import pytest
from coverage_marks import measured
from program import DAYS, PATIENCE, SPAN, Ran, Watched, environment, start
from rich.cells import cell_len
from sinks import page_of
from terminals import Terminal

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import report

FIELDS = "communication_id,communication_type,contact_full_name,communication_page_url,source_name"
EXPORT = ["communications", *DAYS, "--fields", FIELDS]
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def settled(told):
    """Return the lines that stay when the progress is gone; figures that differ are N."""
    stays = re.sub(r"\x1b\[\?25[lh]", "", told).rpartition("\x1b[2K")[2].replace("\n  ", " ")
    return re.sub(r"[\d ]+ left today, \d+\.\d s", " N left today, N s", stays)


def last_line(rows, points=2):
    return f"{rows} rows, 2024-10-01 to 2024-10-05, {points} points spent, N left today, N s.\n"


def show(box, home, columns, *options, stderr=None, **variables):
    """Run an export on a terminal; stderr is another one by default."""
    out, err = Terminal(columns), Terminal(columns)
    environ = environment(home, box, TERM="xterm-256color") | variables
    to = err.end if stderr is None else stderr
    process = start([*EXPORT, *options], environ, stdout=out.end, stderr=to)
    shown, told = out.read(), err.read()  # each ends when the process has
    return Ran(process.wait(PATIENCE), shown, settled(told))


@pytest.fixture(scope="module")
def box():
    with Watched(rows=120) as served:
        yield served


def drawn(box, columns, rows, *, color=True):
    """Draw what a perfect table of the first rows is."""
    texts = box.truth("communications", *SPAN, fields=FIELDS.split(","))
    stream = BytesIO()
    fields = [report("communications").field(name) for name in FIELDS.split(",")]
    sink = make_sink("table", stream, fields, FormatOptions(width=columns, color=color))
    sink.begin()
    sink.write(page_of(*map(json.dumps, texts[:rows])))
    sink.end()
    return stream.getvalue().decode()


def test_a_table_fits_the_terminal(box, tmp_path):
    columns = 100  # test_screens.py has more of them
    ran = show(box, tmp_path, columns, "--max-rows", 10)
    assert (ran.code, ran.err) == (0, last_line(10))
    assert sorted(ran.out.split("\n")) == sorted(drawn(box, columns, 10).split("\n"))
    assert max(cell_len(ESCAPE.sub("", line)) for line in ran.out.split("\n")) <= columns


@pytest.mark.parametrize(
    "options",
    [
        ["--sort", "call_talk_duration:desc"],
        ["--where", "call_talk_duration >= 0"],
        ["--sort", "communication_id", "--where", "call_talk_duration >= 0"],
    ],
)
def test_what_rows_are_sorted_by_or_chosen_by_is_shown(box, tmp_path, options):
    ran = show_columns(box, tmp_path, 80, "calls", *options)
    head = ran.out.partition("─")[0]
    columns = zip(*(line.split("│") for line in head.splitlines()), strict=True)
    names = ["".join(part.strip() for part in column) for column in columns]
    assert ran.code == 0
    assert "call_talk_duration" in names
    assert ("communication_id" in names) is ("communication_id" in options)


def show_columns(box, home, columns, *typed):
    """Run an export on a terminal, which shows the columns that have room."""
    out, err = Terminal(columns), Terminal(columns)
    environ = environment(home, box, TERM="xterm-256color", NO_COLOR="1")
    words = [*typed, *DAYS, "--max-rows", "5"]
    process = start(words, environ, stdout=out.end, stderr=err.end)
    shown, told = out.read(), err.read()
    return Ran(process.wait(PATIENCE), ESCAPE.sub("", shown), settled(told))


def test_rows_of_several_customers_are_said_to_be_sorted_for_each(tmp_path):
    of_all = ["calls", "--sandbox", "--user-id", "all", "--sort", "call_talk_duration:desc"]
    said = "Rows are sorted for each customer, one customer after another.\n"
    assert said in show_columns(None, tmp_path, 200, *of_all).err
    assert said not in show_columns(None, tmp_path, 200, *of_all[:4]).err


def test_fifty_rows_are_shown_by_default_and_the_others_counted(box, tmp_path):
    ran = show(box, tmp_path, 200, **measured())
    more = "50 of 120 rows. For all: --max-rows 120, or -o FILE.\n"
    assert (ran.code, ran.err) == (0, more + last_line(50))
    assert len(re.findall(r"^.{0,8}\d{10}", ran.out, re.MULTILINE)) == 50


@pytest.mark.parametrize(("options", "said"), [(["-q"], ""), (["--max-rows", 50], last_line(50))])
def test_the_count_is_not_shown_where_it_is_not_wanted(box, tmp_path, options, said):
    assert show(box, tmp_path, 200, *options).err == said


def test_nothing_is_printed_where_stderr_is_not_a_terminal(box, tmp_path):
    with (tmp_path / "err").open("w") as err:
        assert show(box, tmp_path, 200, stderr=err).code == 0
    assert (tmp_path / "err").read_text() == ""


def test_what_is_counted_without_a_total(tmp_path):
    with Watched(rows=60, total_items="absent") as box:
        ran = show(box, tmp_path, 200, **measured())
    more = "The first 50 rows. For more: --max-rows N, or -o FILE.\n"
    assert ran.err == more + last_line(50, points=3)  # the list of reports has no total either


def test_a_terminal_without_colour(box, tmp_path):
    ran = show(box, tmp_path, 100, "--max-rows", 10, TERM="dumb")
    assert "\x1b" not in ran.out
    assert sorted(ran.out.split("\n")) == sorted(drawn(box, 100, 10, color=False).split("\n"))


@pytest.mark.parametrize("option", [["-f", "jsonl"], ["-o", "-", "-f", "tsv"]])
def test_other_formats_are_complete_on_a_terminal(box, tmp_path, option):
    ran = show(box, tmp_path, 60, *option)
    rows = 120 + ("tsv" in option)
    assert (ran.code, ran.out.count("\n"), ran.err) == (0, rows, last_line(120, points=3))


def test_a_terminal_of_no_size(box, tmp_path):
    ran = show(box, tmp_path, 0, "--max-rows", 3)
    assert (ran.code, ran.err) == (0, last_line(3))
